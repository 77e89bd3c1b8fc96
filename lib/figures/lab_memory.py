"""The memory of a training step as a stack of bars for each batch size."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lib.figures.theme import Palette, drawn, dress

PATTERNS = ("", "/", ".", "x", "\\")
"""What tells the parts apart beside their colours."""


@drawn
def stacks(batches: Sequence[int], parts: Mapping[str, Sequence[float]], cards: Sequence[int], palette: Palette,
           measured: tuple[int, float] | None = None) -> go.Figure:
    """A stack for each batch size, a layer of it for each of `parts` (GiB), and lines where cards (GiB) are full.

    Cards that are far from full are left out, as they would press the bars flat. `measured` is the batch and the GiB of
    a step that ran.
    """
    figure, names = go.Figure(), [str(batch) for batch in batches]
    for index, (name, sizes) in enumerate(parts.items()):
        figure.add_bar(
            name=name, x=names, y=list(sizes), hovertemplate=f"batch %{{x}}<br>{name}: %{{y:.3g}} GiB<extra></extra>",
            marker={"color": palette.series[index],
                    "pattern": {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": palette.background, "size": 6}})
    if measured:
        figure.add_scatter(name="measured peak", x=[str(measured[0])], y=[measured[1]], mode="markers",
                           marker={"symbol": "diamond", "size": 13, "color": palette.text,
                                   "line": {"color": palette.background, "width": 2}},
                           hovertemplate="batch %{x}<br>measured peak: %{y:.3g} GiB<extra></extra>")
    highest = max(map(sum, zip(*parts.values())))
    for card in cards:
        if card < 1.3 * highest:
            figure.add_hline(card, line={"color": palette.text, "dash": "dash", "width": 1.5},
                             annotation={"text": f"{card} GB card", "font": {"color": palette.text}},
                             annotation_position="top left")
    figure.update_layout(barmode="stack", xaxis_title="batch size", yaxis_title="GiB",
                         xaxis={"type": "category", "categoryorder": "array", "categoryarray": names})
    return dress(figure, palette, 420).update_layout(showlegend=True).update_yaxes(rangemode="tozero")
