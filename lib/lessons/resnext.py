"""ResNeXt's block in its three forms with the same weights, its matrix, its cost against its cardinality."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.digits import change
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnet import Bottleneck
from lib.models.resnext import equal_weights_width
from lib.once import once

OUTER, INNER, MAP = 256, 64, 56
MOST_DRAWN = 2
MOST_CELLS = 128
PATHS, WIDTH = Choice((1, 2, 4, 8, 16, 32), 32), Choice((1, 2, 4, 8, 14, 24, 40, 64), 4)
SEED = Choice(tuple(range(10)), 0)
CARDINALITIES = (1, 2, 4, 8, 16, 32, 64)
TEMPLATES = ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))
"""(C, d) of the rows of the paper's Table 3."""
DOUBLED = {"ResNet-101, the start": 22.0, "ResNet-200: deeper": 21.7, "1×100d: wider": 21.3, "2×64d: more paths": 20.7,
           "64×4d: more paths": 20.4}
"""Top-1 error in %, one crop of 224 pixels. Xie et al. 2016, Table 4; all but the first cost twice as much."""


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
                "drawn": len(self.matrix), "blank": f"{(self.matrix == 0).sum():,}",
                "kernels": f"{self.matrix.size:,}"}


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
        largest["its 3×3 as a dense one"] = tuple(
            _difference(some, by_zeros, narrow, kind) for kind in (torch.float32, torch.float64))
        output = float(block(x.double()).max())
    return Differences(largest, output, dense.square().sum((2, 3)).sqrt().numpy())


def _difference(first: nn.Module, second: nn.Module, x: Tensor, kind: torch.dtype) -> float:
    """The largest absolute difference of what two modules make of a map, in this precision."""
    return float((first.to(kind)(x.to(kind)) - second.to(kind)(x.to(kind))).abs().max())


class Forms(NamedTuple):
    """The three forms of a block on 56x56 maps."""

    added: Block
    concatenated: Block
    grouped: Block

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """A row for each form: what it holds and what it costs."""
        rows = [(name, f"{block.weights:,}", f"{block.macs:,}", f"{block.other_operations:,}", len(block.convolutions))
                for name, block in zip(names, self)]
        return pd.DataFrame(rows, columns=["Form", "Weights", "MACs", "Other operations", "Convolutions"])


@once
def forms(cardinality: int, width: int) -> Forms:
    """The block as paths added, as paths concatenated, and grouped."""
    builds = (lambda: PathsAdded(grouped(cardinality, width)), lambda: PathsConcatenated(grouped(cardinality, width)),
              lambda: grouped(cardinality, width))
    return Forms(*(run_block(build, OUTER, MAP) for build in builds))


def drawn(cardinality: int, width: int) -> tuple[int, Forms]:
    """How many paths fit into a picture, and the three forms with that many."""
    paths = min(cardinality, MOST_DRAWN)
    return paths, forms(paths, width)


@once
def pieces(cardinality: int, width: int) -> tuple[int, int, int]:
    """Weights of the three convolutions of a grouped block."""
    return tuple(op.params for op in run_block(lambda: grouped(cardinality, width), OUTER, MAP).convolutions)


def equal_cost(cardinality: int, width: int) -> list[tuple[str, tuple[int, int, int]]]:
    """(name, weights of the three convolutions): for every cardinality the width that keeps the weights nearest to
    those of one path of 64, and last the block that was chosen."""
    rows = [(f"{c}×{(d := equal_weights_width(OUTER, INNER, c))}d", pieces(c, d)) for c in CARDINALITIES]
    return [*rows, ("yours", pieces(cardinality, width))]


@once
def equal_cost_table(cardinality: int, width: int) -> pd.DataFrame:
    """The same as a table: all channels inside, the weights, and each total against one path of 64."""
    rows = equal_cost(cardinality, width)
    target = sum(rows[0][1])
    return pd.DataFrame([(name, inside := weights[0] // OUTER, *(f"{count:,}" for count in weights), f"{sum(weights):,}",
                          change(target, sum(weights))) for name, weights in rows],
                        columns=["C×d", "Channels inside", "First 1×1", "3×3", "Last 1×1", "Weights", "Against 1×64d"])


