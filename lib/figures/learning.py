"""Curves of learning: a line for each network over its epochs, a band over its seeds."""

from collections.abc import Mapping, Sequence
from statistics import median

import plotly.graph_objects as go

from lib.figures.lines import look
from lib.figures.theme import Palette, drawn, dress

Points = Sequence[tuple[float, float]]
"""Epochs and values of one seed."""


@drawn
def learning(series: Mapping[str, Sequence[Points]], palette: Palette, yaxis: str, epochs: int, top: float | None = None,
             log: bool = False) -> go.Figure:
    """A line for each network: the median of its seeds; where there are several, a band from the lowest to the highest.

    `series` holds for each network the points of each seed. The axis of epochs is `epochs` long from the first moment, and
    that of the values ends at `top`, so that nothing moves while points come.
    """
    figure = go.Figure()
    for index, (name, seeds) in enumerate(series.items()):
        shown = look(palette, index, epochs <= 24)
        values = _by_epoch(seeds)
        if len(seeds) > 1:
            _band(figure, values, shown["line"]["color"], name)
        figure.add_scatter(name=name, legendgroup=name, x=list(values), y=[median(each) for each in values.values()], **shown,
                           hovertemplate=f"{name}<br>epoch %{{x:.3g}}<br>%{{y:.3g}}<extra></extra>")
    figure.update_layout(xaxis_title="epoch", yaxis_title=yaxis)
    figure.update_xaxes(range=[0, epochs * 1.02])
    if log:
        figure.update_yaxes(type="log", exponentformat="power")
    elif top is not None:
        figure.update_yaxes(range=[-0.02 * top, top])
    else:
        figure.update_yaxes(rangemode="tozero")
    return dress(figure, palette).update_layout(showlegend=True)


def _by_epoch(seeds: Sequence[Points]) -> dict[float, list[float]]:
    """The values of all seeds at each epoch, in order."""
    found: dict[float, list[float]] = {}
    for points in seeds:
        for epoch, value in points:
            found.setdefault(epoch, []).append(value)
    return dict(sorted(found.items()))


def _band(figure: go.Figure, values: Mapping[float, Sequence[float]], colour: str, name: str) -> None:
    """From the lowest to the highest of the seeds."""
    shared = {"x": list(values), "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
              "legendgroup": name}
    figure.add_scatter(y=[max(each) for each in values.values()], **shared)
    figure.add_scatter(y=[min(each) for each in values.values()], fill="tonexty", fillcolor=_faint(colour), **shared)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place:place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
