"""The pictures of the lessons on residual learning and on identity mappings: lines over depth, errors, weight layers."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress

LOOKS = (("solid", "circle"), ("dash", "square"), ("dot", "diamond"), ("dashdot", "x"), ("longdash", "triangle-up"))
"""Dash and symbol of each line, beside its colour."""


@drawn
def lines(x: Sequence, series: Mapping[str, Sequence[float]], palette: Palette, xaxis: str, yaxis: str,
          log: str = "", zero: bool = True) -> go.Figure:
    """A line for each of the series over the same x. `log` names the axes with a logarithmic scale: `y`, `x` or `xy`.
    `zero` shows the zero of a linear y axis."""
    figure = go.Figure()
    for index, (name, values) in enumerate(series.items()):
        figure.add_scatter(name=name, x=x, y=values, **look(palette, index, len(x) <= 12),
                           hovertemplate=f"{name}<br>{xaxis} %{{x}}<br>%{{y:.3g}}<extra></extra>")
    figure.update_layout(xaxis_title=xaxis, yaxis_title=yaxis)
    figure.update_yaxes(rangemode="tozero" if zero else "normal")
    if "x" in log:
        figure.update_xaxes(type="log", tickvals=x, ticktext=[f"{value:g}" for value in x])
    if "y" in log:
        figure.update_yaxes(type="log", exponentformat="power", dtick=1 if _decades(series) < 6 else 2)
    return dress(figure, palette).update_layout(showlegend=True)


def _decades(series: Mapping[str, Sequence[float]]) -> float:
    values = [value for line in series.values() for value in line]
    return math.log10(max(values) / min(values))


@drawn
def nested(x: Sequence, series: Mapping[str, Sequence[float]], palette: Palette, xaxis: str, yaxis: str) -> go.Figure:
    """The same for lines that lie on each other: each one is thinner than the one below it."""
    figure = lines.__wrapped__(x, series, palette, xaxis, yaxis)  # its own: nobody may change the one that is kept
    for index, line in enumerate(figure.data):
        line.update(line_width=2.5 + 3 * (len(figure.data) - 1 - index))
    return figure


def look(palette: Palette, index: int, markers: bool = True) -> dict:
    """The colour, dash and symbol of the line with this number."""
    dash, symbol = LOOKS[index]
    colour = (*palette.series[:4], palette.text)[index]  # the fifth of the series is too near to the second
    return {"mode": "lines+markers" if markers else "lines", "marker": {"symbol": symbol, "size": 8},
            "line": {"color": colour, "dash": dash, "width": 2.5}}


@drawn
def degradation(errors: Mapping[str, Mapping[str, float]], palette: Palette) -> go.Figure:
    """Printed errors of a shallow and a deep network, a line for the plain pair and one for the residual pair."""
    figure = go.Figure()
    for index, (name, values) in enumerate(errors.items()):
        figure.add_scatter(
            name=name, x=[f"{depth} layers" for depth in values], y=list(values.values()), **look(palette, index),
            hovertemplate=f"{name}, %{{x}}: %{{y:.2f}} %<extra></extra>")
        for depth, value in values.items():
            figure.add_annotation(x=f"{depth} layers", y=value, text=f"{value:.2f}", showarrow=False,
                                  yshift=-14 if name == "residual" else 14, font={"color": palette.series[index]})
    figure.update_layout(yaxis_title="top-1 error, %")
    figure.update_yaxes(range=[24, 29.5])
    figure.update_xaxes(range=[-0.3, 1.3])
    return dress(figure, palette).update_layout(showlegend=True)


@drawn
def weight_layers(names: Sequence[str], stages: Sequence[Sequence[tuple[str, int, int]]], palette: Palette) -> go.Figure:
    """A bar for each network, cut into the weight layers of its stages; stages hold (name, blocks, layers)."""
    figure = go.Figure()
    for index, cut in enumerate(zip(*stages)):
        figure.add_bar(
            name=cut[0][0], y=list(names), x=[layers for _, _, layers in cut], orientation="h",
            text=[str(layers) if layers > 3 else "" for _, _, layers in cut], textposition="inside", textangle=0,
            insidetextanchor="middle", customdata=[blocks for _, blocks, _ in cut],
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 2}},
            insidetextfont={"color": palette.background},
            hovertemplate=f"%{{y}}, {cut[0][0]}: %{{x}} weight layers in %{{customdata}} blocks<extra></extra>")
    figure.update_layout(barmode="stack", xaxis_title="weight layers", legend_traceorder="normal")
    figure.update_yaxes(autorange="reversed")
    return dress(figure, palette).update_layout(showlegend=True)
