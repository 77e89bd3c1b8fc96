"""SENet. Hu, Shen, Albanie, Sun, Wu, "Squeeze-and-Excitation Networks", 2017, arXiv:1709.01507.

Fig. 1 and 3 (the SE block in a residual block), Fig. 5 (where it can stand), section 6.4 (in which stages), the
appendix (SENet-154). Module names are timm's.
"""

from functools import partial
from itertools import combinations
from typing import Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import INSIDE, Architecture, Change, Claim, Impossible, Paper, Preset, Result, Stage, by_timm
from lib.models import resnet, resnet_tweaks
from lib.models.resnet import (
    TABLE_1, BasicBlock, Bottleneck, FourStageKnobs, FourStages, ResNet, framed, identity_or_projection,
    require_bottlenecks, require_whole_width)


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


class SENet154Bottleneck(SEBottleneck):
    """The bottleneck of SENet-154, with half the channels between its first 1x1 and its 3x3."""

    def __init__(self, in_channels: int, *args, **kwargs):
        super().__init__(in_channels, *args, **kwargs)
        wide, half = self.conv2, self.conv1.out_channels // 2
        self.conv1 = nn.Conv2d(in_channels, half, 1, self.conv1.stride, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, wide.out_channels, 3, wide.stride, wide.padding, wide.dilation, wide.groups, bias=False)


def projection_3x3(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """SENet-154's shortcut: a 3x3 convolution where it strides, so that it reads every cell."""
    if stride == 1:
        return identity_or_projection(in_channels, out_channels, stride)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False), nn.BatchNorm2d(out_channels))


PLACES = {"standard": SEBottleneck, "pre": SEPreBottleneck, "post": SEPostBottleneck, "identity": SEIdentityBottleneck}


STAGES = ("conv2_x", "conv3_x", "conv4_x", "conv5_x")
CHOSEN = {",".join(stage[4] for stage in chosen) or "none": chosen
          for count in range(4, -1, -1) for chosen in combinations(STAGES, count)}
"""The stages that have SE blocks, by their numbers: `2,3,4,5` has them everywhere, `none` nowhere."""


class SENetKnobs(FourStageKnobs):
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
        description="The paper strides in the first 1x1 convolution, timm in the 3x3. Bottleneck blocks only.",
        json_schema_extra=INSIDE)
    reduction: Literal[2, 4, 8, 16, 32] = Field(
        16, title="Reduction r", description="An SE block squeezes its channels to 1/r of them, but no fewer than 8.",
        json_schema_extra=INSIDE)
    place: Literal["standard", "pre", "post", "identity"] = Field(
        "standard", title="Place of the SE block",
        description="Fig. 5: on the residual branch, before the block, after its addition, or on the shortcut.",
        json_schema_extra=INSIDE)
    cardinality: int = Field(1, ge=1, le=128, title="Cardinality C",
                             description="Groups of every 3x3 convolution; 32 makes an SE-ResNeXt.")
    base_width: int = Field(64, ge=1, le=256, title="Width per group d",
                            description="Channels of one group of the 3x3 where the stage has 64.")
    se_stages: Literal[*CHOSEN] = Field(
        "2,3,4,5", title="Stages with SE blocks", json_schema_extra=INSIDE,
        description="Section 6.4: all, or only some of conv2_x to conv5_x. A stage without them has ResNet's blocks.")
    revised: bool = Field(
        False, title="Revisions of SENet-154", json_schema_extra=INSIDE, description=(
            "Three 3x3 for the 7x7, half the channels in the first 1x1 of a block, a 3x3 where a shortcut strides, and "
            "dropout before the linear layer. Bottleneck blocks only."))

    @model_validator(mode="after")
    def fits_together(self):
        require_bottlenecks(self, place="standard", cardinality=1, base_width=64, stride_in_1x1=False, revised=False)
        require_whole_width(self.width, self.base_width)
        if self.revised:
            require_senet154(self)
        return self


def require_senet154(knobs: SENetKnobs) -> None:
    """Refuse the revisions of SENet-154 where they are not defined."""
    for name, value in {"stem": "imagenet", "place": "standard", "se_stages": "2,3,4,5"}.items():
        if getattr(knobs, name) != value:
            raise Impossible(f"SENet-154 has {name} = {value}; its revisions are not defined for another.",
                             {name: (value,), "revised": (False,)})
    channels = knobs.width * knobs.base_width // 64
    if channels % 2:
        raise Impossible(f"layer1.0.conv1 would give half of {channels} channels per group, which is not a whole number.",
                         {"revised": (False,)})


def build(knobs: SENetKnobs) -> ResNet:
    plain, _ = TABLE_1[knobs.depth]
    gated = SEBasicBlock if plain is BasicBlock else SENet154Bottleneck if knobs.revised else PLACES[knobs.place]
    options = {"shortcut": projection_3x3 if knobs.revised else identity_or_projection}
    if plain is Bottleneck:
        options |= {"groups": knobs.cardinality, "base_width": knobs.base_width, "stride_in_1x1": knobs.stride_in_1x1}
    gated, plain = partial(gated, reduction=knobs.reduction, **options), partial(plain, **options)
    blocks = [gated if stage in CHOSEN[knobs.se_stages] else plain for stage in STAGES]
    if not knobs.revised:
        return framed(blocks, knobs)
    model = framed(blocks, knobs, resnet_tweaks.DEEP, stem_width=2 * knobs.width)
    model.avgpool = nn.Sequential(model.avgpool, nn.Dropout(0.2))
    return model


def stages(knobs: SENetKnobs) -> tuple[Stage, ...]:
    """The rows of ResNet's Table 1; SENet-154 has the deep stem."""
    first, *others = resnet.stages(knobs)
    return resnet_tweaks.DEEP_STEM if knobs.revised else first, *others


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
        "senet154": Preset({"depth": 152, "cardinality": 64, "base_width": 4, "revised": True},
                           "SENet-154: SE-ResNeXt-152 64x4d with a deep stem, 3x3 shortcuts, and half as many channels in "
                           "each first 1x1; the authors' best."),
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
        *by_timm(seresnet50=2809, seresnext50_32x4d=2756, seresnext101_32x4d=4896, senet154=11509),
    ),
    results=(
        Result("seresnet50", 23.29, 6.62, TABLE, knobs=V1),
        Result("seresnet101", 22.38, 6.07, TABLE, knobs=V1),
        Result("seresnet152", 21.57, 5.73, TABLE, knobs=V1),
        Result("seresnext50_32x4d", 21.10, 5.49, TABLE),
        Result("seresnext101_32x4d", 20.70, 5.01, TABLE),
        Result("senet154", 18.68, 4.47, "Hu et al., SENet, official repository, README, Table 1"),
    ),
    changes=(
        Change("resnet50", "seresnet50", "channels gated by squeeze and excitation"),
        Change("resnext50_32x4d", "seresnext50_32x4d", "channels gated by squeeze and excitation"),
        Change("seresnet152", "senet154", "64 groups, a deep stem, 3x3 shortcuts, narrower first 1x1"),
    ),
)
