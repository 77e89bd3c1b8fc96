"""AlexNet. Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

Fig. 2: the network of two towers, here as two groups. Beside it torchvision's network of one tower, from Krizhevsky,
"One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997, with torchvision's module names.
"""

from typing import Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import (
    DISTILL, Architecture, Change, Claim, ImageSize, Impossible, Knobs, Paper, Preset, Result, Stage, by_torchvision,
    input_size_knob)
from lib.models.heads import Head, head_knob, hidden_knob, pooled


class AlexNet2012(nn.Module):
    """Fig. 2: five convolutions, local response normalisation after the first two, three fully connected layers.

    The two GPUs of 2012 are two groups in conv2, conv4 and conv5. Input (N, in_channels, 227, 227), output
    (N, num_classes): the paper says 224, but (224 - 11) / 4 + 1 is not 55, and fc6 takes 36 cells alone, unless a `head`
    pools them.
    """

    def __init__(self, width: int = 96, groups: int = 2, num_classes: int = 1000, hidden: int = 4096,
                 head: Head = "flatten", in_channels: int = 3):
        super().__init__()
        filters = [width, width * 8 // 3, width * 4, width * 4, width * 8 // 3]
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, filters[0], 11, stride=4), nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(filters[0], filters[1], 5, padding=2, groups=groups), nn.ReLU(inplace=True),
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(filters[1], filters[2], 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(filters[2], filters[3], 3, padding=1, groups=groups), nn.ReLU(inplace=True),
            nn.Conv2d(filters[3], filters[4], 3, padding=1, groups=groups), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2))
        pooling, features = pooled(head, cells=6)
        self.avgpool = nn.Identity() if head == "flatten" else pooling
        self.classifier = classifier(filters[4] * features, num_classes, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class AlexNet(nn.Module):
    """The 2014 network as in torchvision: one tower of 64-192-384-256-256 filters, no normalisation.

    Input (N, in_channels, H, W) of at least 63x63, output (N, num_classes). Adaptive pooling to 6x6 makes sizes other
    than 224 possible.
    """

    def __init__(self, width: int = 64, num_classes: int = 1000, hidden: int = 4096, head: Head = "flatten",
                 in_channels: int = 3):
        super().__init__()
        filters = [width, width * 3, width * 6, width * 4, width * 4]
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, filters[0], 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(filters[0], filters[1], 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(filters[1], filters[2], 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(filters[2], filters[3], 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(filters[3], filters[4], 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2))
        self.avgpool, features = pooled(head, cells=6)
        self.classifier = classifier(filters[4] * features, num_classes, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def classifier(in_features: int, num_classes: int, hidden: int = 4096) -> nn.Sequential:
    """fc6, fc7 and fc8, with dropout before the first two; with no `hidden` units fc8 alone."""
    if not hidden:
        return nn.Sequential(nn.Linear(in_features, num_classes))
    return nn.Sequential(
        nn.Dropout(), nn.Linear(in_features, hidden), nn.ReLU(inplace=True),
        nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(inplace=True),
        nn.Linear(hidden, num_classes))


def head_layers(hidden: int) -> dict[str, str]:
    """The modules of the head by their usual names."""
    names = ("dropout6", "fc6", "relu6", "dropout7", "fc7", "relu7", "fc8") if hidden else ("fc8",)
    return {"avgpool": ""} | {f"classifier.{index}": name for index, name in enumerate(names)}


class AlexNetKnobs(Knobs):
    """What turns an AlexNet into another one."""

    version: Literal["2012", "2014"] = Field(
        "2012", title="Version", description="2012: two groups and response normalisation. 2014: one tower (torchvision).")
    width: int = Field(
        default_factory=lambda chosen: 96 if chosen.get("version") == "2012" else 64, ge=1, le=256, title="Width",
        description="Filters of the first convolution; the others keep their proportions.",
        json_schema_extra={"follows": "version"})
    groups: int = Field(
        default_factory=lambda chosen: 2 if chosen.get("version") == "2012" else 1, ge=1, le=8, title="Groups",
        description="The towers of the 2012 network: groups in conv2, conv4 and conv5.",
        json_schema_extra={"follows": "version"})
    hidden: int = hidden_knob()
    head: Head = head_knob("flatten", cells=6)
    input_size: ImageSize = input_size_knob(227)

    @model_validator(mode="after")
    def whole_filters(self):
        if self.version == "2014" and self.groups != 1:
            raise Impossible("The 2014 network has one tower, so groups = 1 there; version 2012 has groups.",
                             {"groups": (1,)})
        if self.version == "2012":
            self._whole_groups()
        return self

    def _whole_groups(self):
        step = next(s for s in range(3, 100, 3) if all(n % self.groups == 0 for n in (s, s * 8 // 3, s * 4)))
        if self.width % step:
            nearest = tuple(w for w in (self.width // step * step, -(-self.width // step) * step) if 1 <= w <= 256)
            channels = f"{self.width}·8/3 = {self.width * 8 / 3:g}"
            raise Impossible(
                f"conv2 (features.4) would take {self.width} channels and give {channels}, in {self.groups} groups: "
                f"not whole numbers; the nearest widths that work are {' and '.join(map(str, nearest))}.",
                {"width": nearest})


def build(knobs: AlexNetKnobs) -> nn.Module:
    if knobs.version == "2012":
        return AlexNet2012(knobs.width, knobs.groups, knobs.num_classes, knobs.hidden, knobs.head, knobs.in_channels)
    return AlexNet(knobs.width, knobs.num_classes, knobs.hidden, knobs.head, knobs.in_channels)


def stages(knobs: AlexNetKnobs) -> tuple[Stage, ...]:
    """The layers of Fig. 2, each with what follows it up to the next weights."""
    norm = ["norm"] if knobs.version == "2012" else []
    layers = {"conv1": ["relu", *norm, "pool"], "conv2": ["relu", *norm, "pool"], "conv3": ["relu"],
              "conv4": ["relu"], "conv5": ["relu", "pool"]}
    index, rows = iter(range(99)), []
    for layer, followers in layers.items():
        names = [layer, *(follower + layer[-1] for follower in followers)]
        rows.append(Stage(layer, {f"features.{next(index)}": name for name in names}))
    return *rows, Stage("head", head_layers(knobs.hidden))


MEGA = 10**6
TEXT = "Krizhevsky et al. 2012, "

ARCHITECTURE = Architecture(
    id="alexnet",
    name="AlexNet",
    summary="The network that won ILSVRC 2012: ReLU, dropout, two GPUs.",
    paper=Paper("ImageNet Classification with Deep Convolutional Neural Networks",
                "A. Krizhevsky, I. Sutskever, G. E. Hinton", 2012),
    knobs=AlexNetKnobs,
    presets={
        "alexnet_2012": Preset({"version": "2012"}, "The paper's network: two groups, response normalisation, 227 pixels."),
        "alexnet": Preset({"version": "2014", "input_size": 224}, "torchvision's: the one-tower network of 2014, 224 pixels."),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("alexnet_2012", "params", 60 * MEGA, TEXT + "abstract", MEGA // 2,
              differs="60.97 by the layers of Fig. 2, which rounds to 61; the abstract prints 60"),
        Claim("alexnet_2012", "neurons", 650_000, TEXT + "abstract", 500,
              differs="659,272 outputs of its convolutions and linear layers. Fig. 2's own numbers sum to 622,312: it has "
                      "253,440 for conv1, where 55 × 55 × 96 makes 290,400"),
        Claim("alexnet_2012", "weight_layers", 8, TEXT + "section 3.5"),
        Claim("alexnet_2012", "macs", 720 * MEGA, "Howard et al. 2017 (MobileNet), Table 9", MEGA // 2,
              differs="724 at 227 pixels; the table prints 720 and no size"),
        *by_torchvision("alexnet", 61_100_840, 714),
        Claim("alexnet", "receptive_field", 195, DISTILL),
    ),
    results=(Result("alexnet", 43.478, 20.934, "torchvision, IMAGENET1K_V1", "torchvision 224"),),
    changes=(
        Change("lenet5", "alexnet_2012", "five convolutions, ReLU, dropout, two GPUs"),
        Change("alexnet_2012", "alexnet", "one tower of fewer filters, no response norm"),
    ),
)
