"""Layer by layer: what every part of one network costs, and what it takes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib import catalog
from lib.analysis import Analysis, traffic
from lib.architecture import size_text
from lib.devices import DTYPES
from lib.digits import text
from lib.figures.lab_layers import roofline, shares
from lib.lab import layer_tables, shipped
from lib.lab.cards import card
from lib.lab.jobs import Job
from lib.lab.layers import CLOSE, LayerTimes
from lib.records import Spread
from lib.text import literal, prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.controls import kept
from lib.ui.lab import running
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import say_doubts
from lib.ui.lab.shipped import choose, introduce
from lib.ui.network import analysis_of
from lib.ui.provenance import mark

LEVELS = {"stage": _("Stages"), "block": _("Blocks"), "layer": _("Layers"), "kind": _("Kinds")}
MOST_BARS = 24
"""Parts that are drawn; the others are in the table."""


def show(asked: Asked) -> None:
    """The panel: the computed costs of the first network, and beside them what its last run has measured."""
    network = asked.networks[0]
    st.markdown(prose("timing_layers", "Intro", network=plain(network.label)))
    if len(asked.networks) > 1:
        st.caption(prose("timing_layers", "First network", network=plain(network.label)))
    outcome = None
    if asked.setting.mode != "eager":
        st.info(prose("timing_layers", "Eager only", mode=asked.setting.mode))
    else:
        job = Job(kind="layers", networks=(network,), setting=asked.setting)
        outcome = running.run_panel("layers", asked, job, _("Time the layers"),
                                    _("Times every operation of the first network, and the peaks of the device."))
    if outcome and outcome.found:
        _show_times(outcome.found[-1])
        return
    if runs := shipped.of_network("layers", network):
        run = choose(runs, "layers_shipped")
        introduce([run])
        _show_times(run.found[-1])
        return
    st.info(prose("timing_layers", "Before a run", device=plain(asked.device.name)))
    if names := [run.networks[0].label for run in shipped.runs("layers")]:
        st.caption(prose("timing_shipped", "Layers of others", names=plain(", ".join(dict.fromkeys(names)))))
    _parts(asked.analyses[0], asked.setting.batch, DTYPES[asked.setting.dtype].itemsize, None)


def _show_times(times: LayerTimes) -> None:
    """All that a record holds."""
    analysis = analysis_of(times.preset, catalog.configure(times.preset, times.changed))
    _totals(analysis, times)
    _parts(analysis, times.batch, DTYPES[times.dtype].itemsize, times)
    _roofline(analysis, times)


def _totals(analysis: Analysis, times: LayerTimes) -> None:
    """What was timed, whether the layers add up to the whole, why not, and what the stopwatch adds. Of times that are not
    sound nothing is said but themselves."""
    facts = times.environment
    say_doubts([times])
    st.markdown(prose("timing_layers", "What was timed", network=plain(times.label), batch=times.batch, size=size_text(times.input_size),
                      dtype=times.dtype, device=plain(str(facts["device_name"])), threads=facts["threads"],
                      repetitions=times.protocol.repetitions))
    told = {"operations": len(times.names), "sum": text(times.net_ms, times.figures_of(analysis.ops)),
            "whole": _median(times.spread), "ratio": f"{times.ratio:.0%}", "close": f"{CLOSE:.0%}",
            "passes": _("passes whose commands all lie ready on the GPU") if times.ready_ms
            else _("passes without the stopwatch")}
    if not times.sound:
        st.markdown(prose("timing_layers", "Sum", **told))
    elif times.adds_up:
        st.success(prose("timing_layers", "Adds up", **told))
    else:
        st.warning(prose("timing_layers", "Does not add up", **told) + " " + _because(times))
    more = {"each": _number(times.stopwatch_us), "overhead": _number(times.all_stopwatch_ms),
            "watched": _median(times.watched_ms), "between": _number(times.between_ms)}
    st.markdown(prose("timing_layers", "Overhead on a GPU", whole=_median(times.whole_ms), **more) if times.ready_ms else
                prose("timing_layers", "Overhead", **more))
    mark("measured", _("{place}; {clock}; {how}; {warm_up} passes to warm up").format(
        place=_place(times), clock=plain(times.protocol.clock), how=plain(times.protocol.synchronised),
        warm_up=times.protocol.warm_up))


def _because(times: LayerTimes) -> str:
    """Why the layers do not add up to the whole."""
    reason, gap = times.reason, _number(times.gap_ms)
    part = _number(times.gap_parts[reason])
    if reason == "events":
        return prose("timing_layers", "Because of events", overhead=_number(times.all_stopwatch_ms))
    if reason == "between":
        return prose("timing_layers", "Because of Python", gap=gap, between=part, operations=len(times.names),
                     each=_number(times.between_us))
    if reason == "interruptions":
        return prose("timing_layers", "Because of interruptions", gap=gap, part=part,
                     together=_median(times.together_ms))
    if reason == "stopwatch":
        return prose("timing_layers", "Because of stopwatch", gap=gap, overhead=part)
    return prose("timing_layers", "Because of drift", gap=gap, part=part, watched=_median(times.watched_ms),
                 whole=_median(times.whole_ms))


def _parts(analysis: Analysis, batch: int, size: int, times: LayerTimes | None) -> None:
    """The parts at the chosen level as bars and as a table, to download."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    level = left.segmented_control(_("Rows"), list(LEVELS), required=True, format_func=LEVELS.get,
                                   help=_("What one row of the chart and the table is."), **kept("layers_level", "block"))
    right.download_button(
        _("Download CSV"), lambda: layer_tables.csv(analysis, times) if times else
        traffic.table(analysis, "layer", batch, size).to_csv(index=False), f"{analysis.preset}_layers.csv", "text/csv",
        key="layers_csv", on_click="ignore", width="stretch", help=_("Every layer with every column."))
    rows = layer_tables.timed_table(analysis, level, times) if times else traffic.table(analysis, level, batch, size)
    drawn = layer_tables.largest(rows, MOST_BARS)
    st.markdown(prose("timing_layers", "Bars"))
    if len(drawn) < len(rows):
        st.caption(prose("timing_layers", "Longest", all=len(rows), shown=len(drawn)))
    st.plotly_chart(shares(drawn, current_palette()), key="layers_shares", config={"displayModeBar": False},
                    alt=_("Shares of time, MACs and bytes moved by part of the network; "
                          "the table below holds the same numbers."))
    _say_source(analysis, batch, times)
    _table(rows, "layers_table")
    _say_source(analysis, batch, times)


