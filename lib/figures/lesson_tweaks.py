"""Pictures of the lesson on ResNet's tweaks: which cells are read, what the stems cost, what a tweak costs and gains."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from lib.figures.comparison import PATTERNS
from lib.figures.theme import Palette, drawn, dress

MILLION, BILLION = 10**6, 10**9


@drawn
def cells(values: np.ndarray, palette: Palette) -> go.Figure:
    """An (H, W) map of gradients as a share of its largest; a cell of exactly zero is empty and crossed out."""
    rows, columns = np.nonzero(values == 0)
    figure = go.Figure(go.Heatmap(
        z=np.where(values == 0, np.nan, values / values.max()), zmin=0, zmax=1, xgap=1, ygap=1,
        colorscale=[[0, palette.kinds["convolution"]], [1, palette.accent]], hoverongaps=False,
        colorbar={"thickness": 10, "tickvals": [0, 0.5, 1], "outlinewidth": 0},
        hovertemplate="row %{y}, column %{x}<br>%{z:.2f} of the largest<extra></extra>"))
    figure.add_scatter(x=columns, y=rows, mode="markers", hovertemplate="row %{y}, column %{x}<br>never read<extra></extra>",
                       marker={"symbol": "x-thin", "size": 130 / len(values), "line": {"color": palette.muted, "width": 1.5}})
    edge = (-0.5, len(values) - 0.5)
    figure.update_xaxes(visible=False, range=edge, constrain="domain")
    figure.update_yaxes(visible=False, range=edge[::-1], scaleanchor="x", constrain="domain")
    return dress(figure, palette, 300).update_layout(showlegend=False)


@drawn
def stems(pieces: Sequence[tuple[str, str, int, int]], palette: Palette) -> go.Figure:
    """A bar for each stem, a piece of it for each convolution of (stem, convolution, weights, multiply-adds)."""
    figure = go.Figure()
    for index, (stem, layer, weights, macs) in enumerate(pieces):
        figure.add_bar(
            name=layer, y=[stem], x=[macs / MILLION], orientation="h", customdata=[[weights]],
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 1},
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            hovertemplate=f"{layer}<br>%{{x:.1f}} million MACs<br>%{{customdata[0]:,}} weights<extra></extra>")
    figure.update_layout(barmode="stack", bargap=0.35)
    figure.update_xaxes(title="million MACs on an image of 224 pixels")
    dress(figure, palette, 300).update_yaxes(autorange="reversed", showgrid=False)
    return figure.update_layout(legend_traceorder="normal")


@drawn
def gains(tweaks: Sequence[str], macs: Sequence[int], points: Sequence[float], palette: Palette) -> go.Figure:
    """A mark for each tweak: multiply-adds that it adds, to the right, and points of accuracy that it gains, upwards."""
    figure = go.Figure(go.Scatter(
        x=[value / BILLION for value in macs], y=points, text=[f"<b>{name}</b>" for name in tweaks],
        mode="markers+text", textposition="middle right", textfont={"size": 16},
        marker={"size": 14, "color": palette.series[:len(tweaks)], "symbol": ["circle", "square", "diamond"],
                "line": {"color": palette.text, "width": 1}},
        hovertemplate="%{text}<br>%{x:.3f} billion MACs more<br>%{y} points of top-1<extra></extra>"))
    figure.update_xaxes(title="billion MACs added", range=(-0.02, 0.3), zeroline=False)
    figure.update_yaxes(title="points of top-1 gained", range=(0, 0.6), zeroline=False)
    return dress(figure, palette, 300).update_layout(showlegend=False)
