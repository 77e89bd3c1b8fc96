"""Networks side by side: totals with differences, stages aligned by resolution, knobs that differ. Pure functions.

Stages are aligned by how many pixels of the image one cell of their map stands for: 4 for 56x56 at 224 pixels, and for
57x57 at 227. What has no map any more, the head, comes last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import pandas as pd

from lib.analysis import Analysis, Layer
from lib.analysis.graph import written_out
from lib.analysis.outline import Part, outline
from lib.digits import change
from lib.once import once

TOTALS = ("params", "macs", "activation_bytes", "weight_layers", "receptive_field")
QUANTITIES = ("params", "macs", "activation_bytes")


@dataclass(frozen=True)
class Total:
    """One network's total beside the first network's: `difference`, and the `change` in words; None where one is unknown."""

    value: int | None
    difference: int | None = None
    change: str | None = None


@dataclass(frozen=True)
class Share:
    """What a network has at one level: its stages, the map they work at, sums over them, their blocks in paper notation."""

    stages: str
    map: str
    params: int
    macs: int | None
    activation_bytes: int
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Level:
    """Stages of equal resolution. `factor` is pixels a cell, None for the head; a network without such a stage has None."""

    factor: int | None
    shares: tuple[Share | None, ...]

    @property
    def name(self) -> str:
        return "head" if self.factor is None else f"1/{self.factor}"

    @property
    def differs(self) -> bool:
        """Whether the networks have different blocks here."""
        return len({share and share.blocks for share in self.shares}) > 1


def totals(analyses: Sequence[Analysis]) -> dict[str, list[Total]]:
    """Every total of every network, with its difference from the first network."""
    return {name: [_total(getattr(analysis, name), getattr(analyses[0], name)) for analysis in analyses] for name in TOTALS}


def training(analyses: Sequence[Analysis]) -> list[Total]:
    """The multiply-adds of a training step of every network, for one image."""
    return [_total(analysis.training_macs, analyses[0].training_macs) for analysis in analyses]


def _total(value: int | None, first: int | None) -> Total:
    if value is None or first is None:
        return Total(value)
    return Total(value, value - first, change(first, value))


def levels(analyses: Sequence[Analysis]) -> tuple[Level, ...]:
    """The networks' stages by resolution, finest first, the head last."""
    found = [_by_factor(analysis) for analysis in analyses]
    factors = sorted({factor for shares in found for factor in shares}, key=lambda factor: (factor is None, factor))
    return tuple(Level(factor, tuple(shares.get(factor) for shares in found)) for factor in factors)


def _by_factor(analysis: Analysis) -> dict[int | None, Share]:
    groups: dict[int | None, list[Part]] = {}
    for stage in outline(analysis).children:
        groups.setdefault(_factor(stage, analysis.input_shape[-1]), []).append(stage)
    return {factor: _share(stages) for factor, stages in groups.items()}


def _factor(stage: Part, image: int) -> int | None:
    """Pixels of an image so wide for one cell of the stage's map, as a power of two; None for a head."""
    shape = _last_layer(stage).out_shapes[0]
    if stage.name == "head" or len(shape) != 4:
        return None
    return 2 ** max(0, round(log2(image / shape[-1])))


def _last_layer(stage: Part) -> Layer:
    """The last op with weights, the last of all where none has: a pooling that closes a stage leads to the next map."""
    return next((op for op in reversed(stage.ops) if op.weights), stage.last)


def _share(stages: list[Part]) -> Share:
    ops = [op for stage in stages for op in stage.ops]
    blocks = tuple(line for stage in stages for line in written_out(list(stage.ops)))
    macs = None if any(op.macs is None for op in ops) else sum(op.macs for op in ops)
    return Share(", ".join(stage.name for stage in stages), _last_layer(stages[-1]).output, sum(op.params for op in ops),
                 macs, sum(op.activation_bytes for op in ops), blocks)


def growth(analysis: Analysis) -> list[tuple[int, Layer]]:
    """(weight layers passed, op): the map with the largest field after so many layers."""
    largest: dict[int, Layer] = {}
    for number, op in zip(analysis.layer_numbers, analysis.ops):
        if op.window and op.field and op.field.is_map and (
                number not in largest or op.field.side > largest[number].field.side):
            largest[number] = op
    return sorted(largest.items())


def knobs(analyses: Sequence[Analysis]) -> list[tuple[str, list[str]]]:
    """Knobs that differ: their title, and each network's value; "none" where a network has no such knob."""
    titled = [{(name, field.title): getattr(analysis.knobs, name) for name, field in type(analysis.knobs).model_fields.items()}
              for analysis in analyses]
    rows = []
    for knob in dict.fromkeys(knob for values in titled for knob in values):
        written = [value_text(values.get(knob, "none")) for values in titled]
        if len(set(written)) > 1:
            rows.append((knob[1], written))
    return rows


def value_text(value: object) -> str:
    """The value of a knob as a table shows it: `on`, `3, 4, 6, 3`."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)


@once
def table(names: Sequence[str], aligned: Sequence[Level]) -> pd.DataFrame:
    """A row for each level and network: resolution, stages, map, parameters, multiply-adds, activation bytes, blocks."""
    rows = [(level.name, name, share.stages, share.map, share.params, share.macs, share.activation_bytes,
             "; ".join(share.blocks)) for level in aligned for name, share in zip(names, level.shares) if share]
    return pd.DataFrame(rows, columns=["resolution", "network", "stages", "map", "params", "macs", "activation_bytes",
                                       "blocks"])
