"""What the lesson on the arithmetic of a convolution asks."""

from dataclasses import replace
from fractions import Fraction
from math import prod

from lib.lessons.convolution import filters, strides
from lib.lessons.convolution.by_hand import OPERATIONS, by_hand, matrix_text, number_text, run, turned
from lib.lessons.convolution.cost import heads, sharing
from lib.lessons.convolution.grid import first_grid, slide
from lib.lessons.convolution.groups import named, weights_of_four
from lib.lessons.convolution.layer import build, built, one_transposed, written_output, written_params, written_size
from lib.lessons.convolution.slips import convolved_rows, field_with, numbers_with
from lib.lessons.convolution.stack import stack, written_field
from lib.lessons.convolution.written import Described, layer, pair
from lib.questions import Choice, Levels, Number, Order, Place, Several, kind
from lib.text import _

CHANNELS = Levels((1, 3, 16), (3, 16, 32), (3, 48, 64, 256))
FILTERS = Levels((1, 10, 32), (10, 32, 100), (64, 100, 384))
SIDES = Levels((16, 32, 63), (32, 63, 224), (55, 224, 227, 300))
MATRICES = ("1 2 0 1 3; 0 1 3 2 1; 2 1 1 0 2; 1 0 2 3 1; 3 1 0 1 2", "4 1 0 2; 3 2 5 1; 0 1 2 2; 1 3 1 4",
            "1 0 2 3; 4 6 6 8; 3 1 1 0; 1 2 2 4")
KERNELS = ("1 0 -1; 2 0 -2; 1 0 -1", "1 0; 0 -1", "0 1 0; 1 -4 1; 0 1 0")
LAYERS = Levels(
    ("32 filters 7x7 stride 2", "10 filters 5x5", "max pool 2 stride 2", "8 filters 3x3 padding 1"),
    ("64 filters 7x7 stride 2 padding 3", "96 filters 11x11 stride 4", "16 filters 3x3 stride 2", "max pool 3 stride 2"),
    ("64 filters 3x3 dilation 2", "8 filters (3, 5) padding (0, 1) stride (3, 4)", "max pool 3 stride 2 rounded up",
     "64 filters 7x7 stride 2 padding 3 dilation 2", "12 filters 4x4 transposed stride 2 padding 1"))
CONVOLUTIONS = Levels(
    ("10 filters 5x5 no bias", "32 filters 3x3 padding 1"),
    ("32 filters 7x7 stride 2", "16 filters 3x3 stride 2 padding 1"),
    ("96 filters 11x11 stride 4", "32 filters 3x3 padding 1 groups 16", "64 filters 3x3 dilation 2 padding 2"))
STACKS = Levels(
    ("3; 3; 3", "7; 7; 7", "5; 3"), ("5; max pool 2; 3; max pool 2", "3; 3 stride 2; 3", "5 stride 2; 3; 5"),
    ("5 stride 2; 3; 5 dilation 2",
     "7 stride 2 padding 3; max pool 3 stride 2 padding 1; 3 same; 3 same", "3; 3 d2; 3 d4; 3 d8"))


@kind(level=1, kernel=Levels((2,), (3,), (3, 4)), stride=(1, 2), row=(1, 2, 3), column=(1, 2, 3))
def cell(kernel: int, stride: int, row: int, column: int) -> Number:
    """One number of the output."""
    slid = first_grid(kernel, stride)
    place = slid.nearest(row - 1, column - 1)
    read = [slid.padded[y][x] for y, x in slid.window(*place)]
    weights = [weight for line in slid.kernel for weight in line]
    lines = [read[start:start + kernel] for start in range(0, kernel * kernel, kernel)]
    return Number(slid.output[place[0]][place[1]], {
        "kernel turned": sum(number * weight for number, weight in zip(read, reversed(weights))),
        "signs lost": sum(number * abs(weight) for number, weight in zip(read, weights)),
        "kernel forgotten": sum(read),
        "first row": sum(number * weight for number, weight in zip(read[:kernel], weights)),
        "sums multiplied": sum(read) * sum(weights),
    }, fields={"window": matrix_text(lines), "weights": matrix_text(slid.kernel),
               "products": slid.products(*place).replace("\n", " ")})


@kind(level=2, size=Levels((6, 7), (7, 8), (8, 9)), kernel=(2, 3), stride=Levels((2,), (2, 3), (2, 3, 4)),
      padding=Levels((0,), (0, 1), (0, 1, 2)), dilation=Levels((1,), (1,), (1, 2)))
