"""Every repetition of every network as a dot, with the median."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lib.digits import MOST_FIGURES as DIGITS
from lib.figures.theme import Palette, drawn, dress
from lib.records import Latency

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x", "pentagon")


@drawn
def repetitions(latencies: Sequence[Latency], palette: Palette) -> go.Figure:
    """Milliseconds of each repetition, in the order in which they were taken, and each network's median as a line. From
    hollow dots nothing follows: the machine was busy, or they scatter too much."""
    figure = go.Figure()
    for index, latency in enumerate(latencies):
        colour, spread = palette.series[index % len(palette.series)], latency.latency_ms
        symbol = SYMBOLS[index % len(SYMBOLS)] + "-open" * (not latency.sound)
        turns = list(range(1, len(latency.repetitions_ms) + 1))
        figure.add_scatter(x=turns, y=list(latency.repetitions_ms), mode="markers", name=latency.label,
                           legendgroup=str(index), marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.7},
                           hovertemplate=f"repetition %{{x}}: %{{y:.{DIGITS}~g}} ms<extra>{latency.label}</extra>")
        figure.add_scatter(x=[turns[0], turns[-1]], y=[spread.median, spread.median], mode="lines", legendgroup=str(index),
                           showlegend=False, line={"color": colour, "width": 2, "dash": "dash"}, hoverinfo="skip")
    dress(figure, palette, 360)
    figure.update_xaxes(title="repetition")
    figure.update_yaxes(title="milliseconds", rangemode="tozero")
    return figure
