"""What the lesson on receptive fields asks."""

from collections.abc import Callable

from lib.analysis.atlas import totals
from lib.architecture import Impossible
from lib.lessons.receptive_field import networks
from lib.lessons.receptive_field.effective import Effective, first_narrow
from lib.lessons.receptive_field.gradients import CHAIN, EVERY_SEED, NETWORK, PAIR, PLAIN, RESIDUAL, SEEDS, Seeded
from lib.lessons.receptive_field.networks import GROUPS, NETWORKS
from lib.lessons.receptive_field.stacks import (
    EASY, HARD, MEDIUM, PAIRS, Slide, as_far, doubling, in_words, ladder, plain, sides, slides, stacks)
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind
from lib.text import _


@kind(level=1, kernel=Levels((3, 5), (3, 5, 7), (5, 7)), layers=Levels((1, 2), (2, 3), (3, 4)))
def field_of_layers(kernel: int, layers: int) -> Number:
    """The field of some convolutions of one kernel, with stride 1."""
    steps = sides(plain(layers, kernel))
    return Number(steps[-1], {
        "whole kernels": layers * kernel,
        "multiplied": kernel**layers,
        "one layer": kernel,
        "first cell forgotten": steps[-1] - 1,
        "one side": 1 + layers * (kernel - 1) // 2,
        "area": steps[-1]**2,
    }, unit="px", fields={"kernel": kernel, "layers": layers, "more": kernel - 1,
                          "steps": " → ".join(map(str, [1, *steps]))})


@kind(level=1, channels=Levels((16, 64), (32, 128), (256, 512)), single=(5, 7))
def share_of_weights(channels: int, single: int) -> Number:
    """What the weights of the 3x3 convolutions are of those of the one large kernel that sees as much."""
    large, small = (stacks(channels)[name] for name in PAIRS[single])
    count = len(small.convolutions)
    return Number(100 * small.weights / large.weights, {
        "one 3×3": 100 * small.weights / count / large.weights,
        "sides alone": 100 * 3 * count / single,
        "one too many": 100 * (count + 1) * small.weights / count / large.weights,
        "other way round": 100 * large.weights / small.weights,
    }, unit="%", tolerance=0.02, shown=".1f", fields={
        "channels": channels, "single": single, "places": single**2, "layers": count, "small_places": 9 * count,
        "small": f"{small.weights:,}", "large": f"{large.weights:,}"})


@kind(level=2, dilated=Levels((2, 3), (3, 4), (4, 5)))
def plain_layers(dilated: int) -> Number:
    """How many plain 3x3 convolutions see as far as some whose dilation doubles."""
    far = sides(doubling(dilated))[-1]
    spread = [slide.dilation for slide in slides(doubling(dilated))]
    return Number(as_far(dilated), {
        "as many": dilated,
        "last alone": spread[-1],
        "the field": far,
        "half the field": (far + 1) / 2,
        "doubled": 2 * dilated,
    }, fields={"dilated": dilated, "dilations": ", ".join(map(str, spread)), "far": far,
               "sum": " + ".join(map(str, spread))})


def walk(stack: str, widen: Callable[[Slide, int], int], first: int = 1) -> int:
    """The field of a stack, worked out layer by layer: `widen(layer, jump)` is what a layer adds, perhaps by a mistake."""
    field, jump = first, 1
    for slide in slides(stack):
        field, jump = field + widen(slide, jump), jump * slide.stride
    return field


@kind(level=3, stack=Levels(EASY, MEDIUM, HARD))
def field_of_stack(stack: str) -> Number:
    """The field of a stack with strides, poolings or dilations."""
    return Number(sides(stack)[-1], {
        "stride forgotten": walk(stack, lambda each, jump: (each.kernel - 1) * each.dilation),
        "stride too early": walk(stack, lambda each, jump: (each.kernel - 1) * each.dilation * jump * each.stride),
        "dilation forgotten": walk(stack, lambda each, jump: (each.kernel - 1) * jump),
        "pooling forgotten": walk(
            stack, lambda each, jump: (each.kernel - 1) * each.dilation * jump if each.kind == "conv" else 0),
        "whole kernels": walk(stack, lambda each, jump: each.kernel * each.dilation * jump, first=0),
        "first cell forgotten": sides(stack)[-1] - 1,
    }, unit="px", fields={"stack": in_words(stack), "written_out": "; ".join(ladder(stack)["Field, px"])})


