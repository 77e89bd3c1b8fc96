"""Strides that do not divide, in real networks: what the floor leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

import lib
from lib.analysis import Layer
from lib.once import once
from lib.text import _
from lib.trace import Window, output_size

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
    def words(self) -> str:
        """Its window, in short: `7×7, stride 2, padding 3`."""
        kernel, stride, padding = self.window.kernel, self.window.stride[0], self.window.padding[0]
        return _("{kernel}, stride {stride}, padding {padding}").format(
            kernel="×".join(map(str, kernel)), stride=stride, padding=padding)

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
        rows.append((name, axis.division, _("up") if axis.window.ceil_mode else _("down"), axis.outputs, axis.unread_in_map,
                     len(axis.unread) - axis.unread_in_map))
    return pd.DataFrame(rows, columns=[_("Layer"), "(H + 2p − k) / s", _("Rounded"), _("Output rows"),
                                       _("Rows of the map never read"), _("Rows of padding never read")])


def leaving_out() -> frozenset[str]:
    """Those of the `STRIDED` layers that leave out rows of the map itself, not of its padding."""
    return frozenset(name for name in STRIDED if edge(name).unread_in_map)


@once
def alexnet_edge(image: int, padding: int) -> Edge:
    """The vertical axis of AlexNet's first convolution, 11x11 with stride 4, on an image of so many rows."""
    window = Window((11, 11), (4, 4), (padding, padding))
    rows = output_size(image, 11, 4, padding)
    return Edge(image, window, rows)


ALEXNET_SETTINGS = ((224, 0), (224, 1), (224, 2), (227, 0), (227, 2))
"""Image and padding, as papers, libraries and lectures have them."""
ALEXNET_ROWS = 55
"""Rows of the first map in the paper: Krizhevsky, Sutskever, Hinton 2012, Fig. 2."""


@once
def alexnet_table() -> pd.DataFrame:
    """The division and the rows for each of the settings."""
    edges = [(f"{image} × {image}", padding, alexnet_edge(image, padding)) for image, padding in ALEXNET_SETTINGS]
    return pd.DataFrame([(image, padding, axis.division, axis.outputs) for image, padding, axis in edges],
                        columns=[_("Image"), _("Padding"), "(H + 2p − k) / s", _("Output rows")])
