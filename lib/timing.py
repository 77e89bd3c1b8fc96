"""What the clock says: real networks on a real device, as `torch.utils.benchmark` and CUDA events measure them.

The protocol: warm up until the times are stable; then rounds, in each of which every network runs once, so that a drift
of the machine hits all alike; wait for the device before the clock is read; report the median and every repetition.

A measurement is an iterator of `Step`s, one after each repetition: whoever reads it shows how far it is, and stops it
by reading no further. What was found comes in the steps.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import benchmark

from lib.allocated import peak_increase
from lib.analysis import Analysis
from lib.analysis.fitting import image_shape
from lib.devices import DTYPES, cores, environment, work_of_others
from lib.digits import rounded
from lib.load import LOOK, Load, Watch
from lib.records import Latency, Network, Protocol, Setting, Spread


@dataclass(frozen=True)
class Step:
    """How far a measurement is (0 to 1), what it does just now, and what it has found."""

    share: float
    doing: str
    found: Any = None


Steps = Iterator[Step]


def found(steps: Steps, watch: Callable[[Step], None] = lambda step: None) -> list[Any]:
    """Read a measurement to its end; what it found."""
    results = []
    for step in steps:
        watch(step)
        if step.found is not None:
            results.append(step.found)
    return results


class Clock:
    """Times one call: on the CPU with `torch.utils.benchmark.timer`, on a GPU with a pair of its events.

    Beside the time it sums up how long the thread had a core meanwhile.
    """

    def __init__(self, setting: Setting):
        self.kind = setting.device.partition(":")[0]
        self.passed = self.computed = 0.0
        # An H100 has 50 MB of L2; this is as large as the cache that Triton's benchmark overwrites.
        self.cache = torch.empty(256 << 20, dtype=torch.int8, device=setting.device) if setting.flush_l2 else None

    @property
    def name(self) -> str:
        return "torch.utils.benchmark.timer" if self.kind == "cpu" else f"torch.{self.kind}.Event"

    @property
    def synchronised(self) -> str:
        return "the CPU computes before it returns" if self.kind == "cpu" else "waits for the closing event of every repetition"

    @property
    def decimals(self) -> int:
        """Of a millisecond: the CPU's clock counts nanoseconds, a GPU's events half microseconds."""
        return 6 if self.kind == "cpu" else 4

    @property
    def present(self) -> float | None:
        """The share of the time that passed in which the thread had a core, which it always wants: it computes, or asks an
        NVIDIA GPU again and again whether it is done. None where it may wait asleep: for other threads, for another GPU."""
        passive = os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive"
        asleep = self.kind == "mps" or passive and self.kind == "cpu" and torch.get_num_threads() > 1
        return None if asleep or not self.passed else self.computed / self.passed

    def milliseconds(self, work: Callable[[], object]) -> float:
        """Milliseconds of one call of `work`, until the device has finished it."""
        computed, start = time.thread_time(), time.perf_counter()
        milliseconds = (self._by_timer if self.kind == "cpu" else self._by_events)(work)
        self.passed += time.perf_counter() - start
        self.computed += time.thread_time() - computed
        return milliseconds

    def _by_timer(self, work: Callable[[], object]) -> float:
        start = benchmark.timer()
        work()
        return 1e3 * (benchmark.timer() - start)

    def _by_events(self, work: Callable[[], object]) -> float:
        self.flush()
        start, end = (getattr(torch, self.kind).Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)

    def flush(self) -> None:
        """Overwrite the GPU's cache, if that was chosen."""
        if self.cache is not None:
            self.cache.zero_()


class Contender:
    """A network on the device with its images, ready to run: calling it is one forward pass.

    Its weights are as initialised and its images random: neither changes the time of a dense network. A `model` that is
    built already is changed to what the setting says.
    """

    def __init__(self, network: Network, setting: Setting, model: nn.Module | None = None):
        self.network, self.setting = network, setting
        self.analysis = network.analysis()
        self.image, self.model = images(self.analysis, setting), place(model or build(self.analysis, setting.device), setting)
        self.run = self.eager
        if setting.mode == "compile":
            compiled = torch.compile(self.model)
            self.run = lambda: compiled(self.image)
            self()  # the first call compiles
        elif setting.mode == "cuda_graph":
            self.run = captured(self.eager)
        self.warm_up, self.stable, self.times = 0, False, []

    def eager(self) -> Tensor:
        return self.model(self.image)

    def __call__(self) -> object:
        with torch.inference_mode():
            return self.run()

    def held_bytes(self) -> int:
        """Bytes of the weights, buffers and images."""
        return sum(t.nbytes for t in (*self.model.parameters(), *self.model.buffers(), self.image))


