"""The controls of a lesson, from its declaration."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from lib.architecture import Impossible
from lib.lessons import pictures
from lib.lessons.knobs import AnyKnob, Knob, Knobs, Picture, Typed, Written
from lib.ui import _
from lib.ui.address import moved
from lib.ui.controls import on_choice, say_refused, show_value, whole_number

MOST_LETTERS = 32
"""Words with more letters than these, all together, do not fit into a row of buttons and get a list."""
WIDE = 190
"""Pixels that a control takes at least, where several stand in a row."""


def read_knobs(given: Mapping[str, str], declared: Knobs) -> tuple[dict[str, Any], list[str]]:
    """Where a link sets the controls, and a sentence for each part of it that cannot be: the control is left at its default."""
    values, problems = {name: knob.default for name, knob in declared.items()}, []
    for name, text in given.items():
        if name not in declared:
            problems.append(_("There is no “{name}” here; a link can set {names}.").format(
                name=name[:40], names=", ".join(declared)))
            continue
        try:
            values[name] = declared[name].read(text)
        except Impossible as error:
            problems.append(_("{name} = {text} is not possible: {why} The page shows {value}.").format(
                name=name, text=text[:40], why=error, value=declared[name].write(values[name])))
    return values, problems


def write_knobs(values: Mapping[str, Any], declared: Knobs) -> dict[str, str]:
    """The controls that do not stand at their defaults, as the parameters of a link."""
    written = {name: knob.write(values[name]) for name, knob in declared.items()}
    return {name: text for name, text in written.items() if text != declared[name].write(declared[name].default)}


def show_knobs(declared: Knobs, names: Sequence[str], values: dict[str, Any], prefix: str, changed: Callable[[], None]) -> None:
    """The controls of these names, which show `values` and put there what a person chooses; `changed()` is called then."""
    if not names:
        return
    for row in (names[start:start + 2] for start in range(0, len(names), 2)):
        for column, name in zip(st.columns(len(row), gap="small", vertical_alignment="bottom"), row):
            def take(value: Any, name: str = name) -> None:
                values[name] = value
                changed()
            with column:
                _control(declared[name], values[name], f"{prefix}_{name}_knob", take)


def _control(knob: AnyKnob, value: Any, key: str, take: Callable[[Any], None]) -> None:
    if isinstance(knob, Typed):
        _typed(knob, value, key, take)
    elif isinstance(knob, Written):
        _written(knob, value, key, take)
    elif isinstance(knob, Picture):
        _picture(knob, value, key, take)
    else:
        _choice(knob, value, key, take)


def _choice(knob: Knob | Picture, value: Any, key: str, take: Callable[[Any], None]) -> None:
    show_value(key, value)
    more = {"help": knob.help, "key": key, "on_change": on_choice(key, take)}
    if isinstance(knob.default, bool):
        st.toggle(knob.label, **more)
    elif isinstance(knob.default, int):
        st.select_slider(knob.label, knob.values, format_func=knob.show, **more)
    elif len("".join(map(knob.show, knob.values))) > MOST_LETTERS:
        st.selectbox(knob.label, knob.values, format_func=knob.show, filter_mode="contains", **more)
    else:
        st.segmented_control(knob.label, knob.values, format_func=knob.show, required=True, **more)


def _typed(knob: Typed, value: int, key: str, take: Callable[[Any], None]) -> None:
    def checked(number: int) -> None:
        if not knob.low <= number <= knob.high:
            raise Impossible(_("{label} goes from {low} to {high:,}.").format(label=knob.label, low=knob.low, high=knob.high))
        take(int(number))
    say_refused(key)
    whole_number(knob.label, value, key, checked, help=knob.help)


def _written(knob: Written, value: str, key: str, take: Callable[[Any], None]) -> None:
    def typed(text: str) -> None:
        try:
            take(knob.read(text))
        except Impossible as error:
            st.session_state["refused"] = {key: _("{why} It stays as it was.").format(why=error)}
    say_refused(key)
    show_value(key, value)
    more = {"help": knob.help, "key": key, "on_change": on_choice(key, typed), "max_chars": knob.most}
    if knob.lines > 1:
        st.text_area(knob.label, height=40 + 26 * knob.lines, **more)
    else:
        st.text_input(knob.label, **more)


def _picture(knob: Picture, value: str | bytes, key: str, take: Callable[[Any], None]) -> None:
    """A choice of drawn pictures, and a place to bring one's own. What was brought stays until a drawn one is chosen."""
    own = isinstance(value, bytes)
    _choice(knob, knob.default if own else value, f"{key}_drawn", take)

    def brought() -> None:
        moved()
        if file := st.session_state[f"{key}_file"]:
            try:
                take(pictures.png(pictures.read(file.getvalue(), knob.side)))
            except pictures.Unreadable as problem:
                st.session_state["refused"] = {key: str(problem)}
        elif own:
            take(knob.default)
    say_refused(key)
    with st.popover(_("Your own picture") if not own else _("Your picture is shown"), icon=":material/upload:"):
        st.file_uploader(_("Your own picture"), key=f"{key}_file", on_change=brought,
                         help=_("It is shown to nobody else, and not kept. Take it away to return to a drawn one."))
