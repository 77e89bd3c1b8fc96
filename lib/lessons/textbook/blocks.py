"""Checks of what the notes say about residual blocks: each builds the real block or network and counts."""

import torch
import torch.nn.functional as F
from torch import nn

from lib.analysis.block import Block, run_block
from lib.lessons.textbook.rows import GIGA, MEGA, Row, analyze, beside, rounds, same
from lib.models.resnest import ResNeStBottleneck
from lib.models.resnet import TABLE_1, BasicBlock, Bottleneck
from lib.models.resnet_v2 import Original, ReLUBeforeAddition
from lib.models.sknet import KernelAttention
from lib.once import once


def count(ops, kind: str) -> int:
    """How many operations of a kind there are."""
    return sum(op.kind == kind for op in ops)


@once
def pair(wide: int = 256, size: int = 14) -> Block:
    """Two 3x3 convolutions; by default those of conv4_x in ResNet-34."""
    return run_block(lambda: BasicBlock(wide, wide), wide, size)


@once
def bottleneck() -> Block:
    """The bottleneck of conv2_x in ResNet-50, 256 to 64 to 256 channels on 56x56 maps."""
    return run_block(lambda: Bottleneck(256, 64), 256, 56)


def percent() -> list[Row]:
    narrow, small = pair(), bottleneck()
    return [rounds("Weights against two 3×3 of 256 channels", 5.9, 100 * small.weights / narrow.weights, 1, " %"),
            rounds("Multiply-adds where the two stand: conv2_x of ResNet-50, conv4_x of ResNet-34", 5.9,
                   100 * small.macs / narrow.macs, 1, " %"),
            rounds("Multiply-adds against the block it replaces, two 3×3 of 64 channels in conv2_x", 5.9,
                   100 * small.macs / pair(64, 56).macs, 1, " %")]


def times() -> list[Row]:
    small = bottleneck()
    blocks = [op for op in analyze("resnet34").ops if op.stage == "conv2_x" and op.kind == "conv2d"]
    return [rounds("Weights of two 3×3 of 256 channels, in bottlenecks", 16.94, pair().weights / small.weights, 2),
            same("Channels of the 3×3 in ResNet-34's conv2_x, the block of Fig. 5", 256, blocks[0].out_shapes[0][1]),
            rounds("Multiply-adds of ResNet-34's 256-channel block, in bottlenecks of conv2_x", 16.94,
                   pair().macs / small.macs, 2)]


def relus() -> list[Row]:
    rows = []
    for name, block, notes in (("two 3×3", pair(), 1), ("bottleneck", bottleneck(), 2)):
        addition = next(index for index, op in enumerate(block.ops) if op.kind == "add")
        rows += [same(f"ReLUs before the addition, {name}", notes, count(block.ops[:addition], "relu")),
                 same(f"ReLUs of the whole block, {name}", notes, count(block.ops, "relu"))]
    return rows


def strided_convolutions() -> list[Row]:
    ops = [op for op in analyze("resnet50").ops if op.kind == "conv2d" and op.window.stride == (2, 2)]
    return [same(f"Convolutions of stride 2 in {stage}", 1, sum(op.stage == stage for op in ops))
            for stage in ("conv2_x", "conv3_x", "conv4_x", "conv5_x")]


def three_for_seven() -> list[Row]:
    before, after = analyze("resnet50b"), analyze("resnet50c")
    stems = [sum(op.macs for op in analysis.ops if op.stage == "conv1") for analysis in (before, after)]
    return [Row("Multiply-adds of the stem, billions", "fewer", f"{stems[1] / GIGA:.3f}, before {stems[0] / GIGA:.3f}",
                stems[1] < stems[0]),
            Row("Multiply-adds of the network, billions", "fewer", f"{after.macs / GIGA:.2f}, before {before.macs / GIGA:.2f}",
                after.macs < before.macs),
            beside("One 7×7 against one 3×3 at equal channels", f"{7 * 7 / (3 * 3):.1f} times")]


def tweaks() -> list[Row]:
    def strides(preset: str) -> str:
        ops = analyze(preset).ops
        found = {op.name: op.window.stride[0] for op in ops if op.kind == "conv2d" and op.block == "layer2.0"}
        return ", ".join(str(found[f"layer2.0.conv{i}"]) for i in (1, 2, 3))

    shortcut = [op for op in analyze("resnet50d").ops if op.name.startswith("layer2.0.downsample") and op.window]
    return [same("Strides in the first block of conv3_x, 2015", "2, 1, 1", strides("resnet50_v1")),
            same("The same in ResNet-B", "1, 2, 1", strides("resnet50b")),
            same("Shortcut of ResNet-D", "avg_pool2d of stride 2, conv2d of stride 1",
                 ", ".join(f"{op.kind} of stride {op.window.stride[0]}" for op in shortcut)),
            beside("Cells that a 1×1 of stride 2 does not read", f"{1 - 1 / 4:.0%}")]


