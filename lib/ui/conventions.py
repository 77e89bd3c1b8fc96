"""Why tools print different numbers for one network: each way of counting, and who counts so."""

from collections.abc import Collection

import pandas as pd
import streamlit as st

from lib.analysis import Analysis
from lib.analysis.conventions import CONVENTIONS
from lib.digits import change
from lib.figures.conventions import bars
from lib.provenance import images_of
from lib.text import prose
from lib.ui import _, current_palette
from lib.ui.asking import withheld
from lib.ui.provenance import mark


def why(analysis: Analysis, hidden: Collection[str] = ()) -> None:
    """The network under every convention: a picture, its numbers by part, and the rules with the tools' names."""
    if withheld(hidden, "macs"):
        return
    names = [_(convention.name) for convention in CONVENTIONS]
    counts = [convention.count(analysis) for convention in CONVENTIONS]
    totals = [sum(count.values()) for count in counts]
    more = [change(totals[0], total) for total in totals]
    st.markdown(prose("explore", "Tools", network=analysis.preset, size=analysis.image,
                      macs=f"{totals[0]:,}", doubled=f"{totals[-1]:,}",
                      torchinfo=more[2], fvcore=more[3], everything=more[4]))
    st.plotly_chart(bars(names, counts, current_palette()), key="conventions", config={"displayModeBar": False},
                    alt=_("One network counted in six ways; the tables below hold the same."))
    mark("computed", images_of(analysis))
    rows = [(name, f"{total:,}", extra, _(convention.who), _(convention.rule))
            for name, total, extra, convention in zip(names, totals, more, CONVENTIONS)]
    st.table(pd.DataFrame(rows, columns=[_("Counted"), _("Operations"), _("To the first"), _("Who counts so"), _("How")]),
             hide_index=True)
    mark("computed", _("by each tool's rule, {images}; the tests hold the rules against what the installed tools print").format(
        images=images_of(analysis)))
    with st.expander(_("By part")):
        st.dataframe(pd.DataFrame([{_("Counted"): name} | count for name, count in zip(names, counts)]), hide_index=True,
                     key="convention_parts", column_config={
                         part: st.column_config.NumberColumn(_(part), format="localized") for part in counts[0]})
        mark("computed", images_of(analysis))
    st.markdown(prose("explore", "Tools ask"))
