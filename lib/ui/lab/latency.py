"""Latency: the chosen networks at one batch size, every repetition shown."""

import json

import pandas as pd
import streamlit as st

from lib.figures.lab_latency import repetitions
from lib.lab.jobs import Job
from lib.text import prose
from lib.timing import Latency
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.lab.asked import Asked
from lib.ui.lab.running import Outcome, run_panel
from lib.ui.provenance import mark

COLUMNS = {"network": _("Network"), "batch": _("Batch"), "median": _("Median, ms"), "p10": _("10th percentile, ms"),
           "p90": _("90th percentile, ms"), "throughput": _("Images/s"), "gflops": _("Achieved GFLOP/s"),
           "gmacs": _("GMACs an image"), "memory": _("Peak memory, MB")}


def show(asked: Asked) -> None:
    """The panel of the tab."""
    st.markdown(prose("timing", "Latency"))
    outcome = run_panel("latency", asked, Job(kind="latency", networks=asked.networks, setting=asked.setting), _("Run"),
                        _("Measures the networks above on this device."))
    if outcome and outcome.found:
        show_latencies(outcome, "latency")


def show_latencies(outcome: Outcome, key: str) -> None:
    """Dots, table, protocol and downloads."""
    latencies: list[Latency] = outcome.found
    table = table_of(latencies)
    st.plotly_chart(repetitions([latency.label for latency in latencies], [latency.repetitions_ms for latency in latencies],
                                [latency.latency_ms.median for latency in latencies], current_palette()),
                    key=f"{key}_dots", config={"displayModeBar": False},
                    alt=_("Milliseconds of every repetition; the table below holds their middle and spread."))
    device = f"{latencies[0].environment['device_name']}, {latencies[0].environment['host']}"
    mark("measured", plain(device))
    number = st.column_config.NumberColumn
    st.dataframe(table, hide_index=True, column_config={
        name: number(label, format="%.3f" if name in ("median", "p10", "p90", "gmacs") else "localized")
        if name != "network" else label for name, label in COLUMNS.items()})
    mark("measured", plain(device))
    for latency in latencies:
        with st.expander(_("How {network} was measured").format(network=plain(latency.label))):
            st.markdown(protocol(latency))
    with st.container(horizontal=True):
        st.download_button(_("Download CSV"), lambda: csv(latencies), "timing.csv", "text/csv",
                           on_click="ignore", key=f"{key}_csv")
        st.download_button(_("Download JSON"), lambda: as_json(latencies), "timing.json", "application/json",
                           on_click="ignore", key=f"{key}_json")


def table_of(latencies: list[Latency]) -> pd.DataFrame:
    """One row per network and batch; unknown memory stays empty."""
    return pd.DataFrame([
        (latency.label, latency.batch, latency.latency_ms.median, latency.latency_ms.p10, latency.latency_ms.p90,
         round(latency.throughput, 2), round(latency.flop_per_second / 1e9, 2), latency.macs / 1e9,
         None if latency.peak_memory_bytes is None else round(latency.peak_memory_bytes / 1e6, 1)) for latency in latencies],
        columns=list(COLUMNS))


def csv(latencies: list[Latency]) -> str:
    """The table with everything a row depends on: protocol and environment as columns of their own."""
    rows = [{"preset": latency.preset, "changed": json.dumps(latency.changed), "batch": latency.batch,
             "input_size": latency.input_size, "dtype": latency.dtype,
             **{f"{name}_ms": value for name, value in latency.latency_ms}, "throughput": latency.throughput,
             "flop_per_second": latency.flop_per_second, "peak_memory_bytes": latency.peak_memory_bytes,
             **{f"protocol_{name}": value for name, value in latency.protocol},
             **{f"environment_{name}": value for name, value in latency.environment.items()}} for latency in latencies]
    return pd.DataFrame(rows).to_csv(index=False)


def as_json(latencies: list[Latency]) -> str:
    return json.dumps([latency.model_dump(mode="json") for latency in latencies], indent=1)


def protocol(latency: Latency) -> str:
    """Warm-up, repetitions, synchronisation and device, in words."""
    how, where = latency.protocol, latency.environment
    return prose("timing", "How", clock=how.clock, synchronised=how.synchronised, warm_up=how.warm_up,
                 repetitions=how.repetitions, stable=_("stable at its end") if how.stable else _("not yet stable at its end"), mode=plain(how.mode),
                 beside=plain(", ".join(how.interleaved_with)) or _("nothing"),
                 more=(_(", channels last") if how.channels_last else "") + (_(", L2 flushed") if how.flush_l2 else ""),
                 memory=plain(latency.memory_source), device=plain(str(where["device_name"])), host=plain(str(where["host"])),
                 torch=plain(str(where["torch"])), threads=where["threads"], date=plain(str(where["date"])))
