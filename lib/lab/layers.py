"""The time of every operation of a network, and whether these times add up to that of the whole.

A stopwatch (a `TorchFunctionMode`, as the recorder of `lib.trace` is one) reads the clock around each torch function of
a plain eager pass, in the order of `Analysis.ops`. Passes with and without it take turns.

On a GPU the stopwatch leaves a pair of events around each operation, which are read when the pass is over. A GPU that
is faster than Python would wait between the operations, and the events would count that waiting: so the pass is recorded
once, events and all, as a CUDA graph, whose commands then lie ready on the GPU. The events take about as long as a small
operation, which is taken off the sum again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch.overrides import TorchFunctionMode
from torch.utils import benchmark

from lib.analysis import Layer
from lib.architecture import Impossible
from lib.devices import environment
from lib.digits import figures_of_sum, rounded
from lib.lab import peaks
from lib.lab.peaks import Peaks
from lib.load import Load
from lib.quantities import Difference, Line, Milliseconds, PassTime
from lib.records import Network, PassSpread, Protocol, Setting, Spread, Timed
from lib.timing import (FEWEST_REPETITIONS, MOST_REPETITIONS, WINDOW, Clock, Contender, Step, Steps, Surroundings,
                        arithmetic, captured, warm_up)
from lib.trace import QUESTIONS, kind_of, tensors_in

CLOSE = 0.15
"""The layers add up to the whole if their sum differs from it by no more than this share of it."""


class LayerTimes(Timed):
    """What each operation of one network takes, in milliseconds of a pass on `batch` images.

    `layer_ms` is in the order of `Analysis.ops`, whose names are `names`; as they are added up, they hold one digit more
    than they bear. `whole_ms` are passes without the stopwatch, `watched_ms` passes with it, `together_ms` all operations
    of such a pass together, `ready_ms` passes without it whose commands all lie ready on the GPU (None elsewhere).
    `stopwatch_ms` is what the stopwatch adds for each operation, `between_ms` what passes between the operations, or
    while a GPU waits for commands.
    """

    kind: Literal["layers"] = "layers"
    names: tuple[Line, ...]
    layer_ms: tuple[Spread, ...]
    whole_ms: PassSpread
    watched_ms: PassSpread
    together_ms: PassSpread
    ready_ms: PassSpread | None
    stopwatch_ms: Difference
    between_ms: Milliseconds
    peaks: Peaks
    protocol: Protocol
    repetitions_ms: tuple[PassTime, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def a_time_for_each_name(self) -> Self:
        if len(self.names) != len(self.layer_ms):
            raise ValueError("there are not as many names as times of layers")
        return self

    def of(self, ops: Iterable[Layer]) -> float:
        """The sum of the medians of some operations, in milliseconds."""
        return math.fsum(self.layer_ms[op.index].median for op in ops)

    def figures_of(self, ops: Iterable[Layer]) -> int:
        """Significant figures of that sum."""
        spreads = [self.layer_ms[op.index] for op in ops]
        return figures_of_sum([spread.median for spread in spreads], [spread.figures for spread in spreads])

    @property
    def spread(self) -> Spread:
        """The pass that the operations should add up to: without the stopwatch, on a GPU with all commands ready."""
        return self.ready_ms or self.whole_ms

    @property
    def sum_ms(self) -> float:
        """The sum of the medians of all operations."""
        return math.fsum(spread.median for spread in self.layer_ms)

    @property
    def net_ms(self) -> float:
        """The same without the stopwatch, where that stands inside the times: in a recorded pass."""
        return self.sum_ms - self.all_stopwatch_ms if self.ready_ms else self.sum_ms

    @property
    def ratio(self) -> float:
        """The sum of the operations as a share of the whole."""
        return self.net_ms / self.spread.median

    @property
    def adds_up(self) -> bool:
        return abs(self.ratio - 1) <= CLOSE

    @property
    def gap_ms(self) -> float:
        """By how much the sum and the whole differ."""
        return abs(self.spread.median - self.net_ms)

    @property
    def gap_parts(self) -> dict[str, float]:
        """What the gap is made of, in milliseconds.

        `interruptions` by other programs lengthen every pass, but hit each operation only now and then: the medians of the
        operations leave them out, the median of the whole does not. In a recorded pass it is known only roughly what
        the `events` take. What nothing explains is `drift`: the machine was not as busy in passes with the stopwatch as
        in those without.
        """
        if self.ready_ms:
            parts = {"events": min(self.gap_ms, self.all_stopwatch_ms)}
        elif self.ratio < 1:
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

    def __init__(self, now: Callable[[], Any]):
        super().__init__()
        self.now = now
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


def _event(kind: str, **more):
    """An event that the GPU has now in its queue."""
    event = getattr(torch, kind).Event(enable_timing=True, **more)
    event.record()
    return event


def _milliseconds(start, end) -> float:
    return round(1e3 * (end - start), 6) if isinstance(start, float) else start.elapsed_time(end)


@dataclass
class Pass:
    """Milliseconds of one call under the stopwatch, in all and by operation."""

    whole: float
    laps: list[float]
    kinds: list[str]


class Watched:
    """`work` under the stopwatch. Each call of `once` is one pass."""

    def __init__(self, work: Callable[[], object], clock: Clock):
        self.work, self.clock = work, clock
        self.now = benchmark.timer if clock.kind == "cpu" else partial(_event, clock.kind)

    def run(self) -> Any:
        """Do the work and note all times, which a GPU knows only when it has done it."""
        self.stopwatch, self.start = Stopwatch(self.now), self.now()
        with torch.inference_mode(), self.stopwatch:
            result = self.work()
        self.end = self.now()
        return result

    def once(self) -> Pass:
        self.run()
        if self.clock.kind != "cpu":
            self.end.synchronize()
        return self.times()

    def times(self) -> Pass:
        return Pass(_milliseconds(self.start, self.end), [_milliseconds(*lap) for lap in self.stopwatch.laps],
                    self.stopwatch.kinds)


class Recorded(Watched):
    """The same as a CUDA graph: the events are recorded with the work, and every replay sets them anew."""

    def __init__(self, work: Callable[[], object], clock: Clock):
        super().__init__(work, clock)
        self.now = partial(_event, clock.kind, external=True)
        self.replay = captured(self.run)

    def once(self) -> Pass:
        self.clock.flush()
        self.replay()
        torch.cuda.synchronize()
        return self.times()


def watch(work: Callable[[], object], clock: Clock) -> Watched:
    """`work` under the stopwatch that suits the device."""
    return (Recorded if clock.kind == "cuda" else Watched)(work, clock)


def measure(network: Network, setting: Setting, seconds: float) -> Steps:
    """Time every operation of `network`, in about three times `seconds`; finds a `LayerTimes`.

    Raises `Impossible` for a network that is not run operation by operation, and for what cannot be built.
    """
    if setting.mode != "eager":
        raise Impossible(f"Layers can be timed in eager mode only: as {setting.mode} the operations are fused or replayed "
                         "as one.")
    with arithmetic(setting) as around:
        yield Step(0.0, f"Building {network.label}")
        contender = Contender(network, setting)
        yield Step(0.0, "Looking what else runs on this machine")
        around.look()
        clock = Clock(setting)
        roof = None
        for step in peaks.measure(setting, clock):
            roof = step.found
            yield Step(0.05, step.doing)
        times: list[float] = []
        for contender.stable in warm_up(contender, clock, seconds / 2, times):
            yield Step(0.1, f"Warming up {network.label}, batch {setting.batch}")
        contender.warm_up = len(times)
        yield from _rounds(contender, clock, roof, around, max(FEWEST_REPETITIONS, min(
            MOST_REPETITIONS, int(1e3 * seconds / median(times[-WINDOW:])))))


def _rounds(contender: Contender, clock: Clock, roof: Peaks, around: Surroundings, rounds: int) -> Iterator[Step]:
    """In each round one plain pass, one under the stopwatch, and on a GPU a plain one whose commands lie ready."""
    watched = watch(contender.eager, clock)
    replay = captured(contender.eager) if clock.kind == "cuda" else None
    passes: list[Pass] = []
    ready: list[float] = []
    for turn in range(rounds):
        contender.times.append(round(clock.milliseconds(contender), clock.decimals))
        passes.append(watched.once())
        if replay:
            ready.append(clock.milliseconds(replay))
        yield Step(0.15 + 0.8 * (turn + 1) / rounds,
                   f"Repetition {turn + 1} of {rounds}: {contender.network.label}, batch {contender.setting.batch}")
    load = around.load(clock)
    yield Step(0.97, "Timing the stopwatch")
    stopwatch = stopwatch_milliseconds(clock, contender.setting.device)
    yield Step(1.0, "Done", result(contender, clock, roof, load, passes, ready, stopwatch))


CALLS = 100
"""Calls of the smallest operation by which the stopwatch itself is timed."""


def stopwatch_milliseconds(clock: Clock, device: str) -> float:
    """What the stopwatch adds to one operation: the smallest one, many times, with and without it."""
    one = torch.ones(1, device=device)

    @torch.inference_mode()
    def calls() -> None:
        for _ in range(CALLS):
            torch.relu(one)
    calls()
    watched, plain = watch(calls, clock), captured(calls) if clock.kind == "cuda" else calls
    pairs = [(clock.milliseconds(plain), watched.once().whole) for _ in range(FEWEST_REPETITIONS)]
    return (median(with_it for _, with_it in pairs) - median(without for without, _ in pairs)) / CALLS


def result(contender: Contender, clock: Clock, roof: Peaks, load: Load, passes: list[Pass], ready: list[float],
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
        layer_ms=tuple(Spread.of(laps, more=1) for laps in zip(*(each.laps for each in passes))),
        whole_ms=whole, watched_ms=Spread.of([each.whole for each in passes]), together_ms=Spread.of(together),
        ready_ms=Spread.of(ready) if ready else None, stopwatch_ms=rounded(stopwatch, 2),
        between_ms=rounded(max(0.0, whole.median - median(ready) if ready else between), 2), peaks=roof,
        protocol=Protocol(clock=clock.name, synchronised=clock.synchronised if clock.kind == "cpu" else
                          "events around each operation of a recorded pass, read when it is over",
                          warm_up=contender.warm_up, stable=contender.stable, repetitions=len(passes),
                          threads_asked=setting.threads, interleaved_with=("the same pass under the stopwatch",),
                          channels_last=setting.channels_last,
                          flush_l2=setting.flush_l2),
        environment=environment(setting.device, setting.dtype), load=load, repetitions_ms=tuple(contender.times))
