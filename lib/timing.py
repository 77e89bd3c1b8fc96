"""What the clock says: real networks on a real device, as `torch.utils.benchmark` and CUDA events measure them.

The protocol: warm up until the times are stable; then rounds, in each of which every network runs once, so that a drift
of the machine hits all alike; wait for the device before the clock is read; report the median and every repetition.

A measurement is an iterator of `Step`s, one after each repetition: whoever reads it shows how far it is, and stops it
by reading no further. What was found comes in the steps.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils import benchmark

from lib import catalog
from lib.analysis import Analysis, analyze_knobs
from lib.analysis.fitting import image_shape
from lib.architecture import Declared
from lib.devices import DTYPES, environment

MOST_BATCH = 256


class Setting(Declared):
    """How networks are run. Fields are controls, link, command line and protocol at once."""

    device: str = Field("cpu", title="Device", description="Where the network runs.")
    batch: int = Field(1, ge=1, le=MOST_BATCH, title="Batch", description="Images in one pass.")
    dtype: Literal["float32", "tf32", "bfloat16", "float16"] = Field(
        "float32", title="Numbers", description="How weights and activations are stored and multiplied.")
    mode: Literal["eager", "compile", "cuda_graph"] = Field(
        "eager", title="Run as", description="Operation by operation (eager), compiled by torch.compile, or recorded once "
        "and replayed as a CUDA graph.")
    channels_last: bool = Field(False, title="Channels last", description="Memory in the order N, H, W, C.")
    threads: int = Field(0, ge=0, le=256, title="Threads", description="CPU threads; 0 leaves the choice to PyTorch.")
    flush_l2: bool = Field(False, title="Flush the L2 cache",
                           description="Overwrite the GPU's cache before every repetition, as if other work came between.")


def named(preset: str, changed: dict[str, Any]) -> str:
    """A network in one line: `resnet50 depth=34`."""
    return preset + "".join(f" {name}={value}" for name, value in changed.items())


class Network(BaseModel):
    """A preset with some of its knobs changed."""

    model_config = ConfigDict(frozen=True)

    preset: str
    changed: dict[str, Any] = {}

    @classmethod
    def of(cls, analysis: Analysis) -> Network:
        """The network of an analysis: its preset, and the knobs that are not the preset's."""
        usual = catalog.configure(analysis.preset, {})
        return cls(preset=analysis.preset,
                   changed={name: value for name, value in analysis.knobs if value != getattr(usual, name)})

    @property
    def label(self) -> str:
        return named(self.preset, self.changed)

    def analysis(self) -> Analysis:
        """What one pass on one image costs. Raises `Impossible` for wrong names, values and sizes."""
        return analyze_knobs(self.preset, catalog.get(self.preset), catalog.configure(self.preset, self.changed))


class Spread(BaseModel):
    """The middle of the repetitions, and the 10th and 90th of a hundred; milliseconds."""

    model_config = ConfigDict(frozen=True)

    median: float
    p10: float
    p90: float

    @classmethod
    def of(cls, times: list[float] | tuple[float, ...]) -> Spread:
        tenths = quantiles(times, n=10, method="inclusive") if len(times) > 1 else [times[0]] * 9
        return cls(median=median(times), p10=tenths[0], p90=tenths[-1])


class Protocol(BaseModel):
    """How a time was taken: repetitions before the first that counts, whether they had become stable, and so on."""

    model_config = ConfigDict(frozen=True)

    clock: str
    synchronised: str
    warm_up: int
    stable: bool
    repetitions: int
    interleaved_with: tuple[str, ...] = ()
    mode: str = "eager"
    channels_last: bool = False
    flush_l2: bool = False


class Measured(BaseModel):
    """What every record says of where it comes from: network, device, setting, and the environment then."""

    model_config = ConfigDict(frozen=True)

    preset: str
    changed: dict[str, Any] = {}
    device: str
    batch: int
    dtype: str
    input_size: int
    environment: dict[str, str | int]

    @property
    def label(self) -> str:
        return named(self.preset, self.changed)


