"""Checks of what the notes say about convolution, whole networks and competitions."""

import json

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.analysis.atlas import ILSVRC
from lib.analysis.block import run_block
from lib.analysis import Layer
from lib.lessons.textbook.blocks import count
from lib.lessons.textbook.rows import MEGA, Row, analyze, beside, rounds, same
from lib.models import googlenet
from lib.once import once
from lib.trace import output_size


def channels(op: Layer) -> int:
    """Channels of an operation's output."""
    return op.out_shapes[0][1]


@once
def vgg_convolutions() -> dict[str, Layer]:
    """The convolutions of VGG-16 by their names: conv3_2 is the second of stage 3."""
    return {op.label: op for op in analyze("vgg16").ops if op.kind == "conv2d"}


def constant_cost() -> list[Row]:
    convolutions = vgg_convolutions()
    return [same(f"Multiply-adds of {name}, millions", round(convolutions["conv1_2"].macs / MEGA, 1),
                 round(convolutions[name].macs / MEGA, 1)) for name in ("conv2_2", "conv3_2", "conv4_2")]


def every_resolution() -> list[Row]:
    convolutions = vgg_convolutions()
    return [rounds(f"{name} against conv1_2", 100.0, 100 * convolutions[name].macs / convolutions["conv1_2"].macs, 1, " %")
            for name in ("conv2_2", "conv3_2", "conv4_2", "conv1_1", "conv2_1", "conv5_1")]


def doubled_channels() -> list[Row]:
    convolutions = vgg_convolutions()
    widths = [channels(convolutions[f"conv{stage}_1"]) for stage in range(1, 6)]
    return [same(f"Channels of stage {stage}, after {before}", 2 * before, width)
            for stage, (before, width) in enumerate(zip(widths, widths[1:]), 2)]


def vgg_depths() -> list[Row]:
    vgg16, vgg19 = analyze("vgg16"), analyze("vgg19")
    four = [stage for stage, depth in enumerate(vgg19.knobs.depths, 1) if depth == 4]
    return [same("Convolutions in stage 3 of VGG-16", 2, vgg16.knobs.depths[2]),
            same("Layers with weights in VGG-16", analyze("vgg16", depths=(2, 2, 2, 3, 3)).weight_layers,
                 vgg16.weight_layers),
            same("Stages of VGG-19 with four convolutions", "4, 5", ", ".join(map(str, four)))]


def first_kernels() -> list[Row]:
    def kernel(preset: str) -> str:
        height, width = next(op for op in analyze(preset).ops if op.kind == "conv2d").window.kernel
        return f"{height}×{width}"

    return [same("First convolution in 1512.00567, today's Inception v3", "3×3", kernel("inception_v3")),
            same("First convolution in BN-Inception, today's Inception v2", "3×3", kernel("bn_inception"))]


def output_formula() -> list[Row]:
    rows = []
    for size, kernel, stride, padding, dilation in ((224, 11, 4, 2, 1), (56, 3, 1, 2, 2)):
        notes = (size - kernel + 2 * padding) / stride + 1
        window = f"{size} cells, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}"
        rows.append(Row(f"Output: {window}", f"{notes:g}", str(found := output_size(size, kernel, stride, padding, dilation)),
                        notes == found))
    return rows


def kernel_shape() -> list[Row]:
    def shape(groups: int) -> str:
        return "×".join(map(str, nn.Conv2d(64, 128, 3, groups=groups, device="meta").weight.shape))

    return [Row("How many numbers, 64 to 128 channels", f"{64 * 128 * 9:,}",
                f"{(n := nn.Conv2d(64, 128, 3, device='meta').weight.numel()):,}", n == 64 * 128 * 9),
            same("Order of the axes in PyTorch", "64×128×3×3", shape(1)),
            same("With 32 groups", "64×128×3×3", shape(32))]


def any_image() -> list[Row]:
    return [same(f"Smallest image of {name}, pixels", 1, smallest_image(preset))
            for name, preset in (("ResNet-50", "resnet50"), ("VGG-16", "vgg16"), ("AlexNet (2014)", "alexnet"),
                                 ("Inception v3", "inception_v3"))]


@once
def smallest_image(preset: str) -> int:
    """The side of the smallest image whose maps never shrink to nothing."""
    ops = analyze(preset).ops
    return next(size for size in range(1, 225) if all(_has_cells(ops, size, axis) for axis in (0, 1)))


def _has_cells(ops: tuple[Layer, ...], size: int, axis: int) -> bool:
    """Whether every window of the network finds a cell, when the image is so high (axis 0) or wide (1)."""
    sizes = {-1: size}
    for op in ops:
        sizes[op.index] = sizes[op.inputs[0]]
        if window := op.window:
            sizes[op.index] = output_size(sizes[op.index], *(pair[axis] for pair in (
                window.kernel, window.stride, window.padding, window.dilation)), window.ceil_mode)
    return min(sizes.values()) > 0


