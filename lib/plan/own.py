"""A network of one's own, as a plan says it (lib/plan/language.py). Its only knob is the plan; what can be turned on any
network, the picture's size and channels, begins as the plan has it.
"""

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from msgspec.structs import replace as replace_op
from pydantic import BeforeValidator, Field, model_validator
from torch import nn

from lib.architecture import PICTURE, Architecture, ImageSize, Impossible, NetworkKnobs, Preset, Stage
from lib.limits import limits
from lib.plan.agreeing import agreeing
from lib.plan.blocks import Block
from lib.plan.growing import grow, line_of, names
from lib.plan.language import FOLLOWERS, MOST_CHANNELS, Add, Concat, Image, Plan, Repeat, Row, lines, read, write_on_one_line
from lib.plan.language import Stage as NamedStage
from lib.plan.linked import unpacked
from lib.trace import ImpossibleShape

FIRST = ("image 3 32x32; conv 16 3x3 padding=same; relu; maxpool 2x2; conv 32 3x3 padding=same; relu; maxpool 2x2; flatten; "
         "linear 10")


def _as_written(text: Any) -> str:
    """The text of a plan on one line. Raises `Impossible` if it is no text, cannot be read, or is too long."""
    if not isinstance(text, str):
        raise Impossible(f"A plan is a text, such as “{FIRST}”.")
    plan = read(unpacked(text))
    if (rows := len(lines(plan))) > limits().plan_rows:
        raise Impossible(f"This plan has {rows:,} lines; this server allows {limits().plan_rows:,}.")
    return write_on_one_line(plan)


class OwnKnobs(NetworkKnobs):
    """A plan."""

    plan: Annotated[str, BeforeValidator(_as_written)] = Field(
        FIRST, title="Plan", description="Rows with semicolons between them; the page Build makes them without typing.")
    input_size: ImageSize = Field(224, title="Input size", description="As the plan says, or another.",
                                  json_schema_extra={"follows": "plan", "stride": 32})
    in_channels: int = Field(3, ge=1, le=MOST_CHANNELS, title="Channels of the image", description="As the plan says, or others.",
                             json_schema_extra=PICTURE | {"follows": "plan"})

    @model_validator(mode="before")
    @classmethod
    def picture_of_the_plan(cls, values: Any) -> Any:
        try:
            image = read(unpacked(str(values.get("plan", FIRST)))).image
        except Impossible:
            return values  # which the plan's own check will say
        return {"input_size": image.size, "in_channels": image.channels} | values


def plan_of(knobs: OwnKnobs) -> Plan:
    """The plan, with the picture that the knobs say."""
    return Plan(Image(channels=knobs.in_channels, size=knobs.input_size), read(knobs.plan).rows)


def build(knobs: OwnKnobs) -> nn.Sequential:
    plan = plan_of(knobs)
    grown = grow(plan)
    if end := grown.refused:
        line = line_of(plan, end.place)
        if end.by_size:
            reason = end.reason[0].lower() + end.reason[1:].rstrip(".")
            raise ImpossibleShape(replace_op(end.op, name=line), reason, end.too_large)
        end.reason = f"{line[0].upper()}{line[1:]}: {end.reason}"
        raise end
    if not grown.operations:
        raise Impossible("This plan computes nothing yet: add a row, such as a convolution.")
    return grown.model


def agrees(knobs: OwnKnobs, heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    return agreeing(plan_of(knobs), heights, widths)


def stages(knobs: OwnKnobs) -> tuple[Stage, ...]:
    """Its stages by their names; every other row is one by itself, with the normalisation and activation that follow it."""
    found: list[Stage] = []
    rows = read(knobs.plan).rows
    for name, row in zip(names(rows), rows):
        if found and isinstance(row.word, FOLLOWERS):
            found[-1] = replace(found[-1], modules={**found[-1].modules, name: ""})
        else:
            found.append(_stage(name, row))
    return tuple(found)


def _stage(name: str, row: Row) -> Stage:
    """A row of the plan in the table of stages. Copies of a `repeat` are blocks, and so are sums and blocks of the
    catalogue."""
    if isinstance(row.word, (NamedStage, Repeat)):
        inner = {f"{name}.{each}": "" for each, inside in zip(names(row.rows), row.rows) if isinstance(inside.word, Repeat)}
        return Stage(name, {name: ""} | (inner if isinstance(row.word, NamedStage) else {}))
    return Stage(name, blocks=(name,)) if isinstance(row.word, (Block, Add, Concat)) else Stage(name, {name: ""})


ARCHITECTURE = Architecture(
    id="own",
    name="A network of one's own",
    summary="What a plan says: rows of layers and blocks, one after the other or side by side.",
    paper=None,
    knobs=OwnKnobs,
    presets={"own": Preset({}, "Two convolutions and a linear layer, to begin with. The page Build changes them.")},
    build=build,
    stages=stages,
    built_for_size=True,
    agrees=agrees,
)
