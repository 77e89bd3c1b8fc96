"""DenseNet. Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks", 2016, arXiv:1608.06993.

Section 3: dense blocks with growth rate k, bottlenecks (DenseNet-B), compression (DenseNet-C); Table 1: the networks for
ImageNet, which have both (DenseNet-BC). Module names are torchvision's.
"""

from collections import OrderedDict
from functools import partial
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import INSIDE, Architecture, Change, Impossible, Knobs, Paper, Preset, Result, Stage, by_torchvision
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import FourStages, initialize
from lib.models.stems import max_pooling, stem


class BasicDenseLayer(nn.Module):
    """Section 3, without bottleneck: x_l = H([x_0, ..., x_{l-1}]), H being BN, ReLU, 3x3.

    Input (N, in_channels, H, W): all maps before it; output (N, growth, H, W).
    """

    def __init__(self, in_channels: int, growth: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(self.relu1(self.norm1(x)))


class DenseLayer(nn.Module):
    """DenseNet-B: a 1x1 to 4 k channels first. H is BN, ReLU, 1x1, BN, ReLU, 3x3. Shapes as in `BasicDenseLayer`."""

    def __init__(self, in_channels: int, growth: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu1(self.norm1(x)))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """Fig. 1: each layer reads the block's input and the outputs of all layers before it, and adds `growth` channels.

    x holds [x_0, ..., x_{l-1}]: it grows from layer to layer, and torchvision, which keeps a list, joins the same maps.
    `layer(in_channels, growth)` builds a layer. Input (N, in_channels, H, W), output (N, out_channels, H, W).
    """

    def __init__(self, in_channels: int, layers: int, growth: int, layer=DenseLayer):
        super().__init__({f"denselayer{index + 1}": layer(in_channels + index * growth, growth) for index in range(layers)})
        self.out_channels = in_channels + layers * growth

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.values():
            x = torch.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """What lies between two blocks: BN, ReLU, a 1x1 that keeps `compression` percent of the channels, and 2x2 averages.

    Input (N, in_channels, H, W), output (N, out_channels, H / 2, W / 2).
    """

    def __init__(self, in_channels: int, compression: int = 50):
        super().__init__()
        self.out_channels = in_channels * compression // 100
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, self.out_channels, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.conv(self.relu(self.norm(x))))


