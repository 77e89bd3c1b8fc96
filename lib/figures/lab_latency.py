"""Every repetition of every network as a dot, with the median."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, dress

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x", "pentagon")


def repetitions(labels: Sequence[str], times: Sequence[Sequence[float]], medians: Sequence[float],
                palette: Palette) -> go.Figure:
    """Milliseconds of each repetition, in the order in which they were taken, and each network's median as a line."""
    figure = go.Figure()
    for index, (label, values, middle) in enumerate(zip(labels, times, medians)):
        colour = palette.series[index % len(palette.series)]
        turns = list(range(1, len(values) + 1))
        figure.add_scatter(x=turns, y=list(values), mode="markers", name=label, legendgroup=label,
                           marker={"color": colour, "symbol": SYMBOLS[index % len(SYMBOLS)], "size": 7, "opacity": 0.7},
                           hovertemplate="repetition %{x}: %{y:.3f} ms<extra>" + label + "</extra>")
        figure.add_scatter(x=[turns[0], turns[-1]], y=[middle, middle], mode="lines", legendgroup=label, showlegend=False,
                           line={"color": colour, "width": 2, "dash": "dash"}, hoverinfo="skip")
    dress(figure, palette, 360)
    figure.update_xaxes(title="repetition")
    figure.update_yaxes(title="milliseconds", rangemode="tozero")
    return figure
