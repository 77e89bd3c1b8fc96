"""Pictures of the arithmetic of a convolution: a map and its window, which channels meet, the end of an axis, two ways."""

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress
from lib.lessons.convolution import Agreement, Edge, Slide

Place = tuple[int, int]


@drawn
def padded_map(slide: Slide, chosen: Place, palette: Palette) -> go.Figure:
    """The map with its padding; the window of the chosen output cell is coloured and framed, unread cells are crossed."""
    window = slide.window(*chosen)
    paddings = [(y, x) for y, row in enumerate(slide.padded) for x, _ in enumerate(row) if slide.is_padding(y, x)]
    figure = _cells(slide.padded, window, paddings, palette)
    (top, left), (bottom, right) = window[0], window[-1]
    _frame(figure, left, top, right, bottom, palette.accent, "solid")
    last = len(slide.padded) - 1 - slide.padding
    _frame(figure, slide.padding, slide.padding, last, last, palette.text, "dot")
    if slide.unread:
        rows, columns = zip(*slide.unread)
        figure.add_scatter(x=columns, y=rows, mode="markers", hoverinfo="skip",
                           marker={"symbol": "x-thin", "size": 18, "line": {"width": 1.5, "color": palette.muted}})
    return figure


@drawn
def kernel(slide: Slide, palette: Palette) -> go.Figure:
    """The weights, coloured as the window that they multiply."""
    side = range(len(slide.kernel))
    return _cells(slide.kernel, [(y, x) for y in side for x in side], (), palette).update_layout(height=200)


@drawn
def output(slide: Slide, chosen: Place, palette: Palette) -> go.Figure:
    """The output map; the chosen cell is coloured and framed."""
    figure = _cells(slide.output, [chosen], (), palette)
    _frame(figure, chosen[1], chosen[0], chosen[1], chosen[0], palette.accent, "solid")
    return figure


def _cells(values: Sequence[Sequence[int]], chosen: Collection[Place], empty: Collection[Place], palette: Palette) -> go.Figure:
    """Numbers in squares: `chosen` ones in the colour of a convolution, `empty` ones without any."""
    places = [[(y, x) for x, _ in enumerate(row)] for y, row in enumerate(values)]
    roles = [[1 if place in chosen else 0.5 if place in empty else 0 for place in row] for row in places]
    figure = go.Figure(go.Heatmap(
        z=roles, zmin=0, zmax=1, text=values, texttemplate="%{text}", textfont={"color": palette.text, "size": 13},
        colorscale=[(0, palette.kinds["other"]), (0.5, palette.background), (1, palette.kinds["convolution"])],
        xgap=2, ygap=2, showscale=False, hovertemplate="%{text}<extra></extra>"))
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return _dress(figure, palette, 330)


def _frame(figure: go.Figure, left: int, top: int, right: int, bottom: int, colour: str, dash: str) -> None:
    figure.add_shape(type="rect", x0=left - 0.5, x1=right + 0.5, y0=top - 0.5, y1=bottom + 0.5,
                     line={"color": colour, "width": 3 if dash == "solid" else 1.5, "dash": dash})


@drawn
def connections(matrix: Sequence[Sequence[int]], palette: Palette) -> go.Figure:
    """Which output channels (rows) read which input channels (columns)."""
    figure = go.Figure(go.Heatmap(
        z=matrix, zmin=0, zmax=1, showscale=False, xgap=1, ygap=1, x=list(range(1, len(matrix[0]) + 1)),
        y=list(range(1, len(matrix) + 1)), colorscale=[(0, palette.kinds["other"]), (1, palette.accent)],
        hovertemplate="output channel %{y}, input channel %{x}: %{z}<extra></extra>"))
    figure.update_xaxes(title="input channel", showgrid=False, tickformat="d")
    figure.update_yaxes(title="output channel", showgrid=False, autorange="reversed", tickformat="d")
    return _dress(figure, palette, 360)


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
    for name, places, colour, symbol in (
            ("map", [c for c in cells if c < edge.size], palette.kinds["convolution"], "square"),
            ("padding", [c for c in cells if edge.size <= c < edge.size + padding], palette.background, "square"),
            ("never read", [c for c in edge.unread if c in cells], palette.text, "x-thin")):
        figure.add_scatter(name=name, x=places, y=[0] * len(places), mode="markers",
                           hovertemplate=f"row %{{x}}, {name}<extra></extra>",
                           marker={"symbol": symbol, "size": 15, "color": colour,
                                   "line": {"width": 1.5, "color": palette.text}})
    for height, number in enumerate(shown, 1):
        places = edge.read_by(number)
        figure.add_scatter(name=f"output row {number}", x=places, y=[height] * len(places), mode="lines+markers",
                           showlegend=False, line={"color": palette.accent, "width": 2},
                           marker={"color": palette.accent, "size": 8},
                           hovertemplate=f"output row {number} reads row %{{x}}<extra></extra>")
    figure.update_xaxes(title="row of the map, counted from 0", showgrid=False, zeroline=False, tickformat="d")
    figure.update_yaxes(tickvals=[0, *range(1, len(shown) + 1)], ticktext=["rows", *(f"output {number}" for number in shown)],
                        showgrid=False, zeroline=False, range=[-0.6, len(shown) + 0.5])
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return _dress(figure, palette, 300)


@drawn
def agreement(found: Agreement, first: str, second: str, palette: Palette) -> go.Figure:
    """Every number computed one way over the same computed the other way. Equal ones lie on the diagonal."""
    ends = [min(found.first), max(found.first)]
    figure = go.Figure()
    figure.add_scatter(x=ends, y=ends, mode="lines", hoverinfo="skip",
                       line={"color": palette.muted, "dash": "dot", "width": 1.5})
    figure.add_scatter(x=found.first, y=found.second, mode="markers", hovertemplate="%{x:.4f}, %{y:.4f}<extra></extra>",
                       marker={"color": palette.accent, "size": 6, "symbol": "circle-open"})
    figure.update_xaxes(title=first, zeroline=False, gridcolor=palette.line)
    figure.update_yaxes(title=second, zeroline=False, gridcolor=palette.line)
    return _dress(figure, palette, 300)


def _dress(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    return dress(figure, palette, height).update_layout(margin_t=20, showlegend=bool(figure.layout.showlegend))
