"""ResNet. He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385.

Table 1 (the family), Fig. 5 (the two blocks), Fig. 3 (the plain counterpart), section 3.3 (the shortcuts A, B and C).
Module names are torchvision's.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import torch.nn.functional as F
from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor, nn

from lib.architecture import (
    DISTILL, ENDS, INSIDE, MOST_BLOCKS, Architecture, Change, Claim, Impossible, Knobs, Paper, Preset, Result, Stage,
    by_torchvision, split_numbers)
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.stems import STEMS, OutputStride, Stem, output_stride_knob, strides


class ZeroPadding(nn.Module):
    """The shortcut of option A, without parameters: every stride-th cell, and zeros in the channels that are new.

    Input (N, in_channels, H, W), output (N, out_channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.new_channels = out_channels - in_channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, kernel_size=1, stride=self.stride)
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels))


def zero_padding(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option A: the identity; where the shape changes, padded with zeros."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return ZeroPadding(in_channels, out_channels, stride)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option C: a 1x1 convolution on every shortcut."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


def identity_or_projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Option B: the identity; where the shape changes, a 1x1 convolution."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return projection(in_channels, out_channels, stride)


SHORTCUTS = {"A": zero_padding, "B": identity_or_projection, "C": projection}


class BasicBlock(nn.Module):
    """Fig. 5, left: two 3x3 convolutions and a shortcut, y = F(x) + x.

    `shortcut(in_channels, out_channels, stride)` builds the way around them, `dilations` are those of the two
    convolutions. Input (N, in_channels, H, W), output (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, shortcut=identity_or_projection,
                 dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        first, second = dilations
        self.out_channels = channels
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=first, dilation=first, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=second, dilation=second, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, self.out_channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x) + self.downsample(x))


class Bottleneck(nn.Module):
    """Fig. 5, right: 1x1 reduces the channels, 3x3 works on few, 1x1 restores four times as many.

    Input (N, in_channels, H, W), output (N, 4 * channels, H / stride, W / stride). The paper strides in the first
    1x1 convolution; torchvision, and we by default, in the 3x3. `groups` and `base_width`, the channels per group
    at 64, are ResNeXt's cardinality C and width d. Of `dilations` the first counts, as there is one 3x3.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, groups: int = 1, base_width: float = 64,
                 stride_in_1x1: bool = False, shortcut=identity_or_projection, dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        dilation, _ = dilations
        width = int(channels * base_width / 64) * groups
        self.out_channels = 4 * channels
        stride_1x1, stride_3x3 = (stride, 1) if stride_in_1x1 else (1, stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride_1x1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride_3x3, padding=dilation, dilation=dilation, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, self.out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(in_channels, self.out_channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x) + self.downsample(x))


class PlainBasicBlock(BasicBlock):
    """Fig. 3, middle: the same two convolutions without the shortcut, y = F(x)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.downsample

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x))


class PlainBottleneck(Bottleneck):
    """The bottleneck without its shortcut, y = F(x): the plain nets of the paper's footnote on degradation."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        del self.downsample

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x))


