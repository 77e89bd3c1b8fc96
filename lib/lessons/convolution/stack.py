"""A few layers in a row, as a person writes them: the sizes, parameters and receptive field after each."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import pandas as pd
from torch import nn

from lib.analysis import Layer, measure
from lib.analysis.receptive_field import sides_text
from lib.architecture import Impossible, Stage
from lib.lessons.convolution.layer import Built, Shape, build, module_of, size_text, sizes
from lib.lessons.convolution.written import MOST, Described, layers
from lib.meta import on_meta
from lib.once import once
from lib.text import _
from lib.trace import record

STACKED = frozenset({"convolution", "max pooling", "average pooling", "global average pooling", "linear"})
WITHOUT_WINDOW = frozenset({"global average pooling", "linear"})


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack that ran. `ops` has for each layer the last operation of its trace."""

    entered: Shape
    described: tuple[Described, ...]
    layers: tuple[Built, ...]
    ops: tuple[Layer, ...]

    @property
    def windows(self) -> tuple[Described, ...]:
        """The convolutions and poolings: what makes the field."""
        return tuple(each.layer for each in self.layers if each.layer.kind not in WITHOUT_WINDOW)

    @property
    def written(self) -> tuple[Described, ...]:
        """The same as a person wrote them, who says filters only where they matter."""
        return tuple(each for each in self.described if each.kind not in WITHOUT_WINDOW)

    @property
    def field(self) -> int:
        """Rows of the field of one number of the last convolution or pooling."""
        place = max(place for place, each in enumerate(self.layers) if each.layer.kind not in WITHOUT_WINDOW)
        return self.ops[place].field.vertical.size

    @property
    def params(self) -> int:
        return sum(each.params for each in self.layers)

    @property
    def least_side(self) -> int:
        """The side of the smallest square image that the convolutions and poolings can take."""
        return bisect_left(range(MOST + 1), True, lo=1, key=lambda side: fits(self.windows, side))


def fits(windows: tuple[Described, ...], side: int) -> bool:
    """Whether a square image of this side leaves something for every window."""
    size = side, side
    for each in windows:
        size = sizes(each, (1, *size))
        if min(size) < 1:
            return False
    return True


@once
def stack(height: int, width: int, in_channels: int, layers_text: str) -> Stack:
    """The layers on one image of these sizes. Raises `Impossible`, naming the layer that does not fit."""
    entered, described, found = (in_channels, height, width), layers(layers_text), []
    for number, each in enumerate(described, 1):
        before = found[-1].output if found else entered
        try:
            found.append(_next(each, before))
        except Impossible as problem:
            raise Impossible(_("Layer {number}: {problem}").format(number=number, problem=problem)) from None
    if all(each.layer.kind in WITHOUT_WINDOW for each in found):
        raise Impossible(_("There is no convolution and no pooling among these layers. Add one, for example 3."))
    return Stack(entered, described, tuple(found), _run(found, entered))


def _next(described: Described, before: Shape) -> Built:
    if described.kind not in STACKED:
        raise Impossible(_("a stack here takes convolutions, poolings and linear layers."))
    if len(before) == 1 and described.kind != "linear":
        raise Impossible(_("after a linear layer there is no map left to slide over."))
    return build(described, before)


def _run(found: list[Built], entered: Shape) -> tuple[Layer, ...]:
    """The trace of all layers in one network; of each layer the last operation."""
    with on_meta():
        network = nn.Sequential(*[module_of(each.layer, each.entered) for each in found])
    last = {op.path.partition(".")[0]: op for op in measure(record(network, (1, *entered)), (Stage("", {}),))}
    return tuple(last[str(place)] for place in range(len(found)))


@once
def table(found: Stack) -> pd.DataFrame:
    """A row a layer."""
    return pd.DataFrame([{
        _("Layer"): each.layer.words, _("Output"): size_text(each.output), _("Parameters"): each.params,
        _("MACs"): each.macs, _("Field"): _field(op), _("Jump"): sides_text(op.field.jump)}
        for each, op in zip(found.layers, found.ops)])


def _field(op: Layer) -> str:
    return _("whole image") if op.field.whole_image else sides_text(op.field.size)


def written_field(windows: tuple[Described, ...]) -> str:
    """How the field comes about, row by row: `1 + (5 − 1)·1 + (2 − 1)·1 + (3 − 1)·2`."""
    terms, jump = ["1"], 1
    for each in windows:
        spread = f"{each.dilation[0]}·" if each.dilation[0] > 1 else ""
        terms.append(f"({each.kernel[0]} − 1)·{spread}{jump}")
        jump *= each.stride[0]
    return " + ".join(terms)


def least_sides() -> pd.DataFrame:
    """The least sides of an image that torchvision names in the metadata of its weights (`min_size`)."""
    return pd.DataFrame({_("Network"): ["AlexNet", "VGG", "Inception v3"], _("Least side in pixels"): [63, 32, 75]})
