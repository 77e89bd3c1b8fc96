"""Latency: the chosen networks at one batch size, every repetition shown."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.figures.lab_latency import repetitions
from lib.lab.doubts import doubts, remarks
from lib.lab.jobs import Job
from lib.lab.latency_tables import as_json, csv, table
from lib.records import Latency, Timed
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.lab import shipped
from lib.ui.lab.asked import Asked
from lib.ui.lab.running import run_panel
from lib.ui.lab.shipped import MACHINES
from lib.ui.provenance import mark

number = st.column_config.NumberColumn
COLUMNS = {
    "network": _("Network"), "batch": _("Batch"), "input_size": _("Input, px"),
    "place": st.column_config.TextColumn(_("Place"), help=_("Where the 10th to 90th percentiles overlap, chance may decide.")),
    "median": number(_("Median, ms"), format="%g"), "p10": number(_("10th percentile, ms"), format="%g"),
    "p90": number(_("90th percentile, ms"), format="%g"), "throughput": number(_("Images/s"), format="localized"),
    "gflops": number(_("Achieved GFLOP/s"), format="localized"), "gmacs": number(_("GMACs an image"), format="%.3f"),
    "memory": number(_("Peak memory, MB"), format="localized"), "machine": _("Machine")}
"""Numbers of repetitions are shown with the digits that they bear, and no zeros behind them."""


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing", "Latency"))
    outcome = run_panel("latency", asked, Job(kind="latency", networks=asked.networks, setting=asked.setting), _("Run"),
                        _("Measures the networks above on this device."))
    if outcome and outcome.found:
        show_latencies(outcome.found, "latency")
    else:
        shipped.latencies(asked)


def say_doubts(records: Sequence[Timed]) -> None:
    """Why nothing follows from times, if that is so, and what else is to be said of their repetitions."""
    if against := doubts(records):
        st.warning(plain(" ".join(against)))
    if said := remarks(records):
        st.caption(plain(" ".join(said)))


def show_latencies(latencies: list[Latency], key: str) -> None:
    """Dots, table, protocol and downloads."""
    say_doubts(latencies)
    st.plotly_chart(repetitions(latencies, current_palette()), key=f"{key}_dots", config={"displayModeBar": False},
                    alt=_("Milliseconds of every repetition; the table below holds their middle and spread."))
    device = f"{latencies[0].environment['device_name']}, {latencies[0].environment['host']}"
    mark("measured", plain(device))
    show_rows(table(latencies), f"{key}_table")
    mark("measured", plain(device))
    for latency in latencies:
        with st.expander(_("How {network} was measured").format(network=plain(latency.label))):
            st.markdown(protocol(latency))
    with st.container(horizontal=True):
        st.download_button(_("Download CSV"), lambda: csv(latencies), "timing.csv", "text/csv",
                           on_click="ignore", key=f"{key}_csv")
        st.download_button(_("Download JSON"), lambda: as_json(latencies), "timing.json", "application/json",
                           on_click="ignore", key=f"{key}_json")


def show_rows(rows: pd.DataFrame, key: str) -> None:
    """Rows of `table`; without places where there are none."""
    shown = [name for name in COLUMNS if name != "place" or rows["place"].any()]
    st.dataframe(rows.assign(machine=rows["machine"].map(MACHINES)), hide_index=True, column_config=COLUMNS,
                 column_order=shown, key=key)


def protocol(latency: Latency) -> str:
    """Warm-up, repetitions, synchronisation and device, in words."""
    how, where = latency.protocol, latency.environment
    return prose("timing", "How", clock=plain(how.clock), synchronised=plain(how.synchronised),
                 warm_up=how.warm_up, repetitions=how.repetitions, mode=plain(how.mode),
                 stable=_("stable at its end") if how.stable else _("not yet stable at its end"),
                 beside=plain(", ".join(how.interleaved_with)) or _("nothing"),
                 more=(_(", channels last") if how.channels_last else "") + (_(", L2 flushed") if how.flush_l2 else ""),
                 memory=plain(latency.memory_source), device=plain(str(where["device_name"])), host=plain(str(where["host"])),
                 torch=plain(str(where["torch"])), threads=plain(str(where["threads"])), date=plain(str(where["date"])),
                 others=_("unknown") if latency.load is None else f"{latency.load.others:.2f}",
                 cores=_("unknown") if latency.load is None else latency.load.cores)
