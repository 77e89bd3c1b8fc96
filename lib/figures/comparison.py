"""Networks side by side as pictures: bars for each resolution, receptive fields on one plot."""

from collections.abc import Sequence

import plotly.graph_objects as go

from lib.analysis import Analysis
from lib.analysis.comparison import Level, growth
from lib.analysis.receptive_field import sides_text
from lib.architecture import size_text
from lib.figures.theme import Palette, drawn, dress
from lib.figures.treemap import TITLES

PATTERNS, DASHES = ("", "/", ".", "x"), ("solid", "dash", "dot", "dashdot")
"""What tells networks apart beside their colours."""


@drawn
def bars(names: Sequence[str], levels: Sequence[Level], quantity: str, palette: Palette) -> go.Figure:
    """A group of bars for each resolution, a bar for each network, as high as its share of `quantity`."""
    figure = go.Figure()
    for index, name in enumerate(names):
        shares = [level.shares[index] for level in levels]
        figure.add_bar(
            name=name, x=[level.name for level in levels], y=[share and getattr(share, quantity) for share in shares],
            customdata=[share.stages if share else "" for share in shares],
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            hovertemplate=f"{name}<br>%{{customdata}}<br>%{{y:,}}<extra></extra>")
    figure.update_layout(barmode="group", yaxis_title=TITLES[quantity], xaxis_title="resolution of the map")
    return _dress(figure, palette)


@drawn
def fields(names: Sequence[str], analyses: Sequence[Analysis], palette: Palette) -> go.Figure:
    """Receptive fields (their longer sides, in pixels) over the number of the weight layer, a line for each network."""
    figure = go.Figure()
    for index, (name, analysis) in enumerate(zip(names, analyses)):
        numbers, ops = zip(*growth(analysis))
        figure.add_scatter(
            name=name, x=numbers, y=[op.field.side for op in ops], mode="lines",
            text=[f"{op.name}<br>{sides_text(op.field.size)} px" for op in ops],
            line={"shape": "hv", "width": 2.5, "color": palette.series[index], "dash": DASHES[index]},
            hovertemplate=f"{name}<br>%{{text}}<extra></extra>")
    last = max(analysis.weight_layers for analysis in analyses)
    for longer, image in sorted({(max(analysis.input_shape[2:]), size_text(analysis.knobs.input_size)) for analysis in analyses}):
        figure.add_scatter(name=f"the image, {image} px", x=[0, last], y=[longer, longer], mode="lines", hoverinfo="name",
                           line={"color": palette.text, "dash": "dot", "width": 1})
    figure.update_layout(yaxis_title="receptive field, px", xaxis_title="weight layers passed")
    return _dress(figure, palette)


def _dress(figure: go.Figure, palette: Palette) -> go.Figure:
    return dress(figure, palette, 380).update_layout(showlegend=True).update_yaxes(rangemode="tozero")
