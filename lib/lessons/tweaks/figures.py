"""Pictures of the lesson on ResNet's tweaks: which cells are read, what they see, what stems and tweaks cost."""

from collections.abc import Mapping, Sequence
from math import log10

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lib.figures.comparison import PATTERNS
from lib.figures.theme import Palette, drawn, dress

MILLION, BILLION = 10**6, 10**9
CELLS = 7
"""Cells of a row whose fields are drawn."""


@drawn
def cells(maps: Mapping[str, np.ndarray], palette: Palette) -> go.Figure:
    """Maps of gradients (H, W) beside each other, each as a share of its largest; a cell of exactly zero is empty and
    crossed out."""
    figure = make_subplots(1, len(maps), subplot_titles=list(maps), horizontal_spacing=0.04)
    for place, values in enumerate(maps.values(), start=1):
        rows, columns = np.nonzero(values == 0)
        figure.add_heatmap(
            z=np.where(values == 0, np.nan, values / values.max()), zmin=0, zmax=1, xgap=1, ygap=1, showscale=False,
            colorscale=[[0, palette.kinds["convolution"]], [1, palette.accent]],
            hovertemplate="row %{y}, column %{x}<br>%{z:.2f} of the largest<extra></extra>", hoverongaps=False,
            row=1, col=place)
        figure.add_scatter(
            x=columns, y=rows, mode="markers", hovertemplate="row %{y}, column %{x}<br>never read<extra></extra>",
            marker={"symbol": "x-thin", "size": 64 / len(values), "line": {"color": palette.muted, "width": 1.5}},
            row=1, col=place)
        edge = (-0.5, len(values) - 0.5)
        figure.update_xaxes(visible=False, range=edge, constrain="domain", row=1, col=place)
        figure.update_yaxes(visible=False, range=edge[::-1], scaleanchor=f"x{place}" if place > 1 else "x",
                            constrain="domain", constraintoward="top", row=1, col=place)
    return dress(figure, palette, 300).update_layout(showlegend=False)


@drawn
def fields(field: int, jump: int, palette: Palette) -> go.Figure:
    """What neighbouring cells of a row see of the image: a bar of `field` pixels each, `jump` pixels further on each time.
    Every second cell is read."""
    figure = go.Figure()
    for read, name, colour in ((True, "read", palette.accent), (False, "never read", palette.kinds["other"])):
        numbers = [cell for cell in range(CELLS) if (cell % 2 == 0) == read]
        figure.add_bar(
            name=name, y=numbers, x=[field] * len(numbers), base=[cell * jump for cell in numbers], orientation="h",
            width=0.75,
            marker={"color": colour, "line": {"color": palette.line, "width": 1}},
            hovertemplate="cell %{y}: from pixel %{base}, %{x} pixels wide<extra>" + name + "</extra>")
    figure.update_layout(barmode="overlay", xaxis_title="pixels along a row of the image")
    figure.update_yaxes(title="cell", range=(CELLS - 0.4, -0.6), dtick=1, showgrid=False)
    return dress(figure, palette, 300).update_layout(showlegend=True)


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
def bars(names: Sequence[str], numbers: Sequence[float], told: Sequence[int], title: str, palette: Palette,
         log: bool = False) -> go.Figure:
    """A bar for each name, its number written at its end; those in the places `told` stand out."""
    figure = go.Figure(go.Bar(
        y=list(names), x=list(numbers), orientation="h", text=[f"{number:,.4g}" if number < 1000 else f"{number:,.0f}"
                                                               for number in numbers], textposition="outside",
        marker={"color": [palette.accent if place in told else palette.line for place in range(len(names))]},
        hovertemplate="%{y}: %{x:,}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    if log:
        figure.update_xaxes(title=title, type="log", dtick=1, range=(1, log10(max(numbers)) + 0.7))
    else:  # some room for the numbers
        figure.update_xaxes(title=title, range=(1.3 * min(0, *numbers), 1.2 * max(numbers)))
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False)
    return dress(figure, palette, 300)


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
