"""BN-Inception. Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift", 2015, arXiv:1502.03167.

The appendix, Fig. 5: GoogLeNet with batch normalisation, two 3x3 convolutions for each 5x5, and modules that halve the
resolution. The Inception-v4 paper (arXiv:1602.07261) calls it Inception v2.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import DISTILL, INSIDE, Architecture, Change, Claim, Knobs, Paper, Preset, Result, Stage
from lib.models.googlenet import NormalisedConvolution
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize


class Filters(NamedTuple):
    """A row of Fig. 5. Modules with stride 2 have neither a 1x1 branch nor a projection."""

    n1x1: int
    reduce3x3: int
    n3x3: int
    reduce_double: int
    n_double: int
    projection: int
    max_pool: bool = False


TABLE = {
    "3a": Filters(64, 64, 64, 64, 96, 32), "3b": Filters(64, 64, 96, 64, 96, 64),
    "3c": Filters(0, 128, 160, 64, 96, 0, max_pool=True),
    "4a": Filters(224, 64, 96, 96, 128, 128), "4b": Filters(192, 96, 128, 96, 128, 128),
    "4c": Filters(160, 128, 160, 128, 160, 128), "4d": Filters(96, 128, 192, 160, 192, 128),
    "4e": Filters(0, 128, 192, 192, 256, 0, max_pool=True),
    "5a": Filters(352, 192, 320, 160, 224, 128), "5b": Filters(352, 192, 320, 192, 224, 128, max_pool=True),
}
"""The modules of Fig. 5. The concatenations of 4c and 4d have 608 channels and that of 4e 1056, by these filters."""


class Inception(nn.Module):
    """A module of Fig. 5: 1x1; 1x1 and 3x3; 1x1 and two 3x3; pooling and 1x1; concatenated.

    Without 1x1 filters it strides: 3x3 convolutions and max pooling halve the map, and pooling passes all channels on.
    `double` off puts a 5x5 where the two 3x3 are. Input (N, in_channels, H, W), output (N, out_channels, H / stride,
    W / stride).
    """

    def __init__(self, in_channels: int, filters: Filters, double: bool = True):
        super().__init__()
        f, convolution = filters, NormalisedConvolution
        stride = 1 if f.n1x1 else 2
        self.out_channels = f.n1x1 + f.n3x3 + f.n_double + (f.projection or in_channels)
        if f.n1x1:
            self.branch1x1 = convolution(in_channels, f.n1x1, 1)
        self.branch3x3 = nn.Sequential(
            convolution(in_channels, f.reduce3x3, 1), convolution(f.reduce3x3, f.n3x3, 3, stride))
        last = [convolution(f.reduce_double, f.n_double, 3), convolution(f.n_double, f.n_double, 3, stride)]
        self.double3x3 = nn.Sequential(
            convolution(in_channels, f.reduce_double, 1),
            *(last if double else [convolution(f.reduce_double, f.n_double, 5, stride)]))
        pool = nn.MaxPool2d(3, stride, padding=1) if f.max_pool else nn.AvgPool2d(3, stride, padding=1)
        self.pool = nn.Sequential(pool, *([convolution(in_channels, f.projection, 1)] if f.projection else []))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.children()], 1)


class BNInception(nn.Module):
    """Fig. 5: stem, ten modules, global average pooling, one linear layer.

    `width` scales all filters, in percent. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, width: int = 100, double: bool = True, num_classes: int = 1000, head: Head = "average",
                 in_channels: int = 3):
        super().__init__()
        w64, w192 = 64 * width // 100, 192 * width // 100
        self.conv1 = NormalisedConvolution(in_channels, w64, 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = NormalisedConvolution(w64, w64, 1)
        self.conv3 = NormalisedConvolution(w64, w192, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        modules, channels = {}, w192
        for name, (*filters, max_pool) in TABLE.items():
            modules[name] = Inception(channels, Filters(*(f * width // 100 for f in filters), max_pool), double)
            channels = modules[name].out_channels
        self.inception = nn.Sequential()
        for name, module in modules.items():
            self.inception.add_module(name, module)
        self.avgpool, self.fc = pooling_and_linear(head, channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        return self.fc(self.avgpool(self.inception(x)).flatten(1))


class BNInceptionKnobs(Knobs):
    """What turns a BN-Inception into another one."""

    width: int = Field(100, ge=25, le=200, multiple_of=25, title="Width, %",
                       description="Filters of every convolution, in percent of Fig. 5.")
    double: bool = Field(True, title="Two 3x3 for the 5x5", description="Off: 5x5 convolutions, as in GoogLeNet.",
                         json_schema_extra=INSIDE)
    head: Head = head_knob()


def build(knobs: BNInceptionKnobs) -> BNInception:
    return BNInception(knobs.width, knobs.double, knobs.num_classes, knobs.head, knobs.in_channels)


def stages(knobs: Knobs) -> tuple[Stage, ...]:
    """The rows of Fig. 5."""
    return (
        Stage("convolution 1", {"conv1": ""}), Stage("max pool 1", {"maxpool1": ""}),
        Stage("convolution 2", blocks=("conv2", "conv3")), Stage("max pool 2", {"maxpool2": ""}),
        *(Stage(f"inception ({name})", {f"inception.{name}": ""}) for name in TABLE),
        Stage("head", {"avgpool": "", "fc": ""}))


MEGA = 10**6

ARCHITECTURE = Architecture(
    id="bn_inception",
    name="BN-Inception",
    summary="GoogLeNet normalised: every convolution's outputs are brought to mean 0 and variance 1 in training.",
    paper=Paper("Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
                "S. Ioffe, C. Szegedy", 2015, "1502.03167"),
    knobs=BNInceptionKnobs,
    presets={
        "bn_inception": Preset({}, "The network of Fig. 5. The Inception-v4 paper calls it Inception v2; the paper of 2015 "
                                   "that is called “Rethinking” means another net by that name.",
                               also=("Inception v2", "Inception-BN")),
        "bn_inception_5x5": Preset({"double": False}, "The same with a 5x5 convolution for each pair of 3x3."),
    },
    also=("Inception v2",),
    build=build,
    stages=stages,
    claims=(
        Claim("bn_inception", "params", 136 * MEGA // 10, "Ioffe, Szegedy 2015, as quoted by He et al. and Hu et al.",
              MEGA // 20, differs="11.29 by the filters of Fig. 5 without the training-time classifiers; what else is counted is not said"),
        Claim("bn_inception", "macs", 203 * 10**7, "Hu et al. 2017, Table 2", 5 * MEGA),
        Claim("bn_inception", "receptive_field", 699, DISTILL),
    ),
    results=(Result("bn_inception", 25.2, 7.82, "Hu et al. 2017, Table 2, original column"),),
    changes=(Change("googlenet_2014", "bn_inception", "batch normalisation, two 3x3 for each 5x5, strided modules"),),
)
