"""Controls made from a family's own declaration of its knobs."""

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import streamlit as st

from lib.architecture import LARGEST_IMAGE, Declared, Impossible, NetworkKnobs, bounds, is_sequence, is_size, options, sides
from lib.ui import _
from lib.ui.address import moved, plain

MOST_SEGMENTS = 8
"""A choice among more values than this drops down."""

MOST_LETTERS = 60
"""A text with more letters than this gets a field of several lines."""

MOST_STEPS = 128
"""A range with more values than this gets a field to type in; a slider would be too fine for a hand."""


def control(knobs: type[Declared], name: str, value: Any, changed: Callable[[str, Any], None], disabled: bool,
            prefix: str = "") -> None:
    """The control that suits a knob, showing `value`; `changed(name, new_value)` is called when a person moves it.

    `prefix` keeps the controls of several networks on one page apart.
    """
    declared = knobs.model_fields[name]
    label, help = _(declared.title), _(declared.description)
    if is_sequence(knobs, name):
        _numbers(knobs, name, value, label, help, changed, disabled, prefix)
        return
    key = prefix + name
    if is_size(knobs, name):
        if bounds(knobs, name).high == LARGEST_IMAGE:
            _size(knobs, name, value, label, help, changed, prefix)
        else:
            _pair(knobs, name, value, label, help, changed, key)
        return
    if declared.annotation in (str, float):
        _typed(knobs, name, value, label, help, changed, key)
        return
    show_value(key, value)
    more = {"key": key, "help": help, "disabled": disabled, "on_change": on_choice(key, lambda value: changed(name, value))}
    if isinstance(value, bool):
        st.toggle(label, **more)
    elif len(values := options(knobs, name)) > MOST_SEGMENTS:
        st.selectbox(label, values, filter_mode="contains", **more)
    elif values:
        st.segmented_control(label, values, required=True, **more)
    elif (limits := bounds(knobs, name)).high - limits.low < MOST_STEPS * limits.step:
        st.slider(label, limits.low, limits.high, step=limits.step, **more)
    else:
        say_refused(key)  # above the field: beneath it the sentence may lie below the fold
        whole_number(label, value, key, lambda typed: changed(name, knobs.read_one(name, typed)), help=help,
                     disabled=disabled, step=_stride(knobs, name))


def _pair(knobs: type[Declared], name: str, value: int | str, label: str, help: str, changed: Callable, key: str) -> None:
    """A height and a width that are small: one of the usual ones, or any that is typed."""
    def take(chosen: str) -> None:
        changed(name, knobs.read_one(name, chosen))
    limits = bounds(knobs, name)
    usual = [*limits.words, *(str(each) for each in (0, 1, 2, 3, 4, 5, 7) if each >= limits.low)]
    show_value(key, str(value))
    say_refused(key)
    st.selectbox(label, list(dict.fromkeys([*usual, str(value)])), key=key, accept_new_options=True, filter_mode="prefix",
                 on_change=on_choice(key, _refusable(key, take, value)),
                 help=help + " " + _("Any other can be typed: 11, or height x width, 1x7."))


def _typed(knobs: type[Declared], name: str, value: str | float, label: str, help: str, changed: Callable, key: str) -> None:
    """A field for a text, or for a number with a point; a long text, as a plan is, gets several lines."""
    def take(typed: str) -> None:
        changed(name, knobs.read_one(name, typed))
    written = f"{value:g}" if isinstance(value, float) else value
    show_value(key, written)
    say_refused(key)
    more = {"key": key, "help": help, "on_change": on_choice(key, _refusable(key, take, written))}
    if len(written) > MOST_LETTERS:
        st.text_area(label, height=180, **more)
    else:
        st.text_input(label, **more)


def _refusable(key: str, take: Callable[[Any], None], value: Any) -> Callable[[Any], None]:
    """`take`, and where it raises `Impossible`, a sentence for `say_refused`: the control goes back to `value`."""
    def heard(chosen: Any) -> None:
        try:
            take(chosen)
        except Impossible as error:
            st.session_state["refused"] = {key: _short_stays(error, value)}
    return heard


def _short_stays(error: Impossible, value: Any) -> str:
    text = str(value)
    return str(error) if len(text) > MOST_LETTERS else _("{why} It stays at {value}.").format(why=error, value=text)


def _stride(knobs: type[NetworkKnobs], name: str) -> int:
    """How far one press of + or − goes; any whole number can be typed."""
    return (knobs.model_fields[name].json_schema_extra or {}).get("stride", 1)


def _size(knobs: type[NetworkKnobs], name: str, value: int | str, label: str, help: str, changed: Callable, prefix: str) -> None:
    """One field for the side of a square; a switch makes two of it, for height and width."""
    key = prefix + name
    switch, rectangles = f"{key}_square", st.session_state.setdefault("rectangles", set())
    is_square = len(set(sides(value))) == 1 and key not in rectangles
    labels = {key: label} if is_square else {f"{key}_height": _("Height, px"), f"{key}_width": _("Width, px")}
    shown = dict(zip(labels, sides(value)))

    def turned(square: bool) -> None:
        try:
            changed(name, knobs.read_one(name, _now(shown)[0]))
        except Impossible as error:  # a number that was typed just before
            st.session_state["refused"] = {next(iter(shown)): str(error)}
        else:
            (rectangles.discard if square else rectangles.add)(key)
    _fields(knobs, name, shown, labels.values(), changed, help=help, step=_stride(knobs, name))
    show_value(switch, is_square)
    st.toggle(_("Square"), key=switch, on_change=on_choice(switch, turned), help=_("Off: height and width can differ."))


