"""The controls of the page Train: its networks, and how they are trained."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.analysis import Analysis
from lib.architecture import Impossible, options
from lib.lab.lab import lab
from lib.limits import limits
from lib.training.recipe import DIGITS, FAIR as RATES, Recipe
from lib.training.records import MOST_SEEDS
from lib.ui import _
from lib.ui.address import moved
from lib.ui.comparison import SLOTS, change, knobs_box
from lib.ui.controls import on_choice, show_value
from lib.ui.lab.asked import device, devices
from lib.ui.network import pick, pick_network, show_refusal
from lib.ui.train.state import FAIR, FEWEST, SUITS, Asked, Learner, analysis_of, rate, recipe_value, whole

OFFERED: dict[str, tuple] = {"epochs": (6, 12, 24, 48), "batch": (30, 60, 120, 240), "momentum": (0.0, 0.5, 0.9, 0.95),
                             "weight_decay": (0.0, 1e-4, 5e-4, 1e-3), "warm_up": (0, 1, 2, 5)}
"""Numbers to pick; any other can be typed."""
NEXT = ("resnet20_cifar", "resnet110_cifar", "plain110_cifar", "lenet5", "resnet56_cifar")
"""Networks that are added."""


def choose_networks(asked: Asked) -> None:
    """A card for each network, and a way to add one."""
    for letter, choice in zip(SLOTS, list(asked.choices)):
        with st.container(border=True, gap="xsmall"):
            _card(asked, letter, choice)
    taken = {choice.preset for choice in asked.choices}
    following = next(preset for preset in (*NEXT, "resnet32_cifar") if preset not in taken)
    st.button(_("Add a network"), key="train_add", icon=":material/add:", on_click=change, width="stretch",
              disabled=len(asked.choices) >= limits().race_networks, args=(asked.choices.append, Learner(following)))


def _card(asked: Asked, letter: str, choice: Learner) -> None:
    slot = f"train_{letter}"
    pick_network(_("Network {slot}").format(slot=letter), f"{slot}_preset", choice)
    analysis, refused = _analysed(asked, slot, choice)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if analysis:
            knobs_box(choice, analysis, slot, without=("num_classes",))
        if len(asked.choices) > FEWEST:
            st.button(_("Remove"), key=f"{slot}_remove", type="tertiary", on_click=change, args=(asked.choices.remove, choice))
    if refused:
        show_refusal(choice, refused, f"{slot}_")


def _analysed(asked: Asked, slot: str, choice: Learner) -> tuple[Analysis | None, Impossible | None]:
    """The network as it takes the pictures; of a combination that builds none, the last one that did, and why not."""
    key = f"{slot}_last_good"
    try:
        analysis = analysis_of(choice, asked.settings.data)
        st.session_state[key] = analysis
        return analysis, None
    except Impossible as error:
        last = st.session_state.get(key)
        return last if last and last.preset == choice.preset else None, error


def choose_recipe(asked: Asked) -> None:
    """How all of them are trained."""
    left, right = st.columns(2)
    with left:
        _number(asked, "epochs")
        _seeds(asked)
    with right:
        _rate(asked)
        _first_seed(asked)
    _fair(asked)
    with st.expander(_("More settings"), icon=":material/tune:", key="train_more", on_change=moved):
        if limits().pictures:
            _choice(asked, "data", (DIGITS, *limits().pictures))
        for name in ("momentum", "weight_decay", "batch", "warm_up"):
            _number(asked, name)
        for name in ("schedule", "augmentation", "start"):
            _choice(asked, name, options(Recipe, name))
        _device(asked)


def _number(asked: Asked, name: str) -> None:
    """A number to pick or to type."""
    declared = Recipe.model_fields[name]
    value = getattr(asked.settings, name)
    offered = dict.fromkeys(f"{each:g}" for each in (*OFFERED[name], value))
    pick(_(declared.title), {each: each for each in offered}, f"train_{name}", f"{value:g}",
         lambda text: asked.recipe.update({name: recipe_value(name, text)}), _(declared.description) + " " + TYPED)


TYPED = _("Pick one, or type another and press Enter.")


def _rate(asked: Asked) -> None:
    names = {SUITS: _("suits each"), FAIR: _("best of {count}").format(count=len(RATES))}
    offered = dict.fromkeys((*names, *(f"{each:g}" for each in RATES), asked.rate))

    def start(text: str) -> None:
        asked.rate = rate(text)
    pick(_("Learning rate"), {each: names.get(each, each) for each in offered}, "train_rate", asked.rate, start,
         _("What suits each network, the best of a few for each, or one number for all.") + " " + TYPED)


def _fair(asked: Asked) -> None:
    show_value("train_fair", asked.rate == FAIR)
    st.toggle(_("Fair race"), key="train_fair",
              on_change=on_choice("train_fair", lambda on: setattr(asked, "rate", FAIR if on else SUITS)),
              help=_("Is it depth, or only a badly chosen rate? Each network is trained at {rates}; the one with the lowest "
                     "training loss counts.").format(rates=", ".join(f"{each:g}" for each in RATES)))


def _seeds(asked: Asked) -> None:
    show_value("train_seeds", asked.seeds)
    st.selectbox(_("Seeds"), range(1, limits().race_seeds + 1), key="train_seeds",
                 on_change=on_choice("train_seeds", lambda value: setattr(asked, "seeds", value)),
                 help=_("How often each network is trained, each time with other initial weights and another order of the "
                        "pictures. Several seeds give a band."))


def _first_seed(asked: Asked) -> None:
    def start(text: str) -> None:
        asked.seed = whole("seed", text, 0, MOST_SEEDS - 100)
    offered = dict.fromkeys(map(str, (0, 1, 2, 3, asked.seed)))
    pick(_("First seed"), {each: each for each in offered}, "train_seed", str(asked.seed), start,
         _("Weights, order and chance follow from it: the same seed gives the same curve.") + " " + TYPED)


def _choice(asked: Asked, name: str, values: tuple[Any, ...]) -> None:
    declared, key = Recipe.model_fields[name], f"train_{name}"
    show_value(key, getattr(asked.settings, name))
    st.selectbox(_(declared.title), values, key=key, help=_(declared.description),
                 on_change=on_choice(key, lambda value: asked.recipe.update({name: value})))


def _device(asked: Asked) -> None:
    """Where it runs, if there is a choice."""
    if len(lab().lines) > 1:
        show_value("train_device", chosen_device(asked))
        st.selectbox(_("Device"), list(lab().lines), key="train_device", help=_("Where the networks are trained."),
                     format_func=lambda key: f"{device(key).id}: {device(key).name}",
                     on_change=on_choice("train_device", lambda value: setattr(asked, "device", value)))


def chosen_device(asked: Asked) -> str:
    """The key of the device: the one that was chosen, a GPU where there is one, or else the first."""
    keys = list(lab().lines)
    if asked.device:
        return device(asked.device).key
    graphics = (each.key for each in devices() if each.id != "cpu")
    return next(graphics, keys[0])
