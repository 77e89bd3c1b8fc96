"""FPN. Lin, Dollár, Girshick, He, Hariharan, Belongie, "Feature Pyramid Networks for Object Detection", 2016,
arXiv:1612.03144.

Fig. 3 and section 3: a backbone's maps C2 to C5, the top-down pathway with lateral connections, the pyramid P2 to P5.
Module names are torchvision's.
"""

from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import Architecture, Change, Claim, NetworkKnobs, Paper, Preset, Stage
from lib.models import resnest, resnet, resnet_tweaks, resnet_v2, resnext, senet, sknet

STAGES = ("layer1", "layer2", "layer3", "layer4")


class FeaturePyramid(nn.Module):
    """Fig. 3: M5 = lateral(C5), Mi = lateral(Ci) + 2x upsampled Mi+1, and a 3x3 on each makes Pi.

    The 3x3 is there against the aliasing of the upsampling; like torchvision it is also put on M5. Input C2 to C5 with
    `in_channels`, finest first; output P2 to P5, and P6 with `p6`, each of `channels` and as large as its C.
    """

    def __init__(self, in_channels: list[int], channels: int = 256, p6: bool = False):
        super().__init__()
        self.inner_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(c, channels, 1)) for c in in_channels)
        self.layer_blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1)) for _ in in_channels)
        self.p6 = nn.MaxPool2d(1, stride=2) if p6 else None

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        *finer, coarsest = zip(maps, self.inner_blocks, self.layer_blocks)
        c, lateral, smooth = coarsest
        merged = lateral(c)
        pyramid = [smooth(merged)]
        for c, lateral, smooth in reversed(finer):
            top_down = F.interpolate(merged, size=c.shape[-2:], mode="nearest")
            merged = lateral(c) + top_down
            pyramid.insert(0, smooth(merged))
        if self.p6:
            pyramid.append(self.p6(pyramid[-1]))
        return tuple(pyramid)


class Backbone(nn.ModuleDict):
    """The bottom-up pathway: a ResNet up to its last stage. Input (N, in_channels, H, W), output C2 to C5, finest first."""

    def __init__(self, network: nn.Module):
        names = [name for name, _ in network.named_children()]
        super().__init__({name: getattr(network, name) for name in names[:names.index("layer4") + 1]})
        self.channels = [self[name][-1].out_channels for name in STAGES]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for name, module in self.items():
            x = module(x)
            if name in STAGES:
                maps.append(x)
        return maps


class FPN(nn.Module):
    """The backbone and the pyramid on it. Input (N, in_channels, H, W), output P2 to P5 at strides 4, 8, 16, 32, and P6 at
    64."""

    def __init__(self, network: nn.Module, channels: int = 256, p6: bool = False):
        super().__init__()
        self.body = Backbone(network)
        self.fpn = FeaturePyramid(self.body.channels, channels, p6)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.fpn(self.body(x))


BACKBONES = {preset: family.ARCHITECTURE for family in (resnet, resnext, resnet_tweaks, resnet_v2, senet, sknet, resnest)
             for preset, entry in family.ARCHITECTURE.presets.items() if entry.knobs.get("stem") != "cifar"}


class FPNKnobs(NetworkKnobs):
    """What turns a feature pyramid into another one."""

    backbone: Literal[*BACKBONES] = Field(
        "resnet50", title="Backbone", description="A network of four stages, of which C2 to C5 are the outputs.")
    channels: int = Field(256, ge=8, le=512, multiple_of=8, title="Channels d",
                          description="Channels of every level of the pyramid.")
    p6: bool = Field(False, title="P6", description="A coarser level: every second cell of P5.")


def backbone_of(knobs: FPNKnobs):
    """The backbone's family, and its own knobs for this image."""
    family = BACKBONES[knobs.backbone]
    return family, family.knobs.read(family.presets[knobs.backbone].knobs | {
        "input_size": knobs.input_size, "in_channels": knobs.in_channels})


def build(knobs: FPNKnobs) -> FPN:
    family, own = backbone_of(knobs)
    return FPN(family.build(own), knobs.channels, knobs.p6)


def stages(knobs: FPNKnobs) -> tuple[Stage, ...]:
    """The bottom-up rows of the backbone's table, then the levels of the pyramid, coarsest first."""
    family, own = backbone_of(knobs)
    bottom_up = [Stage(row.name, {f"body.{module}": label for module, label in row.modules.items()})
                 for row in family.stages(own)[:-1]]
    levels = [Stage(f"P{level + 2}", {f"fpn.inner_blocks.{level}.0": "lateral", f"fpn.layer_blocks.{level}.0": "smoothing"})
              for level in reversed(range(4))]
    return *bottom_up, *levels, *([Stage("P6", {"fpn.p6": "pool"})] if knobs.p6 else [])


def preset(backbone: str, **more) -> Preset:
    return Preset({"backbone": backbone} | more, f"P2 to P5 of 256 channels on {backbone}.")


ARCHITECTURE = Architecture(
    id="fpn",
    name="FPN",
    summary="A pyramid of maps, each fine and each with the meaning of the deepest one.",
    paper=Paper("Feature Pyramid Networks for Object Detection",
                "T.-Y. Lin, P. Dollár, R. Girshick, K. He, B. Hariharan, S. Belongie", 2016, "1612.03144"),
    knobs=FPNKnobs,
    presets={
        "resnet50_fpn": preset("resnet50"),
        "resnet101_fpn": preset("resnet101"),
        "resnext101_32x8d_fpn": preset("resnext101_32x8d"),
    },
    also=("Feature Pyramid Network",),
    build=build,
    stages=stages,
    claims=(
        Claim("resnet50_fpn", "params", 41_755_286, "torchvision, fasterrcnn_resnet50_fpn, COCO_V1",
              differs="the whole detector: its heads add 14,955,990, and its 53,120 scales and shifts of BN are frozen, so "
                      "that they do not count"),
    ),
    changes=(Change("resnet50", "resnet50_fpn", "a top-down pathway in place of the classifier"),),
)