def folded_under(knobs: type[NetworkKnobs], name: str) -> str:
    """The heading under which a knob is folded away; empty for one that stands open."""
    return (knobs.model_fields[name].json_schema_extra or {}).get("under", "")


def _numbers(knobs: type[NetworkKnobs], name: str, values: tuple[int, ...], label: str, help: str, changed: Callable,
             disabled: bool, prefix: str) -> None:
    """One field per stage."""
    st.markdown(f":small[{label}]", help=help)
    shown = {f"{prefix}{name}_{index}": value for index, value in enumerate(values)}
    _fields(knobs, name, shown, [f"{label}, {index}" for index in range(len(values))], changed, disabled=disabled,
            label_visibility="collapsed")


def _fields(knobs: type[NetworkKnobs], name: str, shown: Mapping[str, int], labels: Iterable[str], changed: Callable,
            **more: Any) -> None:
    """Fields side by side, by their keys, whose numbers together are the value of a knob."""
    def take(_typed: int) -> None:
        changed(name, knobs.read_one(name, _now(shown)))
    say_refused(*shown)
    for (key, value), label, column in zip(shown.items(), labels, st.columns(len(shown), gap="xxsmall")):
        with column:
            whole_number(label, value, key, take, **more)


def _now(shown: Mapping[str, int]) -> tuple[int, ...]:
    """What these fields say now, by their keys. It is not what they showed when they were drawn: who types in two of them
    one after the other may be quicker than the run between, and both numbers count."""
    return tuple(_whole(float(st.session_state.get(key, value))) for key, value in shown.items())


def whole_number(label: str, value: int | None, key: str, take: Callable[[int], None], step: int = 1,
                 **more: Any) -> None:
    """A field to type a whole number in; it is empty while `value` is None. `take(number)` raises `Impossible` for one
    that cannot be: the field then goes back to `value`, and `say_refused` says why.

    The field itself has no range, and takes fractions: the browser would turn it red, say nothing, and keep what was typed
    to itself.
    """
    def typed(number: float) -> None:
        try:
            take(_whole(number))
        except Impossible as error:
            why = str(error) if value is None else _("{why} It stays at {value}.").format(why=error, value=value)
            st.session_state["refused"] = {key: why}
    show_value(key, value)
    st.number_input(label, value=None if value is None else "min", step=float(step), format="%.0f", key=key,
                    on_change=on_choice(key, typed), **more)


def _whole(typed: float) -> float:
    """A whole number without its point."""
    return int(typed) if float(typed).is_integer() else typed


def say_refused(*keys: str) -> None:
    """Why a number typed into one of these fields was not taken, until a person moves the next control."""
    for key in keys:
        if why := st.session_state.get("refused", {}).get(key):
            st.error(plain(why))


def tied(values: dict[str, Any], name: str, key: str) -> dict[str, Any]:
    """Key and callback of a control that shows `values[name]`, and puts there what a person chooses.

    Streamlit forgets what a control shows once it is not drawn, as when another tab or page is open. What lies in a
    place of our own stays, so tab and page come back as they were left.
    """
    return _tie(values, name, key, values[name])


def kept(key: str, start: Any, offered: Container | None = None) -> dict[str, Any]:
    """As `tied`, for a control that stands in no link. It shows `start` until a person chooses, and while what was chosen
    is not `offered`; of several values it shows those that are."""
    values = st.session_state.setdefault("kept", {})
    value = values.get(key, start)
    if isinstance(value, list):
        value = [each for each in value if each in offered]
    elif offered is not None and value not in offered:
        value = start
    return _tie(values, key, key, value)


def _tie(values: dict[str, Any], name: str, key: str, shown: Any) -> dict[str, Any]:
    show_value(key, shown)
    return {"key": key, "on_change": on_choice(key, lambda value: values.update({name: value}))}


def on_choice(key: str, take: Callable[[Any], None]) -> Callable[[], None]:
    """The callback of a control: it hands the chosen value to `take`. A browser that has just lost the control, as when its
    box closes, may say that it is empty; a run that was cut short may have forgotten it and not drawn it again. That is no
    choice.

    Nor is it one if the browser says what was shown. A person who is quick presses something else before the browser hears
    that the control has gone; Streamlit, which has forgotten it, takes its value for a new one. If the control is drawn
    again, the browser needs to be told the value: it too has forgotten it by then.
    """
    def hear() -> None:
        value, shown = st.session_state.get(key), _shown()
        if value is None:
            return
        if key in shown and shown[key] == value:
            del st.session_state[key]
            return
        shown.pop(key, None)
        moved()
        take(value)
    return hear


def show_value(key: str, value: Any) -> None:
    """Set a control only where it differs, so that quick key presses are not undone by an older run."""
    _shown()[key] = value
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def _shown() -> dict[str, Any]:
    """What each control was drawn with last, by its key; without those of which another value was heard since."""
    return st.session_state.setdefault("shown", {})


def forget_shown(beginning: str) -> None:
    """Send the values of the controls with such keys to the browser in this run again. A value goes there once; one that came
    while the controls lay in a closed box is not kept, and in the opened box they would show, and send back, empty ones."""
    for key in [key for key in st.session_state if str(key).startswith(beginning)]:
        del st.session_state[key]


def followers(knobs: type[NetworkKnobs], leader: str) -> list[str]:
    """The knobs that go back to their table when `leader` changes."""
    return [name for name, field in knobs.model_fields.items() if (field.json_schema_extra or {}).get("follows") == leader]


def is_decided(knobs: type[NetworkKnobs], name: str, values: Mapping[str, Any]) -> bool:
    """Whether a switch that is on decides this knob."""
    switch = (knobs.model_fields[name].json_schema_extra or {}).get("set_by")
    return bool(switch and values[switch])
