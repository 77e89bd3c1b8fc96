"""ResNet's three tweaks, built for real: which cells a strided block reads, what the stems cost, what a network costs."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

import lib
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.digits import change
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnet import Bottleneck, identity_or_projection, stem
from lib.models.resnet_tweaks import deep_stem, pooled_projection
from lib.once import once

IMAGE, MAP, WIDTH = 224, 56, 64
SIZE, SEED = Choice((7, 8, 14, 28), 8), Choice(tuple(range(10)), 0)
BLOCKS = {"A": (False, False), "B": (True, False), "D without B": (False, True), "B and D": (True, True)}
"""The four blocks that can halve a map: whether the 3x3 strides (B), whether the shortcut pools (D)."""

LADDER = {"ResNet-50 (A)": (False, False, False), "ResNet-50-B": (True, False, False), "ResNet-50-C": (True, True, False),
          "ResNet-50-D": (True, True, True)}
"""The networks of the paper's Table 5: the tweaks add up."""
GAINS = {"ResNet-50-B": 0.5, "ResNet-50-C": 0.2, "ResNet-50-D": 0.3}
"""Points of top-1 accuracy over the network before. He et al. 2018, section 4, in words; "about 0.5" for B."""
PRINTED = (76.21, 76.66, 76.87, 77.16)
"""Top-1 accuracy in %, as commonly printed for Table 5. Only the last was seen at a source."""


def bottleneck(b: bool, d: bool) -> Bottleneck:
    """The first block of conv3_x in ResNet-50, the first with a stride: (N, 256, H, W) to (N, 512, H / 2, W / 2)."""
    return Bottleneck(4 * WIDTH, 2 * WIDTH, stride=2, stride_in_1x1=not b,
                      shortcut=pooled_projection if d else identity_or_projection)


class Read(NamedTuple):
    """How much each cell of the input moves the output, for the parts of a block; (H, W) each. 0 is a cell not read."""

    path: np.ndarray
    shortcut: np.ndarray
    block: np.ndarray


def gradients(size: int, seed: int, progress: Progress = quiet) -> dict[tuple[bool, bool], Read]:
    """For each of `BLOCKS` the sum over the channels of |d(sum of the outputs) / d(input)|.

    The map is (1, 256, size, size), not negative, as behind a ReLU; norms use their starting statistics.
    """
    maps = {}
    for done, switches in enumerate(BLOCKS.values()):
        progress(done / len(BLOCKS))
        with seeded(seed):
            block = bottleneck(*switches).eval().requires_grad_(False)
            x = torch.rand(1, 4 * WIDTH, size, size, requires_grad=True)
        maps[switches] = Read(*(_gradient(part, x) for part in (block.residual, block.downsample, block)))
    return maps


def _gradient(function, x: torch.Tensor) -> np.ndarray:
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return gradient.abs().sum((0, 1)).numpy()


def unread(cells: np.ndarray) -> str:
    """`48 of 64 (75.0 %)`."""
    zeros = int((cells == 0).sum())
    return f"{zeros} of {cells.size} ({zeros / cells.size:.1%})".replace("%)", " %)")


@once
def unread_table(maps: dict[tuple[bool, bool], Read]) -> pd.DataFrame:
    """Cells that are never read, a row for each of the four blocks."""
    rows = [(name, *(unread(cells) for cells in maps[switches])) for name, switches in BLOCKS.items()]
    return pd.DataFrame(rows, columns=["Block", "Convolutions alone", "Shortcut alone", "Whole block"])


@once
def strided_block(b: bool, d: bool) -> Block:
    """The block on the map that it gets for an image of 224 pixels."""
    return run_block(lambda: bottleneck(b, d), 4 * WIDTH, MAP)


class Stems(NamedTuple):
    """The stem of 2015 and that of ResNet-C on an image, and a 7x7 and a 3x3 convolution at equal channels."""

    plain: Block
    deep: Block
    equal_7x7: Block
    equal_3x3: Block

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        halved = self.deep.convolutions[0]
        return {"half": halved.out_shapes[0][1], "width": self.plain.convolutions[0].out_shapes[0][1],
                "side": halved.out_shapes[0][2], "plain": f"{self.plain.macs:,}", "deep": f"{self.deep.macs:,}",
                "plain_field": self.plain.convolutions[-1].field.side, "deep_field": self.deep.convolutions[-1].field.side,
                "times": f"{self.deep.macs / self.plain.macs:.2f}",
                "per_7x7": f"{self.equal_7x7.macs / self.equal_3x3.macs:.1f}",
                "per_three": f"{self.equal_7x7.macs / (3 * self.equal_3x3.macs):.1f}"}

    def pieces(self) -> list[tuple[str, str, int, int]]:
        """(stem, convolution, weights, multiply-adds) of every convolution."""
        return [(stem, _words(op), op.params, op.macs)
                for stem, block in (("7×7", self.plain), ("three 3×3", self.deep)) for op in block.convolutions]

    @once
    def table(self) -> pd.DataFrame:
        """A row for each convolution and one for the sum of the three."""
        rows = [(stem, layer, f"{weights:,}", f"{macs:,}") for stem, layer, weights, macs in self.pieces()]
        rows.append(("three 3×3", "together", f"{self.deep.weights:,}", f"{self.deep.macs:,}"))
        return pd.DataFrame(rows, columns=["Stem", "Convolution", "Weights", "MACs"])


