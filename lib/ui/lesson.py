"""What every lesson looks like: one step on a screen, its controls beside its picture, its question beneath; all steps on one
page; in front of a class.

The whole state stands in the link: `/residual?step=identity&shift=0.5&present=true`. A lesson runs as a fragment: what is moved
in it runs the step alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import streamlit as st

from lib.architecture import Impossible
from lib.lessons import find
from lib.lessons.content import Content
from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson, Step
from lib.measuring import Measured
from lib.questions import Question
from lib.text import prose, sections, step_prose
from lib.ui import _
from lib.ui.address import moved, new_address, note_fragment, plain, write_address
from lib.ui.contents import CONTENTS, TITLES
from lib.ui.elements import Place, show as show_element
from lib.ui.knobs import read_knobs, show_knobs, write_knobs
from lib.ui.measuring import measured
from lib.ui.questions import ask, attempt, guess
from lib.ui.stepper import Stop, stepper
from lib.ui.style import PRESENTING

ALL, TEACHERS, ONWARD = "all", "teachers", "onward"
"""In place of a step: the whole lesson on one page; the page for teachers; what follows the last step."""
PRESENT = Knob(_("Present"), (False, True), False, _("Large type for a projector."))
LESSONS = [name for pages in list(CONTENTS.values())[1:] for name in pages]
_attempts = count(1)


@dataclass
class State:
    """A lesson as one person has it open: the step, where the controls stand, and whether it is presented to a class."""

    step: str
    values: dict[str, Any]
    presenting: bool = False
    problems: list[str] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    """The steps that have been on the screen."""


def show(lesson: Lesson) -> None:
    """The page of a lesson."""
    state = st.session_state
    if (address := new_address(lesson.id)) is not None or lesson.id not in state:
        before = state.get(lesson.id)
        state[lesson.id] = read(address or {}, lesson)
        if before:
            state[lesson.id].attempts = before.attempts
    _body(lesson.id)


def read(address: Mapping[str, str], lesson: Lesson) -> State:
    """What a link opens. A bad value gets a sentence and the default; without a step, the first one that has a control which
    the link names."""
    given = dict(address)
    step = given.pop("step", "")
    values, problems = read_knobs(given, lesson.knobs | {"present": PRESENT})
    state = State(opened(lesson, given), values, values.pop("present"), problems)
    if (step := lesson.anchors.get(step, step)) in [*(step.id for step in lesson.steps), ALL, TEACHERS]:
        state.step = step
    elif step:
        problems.append(_("There is no step “{name}” in this lesson; this is its first one.").format(name=step[:40]))
    return state


def opened(lesson: Lesson, controls: Mapping[str, Any]) -> str:
    """The step that a link without one opens: the first that has one of its controls, or else the very first."""
    with_control = (step.id for step in lesson.steps if set(step.controls) & set(controls))
    return next(with_control, lesson.steps[0].id)


def parameters(lesson: Lesson, state: State) -> dict[str, str]:
    """The state as the parameters of a link."""
    knobs = write_knobs(state.values, lesson.knobs)
    step = {} if state.step == opened(lesson, knobs) else {"step": state.step}
    return step | knobs | write_knobs({"present": state.presenting}, {"present": PRESENT})


@st.fragment
def _body(id: str) -> None:
    """The lesson from its title on: runs alone when something is moved in it."""
    note_fragment()
    lesson, state = find(id), st.session_state[id]
    with st.container(key="lesson"):
        with st.container(key="lesson_bar"):
            bar = st.columns([2, 10], vertical_alignment="center")
            bar[0].title(TITLES[id], anchor=False)
        for problem in state.problems:
            st.warning(plain(problem))
        noted = _show_here(lesson, state)
        with bar[1]:
            _stepper(lesson, state, noted)
        if state.presenting:  # beside the rest: within another container, the stepper would begin anew
            st.container(key="presenting").html(PRESENTING)
    write_address(id, parameters(lesson, state))


def _stepper(lesson: Lesson, state: State, noted: dict[str, str]) -> None:
    stops = [Stop(step.id, title_of(lesson, step), f"{lesson.id}.{step.id}", f"{lesson.id}.{step.id}") for step in lesson.steps]
    stops.append(Stop(TEACHERS, _("For teachers"), f"{lesson.id}.{TEACHERS}", teachers=True))

    def go(step: str) -> None:
        if step == ONWARD:
            state.step = lesson.steps[0].id
            st.session_state["onward"] = following(lesson.id)
        else:
            state.step = step

    def turn(what: str) -> None:
        if what == "present":
            state.presenting = not state.presenting
            state.step = lesson.steps[0].id if state.step == ALL else state.step
        elif what == "all":
            state.step = lesson.steps[0].id if state.step == ALL else ALL
        elif what == "show" and state.step in [step.id for step in lesson.steps]:
            attempt(f"{lesson.id}_{state.step}").show(_question(lesson, lesson.step(state.step), state))
    anchors = {step.id: step.id for step in lesson.steps} | lesson.anchors
    stepper(f"{lesson.id}_stepper", stops, state.step, anchors, noted, state.presenting, ONWARD, go, turn)
    if page := st.session_state.pop("onward", None):
        st.switch_page(f"../../pages/{page}.py", query_params={"present": "true"} if state.presenting else None)


def title_of(lesson: Lesson, step: Step) -> str:
    """A step's heading."""
    return sections(lesson.id)[step.id].partition("\n")[0].strip()


