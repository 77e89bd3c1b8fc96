"""The pictures of the lesson on the feature pyramid: the designs, a level's grid and fields, the paper's ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
Arrow = tuple[float, float, float, float]
"""From (x, y) to (x, y)."""
SHAPES = ("", "/", ".", "x", "-", "+")


@drawn
def designs(names: Sequence[str], found: Sequence[Design], palette: Palette) -> go.Figure:
    """A panel each. A map is as wide as its side tells, doubling from step to step; its outline is as thick as many
    layers lie behind it, and those that are predicted from are filled. Images are dotted."""
    figure = go.Figure()
    image, single, hierarchy, fpn = found
    most = max(fpn.layers)

    def thickness(layers: int) -> float:
        return 1 + 5 * layers / most

    def stack(panel: int, x: float, widths: Sequence[float], layers: Sequence[int], filled: Sequence[bool],
              kind: str) -> None:
        across, down = PANELS[panel]
        for step, (width, count, fill) in enumerate(zip(widths, layers, filled)):
            text = kind.format(step + 2) + (f", {count} layers behind it" if count else "")
            _map(figure, across + x, down + step, width, thickness(count), fill, text, palette)

    def moved(panel: int, arrows: Sequence[Arrow]) -> list[Arrow]:
        across, down = PANELS[panel]
        return [(x + across, y + down, to_x + across, to_y + down) for x, y, to_x, to_y in arrows]

    widths = [2**-step for step in range(4)]
    steps = len(image.sides)
    stack(0, LEFT, widths[4 - steps:], [0] * steps, [False] * steps, "image")
    stack(0, RIGHT, widths[4 - steps:], image.layers, [True] * steps, "C5 of this image")
    stack(1, MIDDLE, widths, hierarchy.layers, [False] * 3 + [True], "C{}")
    stack(2, MIDDLE, widths, hierarchy.layers, [True] * 4, "C{}")
    stack(3, LEFT, widths, hierarchy.layers, [False] * 4, "C{}")
    stack(3, RIGHT, widths, fpn.layers, [True] * 4, "P{}")
    arrows = moved(3, [(RIGHT, step + 0.78, RIGHT, step + 0.22) for step in range(3)])
    for panel, x in ((1, MIDDLE), (2, MIDDLE), (3, LEFT)):
        arrows += moved(panel, [(x, step + 0.22, x, step + 0.78) for step in range(3)])
    for panel, sheets in ((0, widths[4 - steps:]), (3, widths)):
        arrows += moved(panel, [(LEFT + width + 0.1, step, RIGHT - width - 0.1, step)
                                for step, width in enumerate(sheets)])
    _arrows(figure, arrows, palette)
    for (across, down), name in zip(PANELS, names):
        figure.add_annotation(x=across + MIDDLE, y=down + 3.9, text=name, showarrow=False,
                              font={"color": palette.text, "size": 13})
    figure.update_xaxes(visible=False, range=[-0.1, PANELS[-1][0] + RIGHT + 1.1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, PANELS[0][1] + 4.3], fixedrange=True)
    return dress(figure, palette, 520).update_layout(showlegend=False, margin={"t": 10})


@drawn
def feature_pyramid(c_layers: Sequence[int], p_layers: Sequence[int], palette: Palette) -> go.Figure:
    """The fourth design alone, its maps named: C2 to C5 upwards on the left, P5 to P2 downwards on the right."""
    figure, most = go.Figure(), max(p_layers)
    for x, name, layers in ((LEFT, "C", c_layers), (RIGHT, "P", p_layers)):
        for step, count in enumerate(layers):
            text = f"{name}{step + 2}, {count} layers behind it"
            _map(figure, x, step, 2**-step, 1 + 5 * count / most, name == "P", text, palette)
            figure.add_annotation(x=x, y=step, text=f"{name}{step + 2}", showarrow=False, font={"color": palette.text})
    _arrows(figure, [*((LEFT, step + 0.22, LEFT, step + 0.78) for step in range(3)),
                     *((LEFT + 2**-step + 0.1, step, RIGHT - 2**-step - 0.1, step) for step in range(4)),
                     *((RIGHT, step + 0.78, RIGHT, step + 0.22) for step in range(3))], palette)
    figure.update_xaxes(visible=False, range=[-0.1, RIGHT + 1.1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.5, 3.5], fixedrange=True)
    return dress(figure, palette).update_layout(showlegend=False, margin={"t": 10})


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


def _arrows(figure: go.Figure, arrows: Sequence[Arrow], palette: Palette) -> None:
    """As one trace of lines with gaps, a head at each second point: Plotly draws it faster than as many annotations."""
    figure.add_scatter(
        x=[value for x, _y, to_x, _to_y in arrows for value in (x, to_x, None)],
        y=[value for _x, y, _to_x, to_y in arrows for value in (y, to_y, None)],
        mode="lines+markers", hoverinfo="skip", line={"color": palette.muted, "width": 1.5},
        marker={"symbol": "arrow", "angleref": "previous", "color": palette.muted, "size": [0, 8, 0] * len(arrows)})


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