class ResNet(nn.Module):
    """Table 1: a 7x7 stem, four stages of blocks, global average pooling and one linear layer.

    `blocks` has for each stage what builds a block, `block(in_channels, channels, stride, dilations=...)`; `depths`
    counts the blocks of conv2_x to conv5_x. The stem may be wider than conv2_x. Input (N, in_channels, H, W), output
    (N, num_classes).
    """

    def __init__(self, blocks: Sequence, depths: tuple[int, int, int, int], width: int = 64, num_classes: int = 1000,
                 head: Head = "average", stem: Stem = STEMS["imagenet"], stem_width: int = 64, in_channels: int = 3,
                 output_stride: int = 32):
        super().__init__()
        second, third, fourth = strides((2, 2, 2), stem.stride, output_stride)
        self.conv1 = stem.convolution(stem_width, in_channels)
        self.bn1 = nn.BatchNorm2d(stem_width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = stem.pooling()
        self.layer1 = stage(blocks[0], depths[0], stem_width, width, stride=1)
        self.layer2 = stage(blocks[1], depths[1], self.layer1[-1].out_channels, 2 * width, *second)
        self.layer3 = stage(blocks[2], depths[2], self.layer2[-1].out_channels, 4 * width, *third)
        self.layer4 = stage(blocks[3], depths[3], self.layer3[-1].out_channels, 8 * width, *fourth)
        self.avgpool, self.fc = pooling_and_linear(head, self.layer4[-1].out_channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def stage(block, depth: int, in_channels: int, channels: int, stride: int, begun: int = 1,
          dilation: int = 1) -> nn.Sequential:
    """`depth` blocks; only the first changes the resolution, or goes from the dilation `begun` with to `dilation`."""
    first = block(in_channels, channels, stride, dilations=(begun, dilation))
    others = (block(first.out_channels, channels, dilations=(dilation, dilation)) for _ in range(depth - 1))
    return nn.Sequential(first, *others)


def initialize(model: nn.Module) -> None:
    """He initialisation of every convolution (section 3.4 cites it), by fan-out as in torchvision."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


TABLE_1 = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}

PLAIN = {BasicBlock: PlainBasicBlock, Bottleneck: PlainBottleneck}

Count = Annotated[int, Field(ge=1, le=MOST_BLOCKS)]
FourStages = Annotated[tuple[Count, Count, Count, Count], BeforeValidator(split_numbers)]


class FourStageKnobs(Knobs):
    """What can be turned on the frame of Table 1, whatever its blocks are."""

    stem: Literal["imagenet", "cifar"] = Field(
        "imagenet", title="Stem", json_schema_extra=ENDS, description=(
            "imagenet: a large convolution of stride 2 and max pooling. cifar: one 3x3 without pooling, for small images."))
    output_stride: OutputStride = output_stride_knob(
        default_factory=lambda chosen: 8 if chosen.get("stem") == "cifar" else 32, follows="stem")
    head: Head = head_knob()

    @model_validator(mode="after")
    def strides_enough(self):
        if self.stem == "cifar" and self.output_stride != 8:
            raise Impossible(f"With the stem for CIFAR the last map has stride 8 without any dilation, so output_stride = "
                             f"{self.output_stride} is not possible there.", {"output_stride": (8,), "stem": ("imagenet",)})
        return self


class ResNetKnobs(FourStageKnobs):
    """What turns a ResNet into another one."""

    depth: Literal[18, 34, 50, 101, 152] = Field(
        50, title="Depth", description="A column of the paper's Table 1: which block, and how many in each stage.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 50)][1], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the stem and of conv2_x; each later stage doubles them.")
    base_width: int = Field(
        64, ge=1, le=256, title="Bottleneck width",
        description="Channels of the 3x3 convolution where the stage has 64 (torchvision's width_per_group); "
                    "128 makes a Wide ResNet. Bottleneck blocks only.", json_schema_extra=INSIDE)
    stride_in_1x1: bool = Field(
        False, title="Stride in the 1x1",
        description="The paper strides in the first 1x1 convolution, torchvision in the 3x3. Bottleneck blocks only.",
        json_schema_extra=INSIDE)
    residual: bool = Field(True, title="Shortcuts", description="Off: the plain network of the paper's Fig. 3.")
    shortcut: Literal["A", "B", "C"] = Field(
        "B", title="Shortcut option", description="Section 3.3. A: no parameters, new channels are zeros. B: a 1x1 "
                                                  "projection where the shape changes. C: projections everywhere.",
        json_schema_extra=INSIDE)

    @model_validator(mode="after")
    def whole_widths(self):
        require_bottlenecks(self, base_width=64, stride_in_1x1=False)
        require_whole_width(self.width, self.base_width)
        return self


def require_bottlenecks(knobs: FourStageKnobs, **usual: Any) -> None:
    """Refuse knobs that act on bottlenecks alone, where they are not as `usual`, at a depth of basic blocks."""
    if TABLE_1[knobs.depth][0] is BasicBlock:
        for name, value in usual.items():
            if getattr(knobs, name) != value:
                raise Impossible(
                    f"{name} acts on bottleneck blocks, but depth {knobs.depth} is made of basic blocks of two 3x3 "
                    f"convolutions (layer1.0.conv1, layer1.0.conv2); from depth 50 on there are bottlenecks.",
                    {"depth": (50,), name: (value,)})


def require_whole_width(width: int, base_width: int) -> None:
    """Refuse a width per group that is not a whole number; every later stage doubles that of layer1."""
    if width * base_width % 64:
        widths = [w for w in (*range(width, 7, -1), *range(width, 257)) if w % 8 == 0 and w * base_width % 64 == 0]
        below, above = max((w for w in widths if w < width), default=None), min(w for w in widths if w > width)
        nearest = tuple(w for w in (below, above) if w)
        raise Impossible(
            f"layer1.0.conv2 would get width × base_width / 64 = {width}·{base_width}/64 = "
            f"{width * base_width / 64:g} channels per group, which is not a whole number; "
            f"the nearest widths that work with base_width {base_width} are {' and '.join(map(str, nearest))}.",
            {"width": nearest})


def build(knobs: ResNetKnobs) -> ResNet:
    block, _ = TABLE_1[knobs.depth]
    block = partial(block if knobs.residual else PLAIN[block], shortcut=SHORTCUTS[knobs.shortcut])
    if issubclass(block.func, Bottleneck):
        block = partial(block, base_width=knobs.base_width, stride_in_1x1=knobs.stride_in_1x1)
    return framed(4 * [block], knobs)


def framed(blocks: Sequence, knobs: FourStageKnobs, stem: Stem | None = None, stem_width: int | None = None) -> ResNet:
    """A network of these blocks in the frame that the knobs describe, unless it has a stem of its own."""
    return ResNet(blocks, knobs.depths, knobs.width, knobs.num_classes, knobs.head, stem or STEMS[knobs.stem],
                  stem_width or knobs.width, knobs.in_channels, knobs.output_stride)


def stages(knobs: Knobs) -> tuple[Stage, ...]:
    """The rows of Table 1. The max pooling opens conv2_x there."""
    return (
        Stage("conv1", {"conv1": "", "bn1": "", "relu": ""}),
        Stage("conv2_x", {"maxpool": "", "layer1": ""}),
        Stage("conv3_x", {"layer2": ""}),
        Stage("conv4_x", {"layer3": ""}),
        Stage("conv5_x", {"layer4": ""}),
        Stage("head", {"avgpool": "", "fc": ""}),
    )


CIFAR = {"stem": "cifar", "num_classes": 10, "input_size": 32}
"""What fits a network of ImageNet's to CIFAR's images, as many courses and repositories do."""
GIGA = 10**9
TABLE = "He et al. 2015, Table 1"
CAFFE = "He et al., deep-residual-networks, README, 1-crop"
TORCH = "Facebook AI Research, fb.resnet.torch, README, 1-crop"
DEPTHS = {"resnet18": 18, "resnet34": 34, "resnet50": 50, "resnet101": 101, "resnet152": 152}
COMPARED = {"plain18": 18, "plain34": 34, "resnet18_a": 18, "resnet34_a": 34, "resnet34_c": 34}
"""Weight layers of the columns of Table 1, and of what Tables 2 and 3 compare."""

ARCHITECTURE = Architecture(
    id="resnet",
    name="ResNet",
    summary="Blocks that learn a correction to their input: y = F(x) + x.",
    paper=Paper("Deep Residual Learning for Image Recognition", "K. He, X. Zhang, S. Ren, J. Sun", 2015, "1512.03385"),
    knobs=ResNetKnobs,
    presets={
        "resnet50": Preset({"depth": 50}, "50 weight layers in bottleneck blocks; torchvision's, stride in the 3x3.",
                           also=("ResNet-50 v1.5",)),
        "resnet18": Preset({"depth": 18}, "18 weight layers in basic blocks."),
        "resnet34": Preset({"depth": 34}, "34 weight layers in basic blocks."),
        "resnet101": Preset({"depth": 101}, "101 weight layers; conv4_x has 23 blocks."),
        "resnet152": Preset({"depth": 152}, "152 weight layers; conv4_x has 36 blocks."),
        "wide_resnet50_2": Preset({"depth": 50, "base_width": 128},
                                  "ResNet-50 with twice the channels in every 3x3 (Zagoruyko, Komodakis 2016).",
                                  also=("WRN-50-2", "Wide ResNet-50")),
        "wide_resnet101_2": Preset({"depth": 101, "base_width": 128}, "The same for ResNet-101.",
                                   also=("WRN-101-2", "Wide ResNet-101")),
        "resnet18_cifar": Preset({"depth": 18} | CIFAR, "ResNet-18 for small images: a 3x3 stem, no pooling, ten classes."),
        "resnet50_cifar": Preset({"depth": 50} | CIFAR, "ResNet-50 for small images: a 3x3 stem, no pooling, ten classes."),
        "resnet18_a": Preset({"depth": 18, "shortcut": "A"}, "ResNet-18 with shortcuts without parameters, as in Table 2."),
        "resnet34_a": Preset({"depth": 34, "shortcut": "A"}, "ResNet-34 with shortcuts without parameters, as in Table 2."),
        "resnet34_c": Preset({"depth": 34, "shortcut": "C"}, "ResNet-34 with a projection on every shortcut, as in Table 3."),
        "plain18": Preset({"depth": 18, "residual": False}, "18 layers without shortcuts: the plain network of Table 2."),
        "plain34": Preset({"depth": 34, "residual": False},
                          "34 layers without shortcuts, which train worse than 18: the degradation of Table 2."),
    },
    also=("residual network",),
    build=build,
    stages=stages,
    claims=(
        Claim("resnet18", "macs", 18 * GIGA // 10, TABLE, GIGA // 20),
        Claim("resnet34", "macs", 36 * GIGA // 10, TABLE, GIGA // 20, differs="3.66 rounds to 3.7; the table prints 3.6"),
        Claim("resnet50", "macs", 38 * GIGA // 10, TABLE, GIGA // 20, knobs={"stride_in_1x1": True},
              differs="3.858 rounds to 3.9; the table prints 3.8. With the stride in the 3x3 it is 4.09"),
        Claim("resnet101", "macs", 76 * GIGA // 10, TABLE, GIGA // 20, knobs={"stride_in_1x1": True}),
        Claim("resnet152", "macs", 113 * GIGA // 10, TABLE, GIGA // 20, knobs={"stride_in_1x1": True}),
        Claim("resnet50", "receptive_field", 483, DISTILL, knobs={"stride_in_1x1": True}),
        Claim("resnet101", "receptive_field", 1027, DISTILL, knobs={"stride_in_1x1": True}),
        Claim("resnet152", "receptive_field", 1507, DISTILL, knobs={"stride_in_1x1": True}),
        *(Claim(name, "weight_layers", depth, TABLE) for name, depth in DEPTHS.items()),
        *(Claim(name, "weight_layers", depth, "He et al. 2015, Tables 2 and 3") for name, depth in COMPARED.items()),
        *(Claim(name, "macs", 18 * GIGA // 10, TABLE, GIGA // 20) for name in ("plain18", "resnet18_a")),
        *(Claim(name, "macs", 36 * GIGA // 10, "He et al. 2015, Fig. 3", GIGA // 20) for name in ("plain34", "resnet34_a")),
        *by_torchvision("resnet18", 11_689_512, 1_814), *by_torchvision("resnet34", 21_797_672, 3_664),
        *by_torchvision("resnet50", 25_557_032, 4_089), *by_torchvision("resnet101", 44_549_160, 7_801),
        *by_torchvision("resnet152", 60_192_808, 11_514), *by_torchvision("wide_resnet50_2", 68_883_240, 11_398),
        *by_torchvision("wide_resnet101_2", 126_886_696, 22_753),
        Claim("wide_resnet50_2", "params", 689 * 10**5, "Zagoruyko, Komodakis, wide-residual-networks, README", 5 * 10**4),
    ),
    results=(
        Result("resnet18", 30.43, 10.76, TORCH),
        Result("resnet34", 26.73, 8.74, TORCH),
        Result("resnet50", 24.7, 7.8, CAFFE, knobs={"stride_in_1x1": True}),
        Result("resnet101", 23.6, 7.1, CAFFE, knobs={"stride_in_1x1": True}),
        Result("resnet152", 23.0, 6.7, CAFFE, knobs={"stride_in_1x1": True}),
        *(Result(name, round(100 - top1, 3), round(100 - top5, 3), "torchvision, IMAGENET1K_V1", "torchvision 224")
          for name, top1, top5 in (
              ("resnet18", 69.758, 89.078), ("resnet34", 73.314, 91.42), ("resnet50", 76.13, 92.862),
              ("resnet101", 77.374, 93.546), ("resnet152", 78.312, 94.046), ("wide_resnet50_2", 78.468, 94.086),
              ("wide_resnet101_2", 78.848, 94.284))),
    ),
    changes=(
        Change("vgg19", "plain34", "narrower, strided 3x3 for pooling, one linear layer"),
        Change("plain34", "resnet34_a", "shortcuts without parameters"),
        Change("resnet34_a", "resnet34", "projections where the shape changes"),
        Change("resnet34", "resnet50", "bottlenecks for pairs of 3x3"),
        Change("resnet50", "wide_resnet50_2", "twice the channels in every 3x3"),
    ),
)
