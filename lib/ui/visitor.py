"""Who looks at the page, and whether they know the server's key."""

import streamlit as st

from lib.architecture import Impossible
from lib.text import prose
from lib.ui import _
from lib.ui.address import moved, plain
from lib.web import server_key
from lib.web.visitor import COOKIE, identify


def visitor() -> str:
    """Who asks: the same for all tabs of a browser, another for every browser. Streamlit keeps the headers with which the
    page's connection began; the cookie is among them at the very first visit, as the page itself has brought it."""
    return identify(st.context.cookies.get(COOKIE, ""), st.context.ip_address or "")


def has_key() -> bool:
    """Whether the server's key was typed in this tab."""
    return st.session_state.get("key_known", False)


def ask_for_key() -> None:
    """A place to type the server's key, which this tab then knows until it is closed."""
    if has_key():
        st.caption(prose("visitors", "Known"))
        return
    with st.popover(_("Server's key"), icon=":material/key:"):
        if not server_key.is_set():
            st.markdown(prose("visitors", "No key"))
            return
        st.text_input(_("Server's key"), type="password", key="server_key", on_change=_try_key,
                      help=_("Whoever runs this server has set it. With it, this tab may remove and stop what is others'."))
    if said := st.session_state.pop("key_said", ""):
        st.error(plain(said))


def _try_key() -> None:
    moved()
    typed, st.session_state["server_key"] = st.session_state["server_key"], ""
    if not typed:
        return
    try:
        st.session_state["key_known"] = server_key.fits(typed)
        st.session_state["key_said"] = "" if has_key() else _("This is not the server's key.")
    except Impossible as error:
        st.session_state["key_said"] = str(error)