class Latency(Measured):
    """The time of one network at one batch size. Throughput is in images a second, `macs` are those of one image.

    `flop_per_second` counts two FLOPs for a MAC and nothing else. `peak_memory_bytes` are weights, image, and the most
    that lay in the device's memory beside them during a pass, as `memory_source` read it; None if nothing read it.
    """

    kind: Literal["latency"] = "latency"
    macs: int
    params: int
    latency_ms: Spread
    throughput: float
    flop_per_second: float
    peak_memory_bytes: int | None
    memory_source: str
    protocol: Protocol
    repetitions_ms: tuple[float, ...]


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
    """Times one call: on the CPU with `torch.utils.benchmark.timer`, on a GPU with a pair of its events."""

    def __init__(self, setting: Setting):
        self.kind = setting.device.partition(":")[0]
        # An H100 has 50 MB of L2; this is as large as the cache that Triton's benchmark overwrites.
        self.cache = torch.empty(256 << 20, dtype=torch.int8, device=setting.device) if setting.flush_l2 else None

    @property
    def name(self) -> str:
        return "torch.utils.benchmark.timer" if self.kind == "cpu" else f"torch.{self.kind}.Event"

    @property
    def synchronised(self) -> str:
        return "the CPU computes before it returns" if self.kind == "cpu" else "waits for the closing event of every repetition"

    def milliseconds(self, work: Callable[[], object]) -> float:
        """Milliseconds of one call of `work`, until the device has finished it."""
        if self.kind == "cpu":
            start = benchmark.timer()
            work()
            return 1e3 * (benchmark.timer() - start)
        if self.cache is not None:
            self.cache.zero_()
        start, end = (getattr(torch, self.kind).Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)


class Contender:
    """A network on the device with its images, ready to run: calling it is one forward pass.

    Its weights are as initialised and its images random: neither changes the time of a dense network.
    """

    def __init__(self, network: Network, setting: Setting):
        self.network, self.setting = network, setting
        self.analysis = network.analysis()
        self.image, self.model = images(self.analysis, setting), place(build(self.analysis), setting)
        self.run = self.eager
        if setting.mode == "compile":
            torch.compiler.reset()
            compiled = torch.compile(self.model)
            self.run = lambda: compiled(self.image)
        elif setting.mode == "cuda_graph":
            self.run = _captured(self.eager)
        self.warm_up, self.stable, self.times = 0, False, []

    def eager(self) -> Tensor:
        return self.model(self.image)

    def __call__(self) -> object:
        with torch.inference_mode():
            return self.run()

    def held_bytes(self) -> int:
        """Bytes of the weights, buffers and images."""
        return sum(t.nbytes for t in (*self.model.parameters(), *self.model.buffers(), self.image))


def build(analysis: Analysis) -> nn.Module:
    """The real network of an analysis, for inference."""
    return analysis.architecture.build(analysis.knobs).eval()


def place(model: nn.Module, setting: Setting) -> nn.Module:
    """The model on the device, in the numbers and the memory order of the setting."""
    model = model.to(setting.device, DTYPES[setting.dtype])
    return model.to(memory_format=torch.channels_last) if setting.channels_last else model


def images(analysis: Analysis, setting: Setting) -> Tensor:
    """Random images, (batch, C, H, W)."""
    shape = (setting.batch, *image_shape(analysis.architecture, analysis.knobs)[1:])
    image = torch.randn(shape, device=setting.device, dtype=DTYPES[setting.dtype])
    return image.contiguous(memory_format=torch.channels_last) if setting.channels_last else image


