"""The pictures of the lesson on the feature pyramid: the designs, a level's grid and fields, the paper's ablations."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go
from PIL import Image

from lib.figures.theme import Palette, drawn, dress

if TYPE_CHECKING:
    from lib.lessons.pyramid.designs import Design
    from lib.lessons.pyramid.levels import Level
    from lib.trace import Pair

LEFT, MIDDLE, RIGHT = 1, 2.35, 3.7
"""Where the stacks of maps stand in a panel; the widest sheet reaches 1 to each side."""
PANELS = ((0, 5), (5.2, 5), (0, 0), (5.2, 0))
"""Where the panels stand: in one pair of axes, as Plotly takes far longer for four."""
WIDTHS = (1, 1 / 2, 1 / 4, 1 / 8)
"""Of the maps of a stack, as each has half the side of the one before."""
Arrow = tuple[float, float, float, float]
"""From (x, y) to (x, y)."""
SHAPES = ("", "/", ".", "x", "-", "+")


class Stack(NamedTuple):
    """Maps above each other: how wide each is, how many layers lie behind it, what to call it, and which of them are
    predicted from."""

    x: float
    widths: Sequence[float]
    layers: Sequence[int]
    name: str
    predicts: Container[int] = ()


@drawn
def designs(names: Sequence[str], found: Sequence[Design], palette: Palette) -> go.Figure:
    """A panel each. A map is as wide as its side tells, doubling from step to step; its outline is as thick as many
    layers lie behind it, and those that are predicted from are filled. Images are dotted."""
    image, _single, hierarchy, fpn = found
    sheets, each = WIDTHS[-len(image.sides):], range(len(WIDTHS))
    panels = (
        ((Stack(LEFT, sheets, [0] * len(sheets), "image"), Stack(RIGHT, sheets, image.layers, "C5 of this image", each)),
         _across(sheets)),
        ((Stack(MIDDLE, WIDTHS, hierarchy.layers, "C{}", each[-1:]),), _up(MIDDLE)),
        ((Stack(MIDDLE, WIDTHS, hierarchy.layers, "C{}", each),), _up(MIDDLE)),
        ((Stack(LEFT, WIDTHS, hierarchy.layers, "C{}"), Stack(RIGHT, WIDTHS, fpn.layers, "P{}", each)), _there_and_back()))
    figure = go.Figure()
    for name, at, (stacks, arrows) in zip(names, PANELS, panels):
        _panel(figure, stacks, arrows, max(fpn.layers), palette, at)
        figure.add_annotation(x=at[0] + MIDDLE, y=at[1] + 3.9, text=name, showarrow=False,
                              font={"color": palette.text, "size": 13})
    figure.update_xaxes(visible=False, range=[-0.1, PANELS[-1][0] + RIGHT + 1.1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, PANELS[0][1] + 4.3], fixedrange=True)
    return dress(figure, palette, 520).update_layout(showlegend=False, margin={"t": 10})


@drawn
def feature_pyramid(c_layers: Sequence[int], p_layers: Sequence[int], palette: Palette) -> go.Figure:
    """The fourth design alone, its maps named: C2 to C5 upwards on the left, P5 to P2 downwards on the right."""
    figure = go.Figure()
    stacks = Stack(LEFT, WIDTHS, c_layers, "C{}"), Stack(RIGHT, WIDTHS, p_layers, "P{}", range(len(WIDTHS)))
    _panel(figure, stacks, _there_and_back(), max(p_layers), palette)
    for stack in stacks:
        for step in range(len(WIDTHS)):
            figure.add_annotation(x=stack.x, y=step, text=stack.name.format(step + 2), showarrow=False,
                                  font={"color": palette.text})
    figure.update_xaxes(visible=False, range=[-0.1, RIGHT + 1.1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, 3.5], fixedrange=True)
    return dress(figure, palette).update_layout(showlegend=False, margin={"t": 10})


def _up(x: float) -> list[Arrow]:
    return [(x, step + 0.22, x, step + 0.78) for step in range(3)]


def _across(widths: Sequence[float]) -> list[Arrow]:
    return [(LEFT + width + 0.1, step, RIGHT - width - 0.1, step) for step, width in enumerate(widths)]


def _there_and_back() -> list[Arrow]:
    """Up the backbone, across to the pyramid, and down there."""
    down = [(x, end, to_x, start) for x, start, to_x, end in _up(RIGHT)]
    return [*_up(LEFT), *_across(WIDTHS), *down]


def _panel(figure: go.Figure, stacks: Sequence[Stack], arrows: Sequence[Arrow], most: int, palette: Palette,
           at: tuple[float, float] = (0, 0)) -> None:
    """Stacks and arrows, moved by `at`; behind `most` layers lies the thickest outline. All arrows are one trace of lines
    with gaps, a head at each second point: Plotly draws it faster than as many annotations."""
    across, down = at
    for stack in stacks:
        for step, (width, layers) in enumerate(zip(stack.widths, stack.layers)):
            text = stack.name.format(step + 2) + (f", {layers} layers behind it" if layers else "")
            _map(figure, across + stack.x, down + step, width, 1 + 5 * layers / most, step in stack.predicts, text, palette)
    figure.add_scatter(
        x=[value for x, _y, to_x, _to_y in arrows for value in (across + x, across + to_x, None)],
        y=[value for _x, y, _to_x, to_y in arrows for value in (down + y, down + to_y, None)],
        mode="lines+markers", hoverinfo="skip", line={"color": palette.muted, "width": 1.5},
        marker={"symbol": "arrow", "angleref": "previous", "color": palette.muted, "size": [0, 8, 0] * len(arrows)})


@drawn
def bars(names: Sequence[str], values: Sequence[float], title: str, digits: str, palette: Palette) -> go.Figure:
    """A bar for each name, its number, formatted by `digits`, at its end."""
    figure = go.Figure(go.Bar(
        y=list(names), x=list(values), orientation="h", marker={"color": palette.accent}, cliponaxis=False,
        text=[f"{value:{digits}}" for value in values], textposition="outside",
        hovertemplate="%{y}: %{text}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title, range=[0, 1.15 * max(values)])
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette)


def _map(figure: go.Figure, x: float, y: float, width: float, line: float, fill: bool, text: str,
         palette: Palette) -> None:
    """A map or an image as a sheet seen from the side."""
    lean, high = 0.12 * width, 0.14
    dotted = text == "image"
    figure.add_scatter(
        mode="lines", fill="toself", hoverinfo="text", text=text,
        x=[x - width, x + width - lean, x + width, x - width + lean, x - width],
        y=[y - high, y - high, y + high, y + high, y - high],
        fillcolor=palette.kinds["convolution"] if fill else palette.background,
        line={"color": palette.muted if dotted else palette.accent, "width": 1.5 if dotted else line,
              "dash": "dot" if dotted else "solid"})


@drawn
def on_picture(picture: Image.Image, level: Level, side: int, palette: Palette) -> go.Figure:
    """The level's grid on the picture, the object's square, and the fields of the middle cell of C and of P."""
    size, figure = picture.width, go.Figure()
    figure.add_layout_image(source=picture, x=0, y=0, sizex=size, sizey=size, xref="x", yref="y", layer="below",
                            sizing="stretch")
    lines = range(0, size + 1, level.stride)
    across = [value for line in lines for value in (0, size, None)]
    down = [value for line in lines for value in (line, line, None)]
    figure.add_scatter(x=across + down, y=down + across, mode="lines", showlegend=False, hoverinfo="skip",
                       line={"color": "rgba(255,255,255,0.55)", "width": 1})
    start = (size - side) // 2
    _frame(figure, f"object, {side} px", ((start, start + side - 1),) * 2, palette.series[1], "solid")
    for name, op, dash, colour in (("C", level.c, "dash", palette.series[0]), ("P", level.p, "dot", palette.series[3])):
        _frame(figure, f"field of {name}{level.number}, {op.field.side} px", op.field.middle(), colour, dash)
    beyond = min(1.6, max(0.08, (max(level.c.field.side, level.p.field.side) / size - 1) / 2 + 0.08)) * size
    plain = {"showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(range=[-beyond, size + beyond], title="pixels of the image", **plain)
    figure.update_yaxes(range=[size + beyond, -beyond], scaleanchor="x", **plain)
    return dress(figure, palette, 520)


def _frame(figure: go.Figure, name: str, spans: tuple[Pair, Pair], colour: str, dash: str) -> None:
    """A square from its (first, last) pixels, vertically and horizontally."""
    (top, bottom), (left, right) = spans
    figure.add_scatter(x=[left, right + 1, right + 1, left, left], y=[top, top, bottom + 1, bottom + 1, top], mode="lines",
                       name=name, hoverinfo="name", line={"color": colour, "dash": dash, "width": 3})


@drawn
def ablation(rows: Mapping[str, Sequence[float]], measure: str, palette: Palette) -> go.Figure:
    """Small, medium and large objects: a group each, a bar for each of the paper's rows, named by its letter."""
    figure = go.Figure()
    for index, (name, values) in enumerate(rows.items()):
        figure.add_bar(name=name[:3], x=["small", "medium", "large"], y=list(values),
                       hovertemplate=f"{name}<br>%{{y:.1f}}<extra></extra>",
                       marker={"color": palette.series[index], "pattern": {
                           "shape": SHAPES[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}})
    figure.update_layout(barmode="group", yaxis={"title": f"{measure}, %", "rangemode": "tozero"}, xaxis_title="objects")
    return dress(figure, palette, 380)
