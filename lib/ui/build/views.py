"""What follows from the plan: its totals, its text, its graph, its code, and the ways on."""

from __future__ import annotations

import streamlit as st

from lib.analysis.graph import description, fold
from lib.figures.diagram import can_lay_out, svg
from lib.figures.diagram import source as diagram
from lib.figures.theme import LIGHT
from lib.plan.language import WORDS, write
from lib.plan.source import source
from lib.plan.standing import Standing
from lib.plan.word import text_of
from lib.provenance import images_of
from lib.text import prose
from lib.ui import _, comparison, current_palette
from lib.ui.address import moved, plain
from lib.ui.build.draft import Draft, line_of
from lib.ui.controls import on_choice, show_value
from lib.ui.graph_view import graph_view
from lib.ui.network import TOTALS, Choice, total_text
from lib.ui.provenance import mark

UNKNOWN = "–"
"""A total of a plan that computes nothing yet."""


def totals(stands: Standing) -> None:
    """What the network costs and gives; of a plan that ends at a row, of the rows before it."""
    analysis = stands.analysis
    with st.container(horizontal=True, gap="large", key="totals"):
        for name, label in TOTALS.items():
            st.metric(label, UNKNOWN if analysis is None else total_text(getattr(analysis, name)), width="content")
        last = stands.rows.get((len(stands.plan.rows) - 1,))
        st.metric(_("Output"), UNKNOWN if last is None else text_of(last.shape), width="content")
    if analysis:
        mark("computed", _("of the rows that stand") if stands.refused else images_of(analysis))


def text(draft: Draft) -> None:
    """The plan as a text, to read, change and copy. A text that cannot be read stays, with the reason."""
    st.markdown(prose("build", "Text"))
    shown, why = draft.typed or (write(draft.plan), "")
    if why:
        st.error(plain(why))
    show_value("build_text", shown)
    st.text_area(_("Plan"), key="build_text", height=330, on_change=on_choice("build_text", draft.type),
                 help=_("Ctrl + Enter takes it over."))
    st.download_button(_("Download the plan"), write(draft.plan), "plan.txt", "text/plain", on_click="ignore")
    with st.expander(_("All words")):
        st.table([{_("Word"): word.usual, _("What it is"): _(word.__doc__)} for word in WORDS.values()])


def graph(draft: Draft) -> None:
    """The folded graph of the rows that stand; a click on a part chooses its row."""
    stands = draft.standing
    if not stands.ops:
        st.info(prose("build", "Nothing yet"))
        return
    opened = st.session_state.setdefault("build_opened", set())
    folded = fold(stands.ops, frozenset(opened))

    def pick(id: str) -> None:
        level, _colon, name = id.partition(":")
        path = next((op.path for op in stands.ops if name in ((op.stage,), (op.block,), (op.name,))[
            {"stage": 0, "block": 1, "op": 2}.get(level, 2)]), "")
        if place := stands.place_of(path):
            draft.choose(line_of(stands.plan, place))

    chosen = stands.rows.get(draft.chosen.place)
    selected = folded.row_of(f"op:{chosen.last.name}") if chosen and chosen.last else ""
    graph_view(diagram(folded, current_palette()), "own", selected, "build_graph", pick,
               lambda id: opened.symmetric_difference_update({id}), height=430)
    mark("computed")
    left, middle, _right = st.columns([1, 1, 3])
    left.download_button(_("Download SVG"), lambda: svg(diagram(folded, LIGHT)), "plan.svg", "image/svg+xml",
                         on_click="ignore", width="stretch", disabled=not can_lay_out())
    middle.button(_("Fold all"), key="build_fold", on_click=lambda: (moved(), opened.clear()), disabled=not opened,
                  width="stretch")
    with st.expander(_("The graph in words")):
        st.text(description(folded))


def code(draft: Draft) -> None:
    """The plan as one PyTorch file, to read and to take along."""
    if not draft.builds:
        st.info(prose("build", "No code yet"))
        return
    program = source(draft.plan)
    st.markdown(prose("build", "Code"))
    st.download_button(_("Download network.py"), program, "network.py", "text/x-python", on_click="ignore")
    st.code(program, language="python", height=560)


def ways_on(draft: Draft) -> None:
    """The same network in the other tools."""
    own, ends = Choice("own", {"plan": draft.text}), not draft.builds
    for page, label, icon, link in (
            ("explore", _("Explore"), "tune", own.parameters()),
            ("compare", _("Compare"), "compare_arrows", comparison.parameters(comparison.beside(own))),
            ("timing", _("Timing"), "speed", comparison.parameters([own]))):
        st.page_link(f"../../pages/{page}.py", label=label, icon=f":material/{icon}:", query_params=link, disabled=ends,
                     help=_("The same network there, once it builds to its end.") if ends else None)
