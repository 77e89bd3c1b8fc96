"""ResNet v2. He, Zhang, Ren, Sun, "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027.

Fig. 4 and Table 2: five orderings of convolution, normalisation, activation and addition in a residual unit; the
appendix: how a network of pre-activation units begins and ends.
"""

from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import DISTILL, INSIDE, Architecture, Change, Claim, Paper, Preset, Stage, by_timm
from lib.models.heads import Head
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import CIFAR, FourStageKnobs, FourStages, ZeroPadding, initialize, projection
from lib.models.stems import STEMS, Stem, strides


class ResidualUnit(nn.Module):
    """What the five orderings share: two 3x3 convolutions, or 1x1, 3x3 and 1x1; as many normalisations; a shortcut.

    Orderings differ in `forward`, and in what is normalised: the convolutions' outputs, or their inputs. `first` marks
    the unit after the stem, where a pre-activation comes before the two ways part. `zeros` pads shortcuts with them.
    `dilations` are those of the 3x3 convolutions.
    Input (N, in_channels, H, W), output (N, out_channels, H / stride, W / stride).
    """

    norms_inputs = False

    def __init__(self, in_channels: int, channels: int, stride: int = 1, bottleneck: bool = True, zeros: bool = False,
                 first: bool = False, dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        self.first = first
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        self.out_channels = 4 * channels if bottleneck else channels
        widths = [in_channels, *[channels] * (len(kernels) - 1), self.out_channels]
        strides = (1, stride, 1) if bottleneck else (stride, 1)
        dilations = (1, dilations[0], 1) if bottleneck else dilations
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, kernel, stride, padding=kernel // 2 * dilation, dilation=dilation, bias=False)
            for before, after, kernel, stride, dilation in zip(widths, widths[1:], kernels, strides, dilations))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in (widths[:-1] if self.norms_inputs else widths[1:]))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = self.shortcut(in_channels, stride, zeros)

    def shortcut(self, in_channels: int, stride: int, zeros: bool) -> nn.Module:
        """The identity; where the shape changes, zeros for new channels, or a 1x1 convolution."""
        if stride == 1 and in_channels == self.out_channels:
            return nn.Identity()
        if zeros:
            return ZeroPadding(in_channels, self.out_channels, stride)
        if self.norms_inputs:
            return nn.Conv2d(in_channels, self.out_channels, 1, stride, bias=False)
        return projection(in_channels, self.out_channels, stride)


class Original(ResidualUnit):
    """Fig. 4 (a): activation after the addition, y = relu(F(x) + x). The unit of 2015."""

    def forward(self, x: Tensor) -> Tensor:
        f = x
        for conv, norm in zip(self.convs[:-1], self.norms):
            f = self.relu(norm(conv(f)))
        f = self.norms[-1](self.convs[-1](f))
        return self.relu(f + self.downsample(x))


class BNAfterAddition(ResidualUnit):
    """Fig. 4 (b): the last normalisation after the addition, y = relu(BN(F(x) + x))."""

    def forward(self, x: Tensor) -> Tensor:
        f = x
        for conv, norm in zip(self.convs[:-1], self.norms):
            f = self.relu(norm(conv(f)))
        f = self.convs[-1](f)
        return self.relu(self.norms[-1](f + self.downsample(x)))


class ReLUBeforeAddition(ResidualUnit):
    """Fig. 4 (c): the last ReLU before the addition, y = relu(F(x)) + x: what is added is never negative."""

    def forward(self, x: Tensor) -> Tensor:
        f = x
        for conv, norm in zip(self.convs, self.norms):
            f = self.relu(norm(conv(f)))
        return f + self.downsample(x)


class ReLUOnlyPreactivation(ResidualUnit):
    """Fig. 4 (d): each ReLU before its convolution, each normalisation after it, y = F(relu(x)) + x."""

    def forward(self, x: Tensor) -> Tensor:
        f = x.relu()
        shortcut = self.downsample(f if self.first else x)
        for conv, norm in zip(self.convs[:-1], self.norms):
            f = self.relu(norm(conv(f)))
        return self.norms[-1](self.convs[-1](f)) + shortcut


