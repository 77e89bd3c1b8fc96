"""The blocks: plain and residual, what goes around them, and why their convolutions have no bias."""

from collections import Counter
from typing import NamedTuple

import pandas as pd
import torch
from torch import nn

import lib
from lib.analysis import Analysis
from lib.analysis.block import Block, run_block
from lib.lessons.residual.signals import PIXELS
from lib.measuring import seeded
from lib.models.resnet import SHORTCUTS, BasicBlock, PlainBasicBlock, ZeroPadding
from lib.once import once

CHANNELS, MAP = 64, 56
"""What comes into the block whose shortcut is built for a chosen shape: ResNet-34's conv2_x."""


@once
def blocks(shortcut: str) -> tuple[Block, Block, Block]:
    """A plain block and a residual one of a CIFAR network's conv2_x, and the first of conv3_x, whose shortcut is dotted."""
    narrow, wide, size = 16, 32, PIXELS
    return (run_block(lambda: PlainBasicBlock(narrow, narrow), narrow, size),
            run_block(lambda: BasicBlock(narrow, narrow, shortcut=SHORTCUTS[shortcut]), narrow, size),
            run_block(lambda: BasicBlock(narrow, wide, 2, SHORTCUTS[shortcut]), narrow, size))


class Pair(NamedTuple):
    """A plain and a residual CIFAR network of the same depth."""

    depth: int
    shortcut: str
    plain: Analysis
    residual: Analysis

    @property
    def more(self) -> int:
        """Parameters that the residual one has more."""
        return self.residual.params - self.plain.params

    @property
    def projections(self) -> list[tuple[int, int]]:
        """Channels in and out of each projection."""
        return [(op.in_shapes[0][1], op.out_shapes[0][1]) for op in self.residual.ops
                if op.kind == "conv2d" and "downsample" in op.name]

    @property
    def written_out(self) -> str:
        """The parameters of the projections, a weight for each pair of channels and two for each channel of the norm:
        `(16·32 + 2·32) + (32·64 + 2·64) = 2,752`."""
        terms = [f"{f'{count} · ' if count > 1 else ''}({incoming}·{outgoing} + 2·{outgoing})"
                 for (incoming, outgoing), count in Counter(self.projections).items()]
        return f"{' + '.join(terms)} = {self.more:,}" if terms else "0"

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        return {"depth": self.depth, "shortcut": self.shortcut, "size": self.plain.image,
                "plain_params": f"{self.plain.params:,}", "plain_macs": f"{self.plain.macs:,}",
                "residual_params": f"{self.residual.params:,}", "residual_macs": f"{self.residual.macs:,}",
                "more": f"{self.more:,}", "per_stage": (self.depth - 2) // 6, "blocks": (self.depth - 2) // 2,
                "projections": len(self.projections),
                "written_out": self.written_out}


@once
def same_depth(depth: int, shortcut: str) -> Pair:
    """A plain and a residual CIFAR network of `depth` weight layers, counted."""
    plain, residual = (lib.analyze("resnet56_cifar", n=(depth - 2) // 6, residual=residual, shortcut=shortcut)
                       for residual in (False, True))
    return Pair(depth, shortcut, plain, residual)


@once
def cost_table(depth: int, shortcut: str) -> pd.DataFrame:
    """Parameters and multiply-adds of the two."""
    pair = same_depth(depth, shortcut)
    return pd.DataFrame([{"Network": f"{name}-{depth}", "Parameters": analysis.params, "MACs": analysis.macs}
                         for name, analysis in (("plain", pair.plain), (f"ResNet ({shortcut})", pair.residual))])


# The three cases of a shortcut

@once
def block_around(shortcut: str, outgoing: int, stride: int) -> Block:
    """A residual block of 64 channels in and `outgoing` out, on 56x56 maps."""
    return run_block(lambda: BasicBlock(CHANNELS, outgoing, stride, SHORTCUTS[shortcut]), CHANNELS, MAP)


def around(shortcut: str, outgoing: int, stride: int) -> str:
    """What really goes around that block: `identity`, `padding`, `projection` or `strided`, a projection with a stride."""
    way = SHORTCUTS[shortcut](CHANNELS, outgoing, stride)
    if isinstance(way, nn.Identity):
        return "identity"
    if isinstance(way, ZeroPadding):
        return "padding"
    return "strided" if way[0].stride == (2, 2) else "projection"


# A bias before a norm

@once
def biased() -> pd.DataFrame:
    """The mean of one channel after a convolution whose bias is 0, or 2, and after the batch norm behind it: once with the
    batch's own statistics, once with those that it kept while the bias was 0."""
    rows = []
    for bias in (0.0, 2.0):
        with seeded(0), torch.no_grad():
            images = torch.randn(8, 3, PIXELS, PIXELS)
            convolution, norm = nn.Conv2d(3, 1, 3, padding=1), nn.BatchNorm2d(1, momentum=1.0)
            convolution.bias.fill_(0)
            norm(convolution(images))
            convolution.bias.fill_(bias)
            output = convolution(images)
            kept = norm.eval()(output).mean()
            rows.append({"Bias": f"{bias:g}", "After the convolution": f"{output.mean():z.2f}",
                         "After the norm, training": f"{norm.train()(output).mean():z.2f}",
                         "After the norm, statistics kept from bias 0": f"{kept:z.2f}"})
    return pd.DataFrame(rows)
