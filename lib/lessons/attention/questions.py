"""What the lesson on attention asks."""

import numpy as np

from lib.lessons.attention import blocks as parts
from lib.lessons.attention import trained
from lib.lessons.attention.blocks import FEWEST, FLOOR, WIDTHS, counted, decide, fuse, gate, joins
from lib.lessons.attention.gates import (
    SEEDS, STRENGTHS, ZOOMS, Drift, called, choices, drift, even_weight, gates, hardness, splits, sums)
from lib.lessons.attention.groups import SETTINGS, prices, setting
from lib.lessons.curves import NONE, clear_winner
from lib.lessons.pictures import OBJECTS
from lib.measuring import Measured
from lib.questions import Choice, Levels, Number, Order, Several, kind
from lib.text import _

PICTURES = tuple(OBJECTS)
CHANNELS = Levels((64, 256), (128, 256, 512), (512, 1024, 2048))
REDUCTIONS = Levels((16,), (8, 16), (4, 8, 16, 32))
RADIX, CARDINALITY = (1, 2, 4), (1, 2, 4)
GATES = Measured(gates, _("Gates of squeeze and excitation"))
CHOICES = Measured(choices, _("Weights of selective kernels"))
SPLITS = Measured(splits, _("Weights of split attention"))
DRIFT = Measured(drift, _("SK weights while the object grows"))
NEAR = 1e-3
"""Sums that differ by less are called the same."""


@kind(level=1)
def parts_in_order() -> Order:
    """The four parts of the decision, in the order in which they run."""
    order = parts.order_of_work(2)
    squeeze_first = tuple(sorted(order, key=("squeeze", "fuse", "excite", "select").index))
    return Order(answer=order, fields={"order": " → ".join(order)}, slip_values={
        "squeeze first": squeeze_first, "select before weights": ("fuse", "squeeze", "select", "excite")})


@kind(level=1, channels=CHANNELS, reduction=REDUCTIONS)
def gate_params(channels: int, reduction: int) -> Number:
    """Parameters of the two small layers of an SE gate."""
    found = gate(channels, reduction)
    squeezed, fewer = found.squeezed, channels // reduction
    return Number(found.params, {
        "bias forgotten": found.weights,
        "one layer": found.first.params,
        "not squeezed": 2 * channels * channels + 2 * channels,
        "fewest forgotten": 2 * channels * fewer + fewer + channels if fewer < FEWEST else None,
    }, fields={"channels": channels, "reduction": reduction, "squeezed": squeezed, "fewest": FEWEST,
               "macs": f"{found.macs:,}", "weights": f"{found.weights:,}", "biases": found.params - found.weights})


@kind(level=2, depth=(18, 34, 50, 101, 152))
def weight_layers(depth: int) -> Number:
    """Layers of a ResNet with gates, as papers count them."""
    found = counted(depth)
    return Number(found.way, {
        "gates counted": found.way + found.gates,
        "one for each gate": found.way + found.blocks,
        "projections counted": found.way + found.projections,
        "all counted": found.way + found.gates + found.projections,
    }, fields={"depth": depth} | found._asdict())


@kind(level=1, picture=PICTURES, zoom=ZOOMS, strength=STRENGTHS, seed=SEEDS)
def sum_of_gates(strength: int, seed: int, found: np.ndarray = GATES) -> Choice:
    """What the SE gates of all channels add up to."""
    total, channels = float(found.sum()), found.shape[1]
    answer = "one" if abs(total - 1) < NEAR else "all" if abs(total - channels) < NEAR else "free"
    return Choice(answer, fields={"strength": strength, "seed": seed, "channels": channels, "total": f"{total:.1f}",
                                  "low": f"{found.min():.3f}", "high": f"{found.max():.3f}"})


@kind(level=2, channels=CHANNELS, branches=(2, 3), reduction=REDUCTIONS)
def numbers_of_z(channels: int, branches: int, reduction: int) -> Number:
    """How many numbers SK's vector z has: d = max(C / r, L)."""
    found, divided = fuse(channels, branches, reduction), channels // reduction
    return Number(found.z, {
        "as many as kernels": branches,
        "fewest forgotten": divided if divided < found.z else None,
        "L always": FLOOR,
        "weights given": found.gives,
        "not squeezed": channels,
    }, fields={"channels": channels, "branches": branches, "reduction": reduction, "floor": FLOOR, "gives": found.gives,
               "divided": divided})


@kind(level=1, branches=(2, 3))
def even(branches: int) -> Number:
    """The weight of each kernel where none is preferred."""
    return Number(even_weight(branches), {"own gate": 0.5, "all of it": 1, "other way round": branches}, tolerance=0.02,
                  shown=".3f", fields={"branches": branches, "kernels": ", ".join(parts.kernels(branches))})