def build(analysis: Analysis, device: str = "cpu") -> nn.Module:
    """The real network of an analysis, for inference. A CUDA GPU draws its weights itself, which is much quicker."""
    with torch.device(device) if device.startswith("cuda") else nullcontext():
        return analysis.architecture.build(analysis.knobs).eval()


def place(model: nn.Module, setting: Setting) -> nn.Module:
    """The model on the device, in the numbers and the memory order of the setting."""
    model = model.to(setting.device, DTYPES[setting.dtype])
    return model.to(memory_format=torch.channels_last) if setting.channels_last else model


def images(analysis: Analysis, setting: Setting) -> Tensor:
    """Random images, (batch, C, H, W)."""
    shape = (setting.batch, *image_shape(analysis.knobs)[1:])
    image = torch.randn(shape, device=setting.device, dtype=DTYPES[setting.dtype])
    return image.contiguous(memory_format=torch.channels_last) if setting.channels_last else image


def captured(run: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """`run` recorded as a CUDA graph, after the three passes on a side stream that PyTorch asks for. Every replay writes
    its result into the same tensor."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    with torch.inference_mode(), torch.cuda.graph(graph):
        result = run()

    def replay() -> Tensor:
        graph.replay()
        return result
    return replay


@contextmanager
def arithmetic(setting: Setting) -> Iterator[Surroundings]:
    """Inside, torch uses the setting's GPU and threads, and multiplies float32 in full, or as TF32 if that was chosen; and
    Python collects no garbage, as in `timeit`. Gives what runs beside."""
    around = Surroundings(setting)
    collects = gc.isenabled()
    gc.disable()
    threads, matmul, cudnn = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = setting.dtype == "tf32"
    if setting.threads and setting.device == "cpu":
        torch.set_num_threads(setting.threads)
    try:
        with torch.cuda.device(setting.device) if setting.device.startswith("cuda") else nullcontext():
            yield around
    finally:
        if collects:
            gc.enable()
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn
        _left[setting.device] = time.monotonic()


_left: dict[str, float] = {}
"""When this process last worked on a device."""

FORGOTTEN = 1.25
"""Seconds after which a GPU's driver no longer counts what this process did: it reports on the last second."""


class Surroundings:
    """What runs beside a measurement: on a GPU before this process works there, on the CPU from `look` on.

    Where the number of threads was left open, the first `look` takes `LOOK` seconds. In that time this process does nothing,
    others show how many cores they use when nobody competes with them, and torch then takes as many threads as are
    free, until the end of `arithmetic`. docs/busy.md says why.
    """

    def __init__(self, setting: Setting):
        rested = time.monotonic() - _left.get(setting.device, 0.0) > FORGOTTEN
        self.gpu = work_of_others(setting.device) if rested else None
        self.setting, self.missing = setting, None

    def look(self) -> None:
        """Begin, or begin anew; the number of threads stays as the first look left it."""
        on_cpu = self.setting.device == "cpu"
        self.watch = Watch(needed=cores() if on_cpu else 1)
        if self.missing is None:
            self.missing = 0
            if on_cpu and not self.setting.threads:
                self._take_free_threads()

    def _take_free_threads(self) -> None:
        time.sleep(LOOK)
        usual, free = torch.get_num_threads(), max(1, cores() - round(self.watch.load().others))
        torch.set_num_threads(min(usual, free))
        self.missing = usual - torch.get_num_threads()

    def load(self, clock: Clock) -> Load:
        """What ran beside since the last look."""
        return self.watch.load(clock.present, gpu=self.gpu, missing=self.missing)


WINDOW = 5
"""Repetitions that make a window of the warm-up."""

STABLE = 0.05
"""Two windows in a row whose medians differ by less than this share end the warm-up."""


def warm_up(contender: Callable[[], object], clock: Clock, seconds: float, times: list[float]) -> Iterator[bool]:
    """Run until two windows agree, or for `seconds`; yields after each repetition whether the times are stable."""
    while sum(times) < 1e3 * seconds or len(times) < WINDOW:
        times.append(clock.milliseconds(contender))
        before, now = times[-2 * WINDOW:-WINDOW], times[-WINDOW:]
        stable = len(before) == WINDOW and abs(median(now) / median(before) - 1) < STABLE
        yield stable
        if stable:
            return


MOST_REPETITIONS, FEWEST_REPETITIONS = 200, 10


def measure(networks: tuple[Network, ...], setting: Setting, seconds: float = 2.0) -> Steps:
    """Time `networks` against each other; finds a `Latency` for each.

    Every network gets about `seconds`, half of that again to warm up, and 10 to 200 repetitions. Raises `Impossible` for
    networks, knobs and image sizes that cannot be, and what torch raises where the device cannot go on.
    """
    with arithmetic(setting) as around:
        if setting.mode == "compile":
            torch.compiler.reset()
            around.look()  # what is compiled keeps its number of threads
        contenders = []
        for network in networks:
            yield Step(0.0, f"Building {network.label}")
            contenders.append(Contender(network, setting))
        yield from race(contenders, around, seconds)


def race(contenders: list[Contender], around: Surroundings, seconds: float) -> Steps:
    """Time contenders against each other, inside the `arithmetic` that `around` is of; finds a `Latency` for each."""
    setting = around.setting
    yield Step(0.0, "Looking what else runs on this machine")
    around.look()
    clock = Clock(setting)
    for index, contender in enumerate(contenders):
        times: list[float] = []
        doing = f"Warming up {contender.network.label}, batch {setting.batch}"
        for contender.stable in warm_up(contender, clock, seconds / 2, times):
            yield Step(0.3 * (index + min(1.0, sum(times) / (500 * seconds))) / len(contenders), doing)
        contender.warm_up = len(times)
        contender.times = times[-WINDOW:]
    yield from _rounds(contenders, clock, seconds)
    load = around.load(clock)
    for index, contender in enumerate(contenders):
        yield Step(0.95 + 0.05 * (index + 1) / len(contenders), f"Reading the memory of {contender.network.label}",
                   result(contender, clock, [c.network.label for c in contenders if c is not contender], load))


def _rounds(contenders: list[Contender], clock: Clock, seconds: float) -> Steps:
    """Rounds of one repetition for each contender, as many as the slowest can have."""
    slowest = max(median(contender.times) for contender in contenders)
    rounds = min(MOST_REPETITIONS, max(FEWEST_REPETITIONS, int(1e3 * seconds / slowest)))
    for contender in contenders:
        contender.times = []
    for turn in range(rounds):
        for index, contender in enumerate(contenders):
            contender.times.append(round(clock.milliseconds(contender), clock.decimals))
            yield Step(0.3 + 0.65 * (turn + (index + 1) / len(contenders)) / rounds,
                       f"Repetition {turn + 1} of {rounds}: {contender.network.label}, batch {contender.setting.batch}")


def result(contender: Contender, clock: Clock, beside: list[str], load: Load) -> Latency:
    """What the repetitions of a contender come to."""
    setting, analysis = contender.setting, contender.analysis
    spread, middle = Spread.of(contender.times), median(contender.times)
    # A replayed graph allocates nothing: its memory was taken when it was recorded, as much as a plain pass takes.
    plain = torch.inference_mode()(contender.eager)
    more, source = peak_increase(plain if setting.mode == "cuda_graph" else contender, setting.device)
    return Latency(
        preset=contender.network.preset, changed=contender.network.changed, device=setting.device, batch=setting.batch,
        dtype=setting.dtype, input_size=analysis.knobs.input_size, macs=analysis.macs, params=analysis.params,
        latency_ms=spread, throughput=rounded(1e3 * setting.batch / middle, spread.figures),
        flop_per_second=rounded(2e3 * analysis.macs * setting.batch / middle, spread.figures),
        peak_memory_bytes=None if more is None else contender.held_bytes() + more, memory_source=source,
        protocol=Protocol(clock=clock.name, synchronised=clock.synchronised, warm_up=contender.warm_up,
                          stable=contender.stable, repetitions=len(contender.times), threads_asked=setting.threads,
                          interleaved_with=tuple(beside), mode=setting.mode, channels_last=setting.channels_last,
                          flush_l2=setting.flush_l2),
        environment=environment(setting.device, setting.dtype), load=load, repetitions_ms=tuple(contender.times))
