"""Pictures of the arithmetic of a convolution: a map and its window, which channels meet, the end of an axis, two ways."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from lib.figures.lines import look
from lib.figures.theme import Palette, drawn, dress

if TYPE_CHECKING:  # no picture needs torch
    from PIL.Image import Image

    from lib.lessons.convolution.by_hand import Result
    from lib.lessons.convolution.equal import Agreement
    from lib.lessons.convolution.grid import Slide
    from lib.lessons.convolution.strides import Edge

Place = tuple[int, int]
Frame = tuple[int, int, int, int]
"""Left, top, right, bottom cell."""


class Panel(NamedTuple):
    """A map of numbers, written in squares: `chosen` ones in the colour of a convolution, `empty` ones without any,
    `crossed` ones with a cross. `framed` has a thick frame, `dotted` a thin one."""

    title: str
    values: tuple[tuple[str, ...], ...]
    chosen: tuple[Place, ...] = ()
    empty: tuple[Place, ...] = ()
    crossed: tuple[Place, ...] = ()
    framed: Frame | None = None
    dotted: Frame | None = None


GAP, HEAD = 1.2, 1.6
"""Cells between panels beside each other; and above one for its title."""
LEAST_COLUMNS = 3
WIDE, HIGH = 600, 280
"""Pixels in which letters must fit into cells."""
LETTERS = 13
"""Pixels of the letters of a chart, where nothing else is said."""


def letters_for(parts: tuple[Panel, ...], cell: float) -> int | None:
    """Pixels of the letters that fit into cells of so many pixels; None where those of the chart do."""
    longest = max(len(text) for part in parts for row in part.values for text in row)
    fitting = int(min(0.48 * cell, 1.7 * cell / max(1, longest)))
    return None if fitting >= LETTERS else max(7, fitting)


def panels(parts: tuple[Panel, ...], palette: Palette) -> go.Figure:
    """Maps beside each other, in cells of one size; those after the first below each other, where they fit beside it."""
    figure, places = go.Figure(), _places_of(parts)
    wide = max(left + max(LEAST_COLUMNS, len(part.values[0])) for part, (left, _top) in zip(parts, places))
    tall = max(top + len(part.values) for part, (_left, top) in zip(parts, places))
    letters = letters_for(parts, min(WIDE / wide, HIGH / tall))
    for part, (left, top) in zip(parts, places):
        _add(figure, part, left, top, palette, letters)
    figure.update_xaxes(visible=False, range=[-0.6, wide - 0.4], constrain="domain")
    figure.update_yaxes(visible=False, range=[tall - 0.4, -HEAD], scaleanchor="x", constrain="domain")
    return _dress(figure, palette, 330)


def _places_of(parts: tuple[Panel, ...]) -> list[tuple[float, float]]:
    """The left column and the top row of each panel."""
    first, *others = parts
    stacked = sum(len(part.values) + HEAD for part in others) - HEAD <= len(first.values)
    places, left, top = [(0.0, 0.0)], max(LEAST_COLUMNS, len(first.values[0])) + GAP, 0.0
    for part in others:
        places.append((left, top))
        if stacked:
            top += len(part.values) + HEAD
        else:
            left += max(LEAST_COLUMNS, len(part.values[0])) + GAP
    return places


def _add(figure: go.Figure, part: Panel, left: float, top: float, palette: Palette, letters: int | None) -> None:
    """One panel, its first column at `left`, its first row at `top`."""
    places = [[(y, x) for x, _value in enumerate(row)] for y, row in enumerate(part.values)]
    roles = [[1 if place in part.chosen else 0.5 if place in part.empty else 0 for place in row] for row in places]
    figure.add_heatmap(
        z=roles, zmin=0, zmax=1, x0=left, dx=1, y0=top, dy=1, hoverinfo="skip", xgap=2, ygap=2, showscale=False,
        colorscale=[(0, palette.kinds["other"]), (0.5, palette.background), (1, palette.kinds["convolution"])])
    rows, columns = zip(*[place for row in places for place in row])
    figure.add_scatter(
        x=[left + column for column in columns], y=[top + row for row in rows], mode="text",
        text=[text for row in part.values for text in row], textfont={"color": palette.text, "size": letters},
        hovertemplate="%{text}<extra></extra>")
    figure.add_annotation(x=left - 0.5, y=top - 1.1, text=part.title, showarrow=False, xanchor="left")
    for frame, colour, width, dash in ((part.framed, palette.accent, 3, "solid"), (part.dotted, palette.text, 1.5, "dot")):
        if frame:
            figure.add_shape(type="rect", x0=left + frame[0] - 0.5, x1=left + frame[2] + 0.5, y0=top + frame[1] - 0.5,
                             y1=top + frame[3] + 0.5, line={"color": colour, "width": width, "dash": dash})
    if part.crossed:
        rows, columns = zip(*part.crossed)
        figure.add_scatter(x=[left + column for column in columns], y=[top + row for row in rows], mode="markers",
                           hoverinfo="skip", marker={"symbol": "x-thin", "size": 1.3 * (letters or LETTERS),
                                   "line": {"width": 1.5, "color": palette.muted}})


@drawn
def slid(slide: Slide, chosen: Place | None, palette: Palette, titles: tuple[str, str, str], output: bool = True,
         crossed: bool = True) -> go.Figure:
    """A map with its padding, the kernel and the output; the window of the chosen output cell is coloured and framed, cells
    that no window reads are crossed. Without `output` its numbers are not told."""
    window = tuple(slide.window(*chosen)) if chosen else ()
    frame = (window[0][1], window[0][0], window[-1][1], window[-1][0]) if chosen else None
    padding, last = slide.padding, len(slide.padded) - 1 - slide.padding
    empty = tuple((y, x) for y, row in enumerate(slide.padded) for x, _number in enumerate(row) if slide.is_padding(y, x))
    parts = [Panel(titles[0], _text(slide.padded), window, empty, tuple(slide.unread) if crossed else (), frame,
                   (padding, padding, last, last)),
             Panel(titles[1], _text(slide.kernel), tuple(_places(slide.kernel)) if chosen else ())]
    if chosen or output:
        parts.append(Panel(titles[2], _text(slide.output, output), (chosen,) if chosen else (),
                           framed=(chosen[1], chosen[0], chosen[1], chosen[0]) if chosen else None))
    return panels(tuple(parts), palette)


@drawn
def typed(found: Result, palette: Palette, titles: tuple[str, str, str], output: bool = True) -> go.Figure:
    """A matrix, a kernel and what comes of them; the window of the last output cell is framed. A pooling has no weights."""
    window, (row, column) = tuple(found.window(*found.last)), found.last
    frame = window[0][1], window[0][0], window[-1][1], window[-1][0]
    parts = [Panel(titles[0], _text(found.matrix), window, framed=frame),
             Panel(titles[1], _text(found.kernel, found.operation == "convolution"), tuple(_places(found.kernel))),
             Panel(titles[2], _text(found.output, output), ((row, column),), framed=(column, row, column, row))]
    return panels(tuple(parts), palette)


def _text(rows: Sequence[Sequence[float]], told: bool = True) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{number:.3g}".replace("-", "−") if told else "" for number in row) for row in rows)


def _places(rows: Sequence[Sequence[float]]) -> list[Place]:
    return [(y, x) for y, row in enumerate(rows) for x, _number in enumerate(row)]


def pictures(named: Mapping[str, Image], side: int, palette: Palette) -> go.Figure:
    """One or two pictures beside each other, each as large as there is room; `side` is the longest that one may have."""
    figure, next_one = go.Figure(), 1.05 * side
    for place, (name, picture) in enumerate(named.items()):
        figure.add_layout_image(source=picture, xref="x", yref="y", x=place * next_one, y=0, sizex=picture.width,
                                sizey=picture.height)
        figure.add_annotation(x=place * next_one, y=0, xanchor="left", yanchor="bottom", text=name, showarrow=False)
    tall = max(picture.height for picture in named.values())
    figure.add_scatter(x=[0, next_one + side], y=[0, tall], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    figure.update_xaxes(visible=False, range=[0, next_one + side], constrain="domain", constraintoward="left")
    figure.update_yaxes(visible=False, range=[tall, -0.12 * tall], scaleanchor="x", constrain="domain")
    return _dress(figure, palette, 330).update_layout(margin_t=36)


@drawn
def connections(matrix: Sequence[Sequence[int]], palette: Palette) -> go.Figure:
    """Which output channels (rows) read which input channels (columns)."""
    figure = go.Figure(go.Heatmap(
        z=matrix, zmin=0, zmax=1, showscale=False, xgap=1, ygap=1, x=list(range(1, len(matrix[0]) + 1)),
        y=list(range(1, len(matrix) + 1)), colorscale=[(0, palette.kinds["other"]), (1, palette.accent)],
        hovertemplate="output channel %{y}, input channel %{x}: %{z}<extra></extra>"))
    figure.update_xaxes(title="input channel", showgrid=False, tickformat="d")
    figure.update_yaxes(title="output channel", showgrid=False, autorange="reversed", tickformat="d")
    return _dress(figure, palette, 330)


SHOWN_WINDOWS = 4
MARGIN = 8


@drawn
def end_of_axis(edge: Edge, palette: Palette) -> go.Figure:
    """The last cells of a padded axis and the last windows above them. Cells that no window reads are crossed."""
    shown = range(max(0, edge.outputs - SHOWN_WINDOWS), edge.outputs)
    padding = edge.window.padding[0]
    end = max(edge.size + padding, edge.read_by(edge.outputs - 1)[-1] + 1)
    cells = range(min(edge.read_by(shown[0])[0], edge.size - MARGIN), end)
    figure = go.Figure()
    _axis_cells(figure, [c for c in cells if c < edge.size], [c for c in cells if edge.size <= c < edge.size + padding],
                [c for c in edge.unread if c in cells], palette)
    for height, number in enumerate(shown, 1):
        places = edge.read_by(number)
        figure.add_scatter(x=places, y=[height] * len(places), mode="lines+markers", showlegend=False,
                           line={"color": palette.accent, "width": 2}, marker={"color": palette.accent, "size": 8},
                           hovertemplate=f"output row {number} reads row %{{x}}<extra></extra>")
    figure.update_xaxes(title="row of the map, counted from 0", showgrid=False, tickformat="d")
    figure.update_yaxes(tickvals=list(range(len(shown) + 1)), ticktext=["rows", *(f"output {number}" for number in shown)],
                        showgrid=False, range=[-0.6, len(shown) + 0.5])
    return _dress(figure, palette, 300).update_layout(showlegend=True, margin_t=40)


def _axis_cells(figure: go.Figure, on_map: Collection[int], padding: Collection[int], unread: Collection[int],
                palette: Palette) -> None:
    for name, places, colour, symbol in (("map", on_map, palette.kinds["convolution"], "square"),
                                         ("padding", padding, palette.background, "square"),
                                         ("never read", unread, palette.text, "x-thin")):
        if places:
            figure.add_scatter(name=name, x=list(places), y=[0] * len(places), mode="markers",
                               hovertemplate=f"row %{{x}}, {name}<extra></extra>",
                               marker={"symbol": symbol, "size": 13, "color": colour,
                                       "line": {"width": 1.5, "color": palette.text}})


SHOWN_INPUTS = 4


@drawn
def spread(kernel: int, stride: int, padding: int, outputs: int, inputs: int, palette: Palette) -> go.Figure:
    """The first rows of a map and the rows of the output that each of them adds to. What lies left of 0 is cut off."""
    shown = range(min(inputs, SHOWN_INPUTS))
    reach = [[row * stride - padding + step for step in range(kernel)] for row in shown]
    cells = range(-padding, max(reach[-1][-1] + 1, 1))
    figure = go.Figure()
    for name, places, colour, symbol in (
            ("output", [c for c in cells if 0 <= c < outputs], palette.kinds["convolution"], "square"),
            ("cut off", [c for c in cells if not 0 <= c < outputs], palette.background, "square")):
        if places:
            figure.add_scatter(name=name, x=places, y=[0] * len(places), mode="markers",
                               hovertemplate=f"row %{{x}}, {name}<extra></extra>",
                               marker={"symbol": symbol, "size": 14, "color": colour,
                                       "line": {"width": 1.5, "color": palette.text}})
    for row, places in zip(shown, reach):
        figure.add_scatter(x=places, y=[row + 1] * len(places), mode="lines+markers", showlegend=False,
                           line={"color": palette.accent, "width": 2}, marker={"color": palette.accent, "size": 8},
                           hovertemplate=f"input row {row} adds to row %{{x}}<extra></extra>")
    figure.update_xaxes(title="row of the output, counted from 0", showgrid=False, tickformat="d")
    figure.update_yaxes(tickvals=[0, *(row + 1 for row in shown)], ticktext=["output", *(f"input {row}" for row in shown)],
                        showgrid=False, range=[-0.6, len(shown) + 0.5])
    return _dress(figure, palette, 300).update_layout(showlegend=True, margin_t=40)


@drawn
def agreements(pairs: Mapping[str, Agreement], first: str, second: str, palette: Palette) -> go.Figure:
    """Numbers computed one way over the same computed the other way. Equal ones lie on the diagonal."""
    ends = [min(min(pair.first) for pair in pairs.values()), max(max(pair.first) for pair in pairs.values())]
    figure = go.Figure()
    figure.add_scatter(x=ends, y=ends, mode="lines", hoverinfo="skip", showlegend=False,
                       line={"color": palette.muted, "dash": "dot", "width": 1.5})
    for index, (name, pair) in enumerate(pairs.items()):
        marker = look(palette, index)["marker"] | {"color": palette.series[index], "size": 7}
        figure.add_scatter(name=name, x=pair.first, y=pair.second, mode="markers",
                           marker=marker | {"symbol": f"{marker['symbol']}-open"},
                           hovertemplate=f"{name}<br>%{{x:.4f}}, %{{y:.4f}}<extra></extra>")
    figure.update_xaxes(title=first)
    figure.update_yaxes(title=second)
    return _dress(figure, palette, 330).update_layout(showlegend=True, margin_t=40)


DEPTH = 0.18
"""How far the channels of a map reach back in the picture, of its sides: they are not to scale, height and width are."""


@drawn
def boxes(shapes: tuple[tuple[int, ...], ...], names: tuple[str, ...], palette: Palette) -> go.Figure:
    """Maps beside each other, (C, H, W), to scale in height and width; neurons, (N,), as a bar."""
    largest = max(max(shape[1:], default=1) for shape in shapes)
    figure, left = go.Figure(), 0.0
    for shape, name in zip(shapes, names):
        height, width = shape[1:] if len(shape) == 3 else (largest, 0.02 * largest)
        height, width = max(height, 0.01 * largest), max(width, 0.01 * largest)
        back = DEPTH * max(height, width) if len(shape) == 3 and shape[0] > 1 else 0
        for step in (1, 0.5, 0):
            figure.add_shape(type="rect", x0=left + step * back, x1=left + width + step * back, y0=step * back,
                             y1=height + step * back, line={"color": palette.text, "width": 1},
                             fillcolor=palette.kinds["convolution" if len(shape) == 3 else "linear"])
        figure.add_annotation(x=left + (width + back) / 2, y=0, yshift=-8, yanchor="top", text=name, showarrow=False)
        left += max(width + back, 0.3 * largest) + 0.35 * largest
    figure.add_scatter(x=[0, left - 0.35 * largest], y=[0, largest * (1 + DEPTH)], mode="markers", marker={"opacity": 0},
                       hoverinfo="skip")
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, scaleanchor="x", constrain="domain",
                        range=[-0.16 * largest, largest * (1.02 + DEPTH)])
    return _dress(figure, palette, 260)


@drawn
def bars(numbers: Mapping[str, int], title: str, palette: Palette, log: bool = False) -> go.Figure:
    """A bar for each name, its number written at its end."""
    figure = go.Figure(go.Bar(
        y=list(numbers), x=list(numbers.values()), orientation="h", marker={"color": palette.accent},
        text=[f"{number:,}" for number in numbers.values()], textposition="auto", textangle=0,
        hovertemplate="%{y}<br>%{x:,}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title, nticks=4)
    if log:
        figure.update_xaxes(type="log", exponentformat="power", dtick=2, title=f"{title}, logarithmic")
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return _dress(figure, palette, 300).update_layout(margin_t=36)  # room for a guess


@drawn
def kept_size(outputs: Sequence[int], map_size: int, palette: Palette) -> go.Figure:
    """Cells of the output over the zeros that are added in all, against the map's."""
    zeros = list(range(len(outputs)))
    figure = go.Figure()
    figure.add_scatter(name="output", x=zeros, y=list(outputs), **look(palette, 0),
                       hovertemplate="%{x} zeros: %{y} cells<extra></extra>")
    figure.add_scatter(name="the map", x=zeros[:1] + zeros[-1:], y=[map_size] * 2, mode="lines", hoverinfo="skip",
                       line={"color": palette.muted, "dash": "dot", "width": 2})
    figure.update_xaxes(title="zeros added along one axis, both ends together", tickformat="d")
    figure.update_yaxes(title="cells of the output", tickformat="d")
    return _dress(figure, palette, 330).update_layout(showlegend=True, margin_t=70, legend_y=1.16)  # room for a guess below


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(margin_t=20, showlegend=False)
