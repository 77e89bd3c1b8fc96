"""Explore: one network, its knobs, and everything that follows from them."""

import streamlit as st

from lib.analysis.outline import NETWORK, find, outline
from lib.text import prose
from lib.ui import _, comparison, conventions, panels
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied
from lib.ui.network import choose, read_choice, show_refusal

VIEWS = {"layers": _("Layers"), "cost": _("Where the cost lives"), "field": _("Receptive field"), "graph": _("Graph"),
         "papers": _("In print"), "tools": _("Why tools disagree"), "code": _("Code")}
SELECTABLE = ("layers", "cost", "field", "graph")
COUNTS = {"macs": "MACs", "flops": "FLOPs"}

# The link
state = st.session_state
if (address := new_address("explore")) is not None:
    view, count, state["selected"] = address.pop("view", ""), address.pop("count", ""), address.pop("select", None)
    state["explore"] = {"view": VIEWS.get(view, VIEWS["layers"]), "count": count if count in COUNTS else "macs"}
    state["choice"], state["problems"] = read_choice(address)
choice, shown = state["choice"], state["explore"]

# The network
heading, counting = st.columns([4, 1], vertical_alignment="bottom")
heading.title(_("Explore"), anchor=False)
heading.markdown(prose("explore", "Title"))
for problem in state["problems"]:
    st.warning(plain(problem))
with st.sidebar:
    analysis, base, refused = choose(choice)
    st.page_link("../../pages/compare.py", label=_("Compare"), icon=":material/compare_arrows:",
                 query_params=comparison.parameters(comparison.beside(choice)), help=_("Beside its preset or another network."))
    st.page_link("../../pages/timing.py", label=_("Timing"), icon=":material/speed:",
                 query_params=comparison.parameters([choice]), help=_("Run this network and read the clock."))
if refused:
    show_refusal(choice, refused)
root = outline(analysis)
part = find(root, state["selected"]) or root

# What follows from it
count = counting.segmented_control(_("Count"), COUNTS, required=True, format_func=COUNTS.get,
                                   help=_("One multiply-add is one MAC, or two FLOPs."), **tied(shown, "count", "count"))
factor = 2 if count == "flops" else 1
panels.totals(analysis, base, factor)

tabs = st.tabs(list(VIEWS.values()), **tied(shown, "view", "view"))
VIEW_PANELS = {
    "layers": lambda: panels.layers(analysis, root, factor),
    "cost": lambda: panels.cost(analysis, root),
    "field": lambda: panels.field(analysis, part),
    "graph": lambda: panels.graph(analysis, part.id),
    "papers": lambda: panels.papers(analysis),
    "tools": lambda: conventions.why(analysis),
    "code": lambda: panels.code(analysis),
}
for tab, (view, show) in zip(tabs, VIEW_PANELS.items()):
    if tab.open:
        with tab:
            panels.beside_derivation(show, part, analysis) if view in SELECTABLE else show()

own = {"view": next(id for id, label in VIEWS.items() if label == shown["view"]), "count": count,
       "select": part.id}
defaults = {"view": "layers", "count": "macs", "select": NETWORK}
write_address("explore", choice.parameters() | {name: value for name, value in own.items() if value != defaults[name]})
