"""The arithmetic of a convolution: its output's size, its weights, its cost, and what it is equal to, all run for real."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lib
from lib.analysis import Layer
from lib.analysis.block import Block, run_block
from lib.analysis.derivation import derive
from lib.analysis.outline import Part
from lib.architecture import Impossible
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.once import once
from lib.trace import Window, output_size

SIZE, SEED = Choice(tuple(range(4, 10)), 7), Choice((0, 1, 2, 3, 4), 0)
CHANNELS = (1, 2, 4, 8, 16, 32, 64)
IN_CHANNELS, OUT_CHANNELS = Choice(CHANNELS, 16), Choice(CHANNELS, 32)
Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Slide:
    """One kernel that slid over one small channel. `padded` is the map with its border of zeros; `reads` counts for each
    of its cells the windows that read it."""

    padded: Rows
    kernel: Rows
    output: Rows
    reads: Rows
    stride: int
    padding: int
    dilation: int

    def nearest(self, row: int, column: int) -> tuple[int, int]:
        """The output cell at this place, or the last one before it. Rows and columns count from 0."""
        return min(row, len(self.output) - 1), min(column, len(self.output) - 1)

    def window(self, row: int, column: int) -> list[tuple[int, int]]:
        """The cells of `padded` that this output cell is computed from, in the order of the kernel's weights."""
        steps = range(0, len(self.kernel) * self.dilation, self.dilation)
        return [(row * self.stride + down, column * self.stride + across) for down in steps for across in steps]

    def written_out(self, row: int, column: int) -> str:
        """The output cell as a sum, a line for each row of the kernel."""
        weights = [f"(−{-weight})" if weight < 0 else f"{weight}" for line in self.kernel for weight in line]
        products = [f"{self.padded[y][x]}·{weight}" for (y, x), weight in zip(self.window(row, column), weights)]
        side = len(self.kernel)
        lines = [" + ".join(products[start:start + side]) for start in range(0, side * side, side)]
        return f"output[{row + 1}, {column + 1}]\n= " + "\n+ ".join(lines) + f"\n= {self.output[row][column]}".replace("-", "−")

    @property
    def unread(self) -> list[tuple[int, int]]:
        """Cells of `padded` that no window reads."""
        return [(y, x) for y, row in enumerate(self.reads) for x, count in enumerate(row) if not count]

    def fields(self, row: int, column: int) -> dict[str, int]:
        """The numbers that the text beside the grid speaks of."""
        return {"row": row + 1, "column": column + 1, "outputs": len(self.output), "unread": len(self.unread),
                "unread_map": sum(not self.is_padding(*place) for place in self.unread)}

    def is_padding(self, row: int, column: int) -> bool:
        inside = range(self.padding, len(self.padded) - self.padding)
        return row not in inside or column not in inside


@once
def slide(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Slide:
    """A kernel of small whole numbers run by torch over a size x size map of small whole numbers.

    Raises `Impossible` if the kernel is larger than the padded map.
    """
    check_size(size, kernel, padding, dilation)
    with seeded(0):
        image = torch.randint(0, 6, (1, 1, size, size)).double()
        weights = torch.randint(-2, 3, (1, 1, kernel, kernel)).double()
    padded = F.pad(image, [padding] * 4).requires_grad_()
    output = F.conv2d(padded, weights, stride=stride, dilation=dilation)
    # With weights of one, the gradient of the sum counts in how many windows a cell lies.
    F.conv2d(padded, torch.ones_like(weights), stride=stride, dilation=dilation).sum().backward()
    return Slide(_rows(padded), _rows(weights), _rows(output), _rows(padded.grad), stride, padding, dilation)


def _rows(channel: Tensor) -> Rows:
    return tuple(tuple(int(value) for value in row) for row in channel[0, 0].tolist())


def check_size(size: int, kernel: int, padding: int, dilation: int) -> None:
    """Raises `Impossible` if the kernel does not fit once into the padded map."""
    if output_size(size, kernel, 1, padding, dilation) < 1:
        raise Impossible(f"The kernel reaches over {dilation * (kernel - 1) + 1} cells, but the padded map has only "
                         f"{size + 2 * padding}: there is no place to put it. Take a smaller kernel, less dilation or more "
                         "padding.")


@once
def layer(size: int, kernel: int, stride: int, padding: int, dilation: int, in_channels: int, out_channels: int,
          groups: int) -> Block:
    """A real convolution without bias on a map of `in_channels` channels. Raises `Impossible` where torch refuses it."""
    check_size(size, kernel, padding, dilation)
    if in_channels % groups or out_channels % groups:
        raise Impossible(f"{groups} groups do not divide {in_channels} channels in and {out_channels} out into equal parts. "
                         "Choose a number of groups that divides both.")
    return run_block(lambda: nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False),
                     in_channels, size)


