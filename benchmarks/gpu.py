"""Everything that only a GPU can show, in one command: `make gpu`, which is `python -m benchmarks.gpu --out gpu.json`.

Six parts, each with a verdict; one that fails does not stop the next. It takes at most six minutes on an H100, and needs
torch, pydantic, msgspec, psutil, py-cpuinfo and SQLAlchemy (the first part pytest as well). What was measured goes into one
file of runs, which the Timing page opens (docs/gpu.md). `--dry` tries all of it out on the CPU with small networks, and
`--device cpu` measures a CPU in the same way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from benchmarks.timing import against_torch
from lib.analysis.saved import OPTIMISERS
from lib.architecture import Impossible
from lib.devices import DTYPES, Device, devices
from lib.lab import layers, peaks, training
from lib.lab.against_macs import batches, curves, saturation
from lib.lab.cards import card
from lib.lab.catalogue import presets as by_macs
from lib.lab.jobs import Job, needed_bytes, run, tidy
from lib.lab.store import Run, export
from lib.records import Latency, Network, Setting
from lib.timing import Clock, Contender, arithmetic, found, measure, race

BEST = {"dtype": "bfloat16", "channels_last": True}
"""The precision and the memory order that a user would choose for inference."""


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how many seconds each network is. `modes` are (batch, setting, networks)."""

    seconds: float
    sweep_seconds: float
    paired: tuple[str, ...]
    pair_batches: tuple[int, ...]
    modes: tuple[tuple[int, dict, tuple[str, ...]], ...]
    layered: tuple[str, ...]
    layer_setting: dict
    memory_batches: tuple[int, ...]
    swept: tuple[str, ...]
    largest_batch: int
    catalogue: tuple[tuple[int, dict], ...]
    catalogue_seconds: float
    presets: Callable[[], tuple[str, ...]] = lambda: by_macs("catalogue")
    roofs: tuple[str, ...] = tuple(DTYPES)
    threads: int = 0


BOTH, FOUR = ("resnet50", "mobilenet_v2"), ("resnet18", "resnet50", "mobilenet_v2", "vgg16")
TINY = ("lenet5", "resnet20_cifar")
SIX = ("resnet50", "vgg16", "mobilenet_v2", "googlenet", "resnext50_32x4d", "seresnet50")
EAGER = tuple({"dtype": dtype, "channels_last": last} for dtype in DTYPES for last in (False, True))

GPU = Plan(
    seconds=0.4, sweep_seconds=0.15, paired=FOUR, pair_batches=(1, 32), layered=SIX, layer_setting={"batch": 32, **BEST},
    memory_batches=(8, 64),
    modes=(*((32, setting, BOTH) for setting in EAGER),
           *((batch, {"mode": mode, **setting}, BOTH) for batch in (1, 32) for mode in ("eager", "cuda_graph")
             for setting in ({}, BEST) if (batch, mode) != (32, "eager")),
           *((batch, {"mode": "compile", **BEST}, ("resnet50",)) for batch in (1, 32))),
    swept=FOUR, largest_batch=256, catalogue=tuple((batch, setting) for setting in (BEST, {}) for batch in (1, 32)),
    catalogue_seconds=0.06)

CPU = Plan(
    seconds=2.0, sweep_seconds=1.0, paired=FOUR, pair_batches=(1, 8), layered=SIX, layer_setting={"batch": 1},
    memory_batches=(2, 8),
    modes=(*((1, setting, BOTH) for setting in EAGER if setting["dtype"] in ("float32", "bfloat16")),
           (1, {"mode": "compile"}, BOTH)),
    swept=FOUR, largest_batch=32, catalogue=((1, {}),), catalogue_seconds=1.0)