@kind(level=2, picture=PICTURES, seed=SEEDS, branches=(2, 3))
def hard_choices(branches: int, found: np.ndarray = CHOICES) -> Choice:
    """What a stronger last layer does to the weights of a channel, and to their sum."""
    largest, total = hardness(found).values()
    if abs(total[-1] - total[0]) > NEAR:
        answer = "grow"
    else:
        answer = "hard" if largest[-1] > largest[0] + NEAR else "even" if largest[-1] < largest[0] - NEAR else "same"
    return Choice(answer, fields={
        "branches": branches, "weak": STRENGTHS[0], "strong": STRENGTHS[-1], "before": f"{largest[0]:.3f}",
        "after": f"{largest[-1]:.3f}", "sum_before": f"{total[0]:.3f}", "sum_after": f"{total[-1]:.3f}"})


@kind(level=2, picture=PICTURES, strength=STRENGTHS, branches=(2, 3))
def wider_kernel(picture: str | bytes, strength: int, branches: int, found: Drift = DRIFT) -> Choice:
    """Whether the weight of the widest kernel rises while the object grows, under every draw of the weights."""
    change = found.widest[:, -1] - found.widest[:, 0]
    answer = "up" if (change > 0).all() else "down" if (change < 0).all() else "draw"
    return Choice(answer, fields=found.fields(SEEDS[0]) | {"picture": called(picture), "strength": strength,
                                                           "branches": branches})


@kind(level=2, radix=RADIX, cardinality=CARDINALITY)
def group_reads(radix: int, cardinality: int) -> Number:
    """Input channels that each group of the 3x3 of split attention reads."""
    found = setting(radix, cardinality)
    return Number(found.reads, {
        "groups forgotten": found.channels,
        "radix forgotten": found.channels // cardinality,
        "cardinality forgotten": found.channels // radix,
        "how many groups": found.groups,
    }, fields={"radix": radix, "cardinality": cardinality, "channels": found.channels, "groups": found.groups,
               "width": WIDTHS[cardinality], "gives": found.channels // cardinality})


@kind(level=2, picture=PICTURES, strength=STRENGTHS, seed=SEEDS, radix=RADIX)
def sum_of_splits(radix: int, found: np.ndarray = SPLITS) -> Choice:
    """What the weights of one channel add up to over the splits."""
    total = found.sum(0)
    answer = "one" if (abs(total - 1) < NEAR).all() else "radix" if (abs(total - radix) < NEAR).all() else "free"
    return Choice(answer, fields={"radix": radix} | sums(found))


@kind(level=3)
def most_weights() -> Choice:
    """Which of the settings with four groups leaves most weights to the softmax."""
    found = {f"{radix}x{cardinality}": setting(radix, cardinality) for radix, cardinality in SETTINGS}
    return Choice(max(found, key=lambda name: found[name].weights), fields={
        "splits": found["4x1"].weights, "both": found["2x2"].weights, "cardinal": found["1x4"].weights,
        "reads": ", ".join(str(each.reads) for each in found.values())})


@kind(level=3, radix=RADIX, cardinality=CARDINALITY)
def deciding_params(radix: int, cardinality: int) -> Number:
    """Parameters of the two small layers of split attention."""
    first, last = decide(parts.blocks(2, radix, cardinality).split)
    channels, middle, given = first.in_shapes[0][1], first.out_shapes[0][1], last.out_shapes[0][1]
    return Number(first.params + last.params, {
        "bias forgotten": first.params + last.params - middle - given,
        "groups forgotten": channels * middle + middle + middle * given + given,
        "radix forgotten": first.params + middle // cardinality * channels + channels,
        "one layer": first.params,
    }, fields={"radix": radix, "cardinality": cardinality, "channels": channels, "middle": middle, "given": given,
               "macs": f"{first.macs + last.macs:,}", "all_macs": f"{parts.blocks(2, radix, cardinality).split.macs:,}",
               "size": parts.MAP})


@kind(level=2, radix=(2, 4), cardinality=(1, 2, 4))
def where_added(radix: int, cardinality: int) -> Several:
    """Which maps are added, and which are not."""
    added = joins(radix, cardinality)
    return Several(answer=frozenset(name for name, true in added.items() if true),
                   slip_values={"all added": tuple(added), "shortcuts alone": ("resnest", "resnext"),
                                "ResNeSt concatenates": ("resnext",)},
                   fields={"radix": radix, "cardinality": cardinality})


@kind(level=2, radix=RADIX, cardinality=CARDINALITY)
def what_grows(radix: int, cardinality: int) -> Choice:
    """What ResNeSt-50 has more of than ResNet-50-D."""
    found = prices(radix, cardinality)
    grown = found.grown()
    return Choice("both" if len(grown) == 2 else next(iter(grown)) if grown else "none",
                  fields={"radix": radix, "cardinality": cardinality} | found.fields())




@kind(level=2, frame=tuple(trained.FRAMES))
def best_gates(frame: str) -> Choice:
    """Which gates let a network end clearly lowest on the digits."""
    found = trained.runs(frame)
    return Choice(clear_winner(found), fields=trained.fields(frame),
                  names={name: name for name in trained.networks(frame)} | {NONE: _("None of them")})
