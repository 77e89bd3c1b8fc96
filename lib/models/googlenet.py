"""GoogLeNet, Inception v1. Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv:1409.4842.

Fig. 2 (the module, naive and with reductions), Table 1 (the network), Fig. 3 (the auxiliary classifiers). Beside the
paper's network torchvision's, which normalises and has 3x3 where the paper has 5x5. Module names are torchvision's.
"""

from functools import partial
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import ENDS, INSIDE, Architecture, Change, Claim, Knobs, Paper, Preset, Result, Stage, by_torchvision
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize


class BiasedConvolution(nn.Module):
    """A convolution that keeps the resolution at stride 1, and ReLU, as in 2014.

    Input (N, in_channels, H, W), output (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding=kernel // 2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))


class NormalisedConvolution(nn.Module):
    """The same with batch normalisation, which takes the bias's place. Shapes as in `BiasedConvolution`."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Filters(NamedTuple):
    """A module's row of Table 1: filters of each convolution; "reduce" is the 1x1 before the larger one."""

    n1x1: int
    reduce3x3: int
    n3x3: int
    reduce5x5: int
    n5x5: int
    projection: int


class Inception(nn.Module):
    """Fig. 2 (b): 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1; side by side, concatenated.

    `convolution(in_channels, channels, kernel)` builds a convolution; torchvision has 3x3 for the 5x5
    (`third_kernel`). Input (N, in_channels, H, W), output (N, out_channels, H, W).
    """

    def __init__(self, in_channels: int, filters: Filters, convolution=BiasedConvolution, third_kernel: int = 5):
        super().__init__()
        f = filters
        self.out_channels = f.n1x1 + f.n3x3 + f.n5x5 + f.projection
        self.branch1 = convolution(in_channels, f.n1x1, 1)
        self.branch2 = nn.Sequential(convolution(in_channels, f.reduce3x3, 1), convolution(f.reduce3x3, f.n3x3, 3))
        self.branch3 = nn.Sequential(
            convolution(in_channels, f.reduce5x5, 1), convolution(f.reduce5x5, f.n5x5, third_kernel))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), convolution(in_channels, f.projection, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class NaiveInception(nn.Module):
    """Fig. 2 (a): the module without reductions. Pooling passes all channels on, so that every module adds to them.

    Input (N, in_channels, H, W), output (N, out_channels, H, W).
    """

    def __init__(self, in_channels: int, filters: Filters, convolution=BiasedConvolution, third_kernel: int = 5):
        super().__init__()
        self.out_channels = filters.n1x1 + filters.n3x3 + filters.n5x5 + in_channels
        self.branch1 = convolution(in_channels, filters.n1x1, 1)
        self.branch2 = convolution(in_channels, filters.n3x3, 3)
        self.branch3 = convolution(in_channels, filters.n5x5, third_kernel)
        self.branch4 = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class AuxiliaryClassifier(nn.Module):
    """Section 5: pooling to 4x4, 1x1 with 128 filters, 1024 units, classes. In training its loss is added with weight 0.3.

    The paper pools 5x5 with stride 3, which makes 4x4 of 14x14; pooling to 4x4 takes other sizes too, as in
    torchvision. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, in_channels: int, num_classes: int, convolution=BiasedConvolution):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.conv = convolution(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.pool(x)).flatten(1)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


TABLE_1 = {
    "3a": Filters(64, 96, 128, 16, 32, 32), "3b": Filters(128, 128, 192, 32, 96, 64),
    "4a": Filters(192, 96, 208, 16, 48, 64), "4b": Filters(160, 112, 224, 24, 64, 64),
    "4c": Filters(128, 128, 256, 24, 64, 64), "4d": Filters(112, 144, 288, 32, 64, 64),
    "4e": Filters(256, 160, 320, 32, 128, 128),
    "5a": Filters(256, 160, 320, 32, 128, 128), "5b": Filters(384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """Table 1: stem, nine modules with poolings between, global average pooling, dropout, one linear layer.

    `module(in_channels, filters)` builds a module, `width` scales all filters, in percent. Input (N, in_channels, H, W);
    output (N, num_classes), with `auxiliary` also the outputs of the classifiers on 4d and on 4a.
    """

    def __init__(self, module=Inception, convolution=BiasedConvolution, width: int = 100, num_classes: int = 1000,
                 head: Head = "average", auxiliary: bool = False, in_channels: int = 3):
        super().__init__()
        w64, w192 = 64 * width // 100, 192 * width // 100
        self.conv1 = convolution(in_channels, w64, 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm1 = nn.LocalResponseNorm(5)
        self.conv2 = convolution(w64, w64, 1)
        self.conv3 = convolution(w64, w192, 3)
        self.norm2 = nn.LocalResponseNorm(5)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        channels, given = {}, w192
        for name, filters in TABLE_1.items():
            inception = module(given, Filters(*(f * width // 100 for f in filters)))
            channels[name] = given = inception.out_channels
            self.add_module(f"inception{name}", inception)
        self.aux1 = AuxiliaryClassifier(channels["4a"], num_classes, convolution) if auxiliary else None
        self.aux2 = AuxiliaryClassifier(channels["4d"], num_classes, convolution) if auxiliary else None
        self.avgpool, self.fc = pooling_and_linear(head, given, num_classes)
        self.dropout = nn.Dropout(0.4)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        x = self.norm1(self.maxpool1(self.conv1(x)))
        x = self.maxpool2(self.norm2(self.conv3(self.conv2(x))))
        x = self.inception4a(self.maxpool3(self.inception3b(self.inception3a(x))))
        auxiliary1 = self.aux1(x) if self.aux1 else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        auxiliary2 = self.aux2(x) if self.aux2 else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(x))))
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return (logits, auxiliary2, auxiliary1) if self.aux1 else logits


class NormalisedGoogLeNet(GoogLeNet):
    """torchvision's: batch normalisation in every convolution instead of response normalisation, and the last max
    pooling 2x2. Shapes as in `GoogLeNet`.
    """

    def __init__(self, module, *args, **kwargs):
        super().__init__(module, NormalisedConvolution, *args, **kwargs)
        self.norm1 = self.norm2 = nn.Identity()
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)


class GoogLeNetKnobs(Knobs):
    """What turns a GoogLeNet into another one."""

    batch_norm: bool = Field(False, title="Batch norm", description="Off: biases and response normalisation, as in 2014. "
                                                                    "On: torchvision's normalised network.",
                             json_schema_extra=INSIDE)
    third_kernel: Literal[3, 5] = Field(5, title="Kernel of the third branch",
                                        description="5x5 in the paper, 3x3 in torchvision.", json_schema_extra=INSIDE)
    reduced: bool = Field(True, title="1x1 reductions", description="Off: the naive module of Fig. 2 (a).",
                          json_schema_extra=INSIDE)
    width: int = Field(100, ge=25, le=200, multiple_of=25, title="Width, %",
                       description="Filters of every convolution, in percent of Table 1.")
    auxiliary: bool = Field(False, title="Auxiliary classifiers", description=(
                                "On 4a and 4d: in training each adds its loss with weight 0.3; dropped at inference."),
                            json_schema_extra=ENDS)
    head: Head = head_knob()


def build(knobs: GoogLeNetKnobs) -> GoogLeNet:
    convolution = NormalisedConvolution if knobs.batch_norm else BiasedConvolution
    module = partial(Inception if knobs.reduced else NaiveInception, convolution=convolution,
                     third_kernel=knobs.third_kernel)
    network = NormalisedGoogLeNet if knobs.batch_norm else GoogLeNet
    model = network(module, width=knobs.width, num_classes=knobs.num_classes, head=knobs.head, auxiliary=knobs.auxiliary,
                    in_channels=knobs.in_channels)
    initialize(model)
    return model


def stages(knobs: GoogLeNetKnobs) -> tuple[Stage, ...]:
    """The rows of Table 1."""
    def module(name: str) -> Stage:
        return Stage(f"inception ({name})", {f"inception{name}": ""})

    auxiliary = [Stage("auxiliary (4a)", {"aux1": ""}), Stage("auxiliary (4d)", {"aux2": ""})] if knobs.auxiliary else []
    return (
        Stage("convolution 1", {"conv1": ""}), Stage("max pool 1", {"maxpool1": "", "norm1": ""}),
        Stage("convolution 2", {"norm2": ""}, blocks=("conv2", "conv3")), Stage("max pool 2", {"maxpool2": ""}),
        module("3a"), module("3b"), Stage("max pool 3", {"maxpool3": ""}),
        module("4a"), *auxiliary[:1], module("4b"), module("4c"), module("4d"), *auxiliary[1:], module("4e"),
        Stage("max pool 4", {"maxpool4": ""}), module("5a"), module("5b"),
        Stage("head", {"avgpool": "", "dropout": "", "fc": ""}),
    )


MEGA = 10**6
TABLE = "Szegedy et al. 2014, Table 1"

ARCHITECTURE = Architecture(
    id="googlenet",
    name="GoogLeNet",
    summary="Several kernel sizes side by side, made affordable by 1x1 convolutions before them.",
    paper=Paper("Going Deeper with Convolutions",
                "C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich",
                2014, "1409.4842"),
    knobs=GoogLeNetKnobs,
    presets={
        "googlenet_2014": Preset({}, "The paper's network, as used at inference: 5x5 convolutions, no batch normalisation."),
        "googlenet": Preset({"batch_norm": True, "third_kernel": 3},
                            "torchvision's: batch normalisation, and 3x3 where the paper has 5x5.",
                            also=("Inception v1",)),
        "googlenet_naive": Preset({"reduced": False}, "Naive modules: no 1x1 reductions, and pooling passes all channels on, "
                                                      "so that the maps grow from module to module."),
    },
    also=("Inception v1",),
    build=build,
    stages=stages,
    claims=(
        Claim("googlenet_2014", "params", 6_798_000, TABLE + ", sum of its rows", 6 * 512,
              differs="the listed filters have 7.00 million parameters; the table's 2.7K for the first row matches a separable 7x7"),
        Claim("googlenet_2014", "macs", 1_502 * MEGA, TABLE + ", sum of its rows", 6 * MEGA,
              differs="the listed filters make 1583 million multiply-adds, the first row alone 118 instead of 34"),
        Claim("googlenet_2014", "weight_layers", 22, "Szegedy et al. 2014, section 5"),
        *by_torchvision("googlenet", 6_624_904, 1_498),
    ),
    results=(
        Result("googlenet", 30.222, 10.47, "torchvision, IMAGENET1K_V1", "torchvision 224"),
        Result("googlenet_2014", 31.3, 11.1, "Caffe's reference model, README, centre crop"),
    ),
    changes=(
        Change("alexnet_2012", "googlenet_2014", "modules of parallel branches, one linear layer"),
        Change("googlenet_naive", "googlenet_2014", "1x1 reductions before 3x3 and 5x5"),
        Change("googlenet_2014", "googlenet", "batch normalisation, 3x3 for the 5x5"),
    ),
)
