"""Pictures of the lesson on ResNeXt: a grouped convolution's matrix, weights of blocks, errors over cardinality."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from lib.figures.comparison import DASHES, PATTERNS
from lib.figures.theme import Palette, drawn, dress


@drawn
def matrix(sizes: np.ndarray, palette: Palette) -> go.Figure:
    """An (out, in) matrix of the sizes of kernels, each a coloured cell; a kernel of zeros is left blank."""
    figure = go.Figure(go.Heatmap(
        z=np.where(sizes == 0, np.nan, sizes), zmin=0, hoverongaps=False, showscale=False,
        colorscale=[[0, palette.kinds["convolution"]], [1, palette.accent]],
        hovertemplate="output channel %{y}, input channel %{x}<br>size of its kernel %{z:.3f}<extra></extra>"))
    edge = (-0.5, len(sizes) - 0.5)
    frame = {"constrain": "domain", "mirror": True, "showline": True, "showgrid": False}
    figure.update_xaxes(title="input channel", range=edge, **frame)
    figure.update_yaxes(title="output channel", range=edge[::-1], scaleanchor="x", **frame)
    return dress(figure, palette, 380)


@drawn
def stacked(rows: Sequence[tuple[str, Sequence[int]]], palette: Palette) -> go.Figure:
    """A bar for each block of (name, weights of its three convolutions); a dashed line where the first one ends."""
    figure = go.Figure()
    names = [name for name, _ in rows]
    for index, layer in enumerate(("first 1×1", "3×3", "last 1×1")):
        figure.add_bar(
            name=layer, x=names, y=[weights[index] for _, weights in rows],
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 1},
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            hovertemplate=f"%{{x}}, {layer}<br>%{{y:,}} weights<extra></extra>")
    figure.add_hline(y=sum(rows[0][1]), line={"color": palette.text, "dash": "dash", "width": 1.5})
    figure.update_layout(barmode="stack", bargap=0.3)
    figure.update_yaxes(title="weights")
    return dress(figure, palette, 360).update_layout(legend_traceorder="normal").update_xaxes(showgrid=False)


@drawn
def errors(names: Sequence[str], errors: Mapping[int, Sequence[float]], palette: Palette) -> go.Figure:
    """A line for each depth: top-1 error in % over the templates, from one path to many."""
    figure = go.Figure()
    for index, (depth, values) in enumerate(errors.items()):
        figure.add_scatter(
            name=f"{depth} layers", x=list(names), y=list(values), mode="lines+markers",
            line={"color": palette.series[index], "dash": DASHES[index], "width": 2.5},
            marker={"size": 9, "symbol": ("circle", "square")[index]},
            hovertemplate=f"%{{x}}, {depth} layers<br>%{{y}} %<extra></extra>")
    figure.update_yaxes(title="top-1 error, %")
    return dress(figure, palette, 340).update_xaxes(showgrid=False)


@drawn
def marks(values: Mapping[str, float], title: str, digits: int, palette: Palette) -> go.Figure:
    """A mark for each name, its value with so many digits written beside it. The axis does not start at zero."""
    figure = go.Figure(go.Scatter(
        x=list(values.values()), y=list(values), mode="markers+text", textposition="middle right",
        text=[f" {value:.{digits}f}" for value in values.values()],
        marker={"size": 13, "color": palette.accent, "line": {"color": palette.text, "width": 1}},
        hovertemplate="%{y}<br>%{x}<extra></extra>"))
    low, high = min(values.values()), max(values.values())
    figure.update_xaxes(title=title, range=(low - 0.15 * (high - low), high + 0.3 * (high - low)))
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, dtick=1)
    return dress(figure, palette, 110 + 32 * len(values)).update_yaxes(showgrid=False)


@drawn
def bars(values: Mapping[str, int], title: str, palette: Palette) -> go.Figure:
    """A bar for each name, its number written at its end."""
    figure = go.Figure(go.Bar(
        y=list(values), x=list(values.values()), orientation="h", marker={"color": palette.accent},
        text=[f"{value:,}" for value in values.values()], textposition="outside", textangle=0, cliponaxis=False,
        hovertemplate="%{y}<br>%{x:,}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title, range=[0, 1.1 * max(values.values())])
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette)
