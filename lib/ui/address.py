"""The address bar and the state of a page: a link restores the page, and every change makes a link.

A page reads the address when it is new (opened, followed, or reached by the browser's Back) and writes it when the
state has changed, so that Back also undoes the last change.
"""

import re
from collections.abc import Mapping

import streamlit as st


def note_page(path: str) -> None:
    """Remember which page runs, so that a page can tell a fresh address from a page that is come back to. What moved on the
    page before, in the same moment, is no reason to leave the address of this one unread."""
    st.session_state["_came_back"] = st.session_state.get("_page") not in (None, path)
    st.session_state["_page"] = path
    if st.session_state["_came_back"]:
        st.session_state.pop("_moved", None)


def moved() -> None:
    """To be called when a person moves a control. The browser may then still send the address of a moment ago, and
    only Back, which moves no control, may bring an older one to life."""
    st.session_state["_moved"] = True
    st.session_state.pop("refused", None)  # what is said of the control before


def new_address(page: str) -> dict[str, str] | None:
    """The parameters of the address if `page` has not read or written them yet, else None.

    A page that is come back to without parameters keeps its state.
    """
    state, given = st.session_state, dict(st.query_params)
    known = state.get(f"_address:{page}")
    keeps = state.pop("_moved", False) or given == known or (not given and state["_came_back"])
    state["_fresh"] = known is None or not keeps
    if not state["_fresh"]:
        return None
    state[f"_address:{page}"] = given
    return given


def note_fragment() -> None:
    """To be called where a fragment begins that writes the address. Where it runs alone, because something was moved in it, the
    address is no longer one that was just read."""
    if st.session_state.pop("_moved", False):
        st.session_state["_fresh"] = False


def write_address(page: str, parameters: Mapping[str, str]) -> None:
    """Put the state of `page` into the address bar. An address that was just read stays as it is, so that Back leads
    away from it. Raises `ValueError` where a value is missing: `None` never stands in a link."""
    if missing := [name for name, text in parameters.items() if text in (None, "None", "none")]:
        raise ValueError(f"no value for {', '.join(missing)} in the link of {page}")
    if not st.session_state["_fresh"] and dict(st.query_params) != parameters:
        st.session_state[f"_address:{page}"] = dict(parameters)
        st.query_params.from_dict(parameters)


def plain(text: str) -> str:
    """Words of a stranger for a place that reads Markdown: what a link, a file, a machine or a program says.

    They become a code span, as by Markdown's own grammar nothing within one is a sign. Escaping each sign would not do: a
    bare address becomes a link after that. In messages, captions and bars they look like the words around them
    (`lib/ui/style.py`). A span is of one line.
    """
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if line else ""  # Markdown takes these two spaces away
