"""MobileNet. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861.

Table 1 (the body), Fig. 3 (a depthwise separable convolution beside a full one), Tables 4 and 5 (what happens with full
convolutions and without the five repeated layers). Module names are timm's.
"""

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import DISTILL, Architecture, Change, Claim, Knobs, Paper, Preset, Result, Stage, by_timm
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize
from lib.models.stems import OutputStride, output_stride_knob, strides


class DepthwiseSeparable(nn.Module):
    """Fig. 3, right: a 3x3 convolution for each channel by itself, then a 1x1 that mixes the channels.

    Input (N, in_channels, H, W), output (N, channels, H / stride, W / stride). timm clamps at 6 (ReLU6), and so do we.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.conv_dw = nn.Conv2d(in_channels, in_channels, 3, stride, padding=dilation, dilation=dilation,
                                 groups=in_channels, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv_pw = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv_dw(x)))
        return self.relu(self.bn2(self.conv_pw(x)))


class FullConvolution(nn.Module):
    """Fig. 3, left: the 3x3 convolution that a depthwise separable one stands for. Shapes as there."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn1(self.conv(x)))


def table_1(repeats: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """(channels, stride) of the layers after the stem, one tuple for each map size: 112, 56, 28, 14 and 7 at 224."""
    return (((64, 1),), ((128, 2), (128, 1)), ((256, 2), (256, 1)), ((512, 2), *[(512, 1)] * repeats),
            ((1024, 2), (1024, 1)))


class MobileNet(nn.Module):
    """Table 1: a 3x3 stem of 32 channels, 13 layers, global average pooling, one linear layer.

    `width` is the width multiplier alpha in percent. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, layer=DepthwiseSeparable, width: int = 100, repeats: int = 5, num_classes: int = 1000,
                 head: Head = "average", in_channels: int = 3, output_stride: int = 32):
        super().__init__()
        given, table = 32 * width // 100, table_1(repeats)
        self.conv_stem = nn.Conv2d(in_channels, given, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(given)
        self.relu = nn.ReLU6(inplace=True)
        steps = iter(strides([stride for layers in table for _, stride in layers], 2, output_stride))
        self.blocks = nn.Sequential()
        for layers in table:
            stage = nn.Sequential()
            for (channels, _), (stride, dilation, _) in zip(layers, steps):
                stage.append(layer(given, channels * width // 100, stride, dilation))
                given = channels * width // 100
            self.blocks.append(stage)
        self.global_pool, self.classifier = pooling_and_linear(head, given, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.relu(self.bn1(self.conv_stem(x))))
        return self.classifier(self.global_pool(x).flatten(1))


class MobileNetKnobs(Knobs):
    """What turns a MobileNet into another one."""

    width: int = Field(100, ge=25, le=200, multiple_of=25, title="Width multiplier α, %",
                       description="Every layer's channels, in percent of Table 1.")
    repeats: int = Field(5, ge=0, le=12, title="Repeated layers",
                         description="Layers of 512 channels at stride 16 after the first: 5 in the paper, 0 in its "
                                     "shallow network.")
    separable: bool = Field(True, title="Depthwise separable", description="Off: full 3x3 convolutions, as in Table 4.")
    output_stride: OutputStride = output_stride_knob()
    head: Head = head_knob()


def build(knobs: MobileNetKnobs) -> MobileNet:
    return MobileNet(DepthwiseSeparable if knobs.separable else FullConvolution, knobs.width, knobs.repeats,
                     knobs.num_classes, knobs.head, knobs.in_channels, knobs.output_stride)


def stages(knobs: MobileNetKnobs) -> tuple[Stage, ...]:
    """The rows of Table 1, gathered by the size of their maps."""
    return (
        Stage("stem", {"conv_stem": "", "bn1": "", "relu": ""}),
        *(Stage(f"stride {2 ** (index + 1)}", {f"blocks.{index}": ""}) for index in range(5)),
        Stage("head", {"global_pool": "", "classifier": ""}),
    )


MEGA = 10**6
TABLES = "Howard et al. 2017, Tables 4 to 9"


def alpha(width: int) -> Preset:
    return Preset({"width": width}, f"Width multiplier {width / 100:g}.")


ARCHITECTURE = Architecture(
    id="mobilenet",
    name="MobileNet",
    summary="A convolution in two steps: each channel by itself, then all channels in every place.",
    paper=Paper("MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
                "A. G. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand, M. Andreetto, H. Adam",
                2017, "1704.04861"),
    knobs=MobileNetKnobs,
    presets={
        "mobilenetv1_100": Preset({}, "The paper's network of Table 1, width multiplier 1.", also=("MobileNet v1",)),
        "mobilenetv1_075": alpha(75),
        "mobilenetv1_050": alpha(50),
        "mobilenetv1_025": alpha(25),
        "mobilenetv1_125": Preset({"width": 125}, "Width multiplier 1.25; timm's, not in the paper."),
        "mobilenetv1_full": Preset({"separable": False}, "Full 3x3 convolutions instead (Table 4)."),
        "mobilenetv1_shallow": Preset({"repeats": 0}, "Without the five repeated layers of 512 channels (Table 5)."),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("mobilenetv1_100", "params", 42 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_100", "macs", 569 * MEGA, TABLES, MEGA // 2),
        Claim("mobilenetv1_100", "weight_layers", 28, "Howard et al. 2017, section 3.2"),
        Claim("mobilenetv1_100", "receptive_field", 315, DISTILL),
        Claim("mobilenetv1_075", "receptive_field", 315, DISTILL),
        Claim("mobilenetv1_100", "macs", 418 * MEGA, TABLES, MEGA // 2, knobs={"input_size": 192}),
        Claim("mobilenetv1_100", "macs", 290 * MEGA, TABLES, MEGA // 2, knobs={"input_size": 160},
              differs="290.7 rounds to 291; the table prints 290"),
        Claim("mobilenetv1_100", "macs", 186 * MEGA, TABLES, MEGA // 2, knobs={"input_size": 128}),
        Claim("mobilenetv1_075", "params", 26 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_075", "macs", 325 * MEGA, TABLES, MEGA // 2),
        Claim("mobilenetv1_050", "params", 132 * MEGA // 100, TABLES, MEGA // 200,
              differs="1.33 with the scales and shifts of BN; without them it is 1.32"),
        Claim("mobilenetv1_050", "macs", 76 * MEGA, TABLES, MEGA // 2, knobs={"input_size": 160},
              differs="76.5 rounds to 77; the table prints 76"),
        Claim("mobilenetv1_050", "params", 13 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_050", "macs", 149 * MEGA, TABLES, MEGA // 2),
        Claim("mobilenetv1_025", "params", 5 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_025", "macs", 41 * MEGA, TABLES, MEGA // 2),
        *by_timm(mobilenetv1_125=627),
        Claim("mobilenetv1_full", "params", 293 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_full", "macs", 4866 * MEGA, TABLES, MEGA // 2,
              differs="4867.3 with the linear layer, 4866.3 without it"),
        Claim("mobilenetv1_shallow", "params", 29 * MEGA // 10, TABLES, MEGA // 20),
        Claim("mobilenetv1_shallow", "macs", 307 * MEGA, TABLES, MEGA // 2),
    ),
    results=(
        Result("mobilenetv1_100", 29.4, None, TABLES),
        Result("mobilenetv1_075", 31.6, None, TABLES),
        Result("mobilenetv1_full", 28.3, None, TABLES),
        Result("mobilenetv1_shallow", 34.7, None, TABLES),
    ),
    changes=(
        Change("vgg16_bn", "mobilenetv1_full", "strided 3x3, one linear layer, fewer channels"),
        Change("mobilenetv1_full", "mobilenetv1_100", "each 3x3 split into depthwise and 1x1"),
    ),
)
