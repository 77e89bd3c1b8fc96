"""ResNet v2 for CIFAR. He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027.

Table 2 (five orderings at depth 110 and 164), Table 3 (up to 1001 layers). The frame is that of the CIFAR networks of
2015: a 3x3 stem and three stages of n units.
"""

from functools import partial

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import (
    Architecture, Change, Claim, ImageSize, Knobs, Preset, Stage, input_size_knob, num_classes_knob)
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize
from lib.models.resnet_v2 import PAPER, UNITS, Ordering, closing, opening, ordering_knob, stage
from lib.models.stems import cifar_stem


class ResNetV2CIFAR(nn.Module):
    """A 3x3 stem, three stages of `n` units of any ordering, pooling, linear layer.

    Shortcuts of units without bottleneck are padded with zeros (option A of 2015). Input (N, in_channels, H, W), output
    (N, num_classes).
    """

    def __init__(self, ordering: Ordering, n: int, bottleneck: bool = True, width: int = 16, num_classes: int = 10,
                 head: Head = "average", in_channels: int = 3):
        super().__init__()
        unit = partial(UNITS[ordering], bottleneck=bottleneck, zeros=not bottleneck)
        self.conv1 = cifar_stem(width, in_channels)
        self.opening = opening(ordering, width)
        self.layer1 = stage(unit, n, width, width, stride=1, first=True)
        self.layer2 = stage(unit, n, self.layer1[-1].out_channels, 2 * width, stride=2)
        self.layer3 = stage(unit, n, self.layer2[-1].out_channels, 4 * width, stride=2)
        self.closing = closing(ordering, self.layer3[-1].out_channels)
        self.avgpool, self.fc = pooling_and_linear(head, self.layer3[-1].out_channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.opening(self.conv1(x)))))
        return self.fc(self.avgpool(self.closing(x)).flatten(1))


class ResNetV2CIFARKnobs(Knobs):
    """What turns a CIFAR ResNet v2 into another one."""

    n: int = Field(18, ge=1, le=200, title="Units per stage n",
                   description="Weight layers: 9n + 2 with bottlenecks, 6n + 2 without.")
    bottleneck: bool = Field(True, title="Bottlenecks", description="Units of 1x1, 3x3 and 1x1 instead of two 3x3.")
    width: int = Field(16, ge=4, le=128, multiple_of=4, title="Width",
                       description="Channels of the stem and inside the first stage; they double twice.")
    ordering: Ordering = ordering_knob()
    head: Head = head_knob()
    num_classes: int = num_classes_knob(10)
    input_size: ImageSize = input_size_knob(32)


def build(knobs: ResNetV2CIFARKnobs) -> ResNetV2CIFAR:
    return ResNetV2CIFAR(knobs.ordering, knobs.n, knobs.bottleneck, knobs.width, knobs.num_classes, knobs.head,
                         knobs.in_channels)


def stages(knobs: ResNetV2CIFARKnobs) -> tuple[Stage, ...]:
    """The stem, the three map sizes, the head with the closing activation."""
    return (
        Stage("conv1", {"conv1": "", "opening": ""}),
        Stage("conv2_x", {"layer1": ""}), Stage("conv3_x", {"layer2": ""}), Stage("conv4_x", {"layer3": ""}),
        Stage("head", {"closing.0": "closing " + ("bn" if knobs.ordering == "full" else "relu"), "closing.1": "closing relu",
                       "avgpool": "", "fc": ""}),
    )


ORDERINGS = {"a": ("original", "the original unit"), "b": ("bn_after_addition", "BN after the addition"),
             "c": ("relu_before_addition", "ReLU before the addition"), "d": ("relu_only", "ReLU-only pre-activation")}


def orderings(depth: int, knobs: dict) -> dict[str, Preset]:
    """The other columns of Table 2 at this depth."""
    return {f"resnetv2_{depth}_cifar_{letter}": Preset(knobs | {"ordering": ordering}, f"Ordering ({letter}) of Table 2: {words}.")
            for letter, (ordering, words) in ORDERINGS.items()}


TABLE_4 = "He et al. 2016, Table 4"

ARCHITECTURE = Architecture(
    id="resnet_v2_cifar",
    name="ResNet v2 for CIFAR",
    summary="Pre-activation on 32-pixel images, from 110 to 1001 layers.",
    paper=PAPER,
    knobs=ResNetV2CIFARKnobs,
    presets={
        "resnetv2_164_cifar": Preset({}, "n = 18: 164 weight layers in bottleneck units, full pre-activation.",
                                     also=("PreResNet-164",)),
        "resnetv2_110_cifar": Preset({"bottleneck": False},
                                     "n = 18: 110 weight layers in units of two 3x3, full pre-activation.",
                                     also=("PreResNet-110",)),
        "resnetv2_1001_cifar": Preset({"n": 111}, "n = 111: 1001 weight layers in bottleneck units, full pre-activation.",
                                      also=("ResNet-1001", "PreResNet-1001")),
        **orderings(164, {}), **orderings(110, {"bottleneck": False}),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("resnetv2_1001_cifar", "params", 10_200_000, TABLE_4, 50_000,
              differs="10.33 with the scales and shifts of BN; its convolutions and linear layer alone have 10.2"),
        *(Claim(name, "params", 1_700_000, TABLE_4, 50_000)
          for name in ("resnetv2_164_cifar", "resnetv2_164_cifar_a", "resnetv2_110_cifar_a")),
        Claim("resnetv2_1001_cifar", "weight_layers", 1001, TABLE_4),
        *(Claim(f"resnetv2_{depth}_cifar{ordering}", "weight_layers", depth, "He et al. 2016, Table 2")
          for depth in (110, 164) for ordering in ("", "_a", "_b", "_c", "_d")),
    ),
    changes=(Change("resnet164_cifar", "resnetv2_164_cifar", "BN and ReLU before each convolution"),),
)
