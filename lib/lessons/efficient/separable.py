"""A 3x3 convolution in two steps, built for real beside the full one, and MobileNet with the one and with the other."""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import pandas as pd

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.block import Block, run_block
from lib.models.mobilenet import DepthwiseSeparable, FullConvolution
from lib.once import once
from lib.trace import numel

WINDOW = 9
"""Cells of a 3x3 kernel."""
WIDTHS = (16, 32, 64, 128, 256, 512)
NETWORKS = {"mobilenetv1_full": "MobileNet, full 3×3", "mobilenetv1_100": "MobileNet"}
SMALL_MAP = 14
"""Height and width of maps where they cancel out."""


class Split(NamedTuple):
    """A full 3x3 convolution and the depthwise separable one that stands for it."""

    full: Block
    separable: Block

    @property
    def ratio(self) -> Fraction:
        """Multiply-adds of the second, counted on the real layers, over those of the first."""
        return Fraction(self.separable.macs, self.full.macs)

    @property
    def pointwise_share(self) -> float:
        """Percent of the two steps' multiply-adds that lie in the 1x1."""
        return 100 * self.separable.convolutions[1].macs / self.separable.macs

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        layer, (depthwise, pointwise) = self.full.convolutions[0], self.separable.convolutions
        outputs = layer.out_shapes[0][1]
        formula = Fraction(1, outputs) + Fraction(1, WINDOW)
        return {
            "size": layer.in_shapes[0][2], "inputs": layer.in_shapes[0][1], "outputs": outputs,
            "full": f"{self.full.macs:,}", "separable": f"{self.separable.macs:,}",
            "depthwise": f"{depthwise.macs:,}", "pointwise": f"{pointwise.macs:,}",
            "formula": f"{float(formula):.4f}", "ratio": f"{float(self.ratio):.4f}",
            "same": "the same number" if self.ratio == formula else "another number",
        }

    @once
    def table(self) -> pd.DataFrame:
        """A row for each convolution: what it does, and how many multiply-adds it does with a number that it moves."""
        layers = (*self.full.convolutions, *self.separable.convolutions)
        return pd.DataFrame(
            [(name, op.params, op.macs, moved(op), op.macs / moved(op)) for name, op in zip(
                ("Full 3×3", "Depthwise 3×3", "Pointwise 1×1"), layers)],
            columns=["Convolution", "Weights", "MACs", "Numbers moved", "MACs per number"])


def moved(op: Layer) -> int:
    """Numbers that a layer reads and writes at the least: its input, its weights, its output, each once."""
    return sum(map(numel, (*op.in_shapes, *op.out_shapes))) + op.params


@once
def split(inputs: int, outputs: int, size: int) -> Split:
    """The pair on size x size maps."""
    return Split(run_block(lambda: FullConvolution(inputs, outputs), inputs, size),
                 run_block(lambda: DepthwiseSeparable(inputs, outputs), inputs, size))


def times_fewer(inputs: int, size: int, widths: Sequence[int] = WIDTHS) -> list[float]:
    """How many times fewer multiply-adds the two steps make, for each number of output channels."""
    return [float(1 / split(inputs, outputs, size).ratio) for outputs in widths]


@once
def times_table(inputs: int, size: int) -> pd.DataFrame:
    """A row for each of `WIDTHS`: both counts, and each over the other."""
    pairs = [split(inputs, outputs, size) for outputs in WIDTHS]
    return pd.DataFrame([(outputs, pair.full.macs, pair.separable.macs, f"{float(pair.ratio):.2%}", float(1 / pair.ratio))
                         for outputs, pair in zip(WIDTHS, pairs)],
                        columns=["Output channels", "Full, MACs", "Two steps, MACs", "Share", "Times fewer"])


MOST_OUTPUTS = 1000


@once
def outputs_for(inputs: int, times: int) -> int:
    """The fewest output channels from which on the two steps make `times` times fewer multiply-adds."""
    return 1 + bisect_left(range(1, MOST_OUTPUTS + 1), True,
                           key=lambda outputs: split(inputs, outputs, SMALL_MAP).ratio <= Fraction(1, times))


@once
def separable_networks() -> list[Analysis]:
    """MobileNet with full and with separable convolutions."""
    return [lib.analyze(preset) for preset in NETWORKS]


@once
def networks() -> pd.DataFrame:
    """MobileNet with full and with separable convolutions: computed costs, accuracy as its paper prints it."""
    rows = []
    for analysis in separable_networks():
        error = next(result.top1 for result in analysis.architecture.results if result.preset == analysis.preset)
        rows.append((NETWORKS[analysis.preset], analysis.params, analysis.macs, round(100 - error, 1)))
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs", "Top-1 accuracy, %"])


@once
def network_fields() -> dict[str, object]:
    """What the two networks differ by, and where MobileNet's multiply-adds are."""
    (full, separable), analysis = networks().itertuples(index=False), lib.analyze("mobilenetv1_100")
    pointwise = sum(op.macs for op in analysis.ops if op.window and op.window.kernel == (1, 1))
    return {"macs_times": f"{full[2] / separable[2]:.2f}", "params_times": f"{full[1] / separable[1]:.2f}",
            "points": f"{full[3] - separable[3]:.1f}", "size": analysis.image, "macs": f"{separable[2]:,}",
            "pointwise": f"{100 * pointwise / separable[2]:.1f} %"}
