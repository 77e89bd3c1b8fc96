"""What the lesson on the feature pyramid asks."""

from math import sqrt

from lib.lessons.pyramid.added import COMPARED, MOST, STEP, added, called, compared
from lib.lessons.pyramid.designs import designs
from lib.lessons.pyramid.levels import LEVELS, in_cells, levels
from lib.lessons.pyramid.published import ablations
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind

BACKBONES = ("resnet18", "resnet34", "resnet50", "resnet101")
SIZES = Levels((128, 224, 256), (224, 320, 448), (448, 512, 640))
OBJECTS = (32, 64, 128)
REFERENCE_OBJECT, REFERENCE_LEVEL = 16, "P2"
"""What an object is compared with: 16 pixels at P2."""
USUAL = 256
"""Channels of the paper's pyramid."""
OF_A_LEVEL = {"level": LEVELS}


@kind(level=2, backbone=BACKBONES, size=SIZES, scales=(2, 3, 4))
def fine_and_deep(backbone: str, size: int, scales: int) -> Several:
    """Which designs have a finest map that is both fine and deep."""
    found = designs(backbone, size, USUAL, scales)
    return Several(answer=found.fine() & found.deep(), fields=found.fields() | {"backbone": backbone},
                   slip_values={"fine alone": found.fine(), "deep alone": found.deep()})


@kind(level=1, backbone=BACKBONES, size=SIZES, scales=Levels((2,), (3,), (4,)))
def image_times(backbone: str, size: int, scales: int) -> Number:
    """Multiply-adds of the image pyramid over those of one image."""
    found = designs(backbone, size, USUAL, scales)
    return Number(found.times[0], {
        "each as much": scales,
        "doubling": 2**scales - 1,
        "the largest alone": 4 ** (scales - 1),
        "the first forgotten": found.times[0] - 1,
    }, tolerance=0.01, shown=".3g", fields=found.fields() | {
        "backbone": backbone, "sum": " + ".join(str(4**step) for step in range(scales))})


@kind(level=2, channels=Levels((256,), (128, 256), (64, 512)))
def largest_share(channels: int) -> Choice:
    """The backbone to which a pyramid adds the largest share."""
    shares = dict(zip(COMPARED, compared(channels)["Added, %"]))
    return Choice(max(shares, key=shares.get), names={name: called(name) for name in COMPARED},
                  fields={"channels": channels} | {name: f"{share:.1f}" for name, share in shares.items()})


