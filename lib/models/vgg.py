"""VGG. Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2014,
arXiv:1409.1556.

Table 1, configurations A to E: stages of 3x3 convolutions, each closed by a 2x2 max pooling, then three fully connected
layers. Module names are torchvision's. The 2014 networks have no batch normalisation.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from torch import Tensor, nn

from lib.architecture import (
    DISTILL, INSIDE, MOST_BLOCKS, Architecture, Change, Claim, Impossible, Knobs, Paper, Preset, Result, Stage,
    by_torchvision, split_numbers)
from lib.models.heads import Head, head_knob, hidden_knob, pooled

DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions per stage: configurations A, B, D (and C) and E."""


def kernels(depths: tuple[int, ...], pointwise_third: bool = False) -> tuple[tuple[int, ...], ...]:
    """Kernel sizes, stage by stage. Configuration C ends stages 3 to 5 with a 1x1 convolution."""
    return tuple(
        tuple(1 if pointwise_third and index == 2 else 3 for index in range(depth)) for depth in depths)


class VGG(nn.Module):
    """Table 1. The channels double from stage to stage until the fourth: 64, 128, 256, 512, 512 for width 64.

    `kernels` lists the kernel sizes of each of the five stages, `hidden` the units of fc6 and fc7. Input
    (N, in_channels, H, W) of at least 32x32, output (N, num_classes). The paper classifies 7x7 maps; torchvision's
    adaptive pooling makes other input sizes possible.
    """

    def __init__(self, kernels: tuple[tuple[int, ...], ...], width: int = 64, batch_norm: bool = False,
                 num_classes: int = 1000, hidden: int = 4096, head: Head = "flatten", in_channels: int = 3):
        super().__init__()
        layers = []
        for stage, sizes in enumerate(kernels):
            channels = width * min(2**stage, 8)
            for size in sizes:
                layers += convolution(in_channels, channels, size, batch_norm)
                in_channels = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool, features = pooled(head)
        self.classifier = classifier(in_channels * features, hidden, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(x.flatten(1))


def convolution(in_channels: int, channels: int, kernel: int, batch_norm: bool) -> list[nn.Module]:
    """A convolution that keeps the resolution, and its ReLU; with batch normalisation between them since 2015."""
    layers = [nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]
    if batch_norm:
        layers.insert(1, nn.BatchNorm2d(channels))
    return layers


def classifier(features: int, hidden: int, num_classes: int) -> nn.Sequential:
    """fc6, fc7 and fc8; with no `hidden` units fc8 alone."""
    if not hidden:
        return nn.Sequential(nn.Linear(features, num_classes))
    return nn.Sequential(
        nn.Linear(features, hidden), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(),
        nn.Linear(hidden, num_classes))


def initialize(model: nn.Module) -> None:
    """He initialisation of the convolutions and small normal weights in the linear layers, as in torchvision."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)


Count = Annotated[int, Field(ge=1, le=MOST_BLOCKS)]
FiveStages = Annotated[tuple[Count, Count, Count, Count, Count], BeforeValidator(split_numbers)]


class VGGKnobs(Knobs):
    """What turns a VGG into another one."""

    depth: Literal[11, 13, 16, 19] = Field(
        16, title="Depth", description="Weight layers: configurations A (11), B (13), D (16) and E (19) of Table 1.")
    depths: FiveStages = Field(
        default_factory=lambda chosen: DEPTHS[chosen.get("depth", 16)], title="Convolutions per stage",
        description="Convolutions before each of the five poolings.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the first stage; they double until the fourth.")
    pointwise_third: bool = Field(
        False, title="1x1 as the third", description="Configuration C: the third convolution of a stage is 1x1.",
        json_schema_extra=INSIDE)
    batch_norm: bool = Field(False, title="Batch norm", description="Normalise after every convolution (not in 2014).",
                             json_schema_extra=INSIDE)
    hidden: int = hidden_knob()
    head: Head = head_knob("flatten")

    @model_validator(mode="after")
    def has_a_third(self):
        if self.pointwise_third and max(self.depths) < 3:
            raise Impossible(
                f"pointwise_third needs a stage with a third convolution, but the stages of depths "
                f"{','.join(map(str, self.depths))} have at most {max(self.depths)}; depth 16 has three stages with one.",
                {"depth": (16,), "pointwise_third": (False,)})
        return self


def build(knobs: VGGKnobs) -> VGG:
    return VGG(kernels(knobs.depths, knobs.pointwise_third), knobs.width, knobs.batch_norm, knobs.num_classes, knobs.hidden,
               knobs.head, knobs.in_channels)


def stages(knobs: VGGKnobs) -> tuple[Stage, ...]:
    """The rows of Table 1, with the usual names: conv3_2 is the second convolution of stage 3."""
    rows, index = [], iter(range(10**6))
    for stage, depth in enumerate(knobs.depths, 1):
        modules = {}
        for number in range(1, depth + 1):
            modules |= _named(index, f"conv{stage}_{number}", *(["bn"] if knobs.batch_norm else []), "relu")
        rows.append(Stage(f"conv{stage}_x", modules | _named(index, f"pool{stage}")))
    fully_connected = ("fc6", "relu6", "dropout6", "fc7", "relu7", "dropout7", "fc8") if knobs.hidden else ("fc8",)
    head = {f"classifier.{index}": name for index, name in enumerate(fully_connected)}
    return *rows, Stage("head", {"avgpool": ""} | head)


def _named(index: Iterator[int], layer: str, *followers: str) -> dict[str, str]:
    """The next modules of `features`, named after their convolution: conv3_2, bn3_2, relu3_2."""
    number = layer.removeprefix("conv")
    return {f"features.{next(index)}": name for name in (layer, *(f + number for f in followers))}


TORCHVISION = {"vgg11": (69.020, 88.628), "vgg13": (69.928, 89.246), "vgg16": (71.592, 90.382), "vgg19": (72.376, 90.876),
               "vgg11_bn": (70.370, 89.810), "vgg13_bn": (71.586, 90.374), "vgg16_bn": (73.360, 91.516),
               "vgg19_bn": (74.218, 91.842)}
"""Top-1 and top-5 accuracy of torchvision's first weights. The paper prints no single crop."""


MEGA, GIGA = 10**6, 10**9
PRINTED = {"vgg11": (133, 11), "vgg13": (133, 13), "vgg16_c": (134, 16), "vgg16": (138, 16), "vgg19": (144, 19)}
"""Million parameters (Table 2) and weight layers (Table 1) of the configurations A to E."""


def preset(letter: str, depth: int, **more) -> Preset:
    batch_norm = " with batch normalisation, which the paper does not have" if more.get("batch_norm") else ""
    return Preset({"depth": depth} | more, f"Configuration {letter} of Table 1, {depth} weight layers{batch_norm}.")


ARCHITECTURE = Architecture(
    id="vgg",
    name="VGG",
    summary="Nothing but 3x3 convolutions, deeper and deeper.",
    paper=Paper("Very Deep Convolutional Networks for Large-Scale Image Recognition", "K. Simonyan, A. Zisserman",
                2014, "1409.1556"),
    knobs=VGGKnobs,
    presets={
        "vgg16": preset("D", 16),
        "vgg11": preset("A", 11),
        "vgg13": preset("B", 13),
        "vgg19": preset("E", 19),
        "vgg16_c": Preset({"depth": 16, "pointwise_third": True},
                          "Configuration C of Table 1: the third convolutions of stages 3 to 5 are 1x1."),
        "vgg11_bn": preset("A", 11, batch_norm=True),
        "vgg13_bn": preset("B", 13, batch_norm=True),
        "vgg16_bn": preset("D", 16, batch_norm=True),
        "vgg19_bn": preset("E", 19, batch_norm=True),
    },
    also=("VGGNet",),
    build=build,
    stages=stages,
    claims=tuple(claim for name, (params, layers) in PRINTED.items() for claim in (
        Claim(name, "params", params * MEGA, "Simonyan, Zisserman 2014, Table 2", MEGA // 2),
        Claim(name, "weight_layers", layers, "Simonyan, Zisserman 2014, Table 1"))) + (
        Claim("vgg16", "macs", 153 * GIGA // 10, "He et al. 2015 (ResNet), section 4.1", GIGA // 20,
              differs="15.47 with the linear layers; the convolutions alone make 15.35"),
        Claim("vgg19", "macs", 196 * GIGA // 10, "He et al. 2015 (ResNet), Fig. 3", GIGA // 20),
        Claim("vgg16", "receptive_field", 212, DISTILL),
        Claim("vgg16_bn", "macs", 1547 * GIGA // 100, "Hu et al. 2017 (SENet), Table 2", GIGA // 200),
        *by_torchvision("vgg11", 132_863_336, 7_609), *by_torchvision("vgg11_bn", 132_868_840, 7_609),
        *by_torchvision("vgg13", 133_047_848, 11_308), *by_torchvision("vgg13_bn", 133_053_736, 11_308),
        *by_torchvision("vgg16", 138_357_544, 15_470), *by_torchvision("vgg16_bn", 138_365_992, 15_470),
        *by_torchvision("vgg19", 143_667_240, 19_632), *by_torchvision("vgg19_bn", 143_678_248, 19_632),
    ),
    results=tuple(Result(name, round(100 - top1, 3), round(100 - top5, 3), "torchvision, IMAGENET1K_V1", "torchvision 224")
                  for name, (top1, top5) in TORCHVISION.items()),
    changes=(
        Change("alexnet_2012", "vgg16", "3x3 filters only, 16 layers"),
        Change("vgg16", "vgg19", "three more 3x3 convolutions"),
        Change("vgg16", "vgg16_bn", "batch normalisation"),
    ),
)
