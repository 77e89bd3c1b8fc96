"""The picture of the lesson on identity mappings that is its own: printed errors of the five orderings."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.comparison import PATTERNS
from lib.figures.theme import Palette, drawn, dress


@drawn
def errors(orderings: Sequence[str], printed: Mapping[str, Sequence[float]], palette: Palette) -> go.Figure:
    """Errors in percent: a group of bars for each ordering, a bar for each depth."""
    figure = go.Figure()
    for index, (name, values) in enumerate(printed.items()):
        figure.add_bar(
            name=name, x=[ordering[:3] for ordering in orderings], y=list(values), customdata=list(orderings),
            text=[f"{value:.2f}" for value in values], textposition="outside", cliponaxis=False,
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            hovertemplate=f"{name}, %{{customdata}}: %{{y:.2f}} %<extra></extra>")
    figure.update_layout(barmode="group", yaxis_title="test error, %")
    return dress(figure, palette).update_layout(showlegend=True)
