"""What can be done with a plan without typing: rows to add, move, copy and delete, and the values of the chosen one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from lib.architecture import Impossible
from lib.plan import editing
from lib.plan.language import WORDS, Add, BranchRow, Concat, Holder, Image, Repeat, Stage
from lib.plan.mending import Mend, mends
from lib.plan.word import Word
from lib.text import literal, prose
from lib.ui import _
from lib.ui.address import moved, plain
from lib.ui.build.draft import Draft, line_of
from lib.ui.controls import control, on_choice, say_refused, show_value

REFUSED = "build_refused"
"""Where it is said why a change was not made."""

ADDABLE = [name for name, word in WORDS.items() if word is not Image]
AROUND = {"repeat": Repeat(times=2), "add": Add(), "concat": Concat(), "stage": Stage(label="stage1")}
GROUPS = {"repeat": _("Repeat it"), "add": _("Add a shortcut around it"), "concat": _("Join it with its input"),
          "stage": _("Make it a stage")}
"""What a row can be put into, and what that is called."""


def told(draft: Draft, verb: str, line: int, plan: str) -> None:
    """Do what was told in the list, with a line of the plan as it was seen. Where it has changed since, as when a key is pressed
    twice, the chosen row has gone along."""
    if draft.text == plan or verb == "choose":
        draft.choose(line)
    attempt(act, draft, verb)


def attempt(change: Callable[..., None], *arguments: Any) -> None:
    """Change the draft, or say why that cannot be: a plan may become longer than the server allows."""
    moved()
    try:
        change(*arguments)
    except Impossible as error:
        why = str(error)
        st.session_state["refused"] = {REFUSED: why[0].upper() + why[1:]}


def act(draft: Draft, verb: str) -> None:
    """Do what a button or a key says, with the chosen line."""
    place, plan = draft.chosen.place, draft.plan
    match verb:
        case "undo" | "redo":
            getattr(draft, verb)()
        case "up" | "down" if place:
            draft.put(*editing.move(plan, place, down=verb == "down"))
        case "copy" if place:
            draft.put(*editing.copy(plan, place))
        case "delete" if place:
            draft.put(editing.remove(plan, place))
        case "dissolve" if place:
            draft.put(editing.unwrap(plan, place), place)
        case _ if place and verb in AROUND:
            draft.put(editing.wrap(plan, place, AROUND[verb]), place)


def toolbar(draft: Draft) -> None:
    """The list of rows to add from, and the buttons that act on the chosen row."""
    show_value("build_add", None)
    left, right = st.columns([2, 3], gap="small", vertical_alignment="bottom")
    left.selectbox(_("Add a row"), ADDABLE, index=None, key="build_add", format_func=_called, accept_new_options=True,
                   on_change=on_choice("build_add", partial(attempt, draft.add)), filter_mode="contains",
                   placeholder=_("Pick, or type conv 6 5x5"),
                   help=_("It comes below the chosen row, and begins like the last row of its kind above."))
    is_row, row = bool(draft.chosen.place), draft.chosen.row.word
    with right.container(horizontal=True, gap="xxsmall", key="build_tools"):
        _button(draft, "up", _("Up"), "arrow_upward", is_row)
        _button(draft, "down", _("Down"), "arrow_downward", is_row)
        _button(draft, "copy", _("Copy"), "content_copy", is_row)
        _button(draft, "delete", _("Delete"), "delete", is_row)
        with st.popover(_("Group"), icon=":material/data_object:", disabled=not is_row or isinstance(row, BranchRow)):
            st.markdown(prose("build", "Group"))
            for verb, label in GROUPS.items():
                _button(draft, verb, label, "", True)
            _button(draft, "dissolve", _("Dissolve the group"), "", isinstance(row, Holder))
        _button(draft, "undo", _("Undo"), "undo", bool(draft.past))
        _button(draft, "redo", _("Redo"), "redo", bool(draft.future))
    say_refused(REFUSED)


def _button(draft: Draft, verb: str, label: str, icon: str, possible: bool) -> None:
    st.button(label, key=f"build_do_{verb}", icon=f":material/{icon}:" if icon else None, disabled=not possible,
              on_click=attempt, args=(act, draft, verb))


def _called(name: str) -> str:
    """A word in a list; what a person types there is as it is."""
    return f"{_(WORDS[name].title)} ({name})" if name in WORDS else name


def row(draft: Draft) -> None:
    """The chosen row: its kind, its values, and what it is."""
    line = draft.chosen
    word = line.row.word
    st.markdown(_("**Row {number}: {title}**").format(number=draft.line + 1, title=_(type(word).title)))
    if line.place and not isinstance(word, BranchRow):
        _kind(draft, word)
    st.caption(_(type(word).__doc__))

    def changed(name: str, value: object) -> None:
        now = editing.word_at(draft.plan, line.place)  # it may have changed since it was drawn, and other values of it too
        if type(now) is type(word):
            changed_word = now.read(dict(now) | {name: value})
            attempt(draft.put, editing.set_word(draft.plan, line.place, changed_word), line.place)
    names = list(type(word).model_fields)
    prefix = f"build_{draft.structure}_{line.place}_"
    for pair in (names[start:start + 2] for start in range(0, len(names), 2)):
        for column, name in zip(st.columns(2, gap="small"), pair):
            with column:
                control(type(word), name, getattr(word, name), changed, False, prefix)


def _kind(draft: Draft, word: Word) -> None:
    """Another word in the place of this one; values that both have stay."""
    holds = isinstance(word, Holder)
    offered = [name for name in ADDABLE if issubclass(WORDS[name], Holder) == holds and WORDS[name] is not BranchRow]
    place = draft.chosen.place

    def chosen(name: str) -> None:
        now = editing.word_at(draft.plan, place)
        if type(now) is type(word):
            attempt(draft.put, editing.set_word(draft.plan, place, editing.like(now, WORDS[name])), place)
    key = f"build_{draft.structure}_{place}_word"
    show_value(key, word.name())
    st.selectbox(_("Kind"), offered, key=key, format_func=_called, on_change=on_choice(key, chosen), filter_mode="contains",
                 help=_("Another kind of row in its place."))


def trouble(draft: Draft) -> None:
    """Why the plan ends at a row, and what would help."""
    end = draft.standing.refused
    if end is None:
        return
    number = line_of(draft.plan, end.place) + 1
    st.error(_("Row {number}: {why}").format(number=number, why=plain(end.reason)))
    offered = mends(draft.text)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if offered:
            st.markdown(prose("build", "Mends"), width="content")
        for index, mend in enumerate(offered):
            st.button(literal(mend.words), key=f"build_mend_{index}", on_click=_mended, args=(draft, draft.text, mend))


def _mended(draft: Draft, text: str, mend: Mend) -> None:
    """Take up a change that was offered for the plan of this text; for another plan it may be none that helps."""
    if draft.text == text:
        attempt(draft.put, mend.plan, mend.place)
