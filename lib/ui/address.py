"""The address bar and the state of a page: a link restores the page, and every change makes a link.

A page reads the address when it is new (opened, followed, or reached by the browser's Back) and writes it when the
state has changed, so that Back also undoes the last change.
"""

import re
from collections.abc import Mapping

import streamlit as st


def note_page(path: str) -> None:
    """Remember which page runs, so that a page can tell a fresh address from a page that is come back to."""
    st.session_state["_came_back"] = st.session_state.get("_page") not in (None, path)
    st.session_state["_page"] = path


def moved() -> None:
    """To be called when a person moves a control. The browser may then still send the address of a moment ago, and
    only Back, which moves no control, may bring an older one to life."""
    st.session_state["_moved"] = True


def new_address(page: str) -> dict[str, str] | None:
    """The parameters of the address if they are not those that `page` wrote last, else None.

    A page that is come back to without parameters keeps its state.
    """
    given = dict(st.query_params)
    known = st.session_state.get(f"_address:{page}")
    if st.session_state.pop("_moved", False) and known is not None:
        return None
    if given == known or (not given and known is not None and st.session_state["_came_back"]):
        return None
    st.session_state[f"_address:{page}"] = given
    return given


def write_address(page: str, parameters: Mapping[str, str]) -> None:
    """Put the state of `page` into the address bar."""
    st.session_state[f"_address:{page}"] = dict(parameters)
    if dict(st.query_params) != parameters:
        st.query_params.from_dict(parameters)


def plain(text: str) -> str:
    """Text with its Markdown signs disarmed: a message may quote what a stranger put into a link."""
    return re.sub(r"([\\`*_{}\[\]()#+\-!|<>~$:&])", r"\\\1", text)
