"""One network counted in several ways, as bars."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.digits import change
from lib.figures.theme import Palette, drawn, dress

KINDS = ("convolution", "linear", "normalisation", "pooling", "activation", "junction")
PATTERNS = ("", "x", "/", "\\", ".", "-")
"""What tells the parts apart beside their colours, in the order of the parts."""


@drawn
def bars(names: Sequence[str], counts: Sequence[Mapping[str, int]], palette: Palette) -> go.Figure:
    """A bar for each way of counting, stacked from its parts, with what it adds to the first at its end."""
    figure = go.Figure()
    totals = [sum(count.values()) for count in counts]
    for part, kind, pattern in zip(counts[0], KINDS, PATTERNS):
        figure.add_bar(
            name=part, orientation="h", y=names, x=[count[part] for count in counts],
            marker={"color": palette.kinds[kind], "line": {"color": palette.line, "width": 1},
                    "pattern": {"shape": pattern, "fgcolor": palette.muted, "fillmode": "overlay", "size": 6}},
            hovertemplate=f"%{{y}}<br>{part}: %{{x:,}}<extra></extra>")
    for name, total in zip(names, totals):
        more = change(totals[0], total) if name != names[0] else f"{total:,}"
        figure.add_annotation(y=name, x=total, text=more, showarrow=False, xanchor="left", xshift=6)
    dress(figure, palette, 360).update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_xaxes(range=[0, 1.4 * max(totals)], nticks=6, title="operations for one image")
    return figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
