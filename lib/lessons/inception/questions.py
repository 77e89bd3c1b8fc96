"""What the lesson on Inception asks."""

from lib.architecture import Impossible
from lib.lessons.inception import trained
from lib.lessons.inception.classifiers import STARTS, WEIGHTS, Gradients, gradient_fields, gradients, reached
from lib.lessons.inception.kernels import KERNELS, factors
from lib.lessons.inception.modules import (
    CHANNELS, FILTERS, FIRST, FIRST_CHANNELS, SIZES, Pair, branches, break_even, first_with, module_fields, modules,
    second_branch, third_branch, whole)
from lib.lessons.inception.networks import (
    LARGEST, QUANTITIES, RIVALS, VERSIONS, analysis, cheapest_first, filters, growth, growth_fields, poolings, rival_fields,
    rows, sides, smallest_image, strided_layers)
from lib.lessons.inception.stems import first_layers, stem_fields
from lib.measuring import Measured
from lib.models.googlenet import TABLE_1
from lib.questions import Choice, Levels, Number, Order, Several, kind
from lib.text import _

ROWS = tuple(TABLE_1)
MEGA = 10**6
GRADIENTS = Measured(gradients, _("Measuring gradients"))
HARDLY, MANY = 1.2, 10.0
"""Where a ratio of gradients counts as more than none, and as large."""


@kind(level=1, n1x1=FILTERS["n1x1"], n3x3=FILTERS["n3x3"], n5x5=FILTERS["n5x5"], projection=FILTERS["projection"])
def channels_out(n1x1: int, n3x3: int, n5x5: int, projection: int) -> Number:
    """Channels that go out of a module with reductions."""
    all_ = whole(first_with(n1x1=n1x1, n3x3=n3x3, n5x5=n5x5, projection=projection))
    out = all_.reduced.channels
    return Number(out, {
        "reductions counted": out + FIRST.reduce3x3 + FIRST.reduce5x5,
        "pooling passes all": all_.naive.channels,
        "projection forgotten": out - projection,
        "widest alone": max(n1x1, n3x3, n5x5, projection),
        "maps added": out + FIRST_CHANNELS,
    }, fields={"n1x1": n1x1, "n3x3": n3x3, "n5x5": n5x5, "projection": projection, "channels": FIRST_CHANNELS,
               "reduce3x3": FIRST.reduce3x3, "reduce5x5": FIRST.reduce5x5})


@kind(level=2, channels=Levels((192, 256), CHANNELS, CHANNELS), reduce5x5=Levels((16, 32), *[FILTERS["reduce5x5"]] * 2),
      n5x5=Levels((32, 64), *[FILTERS["n5x5"]] * 2), size=Levels((14, 28), SIZES, SIZES))
def branch_macs(channels: int, reduce5x5: int, n5x5: int, size: int) -> Number:
    """Multiply-adds of a 5x5 branch with its reduction, in millions."""
    pair = third_branch(channels, reduce5x5, n5x5, size)
    first, last = pair.reduced.reduction / MEGA, pair.reduced.kernel / MEGA
    return Number(first + last, {
        "without the reduction": pair.naive.macs / MEGA,
        "1×1 forgotten": last,
        "1×1 alone": first,
        "one place": pair.reduced.weights / MEGA,
        "kernel once": first + last / 5,
        "FLOPs for MACs": 2 * (first + last),
    }, unit=_("million"), tolerance=0.02, shown=",.2f", fields={
        "channels": channels, "reduce5x5": reduce5x5, "n5x5": n5x5, "size": size, "naive": f"{pair.naive.macs / MEGA:,.2f}",
        "first": f"{first:,.2f}", "last": f"{last:,.2f}", "times": f"{pair.times:.1f}"})


@kind(level=3, channels=CHANNELS, n3x3=FILTERS["n3x3"])
def widest_reduction(channels: int, n3x3: int) -> Number:
    """Filters of the reduction at which the 3x3 branch has as many weights as the 3x3 alone."""
    pair = second_branch(channels, FIRST.reduce3x3, n3x3)
    return Number(break_even(channels, n3x3), {
        "as many as come in": channels,
        "as many as go out": n3x3,
        "half": channels / 2,
        "3×3 forgotten": 9 * n3x3,
        "kernel of one place": channels * n3x3 / (channels + n3x3),
    }, tolerance=0.03, shown=",.0f", fields={
        "channels": channels, "n3x3": n3x3, "alone": f"{pair.naive.weights:,}",
        "each": f"{pair.reduced.weights // FIRST.reduce3x3:,}"})


