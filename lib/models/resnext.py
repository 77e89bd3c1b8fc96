"""ResNeXt. Xie, Girshick, Dollar, Tu, He, "Aggregated Residual Transformations for Deep Neural Networks", 2016,
arXiv:1611.05431.

Table 1 and Fig. 3 (c): ResNet's bottleneck with a grouped 3x3 convolution, C groups (the cardinality) of d channels.
Module names are torchvision's.
"""

from functools import partial
from typing import Literal

from pydantic import Field, field_validator, model_validator

from lib.architecture import INSIDE, Architecture, Change, Claim, Paper, Preset, Result, by_timm, by_torchvision
from lib.models.resnet import (
    TABLE_1, Bottleneck, FourStageKnobs, FourStages, PlainBottleneck, ResNet, framed, require_whole_width, stages)


def multiply_adds(depths: tuple[int, ...], width: int, cardinality: int, base_width: int, stride_in_1x1: bool) -> int:
    """Multiply-adds of the three convolutions of every block, per cell of conv2_x.

    The rest of the network (stem, projections, linear layer) is the same for every cardinality.
    """
    total, in_channels = 0, width
    for stage, depth in enumerate(depths):
        area = 4 ** (3 - stage)  # cells of this stage, where conv5_x has 1
        out_channels = 4 * width * 2**stage
        inner = width * 2**stage * base_width // 64 * cardinality
        for block in range(depth):
            first_area = 4 * area if block == 0 and stage > 0 and not stride_in_1x1 else area
            total += in_channels * inner * first_area + 9 * inner * inner // cardinality * area
            total += inner * out_channels * area
            in_channels = out_channels
    return total


def equal_cost_width(depths: tuple[int, ...], width: int, cardinality: int, stride_in_1x1: bool) -> int:
    """The width per group at which `cardinality` groups cost nearest to the ResNet of the same depths (section 3.3)."""
    def cost(cardinality: int, base_width: int) -> int:
        return multiply_adds(depths, width, cardinality, base_width, stride_in_1x1)

    target = cost(1, 64)
    whole = [d for d in range(1, 65) if width * d % 64 == 0]
    return min(whole, key=lambda d: abs(cost(cardinality, d) - target))


def equal_weights_width(outer: int, inner: int, cardinality: int) -> int:
    """The width per group d at which a grouped block of `outer` channels has nearest as many weights as an ungrouped
    one of `inner` channels: C (outer d + 9 d d + d outer), equation 4 of the paper."""
    target = 2 * outer * inner + 9 * inner * inner
    return min(range(1, inner + 1), key=lambda d: abs(cardinality * (2 * outer * d + 9 * d * d) - target))


class ResNeXtKnobs(FourStageKnobs):
    """What turns a ResNeXt into another one."""

    depth: Literal[50, 101, 152] = Field(
        50, title="Depth", description="Blocks per stage as in the ResNet of this depth.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 50)][1], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the stem; a block of conv2_x gives four times as many, and each "
                                   "later stage doubles them.")
    cardinality: int = Field(
        32, ge=1, le=128, title="Cardinality C", description="Groups of every 3x3 convolution: the paths of a block.")
    stride_in_1x1: bool = Field(
        False, title="Stride in the 1x1", description="The stride of a stage in the first 1x1 instead of the 3x3.",
        json_schema_extra=INSIDE)
    residual: bool = Field(True, title="Shortcuts", description="Off: the same blocks without their shortcuts.")
    equal_cost: bool = Field(
        False, title="Equal cost",
        description="Pick the width per group d so that the multiply-adds stay nearest to the ResNet of this depth.")
    base_width: int = Field(
        4, ge=1, le=64, title="Width per group d",
        description="Channels of one group of the 3x3 convolution in conv2_x (torchvision's width_per_group); "
                    "each later stage doubles them.", json_schema_extra={"set_by": "equal_cost"})

    @field_validator("base_width", mode="after")
    @classmethod
    def at_equal_cost(cls, base_width: int, info) -> int:
        chosen = info.data
        needed = ("depths", "width", "cardinality", "stride_in_1x1")
        if not chosen.get("equal_cost") or any(name not in chosen for name in needed):
            return base_width
        return equal_cost_width(*(chosen[name] for name in needed))

    @model_validator(mode="after")
    def whole_widths(self):
        require_whole_width(self.width, self.base_width)
        return self


def build(knobs: ResNeXtKnobs) -> ResNet:
    block = partial(Bottleneck if knobs.residual else PlainBottleneck, groups=knobs.cardinality,
                    base_width=knobs.base_width, stride_in_1x1=knobs.stride_in_1x1)
    return framed(4 * [block], knobs)


def template(cardinality: int, base_width: int, depth: int = 50, note: str = "", also: tuple[str, ...] = ()) -> Preset:
    """A row of the paper's Table 3."""
    return Preset({"depth": depth, "cardinality": cardinality, "base_width": base_width},
                  note or f"{cardinality} groups of {base_width} channels: a row of the paper's Table 3.", also)


