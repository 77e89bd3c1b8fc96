"""MACs against milliseconds, and the sweep over the catalogue that fills the picture."""

from math import prod

import pandas as pd
import streamlit as st

from lib.architecture import sides, size_text
from lib.digits import rounded, text
from lib.figures.lab_scatter import GROUPS, scatter
from lib.lab import against_macs, catalogue, shipped
from lib.lab.against_macs import FAR, Outlier, Rate, Traits, Typical
from lib.lab.catalogue import Sweep
from lib.lab.lab import lab
from lib.lab.latency_tables import machine
from lib.lab.limits import limits
from lib.records import Latency, Setting
from lib.text import literal, prose
from lib.ui import _, current_palette
from lib.ui.address import moved, plain
from lib.ui.controls import kept
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import say_doubts
from lib.ui.lab.running import POLL, last
from lib.ui.lab.shipped import MACHINES, choose, introduce
from lib.ui.provenance import mark
from lib.ui.visitor import ask_for_key, has_key, visitor

SCOPES = {"families": _("One per family"), "catalogue": _("Whole catalogue")}

number = st.column_config.NumberColumn
TRAITS = {"holds": _("Holds"), "depthwise": number(_("Depthwise, of MACs"), format="percent"),
          "grouped": number(_("Grouped, of MACs"), format="percent"), "gates": _("Gates"), "operations": _("Operations"),
          "macs_per_operation": number(_("MACs an operation"), format="compact"),
          "bytes_per_mac": number(_("Bytes a MAC"), format="%.3f", help=_("Activations written and weights read, in float32."))}
TIMES = {"network": _("Network"), "family": _("Family"), "input_size": _("Input, px"),
         "ms": number(_("Median, ms"), format="%g"),
         "gmacs": number(_("GMACs of a pass"), format="%.3f"), "ms_per_gmac": number(_("ms per GMAC"), format="%g"),
         "factor": number(_("Times the common rate"), format="%g"), "machine": _("Machine")}


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing_scatter", "Question"))
    sweep = catalogue.sweep_of(lab().lines[asked.device.key])
    _controls(asked, sweep)
    running = sweep is not None and sweep.running
    st.fragment(_found, run_every=POLL if running else None)(asked, sweep, running)


def _controls(asked: Asked, sweep: Sweep | None) -> None:
    """What to time, and the buttons that start and stop it; greyed, with the reason, where this server allows no sweep.

    Only the visitor who has begun a sweep stops it, or whoever has the server's key.
    """
    running = sweep is not None and sweep.running
    may_stop = running and (sweep.owner == visitor() or has_key())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scope = st.segmented_control(_("Networks to time"), SCOPES, required=True, format_func=SCOPES.get, disabled=running,
                                     help=_("The first network of every family, or every network."),
                                     **kept("timing_scope", "families"))
        st.button(_("Time the networks"), key="scatter_start", type="primary", icon=":material/play_arrow:", on_click=_start,
                  args=(asked, scope), disabled=running or not limits().catalogue_sweep,
                  help=_("One after another, between other people's runs; it goes on when you leave this page, and all "
                         "visitors share what it finds. It replaces the sweep before."))
        if running and may_stop:
            st.button(_("Stop"), key="scatter_stop", icon=":material/stop:", on_click=lambda: (moved(), sweep.stop()),
                      help=_("Stops it for all visitors; what was found stays."))
    if running and not may_stop:
        st.caption(prose("timing_scatter", "Of another", began=f"{sweep.began:%Y-%m-%d %H:%M}"))
        ask_for_key()
    if not limits().catalogue_sweep:
        st.caption(_("Greyed, as this server does not time the whole catalogue (`catalogue_sweep` in `timing.toml`)."))


def _start(asked: Asked, scope: catalogue.Scope) -> None:
    moved()
    catalogue.start(lab().lines[asked.device.key], asked.setting, scope, visitor())


