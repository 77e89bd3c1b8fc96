"""ResNets for CIFAR-10. He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385.

Section 4.2: a 3x3 stem and three stages of n blocks on maps of 32, 16 and 8 pixels, 6n + 2 weight layers with basic
blocks. With bottlenecks there are 9n + 2, as in He et al., "Identity Mappings in Deep Residual Networks", 2016,
arXiv:1603.05027.
"""

from functools import partial
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import (
    INSIDE, Architecture, Change, Claim, ImageSize, Impossible, Knobs, Paper, Preset, Stage, input_size_knob,
    num_classes_knob)
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import (
    SHORTCUTS, BasicBlock, Bottleneck, PlainBasicBlock, PlainBottleneck, initialize, require_whole_width, stage)
from lib.models.senet import SEBasicBlock, SEBottleneck
from lib.models.stems import cifar_stem


class ResNetCIFAR(nn.Module):
    """The table of section 4.2: 16, 32 and 64 channels for width 16, then global average pooling and a linear layer.

    `block(in_channels, channels, stride)` builds a block; each stage has `n` of them. Input (N, in_channels, H, W),
    output (N, num_classes).
    """

    def __init__(self, block, n: int, width: int = 16, num_classes: int = 10, head: Head = "average", in_channels: int = 3):
        super().__init__()
        self.conv1 = cifar_stem(width, in_channels)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = stage(block, n, width, width, stride=1)
        self.layer2 = stage(block, n, self.layer1[-1].out_channels, 2 * width, stride=2)
        self.layer3 = stage(block, n, self.layer2[-1].out_channels, 4 * width, stride=2)
        self.avgpool, self.fc = pooling_and_linear(head, self.layer3[-1].out_channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def without_norms(model: nn.Module) -> nn.Module:
    """The same network without batch normalisation: each convolution gets a bias instead, 0 at first."""
    for module in model.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.Conv2d) and child.bias is None:
                child.bias = nn.Parameter(torch.zeros(child.out_channels))
    return model


BLOCKS = {"plain": (PlainBasicBlock, PlainBottleneck), "residual": (BasicBlock, Bottleneck), "se": (SEBasicBlock, SEBottleneck)}
"""Each kind of block: of two 3x3 convolutions, and as a bottleneck."""


class ResNetCIFARKnobs(Knobs):
    """What turns a CIFAR ResNet into another one."""

    n: int = Field(3, ge=1, le=200, title="Blocks per stage n",
                   description="Weight layers: 6n + 2 with basic blocks, 9n + 2 with bottlenecks.")
    bottleneck: bool = Field(False, title="Bottlenecks", description="Blocks of 1x1, 3x3 and 1x1 instead of two 3x3.")
    width: int = Field(16, ge=4, le=128, multiple_of=4, title="Width",
                       description="Channels of the stem and of the first stage; they double twice.")
    residual: bool = Field(True, title="Shortcuts", description="Off: the plain network of section 4.2.")
    shortcut: Literal["A", "B", "C"] = Field(
        "A", title="Shortcut option", description="The paper uses A here: no parameters, new channels are zeros.",
        json_schema_extra=INSIDE)
    batch_norm: bool = Field(True, title="Batch norm",
                             description="Off: no normalisation; each convolution gets a bias instead.",
                             json_schema_extra=INSIDE)
    se: bool = Field(False, title="SE blocks", description="Squeeze and excitation on every residual branch, r = 16.",
                     json_schema_extra=INSIDE)
    cardinality: int = Field(1, ge=1, le=64, title="Cardinality C",
                             description="Groups of every 3x3 convolution, as in ResNeXt. Bottlenecks only.")
    base_width: int = Field(64, ge=1, le=256, title="Width per group d",
                            description="Channels of one group of the 3x3 where the stage has 64. Bottlenecks only.")
    head: Head = head_knob()
    num_classes: int = num_classes_knob(10)
    input_size: ImageSize = input_size_knob(32)

    @model_validator(mode="after")
    def fits_together(self):
        if not self.bottleneck:
            for name, default in (("cardinality", 1), ("base_width", 64)):
                if getattr(self, name) != default:
                    raise Impossible(f"{name} acts on bottlenecks, but the blocks here are two 3x3 convolutions.",
                                     {"bottleneck": (True,), name: (default,)})
        if self.se and not self.residual:
            raise Impossible("se acts on the residual branch, but a network without shortcuts has none.",
                             {"residual": (True,), "se": (False,)})
        require_whole_width(self.width, self.base_width)
        return self


