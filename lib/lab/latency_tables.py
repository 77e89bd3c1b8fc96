"""Latencies as tables, for the page and for files, with the digits that they bear."""

import json
from collections.abc import Sequence

import pandas as pd

from lib.digits import rounded
from lib.lab.ranking import places
from lib.records import Latency

COLUMNS = ("network", "batch", "input_size", "place", "median", "p10", "p90", "throughput", "gflops", "gmacs", "memory",
           "machine")


def table(latencies: Sequence[Latency]) -> pd.DataFrame:
    """One row per network and batch: the image's side in pixels, times in ms, throughput in images a second, memory in MB
    (unknown stays empty), and whether the machine was quiet."""
    return pd.DataFrame([
        (latency.label, latency.batch, latency.input_size, place, *_times(latency),
         rounded(latency.throughput, latency.latency_ms.figures),
         rounded(latency.flop_per_second / 1e9, latency.latency_ms.figures), latency.macs / 1e9,
         None if latency.peak_memory_bytes is None else round(latency.peak_memory_bytes / 1e6, 1), machine(latency))
        for latency, place in zip(latencies, places(latencies))], columns=list(COLUMNS))


def _times(latency: Latency) -> tuple[float, float, float]:
    spread = latency.latency_ms
    return tuple(rounded(value, spread.figures) for value in (spread.median, spread.p10, spread.p90))


def machine(latency: Latency) -> str:
    """`quiet`, `busy` or, of a record from before anybody looked, `unknown`; `scattered` if the repetitions alone tell."""
    if latency.load is None:
        return "unknown"
    return "busy" if latency.busy else "scattered" if latency.latency_ms.scattered else "quiet"


def csv(latencies: Sequence[Latency]) -> str:
    """The table with everything a row depends on: load, protocol and environment as columns of their own."""
    rows = [{"preset": latency.preset, "changed": json.dumps(latency.changed), "batch": latency.batch,
             "input_size": latency.input_size, "dtype": latency.dtype,
             **{f"{name}_ms": value for name, value in zip(("median", "p10", "p90"), _times(latency))},
             "figures": latency.latency_ms.figures, "fluctuation": latency.latency_ms.fluctuation,
             "throughput": rounded(latency.throughput, latency.latency_ms.figures),
             "flop_per_second": rounded(latency.flop_per_second, latency.latency_ms.figures),
             "peak_memory_bytes": latency.peak_memory_bytes, "machine": machine(latency),
             **{f"load_{name}": value for name, value in latency.load or ()},
             **{f"protocol_{name}": value for name, value in latency.protocol},
             **{f"environment_{name}": value for name, value in latency.environment.items()}} for latency in latencies]
    return pd.DataFrame(rows).to_csv(index=False)


def as_json(latencies: Sequence[Latency]) -> str:
    """The records themselves, with every repetition."""
    return json.dumps([latency.model_dump(mode="json") for latency in latencies], indent=1)