@once
def steps(block: Block) -> pd.DataFrame:
    """How the layer's output, weights and multiply-adds come about: formula, numbers put in, result."""
    found = derive(Part("", "layer", "", block.ops), block.ops)
    return pd.DataFrame([(step.quantity, step.formula, step.numbers, step.result) for step in found[:4]],
                        columns=["Quantity", "Formula", "With these numbers", "Result"])


@once
def layer_fields(block: Block) -> dict[str, object]:
    """The numbers that the text about the layer speaks of."""
    op = block.convolutions[0]
    (_, shape), = op.weights
    return {"shape": " × ".join(map(str, shape)), "per_group": shape[1], "in_channels": op.in_shapes[0][1], "groups": op.groups,
            "weights": f"{block.weights:,}", "outputs": op.out_shapes[0][2], "macs": f"{block.macs:,}"}


def connections(in_channels: int, out_channels: int, groups: int) -> list[list[int]]:
    """For each output channel (a row), 1 for every input channel that it depends on: a real grouped convolution with
    weights of one sees each input channel switched on alone."""
    convolution = nn.Conv2d(in_channels, out_channels, 1, groups=groups, bias=False)
    nn.init.ones_(convolution.weight)
    with torch.no_grad():
        alone = torch.eye(in_channels)[:, :, None, None]
        return convolution(alone)[:, :, 0, 0].T.int().tolist()


STRIDED = {f"{preset} {name}": (preset, name) for preset, name in (
    ("resnet50", "conv1"), ("resnet50", "maxpool"), ("resnet50", "layer2.0.conv2"), ("resnet50", "layer2.0.downsample.0"),
    ("alexnet", "features.0"), ("alexnet_2012", "features.0"), ("vgg16", "features.4"), ("googlenet", "maxpool1"))}
"""Layers of real networks that move by more than one cell."""


@dataclass(frozen=True)
class Edge:
    """What a sliding window reads along one axis of `size` cells. Places count from the map's first cell; those of the
    padding are negative, or `size` and more."""

    size: int
    window: Window
    outputs: int

    def read_by(self, output: int) -> list[int]:
        first = output * self.window.stride[0] - self.window.padding[0]
        return [first + step * self.window.dilation[0] for step in range(self.window.kernel[0])]

    @property
    def unread(self) -> list[int]:
        """Places of the padded map that no window reads."""
        padding = self.window.padding[0]
        read = {place for output in range(self.outputs) for place in self.read_by(output)}
        return [place for place in range(-padding, self.size + padding) if place not in read]

    @property
    def unread_in_map(self) -> int:
        """How many of those lie on the map."""
        return sum(0 <= place < self.size for place in self.unread)

    @property
    def division(self) -> str:
        """The division before it is rounded: `(224 + 2·3 − 7) / 2 = 111.5`."""
        kernel, stride, padding = self.window.kernel[0], self.window.stride[0], self.window.padding[0]
        return f"({self.size} + 2·{padding} − {kernel}) / {stride} = {(self.size + 2 * padding - kernel) / stride:g}"


@once
def edge(name: str) -> Edge:
    """The vertical axis of one of the `STRIDED` layers."""
    preset, op_name = STRIDED[name]
    op: Layer = next(op for op in lib.analyze(preset).ops if op.name == op_name)
    return Edge(op.in_shapes[0][2], op.window, op.out_shapes[0][2])


