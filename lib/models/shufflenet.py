"""ShuffleNet. Zhang, Zhou, Lin, Sun, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
Devices", 2017, arXiv:1707.01083.

Fig. 2 (b) and (c) (the units), Fig. 1 (channel shuffle), Table 1 (the network for 1, 2, 3, 4 and 8 groups).
"""

from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import INSIDE, Architecture, Change, Claim, Impossible, Knobs, Paper, Preset, Result, Stage
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Fig. 1 (c): (g, n) channels are read as (n, g), so that every group gets channels of all groups."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


class ShuffleUnit(nn.Module):
    """Fig. 2 (b): grouped 1x1, shuffle, depthwise 3x3, grouped 1x1, and a shortcut; (c) with stride 2 pools the
    shortcut and joins it by its channels.

    `first_groups` are those of the first 1x1: 1 in the first unit, whose input has few channels. Input
    (N, in_channels, H, W), output (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int, groups: int, first_groups: int,
                 shuffle: bool = True):
        super().__init__()
        self.stride, self.groups, self.shuffle = stride, groups, shuffle
        middle = channels // 4
        added = channels if stride == 1 else channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, middle, 1, groups=first_groups, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, padding=1, groups=middle, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, added, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(added)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AvgPool2d(3, stride=2, padding=1) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        f = self.relu(self.bn1(self.conv1(x)))
        if self.shuffle and self.groups > 1:
            f = channel_shuffle(f, self.groups)
        f = self.bn3(self.conv3(self.bn2(self.conv2(f))))
        return self.relu(f + x if self.stride == 1 else torch.cat([self.pool(x), f], 1))


CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Table 1: channels of stage 2 by the number of groups; stages 3 and 4 double them."""
STEM = {50: 12, 100: 24, 150: 24, 200: 48}
"""Channels of the stem by the scale in percent, as in the authors' release, which has networks of 3 and of 8 groups."""


def stem_channels(groups: int, scale: int) -> int:
    """Those of `STEM`, but 16 for 8 groups at half the width, as in the release: 12 would not go into 8 groups."""
    return 16 if (groups, scale) == (8, 50) else STEM[scale]


