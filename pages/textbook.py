"""Statements of lecture notes and articles: judged by the person first, then checked."""

import streamlit as st

from lib.ui import _, textbook
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied

PANELS = {"list": textbook.listed, "quiz": textbook.quiz, "vgg": textbook.example}

if (address := new_address("textbook")) is not None:
    st.session_state["textbook"] = textbook.read(address)
shown = st.session_state["textbook"]

heading, views = st.columns([2, 3], vertical_alignment="center")
heading.title(_("The textbook, checked"), anchor=False)
view = views.segmented_control(_("View"), textbook.VIEWS, required=True, format_func=textbook.VIEWS.get,
                               label_visibility="collapsed", **tied(shown.values, "view", "textbook_view"))
for problem in shown.problems:
    st.warning(plain(problem))
PANELS[view](shown)
write_address("textbook", shown.parameters())
