"""Lines over depth, width or angle, told apart by colour, dash and symbol."""

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
        values = [value for line in series.values() for value in line]
        figure.update_yaxes(type="log", exponentformat="power", dtick=decades_apart(values))
    return dress(figure, palette).update_layout(showlegend=True)


def decades_apart(values: Sequence[float]) -> int:
    """How many powers of ten lie between two ticks of a logarithmic axis, so that there are about six."""
    shown = [value for value in values if value > 0]
    return max(1, math.ceil(math.log10(max(shown) / min(shown)) / 6)) if shown else 1


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
