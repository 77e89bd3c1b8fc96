"""A link that asks before it tells: `ask=params,macs` hides these totals on Explore or Compare until they are predicted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from lib import catalog
from lib.analysis import Analysis
from lib.questions import Question, totals
from lib.questions.totals import QUANTITIES
from lib.ui import _
from lib.ui.address import moved
from lib.ui.contents import path
from lib.ui.controls import kept
from lib.ui.progress import note
from lib.ui.questions import ask, attempt

NAMES = {"params": _("parameters"), "macs": _("MACs"), "activation_bytes": _("activation bytes"),
         "weight_layers": _("weight layers"), "receptive_field": _("receptive field")}
"""What to call the totals in a sentence."""
COLUMNS = {
    "params": ("params", "params share", "params_share"),
    "macs": ("macs", "macs share", "macs_share", "input_gradient_macs", "weight_gradient_macs"),
    "activation_bytes": ("activation", "activation_bytes", "activation share", "activation_bytes_share"),
    "receptive_field": ("field height", "field width", "receptive_field_height", "receptive_field_width", "jump_vertical",
                        "jump_horizontal"),
}
"""The columns of tables and downloads that tell a total."""


# What a page asks for

def read(page: str, text: str, networks: object) -> list[str]:
    """Take over what a link asks for, and give a sentence about words in it that are no quantity. What was predicted before
    counts where the same is asked of the same networks."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    wanted = [name for name in QUANTITIES if name in words]
    if st.session_state.get(f"{page}_asked_by_link") != (wanted, networks):
        begin(page, wanted)
    st.session_state[f"{page}_asked_by_link"] = wanted, networks
    if not (wrong := [word for word in words if word not in QUANTITIES]):
        return []
    return [_("A link cannot ask for “{words}”, so that was left out; it can ask for {names}.").format(
        words=", ".join(wrong)[:60], names=", ".join(QUANTITIES))]


def begin(page: str, quantities: Sequence[str]) -> None:
    """Ask for these from now on, as if nobody had answered."""
    st.session_state[f"{page}_asked"] = list(quantities)
    for name in QUANTITIES:
        st.session_state.pop(f"{_key(page, name)}_attempt", None)


def asked(page: str) -> list[str]:
    """The quantities that a page asks for, by their words in a link."""
    return st.session_state.get(f"{page}_asked", [])


def parameters(page: str) -> dict[str, str]:
    """What a page asks for, as the parameters of a link."""
    return {"ask": ",".join(asked(page))} if asked(page) else {}


def askable(page: str, *analyses: Analysis) -> list[str]:
    """Those of them that are known of all these networks."""
    return [name for name in asked(page) if all(getattr(analysis, QUANTITIES[name]) is not None for analysis in analyses)]


def hidden(page: str, *analyses: Analysis) -> frozenset[str]:
    """The totals, as an analysis calls them, that are not to be seen yet."""
    return frozenset(QUANTITIES[name] for name in askable(page, *analyses) if not attempt(_key(page, name)).open)


def _key(page: str, name: str) -> str:
    return f"{page}_ask_{name}"


# In the place of what is hidden

def withheld(hidden: Collection[str], *told: str) -> bool:
    """Where one of the totals that would be `told` is hidden, say so in its place; whether that is so."""
    names = [label for total, label in NAMES.items() if total in told and total in hidden]
    if names:
        sentence = _("Predict first: {names}. This comes with your answer.").format(names=", ".join(names))
        st.markdown(f":material/visibility_off: {sentence}")
    return bool(names)


def without(table: pd.DataFrame, hidden: Collection[str]) -> pd.DataFrame:
    """A table without the columns that tell a hidden total."""
    return table.drop(columns=[column for total in hidden for column in COLUMNS.get(total, ())], errors="ignore")


def visible(costs: Collection[str], hidden: Collection[str]) -> list[str]:
    """The costs that a chart may show."""
    return [name for name in costs if name not in hidden]


def usual(costs: Sequence[str]) -> str:
    """The cost that a chart shows at first."""
    return "macs" if "macs" in costs else costs[0]


# Asking

def about(name: str, analysis: Analysis, factor: int) -> Question:
    """What is asked about a network; where multiply-adds are shown as FLOPs (`factor` 2), those."""
    kind = totals.flops if name == "macs" and factor == 2 else totals.KINDS[name]
    return kind(preset=analysis.preset, changed=_turned(analysis))


def _turned(analysis: Analysis) -> totals.Changed:
    """The knobs in which a network differs from its preset."""
    preset = catalog.configure(analysis.preset, {})
    return tuple((name, value) for name, value in analysis.knobs if value != getattr(preset, name))


def predict(page: str, name: str, question: Question, total: str = "") -> dict[str, str]:
    """A button that opens the question, or what became of it; gives what the browser is to keep of it, if anything. `total`
    says on the button what is asked for."""
    key = _key(page, name)
    made = attempt(key)
    if made.id not in ("", question.id) and not made.open:  # another network now: its first try
        st.session_state.pop(f"{key}_attempt", None)
    label, icon = (_("Your guess"), ":material/contrast:") if made.open else (_("Predict"), ":material/quiz:")
    with st.popover(f"{label}: {total}" if total else label, icon=icon, key=f"{key}_popover",
                    type="tertiary" if made.open else "secondary"):
        made = ask(question, key, once=True)
    if not made.result or made.id != question.id:
        return {}
    networks = question.values.get("networks") or ((question.values["preset"], ()),)
    return {"question": f"totals.{name}.{'+'.join(preset for preset, _changed in networks)}", "result": made.result}


def predict_largest(page: str, analyses: Sequence[Analysis]) -> None:
    """A button for each total that a page asks for: which of these networks has the most?"""
    networks = tuple((analysis.preset, _turned(analysis)) for analysis in analyses)
    names = askable(page, *analyses)
    if names:
        with st.container(horizontal=True):
            keep(page, [predict(page, name, totals.largest(networks=networks, quantity=name), NAMES[QUANTITIES[name]])
                        for name in names])


def keep(page: str, answers: Sequence[Mapping[str, str]]) -> None:
    """Note in the browser what has been answered."""
    if noted := [dict(answer) for answer in answers if answer]:
        note(f"{page}_asked", *noted)


# Making a link

def menu(page: str, link: Mapping[str, str]) -> None:
    """Choose what a link shall ask for, copy it, or try it here. `link` are the parameters of the page as it is."""
    with st.popover(_("Ask for these"), icon=":material/quiz:", key=f"{page}_ask_menu", on_change=moved) as box:
        if not box.open:
            return
        st.markdown(_("A link that hides totals until they are predicted."))
        chosen = st.pills(_("Ask for"), list(QUANTITIES), selection_mode="multi", wrap=True,
                          format_func=lambda name: NAMES[QUANTITIES[name]],
                          **kept(f"{page}_ask_these", asked(page) or ["params", "macs"], QUANTITIES))
        wanted = [name for name in QUANTITIES if name in chosen]
        whole = {name: text for name, text in link.items() if name != "ask"} | ({"ask": ",".join(wanted)} if wanted else {})
        st.code(f"/{path(page)}?{urlencode(whole, safe=',')}", language=None, wrap_lines=True)
        st.button(_("Open it here"), key=f"{page}_ask_here", on_click=lambda: (moved(), begin(page, wanted)))