def following(id: str) -> str:
    """The lesson after this one; after the last one the textbook, which asks about all."""
    return (LESSONS + ["textbook"])[LESSONS.index(id) + 1]


# One step, all steps, or the page for teachers

def _show_here(lesson: Lesson, state: State) -> dict[str, str]:
    """What stands below the bar; gives what is to be kept in the browser of it."""
    if state.step == ALL:
        _show_all(lesson)
        return {}
    if state.step == TEACHERS:
        _show_teachers(lesson, state)
        return {"step": f"{lesson.id}.{TEACHERS}"}
    step = lesson.step(state.step)
    _show_step(lesson, step, state)
    name, result = f"{lesson.id}.{step.id}", attempt(f"{lesson.id}_{step.id}").result
    return {"step": name} | ({"question": name, "result": result} if result else {})


def _run(wanted: Measured, arguments: tuple[Any, ...]) -> Any:
    """A step's measurement, made beside the pages, while the step shows how far it is."""
    return measured(wanted.label, wanted.function, *arguments)


def _values(step: Step, state: State) -> dict[str, Any]:
    return state.values | {"attempt": state.attempts.get(step.id, 0)}


def _question(lesson: Lesson, step: Step, state: State) -> Question:
    return step.ask(_values(step, state), _run)


def _show_step(lesson: Lesson, step: Step, state: State) -> None:
    """Heading, prose and controls on the left, picture and question on the right, the rest below."""
    key = f"{lesson.id}_{step.id}"
    left, right = st.columns([9, 11], gap="medium")
    with left, st.container(key=f"step_words_{key}"):
        words = st.empty()
        with st.container(key=f"step_knobs_{key}"):
            show_knobs(lesson.knobs, step.controls, state.values, key, lambda: None)
            _settings(step, state, key)
    with right, st.container(key=f"step_picture_{key}"):
        slot = st.container(key=f"picture_{key}")
        asked = st.container(key=f"asked_{key}", border=True)
    if step.id not in state.opened:  # so that whoever waits for a measurement knows what for
        words.markdown(_words(lesson, step, None))
    state.opened.add(step.id)
    try:
        with slot:
            question = _question(lesson, step, state)
            content = step.show(_values(step, state), _run)
    except Impossible as problem:
        slot.error(plain(str(problem)))
        asked.caption(_("The question comes back with values that fit together."))
        words.markdown(_words(lesson, step, None))
        return
    words.markdown(_words(lesson, step, content.fields))
    made = attempt(key)
    with asked:
        ask(question, key, once=step.predict)
    hidden = step.predict and not made.open
    with slot:
        _picture(content, hidden, Place(lesson.id, f"{key}_chart", guess(question, key) if made.open else None,
                                        state.presenting, tight=True))
    if not hidden:
        _more(lesson, content, key, state)


def _words(lesson: Lesson, step: Step, fields: Mapping[str, object] | None) -> str:
    """Heading and prose of a step; without `fields`, as where nothing can be computed, the heading alone."""
    if fields is None:
        return f"## {title_of(lesson, step)}"
    heading, body = step_prose(lesson.id, step.id, **fields)
    return f"## {heading}\n\n{body}"


