"""Accuracy for time: published accuracies above measured milliseconds, and the best network within a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import inf

import pandas as pd
import streamlit as st

from lib.analysis.atlas import protocols
from lib.analysis.published import turned
from lib.architecture import size_text
from lib.digits import rounded, text
from lib.figures.lab_accuracy import chart
from lib.lab import against_accuracy, shipped
from lib.lab.against_accuracy import Trade, best, most_accurate, round_times
from lib.lab.latency_tables import machine
from lib.records import Latency
from lib.text import literal, prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.controls import kept
from lib.ui.lab import many
from lib.ui.lab.asked import Asked
from lib.ui.lab.shipped import MACHINES
from lib.ui.provenance import mark
from lib.ui.published import protocol_name

number = st.column_config.NumberColumn
COLUMNS = {"network": _("Network"), "best": _("Best trade-off"), "ms": number(_("ms an image"), format="%g"),
           "top1": number(_("Top-1, %"), format="%g"), "top5": number(_("Top-5, %"), format="%g"),
           "macs": number(_("MACs"), format="localized"), "params": number(_("Parameters"), format="localized"),
           "input_size": _("Input, px"), "family": _("Family"), "protocol": _("Protocol"),
           "source": _("Source of the accuracy"), "device": _("Timed on"), "machine": _("Machine")}


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing_accuracy", "Question"))
    kind = asked.device.id.partition(":")[0]
    runs = sorted(shipped.catalogues(), key=lambda run: run.device.partition(":")[0] != kind)  # those of such a device first
    many.show(asked, _show_before, runs, _show_times)


def _show_before(asked: Asked) -> None:
    st.caption(prose("timing_accuracy", "Before"))


def _show_times(times: list[Latency], place: str) -> None:
    """The protocol and the limit, the answer, the picture, what is to be said of it, and the table."""
    chosen, limited = st.columns([3, 2])
    protocol = chosen.segmented_control(
        _("Accuracies by"), protocols(), required=True, format_func=protocol_name,
        help=_("Accuracies that were measured in different ways are not compared."),
        **kept("timing_protocol", protocols()[0], protocols()))
    found = against_accuracy.trades(times, protocol)
    if not found:
        st.markdown(prose("timing_accuracy", "No pair"))
        return
    offered = (*round_times(found), inf)
    within = limited.select_slider(_("At most, ms an image"), offered, help=_("Slower networks are greyed."),
                                   format_func=lambda ms: f"{ms:g}" if ms < inf else _("any"),
                                   **kept("timing_within", inf, offered))
    _answer(found, within)
    st.plotly_chart(chart(found, within, current_palette()), key="chart_accuracy", config={"displayModeBar": False},
                    alt=_("Accuracy above milliseconds an image; the table below holds the same."))
    mark("measured", _("times, on {device}. Accuracies are published, each with its source in the table. MACs and "
                       "parameters are computed, for images of {sizes} pixels").format(
                           device=plain(place), sizes=many.sizes([trade.latency for trade in found])))
    _say(found, times, protocol)
    _show_table(found)


def _answer(found: Sequence[Trade], within: float) -> None:
    """The most accurate network that keeps the limit."""
    if not best(found):
        st.markdown(prose("timing_accuracy", "None sound"))
    elif (winner := most_accurate(found, within)) is None:
        st.markdown(prose("timing_accuracy", "Too slow", limit=f"{within:g}"))
    else:
        latency = winner.latency
        more = {"network": literal(latency.label), "accuracy": f"{winner.top1:g}", "ms": _ms(winner),
                "params": f"{latency.params:,}", "macs": f"{latency.macs:,}", "size": size_text(latency.input_size)}
        st.markdown(prose("timing_accuracy", "Answer", limit=f"{within:g}", **more) if within < inf
                    else prose("timing_accuracy", "Answer of all", **more))


def _ms(trade: Trade) -> str:
    return text(trade.ms, trade.latency.latency_ms.figures)


def _say(found: Sequence[Trade], times: Sequence[Latency], protocol: str) -> None:
    """Which networks no other beats, and what is not in the picture, and why."""
    if ahead := best(found):
        networks = ", ".join(f"**{literal(trade.latency.label)}** ({trade.top1:g} %, {_ms(trade)} ms)" for trade in ahead)
        st.markdown(prose("timing_accuracy", "Best", networks=networks))
    st.caption(prose("timing_accuracy", "Protocol", protocol=protocol_name(protocol)))
    if unsound := sum(not trade.latency.sound for trade in found):
        st.caption(prose("timing_accuracy", "Unsound", unsound=unsound, all=len(found)))
    if without := len(times) - len(found):
        said = [prose("timing_accuracy", "Without", count=without)]
        for knobs, variants in groupby(sorted(against_accuracy.variants(times, protocol), key=turned), turned):
            networks = ", ".join(literal(result.preset) for result in variants)
            said.append(prose("timing_accuracy", "Variants", networks=networks, knobs=literal(knobs)))
        st.caption(" ".join(said))


def _show_table(found: Sequence[Trade]) -> None:
    shown = pd.DataFrame([
        (trade.latency.label, _("best") if trade.best else "", rounded(trade.ms, trade.latency.latency_ms.figures),
         trade.top1, trade.result.top5_accuracy, trade.latency.macs, trade.latency.params, trade.latency.input_size,
         trade.family.name, protocol_name(trade.result.protocol), trade.result.source,
         trade.latency.environment.get("device_name", trade.latency.device), MACHINES[machine(trade.latency)])
        for trade in found], columns=list(COLUMNS))
    st.dataframe(shown, hide_index=True, key="accuracy_table", column_config=COLUMNS)
    mark("measured", _("as above; the fastest comes first"))
    st.download_button(_("Download CSV"), lambda: many.csv(shown, [trade.latency for trade in found]),
                       "accuracy_for_time.csv", "text/csv", on_click="ignore", key="accuracy_csv")
