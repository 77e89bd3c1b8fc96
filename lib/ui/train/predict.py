"""Predict first: which network will have learnt best, and by how much? The guess is kept until there is something to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lib.questions import Grade, Question, Unreadable
from lib.questions.races import Ends, difference, lowest
from lib.ui import _
from lib.ui.address import moved
from lib.ui.questions import answer_field

KINDS = {"lowest": lowest, "difference": difference}


@dataclass
class Guesses:
    """What a person has guessed of one race, by the kind of question. `open` once the picture may be seen."""

    given: dict[str, Any] = field(default_factory=dict)
    unread: str = ""
    open: bool = False

    @property
    def difference(self) -> float | None:
        """The guessed distance of the highest error from the lowest, in points."""
        return self.given.get("difference")


def guesses(key: str) -> Guesses:
    """The guesses of this tab about the race of this key."""
    return st.session_state.setdefault("train_guesses", {}).setdefault(key, Guesses())


def asked(names: list[str], ends: Ends = ()) -> dict[str, Question]:
    """The questions about networks of these names. Before the race has ended nobody knows the answers: then only their words
    count."""
    known = ends if len(ends) == len(names) else tuple((name, float(index)) for index, name in enumerate(names))
    return {kind: make(ends=known) for kind, make in KINDS.items()}


def ask(names: list[str], made: Guesses, key: str) -> None:
    """The form, and a way around it."""
    questions = asked(names)
    with st.container(border=True, key="asked_train"):
        with st.form("train_predict", border=False):
            for kind, question in questions.items():
                st.markdown(f":primary-badge[{_('Predict')}] {question.words}")
                if kind == "lowest":
                    st.radio(_("Your answer"), names, index=None, key=f"train_guess_{key}_{kind}", horizontal=True,
                             label_visibility="collapsed")
                else:
                    answer_field(question, f"train_guess_{key}_{kind}")
            with st.container(horizontal=True):
                st.form_submit_button(_("That is my guess"), key="train_guess", type="primary", on_click=_take,
                                      args=(questions, made, key))
        with st.container(horizontal=True):
            with st.popover(_("Hint")):
                st.markdown("  \n".join(question.hint for question in questions.values()))
            st.button(_("Go on without a guess"), key="train_unguessed", on_click=_skip, args=(made,))
        if made.unread:
            st.caption(f":material/edit: {made.unread}")


def _take(questions: Mapping[str, Question], made: Guesses, key: str) -> None:
    moved()
    try:
        made.given = {kind: question.read(st.session_state[f"train_guess_{key}_{kind}"]) for kind, question in questions.items()}
        made.unread, made.open = "", True
    except Unreadable as problem:
        made.unread = str(problem)


def _skip(made: Guesses) -> None:
    moved()
    made.unread, made.open = "", True


def outcome(names: list[str], made: Guesses, ends: Ends) -> None:
    """The truth beside the guesses, once the race is over."""
    if not made.given or len(ends) < len(names):
        return
    with st.container(border=True, key="asked_train"):
        for kind, question in asked(names, ends).items():
            st.markdown(_said(question, made.given[kind]))


def _said(question: Question, given: Any) -> str:
    grade: Grade = question.grade(given)
    if grade.right:
        return ":material/check_circle: " + _("You guessed {given}. Right. {because}").format(
            given=question.show(given), because=question.because)
    return ":material/contrast: " + _("You guessed {given}. It is **{answer}**. {because}").format(
        given=question.show(given), answer=question.solution, because=question.because)
