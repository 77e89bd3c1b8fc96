"""What so small an experiment shows, and what it does not: runs that came with the app, beside the paper's own numbers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.lessons.residual.published import cifar_table, published
from lib.text import prose
from lib.training.moved import end, recorded
from lib.ui import _
from lib.ui.provenance import mark
from lib.ui.train.curves import made


def show() -> None:
    """The panel."""
    st.markdown(prose("train", "Small"))
    found = recorded()
    st.table(pd.DataFrame([{_("Training error, %"): words} | {name: _written(end(curves)) for name, curves in each.items()}
                           for words, each in found.items()]), hide_index=True)
    curves = [curve for each in found.values() for seeds in each.values() for curve in seeds]
    if curves:
        mark("measured", _("the median of up to three seeds, {where}").format(where=made(curves)))
    st.markdown(prose("train", "Paper"))
    st.table(cifar_table(), hide_index=True)
    mark("published", published()["cifar"]["source"])


def _written(error: float | None) -> str:
    return _("not recorded") if error is None else f"{error:.1f}"
