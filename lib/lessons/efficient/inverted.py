"""MobileNetV2's inverted residual beside ResNet's bottleneck, between the same two widths and in real networks."""

from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from lib.analysis.block import Block, run_block
from lib.models.mobilenet_v2 import InvertedResidual
from lib.models.resnet import BasicBlock, Bottleneck
from lib.once import once
from lib.trace import numel

EXPANSIONS = (1, 2, 3, 4, 6, 8, 10)
PAPER_EXPANSION = 6
"""Of all blocks but the first in Table 2 of MobileNetV2's paper."""
CONV2_X = 56
"""Height and width of the maps in ResNet's conv2_x and MobileNetV2's second row."""


class Inversion(NamedTuple):
    """The same two widths, once wide at the ends and once in the middle."""

    bottleneck: Block
    inverted: Block

    @property
    def share(self) -> float:
        """Weights of the inverted block over those of the bottleneck."""
        return self.inverted.weights / self.bottleneck.weights

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        narrow, wide = (block.ops[0].in_shapes[0] for block in (self.inverted, self.bottleneck))
        return {"narrow": narrow[1], "wide": wide[1], "size": narrow[2], "bottleneck": f"{self.bottleneck.weights:,}",
                "inverted": f"{self.inverted.weights:,}", "carried": f"{numel(narrow):,}",
                "carried_wide": f"{numel(wide):,}", "share": f"{100 * self.share:.1f} %",
                "written_out": self.inverted.written_out}


@once
def invert(narrow: int, expansion: int, size: int) -> Inversion:
    """ResNet's bottleneck and MobileNetV2's block between the widths `narrow` and `expansion` times that."""
    wide = narrow * expansion
    return Inversion(
        run_block(lambda: Bottleneck(wide, wide // 4, base_width=Fraction(64 * narrow, wide // 4)), wide, size),
        run_block(lambda: InvertedResidual(narrow, narrow, 1, expansion), narrow, size))


def equal_expansion(narrow: int) -> int:
    """The expansion at which both blocks hold as many weights. Their 1x1 convolutions are equally large, so it is where the
    depthwise 3x3, which grows with the expansion, has come up to the bottleneck's, which does not."""
    pair, expansion = invert(narrow, 2, 7), 2
    full, depthwise = (next(op.params for op in block.convolutions if op.window.kernel == (3, 3)) for block in pair)
    return full * expansion // depthwise


@once
def shares(narrow: int) -> dict[int, float]:
    """Expansion to the inverted block's weights as a share of the bottleneck's, up to where they are equal."""
    return {expansion: invert(narrow, expansion, 7).share for expansion in (*EXPANSIONS, equal_expansion(narrow))}


@once
def share_table(narrow: int) -> pd.DataFrame:
    """A row for each expansion: the weights of both blocks."""
    pairs = {expansion: invert(narrow, expansion, 7) for expansion in shares(narrow)}
    return pd.DataFrame([(expansion, pair.bottleneck.weights, pair.inverted.weights, f"{pair.share:.1%}")
                         for expansion, pair in pairs.items()],
                        columns=["Expansion t", "Bottleneck, weights", "Inverted, weights", "Share"])


@once
def real_blocks() -> dict[str, Block]:
    """The blocks with a shortcut that three networks really have on 56x56 maps."""
    return {"ResNet-34, conv2_x": run_block(lambda: BasicBlock(64, 64), 64, CONV2_X),
            "ResNet-50, conv2_x": run_block(lambda: Bottleneck(256, 64), 256, CONV2_X),
            "MobileNetV2, second row": run_block(lambda: InvertedResidual(24, 24, 1), 24, CONV2_X)}


@once
def blocks_in_networks() -> pd.DataFrame:
    """The same as a table."""
    return pd.DataFrame(
        [(name, block.macs, block.weights, numel(block.ops[0].in_shapes[0]),
          " → ".join(str(channels) for channels in widths(block))) for name, block in real_blocks().items()],
        columns=["Block", "MACs", "Weights", "Numbers in the shortcut", "Channels"])


def widths(block: Block) -> tuple[int, ...]:
    """Channels on the way through a block."""
    return tuple(op.in_shapes[0][1] for op in block.convolutions) + (block.convolutions[-1].out_shapes[0][1],)


def without_activation(block: Block) -> set[int]:
    """Which of a block's convolutions, counted from 0, have no activation between them and the next one or the end."""
    places = [*(op.index for op in block.convolutions), len(block.ops)]
    return {number for number, (start, end) in enumerate(zip(places, places[1:]))
            if not any(op.kind in ("relu", "hardtanh") for op in block.ops[start:end])}
