"""Explore: one network, its knobs, and everything that follows from them."""

import streamlit as st

from lib.analysis.outline import NETWORK, find, outline
from lib.text import prose
from lib.ui import _, asking, backward, comparison, conventions, panels
from lib.ui.address import new_address, plain, write_address
from lib.ui.controls import tied
from lib.ui.network import choose, read_choice, show_refusal
from lib.ui.train import state as train

VIEWS = {"layers": _("Layers"), "cost": _("Where the cost lives"), "training": _("Training"),
         "field": _("Receptive field"), "graph": _("Graph"), "papers": _("In print"),
         "tools": _("Why tools disagree"), "code": _("Code")}
SELECTABLE = ("layers", "cost", "field", "graph")
COUNTS = {"macs": "MACs", "flops": "FLOPs"}

# The link
state = st.session_state
if (address := new_address("explore")) is not None:
    view, count, state["selected"] = address.pop("view", ""), address.pop("count", ""), address.pop("select", None)
    state["explore"] = {"view": VIEWS.get(view, VIEWS["layers"]), "count": count if count in COUNTS else "macs"}
    ask = address.pop("ask", "")
    state["choice"], problems = read_choice(address)
    state["problems"] = problems + asking.read("explore", ask, state["choice"].preset)
choice, shown = state["choice"], state["explore"]

# The network
left, counting = st.columns([4, 1], vertical_alignment="bottom")
heading = left.container(gap=None)
title = heading.container(horizontal=True, vertical_alignment="center")
title.title(_("Explore"), anchor=False, width="content")
heading.markdown(prose("explore", "Title"))
for problem in state["problems"]:
    st.warning(plain(problem))
with st.sidebar:
    analysis, base, refused = choose(choice, asking.hidden("explore"))
    st.page_link("../../pages/compare.py", label=_("Compare"), icon=":material/compare_arrows:",
                 query_params=comparison.parameters(comparison.beside(choice)) | asking.parameters("explore"),
                 help=_("Beside its preset or another network."))
    st.page_link("../../pages/timing.py", label=_("Timing"), icon=":material/speed:",
                 query_params=comparison.parameters([choice]), help=_("Run this network and read the clock."))
    st.page_link("../../pages/build.py", label=_("Build"), icon=":material/construction:", query_params=choice.parameters(),
                 help=_("The same network row by row, to change as you like."))
    if (learning := train.link([choice], [analysis])) is not None:
        st.page_link("../../pages/train.py", label=_("Train"), icon=":material/trending_down:", query_params=learning,
                     help=_("Let this network learn."))
if refused:
    show_refusal(choice, refused)
root, hidden = outline(analysis), asking.hidden("explore", analysis)
part = find(root, state["selected"]) or root

# What follows from it
count = counting.segmented_control(_("Count"), COUNTS, required=True, format_func=COUNTS.get,
                                   help=_("One multiply-add is one MAC, or two FLOPs."), **tied(shown, "count", "count"))
factor = 2 if count == "flops" else 1
panels.totals(analysis, base, factor, hidden)

tabs = st.tabs(list(VIEWS.values()), **tied(shown, "view", "view"))
VIEW_PANELS = {
    "layers": lambda: panels.layers(analysis, root, factor, hidden),
    "cost": lambda: panels.cost(analysis, root, hidden),
    "training": lambda: backward.show(choice, analysis, root, part, hidden),
    "field": lambda: panels.field(analysis, part, hidden),
    "graph": lambda: panels.graph(analysis, part.id),
    "papers": lambda: panels.papers(analysis, hidden),
    "tools": lambda: conventions.why(analysis, hidden),
    "code": lambda: panels.code(analysis, hidden),
}
for tab, (view, show) in zip(tabs, VIEW_PANELS.items()):
    if tab.open:
        with tab:
            panels.beside_derivation(show, part, analysis, hidden) if view in SELECTABLE else show()

own = {"view": next(id for id, label in VIEWS.items() if label == shown["view"]), "count": count,
       "select": part.id}
defaults = {"view": "layers", "count": "macs", "select": NETWORK}
link = choice.parameters() | {name: value for name, value in own.items() if value != defaults[name]}
with title:
    asking.menu("explore", link)
write_address("explore", link | asking.parameters("explore"))
