"""SKNet. Li, Wang, Hu, Yang, "Selective Kernel Networks", 2019, arXiv:1903.06586.

Fig. 1 (Split, Fuse, Select), Table 1 (SKNet-50: ResNeXt-50 32x4d with SK units for its 3x3). Module names are timm's
where the classes agree.
"""

from functools import partial
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from lib.architecture import INSIDE, Architecture, Change, Claim, Impossible, Paper, Preset, Result, by_timm
from lib.models.resnet import (
    TABLE_1, BasicBlock, FourStageKnobs, FourStages, ResNet, framed, identity_or_projection, require_bottlenecks,
    require_whole_width, stages)


class Path(nn.Module):
    """One branch of Split: a 3x3 convolution whose `dilation` makes it see 3, 5 or 7 cells, then BN and ReLU.

    Input (N, in_channels, H, W), output (N, out_channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, dilation: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=dilation, dilation=dilation, groups=groups,
                              bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class KernelAttention(nn.Module):
    """Fuse, Fig. 1 and equations 1 to 5: from M branches one weight a branch and channel; over the branches they sum to 1.

    z has d = max(C / r, L) numbers. Input (N, M, C, H, W), output (N, M, C, 1, 1).
    """

    def __init__(self, channels: int, branches: int, reduction: int, floor: int):
        super().__init__()
        d = max(channels // reduction, floor)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc_reduce = nn.Conv2d(channels, d, 1, bias=False)
        self.bn = nn.BatchNorm2d(d)
        self.relu = nn.ReLU(inplace=True)
        self.fc_select = nn.Conv2d(d, branches * channels, 1, bias=False)

    def forward(self, branches: Tensor) -> Tensor:
        n, m, c = branches.shape[:3]
        s = self.pool(branches.sum(1))
        z = self.relu(self.bn(self.fc_reduce(s)))
        return self.fc_select(z).view(n, m, c, 1, 1).softmax(1)


class SelectiveKernel(nn.Module):
    """Fig. 1, the SK convolution SK[M, r, G]: Split into M kernels, Fuse them to weights, Select by a weighted sum.

    `split_input` gives every branch its share of the input's channels instead of all (timm's smaller nets). `dilation`
    widens all of them. Input (N, in_channels, H, W), output (N, out_channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, dilation: int = 1, groups: int = 1,
                 branches: int = 2, reduction: int = 16, floor: int = 32, split_input: bool = False):
        super().__init__()
        self.split_input = split_input
        path_channels = in_channels // branches if split_input else in_channels
        self.paths = nn.ModuleList(
            Path(path_channels, out_channels, stride, branch * dilation, groups) for branch in range(1, branches + 1))
        self.attn = KernelAttention(out_channels, branches, reduction, floor)

    def forward(self, x: Tensor) -> Tensor:
        inputs = x.chunk(len(self.paths), 1) if self.split_input else [x] * len(self.paths)
        split = torch.stack([path(each) for path, each in zip(self.paths, inputs)], 1)
        weights = self.attn(split)
        return (split * weights).sum(1)


