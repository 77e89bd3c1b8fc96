"""What so small an experiment shows, and what it does not: runs that came with the app, beside the paper's own numbers. The
lesson on residual learning has the same tables."""

import streamlit as st

from lib.lessons.curves import origin
from lib.lessons.residual.published import published
from lib.lessons.residual.trained import beside_the_paper, changed, changed_table, every_depth
from lib.text import prose
from lib.ui import _
from lib.ui.provenance import mark


def show() -> None:
    """The panel."""
    st.markdown(prose("train", "Small"))
    st.table(changed_table(), hide_index=True)
    mark("measured", origin(changed("usual")).detail)
    st.markdown(prose("train", "Paper"))
    st.table(beside_the_paper(), hide_index=True)
    mark("measured", origin(every_depth()).detail)
    mark("published", published()["cifar"]["source"])
    st.page_link("../../pages/residual.py", label=_("The step of the lesson"), icon=":material/school:",
                 query_params={"step": "honest"})
