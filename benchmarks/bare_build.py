"""A page without arithmetic, with as many elements of each kind as Build, its list and its graph among them, all computed
beforehand: what Streamlit itself takes. `benchmarks.build` serves it beside the app, with the same configuration.

`/?rows=200` has so many rows.
"""

import streamlit as st

from benchmarks.build import CHANNELS, plan
from lib.analysis.graph import fold
from lib.figures.diagram import source, svg
from lib.figures.theme import LIGHT
from lib.plan.standing import standing
from lib.ui import graph_view
from lib.ui.build import rows

st.set_page_config(page_title="Bare", layout="wide")
st.html("<style></style>")
state = st.session_state
if "drawn" not in state:
    known = {channels: standing(plan(int(st.query_params.get("rows", 8)), channels)) for channels in CHANNELS}
    state["drawn"] = {channels: (rows.rows_of(found), svg(source(fold(found.ops), LIGHT))) for channels, found in known.items()}
with st.container(horizontal=True):
    st.title("Bare", anchor=False, width="content")
    with st.popover("Begin with"):
        st.markdown("Words.")
        st.button("Empty")
        st.button("Small")
        st.selectbox("Network", [f"network {number}" for number in range(155)])
    for number in range(3):
        st.page_link("https://example.org", label=f"Link {number}")
st.markdown("Words.")
with st.container(horizontal=True):
    for number in range(6):
        st.metric(f"Total {number}", "25,557,032")
st.caption("Words.")
left, right = st.columns([5, 3])
with right:
    tabs = st.tabs(["Row", "As text", "Challenge"])
    with tabs[0]:
        st.markdown("**Row**")
        st.selectbox("Kind", [f"kind {number}" for number in range(58)])
        st.caption("Words.")
        first, second = st.columns(2)
        channels = first.number_input("Channels", value=16.0, step=1.0, format="%.0f")
        for number in range(4):
            (first, second)[number % 2].selectbox(f"Pair {number}", ["1", "2", "3"], accept_new_options=True, filter_mode="prefix")
        second.number_input("Groups", value=1.0, step=1.0)
        first.toggle("Bias")
        st.caption("Words.")
listed, drawn = state["drawn"][int(channels)]
with left:
    one, two = st.columns([2, 3])
    one.selectbox("Add a row", [f"word {number}" for number in range(58)], index=None, accept_new_options=True)
    with two.container(horizontal=True):
        for number in range(6):
            st.button(f"Tool {number}")
        with st.popover("Group"):
            st.markdown("Words.")
            for number in range(5):
                st.button(f"Group {number}")
    rows._component(key="plan_rows", data={"rows": listed, "plan": str(channels), "drawn": str(channels), "selected": 1,
                                           "heads": rows.HEADS, "height": "26rem", "label": "Rows"})
with st.tabs(["Graph", "Code"])[0]:
    graph_view._component(key="graph", data={"svg": drawn, "network": "own", "selected": "", "height": 430, "words": {}, "least": 0.64})
    st.caption("Words.")
    first, second, _third = st.columns([1, 1, 3])
    first.download_button("Download", "text")
    second.button("Fold all")
    with st.expander("Words"):
        st.text("Words.")
st.query_params["channels"] = str(channels)