MEGA, GIGA = 10**6, 10**9
TABLE = "Xie et al. 2016, Table 3, caption"
EQUAL = "{}: the caption gives one number, “about”, for all its rows, and whole channels only come near it"

ARCHITECTURE = Architecture(
    id="resnext",
    name="ResNeXt",
    summary="Many narrow paths instead of one wide one: cardinality as a dimension beside width and depth.",
    paper=Paper("Aggregated Residual Transformations for Deep Neural Networks",
                "S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He", 2016, "1611.05431"),
    knobs=ResNeXtKnobs,
    presets={
        "resnext50_32x4d": template(32, 4, note="32 groups of 4 channels: the paper's ResNeXt-50.", also=("ResNeXt-50",)),
        "resnext101_32x8d": template(32, 8, 101, "32 groups of 8 channels; torchvision's largest 32-group network."),
        "resnext101_64x4d": template(64, 4, 101, "64 groups of 4 channels: the best network of the paper's Table 4."),
        "resnext50_1x64d": template(1, 64, note="One group of 64 channels: ResNet-50 itself."),
        "resnext50_2x40d": template(2, 40),
        "resnext50_4x24d": template(4, 24),
        "resnext50_8x14d": template(8, 14),
        "resnext101_1x64d": template(1, 64, 101, "One group of 64 channels: ResNet-101 itself."),
        "resnext101_2x40d": template(2, 40, 101),
        "resnext101_4x24d": template(4, 24, 101),
        "resnext101_8x14d": template(8, 14, 101),
        "resnext101_32x4d": template(32, 4, 101),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("resnext50_1x64d", "params", 255 * MEGA // 10, "Xie et al. 2016, Table 1", MEGA // 20,
              differs="25.557 rounds to 25.6; the table prints 25.5"),
        Claim("resnext50_1x64d", "macs", 41 * GIGA // 10, "Xie et al. 2016, Table 1", GIGA // 20),
        Claim("resnext50_32x4d", "params", 250 * MEGA // 10, "Xie et al. 2016, Table 1", MEGA // 20),
        Claim("resnext50_32x4d", "macs", 42 * GIGA // 10, "Xie et al. 2016, Table 1", GIGA // 20),
        Claim("resnext50_2x40d", "macs", 41 * GIGA // 10, TABLE, GIGA // 20),
        Claim("resnext50_4x24d", "macs", 41 * GIGA // 10, TABLE, GIGA // 20, differs=EQUAL.format("4.16")),
        Claim("resnext50_8x14d", "macs", 41 * GIGA // 10, TABLE, GIGA // 20, differs=EQUAL.format("4.27")),
        Claim("resnext101_1x64d", "macs", 78 * GIGA // 10, TABLE, GIGA // 20),
        Claim("resnext101_2x40d", "macs", 78 * GIGA // 10, TABLE, GIGA // 20),
        Claim("resnext101_4x24d", "macs", 78 * GIGA // 10, TABLE, GIGA // 20, differs=EQUAL.format("7.89")),
        Claim("resnext101_8x14d", "macs", 78 * GIGA // 10, TABLE, GIGA // 20, differs=EQUAL.format("8.08")),
        Claim("resnext101_32x4d", "macs", 78 * GIGA // 10, TABLE, GIGA // 20, differs=EQUAL.format("7.97")),
        *by_torchvision("resnext50_32x4d", 25_028_904, 4_230), *by_torchvision("resnext101_32x8d", 88_791_336, 16_414),
        *by_torchvision("resnext101_64x4d", 83_455_272, 15_460), *by_timm(resnext101_32x4d=4418),
    ),
    results=tuple(Result(name, top1, None, "Xie et al. 2016, Table 3") for name, top1 in (
        ("resnext50_1x64d", 23.9), ("resnext50_2x40d", 23.0), ("resnext50_4x24d", 22.6), ("resnext50_8x14d", 22.3),
        ("resnext50_32x4d", 22.2), ("resnext101_1x64d", 22.0), ("resnext101_2x40d", 21.7), ("resnext101_4x24d", 21.4),
        ("resnext101_8x14d", 21.3), ("resnext101_32x4d", 21.2))) + (
        Result("resnext101_64x4d", 20.4, 5.3, "Xie et al. 2016, Table 4"),
        Result("resnext50_32x4d", 22.382, 6.302, "torchvision, IMAGENET1K_V1", "torchvision 224"),
        Result("resnext101_32x8d", 20.688, 5.474, "torchvision, IMAGENET1K_V1", "torchvision 224"),
    ),
    changes=(
        Change("resnet50", "resnext50_32x4d", "grouped 3x3: 32 groups of 4 channels"),
        Change("resnet101", "resnext101_32x4d", "grouped 3x3: 32 groups of 4 channels"),
    ),
)
