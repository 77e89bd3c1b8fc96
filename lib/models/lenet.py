"""LeNet-5. LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998.

Fig. 2 (the network), Table I (which maps of S2 each map of C3 reads), section II.B, Appendix A (the squashing
function). Beside it the usual modern version, whose C3 reads all maps, whose pooling has no weights, and which ends in
a linear layer.
"""

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import (
    INSIDE, PICTURE, Architecture, Change, Claim, ImageSize, Impossible, Knobs, Paper, Preset, Stage, in_channels_knob,
    input_size_knob, num_classes_knob)

TABLE_I = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
           (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
           (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5))
"""The maps of S2 that each of the 16 maps of C3 reads."""


class ScaledTanh(nn.Module):
    """The squashing function of 1998, 1.7159 tanh(2/3 x), which maps 1 to 1. Any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """S2 and S4: the sum of 2x2 cells times a trained coefficient plus a trained bias, one pair for each map.

    The coefficient starts at 1/4, which makes the sum a mean. Input (N, channels, H, W), output
    (N, channels, H / 2, W / 2).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.mean = nn.AvgPool2d(2)
        self.coefficient = nn.Parameter(torch.full((channels, 1, 1), 1 / 4))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return 4 * self.mean(x) * self.coefficient + self.bias


class SparseConvolution(nn.Module):
    """C3: every map is a 5x5 convolution of the maps that Table I names for it, which breaks the symmetry.

    Input (N, 6, H, W), output (N, 16, H - 4, W - 4).
    """

    def __init__(self):
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(len(read), 1, 5) for read in TABLE_I)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([conv(x[:, list(read)]) for conv, read in zip(self.maps, TABLE_I)], 1)


def walsh_codes(rows: int, columns: int) -> list[list[float]]:
    """Rows 1, 2 and so on of Sylvester's Hadamard matrix, which is made of +1 and -1."""
    return [[(-1.0) ** (row & column).bit_count() for column in range(columns)] for row in range(1, rows + 1)]


class RadialBasis(nn.Module):
    """The output layer: the squared distance of F6 to a fixed code of each class; the nearest class wins.

    The paper's codes are little pictures of the characters. Ours are rows of a Hadamard matrix: +1 and -1, any two of
    ten classes different in about half of their places. Nothing here is trained. Input (N, features), output
    (N, num_classes).
    """

    def __init__(self, features: int, num_classes: int):
        super().__init__()
        self.register_buffer("codes", torch.tensor(walsh_codes(num_classes, features)))

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(1) - self.codes).square().sum(2)


