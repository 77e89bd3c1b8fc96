"""The times of layers as tables: beside what is computed for them, under the roof of the device, and in a file."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from lib.analysis import Analysis, Layer, traffic
from lib.devices import DTYPES
from lib.digits import rounded
from lib.lab.layers import LayerTimes
from lib.lab.peaks import FIGURES as ROOF_FIGURES


def limit(op: Layer, times: LayerTimes, bytes_per_number: int) -> str:
    """What limits a layer by the roof: `memory`, `compute`, or neither as it moves nothing."""
    if traffic.moves_nothing(op):
        return "moves nothing"
    return times.peaks.limit(traffic.intensity([op], times.batch, bytes_per_number))


def timed_table(analysis: Analysis, level: str, times: LayerTimes) -> pd.DataFrame:
    """The computed columns of `lib.analysis.traffic`, and for each part its time in ms and as a share of the sum, its
    speed and what the roof allows at its intensity (GFLOP/s), and what limits it; with the figures that these bear."""
    size, cut = DTYPES[times.dtype].itemsize, traffic.parts(analysis, level)
    limits = [limit(op, times, size) for op in analysis.ops]
    frame = traffic.table(analysis, level, times.batch, size)
    milliseconds = [times.of(part.ops) for part in cut]
    borne = [times.figures_of(part.ops) for part in cut]

    def shown(values: Iterable[float]) -> list[float]:
        return [rounded(value, figures) for value, figures in zip(values, borne)]
    frame["ms"] = shown(milliseconds)
    frame["ms_share"] = shown(each / times.sum_ms for each in milliseconds)
    frame["speed"] = shown(flops / each / 1e6 for flops, each in zip(frame["flops"].astype(float), milliseconds))
    frame["roof"] = [None if pd.isna(each) else rounded(times.peaks.roof(each) / 1e9, ROOF_FIGURES)
                     for each in frame["intensity"]]
    frame["memory_ms"] = shown(times.of(op for op in part.ops if limits[op.index] == "memory") for part in cut)
    if level == "layer":
        frame["limit"] = limits
    return frame


def csv(analysis: Analysis, times: LayerTimes) -> str:
    """Every layer with every column, and what the times belong to."""
    frame = timed_table(analysis, "layer", times)
    frame["ms_p10"], frame["ms_p90"] = zip(*((rounded(spread.p10, spread.figures), rounded(spread.p90, spread.figures))
                                             for spread in times.layer_ms))
    facts = {"network": times.label, "batch": times.batch, "dtype": times.dtype}
    facts |= {name: times.environment[name] for name in ("device_name", "torch", "date")}
    facts |= {f"load_{name}": value for name, value in times.load or ()}
    return frame.assign(**facts).to_csv(index=False)


def largest(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """The `most` rows that take longest, or move most where there are no times, in the order of the pass."""
    quantity = "ms" if "ms" in rows else "bytes"
    return rows.nlargest(most, quantity).sort_index()


@dataclass
class UnderTheRoof:
    """Layers that memory and computing limit and their shares of the time (0 to 1), those without arithmetic and their
    time, those above the roof, and the farthest of these with its speed as a multiple of the roof."""

    memory: int
    memory_share: float
    compute: int
    compute_share: float
    silent: int
    silent_ms: float
    above: int
    farthest: float
    farthest_layer: str


def under_the_roof(rows: pd.DataFrame) -> UnderTheRoof:
    """What the roofline says of the layers of `timed_table`."""
    memory, compute, silent = rows[rows["limit"] == "memory"], rows[rows["limit"] == "compute"], rows[rows["flops"] == 0]
    dots = rows[rows["roof"] > 0]
    height = dots["speed"] / dots["roof"]
    return UnderTheRoof(
        len(memory), float(memory["ms_share"].sum()), len(compute), float(compute["ms_share"].sum()), len(silent),
        float(silent["ms"].sum()), int((height > 1).sum()), float(height.max()), str(dots["part"].iloc[height.argmax()]))