@kind(level=2, network=Levels(("vgg16", "resnet18"), ("plain18", "resnet50"), ("resnet34", "plain34")))
def outgrown_at(network: str) -> Place:
    """The first stage at whose end the field is larger than the image."""
    names, first = networks.stage_names(network), networks.first_outgrown(network)
    image, ends = networks.analysis(network).knobs.input_size, networks.sides(network)
    place = names.index(first) if first else len(names)
    return Place(
        answer=(first or "none",), names={**{name: name for name in names}, "none": _("At the end of none of them")},
        slip_values={"too early": names[:place], "too late": names[place + 1:], "none of them": ("none",)},
        fields={"network": network, "image": image,
                "sides": ", ".join(f"{name} {side} px" for name, side in zip(names, ends))})


@kind(level=2, network=NETWORKS, stage=Levels((2, 3), (3, 4), (4, 5)), seed=SEEDS)
def half_of_gradient(network: str, stage: int, effective: Effective = NETWORK) -> Number:
    """The side of the square that holds half of the gradient at the end of a stage of a real network."""
    return Number(effective.half, {
        "all of it": effective.size,
        "half the area": effective.size / 2**0.5,
        "half the side": effective.size / 2,
        "95 %": effective.most,
    }, unit="px", tolerance=0.2, fields={
        **effective.fields(), "network": network, "stage": networks.stage_names(network)[stage - 1],
        "even": f"{effective.size / 2**0.5:.0f}"})


def yes(value: bool) -> str:
    return _("yes") if value else _("no")


@kind(level=1, depth=Levels((1, 2), (4, 6), (6, 8)), strided=(0, 1, 2), shortcuts=(False, True))
def moved_by_seed(depth: int, strided: int, shortcuts: bool, rows: tuple[Seeded, ...] = EVERY_SEED) -> Several:
    """What another seed changes in the chain."""
    moved = frozenset(name for name in ("theory", "outside", "middle", "spread")
                      if len({getattr(row, name) for row in rows}) > 1)
    every = frozenset(("theory", "outside", "middle", "spread"))
    return Several(answer=moved, slip_values={"everything": every, "nothing": frozenset(), "the other ones": every - moved},
                   fields={"convolutions": 2 * depth, "strided": min(depth, strided), "theory": rows[0].theory,
                           "shortcuts": yes(shortcuts),
                           "middles": ", ".join(f"{row.middle:.1%}" for row in rows),
                           "spreads": ", ".join(f"{row.spread:.2f}" for row in rows)})


@kind(level=2, strided=Levels((0,), (0, 1), (1, 2)), shortcuts=(False, True), seed=SEEDS)
def narrow_after(strided: int, shortcuts: bool, found: tuple[Effective, ...] = CHAIN) -> Number:
    """The 3x3 convolutions after which half of the gradient first lies in less than half of the width."""
    if not (convolutions := first_narrow(found)):
        raise Impossible(_("Half of the gradient never lies in less than half of the width here. Choose other values."))
    narrow, last = found[convolutions // 2 - 1], found[-1]
    return Number(convolutions, {
        "blocks": convolutions // 2, "at once": 2, "never": 2 * len(found), "one block early": convolutions - 2,
    }, fields={"strided": strided, "shortcuts": yes(shortcuts), "deepest": 2 * len(found),
               "half": narrow.half, "theory": narrow.size, "last_half": last.half, "last_theory": last.size})


def check_blocks(stage: int) -> None:
    """Raise `Impossible` for the stage before the first block."""
    if stage == 1:
        raise Impossible(_("The first stage has no blocks, so shortcuts make no difference there. Choose a later stage."))


@kind(level=2, stage=Levels((2, 3), (3, 4), (4, 5)), seed=SEEDS)
def narrower(stage: int, pair: tuple[Effective, Effective] = PAIR) -> Choice:
    """Which of a plain and a residual network has the narrower core."""
    check_blocks(stage)
    plain_half, residual_half = (each.half for each in pair)
    answer = "same" if plain_half == residual_half else "residual" if residual_half < plain_half else "plain"
    return Choice(answer, fields={"plain": PLAIN, "residual": RESIDUAL, "stage": networks.stage_names(PLAIN)[stage - 1],
                                  "theory": pair[0].size, "plain_half": plain_half, "residual_half": residual_half})


@kind(level=3, group=Levels(("early", "mobile"), ("resnets", "deep"), ("resnets", "strides")))
def by_field(group: str) -> Order:
    """Networks by the side of their field."""
    names = GROUPS[group]
    sides_of = {name: totals(name).receptive_field for name in names}
    answer = tuple(sorted(names, key=sides_of.get))
    return Order(answer=answer, names={name: name for name in names}, slip_values={
        "largest first": answer[::-1], "by depth": tuple(sorted(names, key=lambda name: totals(name).weight_layers)),
    }, fields={"networks": ", ".join(names), "sides": ", ".join(f"{name} {sides_of[name]} px" for name in answer)})