class SKBasicBlock(nn.Module):
    """ResNet's basic block with an SK convolution for its first 3x3; timm's, the paper has bottlenecks only.

    `sk(in_channels, out_channels, stride, dilation)` builds the SK convolution. Input (N, in_channels, H, W), output
    (N, channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, sk=SelectiveKernel,
                 dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        first, second = dilations
        self.out_channels = channels
        self.conv1 = sk(in_channels, channels, stride, first)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=second, dilation=second, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = identity_or_projection(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn2(self.conv2(self.conv1(x))) + self.downsample(x))


class SKUnit(nn.Module):
    """A row of Table 1: 1x1, SK convolution, 1x1, and a shortcut.

    `sk(in_channels, out_channels, stride, dilation)` builds the SK convolution, `width` are its channels where the stage
    has 64. Input (N, in_channels, H, W), output (N, 4 * channels, H / stride, W / stride).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1, sk=SelectiveKernel, width: int = 64,
                 dilations: tuple[int, int] = (1, 1)):
        super().__init__()
        inner = channels * width // 64
        self.out_channels = 4 * channels
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = sk(inner, inner, stride, dilations[0])
        self.conv3 = nn.Conv2d(inner, self.out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = identity_or_projection(in_channels, self.out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn3(self.conv3(self.conv2(residual)))
        return self.relu(residual + self.downsample(x))


class SKNetKnobs(FourStageKnobs):
    """What turns an SKNet into another one."""

    depth: Literal[18, 34, 50, 101] = Field(
        50, title="Depth", description="Blocks per stage as in the ResNet of this depth; 50 and 101 have bottlenecks.")
    depths: FourStages = Field(
        default_factory=lambda chosen: TABLE_1[chosen.get("depth", 50)][1], title="Blocks per stage",
        description="Blocks in conv2_x, conv3_x, conv4_x and conv5_x.", json_schema_extra={"follows": "depth"})
    width: int = Field(64, ge=8, le=256, multiple_of=8, title="Width",
                       description="Channels of the stem and of conv2_x; each later stage doubles them.")
    branches: Literal[2, 3] = Field(2, title="Branches M", description="Kernels to select from: 3 and 5 cells wide, or also 7.")
    reduction: Literal[2, 4, 8, 16, 32] = Field(16, title="Reduction r", description="z has max(C / r, L) numbers.",
                                                json_schema_extra=INSIDE)
    floor: int = Field(32, ge=1, le=128, title="Floor L", description="The fewest numbers that z may have.",
                       json_schema_extra=INSIDE)
    cardinality: int = Field(
        default_factory=lambda chosen: 32 if chosen.get("depth", 50) >= 50 else 1, ge=1, le=64, title="Groups G",
        description="Groups of every branch's convolution.", json_schema_extra={"follows": "depth"})
    base_width: int = Field(
        default_factory=lambda chosen: 4 if chosen.get("depth", 50) >= 50 else 64, ge=1, le=64,
        title="Width per group d", description="Channels of one group where the stage has 64; bottlenecks only.",
        json_schema_extra={"follows": "depth"})
    split_input: bool = Field(False, title="Split the input",
                              description="Each branch reads its share of the input's channels, not all (timm's smaller "
                                          "nets).", json_schema_extra=INSIDE)

    @model_validator(mode="after")
    def fits_together(self):
        require_bottlenecks(self, cardinality=1, base_width=64)
        require_whole_width(self.width, self.base_width)
        channels = self.width * self.base_width // 64 * self.cardinality
        if self.split_input and channels % (self.branches * self.cardinality):
            raise Impossible(
                f"layer1.0 would have to split {channels} channels into {self.branches} branches of whole groups "
                f"(cardinality {self.cardinality}); without split_input every branch reads them all.",
                {"split_input": (False,)})
        return self


def build(knobs: SKNetKnobs) -> ResNet:
    sk = partial(SelectiveKernel, groups=knobs.cardinality, branches=knobs.branches, reduction=knobs.reduction,
                 floor=knobs.floor, split_input=knobs.split_input)
    if TABLE_1[knobs.depth][0] is BasicBlock:
        block = partial(SKBasicBlock, sk=sk)
    else:
        block = partial(SKUnit, sk=sk, width=knobs.base_width * knobs.cardinality)
    return framed(4 * [block], knobs)


SPLIT = {"reduction": 8, "floor": 16, "split_input": True}
TABLE = "Li et al. 2019, Table 2"
MEGA, GIGA = 10**6, 10**9

ARCHITECTURE = Architecture(
    id="sknet",
    name="SKNet",
    summary="Two kernel sizes side by side, and for every channel a soft choice between them.",
    paper=Paper("Selective Kernel Networks", "X. Li, W. Wang, X. Hu, J. Yang", 2019, "1903.06586"),
    knobs=SKNetKnobs,
    presets={
        "skresnext50_32x4d": Preset({}, "The paper's SKNet-50, SK[2, 16, 32] in ResNeXt-50 32x4d; the name is timm's.",
                                    also=("SKNet-50",)),
        "sknet101": Preset({"depth": 101}, "The paper's SKNet-101, SK[2, 16, 32] in ResNeXt-101 32x4d."),
        "sknet50_3_branches": Preset({"branches": 3}, "SKNet-50 with M = 3: kernels that see 3, 5 and 7 cells."),
        "skresnet18": Preset({"depth": 18} | SPLIT, "timm's ResNet-18 with SK convolutions on a split input."),
        "skresnet34": Preset({"depth": 34} | SPLIT, "timm's ResNet-34 with SK convolutions on a split input."),
        "skresnet50": Preset({"cardinality": 1, "base_width": 64, "floor": 8, "split_input": True},
                             "timm's ResNet-50 with SK convolutions on a split input, no groups."),
    },
    also=("selective kernels",),
    build=build,
    stages=stages,
    claims=(
        Claim("skresnext50_32x4d", "params", 275 * MEGA // 10, TABLE, MEGA // 20),
        Claim("skresnext50_32x4d", "macs", 447 * GIGA // 100, TABLE, GIGA // 200,
              differs="4.463 in convolutions and linear layers; the table does not say what else it counts"),
        *by_timm(skresnext50_32x4d=2748, skresnet18=1196, skresnet34=2228),
        Claim("sknet101", "params", 489 * MEGA // 10, TABLE, MEGA // 20,
              differs="48.74 by SK[2, 16, 32] in ResNeXt-101 32x4d, which is exact for SKNet-50; the reason is not known"),
        Claim("sknet101", "macs", 846 * GIGA // 100, TABLE, GIGA // 200,
              differs="8.449 in convolutions and linear layers; the table does not say what else it counts"),
    ),
    results=(
        Result("skresnext50_32x4d", 20.79, None, TABLE),
        Result("sknet101", 20.19, None, TABLE),
    ),
    changes=(
        Change("resnext50_32x4d", "skresnext50_32x4d", "a choice between two kernels for each 3x3"),
        Change("seresnext50_32x4d", "skresnext50_32x4d", "a softmax over kernels instead of a gate"),
    ),
)
