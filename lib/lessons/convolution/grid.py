"""A small kernel on a small map, run by torch: which cells each output is computed from, and which cells nothing reads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.architecture import Impossible
from lib.measuring import seeded
from lib.once import once
from lib.text import _
from lib.trace import output_size

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

    def products(self, row: int, column: int) -> str:
        """The output cell as a sum of products, a line for each row of the kernel."""
        weights = [f"(−{-weight})" if weight < 0 else f"{weight}" for line in self.kernel for weight in line]
        products = [f"{self.padded[y][x]}·{weight}" for (y, x), weight in zip(self.window(row, column), weights)]
        side = len(self.kernel)
        return "\n+ ".join(" + ".join(products[start:start + side]) for start in range(0, side * side, side))

    @property
    def unread(self) -> list[tuple[int, int]]:
        """Cells of `padded` that no window reads."""
        return [(y, x) for y, row in enumerate(self.reads) for x, count in enumerate(row) if not count]

    @property
    def unread_in_map(self) -> int:
        """How many of those lie on the map itself."""
        return sum(not self.is_padding(*place) for place in self.unread)

    @property
    def corner_reads(self) -> int:
        """How many cells of the map itself the first output cell reads."""
        return sum(not self.is_padding(*place) for place in self.window(0, 0))

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


def first_grid(kernel: int, stride: int) -> Slide:
    """The grid of the first step: a 7x7 map with one cell of padding."""
    return slide(7, kernel, stride, padding=1, dilation=1)


def _rows(channel: Tensor) -> Rows:
    return tuple(tuple(int(value) for value in row) for row in channel[0, 0].tolist())


def check_size(size: int, kernel: int, padding: int, dilation: int) -> None:
    """Raises `Impossible` if the kernel does not fit once into the padded map."""
    if output_size(size, kernel, 1, padding, dilation) < 1:
        raise Impossible(no_room(dilation * (kernel - 1) + 1, size + 2 * padding))


def no_room(reach: int, cells: int) -> str:
    """Why a kernel cannot be put anywhere."""
    return _("The kernel reaches over {reach} cells, but the padded map has only {cells}: there is no place to put it. "
             "Take a smaller kernel, less dilation or more padding.").format(reach=reach, cells=cells)


@once
def same_padding(kernel: int, dilation: int) -> tuple[int, ...]:
    """Sizes of the output of a convolution with stride 1 on `SAME_MAP` cells, with 0, 1, 2, ... zeros added in all."""
    most = 2 * dilation * (kernel - 1) + 2
    line, weights = torch.zeros(1, 1, SAME_MAP), torch.zeros(1, 1, kernel)
    return tuple(F.conv1d(F.pad(line, (zeros // 2, zeros - zeros // 2)), weights, dilation=dilation).shape[-1]
                 for zeros in range(most + 1))


SAME_MAP = 32
"""Cells of the map on which it is tried which padding keeps the size."""
