"""Pictures of the lesson on the bottleneck: the weights and the multiply-adds of blocks, convolution by convolution."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lib.figures.comparison import PATTERNS
from lib.figures.theme import Palette, drawn, dress


@drawn
def stacked(names: Sequence[str], shares: Sequence[Sequence[tuple[str, int]]], title: str, palette: Palette) -> go.Figure:
    """A bar for each block, cut into its convolutions, each of them (name, number)."""
    figure = go.Figure()
    for index in range(max(map(len, shares))):
        cut = [share[index] if index < len(share) else ("", 0) for share in shares]
        figure.add_bar(
            y=list(names), x=[number for _name, number in cut], orientation="h", customdata=[name for name, _number in cut],
            text=[name.partition(",")[0] for name, _number in cut], textposition="inside", insidetextanchor="middle", textangle=0,
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 1},
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            insidetextfont={"color": palette.background},
            hovertemplate=f"%{{y}}: %{{customdata}}<br>%{{x:,}} {title}<extra></extra>")
    figure.update_layout(barmode="stack", bargap=0.35, showlegend=False)
    figure.update_xaxes(title=title)
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette)


@drawn
def bars(names: Sequence[str], numbers: Sequence[int], title: str, palette: Palette) -> go.Figure:
    """A bar for each name, its number written at its end."""
    figure = go.Figure(go.Bar(
        y=list(names), x=list(numbers), orientation="h", marker={"color": palette.accent}, text=[f"{n:,}" for n in numbers],
        textposition="auto", hovertemplate="%{y}<br>%{x:,}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title)
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6)
    return dress(figure, palette)
