"""Inception v3. Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision",
2015, arXiv:1512.00567.

Fig. 5 (two 3x3 for a 5x5), Fig. 6 (1x7 and 7x1 for a 7x7), Fig. 7 (the expanded filter bank), Fig. 10 (the reduction of
the grid), Table 1 (the network). Module names are torchvision's.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import (
    DISTILL, ENDS, Architecture, Change, Claim, ImageSize, Knobs, Paper, Preset, Result, Stage, by_timm, input_size_knob)
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear


class Convolution(nn.Module):
    """A convolution without bias, batch normalisation and ReLU. `kernel` and `padding` may be (height, width).

    Input (N, in_channels, H, W), output (N, channels, H', W').
    """

    def __init__(self, in_channels: int, channels: int, kernel, stride: int = 1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class InceptionA(nn.Module):
    """Fig. 5, on the 35x35 grid: 1x1; 1x1 and 5x5; 1x1 and two 3x3; pooling and 1x1.

    Input (N, in_channels, H, W), output (N, 224 + pool_channels, H, W).
    """

    def __init__(self, in_channels: int, pool_channels: int):
        super().__init__()
        self.out_channels = 224 + pool_channels
        self.branch1x1 = Convolution(in_channels, 64, 1)
        self.branch5x5_1 = Convolution(in_channels, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = Convolution(in_channels, pool_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3 = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), branch5x5, branch3x3, self.branch_pool(self.pool(x))], 1)


class InceptionB(nn.Module):
    """Fig. 10, from the 35x35 to the 17x17 grid: strided convolutions beside a strided pooling.

    Input (N, in_channels, H, W), output (N, 480 + in_channels, (H - 1) / 2, (W - 1) / 2).
    """

    def __init__(self, in_channels: int):
        super().__init__()
        self.out_channels = 480 + in_channels
        self.branch3x3 = Convolution(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), branch3x3, self.pool(x)], 1)


class InceptionC(nn.Module):
    """Fig. 6, on the 17x17 grid: n x n as 1 x n and n x 1 with n = 7, once and twice; `middle` channels inside.

    Input (N, in_channels, H, W), output (N, 768, H, W).
    """

    def __init__(self, in_channels: int, middle: int):
        super().__init__()
        self.out_channels = 768
        wide, high = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Convolution(in_channels, 192, 1)
        self.branch7x7_1 = Convolution(in_channels, middle, 1)
        self.branch7x7_2 = Convolution(middle, middle, **wide)
        self.branch7x7_3 = Convolution(middle, 192, **high)
        self.branch7x7dbl_1 = Convolution(in_channels, middle, 1)
        self.branch7x7dbl_2 = Convolution(middle, middle, **high)
        self.branch7x7dbl_3 = Convolution(middle, middle, **wide)
        self.branch7x7dbl_4 = Convolution(middle, middle, **high)
        self.branch7x7dbl_5 = Convolution(middle, 192, **wide)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = Convolution(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), branch7x7, double, self.branch_pool(self.pool(x))], 1)


class InceptionD(nn.Module):
    """The reduction from the 17x17 to the 8x8 grid. Input (N, in_channels, H, W), output (N, 512 + in_channels,
    (H - 1) / 2, (W - 1) / 2).
    """

    def __init__(self, in_channels: int):
        super().__init__()
        self.out_channels = 512 + in_channels
        self.branch3x3_1 = Convolution(in_channels, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(in_channels, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7 = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([branch3x3, self.branch7x7x3_4(branch7x7), self.pool(x)], 1)


class InceptionE(nn.Module):
    """Fig. 7, on the 8x8 grid: the expanded filter bank, 1x3 and 3x1 side by side instead of one after the other.

    Input (N, in_channels, H, W), output (N, 2048, H, W).
    """

    def __init__(self, in_channels: int):
        super().__init__()
        self.out_channels = 2048
        self.branch1x1 = Convolution(in_channels, 320, 1)
        self.branch3x3_1 = Convolution(in_channels, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Convolution(in_channels, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.branch_pool = Convolution(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return torch.cat([
            self.branch1x1(x), self.branch3x3_2a(single), self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double), self.branch_pool(self.pool(x))], 1)


class AuxiliaryClassifier(nn.Module):
    """Fig. 8, on top of the last 17x17 grid: a regulariser in training, dropped at inference.

    Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, in_channels: int, num_classes: int):
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv0 = Convolution(in_channels, 128, 1)
        self.conv1 = Convolution(128, 768, 5)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(self.pool(x)))
        return self.fc(self.global_pool(x).flatten(1))


