"""SENet. Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-Excitation Networks", 2017, arXiv:1709.01507.

Fig. 1 and 3 (the SE block in a residual block), Fig. 5 (where it can stand). Module names are timm's.
"""

from functools import partial
from typing import Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import Architecture, Change, Claim, Impossible, Knobs, Paper, Preset, Result, by_timm
from lib.models.heads import Head, head_knob
from lib.models.resnet import (
    TABLE_1, BasicBlock, Bottleneck, FourStages, ResNet, require_whole_width, stages)


class SqueezeExcitation(nn.Module):
    """Fig. 1: s = sigmoid(W2 relu(W1 z)) with z the mean of each channel; every channel is scaled by its own s.

    `reduction` is the paper's r: W1 leaves channels / r numbers, here at least 8, as in timm. Input and output
    (N, channels, H, W).
    """

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        squeezed = max(8, channels // reduction)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)  # a linear layer on a map of one cell
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        z = self.pool(x)
        s = self.sigmoid(self.fc2(self.relu(self.fc1(z))))
        return x * s


class SEBasicBlock(BasicBlock):
    """ResNet's basic block with an SE block on its residual branch, y = SE(F(x)) + x: the standard place, Fig. 3."""

    def __init__(self, *args, reduction: int = 16, **kwargs):
        super().__init__(*args, **kwargs)
        self.se = SqueezeExcitation(self.out_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.se(self.residual(x)) + self.downsample(x))


class SEBottleneck(Bottleneck):
    """ResNet's bottleneck with an SE block on its residual branch, y = SE(F(x)) + x: the standard place, Fig. 3."""

    def __init__(self, *args, reduction: int = 16, **kwargs):
        super().__init__(*args, **kwargs)
        self.se = SqueezeExcitation(self.out_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.se(self.residual(x)) + self.downsample(x))


class SEPreBottleneck(Bottleneck):
    """SE-PRE of Fig. 5: before the residual unit, y = F(SE(x)) + x."""

    def __init__(self, in_channels: int, *args, reduction: int = 16, **kwargs):
        super().__init__(in_channels, *args, **kwargs)
        self.se = SqueezeExcitation(in_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(self.se(x)) + self.downsample(x))


class SEPostBottleneck(SEBottleneck):
    """SE-POST of Fig. 5: after the addition and its ReLU, y = SE(F(x) + x)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.se(self.relu(self.residual(x) + self.downsample(x)))


class SEIdentityBottleneck(SEBottleneck):
    """SE-Identity of Fig. 5: on the shortcut, y = F(x) + SE(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x) + self.se(self.downsample(x)))


PLACES = {"standard": SEBottleneck, "pre": SEPreBottleneck, "post": SEPostBottleneck, "identity": SEIdentityBottleneck}


class SENetKnobs(Knobs):
    """What turns an SE-ResNet or SE-ResNeXt into another one."""

    depth: Literal[18, 34, 50, 101, 152] = Field(
        50, title="Depth", description="A column of ResNet's Table 1: which block, and how many in each stage.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 50)][1], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the stem and of conv2_x; each later stage doubles them.")
    stride_in_1x1: bool = Field(
        False, title="Stride in the 1x1",
        description="The paper strides in the first 1x1 convolution, timm in the 3x3. Bottleneck blocks only.")
    reduction: Literal[2, 4, 8, 16, 32] = Field(
        16, title="Reduction r", description="An SE block squeezes its channels to 1/r of them, but no fewer than 8.")
    place: Literal["standard", "pre", "post", "identity"] = Field(
        "standard", title="Place of the SE block",
        description="Fig. 5: on the residual branch, before the block, after its addition, or on the shortcut.")
    cardinality: int = Field(1, ge=1, le=128, title="Cardinality C",
                             description="Groups of every 3x3 convolution; 32 makes an SE-ResNeXt.")
    base_width: int = Field(64, ge=1, le=256, title="Width per group d",
                            description="Channels of one group of the 3x3 where the stage has 64.")
    head: Head = head_knob()

    @model_validator(mode="after")
    def fits_together(self):
        if TABLE_1[self.depth][0] is BasicBlock:
            defaults = {"place": "standard", "cardinality": 1, "base_width": 64, "stride_in_1x1": False}
            for name, default in defaults.items():
                if getattr(self, name) != default:
                    raise Impossible(
                        f"{name} acts on bottleneck blocks, but depth {self.depth} is made of basic blocks; "
                        f"depths 50, 101 and 152 have bottlenecks.", {"depth": (50,), name: (default,)})
        require_whole_width(self.width, self.base_width)
        return self


