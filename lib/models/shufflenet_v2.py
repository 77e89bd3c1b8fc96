"""ShuffleNet V2. Ma, Zhang, Zheng, Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
2018, arXiv:1807.11164.

Fig. 3 (c) and (d) (the units), Table 5 (the network at four sizes). Module names are torchvision's.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import Architecture, Change, Claim, Knobs, Paper, Preset, Result, Stage, by_torchvision
from lib.models.heads import Head, head_knob
from lib.models.heads import head as pooling_and_linear
from lib.models.resnet import initialize
from lib.models.shufflenet import channel_shuffle


class ShuffleUnitV2(nn.Module):
    """Fig. 3 (c): half of the channels pass by, the other half go through 1x1, depthwise 3x3, 1x1; both are joined and
    shuffled. Input and output (N, channels, H, W).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.branch2 = pointwise_depthwise_pointwise(channels // 2, channels // 2, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        passed, worked_on = x.chunk(2, 1)
        return channel_shuffle(torch.cat([passed, self.branch2(worked_on)], 1), 2)


class ShuffleDownV2(nn.Module):
    """Fig. 3 (d): both branches read all channels and halve the resolution; joined they double the channels.

    Input (N, in_channels, H, W), output (N, channels, H / 2, W / 2).
    """

    def __init__(self, in_channels: int, channels: int):
        super().__init__()
        half = channels // 2
        self.branch1 = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, stride=2, padding=1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True))
        self.branch2 = pointwise_depthwise_pointwise(in_channels, half, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return channel_shuffle(torch.cat([self.branch1(x), self.branch2(x)], 1), 2)


def pointwise_depthwise_pointwise(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """The working branch of both units: no groups in its 1x1 convolutions (guideline G2), equal widths (G1)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False), nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


TABLE_5 = {50: (48, 1024), 100: (116, 1024), 150: (176, 1024), 200: (244, 2048)}
"""Channels of stage 2, which double twice, and of conv5, by the scale in percent."""


class ShuffleNetV2(nn.Module):
    """Table 5: a 3x3 stem, max pooling, stages of 4, 8 and 4 units, a 1x1, global pooling, linear layer.

    `scale` picks the column, in percent. Input (N, in_channels, H, W), output (N, num_classes).
    """

    def __init__(self, scale: int = 100, num_classes: int = 1000, head: Head = "average", in_channels: int = 3):
        super().__init__()
        channels, last = TABLE_5[scale]
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, 24, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)

        def stage(units: int, in_channels: int, channels: int) -> nn.Sequential:
            return nn.Sequential(
                ShuffleDownV2(in_channels, channels), *(ShuffleUnitV2(channels) for _ in range(units - 1)))

        self.stage2 = stage(4, 24, channels)
        self.stage3 = stage(8, channels, 2 * channels)
        self.stage4 = stage(4, 2 * channels, 4 * channels)
        self.conv5 = nn.Sequential(
            nn.Conv2d(4 * channels, last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True))
        self.globalpool, self.fc = pooling_and_linear(head, last, num_classes)
        initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(self.globalpool(x).flatten(1))


class ShuffleNetV2Knobs(Knobs):
    """What turns a ShuffleNet V2 into another one."""

    scale: Literal[50, 100, 150, 200] = Field(100, title="Scale, %", description="A column of Table 5.")
    head: Head = head_knob()


def build(knobs: ShuffleNetV2Knobs) -> ShuffleNetV2:
    return ShuffleNetV2(knobs.scale, knobs.num_classes, knobs.head, knobs.in_channels)


def stages(knobs: Knobs) -> tuple[Stage, ...]:
    """The rows of Table 5."""
    def layer(name: str) -> dict[str, str]:
        return {f"{name}.0": "conv", f"{name}.1": "bn", f"{name}.2": "relu"}

    return (
        Stage("Conv1", layer("conv1")), Stage("MaxPool", {"maxpool": ""}), Stage("Stage2", {"stage2": ""}),
        Stage("Stage3", {"stage3": ""}), Stage("Stage4", {"stage4": ""}), Stage("Conv5", layer("conv5")),
        Stage("head", {"globalpool": "", "fc": ""}))


MEGA = 10**6
RELEASE = "Ma et al., ShuffleNet-Series, official release"
PRINTED = {"x0_5": (41, 14, 38.9, 17.4), "x1_0": (146, 23, 30.6, 11.1), "x1_5": (299, 35, 27.4, 9.4), "x2_0": (591, 74, 25.0, 7.6)}
"""Million multiply-adds, 0.1 million parameters, top-1 and top-5 error in percent."""
MORE = "0.5 to 8 million fewer in convolutions and the linear layer; the release does not say what else it counts"
TORCHVISION = {"x0_5": (60.552, 81.746), "x1_0": (69.362, 88.316)}
"""Top-1 and top-5 accuracy in percent. torchvision trained the two larger networks by a later, longer recipe: left out."""

ARCHITECTURE = Architecture(
    id="shufflenet_v2",
    name="ShuffleNet V2",
    summary="Built for the clock, not for the count: split, work on one half, join, shuffle.",
    paper=Paper("ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
                "N. Ma, X. Zhang, H.-T. Zheng, J. Sun", 2018, "1807.11164"),
    knobs=ShuffleNetV2Knobs,
    presets={f"shufflenet_v2_{name}": Preset({"scale": scale}, f"The column {scale / 100:g}× of Table 5; torchvision's.")
             for name, scale in (("x1_0", 100), ("x0_5", 50), ("x1_5", 150), ("x2_0", 200))},
    build=build,
    stages=stages,
    claims=tuple(claim for name, (macs, params, _, _) in PRINTED.items() for claim in (
        Claim(f"shufflenet_v2_{name}", "params", params * MEGA // 10, RELEASE, MEGA // 20),
        Claim(f"shufflenet_v2_{name}", "macs", macs * MEGA, RELEASE, MEGA // 2, differs=MORE))) + (
        *by_torchvision("shufflenet_v2_x0_5", 1_366_792, 40), *by_torchvision("shufflenet_v2_x1_0", 2_278_604, 145),
        *by_torchvision("shufflenet_v2_x1_5", 3_503_624, 296), *by_torchvision("shufflenet_v2_x2_0", 7_393_996, 583)),
    results=tuple(Result(f"shufflenet_v2_{name}", top1, top5, RELEASE) for name, (_, _, top1, top5) in PRINTED.items()) + tuple(
        Result(f"shufflenet_v2_{name}", round(100 - top1, 3), round(100 - top5, 3), "torchvision, IMAGENET1K_V1", "torchvision 224")
        for name, (top1, top5) in TORCHVISION.items()),
    changes=(Change("shufflenet_g3", "shufflenet_v2_x1_0", "a channel split for groups, equal widths"),),
)
