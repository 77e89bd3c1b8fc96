"""What it sees: a network's maps of a picture, untrained and trained, down to the sum behind a cell."""

import streamlit as st

from lib.architecture import Impossible
from lib.inside import links
from lib.inside.weights import Gone
from lib.text import prose
from lib.ui import _
from lib.ui.address import new_address, plain, write_address
from lib.ui.inside import cell, choosing, field, gates, imagenet, sums

VIEWS = {"maps": _("Maps and sums"), "gates": _("Gates"), "field": _("Effective field")}

state = st.session_state
if (address := new_address("inside")) is not None:
    state["inside"], state["inside_problems"] = links.read(address)
asked: links.Asked = state["inside"]

st.title(_("What it sees"), anchor=False)
st.markdown(prose("inside", "Title"))
for problem in state["inside_problems"]:
    st.warning(plain(problem))


def maps() -> None:
    """A layer's maps, and the sum behind the chosen cell."""
    cell.where(asked)
    found = sums.found(asked)
    cell.maps(asked, found)
    sums.show(asked, found)
    cell.numbers(asked)


SHOW = {"maps": maps, "gates": lambda: gates.show(asked), "field": lambda: field.show(asked)}
left, right = st.columns([1, 2.7], gap="medium")
try:
    with left:
        choosing.network(asked)
        missing = imagenet.missing(asked)
        if not missing:
            choosing.picture(asked)
            choosing.shown(asked)
    if not missing:
        with right:
            st.segmented_control(_("View"), VIEWS, required=True, format_func=VIEWS.get, label_visibility="collapsed",
                                 **choosing.tied("inside_view", asked.view, choosing.put(asked, "view")))
            SHOW[asked.view]()
except (Impossible, Gone) as refused:
    st.error(plain(str(refused)))
write_address("inside", links.write(asked))