DRY = Plan(
    seconds=0.1, sweep_seconds=0.05, paired=TINY, pair_batches=(1, 2), layered=TINY, layer_setting={"batch": 2},
    memory_batches=(2,), modes=((2, {}, TINY), (2, BEST, TINY), (1, {"mode": "compile"}, TINY[:1])), swept=TINY, largest_batch=4,
    catalogue=((1, {}), (2, BEST)), catalogue_seconds=0.05,
    presets=lambda: by_macs("catalogue")[:10], roofs=("float32",), threads=1)


@dataclass
class Bench:
    """The device, what is to be measured on it, and what was found."""

    device: Device
    plan: Plan
    out: Path | None
    note: str
    end: float
    runs: list[Run] = field(default_factory=list)

    def setting(self, **changes) -> Setting:
        return Setting(device=self.device.id, threads=self.plan.threads, **changes)

    def keep(self, job: Job, records: list) -> list:
        """Records as a run of the file, which is written anew each time; they bear the name that the machine has there."""
        records = [record.model_copy(update={"environment": record.environment | {"host": self.device.host}})
                   for record in records]
        if records:
            self.runs.append(Run.of(job, self.device, records).model_copy(update={"note": self.note}))
            if self.out:
                self.out.write_text(export(self.runs), encoding="utf-8")
        return records

    def latencies(self, presets: tuple[str, ...], setting: Setting, seconds: float) -> list[Latency]:
        """The networks of these names, in turns."""
        return found(measure(tuple(Network(preset=preset) for preset in presets), setting, seconds))


def say(line: str) -> None:
    print(f"  {line}", flush=True)


def tests(bench: Bench) -> str:
    """The tests that skip where there is no GPU."""
    if not find_spec("pytest"):
        return "NOT RUN: pytest is not installed"
    command = [sys.executable, "-m", "pytest", "--noconftest", "-q", "-rfEs", "-p", "no:cacheprovider", "--durations=5",
               "tests/engine/test_gpu.py", "tests/lab/test_gpu.py"]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=300)
    for line in done.stdout.splitlines()[-60:]:
        say(line)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    return f"{'ok' if done.returncode == 0 else 'FAILED'}: {last.strip('= ')}"


CLOSE = 0.03
"""Medians agree if they differ by no more than this share."""


def clocks(bench: Bench) -> str:
    """Our medians against those of triton.testing.do_bench (on a CPU: torch.utils.benchmark.Timer), in turns."""
    gpu, far = bench.device.id != "cpu", []
    for preset in bench.plan.paired:
        for batch in bench.plan.pair_batches:
            setting = bench.setting(batch=batch, flush_l2=gpu)
            pair = against_torch(preset, setting, turns=5 if gpu else 20)
            close = abs(pair.ratio - 1) <= CLOSE
            say(f"{preset:15} batch {batch:3}: ours {pair.ours:8.3f} ms, theirs {pair.theirs:8.3f} ms, ratio {pair.ratio:.3f}"
                + ("" if close else "   " + _why(preset, setting)) + "   BUSY" * pair.load.busy)
            far += [] if close else [f"{preset} at {batch}"]
    every = len(bench.plan.paired) * len(bench.plan.pair_batches)
    agree = f"{every - len(far)} of {every} within {CLOSE:.0%}"
    return f"ok: {agree}" if not far else f"{agree}; not {', '.join(far)}"


def _why(preset: str, setting: Setting) -> str:
    """What a time is made of, where two clocks differ: the GPU's own work, and waiting for Python's commands."""
    if setting.device == "cpu":
        return ""
    [record] = found(layers.measure(Network(preset=preset), setting, 0.2))
    share = 1 - record.ready_ms.median / record.whole_ms.median
    return (f"a pass {record.whole_ms.median:g} ms, with all commands ready {record.ready_ms.median:g} ms: "
            f"{share:.0%} is waiting for commands")