class FullPreactivation(ResidualUnit):
    """Fig. 4 (e): normalisation and ReLU before each convolution, y = F(relu(BN(x))) + x.

    A shortcut that is a convolution reads the activated x too.
    """

    norms_inputs = True

    def forward(self, x: Tensor) -> Tensor:
        f = self.relu(self.norms[0](x))
        shortcut = self.downsample(f if self.first or isinstance(self.downsample, nn.Conv2d) else x)
        for conv, norm in zip(self.convs, self.norms[1:]):
            f = self.relu(norm(conv(f)))
        return self.convs[-1](f) + shortcut


UNITS = {"original": Original, "bn_after_addition": BNAfterAddition, "relu_before_addition": ReLUBeforeAddition,
         "relu_only": ReLUOnlyPreactivation, "full": FullPreactivation}

Ordering = Literal["original", "bn_after_addition", "relu_before_addition", "relu_only", "full"]


def ordering_knob() -> Ordering:
    """The knob of both families: `ordering: Ordering = ordering_knob()`."""
    return Field("full", title="Ordering", description=(
        "Fig. 4: (a) original, (b) BN after the addition, (c) ReLU before the addition, (d) ReLU-only pre-activation, "
        "(e) full pre-activation."))


def opening(ordering: Ordering, width: int) -> nn.Sequential:
    """What follows the first convolution: BN and ReLU, unless the first unit brings its own."""
    layers = {"full": (), "relu_only": (nn.BatchNorm2d,)}.get(ordering, (nn.BatchNorm2d, nn.ReLU))
    return nn.Sequential(*(layer(width) if layer is nn.BatchNorm2d else layer(inplace=True) for layer in layers))


def closing(ordering: Ordering, channels: int) -> nn.Sequential:
    """What follows the last addition: the activation that pre-activation units leave out (the appendix)."""
    layers = {"full": (nn.BatchNorm2d, nn.ReLU), "relu_only": (nn.ReLU,)}.get(ordering, ())
    return nn.Sequential(*(layer(channels) if layer is nn.BatchNorm2d else layer(inplace=True) for layer in layers))


def stage(unit, depth: int, in_channels: int, channels: int, stride: int, begun: int = 1, dilation: int = 1,
          first: bool = False) -> nn.Sequential:
    """`depth` units; only the first changes the resolution, or goes from the dilation `begun` with to `dilation`. `first`
    marks the network's first stage."""
    units = [unit(in_channels, channels, stride, first=first, dilations=(begun, dilation))]
    units += [unit(units[0].out_channels, channels, dilations=(dilation, dilation)) for _ in range(depth - 1)]
    return nn.Sequential(*units)


class ResNetV2(nn.Module):
    """ResNet's frame around units of any ordering: 7x7 stem, four stages, pooling, linear layer.

    `activates_first`: the first unit's activation comes before its two ways part, as the appendix has it; timm's two
    smaller networks let the shortcut pass it by. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, ordering: Ordering, depths: tuple[int, int, int, int], bottleneck: bool = True, width: int = 64,
                 num_classes: int = 1000, head: Head = "average", activates_first: bool = True,
                 stem: Stem = STEMS["imagenet"], in_channels: int = 3, output_stride: int = 32):
        super().__init__()
        unit = partial(UNITS[ordering], bottleneck=bottleneck)
        second, third, fourth = strides((2, 2, 2), stem.stride, output_stride)
        self.conv1 = stem.convolution(width, in_channels)
        self.opening = opening(ordering, width)
        self.maxpool = stem.pooling()
        self.layer1 = stage(unit, depths[0], width, width, stride=1, first=activates_first)
        self.layer2 = stage(unit, depths[1], self.layer1[-1].out_channels, 2 * width, *second)
        self.layer3 = stage(unit, depths[2], self.layer2[-1].out_channels, 4 * width, *third)
        self.layer4 = stage(unit, depths[3], self.layer3[-1].out_channels, 8 * width, *fourth)
        self.closing = closing(ordering, self.layer4[-1].out_channels)
        self.avgpool, self.fc = pooling_and_linear(head, self.layer4[-1].out_channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.opening(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(self.closing(x)).flatten(1))


DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3),
          200: (3, 24, 36, 3)}
"""ResNet's Table 1, and ResNet-200: ResNet-152 with 16 more units in conv3_x."""


