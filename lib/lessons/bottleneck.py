"""Two 3x3 convolutions, a bottleneck and a grouped bottleneck, built for real and compared."""

from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from lib.analysis.block import Block, run_block
from lib.models.resnet import BasicBlock, Bottleneck
from lib.models.resnext import equal_weights_width
from lib.once import once


class Comparison(NamedTuple):
    """The three blocks on maps of the same width and size."""

    basic: Block
    bottleneck: Block
    grouped: Block

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        inner, grouped = self.bottleneck.convolutions[1], self.grouped.convolutions[1]
        _, outer, size, _ = self.basic.ops[0].in_shapes[0]
        return {
            "outer": outer, "inner": inner.out_shapes[0][1], "size": size, "cardinality": grouped.groups,
            "grouped_width": grouped.out_shapes[0][1], "width_per_group": grouped.out_shapes[0][1] // grouped.groups,
            "basic": f"{self.basic.weights:,}", "bottleneck": f"{self.bottleneck.weights:,}",
            "grouped": f"{self.grouped.weights:,}",
            "percent": f"{100 * self.bottleneck.weights / self.basic.weights:.1f}",
            "times": f"{self.basic.weights / self.bottleneck.weights:.2f}",
            "grouped_percent": f"{100 * self.grouped.weights / self.bottleneck.weights:.1f}",
        }

    @once
    def table(self, names: list[str]) -> pd.DataFrame:
        """Weights and operations of the three, and each as a share of the first. One column a block."""
        rows = {
            "Weights of the convolutions": [block.weights for block in self],
            "Parameters with batch norm": [block.params for block in self],
            "MACs of the convolutions": [block.macs for block in self],
            "Other operations (norm, ReLU, addition)": [block.other_operations for block in self],
        }
        table = {"Quantity": list(rows)}
        for index, name in enumerate(names):
            table[name] = [f"{values[index]:,} ({values[index] / values[0]:.1%})" for values in rows.values()]
        return pd.DataFrame(table)


@once
def compare(outer: int, inner: int, cardinality: int, size: int) -> Comparison:
    """The three blocks at `outer` channels on size x size maps. The grouped block has `cardinality` groups, as wide as
    keeps its weights nearest to the bottleneck's."""
    width = equal_weights_width(outer, inner, cardinality)

    def bottleneck(width_per_group: int, groups: int) -> Bottleneck:
        channels = outer // 4
        return Bottleneck(outer, channels, groups=groups, base_width=Fraction(64 * width_per_group, channels))

    return Comparison(run_block(lambda: BasicBlock(outer, outer), outer, size),
                      run_block(lambda: bottleneck(inner, 1), outer, size),
                      run_block(lambda: bottleneck(width, cardinality), outer, size))


@once
def in_resnet() -> dict[str, object]:
    """The numbers of the blocks where they really sit: ResNet-34's of conv2_x and conv4_x, ResNet-50's of conv2_x."""
    large, small, narrow, outer = 56, 14, 64, 256
    at_56, at_14 = run_block(lambda: BasicBlock(narrow, narrow), narrow, large), run_block(
        lambda: BasicBlock(outer, outer), outer, small)
    bottleneck = run_block(lambda: Bottleneck(outer, narrow), outer, large)
    return {"outer": outer, "small": small, "large": large, "narrow": narrow, "deep_macs": f"{at_14.macs:,}",
            "narrow_weights": f"{at_56.weights:,}", "narrow_macs": f"{at_56.macs:,}",
            "bottleneck_macs": f"{bottleneck.macs:,}", "percent": f"{100 * bottleneck.macs / at_56.macs:.1f}"}
