"""A page without arithmetic, with as many elements of each kind as Explore: what Streamlit itself takes.

`benchmarks.classroom` serves it beside the app, with the same configuration.
"""

import pandas as pd
import streamlit as st

ROWS = 175
SWITCH = ["one", "two", "three"]

st.set_page_config(page_title="Bare", layout="wide")
st.html("<style></style>")
heading, counting = st.columns([4, 1])
heading.title("Bare", anchor=False)
heading.markdown("Words.")
with st.sidebar:
    st.selectbox("Family", [f"family {number}" for number in range(22)])
    st.selectbox("Preset", [f"preset {number}" for number in range(12)])
    st.caption("Words.")
    with st.container(key="totals_of_knobs"):
        st.markdown("Parameters **1** · MACs **2** · Activation bytes **3**")
    for number in range(3):
        st.segmented_control(f"Choice {number}", SWITCH, default=SWITCH[0])
    st.markdown(":small[Blocks per stage]")
    for number, column in enumerate(st.columns(4)):
        column.number_input(f"Blocks {number}", value=3.0, step=1.0, label_visibility="collapsed")
    st.slider("Width", 8, 256, 64, step=8)
    for number in range(3):
        st.number_input(f"Number {number}", value=64.0, step=1.0)
    for number in range(2):
        st.toggle(f"Switch {number}")
    st.button("Back", width="stretch")
    for number in range(2):
        st.page_link("https://example.org", label=f"Link {number}")
counting.segmented_control("Count", SWITCH, default=SWITCH[0])
with st.container(horizontal=True):
    for number in range(5):
        st.metric(f"Total {number}", "25,557,032", "as the preset")
st.caption("Words.")
tabs = st.tabs([f"View {number}" for number in range(7)])
with tabs[0], st.container(key="beside"):
    explanation, view = st.columns([3, 5])
    with explanation:
        st.markdown("**network**")
        st.caption("Words.")
        st.markdown("\n\n".join(["Parameters **25,557,032**  \n:small[weights + others]"] * 6))
        st.caption("Words.")
    with view:
        left, right = st.columns(2)
        left.segmented_control("Rows", SWITCH, default=SWITCH[0])
        right.multiselect("Only these", [f"stage {number}" for number in range(6)])
        st.dataframe(pd.DataFrame({f"column {number}": range(ROWS) for number in range(12)}), height=390, hide_index=True,
                     on_select="rerun", selection_mode="single-row")
        st.download_button("Download", "text")
        st.caption("Words.")
