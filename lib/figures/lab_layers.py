"""The time of layers as pictures: shares side by side, and the roofline."""

import pandas as pd
import plotly.graph_objects as go

from lib.figures.theme import Palette, ROLES, drawn, dress

SHARES = {"ms_share": "time", "macs_share": "MACs", "bytes_share": "bytes moved"}
"""Columns of which bars are drawn, as far as the table has them, and what they are shares of."""

PATTERNS = {"ms_share": "", "macs_share": "/", "bytes_share": "."}
SYMBOLS = {"convolution": "circle", "linear": "square", "normalisation": "diamond", "activation": "triangle-up",
           "pooling": "cross", "junction": "x", "other": "star"}
ROW = 46
"""Height of the bars of one part, in pixels."""

POINTS = 60
"""Points of the roof's line: even on a logarithmic axis."""


@drawn
def shares(rows: pd.DataFrame, palette: Palette) -> go.Figure:
    """For each row of `rows` (column `part`) its shares (0 to 1) as bars beneath each other, the first row on top."""
    figure = go.Figure()
    places = list(range(len(rows)))
    for index, (column, name) in enumerate(SHARES.items()):
        if column in rows:
            figure.add_bar(
                name=name, x=rows[column], y=places, orientation="h", text=rows["part"],
                marker={"color": palette.series[index], "pattern": {"shape": PATTERNS[column], "fillmode": "overlay",
                                                                    "fgcolor": palette.background, "size": 6}},
                textposition="none", hovertemplate=f"%{{text}}<br>%{{x:.1%}} of the {name}<extra></extra>")
    dress(figure, palette, 110 + ROW * len(rows)).update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(tickformat=".0%", title="share of the network", rangemode="tozero")
    return figure.update_yaxes(tickvals=places, ticktext=list(rows["part"]), autorange="reversed", automargin=True)


@drawn
def roofline(rows: pd.DataFrame, flop_per_second: float, bytes_per_second: float, palette: Palette) -> go.Figure:
    """Each layer of `rows` as a dot: `intensity` in FLOPs a byte across, `speed` in GFLOP/s up, both logarithmic.

    Layers without arithmetic or traffic have no place. The roof is the lower of peak compute and intensity × bandwidth.
    """
    dots = rows[(rows["intensity"] > 0) & (rows["speed"] > 0)]
    figure = go.Figure()
    roles = dots["kind"].map(lambda kind: ROLES.get(kind, "other"))
    for index, (role, symbol) in enumerate(SYMBOLS.items()):
        own = dots[roles == role]
        if len(own):
            figure.add_scatter(
                name=role, x=own["intensity"], y=own["speed"], mode="markers", text=own["part"],
                customdata=own[["ms", "limit", "kind"]], marker={"symbol": symbol, "size": 9, "color": palette.series[index],
                                                                 "opacity": 0.8},
                hovertemplate="%{text}, %{customdata[2]}<br>%{x:.3g} FLOPs a byte<br>%{y:.3g} GFLOP/s, %{customdata[0]:.3g} ms"
                              "<br>limit: %{customdata[1]}<extra></extra>")
    ridge, peak = flop_per_second / bytes_per_second, flop_per_second / 1e9
    low, high = min([ridge / 10, *dots["intensity"]]) / 2, max([ridge * 10, *dots["intensity"]]) * 2
    across = [low * (high / low) ** (point / POINTS) for point in range(POINTS + 1)]
    across = sorted([*across, ridge])
    figure.add_scatter(name="measured roof", x=across, y=[min(peak, each * bytes_per_second / 1e9) for each in across],
                       mode="lines", line={"color": palette.text, "width": 2}, hovertemplate=
                       "roof<br>%{x:.3g} FLOPs a byte<br>%{y:.3g} GFLOP/s<extra></extra>")
    figure.add_scatter(name="ridge", x=[ridge, ridge], y=[min([peak / 1e3, *dots["speed"]]), peak], mode="lines",
                       line={"color": palette.muted, "dash": "dash", "width": 1.5}, hoverinfo="name")
    dress(figure, palette, 480)
    figure.update_xaxes(type="log", title="arithmetic intensity, FLOPs a byte", tickformat=",~r")
    return figure.update_yaxes(type="log", title="GFLOP/s", tickformat=",~r")