def one_by_one_first() -> list[Row]:
    row = googlenet.TABLE_1["3a"]
    convolution = googlenet.BiasedConvolution
    reduced = run_block(lambda: nn.Sequential(convolution(192, row.reduce5x5, 1), convolution(row.reduce5x5, row.n5x5, 5)),
                        192, 28)
    direct = run_block(lambda: nn.Sequential(convolution(192, row.n5x5, 5)), 192, 28)
    return [same("ReLUs that the 1×1 adds to the 5×5 branch of 3a", 1, count(reduced.ops, "relu") - count(direct.ops, "relu")),
            rounds("Multiply-adds of the branch against a direct 5×5", 100.0, 100 * reduced.macs / direct.macs, 1, " %")]


def auxiliary_share() -> list[Row]:
    heads = count(analyze("googlenet_2014", auxiliary=True).ops, "linear") // 2
    weight = 0.3
    return [rounds("Weight of each auxiliary loss beside the main one (section 5)", 0.3, weight, 1),
            rounds(f"Share of the {heads} together, when all losses are equal", 0.3, heads * weight / (1 + heads * weight), 2),
            rounds("Share of one of them", 0.3, weight / (1 + heads * weight), 2)]


def inception_v2() -> list[Row]:
    kernels = {preset: [op.window.kernel for op in analyze(preset).ops if op.kind == "conv2d"]
               for preset in ("bn_inception", "inception_v3")}
    oblong = {preset: sum(height != width for height, width in found) for preset, found in kernels.items()}
    return [same("5×5 convolutions left in BN-Inception", 0, kernels["bn_inception"].count((5, 5))),
            Row("Batch norms in BN-Inception", "some", str(n := count(analyze("bn_inception").ops, "batch_norm")), n > 0),
            Row("n×1 or 1×n convolutions in BN-Inception", "some", str(oblong["bn_inception"]), oblong["bn_inception"] > 0),
            beside("The same in Inception v3", oblong["inception_v3"])]


def pyramid_levels() -> list[Row]:
    convolutions = [op for op in analyze("resnet50_fpn").ops if op.kind == "conv2d"]
    lateral, smooth = (sum(part in op.name for op in convolutions) for part in ("inner_blocks", "layer_blocks"))
    return [same("Maps that the pyramid takes", "C2 to C4", f"C2 to C{lateral + 1}"),
            same("3×3 convolutions on merged maps", 3, smooth)]


def which_alexnet() -> list[Row]:
    rows = []
    for name, preset in (("2014, one tower", "alexnet"), ("2012, two GPUs", "alexnet_2012")):
        first = next(op for op in analyze(preset).ops if op.kind == "conv2d")
        rows += [same(f"Filters of conv1, {name}", 64, channels(first)),
                 same(f"Padding of conv1, {name}", 2, first.window.padding[0])]
    return rows


def one_flop() -> list[Row]:
    op = analyze("resnet50").ops[0]
    (_, filters, height, width), (_, depth, kernel, _) = op.out_shapes[0], op.weights[0][1]
    with FlopCounterMode(display=False) as counter:
        nn.Conv2d(depth, filters, kernel, op.window.stride, op.window.padding, bias=False, device="meta")(
            torch.empty(op.in_shapes[0], device="meta"))
    return [same("conv1 of ResNet-50: output numbers × operations for one", filters * height * width * depth * kernel**2,
                 op.macs),
            beside("The same layer by torch's flop counter, two for a multiply-add", counter.get_total_flops())]


def stems() -> list[Row]:
    inception, residual = analyze("googlenet_2014").ops, analyze("resnet50").ops
    first = ["{}×{}, stride {}".format(*ops[0].window.kernel, ops[0].window.stride[0]) for ops in (inception, residual)]
    maps = [next(op for op in ops if op.kind == kind).out_shapes[0][-1]
            for ops, kind in ((inception, "cat"), (residual, "add"))]
    return [same("First convolution of ResNet, as in GoogLeNet", *first),
            same("Map where ResNet's blocks begin, as where GoogLeNet's modules do", *maps)]


def winner(year: int, name: str) -> list[Row]:
    entry = next(entry for entry in json.loads(ILSVRC.read_text(encoding="utf-8"))["entries"] if entry["year"] == year)
    rows = [Row(f"First place in classification, {year}", name, entry["team"], name in entry["team"]),
            beside("Its top-5 error, %", entry["error"])]
    return [*rows, beside("Second place", entry["second"])] if entry["second"] else rows


def zfnet(ensemble: float) -> list[Row]:
    first, error, *_ = winner(2013, "ZFNet")
    return [first, same("Top-5 error of ZFNet's best ensemble and of the winner, %", str(ensemble), error.found)]


def margin(first: float, with_more_data: float, second: float) -> list[Row]:
    return [rounds("Top-5 error, second minus first, points", 10, second - first),
            rounds("The same for the entry with extra data", 10, second - with_more_data)]


def preactivation_errors(*errors: float) -> list[Row]:
    """Errors of (d) and (a) on ResNet-110, then on ResNet-164."""
    rows = []
    for depth, variant, original in zip((110, 164), errors[::2], errors[1::2]):
        rows.append(Row(f"Error of (d) against (a), ResNet-{depth}, CIFAR-10", "higher", f"{variant} against {original} %",
                        variant > original))
    return rows
