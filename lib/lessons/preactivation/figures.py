"""Pictures of the lesson on identity mappings: printed errors, sums that do not hold, gradients at two depths."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.comparison import PATTERNS
from lib.figures.theme import Palette, drawn, dress


@drawn
def grouped(orderings: Sequence[str], series: Mapping[str, Sequence[float]], written: Mapping[str, Sequence[str]],
            title: str, palette: Palette, log: bool = False) -> go.Figure:
    """A group of bars for each ordering, a bar for each of the series, with what is `written` at its end."""
    figure = go.Figure()
    for index, (name, values) in enumerate(series.items()):
        figure.add_bar(
            name=name, x=[ordering[:3] for ordering in orderings], y=list(values), customdata=list(orderings),
            text=list(written[name]), textposition="outside", cliponaxis=False,
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}},
            hovertemplate=f"{name}, %{{customdata}}: %{{text}}<extra></extra>")
    figure.update_layout(barmode="group", yaxis_title=title)
    if log:
        figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    return dress(figure, palette).update_layout(showlegend=len(series) > 1)
