"""What the lesson on ResNeXt asks."""

from math import sqrt

from lib.lessons.curves import NONE, clear_winner
from lib.lessons.resnext import trained
from lib.lessons.resnext.costs import MAP, block, cost_fields, equal_inside, forms, several
from lib.lessons.resnext.networks import (
    DOUBLED, START, added, against_resnet, billions, error_fields, errors, network)
from lib.lessons.resnext.paths import INNER, OUTER, Differences, differences, redrawn
from lib.lessons.resnext.reach import CHANNELS, reach
from lib.measuring import Measured
from lib.models.resnext import equal_weights_width
from lib.questions import Choice, Levels, Number, Order, Several, kind
from lib.text import _

PATHS = Levels((2, 4, 8), (4, 8, 16, 32), (2, 4, 8, 16, 32))
WIDTH = Levels((4, 8), (4, 8, 14, 24), (4, 14, 24, 40))
SEEDS = tuple(range(10))
FOUND = Measured(differences, _("The three forms"))
TWICE = Measured(redrawn, _("The three forms, drawn twice"))
ROUNDING = 1e-9
"""In float64 rounding stays far below this share of the outputs."""


@kind(level=1, cardinality=PATHS, width=WIDTH)
def weights(cardinality: int, width: int) -> Number:
    """Weights of a block of C paths of width d, without norms: equation 4 of the paper."""
    grouped = block(cardinality, width)
    first, middle, last = (op.params for op in grouped.convolutions)
    return Number(grouped.weights, {
        "groups forgotten": first + middle * cardinality + last,
        "one path": grouped.weights // cardinality,
        "one 1×1 forgotten": first + middle,
        "3 for 3×3": first + middle // 3 + last,
        "norms counted": grouped.params,
        "shared 1×1": (first + last) // cardinality + middle,
    }, fields=cost_fields(cardinality, width) | {"written_out": grouped.written_out})


@kind(level=1, cardinality=(1, 2, 4, 8, 16, 32), width=(4, 8), seed=SEEDS)
def same_output(cardinality: int, width: int, found: Differences = FOUND) -> Choice:
    """By how much the outputs of the three forms differ."""
    single, double = (max(values) for values in zip(*found.largest.values()))
    answer = "zero" if single == double == 0 else "rounding" if double < ROUNDING * found.output else "real"
    return Choice(answer, fields={"cardinality": cardinality, "width": width, "outer": OUTER} | found.fields())


@kind(level=2, cardinality=PATHS, width=WIDTH)
def which_differ(cardinality: int, width: int) -> Several:
    """Which numbers of the three forms are not the same."""
    several(cardinality)
    found = forms(cardinality, width)
    numbers = {"weights": [form.weights for form in found], "macs": [form.macs for form in found],
               "operations": [form.other_operations for form in found],
               "convolutions": [len(form.convolutions) for form in found]}
    return Several(answer=frozenset(name for name, each in numbers.items() if len(set(each)) > 1),
                   slip_values={"all of them": tuple(numbers), "add costs more": ("macs", "operations", "convolutions")},
                   fields={"cardinality": cardinality, "width": width} | found.fields())


@kind(level=1, cardinality=Levels((2, 4), (4, 8), (16, 32)), width=(4, 8), seed=SEEDS)
def zeros(cardinality: int, width: int, found: Differences = FOUND) -> Number:
    """Share of the kernels of the grouped 3x3, written as a dense one, that are zero."""
    convolution = block(cardinality, width).convolutions[1]
    inside = convolution.out_shapes[0][1]
    return Number(100 * (1 - convolution.params / (9 * inside * inside)), {
        "what is left": 100 / cardinality,
        "one group": 100 * (1 - 1 / (cardinality * cardinality)),
    }, unit="%", tolerance=0.005, shown=".1f",
        fields=cost_fields(cardinality, width) | found.fields() | {"side": inside})


@kind(level=2, cardinality=(2, 4, 8, 16), width=(4, 8), seed=tuple(range(9)))
def by_chance(cardinality: int, twice: tuple[Differences, Differences] = TWICE) -> Several:
    """What changes with the seed."""
    first, second = twice
    stored, stored_then = (int((each.matrix != 0).sum()) for each in twice)  # each one works once at every cell
    changed = {"weights": stored != stored_then, "macs": stored != stored_then,
               "places": bool(((first.matrix == 0) != (second.matrix == 0)).any()),
               "sizes": bool((first.matrix != second.matrix).any()), "digits": first.largest != second.largest}
    return Several(answer=frozenset(name for name, differs in changed.items() if differs),
                   slip_values={"digits forgotten": ("sizes",), "places too": ("places", "sizes", "digits")},
                   fields={"cardinality": cardinality, "first": first.fields()["single"],
                           "second": second.fields()["single"]})


