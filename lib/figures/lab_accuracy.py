"""Published accuracy above measured time, a bubble for each network, and the line of those that no other beats."""

from collections.abc import Sequence
from html import escape
from math import isfinite, log10

import plotly.graph_objects as go

from lib.digits import text
from lib.figures.bubbles import HEIGHT, Bubble, bubbles, named, ranges, ticks
from lib.figures.theme import Palette, drawn, dress
from lib.lab.against_accuracy import Trade, best


LEFT_FIRST = ("middle left", "top center", "bottom center", "middle right")
"""The line of the best leaves its bubbles to the right."""


@drawn
def chart(found: Sequence[Trade], within: float, palette: Palette) -> go.Figure:
    """Top-1 accuracy above milliseconds for an image, these logarithmic; a bubble's area is its parameters. The best
    trade-offs are diamonds on a line, times that bear no conclusion hollow, what takes longer than `within` under a veil."""
    shown = [Bubble(trade.ms, trade.top1, trade.latency.params, trade.latency.label * (trade.ms <= within), trade.best)
             for trade in found]
    largest = max(bubble.area for bubble in shown)
    across, upwards = ranges(shown)
    figure = go.Figure(_front(best(found), 10**across[1], palette))
    edge = {"color": palette.background, "width": 1}
    looks = {"best trade-off": {"symbol": "diamond", "color": palette.series[1], "line": edge},
             "another network": {"symbol": "circle", "color": palette.series[0], "line": edge},
             "its time bears no conclusion": {"symbol": "circle-open", "color": palette.muted}}
    for name, look in looks.items():
        own = [index for index, trade in enumerate(found) if _look(trade) == name]
        figure.add_trace(bubbles(
            [shown[index] for index in own], largest, mode="markers", name=name, hoverinfo="text",
            hovertext=[_hover(found[index]) for index in own], visible=True if own else "legendonly").update(marker=look))
    figure.add_trace(named(shown, palette, LEFT_FIRST))
    if isfinite(within):
        figure.add_vrect(within, 10**across[1], fillcolor=palette.background, opacity=0.75, layer="above", line_width=0)
        figure.add_vline(within, line={"color": palette.text, "dash": "dash", "width": 1.5})
        figure.add_annotation(x=log10(within), y=upwards[0], text=f"{within:g} ms ", showarrow=False, xanchor="right",
                              yanchor="bottom")
    marks = ticks(across)
    figure.update_xaxes(type="log", range=across, title="ms for one image (logarithmic)", tickvals=marks,
                        ticktext=[f"{mark:g}" for mark in marks])
    figure.update_yaxes(range=upwards, title="published top-1 accuracy, %")
    return dress(figure, palette, HEIGHT + 120).update_layout(
        margin_t=20, dragmode=False, legend={"yref": "container", "y": 0, "yanchor": "bottom", "itemsizing": "constant"})


def _front(ahead: Sequence[Trade], end: float, palette: Palette) -> go.Scatter:
    """The highest accuracy that there is within each time."""
    steps = [(trade.ms, trade.top1) for trade in ahead] + [(end, trade.top1) for trade in ahead[-1:]]
    return go.Scatter(x=[ms for ms, _top1 in steps], y=[top1 for _ms, top1 in steps], mode="lines", hoverinfo="skip",
                      line={"color": palette.series[1], "width": 1.5, "shape": "hv"}, name="the most accurate within a time")


def _look(trade: Trade) -> str:
    if not trade.latency.sound:
        return "its time bears no conclusion"
    return "best trade-off" if trade.best else "another network"


def _hover(trade: Trade) -> str:
    latency, spread = trade.latency, trade.latency.latency_ms
    middle, low, high = (text(value / latency.batch, spread.figures) for value in (spread.median, spread.p10, spread.p90))
    top5 = "not printed" if trade.result.top5_accuracy is None else f"{trade.result.top5_accuracy:g} %"
    return (f"<b>{escape(latency.label)}</b>, {escape(trade.family.name)}<br>top-1 {trade.top1:g} %, top-5 {top5}"
            f"<br>{middle} ms an image ({low} to {high})<br>{latency.params:,} parameters<br>{latency.macs:,} MACs"
            f"<br>{escape(trade.result.source)}<br>{escape(latency.environment.get('device_name', latency.device))}")