@kind(level=2, row=Levels(("3a",), ROWS, ROWS))
def times_fewer(row: str) -> Number:
    """How many times fewer multiply-adds the module with reductions makes."""
    both = modules(rows()[row]["channels"], rows()[row]["size"], filters(row))
    all_, (_one, third, fifth, pooling) = whole(both), (Pair(*pair) for pair in zip(*map(branches, both)))
    return Number(all_.times, {
        "projection forgotten": all_.naive.macs / (all_.reduced.macs - pooling.reduced.macs),
        "reductions forgotten": all_.naive.macs / (all_.reduced.macs - all_.reduced.reduction),
        "3×3 branch alone": third.times,
        "5×5 branch alone": fifth.times,
        "other way round": 1 / all_.times,
    }, tolerance=0.03, shown=".2f", fields=rows()[row] | module_fields(both) | {"row": row})


@kind(level=2, row=Levels(("3a", "3b"), ("4a", "4b"), ROWS[4:]))
def naive_channels(row: str) -> Number:
    """Channels that go out of a module of the naive network."""
    place = ROWS.index(row)
    naive, reduced = (int(growth()[column][place]) for column in growth().columns[1:])
    own = {each: filters(each).n1x1 + filters(each).n3x3 + filters(each).n5x5 for each in ROWS[:place + 1]}
    return Number(naive, {
        "projections": reduced,
        "what comes in forgotten": sum(own.values()),
        "last module alone": own[row],
        "passed on once": rows()[row]["channels"] + own[row],
    }, fields=growth_fields() | {
        "row": row, "given": FIRST_CHANNELS, "own": ", ".join(f"{each} {count}" for each, count in own.items()),
        "sum": " + ".join(map(str, (FIRST_CHANNELS, *own.values()))), "with_projections": reduced})


@kind(level=3)
def dearest_layer() -> Order:
    """The first layers of two networks, from the cheapest to the dearest in multiply-adds."""
    layers = first_layers()
    names = {str(number): name for number, name in enumerate(layers)}

    def sort(key) -> tuple[str, ...]:
        return tuple(id for id, _op in sorted(zip(names, layers.values()), key=lambda pair: key(pair[1])))
    return Order(answer=sort(lambda op: op.macs), names=names, slip_values={
        "by weights": sort(lambda op: op.params - op.out_shapes[0][1]),
        "by kernel": sort(lambda op: (op.window.kernel, op.macs)),
        "by map": sort(lambda op: (op.out_shapes[0][2], op.macs)),
    }, fields=stem_fields() | {"each": ", ".join(
        f"{op.macs / MEGA:,.0f}" for op in sorted(layers.values(), key=lambda op: op.macs))})


@kind(level=2, pool=(1, 2, 3, 4))
def strided_instead(pool: int) -> Several:
    """What changes when a strided convolution takes the place of a max pooling."""
    found = poolings()[pool - 1]
    ours, theirs = found.pooling.ops[-1], found.convolution.ops[-1]
    changed = {"weights": found.pooling.weights != found.convolution.weights,
               "macs": found.pooling.macs != found.convolution.macs,
               "side": ours.out_shapes[0][2:] != theirs.out_shapes[0][2:],
               "channels": ours.out_shapes[0][1] != theirs.out_shapes[0][1],
               "reads": ours.kind == "max_pool2d" and theirs.groups == 1}
    every = sum(each.convolution.weights for each in poolings())
    return Several(answer=frozenset(name for name, differs in changed.items() if differs), slip_values={
        "costs alone": ("weights", "macs"), "everything": tuple(changed),
    }, fields={"pool": pool, "channels": found.channels, "size": found.size, "smaller": ours.out_shapes[0][2],
               "weights": f"{found.convolution.weights:,}", "macs": f"{found.convolution.macs:,}", "every": f"{every:,}",
               "network": f"{analysis('googlenet_2014').params:,}"})


