"""What the lesson on ResNet's tweaks asks."""

from collections.abc import Mapping

from lib.lessons.tweaks.networks import WIDTH, alone, ladder_fields, network, tweaks_gain
from lib.lessons.tweaks.reading import GRADIENTS, STAGES, Read, sight, strided_block, zeros
from lib.lessons.tweaks.stems import (
    PLACES, WIDTHS, block_in_stem, first_dearer, meeting_width, stems, strided_stem, weight_uses)
from lib.questions import Choice, Levels, Number, Order, Several, kind

Maps = Mapping[tuple[bool, bool], Read]
SWITCH, SEEDS = (False, True), (0, 1, 2)
STAGE = Levels(("conv3_x",), ("conv3_x", "conv4_x"), ("conv4_x", "conv5_x"))


@kind(level=1, size=Levels((8, 14), (7, 8, 14, 28), (7, 28)), seed=SEEDS)
def never_read(size: int, maps: Maps = GRADIENTS) -> Number:
    """Cells of a map that a 1x1 convolution with stride 2 never reads."""
    never = zeros(maps[False, False].shortcut)
    return Number(never, {
        "those read": size * size - never,
        "half": size * size // 2,
        "three quarters": 3 * size * size // 4,
        "floor for ceiling": size * size - (size // 2)**2,
    }, fields={"size": size, "taken": (size + 1) // 2, "read": size * size - never, "all": size * size})


@kind(level=2, b=SWITCH, d=SWITCH, size=(8,), seed=SEEDS)
def reads_all(b: bool, d: bool, maps: Maps = GRADIENTS) -> Several:
    """The parts of a block that read every cell."""
    read = maps[b, d]
    counts = {part: zeros(cells) for part, cells in read._asdict().items()}
    ways = {part for part in ("path", "shortcut") if not counts[part]}
    return Several(answer=frozenset(part for part, count in counts.items() if not count), slip_values={
        "block forgotten": ways, "block alone": {"block"}, "one way for all": {"path", "shortcut", "block"} if ways else (),
        "switches swapped": ({"path"} if d else set()) | ({"shortcut"} if b else set()) | ({"block"} if b or d else set()),
    }, fields={"b": "on" if b else "off", "d": "on" if d else "off", "cells": read.block.size} | counts)


@kind(level=2, stage=STAGE)
def shared_pixels(stage: str) -> Number:
    """Pixels of a row that two neighbouring cells both see, of those that A's block reads."""
    seen = sight(stage)
    return Number(seen.shared, {
        "stride forgotten": seen.field - seen.jump, "distance alone": seen.apart, "fence post": seen.shared + 1,
        "nothing shared": 0,
    }, fields={"stage": stage, "before": seen.before, "field": seen.field, "jump": seen.jump, "apart": seen.apart})


@kind(level=2, stage=STAGE)
def price_of_b(stage: str) -> Number:
    """Multiply-adds that B adds to the first block of a stage."""
    before, after = (strided_block(b, False, stage) for b in SWITCH)
    first = after.convolutions[0]
    _before, channels, size = STAGES[stage]
    return Number(after.macs - before.macs, {
        "small map forgotten": first.macs, "side for area": first.macs // 2, "no change": 0,
        "other way round": before.macs - after.macs, "in millions": (after.macs - before.macs) / 10**6,
    }, tolerance=0.01, fields={"stage": stage, "outer": 2 * channels, "inner": channels, "size": size, "half": size // 2,
                               "before": f"{before.convolutions[0].macs:,}", "after": f"{first.macs:,}"})


@kind(level=2, width=Levels((64,), (32, 64, 128), WIDTHS))
def dearer_stem(width: int) -> Number:
    """How many times as many multiply-adds C's stem needs as the 7x7."""
    both = stems(width)
    return Number(both.times, {
        "one for one": both.equal_3x3.macs / both.equal_7x7.macs,
        "equal channels": 3 * both.equal_3x3.macs / both.equal_7x7.macs,
        "full width everywhere": 9 * (3 + 2 * width) / (49 * 3),
        "stride in the last": strided_stem("third", width).macs / both.plain.macs,
        "other way round": 1 / both.times,
    }, tolerance=0.03, shown=".2f", fields=both.fields())


@kind(level=3)
def cheap_until() -> Choice:
    """The smallest width of the control at which C's stem costs more than the 7x7."""
    sums = {f"{stem}_{width}": getattr(stems(width), stem).written_out for stem in ("plain", "deep") for width in WIDTHS}
    widths = {str(width): str(width) for width in WIDTHS}
    return Choice(str(first_dearer()), widths, fields=sums | {"meeting": f"{meeting_width():.1f}"})


@kind(level=1, strided=Levels(PLACES[:1], PLACES[:2], PLACES[1:]))
def stem_field(strided: str) -> Number:
    """What three 3x3 convolutions see, one of them with stride 2."""
    steps = [convolution.window.stride[0] for convolution in strided_stem(strided, WIDTH).convolutions]
    sides = [convolution.field.side for convolution in strided_stem(strided, WIDTH).convolutions]
    place = PLACES.index(strided)
    return Number(sides[-1], {
        "stride forgotten": 1 + 2 * len(steps), "kernels added": 3 * len(steps),
        "stride too early": 1 + 2 * place + 4 * (len(steps) - place), "one forgotten": sides[-1] - 1,
    }, fields={"strided": strided, "fields": ", then ".join(map(str, sides)),
                        "plain": stems(WIDTH).plain.convolutions[0].field.side})


@kind(level=2, stage=STAGE)
def uses_of_a_weight(stage: str) -> Number:
    """How many times as often a weight of the stem works as one of a later stage."""
    uses = weight_uses()
    stem, later = uses["conv1"], uses[stage]
    return Number(round(stem.uses / later.uses), {
        "side for area": stem.side // later.side, "weights compared": later.weights // stem.weights, "equally often": 1,
        "other way round": later.uses / stem.uses,
    }, fields={"stage": stage, "large": stem.side, "small": later.side, "width": WIDTH,
               "block": f"{block_in_stem().macs:,}", "times": f"{block_in_stem().macs / stem.macs:.1f}"})


@kind(level=2, width=Levels((64,), (32, 64, 128), WIDTHS))
def what_is_added(width: int) -> Several:
    """Which tweaks add parameters, and which multiply-adds."""
    more = {f"{name}_{what}": number for name, numbers in alone(width).items()
            for what, number in zip(("params", "macs"), numbers)}
    added = {name for name, number in more.items() if number > 0}
    return Several(answer=frozenset(added), slip_values={
        "C saves": added - {"c_params", "c_macs"}, "pooling counted": added | {"d_macs"}, "B is free": added - {"b_macs"},
        "C always costs": added | {"c_params", "c_macs"},
    }, fields={name: f"{number:+,}" for name, number in more.items()} | {"width": width})


@kind(level=3)
def best_bargain() -> Order:
    """The tweaks by the points of accuracy that they gain for each multiply-add."""
    letters, macs, points = tweaks_gain()
    names = [letter.lower() for letter in letters]
    price = {name: more / gain for name, more, gain in zip(names, macs, points)}
    prices = {f"price_{name}": f"{value / 10**6:,.0f}" for name, value in price.items()}
    gained = {f"gain_{name}": gain for name, gain in zip(names, points)}
    return Order(answer=tuple(sorted(names, key=price.__getitem__)), slip_values={
        "points alone": tuple(sorted(names, key=dict(zip(names, points)).__getitem__, reverse=True)),
        "C saves": ("c", "d", "b"),
    }, fields=ladder_fields() | gained | prices | {"image": network(False, False, False, WIDTH).image})
