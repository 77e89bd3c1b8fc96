"""Latency and throughput against batch size, and the batch from which on the device is saturated."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from lib.digits import text
from lib.figures import lab_sweep
from lib.lab import shipped
from lib.lab.against_macs import NEARLY_ALL, Saturation, batches, curves, gmacs, saturation
from lib.lab.jobs import Job
from lib.lab.latency_tables import csv, table
from lib.limits import limits
from lib.lab.store import Run
from lib.provenance import images_of
from lib.records import Latency, Setting
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.address import plain
from lib.ui.controls import kept
from lib.ui.lab.asked import Asked
from lib.ui.lab.latency import say_doubts, show_rows
from lib.ui.lab.running import run_panel
from lib.ui.lab.shipped import introduce, not_here
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
        say_doubts(outcome.found)
        _show({name: Curve(name, outcome.device.name, curve) for name, curve in curves(outcome.found).items()},
              f"{outcome.device.name}, {outcome.device.host}")
        _download([latency for curve in curves(outcome.found).values() for latency in curve])
        return
    _show_work(asked, tried)
    _show_shipped(asked)


def _choose_largest() -> int:
    """The control of the largest batch."""
    offered = batches(limits().largest_batch)
    return st.select_slider(_("Largest batch"), offered,
                            help=_("The sweep takes the powers of two from 1 to this. The batch above is for the other tabs."),
                            **kept("timing_largest_batch", USUAL if USUAL in offered else offered[-1]))


def _show_work(asked: Asked, tried: tuple[int, ...]) -> None:
    """What is known without a run."""
    st.caption(prose("timing_sweep", "Before"))
    st.dataframe(pd.DataFrame(
        [(batch, *(gmacs(analysis.macs, batch) for analysis in asked.analyses)) for batch in tried],
        columns=[_("Batch"), *(_("{network}, GMACs").format(network=label) for label in asked.labels)]),
        hide_index=True, key="sweep_work")
    mark("computed", _("multiply-adds of one pass over the batch: as many times those {images}").format(
        images=images_of(*asked.analyses)))


def _show_shipped(asked: Asked) -> None:
    """Sweeps that come with the app: of the networks above as far as they are among them, else of all that are."""
    runs = _one_for_each_device(asked.setting)
    if not runs:
        return
    introduce(runs)
    labels = {network.label for network in asked.networks}
    found = [(run, name, curve) for run in runs for name, curve in curves(run.found).items()]
    own = [each for each in found if each[1] in labels] or found
    _show({f"{name}, {run.device_name}, {run.setting.dtype}": Curve(name, run.device_name, curve) for run, name, curve in own},
          not_here(runs))


def _one_for_each_device(setting: Setting) -> list[Run]:
    """Of each device the shipped sweep in the chosen numbers, if there is one, or another."""
    found: dict[str, Run] = {}
    for run in shipped.sweeps():
        if run.device_name not in found or run.setting.dtype == setting.dtype:
            found[run.device_name] = run
    return list(found.values())


@dataclass(frozen=True)
class Curve:
    """The times of one network on one device, by batch."""

    network: str
    device: str
    latencies: list[Latency]


def _show(found: dict[str, Curve], place: str) -> None:
    """Verdicts, pictures and table of curves by their names, taken at this place."""
    named = {name: curve.latencies for name, curve in found.items()}
    saturations = {name: saturation(curve) for name, curve in named.items()}
    for name, reached in saturations.items():
        st.markdown(_verdict(found[name], reached))
    st.caption(prose("timing_sweep", "Saturation", enough=f"{NEARLY_ALL:.0%}"))
    left, right = st.columns(2)
    with left:
        st.plotly_chart(lab_sweep.throughput(named, saturations, current_palette()), key="sweep_throughput",
                        config={"displayModeBar": False},
                        alt=_("Images a second against the batch; the table below holds the same."))
        mark("measured", plain(place))
    with right:
        st.plotly_chart(lab_sweep.latency(named, current_palette()), key="sweep_latency",
                        config={"displayModeBar": False},
                        alt=_("Milliseconds against the batch; the table below holds the same."))
        mark("measured", _("{place}; bars from the 10th to the 90th percentile").format(place=plain(place)))
    rows = pd.concat([table(curve).assign(network=name) for name, curve in named.items()])
    show_rows(rows, "sweep_table")
    mark("measured", plain(place))


def _download(latencies: list[Latency]) -> None:
    st.download_button(_("Download CSV"), lambda: csv(latencies), "batch_sweep.csv", "text/csv", on_click="ignore",
                       key="sweep_csv")


def _verdict(curve: Curve, reached: Saturation) -> str:
    more = {"network": plain(curve.network), "device": plain(curve.device),
            "best": text(reached.best, max(latency.latency_ms.figures for latency in curve.latencies
                                           if latency.batch == reached.best_batch))}
    if reached.doubtful:
        return prose("timing_sweep", "Doubtful", batches=", ".join(map(str, reached.doubtful)), **more)
    if reached.batch is None:
        return prose("timing_sweep", "Not saturated", largest=reached.largest, **more)
    return prose("timing_sweep", "Saturated", batch=reached.batch, best_batch=reached.best_batch, **more)