class DenseNet(nn.Module):
    """Table 1: 7x7 stem of `width` channels, four dense blocks with transitions between, BN, ReLU, pooling, linear layer.

    `block(in_channels, layers)` builds a dense block. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, block, depths: tuple[int, int, int, int], width: int = 64, compression: int = 50,
                 num_classes: int = 1000, head: Head = "average", in_channels: int = 3):
        super().__init__()
        parts = OrderedDict(conv0=stem(width, in_channels), norm0=nn.BatchNorm2d(width), relu0=nn.ReLU(inplace=True),
                            pool0=max_pooling())
        for number, layers in enumerate(depths, 1):
            if number > 1:
                parts[f"transition{number - 1}"] = transition = Transition(width, compression)
                width = transition.out_channels
            parts[f"denseblock{number}"] = dense = block(width, layers)
            width = dense.out_channels
        self.features = nn.Sequential(parts | {"norm5": nn.BatchNorm2d(width)})
        self.relu = nn.ReLU(inplace=True)
        self.avgpool, self.classifier = pooling_and_linear(head, width, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.features(x))
        return self.classifier(self.avgpool(x).flatten(1))


TABLE_1 = {121: (6, 12, 24, 16), 161: (6, 12, 36, 24), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
"""Layers of each dense block. 161 has the growth rate 48, the others 32."""


class DenseNetKnobs(Knobs):
    """What turns a DenseNet into another one."""

    depth: Literal[121, 161, 169, 201] = Field(
        121, title="Depth", description="A column of Table 1: layers in each block, and the growth rate. With bottlenecks, "
                                        "it counts the weight layers.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 121)], title="Layers per block",
        description="Layers in each of the four dense blocks.", json_schema_extra={"follows": "depth"})
    growth: int = Field(
        default_factory=lambda chosen: 48 if chosen.get("depth") == 161 else 32, ge=4, le=96, multiple_of=4,
        title="Growth rate k", description="Channels that each layer adds to what all later ones read.",
        json_schema_extra={"follows": "depth"})
    width: int = Field(
        default_factory=lambda chosen: 2 * chosen.get("growth", 32), ge=8, le=256, multiple_of=8, title="Width of the stem",
        description="Channels of the first convolution: 2k in the paper.", json_schema_extra={"follows": "growth"})
    bottleneck: bool = Field(True, title="Bottlenecks", description="A 1x1 to 4k channels before each 3x3 (DenseNet-B).",
                             json_schema_extra=INSIDE)
    compression: int = Field(50, ge=10, le=100, multiple_of=10, title="Compression θ, %", json_schema_extra=INSIDE,
                             description="Channels that a transition keeps (DenseNet-C); with 100, all.")
    head: Head = head_knob()

    @model_validator(mode="after")
    def keeps_channels(self):
        width = self.width
        for number, layers in enumerate(self.depths[:-1], 1):
            width += layers * self.growth
            if width * self.compression < 100:
                raise Impossible(f"transition{number} would keep {self.compression} % of {width} channels, which is less than "
                                 "one.", {"compression": (50,)})
            width = width * self.compression // 100
        return self


def build(knobs: DenseNetKnobs) -> DenseNet:
    block = partial(DenseBlock, growth=knobs.growth, layer=DenseLayer if knobs.bottleneck else BasicDenseLayer)
    return DenseNet(block, knobs.depths, knobs.width, knobs.compression, knobs.num_classes, knobs.head, knobs.in_channels)


def stages(knobs: Knobs) -> tuple[Stage, ...]:
    """The rows of Table 1. The last normalisation belongs to the head."""
    def block(number: int) -> Stage:
        return Stage(f"dense block {number}", {f"features.denseblock{number}": ""})

    def transition(number: int) -> Stage:
        return Stage(f"transition {number}", {f"features.transition{number}": ""})

    return (
        Stage("convolution", {"features.conv0": "conv", "features.norm0": "bn", "features.relu0": "relu"}),
        Stage("pooling", {"features.pool0": "maxpool"}),
        block(1), transition(1), block(2), transition(2), block(3), transition(3), block(4),
        Stage("head", {"features.norm5": "closing bn", "relu": "closing relu", "avgpool": "", "classifier": ""}))


TORCHVISION = {121: (7_978_856, 2_834, 74.434, 91.972), 161: (28_681_000, 7_728, 77.138, 93.56),
               169: (14_149_480, 3_360, 75.6, 92.806), 201: (20_013_928, 4_291, 76.896, 93.37)}
"""Parameters, million multiply-adds, top-1 and top-5 accuracy in percent."""


def preset(depth: int, growth: int = 32) -> Preset:
    return Preset({"depth": depth},
                  f"{depth} weight layers, growth rate {growth}, bottlenecks and compression; torchvision's.")


ARCHITECTURE = Architecture(
    id="densenet",
    name="DenseNet",
    summary="Each layer reads the maps of all layers before it, and adds a few of its own.",
    paper=Paper("Densely Connected Convolutional Networks", "G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger", 2016,
                "1608.06993"),
    knobs=DenseNetKnobs,
    presets={"densenet121": preset(121), "densenet161": preset(161, growth=48), "densenet169": preset(169),
             "densenet201": preset(201)},
    build=build,
    stages=stages,
    claims=tuple(claim for depth, (params, macs, _, _) in TORCHVISION.items()
                 for claim in by_torchvision(f"densenet{depth}", params, macs)),
    results=tuple(Result(f"densenet{depth}", round(100 - top1, 3), round(100 - top5, 3), "torchvision, IMAGENET1K_V1",
                         "torchvision 224") for depth, (_, _, top1, top5) in TORCHVISION.items()),
    changes=(Change("resnet50", "densenet121", "concatenation for addition: each layer reads all before it"),),
)
