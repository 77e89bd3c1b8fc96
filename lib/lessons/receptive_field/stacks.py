"""Small stacks of layers, built and run on the meta device: what they see, and what they cost."""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis.block import Block, run_block
from lib.architecture import Impossible
from lib.lessons.receptive_field.networks import growth
from lib.once import once
from lib.text import _


class Slide(NamedTuple):
    """A layer that slides a window over its map: `conv` or `pool`, and the window's sizes in cells."""

    kind: str
    kernel: int
    stride: int
    dilation: int

    @property
    def words(self) -> str:
        """As a person reads it: `conv 5×5, stride 2`."""
        return (f"{self.kind} {self.kernel}×{self.kernel}" + (f", stride {self.stride}" if self.stride > 1 else "")
                + (f", dilation {self.dilation}" if self.dilation > 1 else ""))

    def layer(self) -> nn.Module:
        """The layer itself, from one channel to one. Convolutions are padded so that stride alone makes the map smaller."""
        if self.kind == "pool":
            return nn.MaxPool2d(self.kernel, self.stride)
        return nn.Conv2d(1, 1, self.kernel, self.stride, self.dilation * (self.kernel - 1) // 2, self.dilation, bias=False)


EASY = ("conv3 pool2/2 conv3", "conv3/2 conv3/2 conv3", "conv5 pool2/2 conv5 pool2/2")
MEDIUM = ("conv5 pool2/2 conv3 pool2/2", "conv7/2 pool3/2 conv3 conv3", "conv11/4 pool3/2 conv5 pool3/2")
HARD = ("conv5/2 conv3 conv5d2", "conv3/2 conv3d2 pool2/2 conv3", "conv7/2 pool3/2 conv3d2 conv3d4")
WRITTEN = re.compile(r"(conv|pool)(\d+)(?:/(\d+))?(?:d(\d+))?")
MAP = 128
"""Height and width of the image that the stacks run on; their field does not depend on it."""


@once
def slides(text: str) -> tuple[Slide, ...]:
    """The layers that a text such as `conv5/2 pool2/2 conv3d2` names: kernel, stride, dilation. Raises `Impossible`."""
    found = [WRITTEN.fullmatch(word) for word in text.split()]
    if not found or None in found:
        raise Impossible(_("a stack is written as, for example, conv5/2 pool2/2 conv3d2."))
    return tuple(Slide(each[1], int(each[2]), int(each[3] or 1), int(each[4] or 1)) for each in found)


def in_words(text: str) -> str:
    """A stack as a person reads it: `conv 5×5, stride 2 → conv 3×3`."""
    return " → ".join(slide.words for slide in slides(text))


def build(text: str) -> nn.Sequential:
    """The stack as a module, from one channel to one."""
    return nn.Sequential(*(slide.layer() for slide in slides(text)))


@once
def run(text: str) -> Block:
    """The stack, run on an image of MAP x MAP pixels."""
    return run_block(lambda: build(text), 1, MAP)


def sides(text: str) -> list[int]:
    """The side of the field after each layer, in pixels."""
    return [op.field.side for op in run(text).ops]


@once
def plan(text: str) -> pd.DataFrame:
    """The layers of a stack, a row each, without what they see."""
    return pd.DataFrame([(place, slide.kind, slide.kernel, slide.stride, slide.dilation)
                         for place, slide in enumerate(slides(text), 1)],
                        columns=["Layer", "Kind", "Kernel k", "Stride s", "Dilation d"])


@once
def ladder(text: str) -> pd.DataFrame:
    """How field and jump grow through a stack, a row for each layer."""
    ops = run(text).ops
    return pd.DataFrame([(slide.words, *growth(op, ops)) for slide, op in zip(slides(text), ops)],
                        columns=["Layer", "Field, px", "Jump, px"])


def plain(count: int, kernel: int = 3) -> str:
    """So many convolutions of this kernel, stride 1."""
    return " ".join([f"conv{kernel}"] * count)


def doubling(count: int) -> str:
    """So many 3x3 convolutions whose dilation doubles from layer to layer: 1, 2, 4."""
    return " ".join(f"conv3d{2**place}" for place in range(count))


@once
def as_far(count: int) -> int:
    """How many 3x3 convolutions without dilation see as far as `doubling(count)`."""
    wanted = sides(doubling(count))[-1]
    return next(layers for layers, side in enumerate(sides(plain(wanted)), 1) if side >= wanted)


class Stacks(dict[str, Block]):
    """Blocks by their name."""

    @once
    def table(self) -> pd.DataFrame:
        """Field, weights and multiply-adds of each stack, and of each as a share of the single kernel's before it."""
        rows, single = [], None
        for name, block in self.items():
            single = block if len(block.convolutions) == 1 else single
            rows.append((name, f"{block.ops[-1].field.side} px", f"{block.weights:,}", f"{block.macs:,}",
                         f"{block.weights / single.weights:.1%}"))
        return pd.DataFrame(rows, columns=["Stack", "Field", "Weights", "MACs", "Of the one large"])

    def fields(self) -> dict[str, object]:
        """The weights that the text speaks of."""
        return dict(zip(("five", "two", "seven", "three"), (f"{block.weights:,}" for block in self.values())))


MAPS = 56
"""Height and width of the maps that the stacks of many channels run on."""
PAIRS = {5: ("One 5×5", "Two 3×3"), 7: ("One 7×7", "Three 3×3")}
"""Kernel to the names of the two stacks that see as much."""


@once
def stacks(channels: int) -> Stacks:
    """One 5x5 and two 3x3, one 7x7 and three 3x3, all from `channels` to `channels` on MAPS x MAPS maps."""
    def stack(kernel: int, count: int) -> nn.Sequential:
        convolutions = [nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False) for _ in range(count)]
        return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.ReLU())))

    return Stacks({name: run_block(lambda: stack(kernel, count), channels, MAPS) for name, kernel, count in (
        ("One 5×5", 5, 1), ("Two 3×3", 3, 2), ("One 7×7", 7, 1), ("Three 3×3", 3, 3))})