def _words(op) -> str:
    """`3×3, 3 → 32, stride 2`."""
    stride = op.window.stride[0]
    return (f"{op.window.kernel[0]}×{op.window.kernel[1]}, {op.in_shapes[0][1]} → {op.out_shapes[0][1]}"
            + (f", stride {stride}" if stride > 1 else ""))


@once
def stems(width: int) -> Stems:
    """Both stems on an image of 224 pixels; the convolutions at equal channels on maps half as large."""
    def square(kernel: int) -> Block:
        return run_block(lambda: nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False), width, IMAGE // 2)

    return Stems(run_block(lambda: stem(width), 3, IMAGE), run_block(lambda: deep_stem(width), 3, IMAGE), square(7), square(3))


def switches(b: bool, c: bool, d: bool, width: int) -> dict[str, object]:
    """The knobs of `resnet50d` that set these tweaks."""
    return {"stride_in_1x1": not b, "deep_stem": c, "pooled_shortcut": d, "width": width}


@once
def network(b: bool, c: bool, d: bool, width: int) -> Analysis:
    """ResNet-50 with these tweaks."""
    return lib.analyze("resnet50d", **switches(b, c, d, width))


@once
def chosen(b: bool, c: bool, d: bool, width: int) -> dict[str, str]:
    """The network that the switches make: its totals, and what they are against no tweak at all."""
    analysis, untouched = network(b, c, d, width), network(False, False, False, width)
    tweaks = [name for name, on in zip("BCD", (b, c, d)) if on]
    return {"tweaks": " + ".join(tweaks) or "none (A)", "params": f"{analysis.params:,}", "macs": f"{analysis.macs:,}",
            "more_params": f"{analysis.params - untouched.params:+,}",
            "more_macs": change(untouched.macs, analysis.macs)}


@once
def costs() -> list[tuple[str, int, int, int]]:
    """(network, parameters, multiply-adds, how many more than the one before) of the paper's four networks."""
    analyses = {name: network(*tweaks, WIDTH) for name, tweaks in LADDER.items()}
    before = [analyses["ResNet-50 (A)"], *analyses.values()]
    return [(name, analysis.params, analysis.macs, analysis.macs - previous.macs)
            for (name, analysis), previous in zip(analyses.items(), before)]


@once
def ladder() -> pd.DataFrame:
    """The four networks: what ours count, beside what the paper says that each tweak gained."""
    rows = [(name, f"{params:,}", f"{macs:,}", f"{more:+,}" if name in GAINS else "",
             f"+{GAINS[name]}" if name in GAINS else "") for name, params, macs, more in costs()]
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs", "MACs added", "Points of top-1 gained (paper)"])


@once
def printed() -> pd.DataFrame:
    """Top-1 accuracy as commonly printed, and the steps between the rows."""
    steps = ["", *(f"{after - before:+.2f}" for before, after in zip(PRINTED, PRINTED[1:]))]
    return pd.DataFrame({"Network": LADDER.keys(), "Top-1 accuracy, %": [f"{value:.2f}" for value in PRINTED], "Step": steps})


def tweaks_gain() -> tuple[list[str], list[int], list[float]]:
    """The letters of the tweaks, the multiply-adds that each adds, the points that it gained."""
    added = {name: more for name, *_, more in costs()}
    return [name[-1] for name in GAINS], [added[name] for name in GAINS], list(GAINS.values())


@once
def ladder_fields() -> dict[str, object]:
    """Multiply-adds of the four networks in billions, and how much more the last has than the first."""
    macs = [macs for _, _, macs, _ in costs()]
    billions = {name: f"{value / 10**9:.2f}" for name, value in zip("abcd", macs)}
    return billions | {"size": network(False, False, False, WIDTH).image, "percent": f"{100 * (macs[-1] / macs[0] - 1):.1f}"}


@once
def image_fields() -> dict[str, object]:
    """What one cell of conv2_x's output sees of the image, and how far apart the cells are that A's block reads."""
    op = [op for op in network(False, False, False, WIDTH).ops if op.stage == "conv2_x"][-1]
    return {"field": op.field.side, "jump": max(op.field.jump), "apart": 2 * max(op.field.jump)}


MEASUREMENTS = (Measurement(gradients, (SIZE, SEED)),)
