"""ResNet-B, -C and -D. He, Zhang, Zhang, Zhang, Xie, Li, "Bag of Tricks for Image Classification with Convolutional
Neural Networks", 2018, arXiv:1812.01187.

Section 4 and Fig. 2: three tweaks of ResNet that combine. B moves the stride from the first 1x1 to the 3x3, C puts
three 3x3 convolutions for the 7x7, D pools before the 1x1 of a shortcut. Module names are timm's.
"""

from functools import partial
from typing import Literal

from pydantic import Field, model_validator
from torch import nn

from lib.architecture import ENDS, INSIDE, Architecture, Change, Claim, Impossible, Paper, Preset, Result, Stage, by_timm
from lib.models import resnet
from lib.models.resnet import (
    TABLE_1, Bottleneck, FourStageKnobs, FourStages, ResNet, framed, identity_or_projection, require_bottlenecks)
from lib.models.stems import Stem, max_pooling


def deep_stem(width: int, in_channels: int = 3) -> nn.Sequential:
    """Fig. 2 (b), ResNet-C: 3x3 convolutions of 32, 32 and 64 channels for width 64; the first has the stride."""
    half = width // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, half, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
        nn.Conv2d(half, half, 3, padding=1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
        nn.Conv2d(half, width, 3, padding=1, bias=False))


DEEP = Stem(deep_stem, max_pooling, 4)


def pooled_projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Fig. 2 (c), ResNet-D: 2x2 average pooling takes over the stride, so that the 1x1 reads every cell."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity(),
        nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))


class ResNetTweaksKnobs(FourStageKnobs):
    """The three tweaks, each by itself."""

    depth: Literal[18, 34, 50, 101, 152] = Field(
        50, title="Depth", description="A column of ResNet's Table 1: which block, and how many in each stage.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 50)][1], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels after the stem and of conv2_x; each later stage doubles them.")
    stride_in_1x1: bool = Field(
        False, title="Stride in the 1x1",
        description="On: as in the ResNet of 2015. Off: tweak B, the stride in the 3x3. Bottleneck blocks only.",
        json_schema_extra=INSIDE)
    deep_stem: bool = Field(
        default_factory=lambda chosen: chosen.get("stem") != "cifar", title="Deep stem",
        description="Tweak C: three 3x3 convolutions for the 7x7.", json_schema_extra=ENDS | {"follows": "stem"})
    pooled_shortcut: bool = Field(
        True, title="Pooled shortcut", description="Tweak D: average pooling before the 1x1 of a shortcut that strides.",
        json_schema_extra=INSIDE)

    @model_validator(mode="after")
    def fits_together(self):
        require_bottlenecks(self, stride_in_1x1=False)
        if self.deep_stem and self.stem == "cifar":
            raise Impossible("deep_stem puts three 3x3 for a 7x7, but the stem for CIFAR has none.",
                             {"deep_stem": (False,), "stem": ("imagenet",)})
        return self


def build(knobs: ResNetTweaksKnobs) -> ResNet:
    block = partial(TABLE_1[knobs.depth][0],
                    shortcut=pooled_projection if knobs.pooled_shortcut else identity_or_projection)
    if issubclass(block.func, Bottleneck):
        block = partial(block, stride_in_1x1=knobs.stride_in_1x1)
    return framed(4 * [block], knobs, DEEP if knobs.deep_stem else None)


DEEP_STEM = Stage("conv1", {
    "conv1.0": "conv1_1", "conv1.1": "bn1_1", "conv1.2": "relu1_1", "conv1.3": "conv1_2", "conv1.4": "bn1_2",
    "conv1.5": "relu1_2", "conv1.6": "conv1_3", "bn1": "bn1_3", "relu": "relu1_3"})


def stages(knobs: ResNetTweaksKnobs) -> tuple[Stage, ...]:
    """The rows of ResNet's Table 1."""
    first, *others = resnet.stages(knobs)
    return DEEP_STEM if knobs.deep_stem else first, *others


ARCHITECTURE = Architecture(
    id="resnet_tweaks",
    name="ResNet-B, -C, -D",
    summary="Three small changes to ResNet: where it strides, how it starts, how its shortcuts shrink.",
    paper=Paper("Bag of Tricks for Image Classification with Convolutional Neural Networks",
                "T. He, Z. Zhang, H. Zhang, Z. Zhang, J. Xie, M. Li", 2018, "1812.01187"),
    knobs=ResNetTweaksKnobs,
    presets={
        "resnet50d": Preset({}, "All three tweaks: the paper's ResNet-50-D.", also=("ResNet-50 v1d",)),
        "resnet50_v1": Preset({"stride_in_1x1": True, "deep_stem": False, "pooled_shortcut": False},
                              "No tweak: the ResNet-50 of 2015, which strides in the first 1x1.", also=("ResNet v1 50",)),
        "resnet50b": Preset({"deep_stem": False, "pooled_shortcut": False},
                            "Tweak B alone: the stride in the 3x3, as in torchvision's resnet50."),
        "resnet50c": Preset({"pooled_shortcut": False}, "Tweaks B and C, as in the paper's table and in timm."),
        "resnet18d": Preset({"depth": 18}, "ResNet-18 with tweaks C and D; B needs a bottleneck."),
        "resnet34d": Preset({"depth": 34}, "ResNet-34 with tweaks C and D; B needs a bottleneck."),
        "resnet101d": Preset({"depth": 101}, "ResNet-101 with all three tweaks."),
        "resnet152d": Preset({"depth": 152}, "ResNet-152 with all three tweaks."),
    },
    also=("ResNet-D", "ResNet-C", "ResNet-B", "bag of tricks"),
    build=build,
    stages=stages,
    claims=(
        Claim("resnet50_v1", "macs", 386 * 10**7, "Hu et al. 2017 (SENet), Table 2, re-implementation", 5 * 10**6),
        Claim("resnet50b", "params", 25_557_032, "torchvision, resnet50, IMAGENET1K_V1"),
        Claim("resnet50b", "macs", 4_089 * 10**6, "torchvision, resnet50, IMAGENET1K_V1", 5 * 10**5),
        *by_timm(resnet50c=2558, resnet50d=2558, resnet18d=1171, resnet34d=2182, resnet101d=4457, resnet152d=6021),
    ),
    results=(Result("resnet50d", round(100 - 77.16, 2), None, "He et al. 2018, Table 5"),),
    changes=(
        Change("resnet50_v1", "resnet50b", "stride in the 3x3 instead of the 1x1"),
        Change("resnet50b", "resnet50c", "three 3x3 instead of the 7x7 stem"),
        Change("resnet50c", "resnet50d", "average pooling on the shortcut"),
        Change("resnet50", "resnet50d", "deep stem, pooled shortcuts"),
    ),
)
