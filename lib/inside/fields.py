"""Which part of the picture a cell sees."""

from __future__ import annotations

from dataclasses import dataclass

from lib.analysis import Analysis, Layer
from lib.analysis.receptive_field import Axis
from lib.trace import Pair


@dataclass(frozen=True)
class Seen:
    """The receptive field of a cell: first and last row and column, in pixels. Before 0, and from the picture's `size` on,
    they lie in the padding. `whole` tells that besides them every pixel counts, through a global operation; `everything`
    that the cell has no place of its own."""

    rows: Pair
    columns: Pair
    size: Pair
    whole: bool
    everything: bool = False

    def on_picture(self) -> tuple[Pair, Pair]:
        """Its part that lies on the picture: first and last row, first and last column."""
        return tuple((max(0, first), min(size - 1, last)) for (first, last), size in zip((self.rows, self.columns), self.size))

    @property
    def outside(self) -> bool:
        """Whether a part of it lies in the padding."""
        return self.on_picture() != (self.rows, self.columns)


def seen(analysis: Analysis, op: Layer, cell: tuple[int, int, int]) -> Seen | None:
    """What a cell (map, row, column) of an op's output sees; None if that is unknown."""
    size, field = analysis.input_shape[2:], op.field
    if field is None:
        return None
    if not field.is_map:
        return Seen((0, size[0] - 1), (0, size[1] - 1), size, True, everything=True)
    return Seen(_span(field.vertical, cell[1]), _span(field.horizontal, cell[2]), size, field.whole_image)


def _span(axis: Axis, place: int) -> Pair:
    return axis.span(min(place, axis.cells - 1))
