"""ResNeXt's block in its three forms with the same weights in memory, run and compared; its 3x3 as a dense matrix."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib.measuring import Progress, quiet, seeded
from lib.models.resnet import Bottleneck
from lib.once import once

OUTER, INNER = 256, 64
"""Channels in and out of a block of conv2_x, and those inside the plain bottleneck."""
MOST_CELLS = 128
"""Channels of the matrix that is drawn."""
DENSE = "its 3×3 as a dense one"


def grouped(cardinality: int, width: int) -> Bottleneck:
    """Fig. 3 (c): the block of conv2_x, 256 channels in and out, with one grouped 3x3 between the 1x1. It is what runs."""
    return Bottleneck(OUTER, INNER, groups=cardinality, base_width=width)


def with_weight(weight: Tensor) -> nn.Conv2d:
    """A convolution with this (out, in, k, k) weight: the same numbers in memory, not a copy."""
    out_channels, in_channels, kernel, _ = weight.shape
    convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    convolution.weight = nn.Parameter(weight.detach())
    return convolution


def way_in(block: Bottleneck, group: int) -> list[nn.Module]:
    """A path's 1x1 and 3x3: the part of a grouped block's weights that makes the channels of one group."""
    width = block.conv2.in_channels // block.conv2.groups
    own = slice(group * width, (group + 1) * width)
    return [with_weight(block.conv1.weight[own]), nn.BatchNorm2d(width), nn.ReLU(),
            with_weight(block.conv2.weight[own]), nn.BatchNorm2d(width), nn.ReLU()]


class PathsAdded(nn.Module):
    """Fig. 3 (a): C paths 1x1, 3x3, 1x1, each ending at 256 channels; their outputs are added, then the shortcut.

    Input and output (N, 256, H, W). The weights are those of a grouped block.
    """

    def __init__(self, block: Bottleneck):
        super().__init__()
        ways_out = block.conv3.weight.chunk(block.conv2.groups, dim=1)
        self.paths = nn.ModuleList(
            nn.Sequential(*way_in(block, group), with_weight(way_out)) for group, way_out in enumerate(ways_out))
        self.bn3 = nn.BatchNorm2d(block.out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        total = torch.stack([path(x) for path in self.paths]).sum(0)
        return self.relu(self.bn3(total) + x)


class PathsConcatenated(nn.Module):
    """Fig. 3 (b): C paths 1x1, 3x3; their outputs are concatenated and one 1x1 reads them all, then the shortcut.

    Input and output (N, 256, H, W). The weights are those of a grouped block.
    """

    def __init__(self, block: Bottleneck):
        super().__init__()
        self.paths = nn.ModuleList(nn.Sequential(*way_in(block, group)) for group in range(block.conv2.groups))
        self.conv3 = with_weight(block.conv3.weight)
        self.bn3 = nn.BatchNorm2d(block.out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([path(x) for path in self.paths], dim=1)
        return self.relu(self.bn3(self.conv3(joined)) + x)


def first_groups(convolution: nn.Conv2d) -> nn.Conv2d:
    """As many groups of a grouped convolution, from the first on, as lie within 128 channels: few enough to draw."""
    width = convolution.in_channels // convolution.groups
    groups = min(convolution.groups, MOST_CELLS // width)
    part = nn.Conv2d(groups * width, groups * width, 3, padding=1, groups=groups, bias=False)
    part.weight = nn.Parameter(convolution.weight[:groups * width].detach())
    return part


def dense_weight(convolution: nn.Conv2d) -> Tensor:
    """The (out, in, k, k) weight of the ungrouped convolution that does the same: the groups as blocks, else zeros."""
    weight = convolution.weight.detach()
    dense = weight.new_zeros(convolution.out_channels, convolution.in_channels, *weight.shape[2:])
    rows, columns = len(weight) // convolution.groups, weight.shape[1]
    for group, part in enumerate(weight.chunk(convolution.groups)):
        dense[group * rows:(group + 1) * rows, group * columns:(group + 1) * columns] = part
    return dense


class Differences(NamedTuple):
    """Largest absolute differences from the grouped form in float32 and float64, by name; the largest output; and the
    sizes (root of the summed squares) of the kernels of the dense weight, (out, in), 0 where there is no group."""

    largest: dict[str, tuple[float, float]]
    output: float
    matrix: np.ndarray

    @once
    def table(self) -> pd.DataFrame:
        """A row for each form."""
        rows = [(name, *map(_short, values)) for name, values in self.largest.items()]
        return pd.DataFrame(rows, columns=["Against the grouped form", "float32", "float64"])

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        single, double = (max(values) for values in zip(*self.largest.values()))
        return {"single": _short(single), "double": _short(double), "output": f"{self.output:.1f}",
                "dense": _short(self.largest[DENSE][0]), "drawn": len(self.matrix),
                "blank": f"{(self.matrix == 0).sum():,}", "kernels": f"{self.matrix.size:,}"}


def _short(value: float) -> str:
    """`1.4e-06`, and `0` for what is exactly that."""
    return f"{value:.1e}" if value else "0"


def differences(cardinality: int, width: int, seed: int, progress: Progress = quiet) -> Differences:
    """The forms on a 7x7 map with the same weights, norms with its own statistics; and the 3x3 as a dense one."""
    with seeded(seed):
        block = grouped(cardinality, width)
        x = torch.randn(1, OUTER, 7, 7)  # of one image, threads do not share out hundreds of tiny convolutions
    some = first_groups(block.conv2)
    narrow, dense = x[:, :some.in_channels], dense_weight(some)
    paths = {"paths added": PathsAdded(block), "paths concatenated": PathsConcatenated(block)}
    largest: dict[str, tuple[float, float]] = {}
    with torch.no_grad():
        for done, (name, form) in enumerate(paths.items()):
            progress(done / 3)
            largest[name] = tuple(_difference(block, form, x, kind) for kind in (torch.float32, torch.float64))
        progress(2 / 3)
        by_zeros = with_weight(dense)
        largest[DENSE] = tuple(
            _difference(some, by_zeros, narrow, kind) for kind in (torch.float32, torch.float64))
        output = float(block(x.double()).max())
    return Differences(largest, output, dense.square().sum((2, 3)).sqrt().numpy())


def _difference(first: nn.Module, second: nn.Module, x: Tensor, kind: torch.dtype) -> float:
    """The largest absolute difference of what two modules make of a map, in this precision."""
    return float((first.to(kind)(x.to(kind)) - second.to(kind)(x.to(kind))).abs().max())


def redrawn(cardinality: int, width: int, seed: int, progress: Progress = quiet) -> tuple[Differences, Differences]:
    """The same with the weights and the input of this seed, and with those of the next one."""
    first = differences(cardinality, width, seed, lambda share: progress(share / 2))
    return first, differences(cardinality, width, seed + 1, lambda share: progress((1 + share) / 2))
