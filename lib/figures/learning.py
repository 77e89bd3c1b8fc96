"""Curves of learning: a line for each network over its epochs, a band over its seeds."""

from collections.abc import Mapping, Sequence
from statistics import median

import plotly.graph_objects as go

from lib.figures.lines import decades_apart, look
from lib.figures.theme import Palette, drawn, dress

Points = Sequence[tuple[float, float]]
"""Epochs and values of one seed."""
LARGE, SMALL, PRESENTED = 380, 200, 440
"""Pixels of height."""


@drawn
def learning(series: Mapping[str, Sequence[Points]], palette: Palette, yaxis: str, epochs: int, top: float | None = None,
             large: bool = True, letters: int = 0, guess: float | None = None, log: bool = False) -> go.Figure:
    """A line for each network: the median of its seeds; where there are several, a band from the lowest to the highest.

    `series` holds for each network the points of each seed. The axis of epochs is `epochs` long from the first moment, and
    that of the values ends at `top`, so that nothing moves while points come; with `log` it counts in powers of ten.
    `letters` are the pixels of type before a class; `guess` is how far a person thinks that the highest line ends above the
    lowest.
    """
    figure, ends = go.Figure(), []
    for index, (name, seeds) in enumerate(series.items()):
        values, shown = _by_epoch(seeds), look(palette, index, epochs <= 24 and large)
        if len(seeds) > 1:
            _band(figure, values, shown["line"]["color"], name)
        middle = [median(each) for each in values.values()]
        figure.add_scatter(name=name, legendgroup=name, x=list(values), y=middle, **shown,
                           hovertemplate=f"{name}<br>epoch %{{x:.3g}}<br>%{{y:.3g}}<extra></extra>")
        ends += middle[-1:]
    figure.update_xaxes(range=[0, epochs * 1.02])
    if large:
        figure.update_xaxes(tickprefix="epoch ", showtickprefix="first")  # a title would cost a line of height
    figure.update_yaxes(range=[-0.02 * top, top] if top else None, rangemode="tozero", title=yaxis if large else None)
    if log:
        values = [value for seeds in series.values() for points in seeds for _epoch, value in points]
        figure.update_yaxes(type="log", exponentformat="power", dtick=decades_apart(values))
    if guess is not None and ends:
        _draw_guess(figure, palette, epochs, min(ends), guess)
    dress(figure, palette, LARGE if large else SMALL).update_layout(showlegend=large)
    if not large:
        figure.update_layout(title={"text": yaxis, "font": {"size": 13}, "y": 0.98}, margin={"t": 28})
    return _enlarged(figure, letters) if letters else figure


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


def _draw_guess(figure: go.Figure, palette: Palette, epochs: int, low: float, guess: float) -> None:
    """A dashed line from the lowest end up, as long as the guess."""
    figure.add_scatter(name="your guess", x=[epochs, epochs], y=[low, low + guess], mode="lines+markers", hoverinfo="skip",
                       line={"color": palette.text, "dash": "dash", "width": 2.5},
                       marker={"symbol": "line-ew-open", "size": 12, "color": palette.text})


def _enlarged(figure: go.Figure, letters: int) -> go.Figure:
    """All letters as large as a class needs them."""
    figure.update_layout(font={"size": letters}, legend={"font": {"size": letters}}, height=PRESENTED)
    figure.update_xaxes(tickfont={"size": letters}, title={"font": {"size": letters}})
    return figure.update_yaxes(tickfont={"size": letters}, title={"font": {"size": letters}})
