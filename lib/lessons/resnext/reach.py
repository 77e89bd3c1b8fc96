"""From how many input channels an output channel of a block-diagonal convolution reads, and what lets the blocks mix."""

from typing import NamedTuple

import pandas as pd
import torch
from torch import nn

from lib.analysis.block import run_block
from lib.lessons.resnext.costs import MAP, several
from lib.once import once

CHANNELS = 64


def convolution(groups: int, kernel: int = 3) -> nn.Conv2d:
    """64 channels in, 64 out, in this many groups."""
    return nn.Conv2d(CHANNELS, CHANNELS, kernel, padding=kernel // 2, groups=groups, bias=False)


def arrangements(blocks: int) -> dict[str, nn.Module]:
    """A dense 3x3, a block-diagonal one, and what may follow it."""
    return {
        "dense": convolution(1),
        "blocks": convolution(blocks),
        "twice": nn.Sequential(convolution(blocks), convolution(blocks)),
        "shuffled": nn.Sequential(convolution(blocks), nn.ChannelShuffle(blocks), convolution(blocks)),
        "joined": nn.Sequential(convolution(blocks), convolution(1, kernel=1)),
    }


class Reach(NamedTuple):
    """How many input channels one output channel reads, of how many that come out, and the multiply-adds on 56x56 maps."""

    reads: int
    gives: int
    macs: int


@once
def reach(blocks: int) -> dict[str, Reach]:
    """The arrangements with so many blocks, run for real. Raises `Impossible` for one block."""
    several(blocks)
    return {name: Reach(*_read(network), run_block(lambda: arrangements(blocks)[name], CHANNELS, MAP).macs)
            for name, network in arrangements(blocks).items()}


def _read(network: nn.Module) -> tuple[int, int]:
    """From how many input channels a gradient of the first output channel comes, and how many channels there are."""
    for weight in network.parameters():
        nn.init.ones_(weight)
    image = torch.ones(1, CHANNELS, 3, 3, requires_grad=True)
    output = network(image)
    output[:, 0].sum().backward()
    return int((image.grad.abs().sum((0, 2, 3)) > 0).sum()), output.shape[1]


@once
def reach_table(blocks: int, names: list[str]) -> pd.DataFrame:
    """A row for each arrangement."""
    rows = [(name, each.reads, f"{each.macs:,}") for name, each in zip(names, reach(blocks).values())]
    return pd.DataFrame(rows, columns=["Arrangement", "Input channels that one output reads", "MACs"])
