"""The stem of 2015 and that of ResNet-C: what they cost, what they see, and why a stem stays plain."""

from typing import NamedTuple

import pandas as pd
from torch import nn

from lib.analysis.block import Block, run_block
from lib.lessons.tweaks.networks import IMAGE, WIDTH, network
from lib.models.resnet import BasicBlock
from lib.models.resnet_tweaks import deep_stem
from lib.models.stems import stem
from lib.once import once

WIDTHS = (8, 16, 24, 32, 64, 96, 128)
PLACES = ("first", "second", "third")
"""Which of the three 3x3 convolutions may have the stride of 2; in ResNet-C the first has it."""


class Stems(NamedTuple):
    """The stem of 2015 and that of ResNet-C on an image, and a 7x7 and a 3x3 convolution at equal channels."""

    plain: Block
    deep: Block
    equal_7x7: Block
    equal_3x3: Block

    @property
    def times(self) -> float:
        """How many times as many multiply-adds the three 3x3 need as the 7x7."""
        return self.deep.macs / self.plain.macs

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        halved = self.deep.convolutions[0]
        return {"half": halved.out_shapes[0][1], "width": self.plain.convolutions[0].out_shapes[0][1],
                "side": halved.out_shapes[0][2], "plain": f"{self.plain.macs:,}", "deep": f"{self.deep.macs:,}",
                "plain_sum": self.plain.written_out, "deep_sum": self.deep.written_out,
                "per_7x7": f"{self.equal_7x7.macs / self.equal_3x3.macs:.1f}",
                "per_three": f"{self.equal_7x7.macs / (3 * self.equal_3x3.macs):.1f}"}

    def pieces(self) -> list[tuple[str, str, int, int]]:
        """(stem, convolution, weights, multiply-adds) of every convolution."""
        return [(stem, _words(op), op.params, op.macs)
                for stem, block in (("7×7", self.plain), ("three 3×3", self.deep)) for op in block.convolutions]

    @once
    def table(self) -> pd.DataFrame:
        """A row for each convolution and one for the sum of the three."""
        rows = [(stem, layer, f"{weights:,}", f"{macs:,}") for stem, layer, weights, macs in self.pieces()]
        rows.append(("three 3×3", "together", f"{self.deep.weights:,}", f"{self.deep.macs:,}"))
        return pd.DataFrame(rows, columns=["Stem", "Convolution", "Weights", "MACs"])


def _words(op) -> str:
    """`3×3, 3 → 32, stride 2`."""
    stride = op.window.stride[0]
    return (f"{op.window.kernel[0]}×{op.window.kernel[1]}, {op.in_shapes[0][1]} → {op.out_shapes[0][1]}"
            + (f", stride {stride}" if stride > 1 else ""))


@once
def stems(width: int) -> Stems:
    """Both stems on an image of 224 pixels; the convolutions at equal channels on maps half as large."""
    def square(kernel: int) -> Block:
        return run_block(lambda: nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False), width, IMAGE // 2)

    plain, deep = run_block(lambda: stem(width), 3, IMAGE), run_block(lambda: deep_stem(width), 3, IMAGE)
    return Stems(plain, deep, square(7), square(3))


@once
def by_width() -> dict[str, list[int]]:
    """Multiply-adds of both stems at each of `WIDTHS`."""
    return {"7×7": [stems(width).plain.macs for width in WIDTHS], "three 3×3": [stems(width).deep.macs for width in WIDTHS]}


def first_dearer() -> int:
    """The smallest of `WIDTHS` at which the three 3x3 need more multiply-adds than the 7x7."""
    return next(width for width in WIDTHS if stems(width).times > 1)


def meeting_width() -> float:
    """At which width w both would have as many weights: 49 * 3 * w = 9 * (3 * w/2 + w/2 * w/2 + w/2 * w)."""
    return (49 * 3 - 9 * 3 / 2) / (9 * 3 / 4)


@once
def width_table() -> pd.DataFrame:
    """Multiply-adds of both stems, a row for each width."""
    plain, deep = by_width().values()
    return pd.DataFrame({"Width": WIDTHS, "7×7, MACs": plain, "Three 3×3, MACs": deep,
                         "Three 3×3 / 7×7": [after / before for before, after in zip(plain, deep)]})


@once
def strided_stem(strided: str, width: int) -> Block:
    """Three 3x3 as in ResNet-C on an image of 224 pixels, with the stride in the first, the second or the third."""
    def build() -> nn.Sequential:
        layers = deep_stem(width)
        for place, convolution in zip(PLACES, layers[::3]):
            convolution.stride = (2, 2) if place == strided else (1, 1)
        return layers

    return run_block(build, 3, IMAGE)


@once
def strided_table() -> pd.DataFrame:
    """What three 3x3 see and cost, by the place of the stride."""
    blocks = {place: strided_stem(place, WIDTH) for place in PLACES}
    return pd.DataFrame([{
        "Stride in": f"the {place} 3×3",
        "Field after each, pixels": ", ".join(str(op.field.side) for op in block.convolutions),
        "MACs": block.macs} for place, block in blocks.items()])


class Use(NamedTuple):
    """A stage of a network: its map's side, the weights and multiply-adds of its convolutions."""

    stage: str
    side: int
    weights: int
    macs: int

    @property
    def uses(self) -> float:
        """How often one of its weights works for one image."""
        return self.macs / self.weights


@once
def weight_uses() -> dict[str, Use]:
    """The stages of ResNet-50 without tweaks."""
    found: dict[str, Use] = {}
    for op in network(False, False, False, WIDTH).ops:
        if op.kind == "conv2d":
            before = found.get(op.stage, Use(op.stage, 0, 0, 0))
            found[op.stage] = Use(op.stage, op.out_shapes[0][2], before.weights + op.params, before.macs + op.macs)
    return found


@once
def uses_table() -> pd.DataFrame:
    """The stages: what they hold, what they cost, and their shares."""
    rows = weight_uses().values()
    weights, macs = sum(row.weights for row in rows), sum(row.macs for row in rows)
    return pd.DataFrame([{
        "Stage": row.stage, "Map": f"{row.side} × {row.side}", "Weights": row.weights, "MACs": row.macs,
        "of all weights, %": 100 * row.weights / weights, "of all MACs, %": 100 * row.macs / macs,
        "Uses of a weight": round(row.uses)} for row in rows])


def share_fields() -> dict[str, str]:
    """The shares of the first and the last stage, in percent."""
    table = uses_table().set_index("Stage")
    return {f"{name}_{what.lower()}": f"{table.loc[stage, f'of all {what}, %']:.2g}"
            for name, stage in (("stem", "conv1"), ("last", "conv5_x")) for what in ("weights", "MACs")}


@once
def block_in_stem() -> Block:
    """A residual block of two 3x3 on the maps that the stem gives."""
    return run_block(lambda: BasicBlock(WIDTH, WIDTH), WIDTH, IMAGE // 2)