def _captured(run: Callable[[], Tensor]) -> Callable[[], None]:
    """`run` recorded as a CUDA graph, after the three passes on a side stream that PyTorch asks for."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    with torch.inference_mode(), torch.cuda.graph(graph):
        run()
    return graph.replay


@contextmanager
def arithmetic(setting: Setting) -> Iterator[None]:
    """Inside, torch uses the setting's GPU and threads, and multiplies float32 in full, or as TF32 if that was chosen."""
    threads, matmul, cudnn = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = setting.dtype == "tf32"
    if setting.threads and setting.device == "cpu":
        torch.set_num_threads(setting.threads)
    try:
        with torch.cuda.device(setting.device) if setting.device.startswith("cuda") else nullcontext():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn


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
    contenders = []
    with arithmetic(setting):
        clock = Clock(setting)
        for network in networks:
            yield Step(0.0, f"Building {network.label}")
            contenders.append(Contender(network, setting))
        for index, contender in enumerate(contenders):
            times: list[float] = []
            doing = f"Warming up {contender.network.label}, batch {setting.batch}"
            for contender.stable in warm_up(contender, clock, seconds / 2, times):
                yield Step(0.3 * (index + min(1.0, sum(times) / (500 * seconds))) / len(contenders), doing)
            contender.warm_up = len(times)
            contender.times = times[-WINDOW:]
        slowest = max(median(contender.times) for contender in contenders)
        rounds = min(MOST_REPETITIONS, max(FEWEST_REPETITIONS, int(1e3 * seconds / slowest)))
        for contender in contenders:
            contender.times = []
        for turn in range(rounds):
            for index, contender in enumerate(contenders):
                contender.times.append(clock.milliseconds(contender))
                yield Step(0.3 + 0.65 * (turn + (index + 1) / len(contenders)) / rounds,
                           f"Repetition {turn + 1} of {rounds}: {contender.network.label}, batch {setting.batch}")
        for index, contender in enumerate(contenders):
            yield Step(0.95 + 0.05 * (index + 1) / len(contenders), f"Reading the memory of {contender.network.label}",
                       result(contender, clock, [c.network.label for c in contenders if c is not contender]))


def result(contender: Contender, clock: Clock, beside: list[str]) -> Latency:
    """What the repetitions of a contender come to."""
    setting, analysis = contender.setting, contender.analysis
    spread = Spread.of(contender.times)
    # A replayed graph allocates nothing: its memory was taken when it was recorded, as much as a plain pass takes.
    plain = torch.inference_mode()(contender.eager)
    more, source = peak_increase(plain if setting.mode == "cuda_graph" else contender, setting.device)
    return Latency(
        preset=contender.network.preset, changed=contender.network.changed, device=setting.device, batch=setting.batch,
        dtype=setting.dtype, input_size=analysis.knobs.input_size, macs=analysis.macs, params=analysis.params,
        latency_ms=spread, throughput=1e3 * setting.batch / spread.median,
        flop_per_second=2e3 * analysis.macs * setting.batch / spread.median,
        peak_memory_bytes=None if more is None else contender.held_bytes() + more, memory_source=source,
        protocol=Protocol(clock=clock.name, synchronised=clock.synchronised, warm_up=contender.warm_up,
                          stable=contender.stable, repetitions=len(contender.times), interleaved_with=tuple(beside),
                          mode=setting.mode, channels_last=setting.channels_last, flush_l2=setting.flush_l2),
        environment=environment(setting.device, setting.dtype), repetitions_ms=tuple(contender.times))


def peak_increase(work: Callable[[], object], device: str) -> tuple[int | None, str]:
    """The most bytes that one call of `work` held at once beyond those before it, and who read that.

    On CUDA torch's allocator knows; on the CPU torch's profiler writes down every allocation (what oneDNN takes for itself
    is not among them); on MPS nothing does.
    """
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before, "peak of torch's CUDA allocator"
    if device == "cpu":
        return max(accumulate(allocations(work), initial=0)), "every allocation of torch on the CPU, by its profiler"
    return None, "not measured on this device"


def allocations(work: Callable[[], object]) -> list[int]:
    """Bytes that torch takes on the CPU (positive) and gives back (negative) during one call of `work`, in order."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    taken = [event for event in events if event.get("name") == "[memory]" and event["args"]["Device Type"] == 0]
    return [event["args"]["Bytes"] for event in sorted(taken, key=lambda event: event["ts"])]