def modes(bench: Bench) -> str:
    """Every way to run: that it runs, and what it is worth against eager float32 at the same batch."""
    base: dict[tuple[str, int], float] = {}
    ran, failed = 0, []
    for batch, changes, presets in bench.plan.modes:
        setting = bench.setting(batch=batch, **changes)
        how = f"batch {batch:3} {setting.mode:10} {setting.dtype:8} {'channels last' if setting.channels_last else '':13}"
        if refused := [why for name, value in changes.items() if (why := bench.device.why_not(name, value))]:
            say(f"{how} not here: {refused[0]}")
            continue
        try:
            records = bench.latencies(presets, setting, bench.plan.seconds)
        except Exception as error:
            failed.append(f"{how} {type(error).__name__}: {str(error).splitlines()[0][:100]}")
            say(f"FAILED {failed[-1]}")
            continue
        bench.keep(Job(kind="latency", networks=tuple(Network(preset=name) for name in presets), setting=setting), records)
        ran += 1
        tidy()
        for record in records:
            first = base.setdefault((record.preset, batch), record.latency_ms.median)
            say(f"{how} {record.label:13} {record.latency_ms.median:8.4g} ms  {first / record.latency_ms.median:5.2f} times "
                f"as fast{'   BUSY' * record.busy}")
    return f"ok: {ran} settings ran" if not failed else f"FAILED: {len(failed)} of {ran + len(failed)} settings: {failed[0]}"


def layer_by_layer(bench: Bench) -> str:
    """Sums of layers against the whole, and the roof beside the data sheet."""
    apart = []
    for preset in bench.plan.layered:
        setting = bench.setting(**bench.plan.layer_setting)
        [record] = bench.keep(Job(kind="layers", networks=(Network(preset=preset),), setting=setting),
                              found(layers.measure(Network(preset=preset), setting, bench.plan.seconds)))
        apart += [] if record.adds_up else [f"{preset} {record.ratio:.2f}"]
        say(f"{preset:16} {len(record.names):3} operations: sum {record.net_ms:8.4g} ms, "
            f"{'commands ready' if record.ready_ms else 'whole'} {record.spread.median:8.4g} ms, ratio {record.ratio:.3f}; "
            f"the stopwatch takes {record.all_stopwatch_ms:.2g} ms; as a user runs it {record.whole_ms.median:.4g} ms"
            f"{'   BUSY' * record.busy}")
    sheet = card(bench.device.name)
    say(f"data sheet: {sheet.card}; {sheet.source}" if sheet else f"no data sheet of {bench.device.name} is known here")
    for dtype in bench.plan.roofs:
        if not bench.device.why_not("dtype", dtype):
            say(_roof(bench.setting(dtype=dtype), sheet))
    every = len(bench.plan.layered)
    return (f"ok: {every} of {every} sums within {layers.CLOSE:.0%} of the whole" if not apart else
            f"{every - len(apart)} of {every} sums within {layers.CLOSE:.0%} of the whole; not {', '.join(apart)}")


def _roof(setting: Setting, sheet) -> str:
    """The measured peaks in these numbers, as shares of the data sheet's."""
    with arithmetic(setting):
        [roof] = found(peaks.measure(setting, Clock(setting)))
    compute, memory = roof.flop_per_second / 1e12, roof.bytes_per_second / 1e9
    said = f"{setting.dtype:9} {compute:7.4g} TFLOP/s (side {roof.matrix_side}), {memory:6.4g} GB/s"
    return said if sheet is None else said + (f": {compute / sheet.teraflop_per_second(setting.dtype):.0%} and "
                                              f"{memory / sheet.gigabytes_per_second:.0%} of the data sheet")