def _say_source(analysis: Analysis, batch: int, times: LayerTimes | None) -> None:
    if times:
        mark("measured", _("the time and speed, on {place}; MACs, bytes and intensity are computed, batch {batch} of {size} "
                           "pixels").format(place=_place(times), batch=batch, size=analysis.image))
    else:
        mark("computed", _("batch {batch} of {size} pixels; bytes as if each tensor were read or written once").format(
            batch=batch, size=analysis.image))


def _table(rows: pd.DataFrame, key: str) -> None:
    number, share = st.column_config.NumberColumn, st.column_config.ProgressColumn
    columns = {
        "part": st.column_config.TextColumn(_("Part"), pinned=True), "stage": _("Stage"), "kind": _("Kind"),
        "operations": number(_("Operations")),
        "ms": number("ms", format="%g", help=_("The sum of the medians of its operations.")),
        "ms_share": share(_("% of time"), format="percent", max_value=1),
        "macs": number(_("MACs"), format="localized", help=_("Of all images of the batch.")),
        "macs_share": share(_("% of MACs"), format="percent", max_value=1),
        "bytes": number(_("Bytes moved"), format="localized", help=_("Inputs, outputs and weights, each once; 0 for a view.")),
        "bytes_share": share(_("% of bytes"), format="percent", max_value=1),
        "flops": number("FLOPs", format="localized", help=_("Two for a MAC, one for any other operation.")),
        "intensity": number(_("FLOPs a byte"), format="%.2f", help=_("Arithmetic intensity; empty where nothing moves.")),
        "speed": number("GFLOP/s", format="%g", help=_("Achieved: FLOPs by the time.")),
        "roof": number(_("Roof, GFLOP/s"), format="%g", help=_("The most that the measured peaks allow at this intensity.")),
        "memory_ms": number(_("Memory-bound, ms"), format="%g", help=_("Time in layers that memory limits.")),
        "limit": _("Limit")}
    st.dataframe(rows, key=key, hide_index=True, height=min(390, 38 + 35 * len(rows)), column_config=columns,
                 column_order=[name for name in columns if name in rows])


def _roofline(analysis: Analysis, times: LayerTimes) -> None:
    """Every layer under the roof of the device."""
    rows, peaks = layer_tables.timed_table(analysis, "layer", times), times.peaks
    seen = layer_tables.under_the_roof(rows)
    st.subheader(_("The roofline"), anchor=False)
    st.markdown(prose("timing_layers", "Roofline", peak=_number(peaks.gflop_per_second), side=peaks.matrix_side,
                      bandwidth=_number(peaks.gigabytes_per_second), copied=_number(peaks.copied_megabytes),
                      ridge=_number(peaks.ridge)))
    st.plotly_chart(roofline(rows, peaks.flop_per_second, peaks.bytes_per_second, current_palette()), key="layers_roofline",
                    config={"displayModeBar": False},
                    alt=_("Achieved GFLOP/s of every layer over its arithmetic intensity, under the device's roof; "
                          "the table below holds the same numbers."))
    mark("measured", _("{place}, the peaks in the same run; the intensity is computed, batch {batch} of {size} pixels").format(
        place=_place(times), batch=times.batch, size=analysis.image))
    if sheet := card(str(times.environment["device_name"])):
        compute, memory = sheet.teraflop_per_second(times.dtype), sheet.gigabytes_per_second
        st.markdown(prose("timing_layers", "Data sheet", card=sheet.card, compute=f"{1e3 * compute:,.0f}", dtype=times.dtype,
                          memory=f"{memory:,.0f}", of_compute=f"{peaks.gflop_per_second / 1e3 / compute:.0%}",
                          of_memory=f"{peaks.gigabytes_per_second / memory:.0%}"))
        mark("published", literal(sheet.source))
    st.markdown(prose("timing_layers", "Limits", memory=seen.memory, memory_share=f"{seen.memory_share:.0%}",
                      compute=seen.compute, compute_share=f"{seen.compute_share:.0%}", silent=seen.silent,
                      silent_ms=_number(seen.silent_ms)))
    if seen.above:
        st.markdown(prose("timing_layers", "Above the roof", count=seen.above, times=f"{seen.farthest:.0%}",
                          layer=plain(seen.farthest_layer)))
    with st.expander(_("Every layer of the roofline as a table")):
        _table(rows[["part", "kind", "ms", "flops", "bytes", "intensity", "speed", "roof", "limit"]], "layers_roofline_table")
        _say_source(analysis, times.batch, times)


def _number(value: float) -> str:
    """Three figures, or all before the point: `0.0123`, `4.56`, `1,234`."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _place(times: LayerTimes) -> str:
    """Where they were taken."""
    return plain(", ".join(str(times.environment.get(name, _("unknown"))) for name in ("device_name", "host")))


def _median(spread: Spread) -> str:
    """The median with the figures that it bears."""
    return text(spread.median, spread.figures)
