"""The records that describe a family of networks: what it is, what can be turned, what its paper says.

A family's file in `lib/models` ends with one `Architecture`. Controls, links, the command line and the caches
are all derived from its `knobs`; nothing here needs torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, Self, get_origin

from pydantic import (BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, ValidationInfo,
                      field_validator)


class Impossible(ValueError):
    """Values that build no network. The message is one plain sentence; `fixes` names values that do work.

    `fixes` maps a knob to the nearest working values, for example `{"input_size": (63,)}`.
    """

    def __init__(self, message: str, fixes: Mapping[str, tuple[Any, ...]] | None = None):
        super().__init__(message)
        self.fixes = dict(fixes or {})


class Declared(BaseModel):
    """Things to choose, declared once: controls, links, the command line and the caches are derived from the fields.

    A field's `title` is its label, its `description` the help text, and its bounds the range of the control.
    `json_schema_extra` may hold `follows`, the knob whose change resets this one, `set_by`, the switch that
    decides it, `stride`, how far one press of a + button goes, and `under`, the heading under which it is folded away.
    Instances are frozen and hashable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def written_options(cls, value: Any, info: ValidationInfo) -> Any:
        return option_of(options(cls, info.field_name), value)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Knobs from values of any origin: Python, a link, a command line.

        Raises `Impossible` with one plain sentence if a name or a value is wrong.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise _plain(cls, error.errors()[0]) from None

    @classmethod
    def read_one(cls, name: str, value: Any) -> Any:
        """The value of one knob, by its own range alone; rules across knobs are left to `read`.

        Raises `Impossible` with one plain sentence if the name or the value is wrong.
        """
        if name not in cls.model_fields:
            raise _plain(cls, {"type": "extra_forbidden", "loc": (name,)})
        declared = cls.model_fields[name]
        kind = Annotated[(declared.annotation, *declared.metadata)] if declared.metadata else declared.annotation
        try:
            return TypeAdapter(kind).validate_python(option_of(options(cls, name), value))
        except ValidationError as error:
            raise _plain(cls, {**error.errors()[0], "loc": (name,), "input": value}) from None


@dataclass(frozen=True)
class Range:
    """The whole numbers a knob may take, and words that may stand for one."""

    low: int
    high: int
    step: int = 1
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        return f"a whole number from {self.low} to {self.high}{steps}"


LARGEST_IMAGE = 2048
"""Pixels of a side. Networks set the smallest one themselves, and some the largest (lib/analysis/fitting.py)."""


def written_size(height: int, width: int) -> int | str:
    """Height and width as `ImageSize` writes them: 224, or `480x640`."""
    return height if height == width else f"{height}x{width}"


def sides(size: int | str) -> tuple[int, int]:
    """Height and width of an `ImageSize`."""
    height, _, width = str(size).partition("x")
    return int(height), int(width or height)


def size_text(size: int | str) -> str:
    """An `ImageSize` for a sentence: `224`, or `480×640`."""
    return str(size).replace("x", "×")


def _read_sides(low: int, high: int, words: tuple[str, ...], value: Any) -> int | str:
    if value in words:
        return value
    written = "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    whole = re.fullmatch(r"([0-9]{1,4})(?:[x×]([0-9]{1,4}))?", written)
    height, width = (int(side or whole[1]) for side in whole.groups()) if whole else (low - 1, low - 1)
    if isinstance(value, bool) or not (low <= height <= high and low <= width <= high):
        raise ValueError("no height and width")
    return written_size(height, width)


def sides_from(low: int, high: int, *words: str) -> Any:
    """The type of a height and a width, each a whole number from `low` to `high`: 3 for both, else `1x7`. One of the
    `words` may stand for them."""
    return Annotated[int | str, Range(low, high, words=words), PlainValidator(partial(_read_sides, low, high, words))]


ImageSize = sides_from(1, LARGEST_IMAGE)
"""The size of an image in pixels: a number for a square, else height and width as `480x640`."""


def input_size_knob(default: int = 224, step: int = 32) -> Any:
    """The knob `input_size`; families differ in what it is at first, and in how far one press of + goes."""
    return Field(default, title="Input size", json_schema_extra={"stride": step}, description=(
        "Side of the square image in pixels, or height × width."))


HEADINGS = ("Inside the blocks", "Stem and head", "Image and classes")
INSIDE, ENDS, PICTURE = ({"under": heading} for heading in HEADINGS)
"""Headings under which knobs are folded away that a beginner turns later: `json_schema_extra=INSIDE`."""


