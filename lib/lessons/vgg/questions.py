"""What the lesson on AlexNet and VGG asks."""

from lib.lessons.vgg.alexnets import LAYERS, ZF, count, growths, maps, zf_fields
from lib.lessons.vgg.heads import AVERAGE, FLAT, IMAGES, OWN, before_head, endings, plain
from lib.lessons.vgg.lecture import PRINTED, STAGES, fitting, sums, without_one
from lib.lessons.vgg.networks import MEBI, NETWORKS, analysis, in_convolutions, trends
from lib.lessons.vgg.stages import (
    FIFTH, FIRST, IMAGE, KERNELS, RESOLUTIONS, cost_fields, costs, first_layers, kernels, ladder, output_bytes, share,
    shares, step_fields)
from lib.models.vgg import DEPTHS
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind
from lib.trace import numel, shape_text

WIDTHS, CLASSES = (16, 32, 64, 128), (10, 100, 1000)
TOO_SMALL = 16
"""Pixels of an image of which VGG's last pooling finds no whole window."""


@kind(level=1, network=NETWORKS, size=(224, 227))
def where(network: str, size: int) -> Several:
    """Of which costs the convolutions hold more than the linear layers."""
    found = analysis(network, input_size=size)
    return Several(answer=in_convolutions(found), slip_values={
        "all": ("memory", "params", "macs"), "turned round": ("params",), "MACs with parameters": ("memory",),
    }, fields=trends(found))


@kind(level=2, layer=Levels(("conv3", "fc7"), LAYERS, ("conv1", "conv2", "conv4", "conv5")))
def connections(layer: str) -> Number:
    """Connections of a layer of the AlexNet of 2012: its multiply-adds."""
    found = count(layer)
    op, (_batch, _channels, *read) = found.op, found.op.in_shapes[0]
    places = found.connections // found.weights
    return Number(found.connections, {
        "units": found.units,
        "one place": found.weights,
        "groups forgotten": found.connections * op.groups,
        "input size for output size": found.weights * read[0] * read[1] if len(read) == 2 else None,
        "kernel once": found.connections // op.window.kernel[0] if op.window else None,
        "bias counted": op.params * places,
        "FLOPs for MACs": 2 * found.connections,
    }, tolerance=0.0005, fields={"layer": layer, "description": found.description, "units": f"{found.units:,}",
               "weights": f"{found.weights:,}", "places": f"{places:,}"})


@kind(level=2, size=Levels((227, 259), (195, 224, 227, 259), (200, 224, 240, 256)))
def last_map(size: int) -> Number:
    """Side of the last map of the AlexNet of 2012."""
    found = maps(2012, size)
    side, first = found.sides["pool5"], found.sides["conv1"]
    unrounded = (size - 11) / 4 + 1
    for _pooling in range(3):
        unrounded = (unrounded - 3) / 2 + 1
    return Number(side, {
        "border of 2014": maps(2014, size).sides["pool5"],
        "poolings of 2×2": first // 8,
        "one pooling forgotten": found.sides["pool2"],
        "conv1 alone": first,
        "floor forgotten": unrounded,
    }, fields={"size": size, "sides": " → ".join(str(found.sides[each]) for each in ("conv1", "pool1", "pool2", "pool5")),
               "arriving": f"{found.arriving:,}", "expected": f"{found.expected:,}"})


@kind(level=2, later=ZF[1:])
def growth_order(later: str) -> Order:
    """What grows least and most from AlexNet to a ZFNet."""
    times = growths(later)
    order = sorted(times, key=times.__getitem__)
    least, middle, most = order
    return Order(answer=tuple(order), slip_values={"upside down": (most, middle, least),
                                                   "last two swapped": (least, most, middle)}, fields=zf_fields(later))


@kind(level=1, width=WIDTHS, kernel=Levels((5, 7), (5, 7), KERNELS))
def stack_weights(width: int, kernel: int) -> Number:
    """Weights of the stack of 3x3 convolutions that sees as much as one large kernel."""
    both = kernels(width, kernel)
    one = 9 * width * width
    return Number(both.stack.weights, {
        "the large kernel": both.one.weights,
        "one 3×3": one,
        "one too many": one * (both.count + 1),
        "one too few": one * (both.count - 1),
        "channels once": 9 * width * both.count,
        "3 for 3×3": both.stack.weights // 3,
    }, fields={"width": width, "kernel": kernel, "layers": both.count, "one": f"{both.one.weights:,}",
               "percent": f"{100 * both.stack.weights / both.one.weights:.0f}"})


@kind(level=2, width=WIDTHS, image=Levels((112, 224), (56, 112, 224), IMAGES))
def training_memory(width: int, image: int) -> Number:
    """MiB of the outputs of three convolutions, and of their gradients."""
    forward = output_bytes(first_layers(width, image))
    return Number(2 * forward / MEBI, {
        "gradients forgotten": forward / MEBI,
        "one convolution": 2 * forward / 3 / MEBI,
        "bytes forgotten": 2 * forward / 4 / MEBI,
        "millions of bytes": 2 * forward / 10**6,
        "image counted": 2 * (forward + 4 * 3 * image * image) / MEBI,
    }, unit="MiB", tolerance=0.02, shown=".3g", fields={
        "width": width, "image": image, "numbers": f"{forward // 4:,}", "forward": f"{forward / MEBI:.3g}"})