def _settings(step: Step, state: State, key: str) -> None:
    """Buttons that set several controls at once, and the one that measures again."""
    def set_values(values: Mapping[str, Any]) -> None:
        moved()
        state.values.update(values)

    def again() -> None:
        moved()
        state.attempts[step.id] = next(_attempts)
    if not (step.settings or step.again):
        return
    with st.container(horizontal=True, gap="xsmall"):
        for name, values in step.settings.items():
            st.button(name, key=f"{key}_set_{name}", on_click=set_values, args=(values,))
        if step.again:
            st.button(step.again, key=f"{key}_once_more", icon=":material/replay:", on_click=again,
                      help=_("Measures again with the same settings; what else runs on this machine may have changed."))


def _picture(content: Content, hidden: bool, place: Place) -> None:
    if not hidden:
        show_element(content.picture, place)
    elif content.before:
        show_element(content.before, place.within("before"))
    else:
        with st.container(key=f"hidden_{place.key}", border=True, vertical_alignment="center", horizontal_alignment="center"):
            st.markdown(f":material/visibility_off: {_('Predict first: the picture comes with your answer.')}",
                        text_alignment="center", width="content")


def _more(lesson: Lesson, content: Content, key: str, state: State) -> None:
    """What opens below; it is made when it is opened."""
    if not content.more:
        return
    with st.expander(_("More: numbers, background, code"), key=f"{key}_more", on_change=moved, icon=":material/unfold_more:") as box:
        if box.open:
            for index, element in enumerate(content.more):
                show_element(element, Place(lesson.id, f"{key}_more_{index}", large=state.presenting))


# The whole lesson on one page

def _show_all(lesson: Lesson) -> None:
    for step in lesson.steps:
        _document_step(lesson.id, step.id)
    st.subheader(_("For teachers"), anchor=TEACHERS)
    st.markdown(prose(lesson.id, TEACHERS))


@st.fragment
def _document_step(id: str, step_id: str) -> None:
    """A step as part of a document: nothing is hidden, everything is open. A control that other steps share moves them too."""
    lesson, state = find(id), st.session_state[id]
    step, key = lesson.step(step_id), f"{id}_{step_id}_all"
    note_fragment()
    shared = [name for name in step.controls if sum(name in other.controls for other in lesson.steps) > 1]
    before = {name: state.values[name] for name in shared}
    st.divider()
    with st.container(key=f"document_{key}"):
        words = st.empty()
        show_knobs(lesson.knobs, step.controls, state.values, key, partial(_agree, state, before))
        _settings(step, state, key)
        try:
            content = step.show(_values(step, state), _run)
            question = _question(lesson, step, state)
        except Impossible as problem:
            words.markdown(_words(lesson, step, None))
            st.error(plain(str(problem)))
        else:
            words.markdown(_words(lesson, step, content.fields))
            for index, element in enumerate((content.picture, *content.more)):
                show_element(element, Place(lesson.id, f"{key}_{index}"))
            st.markdown(f":primary-badge[{_('Question')}] {question.words}")
            with st.expander(_("Answer"), icon=":material/visibility:"):
                st.markdown(f"**{question.solution}.** {question.because}")
    write_address(id, parameters(lesson, state))
    if st.session_state.pop("shared_moved", False):
        st.rerun(scope="app")


def _agree(state: State, before: Mapping[str, Any]) -> None:
    """After a control was moved: where other steps show it as well, the whole page runs."""
    if any(state.values[name] != value for name, value in before.items()):
        st.session_state["shared_moved"] = True


# For teachers

def _show_teachers(lesson: Lesson, state: State) -> None:
    st.markdown(f"## {_('For teachers')}")
    st.markdown(prose(lesson.id, TEACHERS))
    st.markdown(_("**Time in class:** about {minutes} minutes.").format(minutes=lesson.minutes))
    st.markdown(_("**To show**"))
    for link in lesson.links:
        values = {name: lesson.knobs[name].write(value) for name, value in link.values.items()}
        st.page_link(f"../../pages/{lesson.id}.py", label=link.words, icon=":material/co_present:",
                     query_params={"step": link.step} | values | {"present": "true"})
    with st.expander(_("The answers"), icon=":material/key:", key=f"{lesson.id}_answers", on_change=moved) as box:
        if box.open:
            for number, step in enumerate(lesson.steps, 1):
                question = step.ask(lesson.defaults | {"attempt": 0}, _run)
                st.markdown(f"{number}. {question.words}  \n**{question.solution}.** {question.because}")

