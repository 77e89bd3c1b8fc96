"""Latency and throughput against batch size, and the batch from which on the device is saturated."""

import pandas as pd
import streamlit as st

from lib.figures import lab_sweep
from lib.lab.against_macs import NEARLY_ALL, Saturation, batches, curves, gmacs, saturation
from lib.lab.jobs import Job
from lib.lab.limits import limits
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import moved, plain
from lib.ui.controls import show_value
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import COLUMNS, csv, table_of
from lib.ui.lab.running import Outcome, run_panel
from lib.ui.provenance import mark

USUAL = 32
"""The largest batch of a sweep, until another is chosen."""


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing_sweep", "Question"))
    tried = batches(_choose_largest())
    job = Job(kind="latency", networks=asked.networks, setting=asked.setting, batches=tried)
    outcome = run_panel("sweep", asked, job, _("Run the sweep"), _("Measures the networks above at every batch of the sweep."))
    if outcome and outcome.found:
        _show_found(outcome)
    else:
        _show_work(asked, tried)


def _choose_largest() -> int:
    """The control of the largest batch; its value outlives the tab."""
    state, offered = st.session_state, batches(limits().largest_batch)

    def keep() -> None:
        moved()
        state["timing_largest"] = state["timing_largest_batch"]
    show_value("timing_largest_batch", state.setdefault("timing_largest", USUAL if USUAL in offered else offered[-1]))
    return st.select_slider(_("Largest batch"), offered, key="timing_largest_batch", on_change=keep,
                            help=_("The sweep takes the powers of two from 1 to this. The batch above is for the other tabs."))


def _show_work(asked: Asked, tried: tuple[int, ...]) -> None:
    """What is known without a run."""
    st.caption(prose("timing_sweep", "Before"))
    st.dataframe(pd.DataFrame(
        [(batch, *(gmacs(analysis.macs, batch) for analysis in asked.analyses)) for batch in tried],
        columns=[_("Batch"), *(_("{network}, GMACs").format(network=label) for label in asked.labels)]),
        hide_index=True, key="sweep_work")
    mark("computed", _("multiply-adds of one pass over the batch"))


def _show_found(outcome: Outcome) -> None:
    found = curves(outcome.found)
    saturations = {name: saturation(curve) for name, curve in found.items()}
    for name, reached in saturations.items():
        st.markdown(_verdict(name, reached, outcome.device.name))
    st.caption(prose("timing_sweep", "Saturation", enough=f"{NEARLY_ALL:.0%}"))
    device = plain(f"{outcome.device.name}, {outcome.device.host}")
    left, right = st.columns(2)
    with left:
        st.plotly_chart(lab_sweep.throughput(found, saturations, current_palette()), key="sweep_throughput",
                        config={"displayModeBar": False},
                        alt=_("Images a second against the batch; the table below holds the same."))
        mark("measured", device)
    with right:
        st.plotly_chart(lab_sweep.latency(found, current_palette()), key="sweep_latency",
                        config={"displayModeBar": False},
                        alt=_("Milliseconds against the batch; the table below holds the same."))
        mark("measured", _("{device}; bars from the 10th to the 90th percentile").format(device=device))
    latencies = [latency for curve in found.values() for latency in curve]
    precise = {name: st.column_config.NumberColumn(COLUMNS[name], format="%.3f") for name in ("median", "p10", "p90", "gmacs")}
    st.dataframe(table_of(latencies), hide_index=True, column_config=COLUMNS | precise, key="sweep_table")
    mark("measured", device)
    st.download_button(_("Download CSV"), lambda: csv(latencies), "batch_sweep.csv", "text/csv", on_click="ignore",
                       key="sweep_csv")


def _verdict(name: str, reached: Saturation, device: str) -> str:
    more = {"network": plain(name), "device": plain(device), "best": f"{reached.best:,.1f}"}
    if reached.batch is None:
        return prose("timing_sweep", "Not saturated", largest=reached.largest, **more)
    return prose("timing_sweep", "Saturated", batch=reached.batch, best_batch=reached.best_batch, **more)
