"""ZFNet. Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2013, arXiv:1311.2901.

Fig. 3: AlexNet with 7x7 filters and stride 2 in the first layer, stride 2 in the second, and one tower.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from lib.architecture import Architecture, Change, Claim, Knobs, Paper, Preset, Stage
from lib.models.alexnet import classifier, head_layers
from lib.models.heads import Head, head_knob, hidden_knob, pooled


class ZFNet(nn.Module):
    """Fig. 3: five convolutions, contrast normalisation after the first two poolings, three fully connected layers.

    `filters` are those of layers 3 to 5. The maps are 110, 55, 26, 13 and 6 cells wide at 224 pixels: borders of
    one cell in the first layer and its pooling, and a second pooling that rounds up, give these widths of the figure.
    Input (N, in_channels, H, W) of at least 61x61, output (N, num_classes); adaptive pooling to 6x6, the identity at 224,
    makes other sizes possible.
    """

    def __init__(self, filters: tuple[int, int, int] = (384, 384, 256), width: int = 96, num_classes: int = 1000,
                 hidden: int = 4096, head: Head = "flatten", in_channels: int = 3):
        super().__init__()
        second = width * 8 // 3
        third, fourth, fifth = filters
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, width, 7, stride=2, padding=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1), nn.LocalResponseNorm(5),
            nn.Conv2d(width, second, 5, stride=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=True), nn.LocalResponseNorm(5),
            nn.Conv2d(second, third, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(third, fourth, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(fourth, fifth, 3, padding=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2))
        self.avgpool, features = pooled(head, cells=6)
        self.classifier = classifier(fifth * features, num_classes, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


FILTERS = {"384-384-256": (384, 384, 256), "512-1024-512": (512, 1024, 512)}


class ZFNetKnobs(Knobs):
    """What turns a ZFNet into another one."""

    filters: Literal["384-384-256", "512-1024-512"] = Field(
        "384-384-256", title="Filters of layers 3 to 5",
        description="Fig. 3, or the larger net of Table 2 that lectures show.")
    width: int = Field(96, ge=3, le=192, multiple_of=3, title="Width",
                       description="Filters of the first layer; the second has 8/3 as many.")
    hidden: int = hidden_knob()
    head: Head = head_knob("flatten", cells=6)


def build(knobs: ZFNetKnobs) -> ZFNet:
    return ZFNet(FILTERS[knobs.filters], knobs.width, knobs.num_classes, knobs.hidden, knobs.head, knobs.in_channels)


def stages(knobs: ZFNetKnobs) -> tuple[Stage, ...]:
    """The layers of Fig. 3."""
    layers = {"layer 1": ("conv1", "relu1", "pool1", "norm1"), "layer 2": ("conv2", "relu2", "pool2", "norm2"),
              "layer 3": ("conv3", "relu3"), "layer 4": ("conv4", "relu4"), "layer 5": ("conv5", "relu5", "pool5")}
    index, rows = iter(range(99)), []
    for layer, names in layers.items():
        rows.append(Stage(layer, {f"features.{next(index)}": name for name in names}))
    return *rows, Stage("head", head_layers(knobs.hidden))


ARCHITECTURE = Architecture(
    id="zfnet",
    name="ZFNet",
    summary="AlexNet looked at from inside: smaller filters and strides at the start.",
    paper=Paper("Visualizing and Understanding Convolutional Networks", "M. D. Zeiler, R. Fergus", 2013, "1311.2901"),
    knobs=ZFNetKnobs,
    presets={
        "zfnet": Preset(
            {}, "The network of Fig. 3. It did not win ILSVRC 2013: that was Clarifai, the first author's company.",
            also=("ZF",)),
        "zfnet_512": Preset({"filters": "512-1024-512"}, "With 512, 1024 and 512 filters in layers 3 to 5 (Table 2)."),
    },
    build=build,
    stages=stages,
    claims=(Claim("zfnet", "weight_layers", 8, "Zeiler, Fergus 2013, Fig. 3"),),
    changes=(
        Change("alexnet_2012", "zfnet", "7x7/2 instead of 11x11/4, one tower"),
        Change("zfnet", "zfnet_512", "512-1024-512 filters in layers 3 to 5"),
    ),
)
