"""Theoretical fields of real networks: stage by stage, window by window, and beside the image and what is in print."""

from __future__ import annotations

from itertools import groupby

import pandas as pd

import lib
from lib.analysis import Analysis, Layer
from lib.analysis.atlas import totals
from lib.once import once

NETWORKS = ("vgg16", "resnet18", "resnet34", "resnet50", "plain18", "plain34")
STAGES = (1, 2, 3, 4, 5)


@once
def analysis(preset: str) -> Analysis:
    """The network as published, 224 pixels."""
    return lib.analyze(preset)


@once
def stage_names(preset: str) -> list[str]:
    """The stages before the head."""
    return list(dict.fromkeys(op.stage for op in analysis(preset).ops if op.stage != "head"))


@once
def stage_ends(preset: str) -> list[Layer]:
    """The last op of each of those stages."""
    return [[op for op in analysis(preset).ops if op.stage == name][-1] for name in stage_names(preset)]


@once
def sides(preset: str) -> list[int]:
    """The side of the theoretical field at the end of each stage, in pixels."""
    return [op.field.side for op in stage_ends(preset)]


def first_outgrown(preset: str) -> str:
    """The first stage at whose end the field is larger than the image; empty where there is none."""
    image = analysis(preset).knobs.input_size
    return next((name for name, side in zip(stage_names(preset), sides(preset)) if side > image), "")


def size_and_jump(op: Layer, way: tuple[Layer, ...]) -> tuple[int, int]:
    """Side of the field, and jump, of the map that an op reads; the image's own pixels before the first."""
    before = way[op.inputs[0]].field if op.inputs[0] >= 0 else None
    return (before.side, max(before.jump)) if before else (1, 1)


def growth(op: Layer, way: tuple[Layer, ...]) -> tuple[str, str]:
    """How a window widens the field and the jump: `83 + (3 − 1)·8 = 99` and `8·1 = 8`. A dilation is a factor too."""
    (size, jump), kernel, spread = size_and_jump(op, way), op.window.kernel[0], op.window.dilation[0]
    widened = f"({kernel} − 1)·{spread}·{jump}" if spread > 1 else f"({kernel} − 1)·{jump}"
    return f"{size} + {widened} = {op.field.side}", f"{jump}·{op.window.stride[0]} = {max(op.field.jump)}"


@once
def layers(preset: str, stage: int) -> pd.DataFrame:
    """How the field grows, a row for each window on the way to the end of a stage (counted from 1): r + (k - 1)·j."""
    way, last = analysis(preset).ops, stage_ends(preset)[stage - 1].index
    rows = [(op.stage, op.name, f"{op.window.kernel[0]}×{op.window.kernel[1]}", op.window.stride[0], *growth(op, way))
            for op in way[:last + 1] if op.window]
    return pd.DataFrame(rows, columns=["Stage", "Layer", "Kernel", "Stride", "Field, px", "Jump, px"])


@once
def windows(preset: str) -> pd.DataFrame:
    """The windows larger than 1x1 before the head, those alike counted together: what one needs to add up the field."""
    way = analysis(preset).ops
    wide = [op for op in way[:stage_ends(preset)[-1].index + 1] if op.window and op.window.kernel[0] > 1]
    alike = groupby(wide, key=lambda op: (op.stage, op.window.kernel[0], size_and_jump(op, way)[1]))
    rows = [(stage, f"{len(list(group))} × {kernel}×{kernel}", jump) for (stage, kernel, jump), group in alike]
    return pd.DataFrame(rows, columns=["Stage", "Windows", "Jump of what they read, px"])


@once
def by_stage(preset: str) -> pd.DataFrame:
    """Field and jump at the end of each stage, and by what factor both grow from the stage before."""
    rows, before = [], None
    for name, op in zip(stage_names(preset), stage_ends(preset)):
        side, jump = op.field.side, max(op.field.jump)
        rows.append((name, side, jump, *((f"{side / before[0]:.2f}", f"{jump / before[1]:g}") if before else ("", ""))))
        before = side, jump
    return pd.DataFrame(rows, columns=["End of", "Field, px", "Jump, px", "Field grows by", "Jump grows by"])


LISTED = ("alexnet", "vgg16", "vgg19", "mobilenetv1_100", "googlenet", "resnet50", "resnet18", "resnet50_v1",
          "mobilenet_v2", "shufflenet_v2_x1_0", "bn_inception", "resnet34", "resnet101", "inception_v3", "resnet152")
PUBLISHED = {"alexnet": 195, "vgg16": 212, "mobilenetv1_100": 315, "resnet50_v1": 483, "bn_inception": 699,
             "inception_v3": 1311}
"""Araujo, Norris, Sim 2019, the table of receptive fields that goes with the article (TensorFlow-slim's networks)."""
GROUPS = {
    "early": ("googlenet", "vgg19", "inception_v3", "alexnet"),
    "mobile": ("resnet34", "vgg16", "mobilenet_v2", "mobilenetv1_100"),
    "resnets": ("resnet18", "resnet101", "resnet34", "resnet50"),
    "deep": ("resnet152", "inception_v3", "resnet34", "resnet101"),
    "strides": ("vgg19", "resnet50_v1", "resnet18", "resnet50"),
}
"""Networks of the list to be put in order."""


@once
def listed() -> pd.DataFrame:
    """Networks by the side of their field before the head, beside their own image."""
    rows = []
    for preset in LISTED:
        found = totals(preset)
        rows.append((preset, found.weight_layers, found.input_size, found.receptive_field,
                     f"{found.receptive_field / found.input_size:.2f}", f"{PUBLISHED.get(preset, '')}"))
    table = pd.DataFrame(rows, columns=["Network", "Weight layers", "Image, px", "Field, px", "Field / image", "Published"])
    return table.sort_values("Field, px", ignore_index=True)


def outgrown(table: pd.DataFrame) -> dict[str, object]:
    """The numbers that the text about the list speaks of."""
    return {"count": len(table), "outgrown": int((table["Field, px"] > table["Image, px"]).sum()),
            "paper": totals("resnet50_v1").receptive_field, "torchvision": totals("resnet50").receptive_field}
