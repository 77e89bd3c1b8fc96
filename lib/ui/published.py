"""Published accuracies of networks side by side, a row for each protocol, as in a row alone they can be compared."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.analysis import Analysis, published
from lib.analysis.published import Entry
from lib.text import literal, prose
from lib.ui import _
from lib.ui.address import plain
from lib.ui.provenance import mark

NAMES = {"paper": _("Paper"), "torchvision": _("torchvision's first weights")}
"""Who measured, by the first word of a protocol."""


def protocol_name(protocol: str) -> str:
    """A protocol in words: `Paper, 224 px`."""
    who, _space, size = protocol.partition(" ")
    return _("{who}, {size} px").format(who=NAMES.get(who, who), size=size)


def show(names: Sequence[str], analyses: Sequence[Analysis]) -> None:
    """What is published of each network, under each protocol that any of them has."""
    st.subheader(_("Published accuracy"), anchor=False)
    aligned = published.by_protocol(analyses)
    if aligned:
        st.markdown(prose("compare", "Accuracy"))
        st.table(pd.DataFrame([[protocol_name(protocol), *map(_cell, entries)] for protocol, entries in aligned.items()],
                              columns=[_("Protocol"), *names]), hide_index=True)
        mark("published", _("each with its source in the table"))
    else:
        st.markdown(prose("compare", "No accuracy"))
    if unknown := [name for name, analysis in zip(names, analyses) if published.is_unknown(analysis)]:
        st.caption(prose("compare", "Unknown accuracy", networks=plain(", ".join(unknown))))


def _cell(entry: Entry) -> str:
    """Top-1 and top-5 with their source, and whether they are of this network or of a variant."""
    if (result := entry.result) is None:
        return _("unknown") if entry.unknown else _("not published")
    top5 = _("not printed") if result.top5_accuracy is None else f"{result.top5_accuracy:g} %"
    lines = [_("top-1 {top1} %, top-5 {top5}").format(top1=f"{result.top1_accuracy:g}", top5=top5), literal(result.source)]
    if not entry.same:
        lines.append(_("of a variant with {knobs}").format(knobs=literal(published.turned(result))))
    return "  \n".join(lines)