@kind(level=3, backbone=("resnet34", "resnet50", "resnet101"), percent=(10, 25, 50))
def most_channels(backbone: str, percent: int) -> Number:
    """The most channels whose pyramid costs less than a share of its backbone."""
    found = added(backbone)
    limit, answer = found.backbone * percent / 100, found.most_channels(percent)

    def rounded(channels: float) -> int:
        return min(MOST, int(channels) // STEP * STEP)

    return Number(answer, {
        "the laterals alone": rounded(limit / found.lateral),
        "the 3×3 alone": rounded(sqrt(limit / found.smooth)),
        "in proportion": rounded(256 * percent / found.percent(256)),
        "one step too far": answer + STEP,
    }, fields={"backbone": backbone, "percent": percent, "limit": f"{limit:,.0f}", "lateral": f"{found.lateral:,}",
               "smooth": f"{found.smooth:,}", "share": f"{found.percent(answer):.1f}",
               "next_share": f"{found.percent(answer + STEP):.1f}", "next": answer + STEP})


@kind(level=1, also=OF_A_LEVEL, backbone=BACKBONES, channels=Levels((64, 128), (128, 256), (256, 512)))
def lateral_params(backbone: str, channels: int, level: str) -> Number:
    """Parameters of a level's lateral 1x1, with its bias."""
    found = levels(backbone, 224, channels).named(level)
    inputs = found.c.out_shapes[0][1]
    return Number(found.lateral.params, {
        "bias forgotten": inputs * channels,
        "bias of the inputs": inputs * channels + inputs,
        "the 3×3": found.p.params,
        "kernel of nine": 9 * inputs * channels + channels,
        "channels of the pyramid twice": channels * channels + channels,
    }, fields={"backbone": backbone, "channels": channels, "number": found.number, "inputs": inputs, "map": found.c.output})


@kind(level=1, backbone=BACKBONES)
def made_first(backbone: str) -> Order:
    """The order in which a feature pyramid makes its maps."""
    made = levels(backbone, 224).steps()
    return Order(answer=tuple(sorted(made, key=made.get)), fields={"backbone": backbone},
                 slip_values={"finest first": ("c2", "c5", "sum2", "sum3", "lateral"),
                              "side by side": ("c2", "sum2", "sum3", "c5", "lateral")})


@kind(level=2, backbone=BACKBONES)
def field_that_grows(backbone: str) -> Choice:
    """Whose field grows more from level 2 to level 5."""
    first, *_between, last = levels(backbone, 224).each
    c, p = (getattr(last, name).field.side / getattr(first, name).field.side for name in ("c", "p"))
    return Choice("c" if c > 1.5 * p else "p" if p > 1.5 * c else "both", fields=levels(backbone, 224).fields())


@kind(level=1, also=OF_A_LEVEL, size=SIZES)
def cells_across(size: int, level: str) -> Number:
    """Cells along one side of a level's map."""
    found = levels("resnet50", size).named(level)
    return Number(found.cells, {
        "halved too rarely": 2 * found.cells,
        "halved too often": found.cells // 2,
        "pixels of a cell": found.stride,
        "the number for its power": size // found.number,
        "all cells": found.cells**2,
    }, fields={"size": size, "level": level, "number": found.number, "stride": found.stride})


@kind(level=3, also=OF_A_LEVEL, object=(8, 16, *OBJECTS), size=SIZES)
def cells_reached(object: int, level: str, size: int) -> Number:
    """Cells that an object in the middle of the image reaches into."""
    found = levels("resnet50", size).named(level)
    start, stride, across = (size - object) // 2, found.stride, found.touched(object)
    return Number(across**2, {
        "one side": across,
        "by its area": (object / stride)**2,
        "rounded up": max(1, -(-object // stride))**2,
        "as if it began at a line": (object // stride)**2 or None,
        "one more on each side": (across + 1)**2,
    }, fields={"object": object, "level": level, "size": size, "stride": stride, "start": start, "end": start + object - 1,
               "first": start // stride, "last": (start + object - 1) // stride, "across": across})


@kind(level=2, object=OBJECTS)
def like_the_small_one(object: int) -> Place:
    """The level that gives an object as many cells as P2 gives one of 16 pixels."""
    each = dict(zip(LEVELS, levels("resnet50", 224).each))
    wanted = in_cells(REFERENCE_OBJECT, each[REFERENCE_LEVEL])
    right = [name for name, level in each.items() if in_cells(object, level) == wanted] or ["none"]
    place = LEVELS.index(right[0]) if right[0] in LEVELS else -1
    return Place(answer=frozenset(right), names={name: name for name in LEVELS} | {"none": "none of these"},
                 slip_values={"too fine": LEVELS[:max(0, place)], "too coarse": LEVELS[place + 1:], "none": ("none",)},
                 fields={"object": object, "reference": REFERENCE_OBJECT, "reference_level": REFERENCE_LEVEL,
                         "stride": each[REFERENCE_LEVEL].stride, "cells": wanted,
                         "wide": in_cells(object, each[REFERENCE_LEVEL])})


@kind(level=2, table=tuple(ablations()))
def best_on_small(table: str) -> Order:
    """The rows of a table by what they reach on small objects."""
    rows = ablations()[table].sizes()
    ids = {name[1]: name for name in rows}
    small, large = ({id: rows[name][place] for id, name in ids.items()} for place in (0, 2))
    best, best_on_large = (tuple(sorted(ids, key=of.get, reverse=True)) for of in (small, large))
    return Order(answer=best, names=ids, slip_values={"by large objects": best_on_large, "as printed": tuple(ids)},
                 fields={"table": table, "title": ablations()[table].title,
                         "ranked": ", ".join(f"({id}) {small[id]:.1f}" for id in best)})
