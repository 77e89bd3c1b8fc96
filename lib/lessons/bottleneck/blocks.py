"""Two 3x3 convolutions, a bottleneck and a grouped bottleneck, built for real and compared."""

from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from lib.analysis.block import Block, run_block
from lib.models.resnet import BasicBlock, Bottleneck
from lib.models.resnext import equal_weights_width
from lib.once import once
from lib.trace import numel


class Comparison(NamedTuple):
    """The three blocks on maps of the same width and size."""

    basic: Block
    bottleneck: Block
    grouped: Block

    @property
    def times(self) -> float:
        """How many times fewer weights the bottleneck has than two 3x3 convolutions."""
        return self.basic.weights / self.bottleneck.weights

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        inner, grouped = self.bottleneck.convolutions[1], self.grouped.convolutions[1]
        _, outer, size, _ = self.basic.ops[0].in_shapes[0]
        return {
            "outer": outer, "inner": inner.out_shapes[0][1], "size": size, "cardinality": grouped.groups,
            "grouped_width": grouped.out_shapes[0][1], "width_per_group": grouped.out_shapes[0][1] // grouped.groups,
            "basic": f"{self.basic.weights:,}", "bottleneck": f"{self.bottleneck.weights:,}",
            "grouped": f"{self.grouped.weights:,}", "written_out": self.bottleneck.written_out,
            "percent": f"{100 * self.bottleneck.weights / self.basic.weights:.1f}",
            "times": f"{self.times:.2f}",
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
    return Comparison(run_block(lambda: BasicBlock(outer, outer), outer, size), bottleneck(outer, inner, 1, size),
                      bottleneck(outer, width, cardinality, size))


@once
def bottleneck(outer: int, width_per_group: int, groups: int, size: int) -> Block:
    """A bottleneck from `outer` channels to `outer` channels on size x size maps."""
    channels = outer // 4
    base_width = Fraction(64 * width_per_group, channels)
    return run_block(lambda: Bottleneck(outer, channels, groups=groups, base_width=base_width), outer, size)


def shares(block: Block) -> list[tuple[str, int]]:
    """Each convolution of a block, such as `3×3, 64 → 64`, and its weights."""
    named = []
    for op in block.convolutions:
        (_, shape), = op.weights
        split = f" in {op.groups} groups" if op.groups > 1 else ""
        named.append((f"{shape[2]}×{shape[3]}, {op.in_shapes[0][1]} → {shape[0]}{split}", numel(shape)))
    return named


class InResNet(NamedTuple):
    """The blocks where they really sit: the basic ones of conv2_x and conv4_x in ResNet-34, conv2_x's in ResNet-50."""

    narrow: Block
    deep: Block
    bottleneck: Block

    @property
    def percent(self) -> float:
        """What the bottleneck costs of the block that it replaces, in multiply-adds."""
        return 100 * self.bottleneck.macs / self.narrow.macs

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        shapes = [block.ops[0].in_shapes[0] for block in self]
        return {"outer": shapes[1][1], "small": shapes[1][2], "large": shapes[0][2], "narrow": shapes[0][1],
                "deep_macs": f"{self.deep.macs:,}", "narrow_weights": f"{self.narrow.weights:,}",
                "narrow_macs": f"{self.narrow.macs:,}", "bottleneck_macs": f"{self.bottleneck.macs:,}",
                "percent": f"{self.percent:.1f}"}

    @once
    def table(self) -> pd.DataFrame:
        """A row for each block."""
        names = ("ResNet-34, conv2_x", "ResNet-34, conv4_x", "ResNet-50, conv2_x")
        return pd.DataFrame([{
            "Where": name, "Input": block.input, "Block": " + ".join(f"{op.window.kernel[0]}×{op.window.kernel[1]}"
                                                                     for op in block.convolutions),
            "Weights": block.weights, "MACs": block.macs} for name, block in zip(names, self)])


@once
def in_resnet() -> InResNet:
    """The three blocks, built and run on their own maps."""
    large, small, narrow, outer = 56, 14, 64, 256
    return InResNet(run_block(lambda: BasicBlock(narrow, narrow), narrow, large),
                    run_block(lambda: BasicBlock(outer, outer), outer, small),
                    run_block(lambda: Bottleneck(outer, narrow), outer, large))
