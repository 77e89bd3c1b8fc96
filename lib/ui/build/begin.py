"""Where a plan begins: in a link, empty, as a small example, or as a network of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from lib import catalog
from lib.architecture import Impossible
from lib.plan.catalogue import plan_of
from lib.plan.challenges import read_challenge, written
from lib.plan.language import lines
from lib.plan.linked import packed
from lib.plan.own import FIRST
from lib.text import prose
from lib.ui import _
from lib.ui.address import moved
from lib.ui.build.draft import Draft
from lib.ui.network import ANY_NAME, Choice, pick, read_choice

EMPTY = "image 3 32x32"


def read(address: Mapping[str, str], before: Draft | None) -> tuple[Draft, list[str]]:
    """The plan of a link, and a sentence for each part of it that cannot be used. What was built before can be undone to.

    `preset`, with knobs as everywhere, begins with a network of the catalogue.
    """
    draft, given = before or Draft(), dict(address)
    row, task, problems = given.pop("row", ""), given.pop("challenge", ""), []
    draft.challenge = None
    if task:
        try:
            draft.challenge = read_challenge(task)
        except Impossible as error:
            problems.append(_("{why} The challenge was left out.").format(why=error))
    first = draft.challenge.start if draft.challenge else FIRST
    if "preset" in given:
        choice, wrong = read_choice(given)
        problems += wrong
        start, given = partial(from_catalogue, draft, choice), {}
    else:
        start = partial(draft.take, given.pop("plan", first))
    try:
        start()
    except Impossible as error:
        problems.append(str(error))
    if before is None:
        draft.past = []
    draft.choose(int(row) - 1 if row.isdecimal() and len(row) < 6 else len(lines(draft.plan)) - 1)
    unknown = _("There is no “{name}” on this page; a link has plan, row and challenge, or preset and its knobs.")
    return draft, problems + [unknown.format(name=name[:40]) for name in given]


def parameters(draft: Draft) -> dict[str, str]:
    """The page as the parameters of a link."""
    first = draft.challenge.start if draft.challenge else Draft().text
    link = {} if draft.text == first else {"plan": packed(draft.text)}
    if draft.challenge:
        link["challenge"] = written(draft.challenge)
    last = len(lines(draft.plan)) - 1
    return link | ({"row": str(draft.line + 1)} if draft.line != last else {})


def from_catalogue(draft: Draft, choice: Choice) -> None:
    """Begin with a network of the catalogue. Raises `Impossible` for one that is no plan."""
    draft.put(plan_of(choice.preset, catalog.configure(choice.preset, choice.changed)), ())


def choose(draft: Draft) -> None:
    """A box to begin again in."""
    with st.popover(_("Begin with"), icon=":material/restart_alt:", key="build_begin", on_change=moved):
        st.markdown(prose("build", "Begin"))
        for key, label, text in (("empty", _("An empty plan"), EMPTY), ("small", _("A small example"), FIRST)):
            st.button(label, key=f"build_{key}", width="stretch", on_click=_begun, args=(draft, text))
        names = {preset: preset for preset in catalog.published()}
        pick(_("A network of the catalogue"), names, "build_preset", None,
             lambda name: from_catalogue(draft, Choice(catalog.find(name))), help=ANY_NAME)


def _begun(draft: Draft, text: str) -> None:
    moved()
    draft.take(text)
    draft.choose(len(lines(draft.plan)) - 1)