def draw(module: nn.Module) -> nn.Module:
    """The module with He weights, drawn with seed 0 by a generator of its own."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, generator=generator)
    return module


def normal(*shape: int) -> torch.Tensor:
    """Normal numbers, drawn with seed 1."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def never_negative() -> list[Row]:
    x, smallest = normal(4, 64, 14, 14), {}
    for unit in (Original, ReLUBeforeAddition):
        block = draw(unit(64, 64, bottleneck=False))
        smallest[unit] = float((block(x) - x).min()) if unit is ReLUBeforeAddition else float(_residual(block, x).min())
    return [Row("Smallest number that the original block (a) adds to its shortcut", "0 or more",
                f"{smallest[Original]:.2f}", smallest[Original] >= 0),
            beside("The same of variant (c), ReLU before the addition", f"{smallest[ReLUBeforeAddition]:.2f}")]


def _residual(block: Original, x: torch.Tensor) -> torch.Tensor:
    """F(x) of the original unit of two 3x3 convolutions, in training mode."""
    return block.norms[1](block.convs[1](block.norms[0](block.convs[0](x)).relu()))


@torch.no_grad()
def zero_weights() -> list[Row]:
    block, x = BasicBlock(16, 16).eval(), normal(1, 16, 8, 8)
    nn.init.zeros_(block.conv1.weight)
    nn.init.zeros_(block.conv2.weight)
    rows = [_moved("Largest change of an input without negative numbers", block, x.abs()),
            _moved("Largest change of an input with negative numbers", block, x)]
    nn.init.ones_(block.bn2.bias)
    return [*rows, _moved("Without negative numbers, but with a shift β = 1 in the last norm", block, x.abs())]


def _moved(quantity: str, block: nn.Module, x: torch.Tensor) -> Row:
    change = float((block(x) - x).abs().max())
    return Row(quantity, "0.00", f"{change:.2f}", change == 0)


@torch.no_grad()
def sum_or_concatenation() -> list[Row]:
    block, groups = draw(Bottleneck(256, 64, groups=32, base_width=4)), 32
    x = normal(1, 128, 7, 7)
    together = block.conv3(block.conv2(x).relu())
    paths = zip(x.chunk(groups, 1), block.conv2.weight.chunk(groups), block.conv3.weight.chunk(groups, 1))
    apart = sum(F.conv2d(F.conv2d(part, middle, padding=1).relu(), last) for part, middle, last in paths)
    difference = float((together - apart).abs().max() / together.abs().max())
    shortcuts = [run_block(build, 256, 14).ops[-2].kind for build in (lambda: Bottleneck(256, 64, groups=32, base_width=4),
                                                                      lambda: ResNeStBottleneck(256, 64))]
    return [Row("ResNeXt: 32 paths added, against concatenated and one 1×1", "different", f"{difference:.5f} apart",
                difference > 1e-4),
            same("How a ResNeXt block joins its shortcut", "add", shortcuts[0]),
            same("How a ResNeSt block joins its shortcut", "cat", shortcuts[1])]


def selective_kernel() -> list[Row]:
    with torch.device("meta"):
        units = [(c, m, KernelAttention(c, m, reduction=16, floor=32)) for c, m in ((256, 2), (256, 3), (1024, 2))]
    return [same(f"Numbers in z: {channels} channels, {branches} branches", branches, unit.fc_reduce.out_channels)
            for channels, branches, unit in units]


def resnest_for_free() -> list[Row]:
    plain, split = analyze("resnet50d"), analyze("resnest50d")
    return [Row("Multiply-adds of ResNeSt-50, billions", "no more",
                f"{split.macs / GIGA:.2f}; ResNet-50-D {plain.macs / GIGA:.2f}", split.macs <= plain.macs),
            Row("Parameters of ResNeSt-50, millions", "no more",
                f"{split.params / MEGA:.2f}; ResNet-50-D {plain.params / MEGA:.2f}", split.params <= plain.params)]