def build(knobs: ResNetCIFARKnobs) -> ResNetCIFAR:
    kind = "se" if knobs.se else "residual" if knobs.residual else "plain"
    block = partial(BLOCKS[kind][knobs.bottleneck], shortcut=SHORTCUTS[knobs.shortcut])
    if knobs.bottleneck:
        block = partial(block, groups=knobs.cardinality, base_width=knobs.base_width)
    model = ResNetCIFAR(block, knobs.n, knobs.width, knobs.num_classes, knobs.head, knobs.in_channels)
    return model if knobs.batch_norm else without_norms(model)


def stages(knobs: ResNetCIFARKnobs) -> tuple[Stage, ...]:
    """The columns of the table in section 4.2, by the map's size at 32 pixels."""
    return (
        Stage("conv1", {"conv1": "", "bn1": "", "relu": ""}),
        Stage("conv2_x", {"layer1": ""}), Stage("conv3_x", {"layer2": ""}), Stage("conv4_x", {"layer3": ""}),
        Stage("head", {"avgpool": "", "fc": ""}),
    )


KILO = 10**3
TABLE = "He et al. 2015, Table 6"
XIE = "Xie et al. 2016 (ResNeXt), Table 7"


def preset(n: int) -> Preset:
    layers = 6 * n + 2
    return Preset({"n": n}, f"n = {n}: {layers} weight layers in basic blocks, shortcuts without parameters.",
                  also=(f"ResNet-{layers}",))


def plain(n: int) -> Preset:
    layers = 6 * n + 2
    return Preset({"n": n, "residual": False}, f"{layers} weight layers without shortcuts (Fig. 6, left).",
                  also=(f"Plain-{layers}",))


def resnext(groups: int) -> Preset:
    return Preset({"n": 3, "bottleneck": True, "width": 64, "cardinality": groups, "shortcut": "B"},
                  f"{groups} groups of 64 channels in three blocks a stage: ResNeXt's network for CIFAR. Its paper activates "
                  "before each convolution; its authors' code, like this, after it.",
                  also=(f"ResNeXt-29 {groups}x64d",))


ARCHITECTURE = Architecture(
    id="resnet_cifar",
    name="ResNet for CIFAR",
    summary="The same blocks on 32-pixel images, from 20 to 1202 layers.",
    paper=Paper("Deep Residual Learning for Image Recognition", "K. He, X. Zhang, S. Ren, J. Sun", 2015, "1512.03385"),
    knobs=ResNetCIFARKnobs,
    presets={f"resnet{6 * n + 2}_cifar": preset(n) for n in (3, 5, 7, 9, 18, 200)} | {
        "resnet164_cifar": Preset({"n": 18, "bottleneck": True, "shortcut": "B"},
                                  "n = 18: 164 weight layers in bottleneck blocks (the baseline of the 2016 paper).",
                                  also=("ResNet-164",)),
        **{f"plain{6 * n + 2}_cifar": plain(n) for n in (3, 5, 7, 9, 18)},
        **{f"resnext29_{groups}x64d_cifar": resnext(groups) for groups in (8, 16)},
    },
    build=build,
    stages=stages,
    claims=(
        Claim("resnet20_cifar", "params", 270 * KILO, TABLE, 5 * KILO),
        Claim("resnet32_cifar", "params", 460 * KILO, TABLE, 5 * KILO),
        Claim("resnet44_cifar", "params", 660 * KILO, TABLE, 5 * KILO),
        Claim("resnet56_cifar", "params", 850 * KILO, TABLE, 5 * KILO),
        Claim("resnet110_cifar", "params", 1_700 * KILO, TABLE, 50 * KILO),
        Claim("resnet1202_cifar", "params", 19_400 * KILO, TABLE, 50 * KILO),
        *(Claim(f"resnet{6 * n + 2}_cifar", "weight_layers", 6 * n + 2, TABLE) for n in (3, 5, 7, 9, 18, 200)),
        Claim("plain20_cifar", "weight_layers", 20, "He et al. 2015, Fig. 6"),
        Claim("plain56_cifar", "weight_layers", 56, "He et al. 2015, Fig. 6"),
        Claim("resnet164_cifar", "weight_layers", 164, "He et al. 2016, Table 2"),
        Claim("resnext29_8x64d_cifar", "params", 34_400 * KILO, XIE, 50 * KILO),
        Claim("resnext29_16x64d_cifar", "params", 68_100 * KILO, XIE, 50 * KILO,
              differs="68.155 rounds to 68.2; the table prints 68.1"),
        Claim("resnet164_cifar", "params", 1_700 * KILO, "He et al. 2016, Table 4", 50 * KILO),
    ),
    changes=(
        Change("resnet34_a", "resnet20_cifar", "three stages for 32-pixel images"),
        Change("plain20_cifar", "resnet20_cifar", "shortcuts without parameters"),
        Change("resnet110_cifar", "resnet164_cifar", "bottlenecks for pairs of 3x3"),
    ),
)
