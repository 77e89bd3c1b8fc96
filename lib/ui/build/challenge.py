"""Challenges on the page Build: one is chosen, judged line by line while a person builds, and can be written into a link."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from lib import catalog
from lib.architecture import Impossible
from lib.plan.challenges import OWN, Challenge, challenges, is_solved, judge, written
from lib.plan.goals import FREE, NAMES, START, Amount, Goal, Verdict
from lib.plan.language import WORDS, write_on_one_line
from lib.plan.linked import packed
from lib.text import literal, prose
from lib.ui import _, progress
from lib.ui.address import moved, plain
from lib.ui.build.draft import Draft
from lib.ui.build.editor import attempt
from lib.ui.contents import path
from lib.ui.controls import control, kept, on_choice, say_refused, show_value
from lib.ui.provenance import mark

LEVELS = {1: _("easy"), 2: _("some thought"), 3: _("hard")}
SIGNS = {True: ":green[:material/check_circle:]", False: ":red[:material/cancel:]", None: ":gray[:material/pending:]"}
"""Passed, failed, not yet: by shape and colour."""
READ = {True: _("passed"), False: _("not passed"), None: _("not yet")}


def show(draft: Draft) -> None:
    """The challenge that is open, or all of them to choose from."""
    _choose(draft)
    if (open_one := draft.challenge) is None:
        st.markdown(prose("build", "Challenges"))
    else:
        stranger = open_one.id == OWN
        st.markdown(_words(open_one.text, stranger))
        verdicts = judge(open_one, draft.plan)
        with st.container(key="build_verdicts"):
            st.markdown("\n\n".join(map(_said, verdicts)))
        mark("computed", draft.standing.why)
        if is_solved(verdicts):
            st.success(prose("build", "Solved"))
        if open_one.hint:
            with st.expander(_("A hint")):
                st.markdown(_words(open_one.hint, stranger))
        if not stranger:
            _note(draft, is_solved(verdicts))
        _buttons(draft, open_one)
    with st.expander(_("Write a challenge"), key="build_write", on_change="rerun") as box:
        if box.open:
            _write(draft)


def _choose(draft: Draft) -> None:
    ours = {each.id: each for each in challenges()}
    named = {"": _("None"), **{id: f"{each.title} ({LEVELS[each.level]})" for id, each in ours.items()}}
    now = draft.challenge.id if draft.challenge else ""
    if now == OWN:
        named[OWN] = draft.challenge.title

    def chosen(id: str) -> None:
        if id != OWN:
            attempt(draft.open, ours.get(id))
    show_value("build_challenge", now)
    st.selectbox(_("Challenge"), list(named), key="build_challenge", format_func=lambda id: named.get(id, id),
                 on_change=on_choice("build_challenge", chosen), filter_mode="contains",
                 help=_("It brings the plan to begin with; Undo leads back to yours."))


def _words(text: str, stranger: bool) -> str:
    """The words of a challenge for a place that reads Markdown. Those of a stranger are only text."""
    return plain(text) if stranger else literal(text)


def _said(verdict: Verdict) -> str:
    """What is wanted, and beneath it what the network has."""
    has = "; ".join(filter(None, (READ[verdict.passed], verdict.own, verdict.off)))
    return f"{SIGNS[verdict.passed]} **{verdict.goal.title}** {literal(verdict.wanted)}  \n:small[{literal(has)}]"


def _note(draft: Draft, solved: bool) -> None:
    """Keep in the browser that it was solved, or that the solution was looked at."""
    id = draft.challenge.id
    seen = id in st.session_state.setdefault("build_shown", set())
    results = [{"question": f"build.{id}", "result": "shown" if seen else "first"}] if seen or solved else []
    progress.note("build", *results)


def _buttons(draft: Draft, task: Challenge) -> None:
    with st.container(horizontal=True):
        st.button(_("Begin again"), key="build_again", icon=":material/restart_alt:", on_click=attempt,
                  args=(draft.take, task.start))
        if task.solution:
            st.button(_("Show a solution"), key="build_solution", icon=":material/visibility:", on_click=_solution,
                      args=(draft, task))
    with st.expander(_("Links")):
        st.markdown(prose("build", "Links"))
        _link(_("The task"), {"challenge": written(task)})
        _link(_("The task with this plan"), {"plan": packed(draft.text), "challenge": written(task)})


def _solution(draft: Draft, task: Challenge) -> None:
    st.session_state.setdefault("build_shown", set()).add(task.id)
    attempt(draft.take, task.solution)


def _link(label: str, link: dict[str, str]) -> None:
    st.caption(label)
    st.code(f"/{path('build')}?{urlencode(link)}", language=None, wrap_lines=True)


# A challenge of one's own

TEXTS = ("title", "text", "hint")


def _write(draft: Draft) -> None:
    """A form whose outcome is a link. What was typed stays, whatever is looked at in between."""
    empty = {"title": _("My challenge"), "text": "", "hint": "", "level": 1, "goals": []}
    form = st.session_state.setdefault("build_form", empty)
    st.markdown(prose("build", "Write"))
    for name in TEXTS:
        declared = Challenge.model_fields[name]
        _field(form, name, _(declared.title), _(declared.description))
    control(Challenge, "level", form["level"], lambda name, value: form.update({name: value}), False, "build_own_")
    for index, goal in enumerate(form["goals"]):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.markdown(literal(f"{goal.title}: {goal.wanted(draft.text)}"))
        right.button(_("Remove"), key=f"build_goal_{index}", type="tertiary", on_click=_drop, args=(form, index))
    _add_goal(form)
    if not form["goals"]:
        return
    try:
        task = Challenge.read({**form, "goals": tuple(form["goals"]), "start": _start(draft)})
    except Impossible as error:
        st.error(plain(str(error)))
        return
    _link(_("The link of your challenge"), {"challenge": written(task)})
    st.button(_("Try it here"), key="build_try", on_click=attempt, args=(draft.open, task))


def _start(draft: Draft) -> str:
    """The plan that a challenge begins with: the page's own, or its picture alone."""
    whole = st.toggle(_("Begins with the plan on this page"), help=_("Off: with the picture alone."),
                      **kept("build_starts", False))
    return draft.text if whole else write_on_one_line(draft.plan).partition(";")[0]


