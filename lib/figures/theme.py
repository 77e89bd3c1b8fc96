"""Every colour of the app, for a light and a dark page. The hues are Okabe and Ito's, told apart by colour-blind people."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from lib.once import once


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours of one page theme, as hex strings. `kinds` colours an operation by what it does; `series` are for things
    compared, in the order in which they are given out."""

    background: str
    text: str
    muted: str
    line: str
    grid: str
    accent: str
    kinds: dict[str, str]
    series: tuple[str, ...]

    def kind(self, kind: str) -> str:
        """The colour of a kind of operation; kinds that share a role share a colour."""
        return self.kinds[ROLES.get(kind, "other")]


ROLES = {
    "conv2d": "convolution", "linear": "linear", "batch_norm": "normalisation", "local_response_norm": "normalisation",
    "relu": "activation", "hardtanh": "activation", "sigmoid": "activation", "tanh": "activation", "softmax": "activation",
    "max_pool2d": "pooling", "avg_pool2d": "pooling", "adaptive_avg_pool2d": "pooling",
    "adaptive_max_pool2d": "pooling", "mean": "pooling", "sum": "junction", "stack": "junction", "unbind": "junction",
    "square": "activation", "add": "junction", "sub": "junction", "mul": "junction", "cat": "junction", "chunk": "junction",
    "split": "junction",
}
"""What an operation does; others are `other`."""

LIGHT = Palette(
    background="#ffffff", text="#1c2430", muted="#5b6675", line="#8a94a3", grid="#dde2e8", accent="#0072b2",
    kinds={"convolution": "#a9d3ef", "linear": "#f5c6a5", "normalisation": "#e3e7ec", "activation": "#bfe5d5",
           "pooling": "#f6e6a2", "junction": "#e6c3d9", "other": "#eef1f4"},
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b37700", "#3b9bd1", "#6b5b00", "#5b6675"))

DARK = Palette(
    background="#0e1117", text="#eef2f7", muted="#a6b0bd", line="#6d7785", grid="#3b4350", accent="#56b4e9",
    kinds={"convolution": "#1f5a80", "linear": "#8a4b1f", "normalisation": "#3b4350", "activation": "#1f6650",
           "pooling": "#75651a", "junction": "#7a3f63", "other": "#2a303a"},
    series=("#56b4e9", "#f08a3c", "#2ecc9b", "#e39ac4", "#e6b32e", "#8fd0ff", "#d8cf5a", "#a6b0bd"))


class Drawn(BaseFigure):
    """A chart as it is kept: the JSON that is sent to a browser. Plotly's own objects take eight times the memory, and refer
    to each other, so that only the garbage collector would free them."""

    def __init__(self, sent: bytes):
        self._sent = sent

    def to_dict(self) -> dict[str, Any]:
        """The chart as plain data."""
        return orjson.loads(self._sent)


def drawn(draw: Callable[..., go.Figure]) -> Callable[..., Drawn]:
    """Let a chart be drawn once for all who look at it."""
    @once
    @wraps(draw)
    def sent(*arguments: Any, **named: Any) -> bytes:
        return draw(*arguments, **named).to_json(validate=False).encode()

    @wraps(draw)
    def shown(*arguments: Any, **named: Any) -> Drawn:
        return Drawn(sent(*arguments, **named))
    return shown


def palette(dark: bool) -> Palette:
    """The colours of the dark or the light page."""
    return DARK if dark else LIGHT


def dress(figure: go.Figure, palette: Palette, height: int = 340) -> go.Figure:
    """The frame that charts share: the page's own background and text colour, a faint grid, the legend above, and at the
    right room for half a tick's label. Where the last label just reaches beyond its chart, Plotly moves the margin there and
    back, and draws the chart over twenty times."""
    figure.update_layout(
        height=height, margin={"l": 10, "r": 24, "t": 40, "b": 10}, hovermode="closest",
        font={"color": palette.text, "size": 13}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    figure.update_xaxes(gridcolor=palette.grid, linecolor=palette.line, zeroline=False)
    figure.update_yaxes(gridcolor=palette.grid, linecolor=palette.line, zeroline=False)
    return figure