def _found(asked: Asked, sweep: Sweep | None, was_running: bool) -> None:
    """How far the sweep is, and what is known by now; runs again and again while it goes on."""
    if was_running and not sweep.running:
        st.rerun()
    if was_running:
        st.progress(sweep.share, text=_("{done} of {all} networks: {doing}").format(
            done=sweep.done, all=len(sweep.presets) or "?", doing=plain(sweep.doing)))
    setting = sweep.setting if sweep else asked.setting
    rates = against_macs.rates([*(sweep.found if sweep else ()), *_own(asked, setting)])
    if rates:
        _say_setting(asked, setting, len(rates))
        say_doubts([rate.latency for rate in rates])
        _show_rates(rates, f"{asked.device.name}, {asked.device.host}")
    else:
        _show_shipped(asked)
    if sweep and sweep.failures:
        st.markdown(prose("timing_scatter", "Failures"))
        st.dataframe(pd.DataFrame(sweep.failures.items(), columns=[_("Network"), _("Why")]), hide_index=True,
                     key="scatter_failures")
        mark("measured", plain(asked.device.name))


def _own(asked: Asked, setting: Setting) -> list[Latency]:
    """What this visitor's other runs have found on the device in the same way."""
    outcomes = [outcome for outcome in (last("latency"), last("sweep")) if outcome and outcome.device == asked.device]
    return [latency for outcome in outcomes if outcome.job.setting.model_copy(update={"batch": setting.batch}) == setting
            for latency in outcome.found if latency.batch == setting.batch]


def _show_shipped(asked: Asked) -> None:
    """What is known without a time here: the networks' traits, and a catalogue that comes with the app."""
    st.caption(prose("timing_scatter", "Before"))
    rows = [(label, *_traits(Traits.of(analysis), asked.setting.batch))
            for label, analysis in zip(asked.labels, asked.analyses)]
    st.dataframe(pd.DataFrame(rows, columns=["network", *TRAITS]), hide_index=True, key="scatter_traits",
                 column_config={"network": _("Network"), **TRAITS})
    mark("computed")
    if runs := shipped.catalogues():
        run = choose(runs, "scatter_shipped")
        introduce([run])
        with st.spinner(_("Counting what the networks hold")):
            rates = against_macs.rates(run.found)
        _show_rates(rates, f"{run.device_name}, {run.host}, {run.taken:%Y-%m-%d}")


def _traits(traits: Traits, batch: int) -> tuple:
    return (GROUPS[traits.group][0], traits.depthwise, traits.grouped, traits.gates, traits.operations,
            traits.macs_per_operation, traits.bytes_per_mac(batch))


def _say_setting(asked: Asked, setting: Setting, count: int) -> None:
    more = (_(", channels last") if setting.channels_last else "") + (_(", L2 flushed") if setting.flush_l2 else "")
    st.caption(prose("timing_scatter", "Setting", batch=setting.batch, dtype=setting.dtype, mode=plain(setting.mode), more=more,
                     count=count))
    if setting != asked.setting:
        st.caption(prose("timing_scatter", "Other setting"))


def _show_rates(rates: list[Rate], place: str) -> None:
    """The picture, the families far from their MACs, and the table."""
    outliers, device, batch = against_macs.outliers(rates), plain(place), rates[0].latency.batch
    st.plotly_chart(scatter(rates, outliers, current_palette()), key="scatter_chart", config={"displayModeBar": False},
                    alt=_("Milliseconds against multiply-adds; the table below holds the same."))
    mark("measured", _("times, on {device}; MACs and what networks hold are computed, for images of {sizes} pixels").format(
        device=device, sizes=_sizes(rates)))
    sound = against_macs.sound(rates)
    if len(sound) < len(rates):
        st.caption(prose("timing_scatter", "Left out", unsound=len(rates) - len(sound), all=len(rates)))
    if sound:
        st.markdown(prose("timing_scatter", "Line", rate=f"{against_macs.common(rates):.2g}", far=f"{FAR:g}"))
        _name_outliers(outliers, Typical.of(sound), device)
    shown = pd.DataFrame([
        (rate.latency.label, rate.family.name, rate.latency.input_size,
         *(rounded(value, rate.latency.latency_ms.figures)
           for value in (rate.latency.latency_ms.median, rate.ms_per_gmac, rate.factor)),
         rate.gmacs, MACHINES[machine(rate.latency)], *_traits(rate.traits, batch)) for rate in rates],
        columns=["network", "family", "input_size", "ms", "ms_per_gmac", "factor", "gmacs", "machine", *TRAITS])
    st.dataframe(shown, hide_index=True, key="scatter_table", column_config=TIMES | TRAITS, column_order=[*TIMES, *TRAITS])
    mark("measured", _("as above; the slowest for its MACs comes first"))
    st.download_button(_("Download CSV"), lambda: csv(shown, rates), "macs_against_time.csv", "text/csv", on_click="ignore",
                       key="scatter_csv")


