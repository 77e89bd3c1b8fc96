"""The five orderings of a residual unit: their blocks, their code, what follows the sum, and how a network of them ends."""

from __future__ import annotations

from textwrap import dedent

import pandas as pd
from torch import nn

import lib
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.code import source
from lib.models.resnet_v2 import UNITS, BNAfterAddition, FullPreactivation, ReLUBeforeAddition, closing, opening
from lib.once import once

NAMES = {"original": "(a) original", "bn_after_addition": "(b) BN after addition",
         "relu_before_addition": "(c) ReLU before addition", "relu_only": "(d) ReLU-only pre-activation",
         "full": "(e) full pre-activation"}
"""The captions of the paper's Fig. 4."""
DEPTHS = ("110", "164")
"""Layers of the paper's networks for CIFAR: units of two 3x3, and bottleneck units."""
PIXELS, WIDTH = 32, 16
"""Height and width of CIFAR's images, and the channels of the first stage."""


def letter(ordering: str) -> str:
    """`a` to `e`."""
    return NAMES[ordering][1]


def preset(depth: str, ordering: str) -> str:
    """The CIFAR network of this depth and ordering."""
    return f"resnetv2_{depth}_cifar" + ("" if ordering == "full" else f"_{letter(ordering)}")


@once
def blocks(depth: str) -> dict[str, Block]:
    """A unit of the first stage in each ordering: two 3x3 at depth 110, a bottleneck at 164."""
    bottleneck = depth == "164"
    outer = 4 * WIDTH if bottleneck else WIDTH
    return {ordering: run_block(lambda: unit(outer, WIDTH, bottleneck=bottleneck), outer, PIXELS)
            for ordering, unit in UNITS.items()}


@once
def cost_table(depth: str) -> pd.DataFrame:
    """What the five units hold and cost."""
    return pd.DataFrame([{"Ordering": NAMES[ordering], "Weights": block.weights, "Parameters with norms": block.params,
                          "MACs": block.macs, "Other operations": block.other_operations}
                         for ordering, block in blocks(depth).items()])


def after_addition(depth: str, ordering: str) -> tuple[str, ...]:
    """The kinds of operations that follow the addition within a unit."""
    kinds = [op.kind for op in blocks(depth)[ordering].ops]
    return tuple(kinds[kinds.index("add") + 1:])


def branch_end(unit: nn.Module) -> nn.Module:
    """The module whose output a unit adds to its shortcut."""
    if isinstance(unit, ReLUBeforeAddition):
        return unit.relu
    return unit.convs[-1] if isinstance(unit, (BNAfterAddition, FullPreactivation)) else unit.norms[-1]


@once
def branch_end_words(ordering: str) -> str:
    """What the branch ends in."""
    words = {nn.ReLU: "a ReLU", nn.Conv2d: "a convolution", nn.BatchNorm2d: "a batch norm"}
    return words[type(branch_end(UNITS[ordering](WIDTH, WIDTH)))]


@once
def code_lines(ordering: str) -> tuple[str, ...]:
    """The lines of the unit's `forward`, without its first."""
    return tuple(dedent("\n".join(source(UNITS[ordering].forward).rstrip().splitlines()[1:])).splitlines())


@once
def projecting(ordering: str) -> Block:
    """A bottleneck unit that changes the shape, with a 1x1 convolution on its shortcut."""
    return run_block(lambda: UNITS[ordering](4 * WIDTH, 2 * WIDTH, stride=2), 4 * WIDTH, PIXELS)


def shortcut_reads(block: Block) -> str:
    """What a unit's shortcut starts from: `x`, its input, or `f`, what an activation has made of it."""
    place = next(op for op in block.ops if op.kind == "add").inputs[1]
    while place >= 0 and block.ops[place].name.startswith("downsample"):
        place = block.ops[place].inputs[0]
    return "x" if place < 0 else "f"


@once
def shortcut_table() -> pd.DataFrame:
    """What the shortcut reads: a column for each ordering, rows for units that keep and that change the shape."""
    rows = {"as a rule": blocks("164"), "in a 1×1 that changes the shape": {each: projecting(each) for each in UNITS}}
    return pd.DataFrame([{"The shortcut reads": where} | {
        f"({letter(each)})": shortcut_reads(block) for each, block in units.items()} for where, units in rows.items()])


def lines_with(ordering: str, *parts: str) -> set[str]:
    """The numbers of the lines that have one of these parts."""
    return {str(number) for number, line in enumerate(code_lines(ordering), start=1) if any(part in line for part in parts)}


@once
def network(depth: str, ordering: str) -> Analysis:
    """The whole network."""
    return lib.analyze(preset(depth, ordering))


def norms_outside(ordering: str) -> set[str]:
    """Where a network has a batch norm outside its units: after the first convolution (`stem`), or at the `end`."""
    ends = {"stem": opening(ordering, WIDTH), "end": closing(ordering, WIDTH)}
    return {place for place, layers in ends.items() if any(isinstance(layer, nn.BatchNorm2d) for layer in layers)}


@once
def outside_table() -> pd.DataFrame:
    """What stands outside the units: a column for each ordering, a row for each end of the network."""
    words = {nn.BatchNorm2d: "norm", nn.ReLU: "ReLU"}
    ends = {"after the first convolution": opening, "after the last addition": closing}
    return pd.DataFrame([{"Outside the units": where} | {
        f"({letter(ordering)})": ", ".join(words[type(layer)] for layer in end(ordering, WIDTH)) or "–"
        for ordering in UNITS} for where, end in ends.items()])