class ShuffleNet(nn.Module):
    """Table 1: a 3x3 stem, max pooling, stages of 4, 8 and 4 units, global pooling, linear layer.

    `scale` multiplies the channels, in percent. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, groups: int = 3, scale: int = 100, shuffle: bool = True, num_classes: int = 1000,
                 head: Head = "average", in_channels: int = 3):
        super().__init__()
        stem, channels = stem_channels(groups, scale), CHANNELS[groups] * scale // 100
        self.conv1 = nn.Conv2d(in_channels, stem, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)

        def stage(units: int, in_channels: int, channels: int, first_groups: int) -> nn.Sequential:
            first = ShuffleUnit(in_channels, channels, 2, groups, first_groups, shuffle)
            others = (ShuffleUnit(channels, channels, 1, groups, groups, shuffle) for _ in range(units - 1))
            return nn.Sequential(first, *others)

        self.stage2 = stage(4, stem, channels, first_groups=1)
        self.stage3 = stage(8, channels, 2 * channels, first_groups=groups)
        self.stage4 = stage(4, 2 * channels, 4 * channels, first_groups=groups)
        self.globalpool, self.fc = pooling_and_linear(head, 4 * channels, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.stage4(self.stage3(self.stage2(x)))
        return self.fc(self.globalpool(x).flatten(1))


class ShuffleNetKnobs(Knobs):
    """What turns a ShuffleNet into another one."""

    groups: Literal[1, 2, 3, 4, 8] = Field(
        3, title="Groups g", description="Groups of the 1x1 convolutions; more of them leave room for more channels.")
    scale: Literal[50, 100, 150, 200] = Field(100, title="Scale s, %", description="Every layer's channels, in percent of Table 1.")
    shuffle: bool = Field(True, title="Channel shuffle",
                          description="Off: groups never exchange channels inside a unit, as in Table 3.",
                          json_schema_extra=INSIDE)
    head: Head = head_knob()

    @model_validator(mode="after")
    def whole_groups(self):
        channels, stem = CHANNELS[self.groups] * self.scale // 100, stem_channels(self.groups, self.scale)
        if channels // 4 % self.groups or (channels - stem) % self.groups:
            raise Impossible(
                f"stage2.0 would have 1x1 convolutions of {channels // 4} and {channels - stem} channels in "
                f"{self.groups} groups, which is not whole. Scale 100 works for every number of groups; the authors' release "
                "has other scales for 3 and 8 groups alone.", {"scale": (100,)})
        return self


def build(knobs: ShuffleNetKnobs) -> ShuffleNet:
    return ShuffleNet(knobs.groups, knobs.scale, knobs.shuffle, knobs.num_classes, knobs.head, knobs.in_channels)


def stages(knobs: Knobs) -> tuple[Stage, ...]:
    """The rows of Table 1."""
    return (
        Stage("Conv1", {"conv1": "", "bn1": "", "relu": ""}), Stage("MaxPool", {"maxpool": ""}),
        Stage("Stage2", {"stage2": ""}), Stage("Stage3", {"stage3": ""}), Stage("Stage4", {"stage4": ""}),
        Stage("head", {"globalpool": "", "fc": ""}))


MEGA = 10**6
TABLE = "Zhang et al. 2017, Table 1"
LINEAR = "{} with the linear layer, {} without it; none of the five columns seems to count that layer"
RELEASE = "Zhang et al., ShuffleNet-Series, official release"


def preset(groups: int, scale: int = 100) -> Preset:
    times = f", channels times {scale / 100:g}" if scale != 100 else ""
    return Preset({"groups": groups, "scale": scale}, f"Table 1 with {groups} group{'s' * (groups > 1)}{times}.")


ARCHITECTURE = Architecture(
    id="shufflenet",
    name="ShuffleNet",
    summary="Grouped 1x1 convolutions, and a shuffle so that the groups talk to each other.",
    paper=Paper("ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
                "X. Zhang, X. Zhou, M. Lin, J. Sun", 2017, "1707.01083"),
    knobs=ShuffleNetKnobs,
    presets={
        "shufflenet_g3": preset(3),
        "shufflenet_g1": preset(1), "shufflenet_g2": preset(2), "shufflenet_g4": preset(4), "shufflenet_g8": preset(8),
        "shufflenet_g3_x0_5": preset(3, 50), "shufflenet_g3_x1_5": preset(3, 150), "shufflenet_g3_x2_0": preset(3, 200),
        "shufflenet_g8_x0_5": preset(8, 50), "shufflenet_g8_x1_5": preset(8, 150), "shufflenet_g8_x2_0": preset(8, 200),
    },
    build=build,
    stages=stages,
    claims=(
        Claim("shufflenet_g3", "macs", 138 * MEGA, RELEASE, MEGA // 2, differs="137.46 rounds to 137; the release prints 138"),
        Claim("shufflenet_g1", "macs", 143 * MEGA, TABLE, MEGA // 2),
        Claim("shufflenet_g2", "macs", 140 * MEGA, TABLE, MEGA // 2, differs=LINEAR.format("140.8", "140.0")),
        Claim("shufflenet_g3", "macs", 137 * MEGA, TABLE, MEGA // 2),
        Claim("shufflenet_g4", "macs", 133 * MEGA, TABLE, MEGA // 2, differs=LINEAR.format("134.3", "133.3")),
        Claim("shufflenet_g8", "macs", 137 * MEGA, TABLE, MEGA // 2, differs=LINEAR.format("138.4", "136.8")),
        Claim("shufflenet_g3", "params", 19 * MEGA // 10, RELEASE, MEGA // 20),
        Claim("shufflenet_g8", "macs", 138 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g8", "params", 24 * MEGA // 10, RELEASE, MEGA // 20),
        Claim("shufflenet_g3_x0_5", "macs", 38 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g3_x0_5", "params", 7 * MEGA // 10, RELEASE, MEGA // 20),
        Claim("shufflenet_g3_x1_5", "macs", 292 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g3_x1_5", "params", 34 * MEGA // 10, RELEASE, MEGA // 20),
        Claim("shufflenet_g3_x2_0", "macs", 524 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g3_x2_0", "params", 54 * MEGA // 10, RELEASE, MEGA // 20,
              differs="5.451 rounds to 5.5; the release prints 5.4"),
        Claim("shufflenet_g8_x0_5", "macs", 40 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g8_x0_5", "params", MEGA, RELEASE, MEGA // 20),
        Claim("shufflenet_g8_x1_5", "macs", 290 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g8_x1_5", "params", 43 * MEGA // 10, RELEASE, MEGA // 20),
        Claim("shufflenet_g8_x2_0", "macs", 522 * MEGA, RELEASE, MEGA // 2),
        Claim("shufflenet_g8_x2_0", "params", 65 * MEGA // 10, RELEASE, MEGA // 20),
    ),
    results=(
        Result("shufflenet_g3_x2_0", 25.9, 8.6, RELEASE), Result("shufflenet_g3_x1_5", 28.4, 9.8, RELEASE),
        Result("shufflenet_g3", 32.2, 12.3, RELEASE), Result("shufflenet_g8", 32.0, 13.6, RELEASE),
        Result("shufflenet_g3_x0_5", 42.7, 20.0, RELEASE), Result("shufflenet_g8_x0_5", 41.2, 19.0, RELEASE),
        Result("shufflenet_g8_x1_5", 29.0, 10.4, RELEASE), Result("shufflenet_g8_x2_0", 27.1, 9.2, RELEASE),
    ),
    changes=(
        Change("resnext50_32x4d", "shufflenet_g3", "groups in the 1x1 too, a shuffle, depthwise 3x3"),
        Change("mobilenetv1_100", "shufflenet_g3", "grouped 1x1 convolutions and a shuffle"),
    ),
)
