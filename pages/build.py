"""Build: a network of one's own, row by row."""

from functools import partial

import streamlit as st

from lib.text import prose
from lib.ui import _
from lib.ui.address import new_address, plain, write_address
from lib.ui.build import begin, challenge, editor, rows, views
from lib.ui.build.draft import Draft
from lib.ui.controls import tied

BESIDE = {"row": _("Row"), "text": _("As text"), "challenge": _("Challenge")}
BELOW = {"graph": _("Graph"), "code": _("Code")}
SHOW = {"row": editor.row, "text": views.text, "challenge": challenge.show, "graph": views.graph, "code": views.code}

# The link
state = st.session_state
if (address := new_address("build")) is not None:
    state["build_tabs"] = {"beside": BESIDE.get(address.pop("beside", ""), BESIDE["row"]),
                           "below": BELOW.get(address.pop("below", ""), BELOW["graph"])}
    state["build"], state["build_problems"] = begin.read(address, state.get("build"))
draft: Draft = state["build"]

with st.container(horizontal=True, vertical_alignment="center"):
    st.title(_("Build"), anchor=False, width="content")
    begin.choose(draft)
    views.ways_on(draft)
st.markdown(prose("build", "Title"))
for problem in state["build_problems"]:
    st.warning(plain(problem))


def tabs(titles: dict[str, str], place: str) -> None:
    """Views of the plan, of which the open one is drawn."""
    for tab, name in zip(st.tabs(list(titles.values()), **tied(state["build_tabs"], place, f"build_{place}")), titles):
        if tab.open:
            with tab:
                SHOW[name](draft)


# The plan, and what follows from it
views.totals(draft.standing)
left, right = st.columns([5, 3], gap="medium")
with left:
    editor.toolbar(draft)
    rows.show(draft.standing, draft.text, draft.line, partial(editor.told, draft))
    editor.trouble(draft)
with right:
    tabs(BESIDE, "beside")
tabs(BELOW, "below")

opened = {place: name for place, titles in (("beside", BESIDE), ("below", BELOW)) for name, title in titles.items()
          if title == state["build_tabs"][place] and name != next(iter(titles))}
write_address("build", begin.parameters(draft) | opened)
