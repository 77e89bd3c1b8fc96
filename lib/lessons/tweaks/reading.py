"""Which cells of its map a block that halves it reads, and how far the fields of those cells overlap on the image."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from lib.analysis.block import Block, run_block
from lib.lessons.tweaks.networks import WIDTH, network
from lib.measuring import Measured, Progress, quiet, seeded
from lib.models.resnet import Bottleneck, identity_or_projection
from lib.models.resnet_tweaks import pooled_projection
from lib.once import once
from lib.text import _

STAGES = {"conv3_x": ("conv2_x", 2 * WIDTH, 56), "conv4_x": ("conv3_x", 4 * WIDTH, 28),
          "conv5_x": ("conv4_x", 8 * WIDTH, 14)}
"""The stages whose first block halves the map: the stage before, channels inside, and the map's side for 224 pixels."""

BLOCKS = {"A": (False, False), "B": (True, False), "D without B": (False, True), "B and D": (True, True)}
"""The four blocks that can halve a map: whether the 3x3 strides (B), whether the shortcut pools (D)."""


def bottleneck(b: bool, d: bool, stage: str = "conv3_x") -> Bottleneck:
    """The first block of a stage of ResNet-50: (N, 2 * channels, H, W) to (N, 4 * channels, H / 2, W / 2)."""
    _before, channels, _size = STAGES[stage]
    return Bottleneck(2 * channels, channels, stride=2, stride_in_1x1=not b,
                      shortcut=pooled_projection if d else identity_or_projection)


@once
def strided_block(b: bool, d: bool, stage: str) -> Block:
    """The first block of a stage, on the map that it gets for an image of 224 pixels."""
    _before, channels, size = STAGES[stage]
    return run_block(lambda: bottleneck(b, d, stage), 2 * channels, size)


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


GRADIENTS = Measured(gradients, _("Gradients of four blocks"))


def zeros(cells: np.ndarray) -> int:
    """How many cells are never read."""
    return int((cells == 0).sum())


def unread(cells: np.ndarray) -> str:
    """`48 of 64 (75.0 %)`."""
    return f"{zeros(cells)} of {cells.size} ({zeros(cells) / cells.size:.1%})".replace("%)", " %)")


@once
def unread_table(maps: dict[tuple[bool, bool], Read]) -> pd.DataFrame:
    """Cells that are never read, a row for each of the four blocks."""
    rows = [(name, *(unread(cells) for cells in maps[switches])) for name, switches in BLOCKS.items()]
    return pd.DataFrame(rows, columns=["Block", "Convolutions alone", "Shortcut alone", "Whole block"])


class Sight(NamedTuple):
    """What the cells of the map before a stage see of the image, in pixels along a row: each sees `field` pixels, and its
    neighbour as many, `jump` pixels further on."""

    before: str
    field: int
    jump: int

    @property
    def apart(self) -> int:
        """How far apart the fields of two cells are that A's block reads: every second one."""
        return 2 * self.jump

    @property
    def shared(self) -> int:
        """How many pixels of a row those two both see."""
        return self.field - self.apart


@once
def sight(stage: str) -> Sight:
    """What the cells see that the first block of this stage gets, in ResNet-50 without tweaks."""
    before, _channels, _size = STAGES[stage]
    last = [op for op in network(False, False, False, WIDTH).ops if op.stage == before][-1]
    return Sight(before, last.field.side, max(last.field.jump))
