"""Inception modules built for real, naive and with reductions: what they cost, branch by branch."""

from typing import NamedTuple

import pandas as pd

from lib.analysis.block import Block, run_block
from lib.models.googlenet import TABLE_1, Filters, Inception, NaiveInception
from lib.once import once

BRANCHES = {"branch1": "1×1", "branch2": "3×3", "branch3": "5×5", "branch4": "pooling"}
FILTERS = {
    "n1x1": (32, 64, 112, 128, 160, 192, 256, 384), "projection": (16, 32, 64, 128, 256),
    "reduce3x3": (16, 32, 64, 96, 112, 128, 144, 160, 192), "n3x3": (64, 128, 192, 208, 224, 256, 288, 320, 384),
    "reduce5x5": (8, 16, 24, 32, 48, 64, 96), "n5x5": (16, 32, 48, 64, 96, 128),
}
"""Possible filters; those of every row of the paper's Table 1 are among them."""
CHANNELS, SIZES = (64, 192, 256, 480, 512, 528, 832), (7, 14, 28, 56)
FIRST, FIRST_CHANNELS, FIRST_SIZE = TABLE_1["3a"], 192, 28
"""The first module's filters and its map. Where a step turns some of them only, the others are these."""


class Branch(NamedTuple):
    """One way through a module. `reduction` is the part of `macs` in the 1x1 beside a larger kernel or a pooling."""

    name: str
    weights: int
    macs: int
    reduction: int
    channels: int

    @property
    def kernel(self) -> int:
        """Multiply-adds of the larger kernel, or of the only one."""
        return self.macs - self.reduction


class Modules(NamedTuple):
    """The naive module and the one with reductions, of the same filters on the same map."""

    naive: Block
    reduced: Block


@once
def modules(channels: int, size: int, filters: Filters) -> Modules:
    """Both modules of Fig. 2, run on a map of `channels` channels, `size` high and wide."""
    return Modules(*(run_block(lambda: module(channels, filters), channels, size)
                     for module in (NaiveInception, Inception)))


def branches(module: Block) -> list[Branch]:
    """A module's cost, branch by branch, in the order in which they are concatenated."""
    found = []
    for (path, name), shape in zip(BRANCHES.items(), module.ops[-1].in_shapes):
        convolutions = [op for op in module.convolutions if op.name.startswith(path)]
        macs = sum(op.macs for op in convolutions)
        small = sum(op.macs for op in convolutions if op.window.kernel == (1, 1) and path != "branch1")
        weights = sum(op.params - op.out_shapes[0][1] for op in convolutions)
        found.append(Branch(name, weights, macs, small, shape[1]))
    return found


class Pair(NamedTuple):
    """The same branch, or all of them, in the naive module and in the reduced one."""

    naive: Branch
    reduced: Branch

    @property
    def times(self) -> float:
        """How many times fewer multiply-adds the reduced one makes."""
        return self.naive.macs / self.reduced.macs


def first_with(channels: int = FIRST_CHANNELS, size: int = FIRST_SIZE, **filters: int) -> Modules:
    """The first module of GoogLeNet on such a map, some of its filters replaced."""
    return modules(channels, size, FIRST._replace(**filters))


def third_branch(channels: int, reduce5x5: int, n5x5: int, size: int) -> Pair:
    """The 5x5 alone on maps of size x size, and with its reduction."""
    return Pair(*(branches(module)[2] for module in first_with(channels, size, reduce5x5=reduce5x5, n5x5=n5x5)))


def second_branch(channels: int, reduce3x3: int, n3x3: int) -> Pair:
    """The 3x3 alone, and with its reduction."""
    return Pair(*(branches(module)[1] for module in first_with(channels, reduce3x3=reduce3x3, n3x3=n3x3)))


@once
def break_even(channels: int, n3x3: int) -> float:
    """Filters of the reduction at which the 3x3 branch has as many weights as the 3x3 alone. Both convolutions of the
    branch grow in proportion to these filters, so one built branch tells."""
    pair = second_branch(channels, FIRST.reduce3x3, n3x3)
    return FIRST.reduce3x3 * pair.naive.weights / pair.reduced.weights


def whole(both: Modules) -> Pair:
    """All branches together: weights, multiply-adds, channels that go out."""
    return Pair(*(Branch("all", *(sum(column) for column in list(zip(*branches(module)))[1:])) for module in both))


@once
def branch_table(both: Modules) -> pd.DataFrame:
    """Both modules by branch: weights, multiply-adds, channels that go out. The last row sums."""
    rows = [*zip(*(branches(module) for module in both)), whole(both)]
    table = [(a.name, a.weights, b.weights, a.macs, b.macs, a.channels, b.channels) for a, b in rows]
    return pd.DataFrame(table, columns=["Branch", "Weights, naive", "Weights, reduced", "MACs, naive", "MACs, reduced",
                                        "Channels out, naive", "Channels out, reduced"])


@once
def module_fields(both: Modules) -> dict[str, object]:
    """The two modules in numbers."""
    all_, fifth, pooling = whole(both), *(Pair(*pair) for pair in list(zip(*map(branches, both)))[2:])
    _, channels, size, _ = both.naive.ops[0].in_shapes[0]
    return {
        "size": size, "channels": channels, "naive": f"{all_.naive.macs:,}", "reduced": f"{all_.reduced.macs:,}",
        "times": f"{all_.times:.2f}", "fifth": f"{fifth.naive.macs:,}", "fifth_reduced": f"{fifth.reduced.macs:,}",
        "fifth_times": f"{fifth.times:.1f}", "pooling": f"{pooling.reduced.macs:,}",
        "out": all_.naive.channels, "out_reduced": all_.reduced.channels,
    }
