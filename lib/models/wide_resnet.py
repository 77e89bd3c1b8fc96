"""Wide ResNet for CIFAR. Zagoruyko, Komodakis, "Wide Residual Networks", 2016, arXiv:1605.07146.

Table 1 (the network WRN-d-k: depth d, widening factor k), Fig. 1 (d) (dropout between the two convolutions of a block),
Table 5 (the networks that were compared). The blocks are pre-activation units, the frame is ResNet's for CIFAR.
"""

from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import (
    INSIDE, Architecture, Change, Claim, ImageSize, Knobs, Paper, Preset, Stage, input_size_knob, num_classes_knob)
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize
from lib.models.resnet_v2 import FullPreactivation, stage
from lib.models.stems import cifar_stem


class WideUnit(FullPreactivation):
    """Fig. 1 (d): a pre-activation unit with dropout between its two 3x3 convolutions, y = F(relu(BN(x))) + x."""

    def __init__(self, *args, dropout: float = 0.0, **kwargs):
        super().__init__(*args, bottleneck=False, **kwargs)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        f = self.relu(self.norms[0](x))
        shortcut = self.downsample(f if isinstance(self.downsample, nn.Conv2d) else x)
        f = self.dropout(self.relu(self.norms[1](self.convs[0](f))))
        return self.convs[1](f) + shortcut


class WideResNet(nn.Module):
    """Table 1: a 3x3 stem of 16 channels, three stages of `n` units with 16 k, 32 k and 64 k channels, BN and ReLU,
    global average pooling, one linear layer.

    `unit(in_channels, channels, stride)` builds a unit, `k` is the widening factor. Input (N, in_channels, H, W), output
    (N, num_classes).
    """

    def __init__(self, unit=WideUnit, n: int = 4, k: int = 10, num_classes: int = 10, head: Head = "average",
                 in_channels: int = 3):
        super().__init__()
        self.conv1 = cifar_stem(16, in_channels)
        self.layer1 = stage(unit, n, 16, 16 * k, stride=1)
        self.layer2 = stage(unit, n, 16 * k, 32 * k, stride=2)
        self.layer3 = stage(unit, n, 32 * k, 64 * k, stride=2)
        self.bn = nn.BatchNorm2d(64 * k)
        self.relu = nn.ReLU(inplace=True)
        self.avgpool, self.fc = pooling_and_linear(head, 64 * k, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.avgpool(self.relu(self.bn(x))).flatten(1))


class WideResNetKnobs(Knobs):
    """What turns a Wide ResNet into another one."""

    n: int = Field(4, ge=1, le=64, title="Units per stage N", description="The depth in the name, 6N + 4, counts all convolutions.")
    k: int = Field(10, ge=1, le=16, title="Widening factor k",
                   description="The stages have 16k, 32k and 64k channels; 1 is a ResNet of usual width.")
    dropout: Literal[0.0, 0.3, 0.4] = Field(
        0.0, title="Dropout", json_schema_extra=INSIDE,
        description="Share of the numbers between the two convolutions of a unit that training sets to 0.")
    head: Head = head_knob()
    num_classes: int = num_classes_knob(10)
    input_size: ImageSize = input_size_knob(32)


def build(knobs: WideResNetKnobs) -> WideResNet:
    return WideResNet(partial(WideUnit, dropout=knobs.dropout), knobs.n, knobs.k, knobs.num_classes, knobs.head,
                      knobs.in_channels)


def stages(knobs: WideResNetKnobs) -> tuple[Stage, ...]:
    """The rows of Table 1. The last normalisation belongs to the head."""
    return (
        Stage("conv1", {"conv1": ""}),
        Stage("conv2", {"layer1": ""}), Stage("conv3", {"layer2": ""}), Stage("conv4", {"layer3": ""}),
        Stage("head", {"bn": "closing bn", "relu": "closing relu", "avgpool": "", "fc": ""}),
    )


def preset(depth: int, k: int, **more) -> Preset:
    return Preset({"n": (depth - 4) // 6, "k": k} | more,
                  f"WRN-{depth}-{k}: depth {depth} as its paper counts, {k} times as wide as a CIFAR ResNet.",
                  also=(f"Wide ResNet-{depth}-{k}",))


TABLE = "Zagoruyko, Komodakis 2016, Table 5"
PRINTED = {"wrn_28_10": 365, "wrn_16_8": 110, "wrn_40_4": 89}
"""0.1 million parameters."""

ARCHITECTURE = Architecture(
    id="wide_resnet",
    name="Wide ResNet for CIFAR",
    summary="Fewer layers, many more channels: width in place of depth.",
    paper=Paper("Wide Residual Networks", "S. Zagoruyko, N. Komodakis", 2016, "1605.07146"),
    knobs=WideResNetKnobs,
    presets={
        "wrn_28_10": preset(28, 10),
        "wrn_16_4": preset(16, 4),
        "wrn_16_8": preset(16, 8),
        "wrn_40_2": preset(40, 2),
        "wrn_40_4": preset(40, 4),
    },
    also=("WRN",),
    build=build,
    stages=stages,
    claims=tuple(Claim(name, "params", params * 10**5, TABLE, 5 * 10**4) for name, params in PRINTED.items()) + (
        Claim("wrn_28_10", "weight_layers", 28, TABLE, differs=(
            "26 on the longest path; the name counts the three convolutions on shortcuts too, and not the linear layer")),),
    changes=(Change("resnetv2_110_cifar", "wrn_28_10", "fewer layers, ten times the channels"),),
)
