"""What a step shows, as data: charts, tables, blocks, graphs, texts. How each looks is decided in `lib/ui/elements.py`.

Every figure bears its `origin`: where its numbers come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lib.analysis import Analysis
from lib.analysis.block import Block
from lib.figures.theme import Palette
from lib.provenance import Origin

Origins = Origin | tuple[Origin, ...]


@dataclass(frozen=True)
class Chart:
    """A Plotly figure: `draw(palette)`. `alt` says in words what is to be seen.

    `guess` is the axis, `x` or `y`, on which the number that a person has guessed is drawn into the chart: `times` so
    many units of the axis for one of the question's. On one screen with controls and
    question it is as high as there is room; `height`, in pixels, is for where it stands alone. `title` stands above it, and
    the way to `run` what it shows beneath.
    """

    draw: Callable[[Palette], Any]
    alt: str
    origin: Origins
    guess: str = ""
    times: float = 1.0
    height: int = 0
    title: str = ""
    run: Run | None = None


@dataclass(frozen=True)
class Table:
    """A table. `formats` maps columns to Streamlit's number formats, as `localized` or `%.2f`."""

    frame: pd.DataFrame
    origin: Origins
    formats: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Blocks:
    """Blocks beside each other: name to block. Each shows its graph, and with `numbers` its weights written out and its
    totals."""

    blocks: Mapping[str, Block]
    numbers: bool = True


@dataclass(frozen=True)
class Network:
    """A network's graph with these parts open (`stage:conv2_x`, `block:layer1.0`), and the same in words."""

    analysis: Analysis
    opened: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """A few numbers in large type: label to value."""

    values: Mapping[str, str]
    origin: Origins


@dataclass(frozen=True)
class Images:
    """Pictures beside each other: caption to picture (PIL). `width` in pixels."""

    pictures: Mapping[str, Any]
    origin: Origins
    width: int = 168


@dataclass(frozen=True)
class Written:
    """A calculation or output, in type of equal width."""

    text: str
    origin: Origins


@dataclass(frozen=True)
class Text:
    """A section of the lesson's prose, with its fields; and an `origin` where it says what somebody reports."""

    section: str
    fields: Mapping[str, object] = field(default_factory=dict)
    origin: Origins = ()


@dataclass(frozen=True)
class Source:
    """The source of classes and functions that the step has run."""

    classes: tuple[type | Callable, ...]


@dataclass(frozen=True)
class Explore:
    """A link that opens a network, with these knobs, in Explore."""

    preset: str
    knobs: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Run:
    """A link that opens the page on which networks are trained: each a preset with its knobs. `settings` are those of the
    recipe, as that page writes them into its link."""

    networks: tuple[tuple[str, Mapping[str, Any]], ...]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """Elements side by side; beneath each other on a phone. `widths` are their shares."""

    elements: tuple[Element, ...]
    widths: tuple[int, ...] = ()


Element = Chart | Table | Blocks | Network | Numbers | Images | Written | Text | Source | Explore | Run | Beside


@dataclass(frozen=True)
class Content:
    """What a step shows for the values of its controls: one picture, `fields` for its prose, and what opens below. Where the
    step has people predict first, `before` may stand in the picture's place until they have."""

    picture: Element
    fields: Mapping[str, object] = field(default_factory=dict)
    more: tuple[Element, ...] = ()
    before: Element | None = None