@once
def strided() -> pd.DataFrame:
    """The `STRIDED` layers: the division, which way it is rounded, and the rows that no window reads."""
    rows = []
    for name in STRIDED:
        axis = edge(name)
        rows.append((name, axis.division, "up" if axis.window.ceil_mode else "down", axis.outputs, axis.unread_in_map,
                     len(axis.unread) - axis.unread_in_map))
    return pd.DataFrame(rows, columns=["Layer", "(H + 2p − k) / s", "Rounded", "Output rows", "Rows of the map never read",
                                       "Rows of padding never read"])


@once
def edge_fields(name: str) -> dict[str, object]:
    """The numbers that the text about real strides speaks of."""
    axis = edge(name)
    return {"stem_division": edge("resnet50 conv1").division, "layer": name, "unread_map": axis.unread_in_map,
            "unread_padding": len(axis.unread) - axis.unread_in_map}


def as_convolution(linear: nn.Linear, channels: int, size: int) -> nn.Conv2d:
    """The convolution that equals a linear layer on flattened (channels, size, size) maps: the same weights, reshaped."""
    convolution = nn.Conv2d(channels, linear.out_features, size)
    convolution.weight.data = linear.weight.data.view(linear.out_features, channels, size, size)
    convolution.bias.data = linear.bias.data
    return convolution


def per_pixel(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """A 1x1 convolution done as a linear layer: (N, C_in, H, W) to (N, C_out, H, W), every pixel a row of a matrix."""
    pixels = maps.permute(0, 2, 3, 1)
    return F.linear(pixels, convolution.weight[:, :, 0, 0], convolution.bias).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Agreement:
    """Two ways to compute the same numbers: the first of them, how many, the largest difference and the largest number."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    count: int
    difference: float
    largest: float
    weights: int


SHOWN = 200
IMAGES = 8


def _agreement(first: Tensor, second: Tensor, weights: int) -> Agreement:
    first, second = first.flatten(), second.flatten()
    return Agreement(tuple(first[:SHOWN].tolist()), tuple(second[:SHOWN].tolist()), len(first),
                     (first - second).abs().max().item(), first.abs().max().item(), weights)


@torch.no_grad()
def equalities(size: int, in_channels: int, out_channels: int, seed: int, *,
               progress: Progress = quiet) -> tuple[Agreement, ...]:
    """A linear layer against its convolution; the same two on maps with two more rows and columns, where the linear layer
    must be run on every crop; and a 1x1 convolution against a linear layer on every pixel."""
    with seeded(seed):
        linear, pointwise = nn.Linear(in_channels * size * size, out_channels), nn.Conv2d(in_channels, out_channels, 1)
        maps = torch.randn(IMAGES, in_channels, size + 2, size + 2)
    convolution, small = as_convolution(linear, in_channels, size), maps[..., :size, :size]
    once = _agreement(linear(small.flatten(1)), convolution(small).flatten(1), linear.weight.numel())
    progress(0.3)
    crops = [linear(maps[..., y:y + size, x:x + size].flatten(1)) for y in range(3) for x in range(3)]
    slid = _agreement(torch.stack(crops, -1), convolution(maps).flatten(2), linear.weight.numel())
    progress(0.8)
    return once, slid, _agreement(per_pixel(pointwise, maps), pointwise(maps), pointwise.weight.numel())


@once
def compared(names: list[str], found: tuple[Agreement, ...]) -> pd.DataFrame:
    """The agreements as a table."""
    rows = [(name, f"{each.weights:,}", f"{each.count:,}", f"{each.largest:.2f}", f"{each.difference:.1e}")
            for name, each in zip(names, found)]
    return pd.DataFrame(rows, columns=["Computed in two ways", "Weights of either", "Numbers compared", "Largest number",
                                       "Largest difference"])


MEASUREMENTS = (Measurement(equalities, (SIZE, IN_CHANNELS, OUT_CHANNELS, SEED)),)