def memory(bench: Bench) -> str:
    """A pass and a training step against what is computed, and a run that does not fit."""
    passes, saved, above = [], [], 0
    for preset in bench.plan.layered:
        for batch in bench.plan.memory_batches:
            setting, network = bench.setting(batch=batch), Network(preset=preset)
            [latency] = bench.latencies((preset,), setting, 0.02)
            [step] = bench.keep(Job(kind="training", networks=(network,), setting=setting),
                                found(training.measure(network, setting)))
            passes.append(latency.peak_memory_bytes / needed_bytes(
                Job(kind="latency", networks=(network,), setting=setting), setting))
            saved.append(step.ratio)
            most = training.needed_bytes(network, setting)
            above += step.peak_bytes["adam"] > most
            say(f"{preset:16} batch {batch:3}: a pass {latency.peak_memory_bytes / 1e6:7.1f} MB, {passes[-1]:.3f} of "
                f"the count; saved for backward {step.held_bytes / 1e6:7.1f} MB, {step.ratio:.3f}; " + ", ".join(
                    f"{name} {step.peak_bytes[name] / step.total_bytes[name]:.3f}" for name in OPTIMISERS) + " of the sum")
    verdict = (f"a pass takes {min(passes):.2f} to {max(passes):.2f} of the count, what is saved {min(saved):.3f} to "
               f"{max(saved):.3f} of it; steps with more than was computed to suffice, as libraries take workspace: {above}; "
               f"{_too_large(bench)}")
    return ("ok: " if max(abs(ratio - 1) for ratio in saved) < 0.05 else "differs: ") + verdict


def _too_large(bench: Bench) -> str:
    """A run that really runs out of memory: torch may have a hundredth of the card, which the count cannot know."""
    if bench.device.id == "cpu":
        return "running out of memory is for GPUs"
    index = int(bench.device.id.partition(":")[2])
    before = torch.cuda.memory_reserved(index)
    torch.cuda.set_per_process_memory_fraction(0.01, index)
    try:
        found(run(Job(kind="latency", networks=(Network(preset="vgg16"),), setting=bench.setting(batch=256))))
    except Impossible as refused:
        say(f"too large: {refused}")
        left = torch.cuda.memory_reserved(index) - before
        return f"what ran out of memory said so and left {max(0, left) / 1e6:.0f} MB behind"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, index)
    raise RuntimeError("VGG-16 at batch 256 fits into a hundredth of this card")


def sweeps(bench: Bench) -> str:
    """Batches of four networks, then the whole catalogue, until the time is over."""
    for changes in (BEST, {}):
        records = []
        for batch in batches(bench.plan.largest_batch):
            records += bench.latencies(bench.plan.swept, bench.setting(batch=batch, **changes), bench.plan.sweep_seconds)
        job = Job(kind="latency", networks=tuple(Network(preset=preset) for preset in bench.plan.swept),
                  setting=bench.setting(**changes), batches=batches(bench.plan.largest_batch))
        for name, curve in curves(bench.keep(job, records)).items():
            reached = saturation(curve)
            say(f"{changes.get('dtype', 'float32'):9} {name:15} {reached.best:9,.0f} images/s at batch {reached.best_batch}, "
                + (f"saturated from batch {reached.batch}" if reached.batch else f"not told, scattered at {reached.doubtful}"
                   if reached.doubtful else f"not saturated by batch {reached.largest}"))
    return _catalogue(bench)


def _catalogue(bench: Bench) -> str:
    """Every network, built once and timed in each of the settings, a few against each other at a time."""
    names, failed = bench.plan.presets(), []
    records: dict[Setting, list[Latency]] = {bench.setting(batch=batch, **how): [] for batch, how in bench.plan.catalogue}
    for first in range(0, len(names), CHUNK):
        if time.monotonic() > bench.end:
            failed.append(f"the time was over before {names[first]}: {len(names) - first} networks are missing")
            break
        models: dict[str, nn.Module] = {}
        for setting, own in records.items():
            own += _chunk(setting, names[first:first + CHUNK], models, bench.plan.catalogue_seconds, failed)
    for setting, own in records.items():
        networks = tuple(Network(preset=record.preset) for record in own)
        bench.keep(Job(kind="latency", networks=networks, setting=setting, background=True), own)
        say(f"catalogue, batch {setting.batch:2}, {setting.dtype:8}: {len(own)} of {len(names)} networks, "
            f"{sum(record.busy for record in own)} on a busy machine, "
            f"{sum(record.latency_ms.scattered for record in own)} scattered")
    for failure in failed:
        say(failure)
    done, every = sum(map(len, records.values())), len(names) * len(records)
    return f"{'ok' if done == every else 'NOT ALL'}: {done} of {every} times of the catalogue"