class ResNetV2Knobs(FourStageKnobs):
    """What turns a ResNet v2 into another one."""

    depth: Literal[18, 34, 50, 101, 152, 200] = Field(
        152, title="Depth", description="Weight layers. 18 and 34 have units of two 3x3, the others bottlenecks.")
    depths: FourStages = Field(
        default_factory=lambda chosen: DEPTHS[chosen.get("depth", 152)], title="Units per stage",
        description="Residual units in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the stem and of conv2_x; each later stage doubles them.")
    ordering: Ordering = ordering_knob()
    activates_first: bool = Field(
        True, title="Activate before the first split",
        description="The appendix: in the first unit the shortcut reads the activated map too. Pre-activation units only.",
        json_schema_extra=INSIDE)


def build(knobs: ResNetV2Knobs) -> ResNetV2:
    return ResNetV2(knobs.ordering, knobs.depths, knobs.depth >= 50, knobs.width, knobs.num_classes, knobs.head,
                    knobs.activates_first, STEMS[knobs.stem], knobs.in_channels, knobs.output_stride)


def stages(knobs: ResNetV2Knobs) -> tuple[Stage, ...]:
    """The rows of ResNet's Table 1. The closing activation belongs to the head."""
    return (
        Stage("conv1", {"conv1": "", "opening": ""}),
        Stage("conv2_x", {"maxpool": "", "layer1": ""}),
        Stage("conv3_x", {"layer2": ""}), Stage("conv4_x", {"layer3": ""}), Stage("conv5_x", {"layer4": ""}),
        Stage("head", {"closing.0": "closing " + ("bn" if knobs.ordering == "full" else "relu"), "closing.1": "closing relu",
                       "avgpool": "", "fc": ""}),
    )


PAPER = Paper("Identity Mappings in Deep Residual Networks", "K. He, X. Zhang, S. Ren, J. Sun", 2016, "1603.05027")


def preset(depth: int, **more) -> Preset:
    kind = "bottleneck units" if depth >= 50 else "units of two 3x3; timm's, the shortcut passes the first activation by"
    return Preset({"depth": depth} | more, f"{depth} weight layers, full pre-activation, {kind}.",
                  also=(f"ResNet-{depth} v2", f"PreResNet-{depth}"))


ARCHITECTURE = Architecture(
    id="resnet_v2",
    name="ResNet v2",
    summary="Normalise and activate before the convolution, so that the shortcut is the identity all the way.",
    paper=PAPER,
    knobs=ResNetV2Knobs,
    presets={
        "resnetv2_152": preset(152),
        "resnetv2_18": preset(18, activates_first=False),
        "resnetv2_34": preset(34, activates_first=False),
        "resnetv2_18_cifar": Preset({"depth": 18, "activates_first": False} | CIFAR,
                                    "PreAct-ResNet-18 for small images: a 3x3 stem, no pooling, ten classes.",
                                    also=("PreAct-ResNet-18",)),
        "resnetv2_50": preset(50),
        "resnetv2_101": preset(101),
        "resnetv2_200": preset(200),
        "resnetv2_50_a": Preset({"depth": 50, "ordering": "original"}, "Ordering (a): ResNet-50 as in 2015, strided in the 3x3."),
        "resnetv2_50_b": Preset({"depth": 50, "ordering": "bn_after_addition"}, "Ordering (b): BN after the addition."),
        "resnetv2_50_c": Preset({"depth": 50, "ordering": "relu_before_addition"}, "Ordering (c): ReLU before the addition."),
        "resnetv2_50_d": Preset({"depth": 50, "ordering": "relu_only"}, "Ordering (d): ReLU-only pre-activation."),
    },
    also=("PreResNet", "PreAct ResNet", "pre-activation ResNet"),
    build=build,
    stages=stages,
    claims=(
        Claim("resnetv2_152", "weight_layers", 152, "He et al. 2016, Table 5"),
        Claim("resnetv2_200", "weight_layers", 200, "He et al. 2016, Table 5"),
        Claim("resnetv2_200", "params", 647 * 10**5, "Zagoruyko, Komodakis, wide-residual-networks, README", 5 * 10**4),
        *by_timm(resnetv2_18=1169, resnetv2_34=2180, resnetv2_50=2555, resnetv2_101=4454),
        Claim("resnetv2_50", "receptive_field", 483, DISTILL,
              differs="427 with the stride in the first unit of a stage; the table's network strides in the last unit"),
    ),
    changes=(Change("resnet152", "resnetv2_152", "BN and ReLU before each convolution"),),
)
