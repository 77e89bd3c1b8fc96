"""Convolutions in two steps, inverted residuals and shuffled channels: built for real, counted, and timed."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import count
from math import sqrt
from time import perf_counter, thread_time
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.block import Block, run_block
from lib.digits import rounded, text
from lib.lab.doubts import disturbance
from lib.load import Load, Watch
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.mobilenet import DepthwiseSeparable, FullConvolution
from lib.models.mobilenet_v2 import InvertedResidual
from lib.models.resnet import BasicBlock, Bottleneck
from lib.models.shufflenet import CHANNELS, ShuffleUnit, channel_shuffle
from lib.models.shufflenet_v2 import TABLE_5, ShuffleUnitV2
from lib.once import once
from lib.records import Setting, Spread
from lib.text import prose
from lib.timing import Clock
from lib.trace import numel

WINDOW = 9
"""Cells of a 3x3 kernel."""
WIDTHS = (16, 32, 64, 128, 256, 512)
SIZE, GROUPS = Choice((7, 14, 28, 56), 28), Choice((2, 3, 4, 8), 3)
SHUFFLE, SEED = Choice((False, True), True), Choice(tuple(range(10)), 0)
FIRST = Choice((0,), 0)
"""The attempt that nobody has asked for."""


class Split(NamedTuple):
    """A full 3x3 convolution and the depthwise separable one that stands for it."""

    full: Block
    separable: Block

    @property
    def ratio(self) -> Fraction:
        """Multiply-adds of the second, counted on the real layers, over those of the first."""
        return Fraction(self.separable.macs, self.full.macs)

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        layer, (depthwise, pointwise) = self.full.convolutions[0], self.separable.convolutions
        outputs = layer.out_shapes[0][1]
        return {
            "size": layer.in_shapes[0][2], "inputs": layer.in_shapes[0][1], "outputs": outputs, "full": f"{self.full.macs:,}",
            "separable": f"{self.separable.macs:,}", "formula": f"{float(Fraction(1, outputs) + Fraction(1, WINDOW)):.4f}",
            "ratio": f"{float(self.ratio):.4f}", "times": f"{float(1 / self.ratio):.2f}",
            "same": "the same number" if self.ratio == Fraction(1, outputs) + Fraction(1, WINDOW) else "another number",
            "pointwise": f"{pointwise.macs / self.separable.macs:.1%}",
        }

    @once
    def table(self) -> pd.DataFrame:
        """A row for each convolution: what it does, and how many multiply-adds it does with a number that it moves."""
        layers = (*self.full.convolutions, *self.separable.convolutions)
        return pd.DataFrame(
            [(name, op.params, op.macs, moved(op), op.macs / moved(op)) for name, op in zip(
                ("Full 3×3", "Depthwise 3×3", "Pointwise 1×1"), layers)],
            columns=["Convolution", "Weights", "MACs", "Numbers read and written", "MACs per number"])


def moved(op: Layer) -> int:
    """Numbers that a layer reads and writes at the least: its input, its weights, its output, each once."""
    return sum(map(numel, (*op.in_shapes, *op.out_shapes))) + op.params


@once
def split(inputs: int, outputs: int, size: int) -> Split:
    """The pair on size x size maps."""
    return Split(run_block(lambda: FullConvolution(inputs, outputs), inputs, size),
                 run_block(lambda: DepthwiseSeparable(inputs, outputs), inputs, size))


def ratios(inputs: int, size: int) -> list[float]:
    """The ratio of the pair for each of `WIDTHS` as its number of output channels."""
    return [float(split(inputs, outputs, size).ratio) for outputs in WIDTHS]


@once
def separable_networks() -> list[Analysis]:
    """MobileNet with full and with separable convolutions."""
    return [lib.analyze(preset) for preset in ("mobilenetv1_full", "mobilenetv1_100")]


@once
def networks() -> pd.DataFrame:
    """MobileNet with full and with separable convolutions: computed costs, accuracy as its paper prints it."""
    rows = []
    for analysis in separable_networks():
        error = next(result.top1 for result in analysis.architecture.results if result.preset == analysis.preset)
        rows.append((analysis.preset, analysis.params, analysis.macs, round(100 - error, 1)))
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs", "Top-1 accuracy, %"])


@once
def network_fields() -> dict[str, object]:
    """What the two networks differ by, and where MobileNet's multiply-adds are."""
    (full, separable), analysis = networks().itertuples(index=False), lib.analyze("mobilenetv1_100")
    pointwise = sum(op.macs for op in analysis.ops if op.window and op.window.kernel == (1, 1))
    return {"macs_times": f"{full[2] / separable[2]:.2f}", "params_times": f"{full[1] / separable[1]:.2f}",
            "points": f"{full[3] - separable[3]:.1f}", "size": analysis.image, "macs": f"{separable[2]:,}",
            "pointwise": f"{pointwise / separable[2]:.1%}"}


class Inversion(NamedTuple):
    """The same two widths, once wide at the ends and once in the middle."""

    bottleneck: Block
    inverted: Block

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        narrow, wide = (block.ops[0].in_shapes[0] for block in (self.inverted, self.bottleneck))
        return {"narrow": narrow[1], "wide": wide[1], "size": narrow[2], "bottleneck": f"{self.bottleneck.weights:,}",
                "inverted": f"{self.inverted.weights:,}", "carried": f"{numel(narrow):,}", "carried_wide": f"{numel(wide):,}",
                "share": f"{self.inverted.weights / self.bottleneck.weights:.1%}"}