CHUNK = 8
"""Networks of the catalogue that take turns."""


def _chunk(setting: Setting, names: tuple[str, ...], models: dict[str, nn.Module], seconds: float,
           failed: list[str]) -> list[Latency]:
    """The times of some networks against each other; where one fails, of each alone."""
    try:
        with arithmetic(setting) as around:
            contenders = []
            for name in names:
                contenders.append(Contender(Network(preset=name), setting, models.get(name)))
                models[name] = contenders[-1].model
            return found(race(contenders, around, seconds))
    except Exception as error:
        models.clear()
        if len(names) > 1:
            return [time for name in names for time in _chunk(setting, (name,), models, seconds, failed)]
        failed.append(f"{names[0]} at batch {setting.batch} in {setting.dtype}: {str(error).splitlines()[0][:150]}")
        return []


PARTS = {"tests": tests, "clocks": clocks, "modes": modes, "layers": layer_by_layer, "memory": memory, "sweeps": sweeps}


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    options.add_argument("--device", default="cuda:0", help="as `python -m lib devices` names it [cuda:0]")
    options.add_argument("--dry", action="store_true", help="try all of it out on the CPU, with small networks")
    options.add_argument("--only", default=",".join(PARTS), help=f"parts to run, of {','.join(PARTS)}")
    options.add_argument("--out", type=Path, help="the file of runs to write")
    options.add_argument("--note", default="", help="a sentence for the file: what machine this is, and whose")
    options.add_argument("--host", default="", help="what to call this machine in the file, instead of its own name")
    options.add_argument("--limit", type=float, default=345,
                         help="seconds from which on no more of the catalogue is timed [345]")
    return options


def verdict(name: str, bench: Bench) -> str:
    """Run a part to its end, whatever that is."""
    began = time.monotonic()
    print(f"\n{name}: {PARTS[name].__doc__}", flush=True)
    try:
        said = PARTS[name](bench)
    except Exception as error:
        traceback.print_exc()
        said = f"FAILED: {type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    tidy()
    said += f"   ({time.monotonic() - began:.0f} s)"
    print(f"  {said}", flush=True)
    return said


def refusal(wanted: str, parts: list[str]) -> str:
    """Why this cannot be run here, in one sentence; empty if it can."""
    here = [device.id for device in devices()]
    if wanted not in here:
        return f"There is no device {wanted} here; the devices are {', '.join(here)}. --dry tries all of it out on the CPU."
    unknown = [name for name in parts if name not in PARTS]
    return f"There is no part {unknown[0]}; the parts are {', '.join(PARTS)}." if unknown else ""


def main() -> int:
    options, start = parser().parse_args(), time.monotonic()
    wanted, parts = "cpu" if options.dry else options.device, options.only.split(",")
    if refused := refusal(wanted, parts):
        print(refused, file=sys.stderr)
        return 2
    device = next(device for device in devices() if device.id == wanted)
    bench = Bench(device.model_copy(update={"host": options.host or device.host}),
                  DRY if options.dry else CPU if wanted == "cpu" else GPU, options.out, options.note, start + options.limit)
    print(f"{device.name}, torch {torch.__version__}", flush=True)
    verdicts = {name: verdict(name, bench) for name in parts}
    print("\n" + "\n".join(f"{name:8} {said}" for name, said in verdicts.items()))
    print(f"{time.monotonic() - start:.0f} seconds in all; {len(bench.runs)} runs" +
          (f" in {options.out}" if options.out else ""))
    return int(any(said.startswith("FAILED") for said in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