@once
def cost_fields(cardinality: int, width: int) -> dict[str, object]:
    """The numbers of the chosen block that the lesson's text speaks of."""
    chosen, start = pieces(cardinality, width), pieces(1, INNER)
    return {"cardinality": cardinality, "width": width, "inside": cardinality * width, "weights": f"{sum(chosen):,}",
            "change": change(sum(start), sum(chosen)), "start": f"{sum(start):,}",
            "nearest": equal_weights_width(OUTER, INNER, cardinality), "share": f"{100 * chosen[1] / sum(chosen):.0f}",
            "start_share": f"{100 * start[1] / sum(start):.0f}", "zeros": f"{100 * (1 - 1 / cardinality):.1f}"}


def knobs(depth: int, cardinality: int, width: int) -> dict[str, int]:
    """The knobs of `resnext50_32x4d` that make this network."""
    return {"depth": depth, "cardinality": cardinality, "base_width": width}


@once
def network(depth: int, cardinality: int, width: int) -> Analysis:
    """The ResNeXt of this depth with C paths of width d."""
    return lib.analyze("resnext50_32x4d", **knobs(depth, cardinality, width))


def errors() -> dict[int, list[float]]:
    """Top-1 error in % of `TEMPLATES` by depth: Xie et al. 2016, Table 3."""
    results = {result.preset: result.top1 for result in catalog.get("resnext50_32x4d").results
               if result.source == "Xie et al. 2016, Table 3"}
    return {depth: [results[f"resnext{depth}_{c}x{d}d"] for c, d in TEMPLATES] for depth in (50, 101)}


@once
def error_fields(depth: int) -> dict[str, object]:
    """What the paper's first and last template have, and what they cost here."""
    first, last = (network(depth, *template) for template in (TEMPLATES[0], TEMPLATES[-1]))
    return {"depth": depth, "size": first.image, "first": errors()[depth][0], "last": errors()[depth][-1],
            "percent": f"{100 * (last.macs / first.macs - 1):.1f}"}


@once
def published(depth: int) -> pd.DataFrame:
    """The networks of Table 3 of this depth: what ours count, and the paper's error."""
    rows = [(f"{c}×{d}d", f"{network(depth, c, d).params:,}", f"{network(depth, c, d).macs:,}", f"{error:.1f}")
            for (c, d), error in zip(TEMPLATES, errors()[depth])]
    return pd.DataFrame(rows, columns=["C×d", "Parameters", "MACs", "Top-1 error, % (paper)"])


NETWORKS = {"ResNet-50": "resnet50", "ResNeXt-50 32×4d": "resnext50_32x4d", "ResNet-50-D": "resnet50d",
            "ResNeSt fast, R 1, K 1": "resnest50d_1s1x64d", "ResNeSt fast, R 1, K 4": "resnest50d_1s4x24d",
            "ResNeSt fast, R 2, K 1": "resnest50d_2s1x64d", "ResNeSt fast, R 4, K 1": "resnest50d_4s1x64d",
            "ResNeSt, R 2, K 1": "resnest50d"}


@once
def networks() -> dict[str, Analysis]:
    """ResNet, ResNeXt and ResNeSts of 50 layers, with R splits and K groups."""
    return {name: lib.analyze(preset) for name, preset in NETWORKS.items()}


def billions() -> dict[str, float]:
    """Multiply-adds of `networks` in billions."""
    return {name: round(analysis.macs / 10**9, 2) for name, analysis in networks().items()}


@once
def networks_table() -> pd.DataFrame:
    """A row for each of `networks`."""
    rows = [(name, f"{analysis.params:,}", f"{analysis.macs:,}") for name, analysis in networks().items()]
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs"])


MEASUREMENTS = (Measurement(differences, (PATHS, WIDTH, SEED)),)
