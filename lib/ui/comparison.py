"""Several networks on a page: in slots a to d, read from a link, shown as cards, written to the link."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import streamlit as st

from lib.analysis import Analysis
from lib.analysis.comparison import Total
from lib.ui import _
from lib.ui.address import moved
from lib.ui.controls import forget_shown
from lib.ui.network import DEFAULT, Choice, analyzed, own_controls, pick_network, read_choice, show_refusal, turn_knobs

SLOTS = ("a", "b", "c", "d", "e")
MOST = 4
"""Networks that stand beside each other, unless a page has room for more."""
PARTNER = "resnext50_32x4d"
FEWEST = 2


def read(address: Mapping[str, str], fewest: int = FEWEST, most: int = MOST,
         usual: Sequence[str] = (DEFAULT, PARTNER, "resnet18")) -> tuple[list[Choice], list[str]]:
    """The networks in a link (`a=resnet50&b=vgg16&b.width=32`), filled up to `fewest` with the `usual` ones, and a sentence for
    each part that could not be used."""
    given: dict[str, dict[str, str]] = {}
    problems, slots = [], SLOTS[:most]
    for name, text in address.items():
        slot, _dot, knob = name.partition(".")
        if slot in slots:
            given.setdefault(slot, {})[knob or "preset"] = text
        else:
            problems.append(f"There is no “{name[:40]}” on this page; networks are {', '.join(slots[:-1])} "
                            f"and {slots[-1]}, and their knobs b.width and so on.")
    choices = []
    for slot in slots:
        if slot in given and "preset" not in given[slot]:
            problems.append(f"{slot} has knobs but no network, so they were left out.")
        elif slot in given:
            choice, wrong = read_choice(given[slot], usual[0])
            choices.append(choice)
            problems += [f"{slot}: {problem}" for problem in wrong]
    for preset in usual:
        if len(choices) < fewest and preset not in [choice.preset for choice in choices]:
            choices.append(Choice(preset))
    return choices, problems


def parameters(choices: list[Choice]) -> dict[str, str]:
    """The networks as the parameters of a link."""
    return {f"{slot}.{name}" if name != "preset" else slot: text
            for slot, choice in zip(SLOTS, choices) for name, text in choice.parameters().items()}


def cards(choices: list[Choice], prefix: str = "", fewest: int = FEWEST, hidden: Collection[str] = (),
          asked: Mapping[str, str] = {}) -> list[Analysis]:
    """A card for each network: which it is, its knobs, the ways on; gives their analyses. `prefix` tells pages apart.
    Totals that are `hidden` are not told, and the way to Explore asks what is `asked` here."""
    analyses = []
    for column, letter, choice in zip(st.columns(max(FEWEST, len(choices))), SLOTS, choices):
        with column.container(border=True):
            slot = f"{prefix}{letter}"
            pick_network(_("Network {slot}").format(slot=letter), f"{slot}_preset", choice)
            analysis, _base, refused = analyzed(choice, f"{slot}_")
            analyses.append(analysis)
            with st.container(horizontal=True, vertical_alignment="center"):
                knobs_box(choice, analysis, slot, hidden)
                st.page_link("../../pages/explore.py", label=_("Explore"),
                             query_params=choice.parameters() | asked)
                if len(choices) > fewest:
                    st.button(_("Remove"), key=f"{slot}_remove", type="tertiary", on_click=change,
                              args=(choices.remove, choice))
            if refused:
                show_refusal(choice, refused, f"{slot}_")
    return analyses


def knobs_box(choice: Choice, analysis: Analysis, slot: str, hidden: Collection[str] = (), without: Collection[str] = ()) -> None:
    """A box that opens the knobs of a network, but for those that it is to be `without`."""
    with st.popover(_("Knobs"), icon=":material/tune:", key=f"{slot}_knobs", on_change=moved) as box:
        if not (box.open and st.session_state.get(f"{slot}_opened")):  # closed, or opened just now
            forget_shown(own_controls(choice, f"{slot}_"))
        st.session_state[f"{slot}_opened"] = box.open
        turn_knobs(choice, analysis, f"{slot}_", hidden, without)


def change(action: Callable, *arguments) -> None:
    """For controls that change the list of networks: a person did it."""
    moved()
    action(*arguments)


def beside(choice: Choice) -> list[Choice]:
    """What to compare a network with: its preset where it was changed, or else the page's usual partners."""
    first = Choice(choice.preset) if choice.changed else Choice(DEFAULT if choice.preset != DEFAULT else PARTNER)
    return [first, choice]


def names(choices: list[Choice]) -> list[str]:
    """What to call each network: its preset, with its slot's letter where others would have the same name."""
    presets = [choice.preset for choice in choices]
    return [f"{slot}: {choice.preset}{' (changed)' if choice.changed else ''}"
            if presets.count(choice.preset) > 1 else choice.preset + (" (changed)" if choice.changed else "")
            for slot, choice in zip(SLOTS, choices)]


def total_row(label: str, cells: Sequence[Total]) -> list[str]:
    """A row of the totals: each number, from the second on with its difference from the first."""
    row = [label]
    for cell in cells:
        text = _("unknown") if cell.value is None else f"{cell.value:,}"
        beside = f"  ({cell.difference:+,}, {cell.change})" if cell.difference else f"  ({cell.change})"
        row.append(text if cell is cells[0] or cell.change is None else text + beside)
    return row