def build(knobs: SENetKnobs) -> ResNet:
    if TABLE_1[knobs.depth][0] is BasicBlock:
        block = partial(SEBasicBlock, reduction=knobs.reduction)
    else:
        block = partial(PLACES[knobs.place], reduction=knobs.reduction, groups=knobs.cardinality,
                        base_width=knobs.base_width, stride_in_1x1=knobs.stride_in_1x1)
    return ResNet(block, knobs.depths, knobs.width, knobs.num_classes, knobs.head)


RESNEXT = {"cardinality": 32, "base_width": 4}
V1 = {"stride_in_1x1": True}
TABLE = "Hu et al. 2017, Table 2"
GIGA = 10**9
POOLED = ("{} in convolutions and linear layers alone; the paper seems to count the pooling and the scaling of the SE blocks "
          "too, which makes {}")

ARCHITECTURE = Architecture(
    id="senet",
    name="SENet",
    summary="Every channel is scaled by a number that the whole map decides: squeeze, then excite.",
    paper=Paper("Squeeze-and-Excitation Networks", "J. Hu, L. Shen, S. Albanie, G. Sun, E. Wu", 2017, "1709.01507"),
    knobs=SENetKnobs,
    presets={
        "seresnet50": Preset({}, "ResNet-50 with an SE block on every residual branch, r = 16."),
        "seresnet18": Preset({"depth": 18}, "ResNet-18 with SE blocks; timm's, not in the paper's Table 2."),
        "seresnet34": Preset({"depth": 34}, "ResNet-34 with SE blocks; timm's, not in the paper's Table 2."),
        "seresnet101": Preset({"depth": 101}, "ResNet-101 with an SE block on every residual branch."),
        "seresnet152": Preset({"depth": 152}, "ResNet-152 with an SE block on every residual branch."),
        "seresnext50_32x4d": Preset(RESNEXT, "ResNeXt-50 32x4d with an SE block on every residual branch.",
                                    also=("SE-ResNeXt-50",)),
        "seresnext101_32x4d": Preset({"depth": 101} | RESNEXT, "ResNeXt-101 32x4d with an SE block on every residual branch.",
                                     also=("SE-ResNeXt-101",)),
        "seresnet50_pre": Preset({"place": "pre"}, "SE-PRE: the SE block before the residual unit (Fig. 5)."),
        "seresnet50_post": Preset({"place": "post"}, "SE-POST: the SE block after the addition (Fig. 5)."),
        "seresnet50_identity": Preset({"place": "identity"}, "SE-Identity: the SE block on the shortcut (Fig. 5)."),
    },
    also=("squeeze and excitation",),
    build=build,
    stages=stages,
    claims=(
        Claim("seresnet50", "macs", 387 * GIGA // 100, TABLE, GIGA // 200, knobs=V1, differs=POOLED.format("3.860", "3.87")),
        Claim("seresnet101", "macs", 760 * GIGA // 100, TABLE, GIGA // 200, knobs=V1, differs=POOLED.format("7.575", "7.59")),
        Claim("seresnet152", "macs", 1132 * GIGA // 100, TABLE, GIGA // 200, knobs=V1, differs=POOLED.format("11.289", "11.32")),
        Claim("seresnext50_32x4d", "macs", 425 * GIGA // 100, TABLE, GIGA // 200, differs=POOLED.format("4.233", "4.24")),
        Claim("seresnext101_32x4d", "macs", 800 * GIGA // 100, TABLE, GIGA // 200, differs=POOLED.format("7.975", "7.99")),
        *by_timm(seresnet50=2809, seresnext50_32x4d=2756, seresnext101_32x4d=4896),
    ),
    results=(
        Result("seresnet50", 23.29, 6.62, TABLE, knobs=V1),
        Result("seresnet101", 22.38, 6.07, TABLE, knobs=V1),
        Result("seresnet152", 21.57, 5.73, TABLE, knobs=V1),
        Result("seresnext50_32x4d", 21.10, 5.49, TABLE),
        Result("seresnext101_32x4d", 20.70, 5.01, TABLE),
    ),
    changes=(
        Change("resnet50", "seresnet50", "channels gated by squeeze and excitation"),
        Change("resnext50_32x4d", "seresnext50_32x4d", "channels gated by squeeze and excitation"),
    ),
)