@kind(level=2, cardinality=PATHS)
def blocks(cardinality: int) -> Several:
    """A block-diagonal convolution: what it saves, what it loses, and what mends that. D2L, on channels, exercise 7."""
    found = reach(cardinality)
    dense, split, all_read = found["dense"], found["blocks"], CHANNELS
    holds = {"times": split.macs * cardinality == dense.macs, "square": split.macs * cardinality**2 == dense.macs,
             "apart": split.reads < dense.reads, "fewer": split.gives < dense.gives,
             "twice": found["twice"].reads == all_read,
             "joined": found["joined"].reads == all_read and found["joined"].macs < dense.macs}
    return Several(answer=frozenset(name for name, true in holds.items() if true),
                   slip_values={"no remedy": ("times", "apart"), "no downside": ("times", "joined")},
                   fields={"cardinality": cardinality, "channels": all_read, "reads": split.reads, "map": MAP,
                           "dense_macs": f"{dense.macs:,}", "split_macs": f"{split.macs:,}",
                           "joined_macs": f"{found['joined'].macs:,}", "shuffled": found["shuffled"].reads})


@kind(level=3, cardinality=Levels((2, 4), (8, 16), (2, 4, 8, 16, 32)))
def nearest_width(cardinality: int) -> Number:
    """The width of C paths that costs as much as one path of 64."""
    nearest = equal_weights_width(OUTER, INNER, cardinality)
    return Number(nearest, {
        "as many inside": INNER / cardinality,
        "3×3 alone": INNER / sqrt(cardinality),
        "all paths together": nearest * cardinality,
        "as wide as before": INNER,
    }, tolerance=0.05, fields=cost_fields(cardinality, nearest) | {"together": nearest * cardinality})


@kind(level=2, cardinality=(1, 2, 4, 8, 16, 32))
def halved(cardinality: int) -> Choice:
    """Which weights halve when the same channels are cut into twice as many paths."""
    (_name, before), (_name, after) = equal_inside(cardinality)[-2:]
    halves = tuple(2 * new == old for old, new in zip(before, after))
    quarter = 4 * after[1] == before[1]
    answer = {(False, True, False): "middle", (True, True, True): "all", (True, False, True): "ends"}.get(halves)
    return Choice(answer or ("quarter" if quarter else "none"), fields={
        "inside": INNER, "before": f"{cardinality}×{INNER // cardinality}d",
        "after": f"{2 * cardinality}×{INNER // (2 * cardinality)}d",
        "middle": f"{before[1]:,}", "middle_after": f"{after[1]:,}",
        "ends": f"{before[0] + before[2]:,}", "ends_after": f"{after[0] + after[2]:,}"})


@kind(level=2, depth=(50, 101))
def error_of_32(depth: int) -> Number:
    """Top-1 error of 32 paths of width 4 in the paper's Table 3."""
    first, second, *_middle, last = errors()[depth]
    doublings = 5
    return Number(last, {
        "each doubling the same": first - doublings * (first - second),
        "no gain": first,
        "one doubling": second,
        "halved": first / 2,
    }, unit="%", tolerance=0.015, shown=".1f", fields=error_fields(depth))


@kind(level=2)
def twice_the_cost() -> Order:
    """Deeper, wider, more paths: which gains least and which most."""
    order = sorted(DOUBLED, key=lambda each: -DOUBLED[each][1])
    return Order(answer=tuple(order), slip_values={"the other end first": tuple(reversed(order))},
                 fields={"start": START[1]} | {each: error for each, (_name, error) in DOUBLED.items()})


@kind(level=3)
def what_costs() -> Choice:
    """Which of ResNeSt's own ways adds most multiply-adds."""
    found = added()
    return Choice(max(found, key=found.get), fields={
        **{name: f"{macs / 10**9:.2f}" for name, macs in found.items()},
        "attention": f"{found['attention'] / 10**6:.1f}", "resnext": billions()["ResNeXt-50 32×4d"],
        "resnest": billions()["ResNeSt, R 2, K 1"], "size": network(50, 1, 64).image})


@kind(level=2, cardinality=(2, 4, 8, 16, 32), width=(4, 8, 14, 24, 40), depth=(50, 101))
def against_one_path(cardinality: int, width: int, depth: int) -> Choice:
    """Whether a network costs more than the ResNet of its depth."""
    chosen, start = network(depth, cardinality, width), network(depth, 1, 64)
    return Choice(against_resnet(depth, cardinality, width), fields=cost_fields(cardinality, width) | {
        "depth": depth, "macs": f"{chosen.macs:,}", "start_macs": f"{start.macs:,}", "size": chosen.image,
        "percent": f"{100 * chosen.macs / start.macs:.1f}"})


@kind(level=2)
def best_cardinality() -> Choice:
    """Which cardinality ends clearly lowest on the digits."""
    return Choice(clear_winner(trained.runs()), fields=trained.fields(),
                  names={each: each for each in trained.runs()} | {NONE: _("None of them")})