@kind(level=3, version=tuple(VERSIONS))
def smallest(version: str) -> Number:
    """The side of the smallest image that a network can take."""
    answer = smallest_image(version)
    usual, last, failing = (sides(version, image) for image in (LARGEST, answer, answer - 1))
    others = [image for preset in VERSIONS if (image := smallest_image(preset)) != answer]
    return Number(answer, {
        "halved five times": 2**(len(usual) - 1),
        "one pixel too few": answer - 1,
        "size of training": LARGEST,
        "any size": 1,
        "another version": others[0],
        "the third version": others[-1],
    }, unit=_("pixels"), fields={
        "name": VERSIONS[version], "layers": strided_layers(version), "halvings": len(usual) - 1, "usual": LARGEST,
        "usual_last": list(usual.values())[-1],
        "sides": " → ".join(map(str, last.values())), "failing": next(stage for stage, side in failing.items() if not side),
        "less": answer - 1, "small": list(failing.values())[list(failing.values()).index(0) - 1]})


@kind(level=1, quantity=tuple(QUANTITIES))
def rivals(quantity: str) -> Order:
    """Four networks, from the smallest to the largest."""
    other, = set(QUANTITIES) - {quantity}
    order = cheapest_first(quantity)
    return Order(answer=order, names=RIVALS, slip_values={
        "the other quantity": cheapest_first(other), "largest first": order[::-1],
        "by depth": ("alexnet", "vgg16", "googlenet_2014", "googlenet_naive"),
    }, fields=rival_fields() | {"quantity": QUANTITIES[quantity], "each_network": "; ".join(
        f"{RIVALS[preset]} {getattr(analysis(preset), quantity) / MEGA:,.0f}" for preset in order)})


@kind(level=2, kernel=Levels((5,), (5, 7), KERNELS), form=("stack", "pair"))
def share(kernel: int, form: str) -> Number:
    """Weights of a kernel taken apart, in percent of the whole one's."""
    if form == "stack" and kernel == 3:
        raise Impossible(_("A stack of 3×3 that sees 3×3 is one 3×3. Choose a larger kernel, or 1×n and n×1."))
    count = kernel // 2 if form == "stack" else 2
    parts = f"{count} × 3·3" if form == "stack" else f"1·{kernel} + {kernel}·1"
    return Number(factors(kernel).share(form), {
        "one of them": factors(kernel).share(form) / count,
        "two for three": 100 * 2 * 9 / kernel**2 if form == "stack" else None,
        "as much as it sees": 100,
        "sides, not places": 100 * count * 3 / kernel if form == "stack" else None,
        "other way round": 10_000 / factors(kernel).share(form),
        "what is saved": 100 - factors(kernel).share(form),
    }, unit="%", tolerance=0.02, shown=".1f", fields={
        "kernel": kernel, "count": count, "parts": parts, "places": kernel**2,
        "form": _("{count} convolutions of 3×3, one after the other").format(count=count) if form == "stack" else
        _("a 1×{kernel} and a {kernel}×1, one after the other").format(kernel=kernel)})


@kind(level=2)
def who_hears() -> Several:
    """Which parts of the network a gradient of the auxiliary losses reaches."""
    asked = ("conv1", "inception3b", "inception4a", "inception4d", "inception4e", "inception5b")
    return Several(answer=frozenset(part for part in asked if reached()[part]), slip_values={
        "everywhere": asked, "there alone": ("inception4a", "inception4d"),
        "above too": ("inception4a", "inception4d", "inception4e", "inception5b"),
        "above": ("inception4e", "inception5b"),
    }, names={part: part.removeprefix("inception") for part in asked})


@kind(level=3, start=tuple(STARTS), batch_norm=(False, True), auxiliary=WEIGHTS, seed=tuple(range(10)))
def help_at_conv1(start: str, batch_norm: bool, auxiliary: str, seed: int, gradients: Gradients = GRADIENTS) -> Choice:
    """How much larger the auxiliary losses make the gradient of the first convolution, at fresh weights."""
    ratio = gradients.parts[0].ratio(float(auxiliary))
    return Choice("hardly" if ratio < HARDLY else "some" if ratio < MANY else "many",
                  fields=gradient_fields(gradients, float(auxiliary)) | {
                      "start": STARTS[start], "seed": seed, "hardly": HARDLY, "many": f"{MANY:.0f}",
                      "norm": _("with batch norm") if batch_norm else _("without batch norm")})


@kind(level=2)
def who_begins() -> Choice:
    """Which of two small GoogLeNets begins to learn sooner: with auxiliary losses or without."""
    return Choice(trained.sooner(), fields=trained.fields())
