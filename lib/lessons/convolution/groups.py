"""Groups: which channels meet, and how many weights are left."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lib.analysis.block import Block, run_block
from lib.lessons.convolution.layer import build, check
from lib.lessons.convolution.written import Described
from lib.once import once
from lib.text import _

MOST_DRAWN = 64
"""Channels in and out of which it is drawn which meet."""
MAP = 14
"""Height and width of the map on which the layer is run."""


@once
def grouped(in_channels: int, out_channels: int, groups: int) -> Block:
    """A real 3x3 convolution in groups, without bias. Raises `Impossible` where the groups do not divide the channels."""
    check(Described(kernel=(3, 3), filters=out_channels, groups=groups), (in_channels, MAP, MAP))
    return run_block(lambda: nn.Conv2d(in_channels, out_channels, 3, padding=1, groups=groups, bias=False),
                     in_channels, MAP)


@once
def connections(in_channels: int, out_channels: int, groups: int) -> list[list[int]]:
    """For each output channel (a row), 1 for every input channel that it depends on: a real grouped convolution with
    weights of one sees each input channel switched on alone."""
    convolution = nn.Conv2d(in_channels, out_channels, 1, groups=groups, bias=False)
    nn.init.ones_(convolution.weight)
    with torch.no_grad():
        alone = torch.eye(in_channels)[:, :, None, None]
        return convolution(alone)[:, :, 0, 0].T.int().tolist()


def fields(block: Block) -> dict[str, object]:
    """The numbers that the text about the grouped layer speaks of."""
    op = block.convolutions[0]
    (_name, shape), = op.weights
    return {"shape": " × ".join(map(str, shape)), "per_group": shape[1], "in_channels": op.in_shapes[0][1],
            "groups": op.groups, "weights": f"{block.weights:,}", "macs": f"{block.macs:,}", "map": MAP}


@once
def weights_of_four(channels: int, groups: int) -> dict[str, int]:
    """Weights of four layers that give as many channels as they get: a full 3x3, one in groups, a depthwise one, a 1x1.
    Of two with equally many weights the second is left out. Raises `Impossible` where the groups do not divide."""
    layers = {"full": ((3, 3), 1), "grouped": ((3, 3), groups), "depthwise": ((3, 3), channels), "pointwise": ((1, 1), 1)}
    counts: dict[str, int] = {}
    for name, (kernel, parts) in layers.items():
        weights = build(Described(kernel=kernel, groups=parts, bias=False), (channels, *kernel)).weights
        if weights not in counts.values():
            counts[name] = weights
    return counts


def named(counts: Mapping[str, int], groups: int) -> dict[str, int]:
    """The same by names for people."""
    names = {"full": _("3×3"), "grouped": _("3×3, {groups} groups").format(groups=groups),
             "depthwise": _("3×3 depthwise"), "pointwise": _("1×1")}
    return {names[id]: weights for id, weights in counts.items()}