@once
def invert(narrow: int, expansion: int, size: int) -> Inversion:
    """ResNet's bottleneck and MobileNetV2's block between the widths `narrow` and `expansion` times that."""
    wide = narrow * expansion
    return Inversion(
        run_block(lambda: Bottleneck(wide, wide // 4, base_width=Fraction(64 * narrow, wide // 4)), wide, size),
        run_block(lambda: InvertedResidual(narrow, narrow, 1, expansion), narrow, size))


CONV2_X = 56
"""Height and width of the maps in ResNet's conv2_x and MobileNetV2's second row."""


@once
def blocks_in_networks() -> pd.DataFrame:
    """The blocks with a shortcut that three networks really have on 56x56 maps."""
    blocks = {"ResNet-34, conv2_x": run_block(lambda: BasicBlock(64, 64), 64, CONV2_X),
              "ResNet-50, conv2_x": run_block(lambda: Bottleneck(256, 64), 256, CONV2_X),
              "MobileNetV2, second row": run_block(lambda: InvertedResidual(24, 24, 1), 24, CONV2_X)}
    return pd.DataFrame(
        [(name, " → ".join(str(channels) for channels in widths(block)), block.weights, block.macs,
          numel(block.ops[0].in_shapes[0])) for name, block in blocks.items()],
        columns=["Block", "Channels", "Weights", "MACs", "Numbers in the shortcut"])


def widths(block: Block) -> tuple[int, ...]:
    """Channels on the way through a block."""
    return tuple(op.in_shapes[0][1] for op in block.convolutions) + (block.convolutions[-1].out_shapes[0][1],)


@once
def units(groups: int) -> tuple[Block, Block]:
    """The units of ShuffleNet, with its width for these groups, and of ShuffleNet V2 on the 28x28 maps of stage 2."""
    first, second = CHANNELS[groups], TABLE_5[100][0]
    return (run_block(lambda: ShuffleUnit(first, first, 1, groups, groups), first, 28),
            run_block(lambda: ShuffleUnitV2(second), second, 28))


def origins(groups: int, shuffle: bool) -> list[int]:
    """The channel that stands at each place after the shuffle. As few channels as let every group reach all."""
    channels = torch.arange(groups * max(groups, 4)).reshape(1, -1, 1, 1)
    return (channel_shuffle(channels, groups) if shuffle else channels).flatten().tolist()


def reach(groups: int, shuffle: bool, seed: int, progress: Progress = quiet) -> np.ndarray:
    """How much each group of outputs (row) of a real unit follows each group of inputs (column), (groups, groups).

    Sums of |d output / d input| over channels and places, each row as shares of its sum; 0 is no path at all. The unit
    is ShuffleNet's of stage 2, at its width for these groups, on a 7x7 map.
    """
    channels = CHANNELS[groups]
    with seeded(seed):
        unit = ShuffleUnit(channels, channels, 1, groups, groups, shuffle).eval().requires_grad_(False)
        x = torch.randn(1, channels, 7, 7, requires_grad=True)  # of both signs, so that ReLU closes no channel everywhere
    outputs = unit(x).unflatten(1, (groups, -1)).sum((0, 2, 3, 4))
    rows = []
    for group, output in enumerate(outputs):
        progress(group / groups)
        (gradient,) = torch.autograd.grad(output, x, retain_graph=True)
        rows.append(gradient.abs().unflatten(1, (groups, -1)).sum((0, 2, 3, 4)).numpy())
    return np.stack(rows) / np.sum(rows, axis=1, keepdims=True)


@once
def reach_table(shares: np.ndarray) -> pd.DataFrame:
    """The same as words: a row for each group of outputs."""
    columns = {f"from group {index + 1}": [f"{share:.1%}" if share else "0, no path" for share in column]
               for index, column in enumerate(shares.T)}
    return pd.DataFrame({"Output": [f"group {index + 1}" for index in range(len(shares))]} | columns)


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
        return prose("efficient", "Race scatters", names=" and ".join(scattered)) if scattered else ""


IMAGE = 64
DENSE = 64
SEPARABLE = round((sqrt(WINDOW**2 + 4 * WINDOW * DENSE**2) - WINDOW) / 2)
"""Channels that give a separable convolution as many multiply-adds as a full one has with `DENSE`: w (w + 9) = 9 * 64^2."""
BUDGET, ROUNDS = 0.5, (10, 50)
"""Seconds for the rounds of a race, and the fewest and the most rounds."""


def race_blocks(size: int, seed: int, attempt: int = 0, progress: Progress = quiet) -> Race:
    """A full convolution against a separable one of as nearly as possible the same count, on size x size maps. Another
    `attempt` is the same race again."""
    with seeded(seed):
        runners = [(FullConvolution(DENSE, DENSE), torch.rand(1, DENSE, size, size)),
                   (DepthwiseSeparable(SEPARABLE, SEPARABLE), torch.rand(1, SEPARABLE, size, size))]
    blocks = (split(DENSE, DENSE, size).full, split(SEPARABLE, SEPARABLE, size).separable)
    names = (f"Full 3×3, {DENSE} channels", f"Depthwise separable, {SEPARABLE} channels")
    return _raced(names, [block.ops for block in blocks], runners, progress)


def race_networks(seed: int, attempt: int = 0, progress: Progress = quiet) -> Race:
    """ResNet-18 against MobileNetV2 on one image of 64 x 64."""
    presets = ("resnet18", "mobilenet_v2")
    with seeded(seed):
        image = torch.rand(1, 3, IMAGE, IMAGE)
        runners = [(lib.build(preset, input_size=IMAGE), image) for preset in presets]
    return _raced(("ResNet-18", "MobileNetV2"), [lib.analyze(preset, input_size=IMAGE).ops for preset in presets], runners,
                  progress)


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


MEASUREMENTS = (Measurement(reach, (GROUPS, SHUFFLE, SEED)), Measurement(race_blocks, (SIZE, SEED, FIRST), lasting=False),
                Measurement(race_networks, (SEED, FIRST), lasting=False))
