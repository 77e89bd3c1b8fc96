"""ResNeSt. Zhang et al., "ResNeSt: Split-Attention Networks", 2020, arXiv:2004.08955.

Fig. 2 and section 3 (the ResNeSt block), Fig. 3 (split attention in a cardinal group). R is the radix, K the
cardinality. On top of ResNet-D: the deep stem and the pooled shortcut. Module names are timm's.
"""

from functools import partial
from typing import Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import ENDS, INSIDE, Architecture, Change, Claim, Impossible, Paper, Preset, Result, Stage, by_timm
from lib.models import resnet, resnet_tweaks
from lib.models.resnet import FourStageKnobs, FourStages, ResNet, framed, require_whole_width
from lib.models.resnet_tweaks import DEEP, pooled_projection


class SplitAttention(nn.Module):
    """Fig. 3: R splits of every cardinal group, added, pooled, and from that one weight a split and channel.

    Over the R splits the weights sum to 1; a single split has a sigmoid gate. Input (N, channels, H, W), output the
    same. Splits lie one after the other in the 3x3's output, each with its K groups.
    """

    def __init__(self, channels: int, radix: int, cardinality: int, dilation: int = 1):
        super().__init__()
        self.radix, self.cardinality = radix, cardinality
        attention = attention_channels(channels, radix)
        self.conv = nn.Conv2d(channels, radix * channels, 3, padding=dilation, dilation=dilation, groups=radix * cardinality,
                              bias=False)
        self.bn0 = nn.BatchNorm2d(radix * channels)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, attention, 1, groups=cardinality)
        self.bn1 = nn.BatchNorm2d(attention)
        self.fc2 = nn.Conv2d(attention, radix * channels, 1, groups=cardinality)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn0(self.conv(x)))
        splits = x.unflatten(1, (self.radix, -1))  # (N, R, C, H, W)
        gap = self.pool(splits.sum(1))
        logits = self.fc2(self.relu(self.bn1(self.fc1(gap))))
        return (splits * self.weights(logits)).sum(1)

    def weights(self, logits: Tensor) -> Tensor:
        """(N, K R C/K, 1, 1), group by group, to (N, R, C, 1, 1), split by split; normalised over the splits."""
        if self.radix == 1:
            return logits.sigmoid().unflatten(1, (1, -1))
        by_split = logits.view(len(logits), self.cardinality, self.radix, -1).transpose(1, 2)
        return by_split.softmax(1).flatten(2).unflatten(2, (-1, 1, 1))


