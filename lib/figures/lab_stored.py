"""Stored runs side by side: a dot for each median, on a bar from the 10th to the 90th of a hundred repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from lib.digits import MOST_FIGURES as DIGITS
from lib.figures.theme import Palette, drawn, dress
from lib.records import Latency

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
"""What tells runs apart beside their colours."""


@dataclass(frozen=True)
class Series:
    """The latencies of one run: names of what ran, milliseconds, and whether anything follows from them."""

    name: str
    networks: Sequence[str]
    median: Sequence[float]
    p10: Sequence[float]
    p90: Sequence[float]
    sound: Sequence[bool]

    @classmethod
    def of(cls, name: str, networks: Sequence[str], latencies: Sequence[Latency]) -> Series:
        """The series of some latencies."""
        spreads = [latency.latency_ms for latency in latencies]
        return cls(name, networks, *([getattr(spread, part) for spread in spreads] for part in ("median", "p10", "p90")),
                   [latency.sound for latency in latencies])


@drawn
def side_by_side(runs: Sequence[Series], palette: Palette) -> go.Figure:
    """Milliseconds to the right, on a logarithmic scale; a line for each network, on it a dot for each run, hollow where
    nothing follows from the times."""
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=escape(run.name), x=run.median, y=[_label(name) for name in run.networks], mode="markers", orientation="h",
            offsetgroup=str(index), marker={"symbol": [SYMBOLS[index] + "-open" * (not sound) for sound in run.sound],
                                              "color": palette.series[index], "size": 11},
            error_x={"array": [high - middle for high, middle in zip(run.p90, run.median)],
                     "arrayminus": [middle - low for low, middle in zip(run.p10, run.median)],
                     "color": palette.series[index], "thickness": 2, "width": 5},
            customdata=list(zip(run.p10, run.p90)),
            hovertemplate=f"{escape(run.name)}<br>%{{y}}<br>%{{x:.{DIGITS}~g}} ms (%{{customdata[0]:.{DIGITS}~g}} to "
                          f"%{{customdata[1]:.{DIGITS}~g}})<extra></extra>")
    names = dict.fromkeys(name for run in runs for name in run.networks)
    height = 130 + 26 * len(runs) + len(names) * (24 + 16 * len(runs))
    dress(figure, palette, height).update_layout(scattermode="group", showlegend=True, xaxis_title="milliseconds, logarithmic")
    figure.update_xaxes(type="log", dtick="D2", tickformat=",~r")
    return figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=[_label(name) for name in names][::-1])


def _label(name: str) -> str:
    """A name that Plotly shows as it is, cut to fit beside the axis."""
    return escape(name if len(name) <= 40 else name[:39] + "…")
