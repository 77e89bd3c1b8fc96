"""A question on the page: asked, answered, hinted, shown. What it asks and how it is graded is `lib/questions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import streamlit as st

from lib.questions import Choice, Grade, Number, Order, Place, Question, Several, Unreadable
from lib.ui import _
from lib.ui.address import moved
from lib.ui.elements import Guess

SHORT, FEW = 60, 16
"""Options with no more letters than SHORT, all together, stand beside each other; no more places than FEW stand in a row to be
pointed at."""


@dataclass
class Attempt:
    """What a person has made of a question so far. `id` is the question that was answered, with its values."""

    id: str = ""
    tries: int = 0
    grade: Grade | None = None
    given: Any = None
    unread: str = ""
    open: bool = False
    seen: bool = False
    """Whether the answer has been on the screen before."""
    result: str = ""
    """`first`, `later` or `shown`, once it is over."""

    def answer(self, question: Question, given: Any, once: bool) -> None:
        """Take an answer. With `once` the truth is shown whatever it was; else only when it is right."""
        try:
            self.given, self.unread = question.read(given), ""
        except Unreadable as problem:
            self.unread = str(problem)
            return
        self.grade, self.id, self.tries = question.grade(given), question.id, self.tries + 1
        if self.grade.right:
            self.result = self.result if self.result == "first" else "later" if self.seen or self.tries > 1 else "first"
        if self.grade.right or once:
            self.open, self.result = True, self.result or "shown"

    def show(self, question: Question) -> None:
        """Give up, and see."""
        self.open, self.result, self.id, self.unread = True, self.result or "shown", question.id, ""

    def again(self) -> None:
        """Ask once more, at the values of now."""
        self.seen = self.seen or self.open
        self.open, self.grade, self.given, self.tries, self.unread = False, None, None, 0, ""


def attempt(key: str) -> Attempt:
    """The attempt at the question of this key."""
    return st.session_state.setdefault(f"{key}_attempt", Attempt())


def guess(question: Question, key: str) -> Guess | None:
    """What the person has answered, for a chart; None where nothing was, or at other values."""
    made = attempt(key)
    if made.given is None or made.id != question.id:
        return None
    return Guess(question.show(made.given), made.given if isinstance(question, Number) else None)


def ask(question: Question, key: str, once: bool = False) -> Attempt:
    """Show a question, or what became of it; gives the attempt. With `once` the first answer ends it: a prediction."""
    made = attempt(key)
    if made.id and made.id != question.id and not made.open:
        made.again()
    label = _("Predict") if once else _("Question")
    st.markdown(f":primary-badge[{label}] {question.words}")
    if made.open:
        _outcome(question, made, key)
    else:
        _form(question, made, key, once)
    return made


def _form(question: Question, made: Attempt, key: str, once: bool) -> None:
    def answer() -> None:
        moved()
        made.answer(question, st.session_state[f"{key}_given"], once)

    def show() -> None:
        moved()
        made.show(question)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.form(f"{key}_form", border=False, width="stretch" if _is_wide(question) else "content"):
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                answer_field(question, f"{key}_given")
                st.form_submit_button(_("Answer"), key=f"{key}_answer", type="primary", on_click=answer)
        if question.hint:
            with st.popover(_("Hint")):
                st.markdown(question.hint)
        st.button(_("Show me"), key=f"{key}_show", on_click=show, help=_("Shows the answer and how one comes to it."))
    if made.unread:
        st.caption(f":material/edit: {made.unread}")
    elif made.grade:
        st.markdown(f":material/contrast: {_attributed(question, made)} {made.grade.remark}")


def _is_wide(question: Question) -> bool:
    """Whether the answer takes a row of its own."""
    return not isinstance(question, Number)


def answer_field(question: Question, key: str) -> None:
    """The control in which a question is answered; what was given lies under `key`."""
    label = _("Your answer")
    if isinstance(question, Number):
        unit = f" ({question.unit})" if question.unit else ""
        st.text_input(label, key=key, placeholder=_("a number{unit}").format(unit=unit), label_visibility="collapsed",
                      max_chars=120, help=None, autocomplete="off")
    elif isinstance(question, Order):
        st.multiselect(label, _shuffled(question), key=key, format_func=question.options.get, label_visibility="collapsed",
                       placeholder=_("Pick them one after the other, the first one first"))
    elif isinstance(question, Several):
        st.pills(label, list(question.options), key=key, selection_mode="multi", format_func=question.options.get,
                 label_visibility="collapsed", wrap=True)
    elif isinstance(question, Place) and len(question.options) <= FEW:
        st.pills(label, list(question.options), key=key, format_func=question.options.get, label_visibility="collapsed", wrap=True)
    elif isinstance(question, Place):
        st.selectbox(label, list(question.options), index=None, key=key, format_func=question.options.get,
                     label_visibility="collapsed", placeholder=_("Pick one, or type its name"), filter_mode="contains")
    elif isinstance(question, Choice):
        st.radio(label, list(question.options), index=None, key=key, format_func=question.options.get,
                 label_visibility="collapsed", horizontal=len("".join(question.options.values())) <= SHORT)


def _shuffled(question: Order) -> Sequence[str]:
    """The options in an order that is not the answer, the same each time."""
    options = list(question.options)
    for seed in range(9):
        Random(f"{question.id} {seed}").shuffle(options)
        if tuple(options) != tuple(question.answer):
            break
    return options


def _attributed(question: Question, made: Attempt) -> str:
    return _("**{given}:**").format(given=_quoted(question.show(made.given)))


def _quoted(text: str) -> str:
    return text.replace("*", "\\*")


def _outcome(question: Question, made: Attempt, key: str) -> None:
    """The truth beside the guess, which slip it was, and the derivation."""
    if made.grade and made.id == question.id:
        if made.grade.right:
            st.markdown(":material/check_circle: " + _("**{answer}.** Right.").format(answer=question.solution))
        else:
            st.markdown(":material/contrast: " + _("You said {given}. It is **{answer}**.").format(
                given=_quoted(question.show(made.given)), answer=question.solution) + f" {made.grade.remark}")
    else:
        st.markdown(":material/visibility: " + _("**{answer}**").format(answer=question.solution))
    st.markdown(question.because)

    def again() -> None:
        moved()
        made.again()
    st.button(_("Ask me again"), key=f"{key}_again", icon=":material/replay:", on_click=again, type="tertiary",
              help=_("Hides the answer and asks at the values that the controls show now."))