def in_channels_knob(default: int = 3) -> Any:
    """The knob `in_channels`; LeNet reads grey images."""
    return Field(default, ge=1, le=64, title="Channels of the image", json_schema_extra=PICTURE, description=(
        "1 for grey, 3 for colours, 4 with infrared or depth, more for satellites."))


def num_classes_knob(default: int = 1000, most: int = 22_000) -> Any:
    """The knob `num_classes`; networks for small images have 10."""
    return Field(default, ge=1, le=most, title="Classes", description="Outputs of the last layer.",
                 json_schema_extra=PICTURE | {"stride": 100 if default > 100 else 10})


class NetworkKnobs(Declared):
    """What can be turned on any network. A family adds its own fields."""

    input_size: ImageSize = input_size_knob()
    in_channels: int = in_channels_knob()

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return sides(self.input_size)


class Knobs(NetworkKnobs):
    """What can be turned on a network that classifies."""

    num_classes: int = num_classes_knob()


def _plain(knobs: type[Declared], error: Mapping[str, Any]) -> Impossible:
    """One sentence for a person from pydantic's first error."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Impossible):
        return cause
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return Impossible(f"There is no knob “{name[:40]}” here; the knobs are {', '.join(knobs.model_fields)}.")
    written = _short(error["input"], "x" if is_size(knobs, name) else ",")
    return Impossible(f"{name} = {written} is not possible: {choices(knobs, name)}.")


def _short(value: Any, between: str) -> str:
    text = between.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def bounds(knobs: type[Declared], name: str) -> Range:
    """The range of a whole-number knob, or of a height and a width, read from its declaration. `multiple_of` is the step."""
    limits = {type(rule).__name__: rule for rule in knobs.model_fields[name].metadata}
    if "Range" in limits:
        return limits["Range"]
    return Range(limits["Ge"].ge, limits["Le"].le, limits["MultipleOf"].multiple_of if "MultipleOf" in limits else 1)


def options(knobs: type[Declared], name: str) -> tuple[Any, ...]:
    """The values of a knob that is a choice among a few; empty for other knobs."""
    annotation = knobs.model_fields[name].annotation
    return annotation.__args__ if get_origin(annotation) is Literal else ()


def option_of(options: tuple[Any, ...], value: Any) -> Any:
    """The option that a link or a command line writes as this text; any other value as it is."""
    return next((option for option in options if str(option) == value), value)


def is_sequence(knobs: type[Declared], name: str) -> bool:
    """Whether the knob holds one number per stage, like `depths`."""
    return getattr(knobs.model_fields[name].annotation, "__origin__", None) is tuple


def is_size(knobs: type[Declared], name: str) -> bool:
    """Whether the knob is a height and a width, as an `ImageSize` is."""
    return knobs.model_fields[name].annotation == int | str


def choices(knobs: type[Declared], name: str) -> str:
    """What a knob accepts, in words."""
    annotation = knobs.model_fields[name].annotation
    if annotation is bool:
        return "choose true or false"
    if is_sequence(knobs, name):
        count = len(annotation.__args__)
        return f"give {count} whole numbers from 1 to {MOST_BLOCKS}, such as {','.join('2' * count)}"
    if is_size(knobs, name):
        example = "480x640" if bounds(knobs, name).high == LARGEST_IMAGE else "1x7"
        words = "".join(f"{word}, " for word in bounds(knobs, name).words)
        return f"choose {words}{bounds(knobs, name)} for both sides, or height x width, such as {example}"
    values = options(knobs, name)
    if len(values) > MOST_NAMED:
        return f"choose one of {len(values)} names, such as {', '.join(map(str, values[:MOST_NAMED // 2]))}"
    if values:
        return f"choose one of {', '.join(map(str, values))}"
    if annotation is float:
        limits = {type(rule).__name__: rule for rule in knobs.model_fields[name].metadata}
        low = f"from {limits['Ge'].ge:g}" if "Ge" in limits else f"above {limits['Gt'].gt:g}"
        return f"choose a number {low}, up to {limits['Le'].le:g}"
    return f"choose {bounds(knobs, name)}"


MOST_NAMED = 16
"""A message names no more options than this."""

MOST_BLOCKS = 64
"""The most blocks a stage may have: more than ResNet-152's 36, few enough to stay quick."""


