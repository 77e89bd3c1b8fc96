"""Build: a network of one's own, row by row."""

import streamlit as st

from lib.text import prose
from lib.ui import _
from lib.ui.address import new_address, plain, write_address
from lib.ui.build import begin, editor, rows, views
from lib.ui.build.draft import Draft
from lib.ui.controls import tied

BESIDE = {"row": _("Row"), "text": _("As text")}
BELOW = {"graph": _("Graph")}

# The link
state = st.session_state
if (address := new_address("build")) is not None:
    state["build"], state["build_problems"] = begin.read(address, state.get("build"))
draft: Draft = state["build"]

st.title(_("Build"), anchor=False)
st.markdown(prose("build", "Title"))
for problem in state["build_problems"]:
    st.warning(plain(problem))
begin.choose(draft)

# The plan
views.totals(draft.standing)
editor.trouble(draft)
left, right = st.columns([3, 2], gap="medium")
with left:
    editor.toolbar(draft)
    rows.show(draft.standing, draft.text, draft.line, lambda verb, line: editor.act(draft, verb, line))
with right:
    tabs = st.tabs(list(BESIDE.values()), key="build_beside")
    for tab, show in zip(tabs, (editor.row, views.text)):
        if tab.open:
            with tab:
                show(draft)

# What follows from it
views.graph(draft)
views.ways_on(draft)
write_address("build", begin.parameters(draft))
