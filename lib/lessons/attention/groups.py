"""The groups of split attention, and what radix and cardinality cost and buy.

Zhang et al., "ResNeSt: Split-Attention Networks", 2020, Fig. 2 and 3, and the ablation in the authors' repository.
"""

from typing import NamedTuple

import pandas as pd

import lib
from lib.analysis import Analysis
from lib.lessons.attention.blocks import WIDTHS, blocks
from lib.models.resnest import ROWS, TABLE, SplitAttention
from lib.once import once

SETTINGS = ((4, 1), (2, 2), (1, 4))
"""(R, K) with four groups in the 3x3."""
ABLATION = f"{TABLE}, 2020; 50 layers, fast variants, PyTorch, one 224-pixel crop"
GIGA = 10**9
GROWN = 0.01
"""A cost that is larger by more than this share has grown."""


class Group(NamedTuple):
    """One group of the 3x3 of split attention: which split and which cardinal group it is, and its channels (first, last)
    counted from 1: what it reads, what it gives, and to which of the block's channels that is added."""

    split: int
    cardinal: int
    reads: tuple[int, int]
    gives: tuple[int, int]
    joins: tuple[int, int]


@once
def groups(radix: int, cardinality: int) -> tuple[Group, ...]:
    """The R K groups of the first split attention of ResNeSt-50, in the order in which the convolution has them."""
    channels = WIDTHS[cardinality] * cardinality
    convolution = SplitAttention(channels, radix, cardinality).conv
    read = convolution.in_channels // convolution.groups
    given = convolution.out_channels // convolution.groups
    return tuple(
        Group(split + 1, cardinal + 1, _range(split * cardinality + cardinal, read),
              _range(split * cardinality + cardinal, given), _range(cardinal, given))
        for split in range(radix) for cardinal in range(cardinality))


def _range(index: int, width: int) -> tuple[int, int]:
    return index * width + 1, (index + 1) * width


@once
def group_table(found: tuple[Group, ...]) -> pd.DataFrame:
    """The groups in words."""
    return pd.DataFrame([{
        "Group": number, "Split": group.split, "Cardinal group": group.cardinal,
        "Reads channels": f"{group.reads[0]}–{group.reads[1]}", "Gives channels": f"{group.gives[0]}–{group.gives[1]}",
        "Added into channels": f"{group.joins[0]}–{group.joins[1]}"} for number, group in enumerate(found, 1)])


class Setting(NamedTuple):
    """What a radix and a cardinality make of the first split attention of ResNeSt-50."""

    channels: int
    groups: int
    reads: int
    weights: int


@once
def setting(radix: int, cardinality: int) -> Setting:
    """Channels inside, groups of the 3x3, channels that each group reads, and weights that the softmax gives out: none with
    radix 1, where a sigmoid gives them."""
    found = groups(radix, cardinality)
    given = blocks(2, radix, cardinality).squeezed()["split_out"]
    return Setting(found[cardinality - 1].joins[1], len(found), found[0].reads[1], given if radix > 1 else 0)


@once
def settings_table() -> pd.DataFrame:
    """A row for each of `SETTINGS`."""
    rows = [(radix, cardinality, found.channels, found.reads, found.weights)
            for radix, cardinality in SETTINGS for found in [setting(radix, cardinality)]]
    return pd.DataFrame(rows, columns=["Radix R", "Cardinality K", "Channels", "Each group reads",
                                       "Weights of the softmax"])


@once
def ablation() -> pd.DataFrame:
    """The authors' own table of radix and cardinality: s is the radix, x the cardinality, d the width of a group."""
    return pd.DataFrame([{"Setting": row, "Parameters": f"{params / 10:.1f} M", "FLOPs (MACs)": f"{macs / 100:.2f} G",
                          "Top-1 accuracy": f"{accuracy:.2f} %"} for row, (params, macs, accuracy) in ROWS.items()])


def knobs(radix: int, cardinality: int) -> dict[str, int]:
    """The knobs of `resnest50d` that make this network."""
    return {"radix": radix, "cardinality": cardinality, "base_width": WIDTHS[cardinality]}


class Prices(NamedTuple):
    """ResNet-50-D, ResNeSt-50, and the "fast" ResNeSt-50, which pools before its 3x3."""

    plain: Analysis
    split: Analysis
    fast: Analysis

    def grown(self) -> set[str]:
        """Which of parameters and multiply-adds ResNeSt has more of."""
        return {name for name in ("params", "macs") if getattr(self.split, name) > (1 + GROWN) * getattr(self.plain, name)}

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        (before, macs_before), (after, macs_after), (fast, macs_fast) = ((each.params, each.macs) for each in self)
        return {"size": self.plain.image, "params_before": f"{before:,}", "params_after": f"{after:,}",
                "params_fast": f"{fast:,}", "macs_before": f"{macs_before / GIGA:.2f}",
                "macs_after": f"{macs_after / GIGA:.2f}", "macs_fast": f"{macs_fast / GIGA:.2f}"}

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """A row for each network."""
        rows = [(name, f"{each.params:,}", f"{each.macs:,}") for name, each in zip(names, self)]
        return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs"])


@once
def prices(radix: int, cardinality: int) -> Prices:
    """ResNet-50-D against ResNeSt-50 with this radix and cardinality."""
    chosen = knobs(radix, cardinality)
    return Prices(lib.analyze("resnet50d"), lib.analyze("resnest50d", **chosen),
                  lib.analyze("resnest50d", **chosen, pool_first=True))
