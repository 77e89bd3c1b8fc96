"""Four ways to see large and small objects (Lin et al., "Feature Pyramid Networks for Object Detection", 2016, Fig. 1),
built and counted, and the levels of the pyramid one by one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.cost import activation_bytes, macs
from lib.digits import change
from lib.lessons.pictures import drawn
from lib.models.fpn import BACKBONES, Backbone
from lib.meta import on_meta
from lib.once import once
from lib.trace import record

DATA = Path(__file__).parent.parent / "data" / "fpn.json"
GIGA, MEBI = 10**9, 2**20
LEVELS = ("P2", "P3", "P4", "P5")


class ImagePyramid(nn.Module):
    """Fig. 1 (a): one backbone runs on the image as it is and enlarged 2, 4, 8 ... times.

    Input (N, 3, H, W); output C5 of each of `scales` images, coarsest first: (N, C, H / 32, W / 32), then twice as fine.
    """

    def __init__(self, body: Backbone, scales: int):
        super().__init__()
        self.body, self.scales = body, scales

    def forward(self, x: Tensor) -> list[Tensor]:
        height, width = x.shape[2:]
        images = [x] + [F.interpolate(x, size=(height * 2**i, width * 2**i)) for i in range(1, self.scales)]
        return [self.body(image)[-1] for image in images]


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
class Design:
    """One of Fig. 1's four: its cost without a detector's heads, the sides of the maps that it predicts from, finest
    first, and the weight layers behind each."""

    params: int
    macs: int
    memory: int
    sides: tuple[int, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Pyramid:
    """A feature pyramid on a backbone, and the three other designs on the same one, in the order of Fig. 1."""

    analysis: Analysis
    levels: tuple[Level, ...]
    designs: tuple[Design, ...]

    @property
    def gated(self) -> bool:
        """Whether the backbone has gates that see the whole image."""
        return self.levels[0].c.field.whole_image

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        image, single, _, fpn = self.designs
        fine, coarse = self.levels[0], self.levels[-1]
        return {
            "size": fine.image, "scales": len(image.sides), "image_times": f"{image.macs / single.macs:.1f}",
            "fpn_change": change(single.macs, fpn.macs), "single": single.sides[0],
            "fine": fine.cells, "c2_layers": fine.c_layers, "p2_layers": fine.p_layers,
            "c5_layers": coarse.c_layers, "c2_field": fine.c.field.side, "c5_field": coarse.c.field.side,
            "p2_field": fine.p.field.side, "channels": fine.p.out_shapes[0][1]}

    @once
    def design_table(self, names: list[str]) -> pd.DataFrame:
        """The four designs, a row each."""
        single = self.designs[1]
        return pd.DataFrame([{
            "Design": name, "Predicts from maps of": ", ".join(f"{side}×{side}" for side in design.sides),
            "Weight layers behind them": ", ".join(map(str, design.layers)),
            "Parameters": f"{design.params:,}", "GMACs": f"{design.macs / GIGA:.2f}",
            "MACs against (b)": f"× {design.macs / single.macs:.2f}",
            "Activations": f"{design.memory / MEBI:.0f} MiB"} for name, design in zip(names, self.designs)])

    @once
    def level_table(self) -> pd.DataFrame:
        """C2 to P5, a row a level."""
        rows = [{
            "Level": str(level.number), "Stride": level.stride, "C": level.c.output, "P": level.p.output,
            "Field of C, px": level.c.field.side, "Field of P, px": level.p.field.side,
            "Layers to C": level.c_layers, "Layers to P": level.p_layers,
            "Lateral 1×1": f"{level.lateral.params:,}", "3×3": f"{level.p.params:,}"} for level in self.levels]
        if self.analysis.knobs.p6:
            p6 = self.analysis.ops[-1]
            rows.append({"Level": "6", "Stride": 2 * self.levels[-1].stride, "C": "–", "P": p6.output,
                         "Field of C, px": "–", "Field of P, px": p6.field.side, "Layers to C": "–",
                         "Layers to P": self.levels[-1].p_layers, "Lateral 1×1": "–", "3×3": "–"})
        return pd.DataFrame(rows).astype(str)

    def at_the_top(self, side: int) -> dict[str, object]:
        """The coarsest level, and how wide an object of this many pixels is there, in cells."""
        top = self.levels[-1]
        return {"coarse": f"P{top.number}", "cells": _written(side, top.stride)}

    @once
    def object_table(self, side: int) -> pd.DataFrame:
        """What an object of this many pixels is at each level."""
        return pd.DataFrame([{
            "Level": f"P{level.number}", "A cell is": f"{level.stride}×{level.stride} px",
            "The object is, in cells": f"{_written(side, level.stride)} × {_written(side, level.stride)}",
            "Cells it reaches into": level.touched(side) ** 2,
            "Cells of the map": level.cells**2,
            "Its share of C's field": f"{min(1.0, (side / level.c.field.side) ** 2):.2%}"} for level in self.levels])


def _written(side: int, stride: int) -> str:
    return str(Fraction(side, stride))


@once
def pyramid(backbone: str, size: int, channels: int, p6: bool, scales: int) -> Pyramid:
    """The four designs on a size x size image; the image pyramid has `scales` images."""
    analysis = lib.analyze("resnet50_fpn", backbone=backbone, input_size=size, channels=channels, p6=p6)
    ops = {op.name: op for op in analysis.ops}
    levels = []
    for index in range(len(LEVELS)):
        lateral, p = ops[f"fpn.inner_blocks.{index}.0"], ops[f"fpn.layer_blocks.{index}.0"]
        c = analysis.ops[lateral.inputs[0]]
        numbers = analysis.layer_numbers
        levels.append(Level(index + 2, c, lateral, p, numbers[c.index], numbers[p.index], size))
    return Pyramid(analysis, tuple(levels), _designs(analysis, levels, scales))


def _designs(analysis: Analysis, levels: list[Level], scales: int) -> tuple[Design, ...]:
    body = [op for op in analysis.ops if op.name.startswith("body.")]
    trunk = [sum(op.params for op in body), sum(op.macs for op in body), sum(op.activation_bytes for op in body)]
    family = BACKBONES[analysis.knobs.backbone]
    with on_meta():
        network = family.build(family.knobs.read(family.presets[analysis.knobs.backbone].knobs))
        many = ImagePyramid(Backbone(network), scales)
    ops = record(many, analysis.input_shape)
    last = levels[-1]
    sixth = tuple(op.out_shapes[0][2] for op in analysis.ops[-1:] if analysis.knobs.p6)
    return (Design(sum(op.params for op in ops), sum(map(macs, ops)), sum(map(activation_bytes, ops)),
                   tuple(last.cells * 2**i for i in reversed(range(scales))), (last.c_layers,) * scales),
            Design(*trunk, (last.cells,), (last.c_layers,)),
            Design(*trunk, tuple(level.cells for level in levels), tuple(level.c_layers for level in levels)),
            Design(analysis.params, analysis.macs, analysis.activation_bytes,
                   tuple(level.cells for level in levels) + sixth,
                   tuple(level.p_layers for level in levels) + (last.p_layers,) * len(sixth)))


def averaged(size: int, side: int, cells: int, shown: int) -> Image.Image:
    """The picture averaged over each cell of a map, and of that the middle around the object, `shown` pixels wide."""
    small = drawn("boat", size, side).resize((cells, cells), Image.Resampling.BOX)
    margin = (size - min(size, max(96, 2 * side))) // 2
    middle = small.resize((size, size), Image.Resampling.NEAREST).crop((margin, margin, size - margin, size - margin))
    return middle.resize((shown, shown), Image.Resampling.NEAREST)


@dataclass(frozen=True)
class Ablation:
    """A table of the paper: what it measures, its columns, its rows in percent."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float | None, ...]]

    @once
    def table(self) -> pd.DataFrame:
        """The rows as printed."""
        return pd.DataFrame([{"": name} | {column: "–" if value is None else f"{value:.1f}"
                                           for column, value in zip(self.columns, values)}
                             for name, values in self.rows.items()])

    def sizes(self) -> dict[str, tuple[float, ...]]:
        """Of each row that has them, the numbers for small, medium and large objects."""
        return {name: values[-3:] for name, values in self.rows.items() if None not in values}


@once
def ablations() -> dict[str, Ablation]:
    """Tables 1 to 3 of the paper."""
    tables = json.loads(DATA.read_text(encoding="utf-8"))["tables"]
    return {name: Ablation(table["title"], tuple(table["columns"]), {row: tuple(v) for row, v in table["rows"].items()})
            for name, table in tables.items()}


def small_objects() -> dict[str, str]:
    """Table 2's average precision on small objects, by the letter of the row."""
    return {name[1]: f"{values[2]:.1f}" for name, values in ablations()["Table 2"].rows.items()}