def c5_kernel(sides: tuple[int, int] = (32, 32), border: int = 0) -> tuple[int, int]:
    """C5 reads whole maps of S4, which are 5x5 for images of 32 pixels: two 5x5 convolutions and two halvings before."""
    s2 = [(side + 2 * border - 4) // 2 for side in sides]
    height, width = (max(1, (cells - 4) // 2) for cells in s2)
    return height, width


class LeNet1998(nn.Module):
    """Fig. 2: C1, S2, C3, S4, C5, F6 and the output layer.

    Input (N, in_channels, *sides), with 32 by 32 as the paper's; output (N, num_classes): distances, of which the
    smallest counts.
    """

    def __init__(self, activation=ScaledTanh, num_classes: int = 10, sides: tuple[int, int] = (32, 32), border: int = 0,
                 in_channels: int = 1):
        super().__init__()
        self.c1 = nn.Conv2d(in_channels, 6, 5, padding=border)
        self.s2 = Subsampling(6)
        self.c3 = SparseConvolution()
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, c5_kernel(sides, border))
        self.f6 = nn.Linear(120, 84)
        self.output = RadialBasis(84, num_classes)
        self.squash = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.squash(self.s2(self.squash(self.c1(x))))
        x = self.squash(self.s4(self.squash(self.c3(x))))
        x = self.squash(self.c5(x)).flatten(1)
        return self.output(self.squash(self.f6(x)))


class LeNet(nn.Module):
    """LeNet-5 as it is usually built today. Input (N, in_channels, *sides), output (N, num_classes)."""

    def __init__(self, activation=nn.Tanh, pooling=nn.AvgPool2d, num_classes: int = 10, sides: tuple[int, int] = (32, 32),
                 border: int = 0, in_channels: int = 1):
        super().__init__()
        self.c1 = nn.Conv2d(in_channels, 6, 5, padding=border)
        self.s2 = pooling(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = pooling(2)
        self.c5 = nn.Conv2d(16, 120, c5_kernel(sides, border))
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)
        self.squash = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.s2(self.squash(self.c1(x)))
        x = self.s4(self.squash(self.c3(x)))
        x = self.squash(self.c5(x)).flatten(1)
        return self.output(self.squash(self.f6(x)))


class LeNetKnobs(Knobs):
    """What turns a LeNet into another one."""

    version: Literal["1998", "modern"] = Field(
        "1998", title="Version",
        description="1998: sparse C3, trained subsampling, distances to codes. Modern: none of these.")
    activation: Literal["tanh", "relu"] = Field("tanh", title="Activation", description="tanh as in 1998, or ReLU.",
                                                json_schema_extra=INSIDE)
    pooling: Literal["average", "max"] = Field(
        "average", title="Pooling", description="Of the modern version; that of 1998 has its own subsampling.",
        json_schema_extra=INSIDE | {"follows": "version"})
    num_classes: int = num_classes_knob(10, most=100)
    border: Literal[0, 2] = Field(
        0, title="Border", description="Zeros around the image. Two on each side make a 28-pixel digit, as MNIST has it, "
        "as large as the paper's 32 pixels.", json_schema_extra=PICTURE)
    input_size: ImageSize = input_size_knob(32, step=4)
    in_channels: int = in_channels_knob(1)

    @model_validator(mode="after")
    def pools_without_weights(self):
        if self.version == "1998" and self.pooling != "average":
            raise Impossible(
                "The network of 1998 has trained subsampling in place of pooling, so pooling = average there; version "
                "modern can take the maximum.", {"pooling": ("average",), "version": ("modern",)})
        return self


def build(knobs: LeNetKnobs) -> nn.Module:
    if knobs.version == "1998":
        return LeNet1998(ScaledTanh if knobs.activation == "tanh" else nn.ReLU, knobs.num_classes, knobs.sides,
                         knobs.border, knobs.in_channels)
    return LeNet(nn.Tanh if knobs.activation == "tanh" else nn.ReLU,
                 nn.AvgPool2d if knobs.pooling == "average" else nn.MaxPool2d, knobs.num_classes, knobs.sides,
                 knobs.border, knobs.in_channels)


def stages(knobs: LeNetKnobs) -> tuple[Stage, ...]:
    """The layers of Fig. 2; what follows a layer belongs to it. In 1998 three are made of several operations."""
    composed = ("s2", "c3", "s4") if knobs.version == "1998" else ()
    return tuple(
        Stage(name, blocks=(name.lower(),)) if name.lower() in composed else Stage(name, {name.lower(): ""})
        for name in ("C1", "S2", "C3", "S4", "C5", "F6", "output"))


ARCHITECTURE = Architecture(
    id="lenet",
    name="LeNet-5",
    summary="Convolution, subsampling, convolution, subsampling: the pattern of all that followed.",
    paper=Paper("Gradient-Based Learning Applied to Document Recognition",
                "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner", 1998),
    knobs=LeNetKnobs,
    presets={
        "lenet5_1998": Preset({}, "The paper's network for 32-pixel digits: 60,000 trained parameters."),
        "lenet5": Preset(
            {"version": "modern"}, "As it is usually built today: dense C3, plain pooling, linear output."),
        "lenet5_28": Preset(
            {"version": "modern", "input_size": 28, "border": 2},
            "The same for digits of 28 pixels, as MNIST has them: a border of 2 brings them to 32."),
    },
    build=build,
    stages=stages,
    claims=(Claim("lenet5_1998", "params", 60_000, "LeCun et al. 1998, section II.B"),),
    changes=(Change("lenet5_1998", "lenet5", "dense C3, pooling without weights, linear output"),),
    built_for_size=True,
)