class InceptionV3(nn.Module):
    """Table 1: a stem of 3x3 convolutions, 3 A, B, 4 C, D, 2 E, global average pooling, dropout, one linear layer.

    Input (N, in_channels, H, W), 299x299 in the paper; output (N, num_classes), with `auxiliary` also that of the
    classifier on the last 17x17 grid.
    """

    def __init__(self, num_classes: int = 1000, head: Head = "average", auxiliary: bool = False,
                 in_channels: int = 3):
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(in_channels, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b, self.Mixed_6c = InceptionC(768, 128), InceptionC(768, 160)
        self.Mixed_6d, self.Mixed_6e = InceptionC(768, 160), InceptionC(768, 192)
        self.AuxLogits = AuxiliaryClassifier(768, num_classes) if auxiliary else None
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b, self.Mixed_7c = InceptionE(1280), InceptionE(2048)
        self.avgpool, self.fc = pooling_and_linear(head, 2048, num_classes)
        self.dropout = nn.Dropout()
        initialize(self)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        auxiliary = self.AuxLogits(x) if self.AuxLogits else None
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return (logits, auxiliary) if self.AuxLogits else logits


def initialize(model: nn.Module) -> None:
    """Normal weights of standard deviation 0.1, cut off at two of them, as in torchvision."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, std=0.1)


class InceptionV3Knobs(Knobs):
    """What turns an Inception v3 into another one."""

    auxiliary: bool = Field(False, title="Auxiliary classifier",
                            description="On the last 17x17 grid, in training only; it needs a map of at least 17x17.",
                            json_schema_extra=ENDS)
    head: Head = head_knob()
    input_size: ImageSize = input_size_knob(299)


def build(knobs: InceptionV3Knobs) -> InceptionV3:
    return InceptionV3(knobs.num_classes, knobs.head, knobs.auxiliary, knobs.in_channels)


def stages(knobs: InceptionV3Knobs) -> tuple[Stage, ...]:
    """The rows of Table 1, by torchvision's names of the modules."""
    return (
        Stage("stem 1", {"maxpool1": ""}, blocks=("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3")),
        Stage("stem 2", {"maxpool2": ""}, blocks=("Conv2d_3b_1x1", "Conv2d_4a_3x3")),
        Stage("3 × A (Fig. 5)", blocks=("Mixed_5b", "Mixed_5c", "Mixed_5d")),
        Stage("B (Fig. 10)", blocks=("Mixed_6a",)),
        Stage("4 × C (Fig. 6)", blocks=("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e")),
        *([Stage("auxiliary", {"AuxLogits": ""})] if knobs.auxiliary else []),
        Stage("D", blocks=("Mixed_7a",)),
        Stage("2 × E (Fig. 7)", blocks=("Mixed_7b", "Mixed_7c")),
        Stage("head", {"avgpool": "", "dropout": "", "fc": ""}))


MEGA, GIGA = 10**6, 10**9
TABLE = "Szegedy et al. 2015, Table 3"
WEIGHTS = "torchvision, IMAGENET1K_V1"

ARCHITECTURE = Architecture(
    id="inception_v3",
    name="Inception v3",
    summary="Large kernels taken apart: 5x5 into two 3x3, 7x7 into 1x7 and 7x1.",
    paper=Paper("Rethinking the Inception Architecture for Computer Vision",
                "C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna", 2015, "1512.00567"),
    knobs=InceptionV3Knobs,
    presets={
        "inception_v3": Preset({}, "torchvision's, at 299 pixels and as used at inference. Its paper calls earlier steps of the "
                                   "same ladder Inception-v2; the Inception-v4 paper gives that name to BN-Inception.",
                               also=("Inception3",)),
        "inception_v3_auxiliary": Preset({"auxiliary": True}, "With the auxiliary classifier that training adds."),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("inception_v3", "macs", 48 * GIGA // 10, TABLE, GIGA // 20,
              differs="5.71 in torchvision's network, which differs from the paper's outline; the abstract says 5 billion"),
        Claim("inception_v3", "macs", 5713 * MEGA, WEIGHTS, MEGA // 2),
        Claim("inception_v3", "params", 27_161_264, WEIGHTS,
              differs="23,834,568 as used at inference; torchvision counts the auxiliary classifier of training too"),
        Claim("inception_v3_auxiliary", "params", 27_161_264, WEIGHTS),
        *by_timm(inception_v3=2383),
        Claim("inception_v3", "receptive_field", 1311, DISTILL),
    ),
    results=(
        Result("inception_v3", 21.2, 5.6, TABLE, "paper 299"),
        Result("inception_v3", 22.706, 6.55, "torchvision, IMAGENET1K_V1", "torchvision 299"),
    ),
    changes=(Change("bn_inception", "inception_v3", "1x7 and 7x1 for the 7x7, expanded filter banks, 299 pixels"),),
)
