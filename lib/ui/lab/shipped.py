"""Runs that come with the app, shown as what they are where the visitor has measured nothing yet."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.digits import rounded
from lib.figures.lab_stored import Series, side_by_side
from lib.lab import shipped
from lib.lab.latency_tables import machine
from lib.lab.store import Run
from lib.records import Latency, Network
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.controls import kept
from lib.ui.lab.asked import Asked
from lib.ui.provenance import mark

MACHINES = {"quiet": _("quiet"), "busy": _("busy"), "scattered": _("quiet, times scatter"), "unknown": _("unknown")}


def introduce(runs: Sequence[Run]) -> None:
    """That these were not measured here, and where, when and how they were."""
    lines = dict.fromkeys((prose("timing_shipped", "Run", device=plain(run.device_name), host=plain(run.host),
                                 date=f"{run.taken:%Y-%m-%d}", note=plain(run.note)) for run in runs))
    st.info(prose("timing_shipped", "Shipped") + "\n" + "\n".join(f"- {line}" for line in lines), icon=":material/inventory_2:")


def not_here(runs: Sequence[Run]) -> str:
    """Where and when such runs were taken, for the mark of a figure."""
    places = dict.fromkeys(", ".join((run.device_name, run.host, f"{run.taken:%Y-%m-%d}")) for run in runs)
    return _("not here: {places}").format(places="; ".join(places))


def choose(runs: Sequence[Run], key: str) -> Run:
    """One of several runs."""
    names = {run.id: f"{run.device_name}: {shipped.way(run)}" for run in runs}
    if len(runs) == 1:
        return runs[0]
    chosen = st.selectbox(_("Shown run"), list(names), format_func=names.get, **kept(key, runs[0].id, names),
                          help=_("Runs that come with the app, of several devices and ways to run."))
    return next(run for run in runs if run.id == chosen)


def latencies(asked: Asked) -> None:
    """The networks of the page on every device of which runs come with the app, each as near to the setting as there is."""
    networks = [Network(preset=preset) for preset in dict.fromkeys(network.preset for network in asked.networks)]
    found = shipped.nearest(networks, asked.setting)
    if not found:
        st.caption(prose("timing_shipped", "None"))
        return
    runs = [run for run, _latencies in found]
    place = not_here(runs)
    introduce(runs)
    if any(network.changed for network in asked.networks):
        st.caption(prose("timing_shipped", "As in the catalogue"))
    series = [Series.of(f"{run.device_name}, {run.host}", [latency.label for latency in own], own) for run, own in found]
    st.plotly_chart(side_by_side(series, current_palette()), key="shipped_chart", config={"displayModeBar": False},
                    alt=_("Median latency with its spread, by network and device; the table below holds the same numbers."))
    mark("measured", plain(place))
    if len({shipped.how(latency) for _run, own in found for latency in own}) > 1:
        st.caption(prose("timing_shipped", "Not alike"))
    number = st.column_config.NumberColumn
    st.dataframe(pd.DataFrame([_row(run, latency) for run, own in found for latency in own]), hide_index=True,
                 key="shipped_table", column_config=dict.fromkeys(TIMES, number(format="%g")) | {
                     _("Images/s"): number(format="localized")})
    mark("measured", plain(place))


TIMES = (_("Median, ms"), _("10th percentile, ms"), _("90th percentile, ms"))


def _row(run: Run, latency: Latency) -> dict[str, object]:
    spread = latency.latency_ms
    times = [rounded(value, spread.figures) for value in (spread.median, spread.p10, spread.p90)]
    return {_("Network"): latency.label, _("Device"): run.device_name, _("Input, px"): latency.input_size,
            _("Run as"): shipped.how(latency),
            **dict(zip(TIMES, times)), _("Images/s"): rounded(latency.throughput, spread.figures),
            _("Machine"): MACHINES[machine(latency)]}
