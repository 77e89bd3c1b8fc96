"""The levels of a feature pyramid one by one (Lin et al., "Feature Pyramid Networks for Object Detection", 2016, Fig. 3):
their maps, layers and fields, and what an object is on each of them."""

from dataclasses import dataclass
from fractions import Fraction

import pandas as pd
from PIL import Image

import lib
from lib.analysis import Analysis, Layer
from lib.lessons.pictures import drawn
from lib.once import once

LEVELS = ("P2", "P3", "P4", "P5")


@dataclass(frozen=True)
class Level:
    """A stage's map C and what the pyramid makes of it: the lateral 1x1, and P, the output of the 3x3."""

    number: int
    c: Layer
    lateral: Layer
    p: Layer
    c_layers: int
    p_layers: int
    image: int

    @property
    def cells(self) -> int:
        """Cells along one side of the map."""
        return self.p.out_shapes[0][2]

    @property
    def stride(self) -> int:
        """Pixels from one cell to the next."""
        return self.image // self.cells

    def touched(self, side: int) -> int:
        """Cells along one side that an object of this many pixels in the middle of the image reaches into."""
        start = (self.image - side) // 2
        return (start + side - 1) // self.stride - start // self.stride + 1


@dataclass(frozen=True)
class Levels:
    """A feature pyramid on a backbone, level by level, finest first."""

    analysis: Analysis
    each: tuple[Level, ...]

    @property
    def gated(self) -> bool:
        """Whether the backbone has gates that see the whole image."""
        return self.each[0].c.field.whole_image

    def named(self, name: str) -> Level:
        """The level of this name, such as `P3`."""
        return self.each[LEVELS.index(name)]

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        fine, coarse = self.each[0], self.each[-1]
        return {"size": fine.image, "backbone": self.analysis.knobs.backbone, "channels": fine.p.out_shapes[0][1],
                "c2_field": fine.c.field.side, "c5_field": coarse.c.field.side, "p2_field": fine.p.field.side,
                "p5_field": coarse.p.field.side, "c_times": f"{coarse.c.field.side / fine.c.field.side:.1f}",
                "p_times": f"{coarse.p.field.side / fine.p.field.side:.2f}"}

    @once
    def table(self) -> pd.DataFrame:
        """C2 to P5, a row a level: maps and parameters of the two convolutions."""
        rows = [{
            "Level": str(level.number), "C": level.c.output, "P": level.p.output,
            "Lateral 1×1": f"{level.lateral.params:,}", "3×3": f"{level.p.params:,}"} for level in self.each]
        if self.analysis.knobs.p6:
            rows.append({"Level": "6", "C": "–", "P": self.analysis.ops[-1].output, "Lateral 1×1": "–", "3×3": "–"})
        return pd.DataFrame(rows).astype(str)

    @once
    def field_table(self) -> pd.DataFrame:
        """C2 to P5, a row a level: what a cell sees, and how many weight layers lie behind it."""
        rows = [{
            "Level": str(level.number), "Stride, px": level.stride, "Field of C, px": level.c.field.side,
            "Field of P, px": level.p.field.side, "Layers to C": level.c_layers, "Layers to P": level.p_layers}
            for level in self.each]
        if self.analysis.knobs.p6:
            rows.append({"Level": "6", "Stride, px": 2 * self.each[-1].stride, "Field of C, px": "–",
                         "Field of P, px": self.analysis.ops[-1].field.side, "Layers to C": "–",
                         "Layers to P": self.each[-1].p_layers})
        return pd.DataFrame(rows).astype(str)

    @once
    def object_table(self, side: int) -> pd.DataFrame:
        """What an object of this many pixels is at each level."""
        return pd.DataFrame([{
            "Level": f"P{level.number}", "A cell is": f"{level.stride}×{level.stride} px",
            "The object is, in cells": f"{in_cells(side, level)} × {in_cells(side, level)}",
            "Cells it reaches into": level.touched(side) ** 2,
            "Cells of the map": level.cells**2,
            "Its share of C's field": f"{min(1.0, (side / level.c.field.side) ** 2):.2%}"} for level in self.each])

    @once
    def steps(self) -> dict[str, int]:
        """When it makes which map, as places in the trace: C2, C5, the lateral on C5, and the sums at levels 3 and 2."""
        second, third, _fourth, fifth = self.each
        return {"c2": second.c.index, "c5": fifth.c.index, "lateral": fifth.lateral.index,
                "sum3": self._sum(third), "sum2": self._sum(second)}

    def _sum(self, level: Level) -> int:
        return next(op.index for op in self.analysis.ops if op.kind == "add" and level.lateral.index in op.inputs)


def in_cells(side: int, level: Level) -> str:
    """How wide an object of so many pixels is at a level: `4`, or `1/2` of a cell."""
    return str(Fraction(side, level.stride))


@once
def levels(backbone: str, size: int, channels: int = 256, p6: bool = False) -> Levels:
    """The levels on a size x size image."""
    analysis = lib.analyze("resnet50_fpn", backbone=backbone, input_size=size, channels=channels, p6=p6)
    ops, numbers = {op.name: op for op in analysis.ops}, analysis.layer_numbers
    found = []
    for index in range(len(LEVELS)):
        lateral, p = ops[f"fpn.inner_blocks.{index}.0"], ops[f"fpn.layer_blocks.{index}.0"]
        c = analysis.ops[lateral.inputs[0]]
        found.append(Level(index + 2, c, lateral, p, numbers[c.index], numbers[p.index], size))
    return Levels(analysis, tuple(found))


@once
def averaged(size: int, side: int, cells: int, shown: int) -> Image.Image:
    """The picture averaged over each cell of a map, and of that the middle around the object, `shown` pixels wide."""
    small = drawn("boat", size, side).resize((cells, cells), Image.Resampling.BOX)
    margin = (size - min(size, max(96, 2 * side))) // 2
    middle = small.resize((size, size), Image.Resampling.NEAREST).crop((margin, margin, size - margin, size - margin))
    return middle.resize((shown, shown), Image.Resampling.NEAREST)