def kernel_or_map() -> list[Row]:
    op = next(op for op in analyze("resnet34").ops if op.name == "layer1.0.conv1")
    _, channels, height, width = op.out_shapes[0]
    return [same("The map that the first 3×3 of conv2_x gives", "3×3×64", f"{height}×{width}×{channels}"),
            beside("Its kernel, which has the 3×3", "×".join(map(str, op.weights[0][1])))]


def dotted_shortcuts() -> list[Row]:
    params = {name: sum(op.params for op in analyze(name).ops if "downsample" in op.name)
              for name in ("resnet34", "resnet34_a")}
    strides = {op.window.stride for op in analyze("resnet34").ops if "downsample" in op.name and op.window}
    return [Row("Parameters on the dotted shortcuts, option B", "some", f"{params['resnet34']:,}", params["resnet34"] > 0),
            Row("The same with option A", "some", f"{params['resnet34_a']:,}", params["resnet34_a"] > 0),
            same("Stride of the dotted shortcuts", 1, max(strides)[0])]


def deep_needs_bottleneck() -> list[Row]:
    def kernel(preset: str) -> str:
        ops = analyze(preset).ops
        first = next(op for op in ops if op.kind == "conv2d" and op.block and op.block.endswith(".1"))
        return "bottleneck" if first.window.kernel == (1, 1) else "two 3×3"

    layers = analyze("resnet110_cifar").weight_layers
    return [same("Block of ResNet-34", "two 3×3", kernel("resnet34")),
            same("Block of ResNet-50", "bottleneck", kernel("resnet50")),
            same(f"Block of the CIFAR ResNet with {layers} layers", "bottleneck", kernel("resnet110_cifar"))]


def stages_and_blocks() -> list[Row]:
    analysis = analyze("resnet50")
    projections = len({op.block for op in analysis.ops if "downsample" in op.name})
    return [same("Bottlenecks in ResNet-50", 4, len({op.block for op in analysis.ops if op.block})),
            same("Shortcuts in ResNet-50", 4, count(analysis.ops, "add")),
            beside("Of them projections", projections),
            beside("Stages", len({op.stage for op in analysis.ops if op.block}))]


def deepest() -> list[Row]:
    return [same("Layers of the deepest ResNet in Table 1", 153, analyze(f"resnet{max(TABLE_1)}").weight_layers)]


def fifty() -> list[Row]:
    analysis = analyze("resnet50")
    linear = count(analysis.ops, "linear")
    return [same("1 + 9 + 12 + 18 + 9 + 1, layers with weights on the longest path", 50, analysis.weight_layers),
            same("Convolutions among them", 50, analysis.weight_layers - linear),
            beside("Convolutions in all, with those of the shortcuts", count(analysis.ops, "conv2d"))]


def wider() -> list[Row]:
    plain, grouped = bottleneck(), run_block(lambda: Bottleneck(256, 64, groups=32, base_width=4), 256, 56)
    inside, outside = ([block.convolutions[i].out_shapes[0][1] for block in (plain, grouped)] for i in (1, 2))
    return [Row("Channels inside the block of ResNeXt-50", "more", f"{inside[1]}, ResNet-50 {inside[0]}",
                inside[1] > inside[0]),
            Row("Channels of one of its paths", "more", f"{inside[1] // grouped.convolutions[1].groups}, ResNet-50 {inside[0]}",
                inside[1] // grouped.convolutions[1].groups > inside[0]),
            Row("Channels at its ends", "more", f"{outside[1]}, ResNet-50 {outside[0]}", outside[1] > outside[0]),
            beside("Its weights", f"{grouped.weights:,}, ResNet-50 {plain.weights:,}")]


def preactivation_frame() -> list[Row]:
    ops = analyze("resnetv2_50").ops
    unit = [op.kind for op in ops if op.block == "layer1.1"][:3]
    last = max(index for index, op in enumerate(ops) if op.kind == "add")
    after = ", ".join(op.kind for op in ops[last + 1:])
    return [same("Order in a unit of ResNet v2", "batch_norm, relu, conv2d", ", ".join(unit)),
            same("After the last addition", "adaptive_avg_pool2d, flatten, linear", after)]


def first_block() -> list[Row]:
    ops = analyze("resnet50").ops
    rows = []
    for stage in ("conv2_x", "conv3_x", "conv4_x", "conv5_x"):
        ends = [op for op in ops if op.kind == "add" and op.stage == stage]
        first = next(op for op in ops if op.block == ends[0].block)
        before, after = first.in_shapes[0][-1], ends[0].out_shapes[0][-1]
        rows.append(Row(f"Map before and after the first block of {stage}", "halved", f"{before} and {after}",
                        after == before // 2))
    return rows