def attention_channels(channels: int, radix: int) -> int:
    """A quarter of what the splits hold together, in whole eights, at least 32."""
    return max(32, (channels * radix // 4 + 4) // 8 * 8)


class ResNeStBottleneck(nn.Module):
    """Fig. 2: 1x1, split attention, 1x1, and a shortcut. Where ResNet strides, 3x3 average pooling does it here.

    `pool_first` pools before the split attention (the "fast" variants), else after. Input (N, in_channels, H, W),
    output (N, 4 * channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, radix: int = 2, cardinality: int = 1,
                 base_width: int = 64, pool_first: bool = False, dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        width = channels * base_width // 64 * cardinality
        self.out_channels = 4 * channels
        pool = nn.AvgPool2d(3, stride, padding=1) if stride > 1 else nn.Identity()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool_first = pool if pool_first else nn.Identity()
        self.conv2 = SplitAttention(width, radix, cardinality, dilations[0])
        self.pool_last = nn.Identity() if pool_first else pool
        self.conv3 = nn.Conv2d(width, self.out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = pooled_projection(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.pool_last(self.conv2(self.pool_first(residual)))
        residual = self.bn3(self.conv3(residual))
        return self.relu(residual + self.downsample(x))


DEPTHS = {14: (1, 1, 1, 1), 26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


class ResNeStKnobs(FourStageKnobs):
    """What turns a ResNeSt into another one."""

    depth: Literal[14, 26, 50, 101] = Field(50, title="Depth", description="Weight layers: how many blocks in each stage.")
    depths: FourStages = Field(
        default_factory=lambda chosen: DEPTHS[chosen.get("depth", 50)], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="A block of conv2_x gives four times as many channels; each later stage doubles them.")
    stem_width: int = Field(
        default_factory=lambda chosen: 128 if chosen.get("depth") == 101 else 64, ge=8, le=256, multiple_of=8,
        title="Stem width", description="Channels of the deep stem: 64, and 128 from depth 101 on.",
        json_schema_extra=ENDS | {"follows": "depth"})
    radix: int = Field(2, ge=1, le=4, title="Radix R", description="Splits of every cardinal group; 1 leaves a plain gate.")
    cardinality: int = Field(1, ge=1, le=4, title="Cardinality K", description="Cardinal groups, which are concatenated.")
    base_width: int = Field(64, ge=8, le=128, title="Bottleneck width",
                            description="Channels of one cardinal group where the stage has 64.", json_schema_extra=INSIDE)
    pool_first: bool = Field(False, title="Pool first", description="The pooling of a stage before the split attention "
                                                                    "(the ablation's fast variants), not after it.",
                             json_schema_extra=INSIDE)

    @model_validator(mode="after")
    def whole_groups(self):
        require_whole_width(self.width, self.base_width)
        channels = self.width * self.base_width // 64 * self.cardinality
        if channels % (self.radix * self.cardinality):
            widths = [w for w in range(8, 257, 8) if w * self.base_width % (64 * self.radix) == 0]
            nearest = sorted(sorted(widths, key=lambda w: abs(w - self.width))[:2])
            raise Impossible(
                f"layer1.0.conv2 would get {channels} channels in radix × cardinality = {self.radix}·{self.cardinality} "
                f"groups, which is not a whole number for each; the nearest widths that work are "
                f"{' and '.join(map(str, nearest))}.", {"width": tuple(nearest)} if nearest else {"radix": (1,)})
        attention = [attention_channels(channels * 2**i, self.radix) for i in range(4)]
        if any(count % self.cardinality for count in attention):
            raise Impossible(
                f"the attention of layer1.0.conv2 would have {attention[0]} channels in {self.cardinality} cardinal groups, "
                f"which is not a whole number for each; cardinalities 1, 2 and 4 work.", {"cardinality": (2, 4)})
        return self


def build(knobs: ResNeStKnobs) -> ResNet:
    block = partial(ResNeStBottleneck, radix=knobs.radix, cardinality=knobs.cardinality, base_width=knobs.base_width,
                    pool_first=knobs.pool_first)
    return framed(4 * [block], knobs, DEEP if knobs.stem == "imagenet" else None, knobs.stem_width)


def stages(knobs: ResNeStKnobs) -> tuple[Stage, ...]:
    """The rows of ResNet's Table 1, with the deep stem on large images."""
    first, *others = resnet.stages(knobs)
    return resnet_tweaks.DEEP_STEM if knobs.stem == "imagenet" else first, *others


def template(radix: int, cardinality: int, base_width: int) -> Preset:
    """A row of the ablation."""
    return Preset({"radix": radix, "cardinality": cardinality, "base_width": base_width, "pool_first": True},
                  f"{radix} splits, {cardinality} cardinal groups of {base_width} channels, pooling first: an ablation row.")


TABLE = "Zhang et al., ResNeSt ablation table, official repository"
MEGA, GIGA = 10**6, 10**9
ROWS = {"1s1x64d": (263, 434, 80.33), "2s1x64d": (275, 434, 80.53), "4s1x64d": (319, 435, 80.76),
        "1s2x40d": (259, 438, 80.59), "2s2x40d": (269, 438, 80.61), "4s2x40d": (304, 441, 81.14),
        "1s4x24d": (257, 442, 80.99)}
"""The ablation: 0.1 million parameters, 0.01 billion multiply-adds, top-1 accuracy in percent (PyTorch)."""
MORE = "every row of the table is 0.01 to 0.05 above the convolutions and linear layers alone; it does not say what it adds"

ARCHITECTURE = Architecture(
    id="resnest",
    name="ResNeSt",
    summary="Attention over splits inside every cardinal group: SK's choice joined with ResNeXt's groups.",
    paper=Paper("ResNeSt: Split-Attention Networks",
                "H. Zhang, C. Wu, Z. Zhang, Y. Zhu, H. Lin, Z. Zhang, Y. Sun, T. He, J. Mueller, R. Manmatha, M. Li, A. Smola",
                2020, "2004.08955"),
    knobs=ResNeStKnobs,
    presets={
        "resnest50d": Preset({}, "ResNeSt-50: radix 2, cardinality 1.", also=("ResNeSt-50",)),
        "resnest14d": Preset({"depth": 14}, "One block a stage; timm's.", also=("ResNeSt-14",)),
        "resnest26d": Preset({"depth": 26}, "Two blocks a stage; timm's.", also=("ResNeSt-26",)),
        "resnest101e": Preset({"depth": 101, "input_size": 256},
                              "ResNeSt-101 with a stem of 128 channels, trained at 256 pixels.",
                              also=("ResNeSt-101",)),
    } | {f"resnest50d_{radix}s{cardinality}x{width}d": template(radix, cardinality, width)
         for radix, cardinality, width in ((1, 1, 64), (2, 1, 64), (4, 1, 64), (1, 2, 40), (2, 2, 40), (4, 2, 40), (1, 4, 24))},
    also=("split attention",),
    build=build,
    stages=stages,
    claims=tuple(claim for row, (params, macs, _) in ROWS.items() for claim in (
        Claim(f"resnest50d_{row}", "params", params * MEGA // 10, TABLE, MEGA // 20,
              differs="26.22 by our recount, as in timm; the reason is not known" if row == "1s1x64d" else ""),
        Claim(f"resnest50d_{row}", "macs", macs * GIGA // 100, TABLE, GIGA // 200, differs=MORE))) + (
        Claim("resnest101e", "params", 483 * MEGA // 10, "Zhang et al. 2020, Table 7", MEGA // 20),
        *by_timm(resnest50d=2748, resnest14d=1061, resnest26d=1707, resnest101e=4828),
    ),
    results=tuple(Result(f"resnest50d_{row}", round(100 - accuracy, 2), None, TABLE)
                  for row, (_, _, accuracy) in ROWS.items()) + (
        Result("resnest50d", round(100 - 81.03, 2), None, "Zhang et al., ResNeSt, official repository, README"),
    ),
    changes=(
        Change("resnet50d", "resnest50d", "split attention for each 3x3"),
        Change("skresnext50_32x4d", "resnest50d", "splits of one kernel size instead of two kernels"),
    ),
)
