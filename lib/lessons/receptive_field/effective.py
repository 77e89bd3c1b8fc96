"""An effective receptive field: how strongly an output depends on the pixels that it can see. Results, without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.once import once
from lib.trace import Pair


@dataclass(frozen=True, eq=False)
class Effective:
    """How strongly an output in the middle of a map depends on the pixels of the image.

    `values` (rows, columns) are means of |gradient| over cells of `cell` x `cell` pixels, the largest being 1. `image` is the
    (height, width) of the image. `theory` are the (first, last) columns of the theoretical field, which is a square, and
    `rows` its rows: the same where the image is a square too. `half` and `most` are the sides of the centred
    squares that hold 50 and 95 percent of the gradient, at most the image's; `outside` is its largest value outside the
    theoretical field. `columns` is the gradient of each column of pixels, as a share, and `gauss` a Gaussian of the same
    mean and variance.
    """

    values: np.ndarray
    cell: int
    image: Pair
    theory: Pair
    rows: Pair
    half: int
    most: int
    outside: float
    columns: tuple[float, ...]
    gauss: tuple[float, ...]

    @property
    def size(self) -> int:
        """Side of the theoretical field, in pixels."""
        return self.theory[1] - self.theory[0] + 1

    @property
    def spread(self) -> float:
        """Standard deviation of the gradient over the columns, in pixels."""
        places, shares = np.arange(len(self.columns)), np.array(self.columns)
        mean = (places * shares).sum() / shares.sum()
        return float(np.sqrt(((places - mean)**2 * shares).sum() / shares.sum()))

    @property
    def middle(self) -> float:
        """The share of the gradient that lies on the column in the middle of the theoretical field."""
        return self.columns[(self.theory[0] + self.theory[1]) // 2]

    def square(self, side: int) -> tuple[Pair, Pair]:
        """(first, last + 1) column, and row, of a square of this side in the middle of the theoretical field."""
        columns, rows = ((sum(ends) + 1 - side) / 2 for ends in (self.theory, self.rows))
        return (columns, columns + side), (rows, rows + side)

    def fields(self) -> dict[str, object]:
        """The numbers that the text speaks of."""
        return {"theory": self.size, "half": self.half, "most": self.most, "image": max(self.image),
                "outside": f"{self.outside:g}", "area": f"{100 * (self.half / self.size)**2:.1f}"}


@once
def by_depth(found: tuple[Effective, ...]) -> pd.DataFrame:
    """The chain block by block."""
    rows = [(2 * depth, each.size, each.half, each.most, f"{each.half / each.size:.0%}")
            for depth, each in enumerate(found, 1)]
    return pd.DataFrame(rows, columns=["3×3", "Theory, px", "Half, px", "95 %, px", "Half / theory"])


def first_narrow(found: tuple[Effective, ...]) -> int | None:
    """The 3x3 convolutions after which half of the gradient first lies in less than half of the theoretical width."""
    return next((2 * depth for depth, each in enumerate(found, 1) if 2 * each.half < each.size), None)


@once
def sides(found: tuple[Effective, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """The sides of the squares, a row for each name."""
    rows = [(name, each.size, each.half, each.most, round(each.spread, 1)) for name, each in zip(names, found)]
    return pd.DataFrame(rows, columns=["Network", "Theory, px", "Half, px", "95 %, px", "Standard deviation, px"])
