"""What ResNeXt's block costs: its three forms, its cardinality against its width."""

from typing import NamedTuple

import pandas as pd

from lib.analysis.block import Block, run_block
from lib.architecture import Impossible
from lib.digits import change
from lib.lessons.resnext.paths import INNER, OUTER, PathsAdded, PathsConcatenated, grouped
from lib.models.resnext import equal_weights_width
from lib.once import once
from lib.text import _

MAP = 56
"""Height and width of the maps of conv2_x."""
MOST_DRAWN = 2
"""Paths that fit into a picture."""
CARDINALITIES = (1, 2, 4, 8, 16, 32, 64)


class Forms(NamedTuple):
    """The three forms of a block on 56x56 maps: Fig. 3 (a), (b) and (c)."""

    added: Block
    concatenated: Block
    grouped: Block

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """A column for each form: what it holds and what it costs."""
        rows = {"Weights": [block.weights for block in self], "MACs": [block.macs for block in self],
                "Other operations": [block.other_operations for block in self],
                "Convolutions": [len(block.convolutions) for block in self]}
        return pd.DataFrame({"Number of": list(rows)} | {
            name: [f"{values[index]:,}" for values in rows.values()] for index, name in enumerate(names)})

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        return {"weights": f"{self.grouped.weights:,}", "macs": f"{self.grouped.macs:,}", "size": MAP,
                "more": f"{self.added.other_operations - self.grouped.other_operations:,}",
                "counts": ", ".join(str(len(block.convolutions)) for block in self)}


@once
def forms(cardinality: int, width: int) -> Forms:
    """The block as paths added, as paths concatenated, and grouped."""
    builds = (lambda: PathsAdded(grouped(cardinality, width)), lambda: PathsConcatenated(grouped(cardinality, width)),
              lambda: grouped(cardinality, width))
    return Forms(*(run_block(build, OUTER, MAP) for build in builds))


def several(cardinality: int) -> None:
    """Raise `Impossible` where there is one path alone."""
    if cardinality == 1:
        raise Impossible(_("With one path there is nothing to compare here: choose a cardinality of 2 or more."),
                         {"cardinality": (2,)})


def drawn(cardinality: int, width: int) -> tuple[int, Forms]:
    """How many paths fit into a picture, and the three forms with that many."""
    paths = min(cardinality, MOST_DRAWN)
    return paths, forms(paths, width)


@once
def block(cardinality: int, width: int) -> Block:
    """The grouped block of C paths of width d on 56x56 maps."""
    return run_block(lambda: grouped(cardinality, width), OUTER, MAP)


def pieces(cardinality: int, width: int) -> tuple[int, int, int]:
    """Weights of the three convolutions of a grouped block."""
    return tuple(op.params for op in block(cardinality, width).convolutions)


Row = tuple[str, tuple[int, int, int]]
"""A block's name and the weights of its three convolutions."""


def equal_cost(cardinality: int, width: int) -> list[Row]:
    """For every cardinality the width that keeps the weights nearest to those of one path of 64, and last the block that
    was chosen."""
    rows = [(f"{c}×{(d := equal_weights_width(OUTER, INNER, c))}d", pieces(c, d)) for c in CARDINALITIES]
    return [*rows, (_("yours"), pieces(cardinality, width))]


def equal_inside(cardinality: int) -> list[Row]:
    """64 channels inside: as one path, as C paths, and as twice as many of half the width."""
    counts = dict.fromkeys((1, cardinality, 2 * cardinality))
    return [(f"{c}×{INNER // c}d", pieces(c, INNER // c)) for c in counts]


@once
def weights_table(rows: list[Row]) -> pd.DataFrame:
    """Rows as a table: all channels inside, the weights, and each total against that of the first row."""
    target = sum(rows[0][1])
    columns = ["C×d", "Channels inside", "First 1×1", "3×3", "Last 1×1", "Weights", f"Against {rows[0][0]}"]
    return pd.DataFrame([(name, weights[0] // OUTER, *(f"{count:,}" for count in weights), f"{sum(weights):,}",
                          change(target, sum(weights))) for name, weights in rows], columns=columns)


def cost_fields(cardinality: int, width: int) -> dict[str, object]:
    """The numbers of the chosen block that the lesson's text speaks of."""
    chosen, start = pieces(cardinality, width), pieces(1, INNER)
    return {"cardinality": cardinality, "width": width, "inside": cardinality * width, "weights": f"{sum(chosen):,}",
            "change": change(sum(start), sum(chosen)), "start": f"{sum(start):,}", "outer": OUTER, "inner": INNER,
            "nearest": equal_weights_width(OUTER, INNER, cardinality), "share": f"{100 * chosen[1] / sum(chosen):.0f}",
            "start_share": f"{100 * start[1] / sum(start):.0f}", "zeros": f"{100 * (1 - 1 / cardinality):.1f}"}
