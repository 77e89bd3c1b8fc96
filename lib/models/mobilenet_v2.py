"""MobileNetV2. Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
arXiv:1801.04381.

Table 1 (the bottleneck residual block), Table 2 (the network), Fig. 6 (the ablations). Module names are torchvision's.
"""

from functools import partial

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import INSIDE, Architecture, Change, Claim, Knobs, Paper, Preset, Result, Stage, by_torchvision
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize
from lib.models.stems import OutputStride, output_stride_knob, strides


def convolution(in_channels: int, channels: int, kernel: int, stride: int = 1, groups: int = 1,
                dilation: int = 1) -> nn.Sequential:
    """A convolution, its normalisation, and ReLU6."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False),
        nn.BatchNorm2d(channels), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """Table 1: a 1x1 widens t times, a depthwise 3x3 works there, a 1x1 narrows without activation; a shortcut
    between the narrow ends.

    `expansion` is t; `linear` leaves the activation after the last 1x1 out. Input (N, in_channels, H, W), output
    (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int, expansion: int = 6, residual: bool = True,
                 linear: bool = True, dilation: int = 1):
        super().__init__()
        wide = in_channels * expansion
        widen = [convolution(in_channels, wide, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen, convolution(wide, wide, 3, stride, groups=wide, dilation=dilation),
            nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels),
            *([] if linear else [nn.ReLU6(inplace=True)]))
        self.residual = residual and stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


TABLE_2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""(t, c, n, s): expansion, channels, number of blocks, stride of the first. The first row always has t = 1."""


def eights(channels: int, width: int) -> int:
    """`width` percent of the channels as a multiple of 8, never under nine tenths of what was asked for."""
    scaled = channels * width / 100
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


class MobileNetV2(nn.Module):
    """Table 2: a 3x3 stem, seven rows of inverted residuals, a 1x1 to 1280 channels, pooling, linear layer.

    `block(in_channels, channels, stride, expansion, dilation=...)` builds a block, `expansion` is t of all rows but the
    first, `width` the multiplier in percent. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, block=InvertedResidual, width: int = 100, expansion: int = 6, num_classes: int = 1000,
                 head: Head = "average", in_channels: int = 3, output_stride: int = 32):
        super().__init__()
        given = eights(32, width)
        layers = [convolution(in_channels, given, 3, stride=2)]
        rows = [(t, eights(channels, width), stride if index == 0 else 1)
                for t, channels, blocks, stride in TABLE_2 for index in range(blocks)]
        steps = strides([stride for _, _, stride in rows], 2, output_stride)
        for (t, channels, _), (stride, dilation, _) in zip(rows, steps):
            layers.append(block(given, channels, stride, expansion if t > 1 else 1, dilation=dilation))
            given = channels
        last = eights(1280, max(100, width))
        self.features = nn.Sequential(*layers, convolution(given, last, 1))
        self.avgpool, linear = pooling_and_linear(head, last, num_classes)
        self.classifier = nn.Sequential(nn.Dropout(0.2), linear)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class MobileNetV2Knobs(Knobs):
    """What turns a MobileNetV2 into another one."""

    width: int = Field(100, ge=25, le=200, multiple_of=5, title="Width multiplier, %",
                       description="Every layer's channels, in percent of Table 2, rounded to multiples of 8; the last "
                                   "1x1 keeps at least 1280.")
    expansion: int = Field(6, ge=1, le=10, title="Expansion factor t",
                           description="How many times wider a block is inside; the first block has 1.")
    residual: bool = Field(True, title="Shortcuts", description="Off: the blocks of Fig. 6 (b) without shortcut.")
    linear: bool = Field(True, title="Linear bottlenecks",
                         description="Off: ReLU6 also after the last 1x1 of a block, as in Fig. 6 (a).",
                         json_schema_extra=INSIDE)
    output_stride: OutputStride = output_stride_knob()
    head: Head = head_knob()


def build(knobs: MobileNetV2Knobs) -> MobileNetV2:
    block = partial(InvertedResidual, residual=knobs.residual, linear=knobs.linear)
    return MobileNetV2(block, knobs.width, knobs.expansion, knobs.num_classes, knobs.head, knobs.in_channels,
                       knobs.output_stride)


def stages(knobs: MobileNetV2Knobs) -> tuple[Stage, ...]:
    """The rows of Table 2."""
    rows, first = [], 1
    for number, (_, channels, blocks, _) in enumerate(TABLE_2, 1):
        modules = tuple(f"features.{index}" for index in range(first, first + blocks))
        rows.append(Stage(f"bottleneck {number}", blocks=modules))
        first += blocks
    return (
        Stage("conv2d 3x3", {"features.0.0": "conv", "features.0.1": "bn", "features.0.2": "relu6"}), *rows,
        Stage("conv2d 1x1", {"features.18.0": "conv", "features.18.1": "bn", "features.18.2": "relu6"}),
        Stage("head", {"avgpool": "", "classifier.0": "dropout", "classifier.1": "linear"}))


MEGA = 10**6
TABLE = "Sandler et al. 2018, Table 4"
RELEASE = "TensorFlow models, README of MobileNet V2"

ARCHITECTURE = Architecture(
    id="mobilenet_v2",
    name="MobileNetV2",
    summary="Wide inside, narrow between: shortcuts join the thin ends, and those stay linear.",
    paper=Paper("MobileNetV2: Inverted Residuals and Linear Bottlenecks",
                "M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen", 2018, "1801.04381"),
    knobs=MobileNetV2Knobs,
    presets={
        "mobilenet_v2": Preset({}, "The paper's network of Table 2, width multiplier 1; torchvision's.",
                               also=("mobilenetv2_100",)),
        "mobilenet_v2_140": Preset({"width": 140}, "Width multiplier 1.4, the paper's largest."),
        "mobilenet_v2_075": Preset({"width": 75}, "Width multiplier 0.75."),
        "mobilenet_v2_050": Preset({"width": 50}, "Width multiplier 0.5."),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("mobilenet_v2", "params", 34 * MEGA // 10, TABLE, MEGA // 20,
              differs="3.50 with the scales and shifts of BN; without them it is 3.47"),
        Claim("mobilenet_v2", "macs", 300 * MEGA, TABLE, MEGA // 2, differs="300.8 rounds to 301; the table prints 300"),
        Claim("mobilenet_v2_140", "params", 69 * MEGA // 10, TABLE, MEGA // 20,
              differs="6.11 for 1.4 times the channels in whole eights, as in torchvision and timm; the reason is not known"),
        Claim("mobilenet_v2_140", "macs", 585 * MEGA, TABLE, MEGA // 2, differs="582 for 1.4 times the channels in whole eights"),
        *by_torchvision("mobilenet_v2", 3_504_872, 301),
        *(claim for name, params, macs, ours in (("140", 606, 582, "6.11"), ("075", 261, 209, "2.64"), ("050", 195, 97, "1.97"))
          for claim in (
              Claim(f"mobilenet_v2_{name}", "macs", macs * MEGA, RELEASE, MEGA // 2),
              Claim(f"mobilenet_v2_{name}", "params", params * MEGA // 100, RELEASE, MEGA // 200,
                    differs=f"{ours} with the scales and shifts of BN; without them it is {params / 100}"))),
    ),
    results=(
        Result("mobilenet_v2", 28.0, None, TABLE),
        Result("mobilenet_v2_140", 25.3, None, TABLE),
        Result("mobilenet_v2", 28.122, 9.714, "torchvision, IMAGENET1K_V1", "torchvision 224"),
    ),
    changes=(Change("mobilenetv1_100", "mobilenet_v2", "inverted residuals with linear ends"),),
)
