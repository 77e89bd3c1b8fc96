"""Latency and throughput against batch size, a line for each network."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress
from lib.lab.against_macs import Saturation
from lib.records import Latency

DASHES, SYMBOLS = ("solid", "dash", "dot", "dashdot"), ("circle", "square", "diamond", "triangle-up", "x")
"""What tells networks apart beside their colours."""


@drawn
def latency(curves: Mapping[str, Sequence[Latency]], palette: Palette) -> go.Figure:
    """The median milliseconds of a pass over its batch; bars from the 10th to the 90th of a hundred repetitions. Hollow
    dots are of times from which nothing follows."""
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        spreads = [time.latency_ms for time in curve]
        _add(figure, index, name, curve, [spread.median for spread in spreads], "ms", palette).error_y = {
            "array": [spread.p90 - spread.median for spread in spreads], "thickness": 1,
            "arrayminus": [spread.median - spread.p10 for spread in spreads]}
    return _dress(figure, "ms for one pass", curves, palette)


@drawn
def throughput(curves: Mapping[str, Sequence[Latency]], saturations: Mapping[str, Saturation], palette: Palette) -> go.Figure:
    """Images a second; a ring marks the batch from which on a network's device is saturated."""
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        _add(figure, index, name, curve, [time.throughput for time in curve], "images a second", palette)
    rings = [time for name, curve in curves.items() for time in curve if time.batch == saturations[name].batch]
    if rings:
        figure.add_scatter(x=[time.batch for time in rings], y=[time.throughput for time in rings], mode="markers",
                           name="saturated from here on", hoverinfo="skip",
                           marker={"size": 20, "symbol": "circle-open", "color": palette.text, "line": {"width": 2}})
    return _dress(figure, "images a second", curves, palette)


def _add(figure: go.Figure, index: int, name: str, curve: Sequence[Latency], values: list[float], unit: str,
         palette: Palette) -> go.Scatter:
    figure.add_scatter(
        x=[time.batch for time in curve], y=values, name=name, mode="lines+markers",
        line={"color": palette.series[index % len(palette.series)], "dash": DASHES[index % len(DASHES)], "width": 2.5},
        marker={"symbol": [SYMBOLS[index % len(SYMBOLS)] + "-open" * (not time.sound) for time in curve], "size": 9},
        hovertemplate=f"{name}<br>batch %{{x}}<br>%{{y:.4g}} {unit}<extra></extra>")
    return figure.data[-1]


def _dress(figure: go.Figure, title: str, curves: Mapping[str, Sequence[Latency]], palette: Palette) -> go.Figure:
    batches = sorted({time.batch for curve in curves.values() for time in curve})
    figure.update_xaxes(type="log", title="batch (logarithmic)", tickvals=batches, ticktext=[str(batch) for batch in batches])
    figure.update_yaxes(type="log", title=f"{title} (logarithmic)", tickformat=",~r")
    return dress(figure, palette, 400).update_layout(showlegend=True)