def _field(form: dict, name: str, label: str, help: str) -> None:
    show_value(f"build_own_{name}", form[name])
    st.text_input(label, key=f"build_own_{name}", help=help, max_chars=400 if name != "title" else 80,
                  on_change=on_choice(f"build_own_{name}", lambda text: form.update({name: text})))


def _drop(form: dict, index: int) -> None:
    moved()
    del form["goals"][index]


def _add_goal(form: dict) -> None:
    """The goal that comes next: what it is about, and its values."""
    about = st.selectbox(_("A goal about"), list(NAMES), format_func=_about, **kept("build_about", "params", NAMES))
    kind = NAMES[about]
    values = st.session_state.setdefault("build_values", {}).setdefault(about, dict(kind.read({"quantity": about})))
    asked = _asked(kind, values)
    for name in asked:
        _value(kind, name, values, f"build_goal_{about}_")

    def add() -> None:
        moved()
        try:
            goal = kind.read({"quantity": about} | {name: values[name] for name in _asked(kind, values)})
        except Impossible as error:
            st.session_state["refused"] = {"build_goal": str(error)}
        else:
            form["goals"] = list(dict.fromkeys([*form["goals"], goal]))
    say_refused("build_goal")
    st.button(_("Add this goal"), key="build_goal_add", on_click=add)


def _asked(kind: type[Goal], values: dict) -> list[str]:
    """The values that a goal needs: a number of its own, or a network and how many percent of it."""
    names = [name for name in kind.model_fields if name != "quantity"]
    if kind is not Amount:
        return names
    spare = {"value"} if values["network"] else {"percent"}
    return [name for name in names if name not in spare and (name != "tolerance" or values["comparison"] == "exactly")]


def _value(kind: type[Goal], name: str, values: dict, prefix: str) -> None:
    """The control of one value."""
    declared, key = kind.model_fields[name], prefix + name
    more = {"key": key, "help": _(declared.description),
            "on_change": on_choice(key, lambda value: values.update({name: value}))}
    if name == "network":
        show_value(key, values[name])
        names = {"": _("None"), START: _("The plan to begin with")}
        st.selectbox(_(declared.title), ["", START, *catalog.published()], format_func=lambda id: names.get(id, id),
                     filter_mode="contains", **more)
    elif name == "words":
        show_value(key, list(values[name]))
        st.multiselect(_(declared.title), [word for word in WORDS if word not in FREE], **more)
    else:
        control(kind, name, values[name], lambda name, value: values.update({name: value}), False, prefix)


def _about(name: str) -> str:
    if NAMES[name] is Amount:
        return Amount.read({"quantity": name}).title
    return {"output": _("Output shape"), "image": _("Picture"), "only": _("Only these words"),
            "with": _("These words, at least"), "without": _("None of these words")}[name]
