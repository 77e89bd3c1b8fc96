"""What the lesson on efficient networks asks."""

import numpy as np

from lib.lessons.efficient.inverted import (
    CONV2_X, PAPER_EXPANSION, blocks_in_networks, equal_expansion, invert, real_blocks, shares, without_activation)
from lib.lessons.efficient.race import DENSE, SEPARABLE, moved_by, runners_of_blocks
from lib.lessons.efficient.separable import WINDOW, network_fields, networks, outputs_for, split
from lib.lessons.efficient.shuffled import REACH, grouped_fields, origins, parts, units
from lib.models.shufflenet_v2 import TABLE_5
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind
from lib.text import _

WIDTHS = Levels((16, 32, 64), (32, 64, 128), (64, 128, 256, 512))
SIZES = Levels((7, 14), (14, 28), (28, 56))
NARROW = Levels((16, 24, 32), (24, 32, 64), (64, 96, 160))
EXPANSIONS = Levels((2, 4), (3, 6, 8), (1, 6, 10))
GROUPS = Levels((2, 4), (2, 3, 4), (3, 4, 8))


@kind(level=1, inputs=WIDTHS, outputs=WIDTHS, size=SIZES)
def two_steps(inputs: int, outputs: int, size: int) -> Number:
    """Multiply-adds of a depthwise separable convolution."""
    depthwise, pointwise = split(inputs, outputs, size).separable.convolutions
    both, places = depthwise.macs + pointwise.macs, size**2
    return Number(both, {
        "groups forgotten": depthwise.macs * inputs + pointwise.macs,
        "pointwise forgotten": depthwise.macs,
        "depthwise forgotten": pointwise.macs,
        "multiplied": depthwise.macs * pointwise.macs // places,
        "kernel once": depthwise.macs // 3 + pointwise.macs,
        "full convolution": split(inputs, outputs, size).full.macs,
        "outputs in the depthwise": WINDOW * outputs * places + pointwise.macs,
        "one place": both // places,
        "FLOPs for MACs": 2 * both,
    }, fields=split(inputs, outputs, size).fields())


@kind(level=2, inputs=WIDTHS, outputs=WIDTHS, size=SIZES)
def times_fewer(inputs: int, outputs: int, size: int) -> Number:
    """How many times fewer multiply-adds the two steps make than the full convolution."""
    pair = split(inputs, outputs, size)
    depthwise, pointwise = pair.separable.convolutions
    return Number(float(1 / pair.ratio), {
        "the kernel alone": WINDOW,
        "the outputs alone": outputs,
        "added": WINDOW + outputs,
        "pointwise forgotten": pair.full.macs / depthwise.macs,
        "depthwise forgotten": pair.full.macs / pointwise.macs,
        "other way round": float(pair.ratio),
    }, tolerance=0.01, shown=".2f", fields=pair.fields())


@kind(level=3, inputs=WIDTHS, target=Levels((2, 3, 4), (4, 5, 6), (5, 7, 8)))
def enough_outputs(inputs: int, target: int) -> Number:
    """The fewest output channels from which on the two steps are so many times cheaper."""
    outputs = outputs_for(inputs, target)
    return Number(outputs, {
        "rounded down": outputs - 1,
        "depthwise forgotten": target,
        "as many as inputs": inputs,
        "kernel places": target * WINDOW,
    }, fields={"inputs": inputs, "target": target, "less": outputs - 1,
               "times": f"{float(1 / split(inputs, outputs, 14).ratio):.3f}",
               "times_less": f"{float(1 / split(inputs, outputs - 1, 14).ratio):.3f}"})


@kind(level=2, inputs=WIDTHS, outputs=WIDTHS)
def pointwise_share(inputs: int, outputs: int) -> Number:
    """Share of the two steps' multiply-adds that lies in the 1x1."""
    pair = split(inputs, outputs, 28)
    return Number(pair.pointwise_share, {
        "one of two": 50.0,
        "other way round": 100 - pair.pointwise_share,
        "kernel places alone": 100 / (WINDOW + 1),
        "inputs for outputs": 100 * inputs / (inputs + WINDOW),
    }, unit="%", tolerance=0.01, shown=".1f", fields=pair.fields())


@kind(level=1)
def accuracy_lost() -> Choice:
    """What the split costs MobileNet in accuracy, as its paper prints it."""
    full, separable = networks()["Top-1 accuracy, %"]
    lost = full - separable
    return Choice("none" if lost < 0.5 else "little" if lost < 3 else "much" if lost < 8 else "most",
                  fields=network_fields())


@kind(level=2, narrow=NARROW, expansion=EXPANSIONS)
def inverted_weights(narrow: int, expansion: int) -> Number:
    """Weights of an inverted residual, without norms."""
    pair = invert(narrow, expansion, 28)
    block, wide = pair.inverted, narrow * expansion
    return Number(block.weights, {
        "groups forgotten": 2 * narrow * wide + WINDOW * wide**2,
        "3×3 of a bottleneck": pair.bottleneck.weights,
        "depthwise of the narrow ends": 2 * narrow * wide + WINDOW * narrow,
        "one 1×1 forgotten": narrow * wide + WINDOW * wide,
        "no widening without expansion": 2 * narrow**2 + WINDOW * narrow,
        "3×3 forgotten": 2 * narrow * wide,
        "kernel once": 2 * narrow * wide + 3 * wide,
        "norms counted": block.params,
    }, fields=pair.fields() | {"expansion": expansion})