@kind(level=1, depth=tuple(DEPTHS))
def hidden(depth: int) -> Number:
    """Layers with weights that a summary by blocks does not show one by one."""
    blocks, linear = len(DEPTHS[depth]), 3
    return Number(analysis(f"vgg{depth}").weight_layers - blocks - linear, {
        "linear layers forgotten": depth - blocks,
        "shown instead": blocks + linear,
        "blocks forgotten": depth - linear,
        "all": depth,
    }, fields={"depth": depth, "rows": blocks + linear, "blocks": blocks, "convolutions": sum(DEPTHS[depth]),
               "stages": ", ".join(map(str, DEPTHS[depth]))})


@kind(level=3)
def missing() -> Place:
    """The stage of which the slides of a lecture forgot a convolution."""
    fits, true = fitting(), sums(analysis("vgg16"))
    answer = fits["macs"] & fits["memory"] & fits["params"]
    return Place(answer=answer, names={stage: stage for stage in STAGES}, slip_values={
        "MACs alone": fits["macs"] - answer, "parameters alone": set(STAGES) - fits["macs"],
    }, fields={"macs": f"{true.macs:.2f}", "memory": f"{true.memory:.1f}", "params": f"{true.params:.1f}",
               **{f"printed_{quantity}": f"{number:g}" for quantity, number in PRINTED.items()},
               "output": next(op.output for op in analysis("vgg16").ops if op.stage in answer),
               "fitting": ", ".join(stage for stage in STAGES if stage in fits["macs"]),
               "short": f"{next(without_one()[stage].memory for stage in answer):.1f}",
               "lost_macs": f"{true.macs - PRINTED['macs']:.2f}", "lost_memory": f"{true.memory - PRINTED['memory']:.1f}"})


@kind(level=2, growth=(1, 2, 4))
def share_of_largest(growth: int) -> Number:
    """Share of the multiply-adds that is done on the largest of five maps."""
    found = shares(ladder(64, growth))

    def if_each_costs(times: float) -> float:
        """The share, if each layer cost so many times the one before."""
        return 100 / sum(times**step for step in range(len(RESOLUTIONS)))

    return Number(found[0], {
        "channels forgotten": if_each_costs(1 / 4),
        "channels once": if_each_costs(growth / 4),
        "side for area": if_each_costs(growth**2 / 2),
        "map forgotten": if_each_costs(growth**2),
        "equal parts": 100 / len(RESOLUTIONS),
        "the smallest map": found[-1],
    }, unit="%", tolerance=0.03, shown=".3g", fields={
        "largest": RESOLUTIONS[0], "smallest": RESOLUTIONS[-1], "last": f"{found[-1]:.3g}", **step_fields(growth)})


@kind(level=3, depth=tuple(DEPTHS), width=WIDTHS)
def doubled_width(depth: int, width: int) -> Several:
    """Which costs change when the width is doubled."""
    before, after = costs(depth, width), costs(depth, 2 * width)
    full, wider = (ladder(each, 2)[0] for each in (width, 2 * width))
    changed = {"full": full.macs != wider.macs} | {
        each: share(before, reason) != share(after, reason)
        for each, reason in {"image": IMAGE, "first": FIRST, "fifth": FIFTH}.items()}
    return Several(answer=frozenset(each for each, differs in changed.items() if differs),
                   slip_values={"all": ("full", "image", "first", "fifth"), "the layer alone": ("full",)},
                   fields=cost_fields(depth, width) | {"times": f"{wider.macs / full.macs:g}",
                                                       "weights": f"{wider.weights / full.weights:g}",
                                                       "after": f"{share(after, IMAGE):.1%}"})


@kind(level=2, depth=tuple(DEPTHS), pixels=Levels((32, 224), IMAGES, (TOO_SMALL, 56, 84)))
def smaller_image(depth: int, pixels: int) -> Choice:
    """What a VGG without adaptive pooling does with an image of another size."""
    found = plain(depth, pixels)
    last, arriving = "nothing", 0
    if found.stops != "map":
        shape = before_head(depth, pixels).in_shapes[0]
        last, arriving = shape_text(shape), numel(shape)
    expected = numel(before_head(depth, 224).in_shapes[0])
    return Choice(found.stops, fields={"depth": depth, "pixels": pixels, "last": last, "arriving": f"{arriving:,}",
                                       "expected": f"{expected:,}"})


@kind(level=2, depth=(16, 19), width=(32, 64), classes=CLASSES, ending=Levels(("flatten",), ("flatten",), ("own",)))
def times_average(depth: int, width: int, classes: int, ending: str) -> Number:
    """How many times the weights of a global average's linear layer another head has."""
    weights = {each.name: each.weights for each in endings(depth, width, classes)}
    chosen, average, channels = weights[FLAT if ending == "flatten" else OWN], weights[AVERAGE], 8 * width
    words = {"flatten": FLAT, "own": OWN}[ending]
    return Number(chosen / average, {
        "side for area": 7.0,
        "other way round": average / chosen,
        "first layer alone": 7 * 7 * channels * 4096 / average if ending == "own" else None,
        "the flattened one": weights[FLAT] / average,
        "own head": weights[OWN] / average,
        "channels counted": 7 * 7 * channels,
    }, tolerance=0.02, shown=",.6g", fields={
        "depth": depth, "width": width, "channels": channels, "classes": classes, "ending": words,
        "chosen": f"{chosen:,}", "average": f"{average:,}", "own": f"{weights[OWN]:,}",
        "flat_times": f"{weights[FLAT] / average:g}", "own_times": f"{weights[OWN] / average:.1f}"})
