"""Four ways to see large and small objects (Lin et al., "Feature Pyramid Networks for Object Detection", 2016, Fig. 1),
built and counted."""

from dataclasses import dataclass

import pandas as pd
import torch.nn.functional as F
from torch import Tensor, nn

from lib.analysis import Analysis
from lib.analysis.cost import activation_bytes, macs
from lib.digits import change
from lib.lessons.pyramid.levels import levels
from lib.meta import on_meta
from lib.models.fpn import BACKBONES, Backbone
from lib.once import once
from lib.trace import record

GIGA, MEBI = 10**9, 2**20
LETTERS = ("a", "b", "c", "d")


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
class Design:
    """One of Fig. 1's four: its cost without a detector's heads, the sides of the maps that it predicts from, finest
    first, and the weight layers behind each."""

    params: int
    macs: int
    memory: int
    sides: tuple[int, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Designs:
    """The four designs on one backbone, in the order of Fig. 1."""

    analysis: Analysis
    each: tuple[Design, ...]

    @property
    def times(self) -> tuple[float, ...]:
        """Multiply-adds of each over those of the single map, (b)."""
        return tuple(design.macs / self.each[1].macs for design in self.each)

    def fields(self) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        image, single, stages, fpn = self.each
        return {"size": self.analysis.input_shape[-1], "scales": len(image.sides), "image_times": f"{self.times[0]:.3g}",
                "fpn_change": change(single.macs, fpn.macs), "single": single.sides[0], "fine": fpn.sides[0],
                "image_sides": ", ".join(f"{side}×{side}" for side in image.sides),
                "c2_layers": stages.layers[0], "p2_layers": fpn.layers[0], "c5_layers": single.layers[0]}

    @once
    def fine(self) -> frozenset[str]:
        """The letters of the designs whose finest map is as fine as C2."""
        return frozenset(letter for letter, design in zip(LETTERS, self.each) if design.sides[0] >= self.each[2].sides[0])

    @once
    def deep(self) -> frozenset[str]:
        """The letters of the designs whose finest map has as many weight layers behind it as C5, or more."""
        return frozenset(letter for letter, design in zip(LETTERS, self.each) if design.layers[0] >= self.each[1].layers[0])

    @once
    def table(self, names: tuple[str, ...]) -> pd.DataFrame:
        """The four designs, a row each."""
        return pd.DataFrame([{
            "Design": name, "Predicts from maps of": ", ".join(f"{side}×{side}" for side in design.sides),
            "Weight layers behind them": ", ".join(map(str, design.layers)),
            "Parameters": f"{design.params:,}", "GMACs": f"{design.macs / GIGA:.2f}",
            "MACs against (b)": f"× {times:.2f}",
            "Activations": f"{design.memory / MEBI:.0f} MiB"} for name, design, times in zip(names, self.each, self.times)])


@once
def designs(backbone: str, size: int, channels: int, scales: int) -> Designs:
    """The four on a size x size image; the image pyramid has `scales` images, the feature pyramid `channels` channels."""
    found = levels(backbone, size, channels)
    analysis, each, last = found.analysis, found.each, found.each[-1]
    body = [op for op in analysis.ops if op.name.startswith("body.")]
    trunk = sum(op.params for op in body), sum(op.macs for op in body), sum(op.activation_bytes for op in body)
    return Designs(analysis, (
        Design(*image_pyramid(backbone, size, scales), tuple(last.cells * 2**i for i in reversed(range(scales))),
               (last.c_layers,) * scales),
        Design(*trunk, (last.cells,), (last.c_layers,)),
        Design(*trunk, tuple(level.cells for level in each), tuple(level.c_layers for level in each)),
        Design(analysis.params, analysis.macs, analysis.activation_bytes, tuple(level.cells for level in each),
               tuple(level.p_layers for level in each))))


@once
def image_pyramid(backbone: str, size: int, scales: int) -> tuple[int, int, int]:
    """Parameters, multiply-adds and bytes of activations of design (a)."""
    family = BACKBONES[backbone]
    with on_meta():
        network = family.build(family.knobs.read(family.presets[backbone].knobs))
        many = ImagePyramid(Backbone(network), scales)
    ops = record(many, (1, 3, size, size))
    return sum(op.params for op in ops), sum(map(macs, ops)), sum(map(activation_bytes, ops))