@kind(level=1, narrow=NARROW)
def linear_layer(narrow: int) -> Place:
    """The convolution of an inverted residual after which no activation stands."""
    pair = invert(narrow, PAPER_EXPANSION, 14)
    names = {str(number): _("the {kernel}×{kernel}, {inputs} → {outputs}").format(
        kernel=op.window.kernel[0], inputs=op.in_shapes[0][1], outputs=op.out_shapes[0][1])
        for number, op in enumerate(pair.inverted.convolutions)}
    return Place(answer={str(number) for number in without_activation(pair.inverted)}, names=names,
                 slip_values={"the first": {"0"}, "the depthwise": {"1"}}, fields=pair.fields())


@kind(level=3, narrow=NARROW)
def equal_weights(narrow: int) -> Number:
    """The expansion at which the inverted block holds as many weights as the bottleneck of the same two widths."""
    least = max((share, expansion) for expansion, share in shares(narrow).items() if expansion <= 10)
    return Number(equal_expansion(narrow), {
        "the kernel's places": WINDOW, "one": 1, "times the kernel": WINDOW * narrow, "squared": narrow**2,
    }, fields={"narrow": narrow, "nearest": least[1], "nearest_share": f"{100 * least[0]:.1f} %"})


@kind(level=2)
def cheapest_first() -> Order:
    """Three real blocks by their multiply-adds."""
    blocks = real_blocks()
    ids = dict(zip(("basic", "bottleneck", "inverted"), blocks))
    costs = {id: blocks[name].macs for id, name in ids.items()}
    carried = dict(zip(ids, blocks_in_networks()["Numbers in the shortcut"]))
    return Order(answer=tuple(sorted(costs, key=costs.get)),
                 slip_values={"by the shortcut": tuple(sorted(carried, key=carried.get)),
                              "by age": ("basic", "bottleneck", "inverted")},
                 fields={"map": CONV2_X} | {id: f"{cost:,}" for id, cost in costs.items()})


@kind(level=1, groups=GROUPS)
def grouped_weights(groups: int) -> Number:
    """Weights of the first 1x1 of ShuffleNet's unit."""
    fields, weights = grouped_fields(groups), units(groups)[0].convolutions[0].params
    return Number(weights, {
        "groups forgotten": weights * groups,
        "one group": weights // groups,
        "3×3": WINDOW * weights,
        "added": fields["channels"] + fields["middle"],
    }, fields=fields)


@kind(level=2, groups=GROUPS, place=(1, 2, 3, 4, 5, 6, 7))
def stands_at(groups: int, place: int) -> Number:
    """The channel that the shuffle brings to a place."""
    dealt = origins(groups, True)
    width = len(dealt) // groups
    return Number(dealt[place], {
        "not moved": place,
        "to where, not from where": dealt.index(place),
        "counted from one": dealt[place] + 1,
    }, fields={"groups": groups, "place": place, "channels": len(dealt), "last": len(dealt) - 1, "width": width,
               "row": place % groups, "column": place // groups, "row_number": place % groups + 1})


@kind(level=2, groups=GROUPS, shuffle=(False, True), seed=(0, 1, 2))
def no_path(groups: int, shuffle: bool, shares: np.ndarray = REACH) -> Number:
    """How many pairs of groups no path joins."""
    apart, cells = groups * (groups - 1), groups**2
    return Number(int((shares == 0).sum()), {
        "the shuffle overlooked": apart if shuffle else 0, "the diagonal": groups, "all": cells, "half of them": apart // 2,
    }, fields={"groups": groups, "cells": cells, "state": _("on") if shuffle else _("off"),
               "own": f"{100 * shares.diagonal().mean():.0f} %"})


@kind(level=2)
def parts_of_v2() -> Several:
    """Which parts the unit of ShuffleNet V2 has."""
    first, second = units(3)
    return Several(answer=parts(second), slip_values={"as before": parts(first)}, fields={"channels": TABLE_5[100][0]})


@kind(level=3, size=(7, 14, 28, 56))
def more_numbers(size: int) -> Number:
    """How many times as many numbers the separable convolution moves as the full one of as many multiply-adds."""
    full, separable = runners_of_blocks(size)
    numbers, maps = moved_by(separable), 2 * SEPARABLE * size**2
    return Number(numbers / moved_by(full), {
        "as the count": separable.macs / full.macs,
        "between the steps": (numbers - maps) / moved_by(full),
        "channels alone": SEPARABLE / DENSE,
        "other way round": moved_by(full) / numbers,
    }, tolerance=0.03, shown=".2f",
        fields={"size": size, "dense": DENSE, "wide": SEPARABLE, "full": f"{moved_by(full):,}", "separable": f"{numbers:,}",
                "weights": f"{full.weights:,}", "separable_weights": f"{separable.weights:,}",
                "map": f"{DENSE * size**2:,}", "wide_map": f"{SEPARABLE * size**2:,}",
                "each": f"{full.macs / moved_by(full):,.0f}", "each_separable": f"{separable.macs / numbers:,.0f}"})
