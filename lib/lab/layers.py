"""The time of every operation of a network, and whether these times add up to that of the whole.

A stopwatch (a `TorchFunctionMode`, as the recorder of `lib.trace` is one) reads the clock around each torch function of
a plain eager pass, in the order of `Analysis.ops`. Passes with and without it take turns.

On a GPU the stopwatch leaves a pair of events around each operation, which are read when the pass is over. A GPU that
is faster than Python would wait between the operations, and the events would count that waiting: so each such pass
queues up behind other work, and the GPU finds all its commands ready.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, Literal

import pandas as pd
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import benchmark

from lib.analysis import Analysis, Layer, traffic
from lib.architecture import Impossible
from lib.devices import DTYPES, environment
from lib.lab import peaks
from lib.lab.peaks import Peaks
from lib.timing import (FEWEST_REPETITIONS, MOST_REPETITIONS, WINDOW, Clock, Contender, Measured, Network, Protocol, Setting,
                        Spread, Step, Steps, arithmetic, warm_up)
from lib.trace import QUESTIONS, kind_of, tensors_in

CLOSE = 0.15
"""The layers add up to the whole if their sum differs from it by no more than this share of it."""


class LayerTimes(Measured):
    """What each operation of one network takes, in milliseconds of a pass on `batch` images.

    `layer_ms` is in the order of `Analysis.ops`, whose names are `names`. `whole_ms` are passes without the stopwatch,
    `watched_ms` passes with it, `together_ms` all operations of such a pass together, `ready_ms` passes without it whose
    commands all lie ready on the GPU (None on a CPU). `stopwatch_ms` is what the stopwatch adds for each operation,
    `between_ms` what passes between the operations.
    """

    kind: Literal["layers"] = "layers"
    names: tuple[str, ...]
    layer_ms: tuple[Spread, ...]
    whole_ms: Spread
    watched_ms: Spread
    together_ms: Spread
    ready_ms: Spread | None
    stopwatch_ms: float
    between_ms: float
    peaks: Peaks
    protocol: Protocol
    repetitions_ms: tuple[float, ...]

    def of(self, ops: Iterable[Layer]) -> float:
        """The sum of the medians of some operations, in milliseconds."""
        return math.fsum(self.layer_ms[op.index].median for op in ops)

    @property
    def sum_ms(self) -> float:
        """The sum of the medians of all operations."""
        return math.fsum(spread.median for spread in self.layer_ms)

    @property
    def ratio(self) -> float:
        """The sum of the operations as a share of the whole."""
        return self.sum_ms / self.whole_ms.median

    @property
    def adds_up(self) -> bool:
        return abs(self.ratio - 1) <= CLOSE

    @property
    def gap_ms(self) -> float:
        """By how much the sum and the whole differ."""
        return abs(self.whole_ms.median - self.sum_ms)

    @property
    def gap_parts(self) -> dict[str, float]:
        """What the gap is made of, in milliseconds.

        `interruptions` by other programs lengthen every pass, but hit each operation only now and then: the medians of the
        operations leave them out, the median of the whole does not. What nothing explains is `drift`: the machine was not
        as busy in passes with the stopwatch as in those without.
        """
        if self.ratio < 1:
            parts = {"between": self.between_ms, "interruptions": max(0.0, self.together_ms.median - self.sum_ms)}
        else:
            parts = {"stopwatch": self.all_stopwatch_ms}
        return parts | {"drift": max(0.0, self.gap_ms - sum(parts.values()))}

    @property
    def reason(self) -> str:
        """The largest of `gap_parts`; empty if the sum and the whole agree."""
        return "" if self.adds_up else max(self.gap_parts, key=self.gap_parts.get)

    @property
    def all_stopwatch_ms(self) -> float:
        """What the stopwatch adds to a pass."""
        return self.stopwatch_ms * len(self.names)

    @property
    def stopwatch_us(self) -> float:
        """What the stopwatch adds to one operation, in microseconds."""
        return 1e3 * self.stopwatch_ms

    @property
    def between_us(self) -> float:
        """What passes between the operations, for each of them, in microseconds."""
        return 1e3 * self.between_ms / len(self.names)


class Stopwatch(TorchFunctionMode):
    """Reads the clock before and after every torch function that gives a tensor: those that `lib.trace` records."""

    def __init__(self, kind: str):
        super().__init__()
        self.now = benchmark.timer if kind == "cpu" else partial(_event, kind)
        self.kinds: list[str] = []
        self.laps: list[tuple[Any, Any]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func.__name__ in QUESTIONS:
            return func(*args, **(kwargs or {}))
        start = self.now()
        result = func(*args, **(kwargs or {}))
        end = self.now()
        if tensors_in((result,)):
            self.kinds.append(kind_of(func.__name__))
            self.laps.append((start, end))
        return result


def _event(kind: str):
    """An event that the GPU has now in its queue."""
    event = getattr(torch, kind).Event(enable_timing=True)
    event.record()
    return event


def _milliseconds(start, end) -> float:
    return 1e3 * (end - start) if isinstance(start, float) else start.elapsed_time(end)


@dataclass
class Pass:
    """Milliseconds of one call under the stopwatch, in all and by operation."""

    whole: float
    laps: list[float]
    kinds: list[str]


def watched(work: Callable[[], object], kind: str, before: Callable[[], object] = lambda: None) -> Pass:
    """One call of `work` under the stopwatch, on a device of this kind; the device does `before` first."""
    stopwatch = Stopwatch(kind)
    with torch.inference_mode():
        before()
        start = stopwatch.now()
        with stopwatch:
            work()
        end = stopwatch.now()
    if kind != "cpu":
        end.synchronize()
    return Pass(_milliseconds(start, end), [_milliseconds(*lap) for lap in stopwatch.laps], stopwatch.kinds)


class HeadStart:
    """Keeps a GPU busy until Python has queued up a whole pass behind that work. On a CPU it does nothing."""

    SIDE = 1024  # a product that takes long enough to be worth its launch, of matrices that leave room in the cache

    def __init__(self, clock: Clock, device: str, contender: Callable[[], object]):
        self.clock, self.products = clock, 0
        if clock.kind == "cpu":
            return
        self.matrix = torch.ones(self.SIDE, self.SIDE, device=device)
        self.product = torch.empty_like(self.matrix)
        alone = median(clock.milliseconds(self._multiply) for _ in range(WINDOW))
        start = benchmark.timer()
        watched(contender, clock.kind)  # Python has issued it all by the time the GPU has done it all
        self.products = math.ceil(1.5e3 * (benchmark.timer() - start) / alone)

    def _multiply(self) -> None:
        torch.mm(self.matrix, self.matrix, out=self.product)

    def __call__(self) -> None:
        """Queue the work up, and behind it what flushes the cache, if that was chosen."""
        for _ in range(self.products):
            self._multiply()
        if self.clock.cache is not None:
            self.clock.cache.zero_()

    def milliseconds(self, work: Callable[[], object]) -> float:
        """As `Clock.milliseconds`, with all commands ready on the GPU when the clock starts."""
        if self.clock.kind == "cpu":
            return self.clock.milliseconds(work)
        self()
        return self.clock.milliseconds(work)


def measure(network: Network, setting: Setting, seconds: float) -> Steps:
    """Time every operation of `network`, in about three times `seconds`; finds a `LayerTimes`.

    Raises `Impossible` for a network that is not run operation by operation, and for what cannot be built.
    """
    if setting.mode != "eager":
        raise Impossible(f"Layers can be timed in eager mode only: as {setting.mode} the operations are fused or replayed "
                         "as one.")
    with arithmetic(setting):
        clock = Clock(setting)
        yield Step(0.0, f"Building {network.label}")
        contender = Contender(network, setting)
        roof = None
        for step in peaks.measure(setting, clock):
            roof = step.found
            yield Step(0.05, step.doing)
        times: list[float] = []
        for contender.stable in warm_up(contender, clock, seconds / 2, times):
            yield Step(0.1, f"Warming up {network.label}, batch {setting.batch}")
        contender.warm_up = len(times)
        yield from _rounds(contender, clock, roof, max(FEWEST_REPETITIONS, min(
            MOST_REPETITIONS, int(1e3 * seconds / median(times[-WINDOW:])))))


def _rounds(contender: Contender, clock: Clock, roof: Peaks, rounds: int) -> Iterator[Step]:
    """In each round one plain pass, one under the stopwatch, and on a GPU a plain one whose commands lie ready."""
    head_start = HeadStart(clock, contender.setting.device, contender)
    passes: list[Pass] = []
    ready: list[float] = []
    for turn in range(rounds):
        contender.times.append(clock.milliseconds(contender))
        passes.append(watched(contender, clock.kind, head_start))
        if clock.kind != "cpu":
            ready.append(head_start.milliseconds(contender))
        yield Step(0.15 + 0.8 * (turn + 1) / rounds,
                   f"Repetition {turn + 1} of {rounds}: {contender.network.label}, batch {contender.setting.batch}")
    yield Step(0.97, "Timing the stopwatch")
    yield Step(1.0, "Done", result(contender, clock, roof, passes, ready, stopwatch_milliseconds(clock, head_start, contender)))


CALLS = 100
"""Calls of the smallest operation by which the stopwatch itself is timed."""


def stopwatch_milliseconds(clock: Clock, head_start: HeadStart, contender: Contender) -> float:
    """What the stopwatch adds to one operation: the smallest one, many times, with and without it."""
    one = torch.ones(1, device=contender.setting.device)

    @torch.inference_mode()
    def calls() -> None:
        for _ in range(CALLS):
            torch.relu(one)
    calls()
    pairs = [(head_start.milliseconds(calls), watched(calls, clock.kind, head_start).whole) for _ in range(FEWEST_REPETITIONS)]
    return (median(with_it for _, with_it in pairs) - median(without for without, _ in pairs)) / CALLS


def result(contender: Contender, clock: Clock, roof: Peaks, passes: list[Pass], ready: list[float],
           stopwatch: float) -> LayerTimes:
    """What the passes come to. Raises RuntimeError if the stopwatch saw other operations than the analysis."""
    setting, analysis = contender.setting, contender.analysis
    kinds = [op.kind for op in analysis.ops]
    if any(each.kinds != kinds for each in passes):
        raise RuntimeError(f"{contender.network.label} ran other operations than were analysed")
    whole = Spread.of(contender.times)
    together = [math.fsum(each.laps) for each in passes]
    between = median(each.whole - laps for each, laps in zip(passes, together)) - stopwatch * len(kinds)
    return LayerTimes(
        preset=contender.network.preset, changed=contender.network.changed, device=setting.device, batch=setting.batch,
        dtype=setting.dtype, input_size=analysis.knobs.input_size, names=tuple(op.name for op in analysis.ops),
        layer_ms=tuple(Spread.of(laps) for laps in zip(*(each.laps for each in passes))),
        whole_ms=whole, watched_ms=Spread.of([each.whole for each in passes]), together_ms=Spread.of(together),
        ready_ms=Spread.of(ready) if ready else None, stopwatch_ms=stopwatch,
        between_ms=max(0.0, whole.median - median(ready) if ready else between), peaks=roof,
        protocol=Protocol(clock=clock.name, synchronised=clock.synchronised if clock.kind == "cpu" else
                          "events around each operation, read when the pass is over",
                          warm_up=contender.warm_up, stable=contender.stable, repetitions=len(passes),
                          interleaved_with=("the same pass under the stopwatch",), channels_last=setting.channels_last,
                          flush_l2=setting.flush_l2),
        environment=environment(setting.device, setting.dtype), repetitions_ms=tuple(contender.times))


def limit(op: Layer, times: LayerTimes, bytes_per_number: int) -> str:
    """What limits a layer by the roof: `memory`, `compute`, or neither as it moves nothing."""
    if traffic.moves_nothing(op):
        return "moves nothing"
    return times.peaks.limit(traffic.intensity([op], times.batch, bytes_per_number))


def timed_table(analysis: Analysis, level: str, times: LayerTimes) -> pd.DataFrame:
    """The computed columns of `lib.analysis.traffic`, and for each part its time in ms and as a share of the sum, its
    speed and what the roof allows at its intensity (GFLOP/s), and what limits it."""
    size, cut = DTYPES[times.dtype].itemsize, traffic.parts(analysis, level)
    limits = [limit(op, times, size) for op in analysis.ops]
    frame = traffic.table(analysis, level, times.batch, size)
    frame["ms"] = [times.of(part.ops) for part in cut]
    frame["ms_share"] = frame["ms"] / times.sum_ms
    frame["speed"] = frame["flops"] / frame["ms"] / 1e6
    frame["roof"] = [None if pd.isna(each) else times.peaks.roof(each) / 1e9 for each in frame["intensity"]]
    frame["memory_ms"] = [times.of(op for op in part.ops if limits[op.index] == "memory") for part in cut]
    if level == "layer":
        frame["limit"] = limits
    return frame


def csv(analysis: Analysis, times: LayerTimes) -> str:
    """Every layer with every column, and what the times belong to."""
    frame = timed_table(analysis, "layer", times)
    frame["ms_p10"], frame["ms_p90"] = zip(*((spread.p10, spread.p90) for spread in times.layer_ms))
    facts = {"network": times.label, "batch": times.batch, "dtype": times.dtype}
    facts |= {name: times.environment[name] for name in ("device_name", "torch", "date")}
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
