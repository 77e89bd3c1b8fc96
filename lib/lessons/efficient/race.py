"""Two pairs that take turns on one thread: what a count of multiply-adds says about time."""

from collections.abc import Callable, Sequence
from itertools import count
from math import sqrt
from time import perf_counter, thread_time
from typing import NamedTuple

import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

import lib
from lib.analysis import Layer
from lib.analysis.block import Block
from lib.digits import rounded, text
from lib.lab.doubts import disturbance
from lib.lessons.efficient.separable import WINDOW, moved, split
from lib.load import Load, Watch
from lib.measuring import Measured, Progress, quiet, seeded
from lib.models.mobilenet import DepthwiseSeparable, FullConvolution
from lib.once import once
from lib.records import Setting, Spread
from lib.text import _, prose
from lib.timing import Clock


class Racer(NamedTuple):
    """What ran: its multiply-adds, the numbers that it moves at the least, and the milliseconds of its runs."""

    name: str
    macs: int
    moved: int
    ms: Spread


class Race(NamedTuple):
    """Two that took turns, and what else ran meanwhile."""

    first: Racer
    second: Racer
    load: Load

    @property
    def macs_ratio(self) -> float:
        """Multiply-adds of the second over those of the first."""
        return self.second.macs / self.first.macs

    @property
    def time_ratio(self) -> float:
        """The time of the second over that of the first, with the figures that both bear."""
        return rounded(self.second.ms.median / self.first.ms.median, self.figures)

    @property
    def figures(self) -> int:
        return min(self.first.ms.figures, self.second.ms.figures)

    @property
    def doubt(self) -> str:
        """Why nothing follows from the times; empty if something does."""
        if self.load.busy:
            return disturbance(self.load)
        scattered = [racer.name for racer in (self.first, self.second) if racer.ms.scattered]
        return prose("efficient", "race, scatters", names=" and ".join(scattered)) if scattered else ""


IMAGE = 64
DENSE = 64
SEPARABLE = round((sqrt(WINDOW**2 + 4 * WINDOW * DENSE**2) - WINDOW) / 2)
"""Channels that give a separable convolution as many multiply-adds as a full one has with `DENSE`: w (w + 9) = 9 * 64^2."""
BUDGET, ROUNDS = 0.5, (10, 50)
"""Seconds for the rounds of a race, and the fewest and the most rounds."""


def runners_of_blocks(size: int) -> tuple[Block, Block]:
    """The two convolutions that race, counted on size x size maps."""
    return split(DENSE, DENSE, size).full, split(SEPARABLE, SEPARABLE, size).separable


def moved_by(block: Block) -> int:
    """Numbers that the convolutions of a block read and write at the least."""
    return sum(map(moved, block.convolutions))


def race_blocks(size: int, seed: int, attempt: int = 0, progress: Progress = quiet) -> Race:
    """A full convolution against a separable one of as nearly as possible the same count, on size x size maps. Another
    `attempt` is the same race again."""
    with seeded(seed):
        runners = [(FullConvolution(DENSE, DENSE), torch.rand(1, DENSE, size, size)),
                   (DepthwiseSeparable(SEPARABLE, SEPARABLE), torch.rand(1, SEPARABLE, size, size))]
    names = (f"Full 3×3, {DENSE} channels", f"Depthwise separable, {SEPARABLE} channels")
    return _raced(names, [block.ops for block in runners_of_blocks(size)], runners, progress)


def race_networks(seed: int, attempt: int = 0, progress: Progress = quiet) -> Race:
    """ResNet-18 against MobileNetV2 on one image of 64 x 64."""
    presets = ("resnet18", "mobilenet_v2")
    with seeded(seed):
        image = torch.rand(1, 3, IMAGE, IMAGE)
        runners = [(lib.build(preset, input_size=IMAGE), image) for preset in presets]
    return _raced(("ResNet-18", "MobileNetV2"), [lib.analyze(preset, input_size=IMAGE).ops for preset in presets], runners,
                  progress)


BLOCKS = Measured(race_blocks, _("Two convolutions take turns"), lasting=False)
NETWORKS = Measured(race_networks, _("Two networks take turns"), lasting=False)


def _raced(names: Sequence[str], traces: Sequence[Sequence[Layer]], runners: Sequence[tuple[nn.Module, Tensor]],
           progress: Progress) -> Race:
    times, load = take_turns([lambda model=model.eval(), x=x: model(x) for model, x in runners], progress)
    return Race(*(Racer(name, sum(op.macs for op in ops), sum(moved(op) for op in ops), Spread.of(own))
                  for name, ops, own in zip(names, traces, times)), load)


def take_turns(functions: Sequence[Callable[[], object]], progress: Progress) -> tuple[list[list[float]], Load]:
    """The milliseconds of each run of each function, on one thread, and what else ran meanwhile.

    They take turns, so that what else the machine does meets them alike; and as the app's threads wait asleep, many small
    layers on two threads would mostly measure how long it takes to wake one.
    """
    times: list[list[float]] = [[] for _ in functions]
    watch, clock, start = Watch(needed=1, own_seconds=thread_time), Clock(Setting()), perf_counter()
    with torch.inference_mode(), threadpool_limits(1, "openmp"):
        for round in count(1):
            for function, own in zip(functions, times):
                own.append(clock.milliseconds(function))
            spent = (perf_counter() - start) / BUDGET
            progress(min(spent, 1.0))
            if round >= ROUNDS[0] and spent >= 1 or round == ROUNDS[1]:
                return times, watch.load(clock.present)


def race_ratios(*races: Race) -> dict[str, tuple[float, float]]:
    """(multiply-adds, time) of each second runner over the first, by what ran."""
    return {f"{race.second.name}<br>over {race.first.name}": (race.macs_ratio, race.time_ratio) for race in races}


@once
def race_fields(blocks: Race, networks: Race) -> dict[str, object]:
    """The same ratios for the lesson's text, and why they may be worth nothing."""
    return {"block_macs": f"{blocks.macs_ratio:.2f}", "block_time": text(blocks.time_ratio, blocks.figures),
            "network_macs": f"{networks.macs_ratio:.2f}", "network_time": text(networks.time_ratio, networks.figures),
            "image": f"{IMAGE} × {IMAGE}", "doubt": blocks.doubt or networks.doubt}


@once
def race_table(*races: Race) -> pd.DataFrame:
    """A row for each runner, with its ratios to the first of its pair."""
    return pd.DataFrame(
        [(racer.name, racer.macs, racer.macs / race.first.macs, 1.0 if racer is race.first else race.time_ratio,
          racer.macs / racer.moved) for race in races for racer in (race.first, race.second)],
        columns=["Runner", "MACs", "MACs, to the first", "Time, to the first", "MACs per number moved"])