def unread_cells(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Number:
    """Cells of the map that no window reads."""
    slid = slide(size, kernel, stride, padding, dilation)
    rows = {y for y, _x in slid.unread if not slid.is_padding(y, padding)}
    whole = [y for y in rows if all((y, x) in set(slid.unread) for x in range(padding, padding + size))]
    return Number(slid.unread_in_map, {
        "padding counted": len(slid.unread), "rows alone": len(whole) * size, "corner twice": 2 * len(whole) * size,
        "floor forgotten": 0,
    }, fields={"size": size, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
               "outputs": len(slid.output), "unread": len(slid.unread), "reach": dilation * (kernel - 1) + 1})


@kind(level=2, typed=MATRICES, taps=KERNELS, operation=OPERATIONS, stride=Levels((1,), (1, 2), (2,)))
def last_number(typed: str, taps: str, operation: str, stride: int) -> Number:
    """The last number of the output of a matrix and a kernel."""
    found = by_hand(typed, taps, operation, stride)
    rows, columns = found.last
    whole = float(found.last_value).is_integer()
    read = [found.matrix[y][x] for y, x in found.window(*found.last)]
    return Number(round(found.last_value, 9), {
        "kernel turned": run(found.matrix, turned(found.kernel), operation, stride)[-1][-1],
        "stride forgotten": run(found.matrix, found.kernel, operation, 1)[rows][columns],
        "first number": found.output[0][0],
        "average for maximum": sum(read) / len(read) if operation == "max pooling" else None,
        "maximum for average": max(read) if operation == "average pooling" else None,
        "sum for average": sum(read) if operation == "average pooling" else None,
    }, tolerance=0.0 if whole else 0.01, shown="," if whole else ",.3f", fields=found.fields())


@kind(level=1, filter=Levels(("identity", "blur"), ("blur", "vertical edges", "brighten"), (filters.TYPED,)),
      taps=("1 0 -1; 2 0 -2; 1 0 -1", "0 1 0; 1 -4 1; 0 1 0", "1 1; 1 1", "0 -1 0; -1 5 -1; 0 -1 0", "0.25 0; 0 0.25"))
def flat_area(filter: str, taps: str) -> Choice:
    """What a kernel makes of an area where all pixels are equal."""
    weights = filters.weights_of(filter, taps)
    return Choice(filters.flat_answer(filter, taps),
                  fields={"weights": matrix_text(weights), "sum": number_text(filters.total(weights))})


@kind(level=2, height=SIDES, width=SIDES, in_channels=CHANNELS, described=LAYERS)
def output_numbers(height: int, width: int, in_channels: int, described: str) -> Number:
    """How many numbers a layer gives."""
    found = built(height, width, in_channels, described)
    if found.layer.kind in {"linear", "global average pooling"}:
        return Number(found.numbers, {"as many as go in": prod(found.entered), "parameters": found.params},
                      fields=found.fields() | {"written": " · ".join(map(str, found.output))})
    channels, *sides = found.output
    return Number(found.numbers, {name: numbers_with(found, **changed) for name, changed in {
        "floor forgotten": {"floor": False}, "padding forgotten": {"padding": (0, 0)},
        "padding on one side": {"padding": tuple(Fraction(p, 2) for p in found.layer.padding)},
        "stride forgotten": {"stride": (1, 1)}, "dilation forgotten": {"dilation": (1, 1)}}.items()} | {
        "one forgotten": channels * (sides[0] - 1) * (sides[1] - 1), "channels forgotten": prod(sides),
        "input channels": in_channels * prod(sides),
    }, fields=found.fields() | {"written": written_output(found)})


@kind(level=2, kernel=Levels((3, 5), (3, 5, 7), (2, 4, 5, 7)), dilation=Levels((1,), (1, 2), (2, 3)))
def zeros_for_same(kernel: int, dilation: int) -> Number:
    """Zeros along one axis, on both sides together, that keep the size."""
    zeros = dilation * (kernel - 1)
    return Number(zeros, {
        "one side": zeros / 2, "dilation forgotten": kernel - 1, "kernel instead of reach": kernel * dilation,
        "kernel": kernel,
    }, fields={"kernel": kernel, "dilation": dilation, "reach": zeros + 1, "side": number_text(zeros / 2)})


@kind(level=2)
def skips_rows() -> Place:
    """The layer of real networks that never reads some rows of its map."""
    edges = {name: strides.edge(name) for name in strides.STRIDED}
    left, read = edges["resnet50 layer2.0.downsample.0"], edges["resnet50 layer2.0.conv2"]
    return Place(names={name: f"{name}: {axis.words}" for name, axis in edges.items()}, answer=strides.leaving_out(),
                 slip_values={"padding": [name for name, axis in edges.items() if axis.unread and not axis.unread_in_map],
                              "nothing": [name for name, axis in edges.items() if not axis.unread]},
                 fields={"rows": left.unread_in_map, "of": left.size, "division": edges["resnet50 conv1"].division,
                         "kernel": read.window.kernel[0]})


@kind(level=2)
def alexnet_rows() -> Several:
    """Which image and padding give AlexNet's 55 rows."""
    rows = {f"{image}-{padding}": strides.alexnet_edge(image, padding).outputs
            for image, padding in strides.ALEXNET_SETTINGS}
    right = [name for name, outputs in rows.items() if outputs == strides.ALEXNET_ROWS]
    return Several(answer=right, slip_values={"no remainder": [name for name in right if name.startswith("227")],
                                              "as printed": ["224-0"]},
                   fields={"rows": strides.ALEXNET_ROWS, "without": rows["224-0"], "one": rows["224-1"],
                           "both": rows["227-2"]})


@kind(level=1, in_channels=CHANNELS, out_channels=FILTERS, window=Levels(("1", "3"), ("3", "5"), ("5", "3 x 5", "11")),
      bias=Levels((True,), (True, False), (True, False)))
def parameters(in_channels: int, out_channels: int, window: str, bias: bool) -> Number:
    """Parameters of a convolution."""
    height, width = pair(window)
    found = build(Described(kernel=(height, width), filters=out_channels, bias=bias), (in_channels, height, width))
    return Number(found.params, {
        "bias forgotten": found.weights if bias else None,
        "bias counted": None if bias else found.weights + out_channels,
        "one bias": found.weights + 1 if bias else None,
        "kernel once": height * in_channels * out_channels + found.biases,
        "input channels forgotten": height * width * out_channels + found.biases,
        "output channels forgotten": height * width * in_channels + bias,
        "bias of inputs": found.weights + in_channels if bias else None,
    }, fields=found.fields() | {"in_channels": in_channels, "filters": out_channels, "kernel": f"{height} × {width}",
                                "bias": _("with biases") if bias else _("without biases"),
                                "written": written_params(found)})


@kind(level=2, in_channels=Levels((8, 16), (16, 32), (16, 64, 256)), groups=Levels((2, 4), (2, 4, 8), (4, 16, 32)))
def order_of_weights(in_channels: int, groups: int) -> Order:
    """Four layers, from the fewest weights to the most."""
    counts = weights_of_four(in_channels, groups)
    order = sorted(counts, key=counts.__getitem__)
    told = named({name: counts[name] for name in order}, groups)
    return Order(names=dict(sorted(zip(order, told))), answer=order, slip_values={"reversed": order[::-1]},
                 fields={"channels": in_channels, "groups": groups,
                         "counts": ", ".join(f"{name} {count:,}" for name, count in told.items())})


@kind(level=2, height=SIDES, width=SIDES, in_channels=Levels((1, 3, 16), (3, 16, 32), (16, 32, 64)), described=CONVOLUTIONS)
def multiply_adds(height: int, width: int, in_channels: int, described: str) -> Number:
    """Multiply-adds of a layer for one image."""
    found = built(height, width, in_channels, described)
    slides = found.layer.kind == "convolution"
    return Number(found.macs, {
        "FLOPs for MACs": 2 * found.macs,
        "one place": found.weights,
        "input size for output size": found.weights * height * width if slides else None,
        "groups forgotten": found.macs * found.layer.groups,
        "biases added": found.macs + found.biases * prod(found.output[1:]),
        "input channels forgotten": found.macs * found.layer.groups / in_channels if slides else None,
        "a pooling's": found.numbers * prod(found.layer.kernel) if found.layer.pools else None,
    }, fields=found.fields())


@kind(level=2, height=SIDES, width=SIDES, in_channels=(1, 3, 16),
      described=Levels(("10 filters 5x5", "8 filters 3x3"), ("32 filters 7x7 stride 2", "16 filters 5x5"),
                       ("96 filters 11x11 stride 4", "64 filters 3x3 padding 1")))
def without_sharing(height: int, width: int, in_channels: int, described: str) -> Number:
    """Parameters of a convolution if every place had its own."""
    shared, unshared, full = sharing(height, width, in_channels, layer(described))
    places = prod(shared.output[1:])
    return Number(unshared.params, {
        "shared": shared.params,
        "bias forgotten": unshared.weights if shared.biases else None,
        "bias shared": unshared.weights + shared.biases,
        "one filter": unshared.params // shared.layer.filters,
        "every pixel": full.params,
        "input size for output size": shared.params * height * width,
    }, fields=shared.fields() | {"places": f"{places:,}", "rows": shared.output[1], "columns": shared.output[2],
                                 "shared": f"{shared.params:,}", "one": written_params(shared)})


@kind(level=1, height=Levels((16, 28), (28, 32), (32, 224, 300)), width=Levels((16, 28), (28, 32), (32, 224, 300)),
      in_channels=(1, 3), neurons=Levels((10, 100), (100, 128), (128, 1000, 4096)))
def parameters_of_linear(height: int, width: int, in_channels: int, neurons: int) -> Number:
    """Parameters of a linear layer on a map."""
    linear, convolution = heads(height, width, in_channels, neurons)
    inputs = prod(linear.entered)
    return Number(linear.params, {
        "bias forgotten": linear.weights, "one bias": linear.weights + 1,
        "channels forgotten": height * width * neurons + neurons, "added": inputs + neurons,
        "convolution": convolution.params,
    }, fields={"height": height, "width": width, "channels": in_channels, "neurons": neurons, "inputs": f"{inputs:,}",
               "convolution": f"{convolution.params:,}", "written": written_params(convolution),
               "times": f"{linear.params / convolution.params:,.0f}"})


@kind(level=2, size=Levels((4, 5), (5, 7), (6, 7)), larger=Levels((1, 2), (2, 3), (4, 5, 6)))
def places_of_linear(size: int, larger: int) -> Number:
    """At how many places a linear layer, as a convolution, answers on a larger map."""
    slid = build(Described(kernel=(size, size), filters=1), (1, size + larger, size + larger))
    side = slid.output[1]
    return Number(slid.numbers, {
        "one forgotten": larger * larger, "one axis": side, "every cell": (size + larger)**2,
        "whole windows": ((size + larger) // size)**2,
    }, fields={"size": size, "map": size + larger, "side": side})


@kind(level=3, height=SIDES, kernel=Levels((2, 3), (3, 4), (2, 3, 4, 5)), stride=Levels((2,), (2, 3), (2, 3, 4)),
      padding=Levels((0,), (0, 1), (1, 2)))
def transposed_rows(height: int, kernel: int, stride: int, padding: int) -> Number:
    """Rows of the output of a transposed convolution."""
    found = build(one_transposed(kernel, stride, padding), (1, height, height))
    return Number(found.output[1], {
        "as a convolution": convolved_rows(height, kernel, stride, padding),
        "stride times": height * stride, "padding forgotten": found.output[1] + 2 * padding,
        "padding added": found.output[1] + 4 * padding, "padding on one side": found.output[1] + padding,
        "kernel forgotten": (height - 1) * stride + 1 - 2 * padding,
        "one too many": height * stride + kernel - 2 * padding,
    }, fields={"height": height, "kernel": kernel, "stride": stride, "padding": padding,
               "written": written_size(height, kernel, stride, padding, 1, found.layer),
               "before": (height - 1) * stride + kernel,
               "back": convolved_rows(found.output[1], kernel, stride, padding)})


@kind(level=3, height=(64, 128), width=(64,), in_channels=(1, 3), layers=STACKS)
def field_of_stack(height: int, width: int, in_channels: int, layers: str) -> Number:
    """The receptive field of a few layers in a row."""
    found = stack(height, width, in_channels, layers)
    windows = found.windows
    plain = [replace(each, stride=(1, 1)) for each in windows]
    return Number(found.field, {
        "kernels added": sum(each.kernel[0] for each in windows),
        "jump forgotten": field_with(plain),
        "dilation forgotten": field_with([replace(each, dilation=(1, 1)) for each in windows]),
        "own stride too early": field_with(windows, early=True),
        "pooling forgotten": field_with([replace(each, kernel=(1, 1)) if each.pools else each for each in windows]),
        "kernels multiplied": prod(each.kernel[0] for each in windows),
        "one forgotten": found.field - 1,
    }, fields={"layers": "; ".join(each.words for each in found.written), "written": written_field(windows)})