def split_numbers(value: Any) -> Any:
    """`"3,4,6,3"`, as links and command lines write it, becomes `("3", "4", "6", "3")`."""
    return tuple(value.split(",")) if isinstance(value, str) else value


@dataclass(frozen=True)
class Paper:
    """Where a family was published. `arxiv` is empty for papers that are not there."""

    title: str
    authors: str
    year: int
    arxiv: str = ""

    @property
    def url(self) -> str:
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else ""


@dataclass(frozen=True)
class Claim:
    """A number somebody printed about a preset, with its place.

    `quantity` is `params`, `macs`, `neurons`, `weight_layers` or `receptive_field`; `value` is in plain units
    (parameters, multiply-adds, pixels) and `rounding` is half a unit of the last printed digit (0 for exact). `differs`
    is empty where our recount agrees, else the reason why it does not. `knobs` are set on top of the preset before
    recounting.
    """

    preset: str
    quantity: str
    value: int
    source: str
    rounding: int = 0
    differs: str = ""
    knobs: Mapping[str, Any] = field(default_factory=dict)


DISTILL = "Araujo, Norris, Sim 2019, table of receptive fields"
"""Where the receptive fields of well-known networks are printed."""


def by_torchvision(preset: str, params: int, million_macs: int) -> tuple[Claim, Claim]:
    """What torchvision prints of its first weights: all parameters, and multiply-adds to the million."""
    source = "torchvision, IMAGENET1K_V1"
    return Claim(preset, "params", params, source), Claim(preset, "macs", million_macs * 10**6, source, 5 * 10**5)


def by_timm(**hundredths: int) -> tuple[Claim, ...]:
    """The parameters of presets in timm's table of results, which prints hundredths of a million."""
    return tuple(Claim(preset, "params", params * 10**4, "timm, results-imagenet.csv", 5000)
                 for preset, params in hundredths.items())


@dataclass(frozen=True)
class Change:
    """What a family changed against an older network: an edge of the lineage.

    `parent` and `child` are presets, of any family; `change` is said in a few words.
    """

    parent: str
    child: str
    change: str


@dataclass(frozen=True)
class Result:
    """A published ImageNet error of a preset, in percent of the 50,000 validation images, one crop an image.

    `protocol` says what makes errors comparable: `paper 224` (one 224-pixel crop, printed by the authors), or
    `torchvision 224` (its first published weights). `source` is a table and row. `knobs` as in `Claim`.
    """

    preset: str
    top1: float
    top5: float | None
    source: str
    protocol: str = "paper 224"
    knobs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def top1_accuracy(self) -> float:
        """Images whose first guess was right, in percent, with the digits that are printed of the error."""
        return round(100 - self.top1, 3)

    @property
    def top5_accuracy(self) -> float | None:
        """Images with the right class among five guesses, in percent; None where nobody printed it."""
        return None if self.top5 is None else round(100 - self.top5, 3)


@dataclass(frozen=True)
class Stage:
    """A row of the paper's table: its name, and the modules that belong to it.

    `modules` maps a module path to the name shown for it; an empty name keeps the module's own. The children of such
    a module are blocks if they have parts themselves (`layer1.0`). `blocks` are paths of modules that are each one
    block whole.
    """

    name: str
    modules: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A named network of a family: knobs away from the family's defaults, a line on what it is, and what else it is
    usually called, in any spelling: `"ResNet-20"` is also `resnet_20`."""

    knobs: Mapping[str, Any]
    note: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Architecture:
    """A family of networks: its paper, its knobs, its named networks, and how to build one. There is one of each.

    `build(knobs)` returns the `nn.Module`; `stages(knobs)` its rows in the paper's table. The first preset is
    the one shown first. Networks of one's own have no `paper`. `built_for_size` tells that the weights depend on the size of the
    image, as they do where a linear layer reads a whole map. `agrees(knobs, heights, widths)` says of arrays of images for
    which of them all maps that meet in a sum or a joining agree; without it they do for all. `also` is what else the family is
    usually called.
    """

    id: str
    name: str
    summary: str
    paper: Paper | None
    knobs: type[NetworkKnobs]
    presets: Mapping[str, Preset]
    build: Callable[[Any], Any]
    stages: Callable[[Any], tuple[Stage, ...]]
    claims: tuple[Claim, ...] = ()
    results: tuple[Result, ...] = ()
    changes: tuple[Change, ...] = ()
    built_for_size: bool = False
    agrees: Callable[[Any, Any, Any], Any] | None = None
    also: tuple[str, ...] = ()
