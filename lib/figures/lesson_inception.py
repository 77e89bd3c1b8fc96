"""The pictures of the lesson on Inception: branches, growth of maps, stems, kernels taken apart, gradients."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress
from lib.lessons.inception import SHAPES, Branch, Factors, Gradients

PATTERNS = ("", "/", "x")
SYMBOLS, DASHES = ("circle", "square"), ("solid", "dash")


@drawn
def branches(naive: Sequence[Branch], reduced: Sequence[Branch], palette: Palette) -> go.Figure:
    """Multiply-adds by branch: the naive module beside the reduced one, whose 1x1 and larger kernels are told apart."""
    names = [branch.name for branch in naive]
    small = [branch.reduction for branch in reduced]
    large = [branch.macs - branch.reduction for branch in reduced]
    figure = go.Figure()
    for title, values, base, group, index in (
            ("naive", [branch.macs for branch in naive], None, "naive", 0),
            ("reduced: added 1×1", small, None, "reduced", 1), ("reduced: the kernel", large, small, "reduced", 2)):
        figure.add_bar(name=title, x=names, y=values, base=base, offsetgroup=group, marker=_marker(palette, index),
                       customdata=values, hovertemplate=f"{title}, %{{x}}: %{{customdata:,}} MACs<extra></extra>")
    figure.update_layout(barmode="group", yaxis={"title": "MACs", "tickformat": "~s"}, xaxis_title="branch")
    return _dress(figure, palette)


def _marker(palette: Palette, index: int) -> dict:
    return {"color": palette.series[index], "pattern": {
        "shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}}


@drawn
def growth(table: pd.DataFrame, palette: Palette) -> go.Figure:
    """Channels after each module, a line for each network."""
    figure = go.Figure()
    for index, network in enumerate(table.columns[1:]):
        figure.add_scatter(name=network, x=table["Module"], y=table[network], **_line(palette, index),
                           hovertemplate=f"{network}, %{{x}}: %{{y}} channels<extra></extra>")
    figure.update_layout(yaxis={"title": "channels", "rangemode": "tozero"}, xaxis_title="after the module")
    return _dress(figure, palette)


def _line(palette: Palette, index: int) -> dict:
    return {"mode": "lines+markers", "marker": {"symbol": SYMBOLS[index], "size": 9},
            "line": {"color": palette.series[index], "dash": DASHES[index], "width": 2.5}}


@drawn
def stems(macs: dict[str, dict[str, int]], palette: Palette) -> go.Figure:
    """Multiply-adds by resolution on the way to 28x28, a bar for each network."""
    figure = go.Figure()
    for index, (network, sums) in enumerate(macs.items()):
        figure.add_bar(name=network, x=list(sums), y=list(sums.values()), marker=_marker(palette, index),
                       text=[f"{value / 1e6:,.0f}M" if value else "" for value in sums.values()],
                       textposition="outside", cliponaxis=False,
                       hovertemplate=f"{network}, %{{x}}: %{{y:,}} MACs<extra></extra>")
    figure.update_layout(barmode="group", yaxis={"title": "MACs", "tickformat": "~s"},
                         xaxis_title="map that the convolution writes")
    return _dress(figure, palette)


@drawn
def factors(factors: Sequence[Factors], palette: Palette) -> go.Figure:
    """Weights of each form of a kernel, in percent of the whole kernel."""
    figure = go.Figure()
    for index, shape in enumerate(SHAPES):
        values = [100 * blocks[index].weights / blocks[0].weights for _, blocks in factors]
        figure.add_bar(name=shape, x=[f"{kernel}×{kernel}" for kernel, _ in factors], y=values, marker=_marker(palette, index),
                       text=[f"{value:.0f}%" for value in values], textposition="outside", cliponaxis=False,
                       hovertemplate=f"{shape} for %{{x}}: %{{y:.1f}} %<extra></extra>")
    figure.update_layout(barmode="group", yaxis={"title": "weights", "ticksuffix": "%"}, xaxis_title="kernel")
    return _dress(figure, palette)


@drawn
def gradients(gradients: Gradients, weight: float, palette: Palette) -> go.Figure:
    """Norms of the weight gradients from the image up, with and without the auxiliary losses, on a logarithmic scale."""
    figure = go.Figure()
    names = [part.part.removeprefix("inception") for part in gradients.parts]
    lines = (("main loss alone", 0.0), (f"with {weight:g} of each auxiliary loss", weight))
    for index, (title, factor) in enumerate(lines):
        figure.add_scatter(name=title, x=names, y=[part.norm(factor) for part in gradients.parts], **_line(palette, index),
                           hovertemplate=f"{title}, %{{x}}: %{{y:.2e}}<extra></extra>")
    for part in ("4a", "4d"):
        figure.add_vline(names.index(part), line={"color": palette.muted, "dash": "dot", "width": 1.5})
        figure.add_annotation(x=names.index(part), y=1, yref="paper", text=f"classifier<br>on {part}", showarrow=False,
                              yanchor="bottom", font={"color": palette.muted, "size": 11})
    figure.update_yaxes(type="log", tickformat=".0e", title="gradient norm", dtick=_step(gradients, weight))
    figure.update_xaxes(tickangle=-60)
    _dress(figure, palette, 420)
    return figure.update_layout(margin_t=90, legend_y=1.13)


def _step(gradients: Gradients, weight: float) -> int | str:
    """Lines of the scale: at 1, 2 and 5 (D2) where it spans little, else at every or every second power of ten."""
    norms = [part.norm(factor) for part in gradients.parts for factor in (0.0, weight)]
    span = max(norms) / min(norms)
    return "D2" if span < 100 else 1 if span < 1e4 else 2


def _dress(figure: go.Figure, palette: Palette, height: int = 340) -> go.Figure:
    dress(figure, palette, height).update_layout(margin_t=50, bargap=0.25, legend_y=1.04, showlegend=True)
    return figure.update_xaxes(type="category", showgrid=False)