def _sizes(rates: list[Rate]) -> str:
    """The sizes of the networks' images, `224` or `32 to 299`."""
    sizes = sorted({rate.latency.input_size for rate in rates}, key=lambda size: prod(sides(size)))
    least, most = size_text(sizes[0]), size_text(sizes[-1])
    return _("{least} to {most}").format(least=least, most=most) if len(sizes) > 1 else least


def csv(table: pd.DataFrame, rates: list[Rate]) -> str:
    """The table, and beside every row how and where its time was taken."""
    times = [rate.latency for rate in rates]
    taken = pd.DataFrame([{"batch": time.batch, "mode": time.protocol.mode,
                           "repetitions": time.protocol.repetitions, **time.environment,
                           **{f"load_{name}": value for name, value in time.load or ()}} for time in times])
    return pd.concat([table, taken], axis=1).to_csv(index=False)


def _name_outliers(outliers: list[Outlier], typical: Typical, device: str) -> None:
    """The families that are far from their MACs, numbered as in the picture, with what their traces hold."""
    if not outliers:
        st.markdown(prose("timing_scatter", "None far", device=device))
        return
    lines = []
    for index, outlier in enumerate(outliers, 1):
        more = {"family": literal(outlier.family.name), "networks": outlier.networks,
                "network": plain(outlier.middle.latency.label)}
        borne = outlier.middle.latency.latency_ms.figures
        if outlier.factor > 1:
            first = prose("timing_scatter", "Slower", factor=text(outlier.factor, min(borne, 2)), **more)
        else:
            first = prose("timing_scatter", "Faster", factor=f"{rounded(outlier.factor, min(borne, 2)):.0%}", **more)
        said = _reasons(outlier.middle, typical)
        lines.append(f"{index}. " + " ".join([first, *(said[reason] for reason in outlier.reasons or ["unexplained"])]))
    st.markdown("\n".join(lines))
    st.caption(prose("timing_scatter", "Inference"))


def _reasons(rate: Rate, typical: Typical) -> dict[str, str]:
    """A sentence for every reason there may be."""
    own = rate.traits
    moved_bytes = {"own": f"{own.bytes_per_mac(rate.latency.batch):.2g}", "typical": f"{typical.bytes_per_mac:.2g}"}
    macs = {"operations": own.operations, "own": f"{own.macs_per_operation:,.0f}", "typical": f"{typical.macs_per_operation:,.0f}"}
    return {"depthwise": prose("timing_scatter", "Depthwise", share=f"{own.depthwise:.0%}"),
            "grouped": prose("timing_scatter", "Grouped", share=f"{own.grouped:.0%}"),
            "gates": prose("timing_scatter", "Gates", count=own.gates),
            "bytes": prose("timing_scatter", "Bytes", **moved_bytes),
            "few_bytes": prose("timing_scatter", "Few bytes", **moved_bytes),
            "small": prose("timing_scatter", "Small", **macs), "large": prose("timing_scatter", "Large", **macs),
            "unexplained": prose("timing_scatter", "Unexplained")}
