"""How what a step shows looks: each element of `lib/lessons/content.py` on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from math import log10
from typing import Any

import orjson
import streamlit as st

from lib.analysis.block import Block
from lib.analysis.graph import Graph, description, fold
from lib.code import source
from lib.figures.diagram import can_lay_out, svg
from lib.figures.diagram import source as diagram
from lib.figures.theme import Drawn, Palette
from lib.lessons.content import (
    Beside, Blocks, Chart, Element, Explore, Images, Network, Numbers, Origins, Run, Source, Table, Text, Written)
from lib.provenance import Origin, images_of
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.comparison import parameters
from lib.ui.network import Choice
from lib.ui.provenance import mark

LARGE = 20
"""Pixels of the letters in a chart that a class reads from the back row."""
MOST_ROWS = 9
"""A table with more rows than these scrolls within itself, where it stands beside controls and question."""


@dataclass(frozen=True)
class Guess:
    """What a person has guessed, to be drawn into a chart: in words, and as a number where it is one."""

    words: str
    value: float | None = None


@dataclass(frozen=True)
class Place:
    """Where an element stands: of which lesson, its key on the page, the guess for it, whether a class reads it from afar, and
    whether it shares the screen with controls and question."""

    lesson: str
    key: str
    guess: Guess | None = None
    large: bool = False
    tight: bool = False

    def within(self, name: object) -> Place:
        """The place of a part."""
        return Place(self.lesson, f"{self.key}_{name}", self.guess, self.large, self.tight)


@singledispatch
def show(element: Element, place: Place) -> None:
    """Show an element at its place."""
    raise TypeError(f"{type(element).__name__} is no element of a step")


def _marks(origins: Origins) -> None:
    for origin in (origins,) if isinstance(origins, Origin) else origins:
        mark(origin.kind, origin.detail)


def _title(title: str) -> None:
    if title:
        st.markdown(f"**{title}**")


@show.register
def _chart(element: Chart, place: Place) -> None:
    _title(element.title)
    palette = current_palette()
    figure = fitted(element.draw(palette).to_dict(), palette, element, place)
    st.plotly_chart(figure, key=place.key, config={"displayModeBar": False}, alt=element.alt,
                    height="stretch" if place.tight else "content")
    if element.run:
        with st.container(horizontal=True, gap="small"):
            with st.container():
                _marks(element.origin)
            show(element.run, place)
    else:
        _marks(element.origin)


def fitted(figure: dict[str, Any], palette: Palette, element: Chart, place: Place) -> Drawn:
    """The chart in the size of its place, with the guess drawn into it."""
    layout = figure["layout"]
    if place.tight:  # as high as its place: lib/ui/style.py
        layout["height"] = None
    elif element.height:
        layout["height"] = element.height
    if place.large:
        _enlarge(layout)
    if place.guess:
        _draw_guess(figure, place.guess, palette, element)
    return Drawn(orjson.dumps(figure, option=orjson.OPT_SERIALIZE_NUMPY))


def _enlarge(layout: dict[str, Any]) -> None:
    """All letters of a chart as large as a class needs them."""
    axes = [axis for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))]
    for axis in axes:
        axis["tickfont"] = axis.get("tickfont", {}) | {"size": LARGE}
        axis["title"] = axis.get("title", {}) | {"font": {"size": LARGE}}
    for place in (layout, layout.setdefault("legend", {}), *layout.get("annotations", ())):
        place["font"] = place.get("font", {}) | {"size": LARGE}


def _middle(figure: dict[str, Any], axis: str) -> float:
    """About the middle of what a chart shows along an axis."""
    shown = [value for trace in figure["data"] for value in trace.get(axis) or () if isinstance(value, (int, float))]
    low, high = figure["layout"].get(f"{axis}axis", {}).get("range") or (0, max(shown, default=0))
    return (low + high) / 2


def _draw_guess(figure: dict[str, Any], guess: Guess, palette: Palette, element: Chart) -> None:
    layout = figure["layout"]
    size = layout.get("font", {}).get("size", 13)
    words, colour = _("your guess: {guess}").format(guess=guess.words), palette.series[3]
    note = {"text": words, "showarrow": False, "bgcolor": palette.background, "font": {"color": colour, "size": size}}
    if guess.value is None or not element.guess:
        note |= {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "bottom"}
    else:
        axis, other = element.guess, "y" if element.guess == "x" else "x"
        at = guess.value * element.times
        line = {"type": "line", f"{axis}0": at, f"{axis}1": at, f"{axis}ref": axis, f"{other}0": 0, f"{other}1": 1,
                f"{other}ref": "paper", "line": {"color": colour, "dash": "dash", "width": 2.5}}
        layout["shapes"] = [*layout.get("shapes", ()), line]
        logarithmic = layout.get(f"{axis}axis", {}).get("type") == "log"  # where a note's place is the power of ten
        note |= {axis: log10(at) if logarithmic and at > 0 else at, f"{axis}ref": axis, other: 1, f"{other}ref": "paper",
                 "xanchor": "right" if axis == "y" or at > _middle(figure, axis) else "left",
                 "yanchor": "top" if axis == "x" else "bottom"}
    layout["annotations"] = [*layout.get("annotations", ()), note]


@show.register
def _table(element: Table, place: Place) -> None:
    _title(element.title)
    frame = element.frame
    if place.large or (place.tight and len(frame) <= MOST_ROWS):
        st.table(frame.style.format(_shown(element)) if element.formats else frame, hide_index=True)
    else:
        columns = {name: st.column_config.NumberColumn(format=format) for name, format in element.formats.items()}
        st.dataframe(frame, hide_index=True, key=place.key, column_config=columns,
                     height="stretch" if place.tight and len(frame) > MOST_ROWS else "content")
    _marks(element.origin)


def _shown(element: Table) -> dict[str, Callable[[Any], str]]:
    """The formats of a table for one that is text throughout."""
    return {name: (lambda value: f"{value:,}") if format == "localized" else (lambda value, format=format: format % value)
            for name, format in element.formats.items()}


@show.register
def _blocks(element: Blocks, place: Place) -> None:
    with st.container(key=f"blocks_{place.key}", gap="xsmall"):
        for index, (column, name) in enumerate(zip(st.columns(len(element.blocks), gap="small"), element.blocks)):
            with column, st.container(key=f"block_{place.key}_{index}", border=True, height="stretch"):
                _block(name, element.blocks[name], element.numbers, place)
        inputs = dict.fromkeys(block.input for block in element.blocks.values())
        mark("computed", _("for one input of {shape}").format(shape=_(" and of ").join(inputs)))


def _block(name: str, block: Block, numbers: bool, place: Place) -> None:
    st.markdown(f"**{name}**")
    if numbers and not place.large:
        st.code(block.written_out.replace(" + ", "\n+ ").replace(" = ", "\n= "), language=None)
    _picture(fold(block.ops), _("Graph of this block"), place)
    if numbers:
        _batch, _channels, height, width = block.ops[0].in_shapes[0]
        st.markdown(_("{weights} weights · {macs} MACs on {height}×{width} maps").format(
            weights=f"{block.weights:,}", macs=f"{block.macs:,}", height=height, width=width))


@show.register
def _network(element: Network, place: Place) -> None:
    graph = fold(element.analysis.ops, frozenset(element.opened))
    _picture(graph, _("Graph of {network}").format(network=element.analysis.preset), place)
    mark("computed", images_of(element.analysis))


def _picture(graph: Graph, alt: str, place: Place) -> None:
    """A graph, as high as its place allows, and the same in words."""
    drawn = diagram(graph, current_palette())
    if can_lay_out():
        st.image(svg(drawn), width="stretch", alt=description(graph))
    else:
        st.graphviz_chart(drawn, alt=alt)
    if not place.tight:
        with st.popover(_("The graph in words"), icon=":material/notes:"):
            st.text(description(graph))


@show.register
def _numbers(element: Numbers, place: Place) -> None:
    with st.container(horizontal=True, gap="large"):
        for label, value in element.values.items():
            st.metric(label, value, width="content")
    _marks(element.origin)


@show.register
def _images(element: Images, place: Place) -> None:
    with st.container(horizontal=True):
        for caption, picture in element.pictures.items():
            st.image(picture, caption=caption, width=element.width)
    _marks(element.origin)


@show.register
def _written(element: Written, place: Place) -> None:
    st.code(element.text, language=None, wrap_lines=True)
    _marks(element.origin)


@show.register
def _text(element: Text, place: Place) -> None:
    st.markdown(prose(place.lesson, element.section, **element.fields))
    _marks(element.origin)


@show.register
def _source(element: Source, place: Place) -> None:
    for each in element.classes:
        with st.expander(f"{'class' if isinstance(each, type) else 'def'} {each.__name__}"):
            st.code(source(each), language="python")


@show.register
def _explore(element: Explore, place: Place) -> None:
    explore_link(element.preset, dict(element.knobs), element.label)


@show.register
def _run(element: Run, place: Place) -> None:
    st.page_link("../../pages/train.py", label=_("Run it here"), icon=":material/play_arrow:", query_params=run_link(element))


def run_link(element: Run) -> dict[str, str]:
    """The parameters that open these networks on the page Train; the person has predicted already."""
    networks = parameters([Choice(preset, dict(knobs)) for preset, knobs in element.networks])
    return networks | dict(element.settings) | {"predict": "false"}


@show.register
def _beside(element: Beside, place: Place) -> None:
    widths = element.widths or (1,) * len(element.elements)
    for index, (column, part) in enumerate(zip(st.columns(widths), element.elements)):
        with column:
            show(part, place.within(index))


def explore_link(preset: str, knobs: dict[str, Any] = {}, label: str = "") -> None:
    """A link that opens a network, with these knobs, in Explore."""
    st.page_link("../../pages/explore.py", label=label or _("{network} in Explore").format(network=preset),
                 icon=":material/tune:", query_params=Choice(preset, knobs).parameters())
