"""Pictures of the lesson on the bottleneck: the weights and the multiply-adds of blocks, convolution by convolution."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress

ROOM = 1.3
"""How much longer than its longest bar an axis is, for the numbers at the ends."""


@drawn
def stacked(names: Sequence[str], shares: Sequence[Sequence[tuple[str, int]]], title: str, palette: Palette) -> go.Figure:
    """A bar for each block, cut into its convolutions, each of them (name, number); its sum is written at its end."""
    figure, sums = go.Figure(), [sum(number for _name, number in share) for share in shares]
    for index in range(max(map(len, shares))):
        cut = [share[index] if index < len(share) else ("", 0) for share in shares]
        figure.add_bar(
            y=list(names), x=[number for _name, number in cut], orientation="h", customdata=[name for name, _number in cut],
            text=[f"{name.partition(',')[0]}<br>{number / whole:.0%}" for (name, number), whole in zip(cut, sums)],
            textposition="inside", insidetextanchor="middle", textangle=0, insidetextfont={"color": palette.background},
            marker={"color": palette.series[index], "line": {"color": palette.background, "width": 2}},
            hovertemplate=f"%{{y}}: %{{customdata}}<br>%{{x:,}} {title}<extra></extra>")
    for name, whole in zip(names, sums):
        figure.add_annotation(x=whole, y=name, text=f"{whole:,}", showarrow=False, xanchor="left", xshift=4)
    figure.update_layout(barmode="stack", bargap=0.35, showlegend=False, uniformtext={"minsize": 11, "mode": "hide"})
    figure.update_xaxes(title=title, range=(0, ROOM * max(sums)))
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False)
    return dress(figure, palette)


@drawn
def bars(names: Sequence[str], numbers: Sequence[int], title: str, palette: Palette) -> go.Figure:
    """A bar for each name, its number, in millions, written at its end."""
    figure = go.Figure(go.Bar(
        y=list(names), x=list(numbers), orientation="h", marker={"color": palette.accent},
        text=[f"{number / 1e6:.0f}M" for number in numbers], textposition="outside",
        hovertemplate="%{y}<br>%{x:,}<extra></extra>"))
    figure.update_layout(bargap=0.35)
    figure.update_xaxes(title=title, range=(0, ROOM * max(numbers)))
    figure.update_yaxes(autorange="reversed", ticklabelstandoff=6, showgrid=False)
    return dress(figure, palette)
