"""Choosing a network: the link, the controls, and the analysis of what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lib import catalog
from lib.analysis import Analysis, analyze_knobs
from lib.analysis.fitting import input_sizes, smallest_image
from lib.architecture import HEADINGS, Impossible, NetworkKnobs
from lib.once import once
from lib.plan.linked import packed
from lib.ui import _
from lib.ui.address import moved, plain
from lib.ui.controls import control, folded_under, followers, is_decided, on_choice, show_value

DEFAULT = "resnet50"
TOTALS = {"params": _("Parameters"), "macs": _("MACs"), "activation_bytes": _("Activation bytes"),
          "weight_layers": _("Weight layers"), "receptive_field": _("Receptive field, px")}


HIDDEN = "?"
"""What stands in the place of a total that a link asks for, until it is predicted (lib/ui/asking.py)."""


@once
def analysis_of(preset: str, knobs: NetworkKnobs) -> Analysis:
    """The analysis of a configured network, for all sessions. Raises `Impossible` where it does not take its image."""
    return analyze_knobs(preset, catalog.get(preset), knobs)


@dataclass
class Choice:
    """What a person has chosen: a preset, and the knobs that were moved away from it."""

    preset: str = DEFAULT
    changed: dict[str, Any] = field(default_factory=dict)

    def start(self, preset: str) -> None:
        """Begin again with a preset."""
        self.preset, self.changed = preset, {}

    def turn(self, name: str, value: Any) -> None:
        """Move a knob; those that follow it go back to their table."""
        followed = followers(catalog.get(self.preset).knobs, name)
        others = {key: old for key, old in self.changed.items() if key not in followed and key != name}
        self.changed = others | {name: value}
        try:
            if getattr(catalog.configure(self.preset, others), name) == value:
                self.changed = others
        except Impossible:
            pass  # the others alone build nothing: keep the value, and let the page say what is wrong

    def parameters(self) -> dict[str, str]:
        """The choice as the parameters of a link."""
        return {"preset": self.preset} | {name: _written(value) for name, value in self.changed.items()}


def _written(value: Any) -> str:
    """A knob's value as links and command lines write it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else packed(str(value))


def read_choice(parameters: dict[str, str], usual: str = DEFAULT) -> tuple[Choice, list[str]]:
    """The choice in a link, or the `usual` one, and one sentence for each part of it that could not be used."""
    choice, problems = Choice(), []
    try:
        choice.preset = catalog.find(parameters.get("preset", usual))
        knobs = catalog.get(choice.preset).knobs
    except Impossible as error:
        return Choice(usual), [f"{error} This is {usual} instead."]
    for name in (name for name in parameters if name != "preset"):
        try:
            choice.changed[name] = knobs.read_one(name, parameters[name])
        except Impossible as error:
            problems.append(f"{error} The link's value was left out.")
    return choice, problems


def choose(choice: Choice, hidden: Collection[str] = ()) -> tuple[Analysis, Analysis, Impossible | None]:
    """Show the controls; return the analysis of the chosen network, that of its preset, and why not, if refused.

    Of a combination that builds no network the analysis is that of the last one that did. Totals that are `hidden` are not
    told.
    """
    _choose_preset(choice, with_note=not {"weight_layers", "params"} & set(hidden))
    analysis, base, problem = analyzed(choice)
    turn_knobs(choice, analysis, hidden=hidden)
    return analysis, base, problem


def analyzed(choice: Choice, slot: str = "") -> tuple[Analysis, Analysis, Impossible | None]:
    """As `choose`, without controls. `slot` tells the networks of a page apart that shows several."""
    base = analysis_of(choice.preset, catalog.configure(choice.preset, {}))
    try:
        analysis, problem = analysis_of(choice.preset, catalog.configure(choice.preset, choice.changed)), None
    except Impossible as error:
        last = st.session_state.get(f"{slot}last_good", base)
        analysis, problem = last if last.architecture is base.architecture else base, error
    st.session_state[f"{slot}last_good"] = analysis
    return analysis, base, problem


def turn_knobs(choice: Choice, analysis: Analysis, slot: str = "", hidden: Collection[str] = (),
               without: Collection[str] = ()) -> None:
    """The controls of all knobs but those that the page is to be `without`, below what the network costs, and the way back to the preset.

    Each network has controls of its own. What the browser still says of those of the network before, which may have a knob
    of the same name, counts for nothing.
    """
    drawn = choice.preset

    def turn(name: str, value: Any) -> None:
        if choice.preset == drawn:
            choice.turn(name, value)
    with st.container(key=f"{slot}knob_totals"):  # stays in sight while a knob moves: the shell's style
        told = {label: HIDDEN if name in hidden else total_text(getattr(analysis, name)) for name, label in TOTALS.items()}
        st.markdown(" · ".join(f"{label} **{total}**".replace(" ", "\u00a0") for label, total in told.items()))
    knobs = type(analysis.knobs)
    values = analysis.knobs.model_dump() | choice.changed
    opened = st.session_state.setdefault("unfolded", set())
    for heading, names in headings(knobs, without).items():
        key = f"{own_controls(choice, slot)}{heading}"
        if any(name in choice.changed for name in names):
            opened.add(key)  # and it stays open while a person turns such a knob back
        with st.expander(_(heading), key in opened, key=key) if heading else nullcontext():
            for name in names:
                control(knobs, name, values[name], turn, is_decided(knobs, name, values), own_controls(choice, slot))
            if not heading:
                _say_sizes(analysis)
    st.button(_("Back to the preset"), key=f"{slot}reset", on_click=lambda: (moved(), choice.start(choice.preset)),
              disabled=not choice.changed, width="stretch")


def headings(knobs: type[NetworkKnobs], without: Collection[str] = ()) -> dict[str, list[str]]:
    """The names of the knobs by the heading under which they are folded away, those that stand open first, under none; of
    these the image's size comes last."""
    names = sorted((name for name in knobs.model_fields if name not in without), key="input_size".__eq__)
    found = {heading: [name for name in names if folded_under(knobs, name) == heading] for heading in ("", *HEADINGS)}
    return {heading: names for heading, names in found.items() if names}


def _say_sizes(analysis: Analysis) -> None:
    """Which images the network takes, and why no smaller ones."""
    sizes, smallest = (find(analysis.architecture, analysis.knobs) for find in (input_sizes, smallest_image))
    if not smallest:
        return
    said = _("It takes squares of {low} to {high} px.")
    if not isinstance(sizes, range):
        said = _("It takes squares of {count} sizes from {low} to {high} px, the first of them {first}.")
    elif sizes.step > 1:
        said = _("It takes squares of {low} to {high} px in steps of {step}.")
    fields = {"low": sizes[0], "high": f"{sizes[-1]:,}", "step": getattr(sizes, "step", 1), "count": f"{len(sizes):,}",
              "first": ", ".join(map(str, sizes[:3]))}
    st.caption(said.format(**fields),
               help=plain(smallest.why or _("One pixel is enough: every window is padded, and the head takes any map.")))


def own_controls(choice: Choice, slot: str = "") -> str:
    """What the keys of this network's controls begin with."""
    return f"{slot}{choice.preset}-"


def total_text(count: int | None) -> str:
    """A total as it is shown."""
    return _("unknown") if count is None else f"{count:,}"


def _choose_preset(choice: Choice, with_note: bool) -> None:
    """Pick a family, and in it a preset. Some notes tell layers or parameters."""
    families, family = catalog.families(), catalog.get(choice.preset)
    pick(_("Family"), {id: _called(each.name, each.also) for id, each in families.items()}, "family", family.id,
         lambda name: choice.start(next(iter(families[name].presets)) if name in families else catalog.find(name)),
         help=_("A paper and its networks.") + " " + ANY_NAME)
    pick(_("Preset"), {preset: _called(preset, entry.also) for preset, entry in family.presets.items()}, "preset",
         choice.preset, lambda name: choice.start(catalog.find(name)),
         help=_("A named network to start from.") + " " + ANY_NAME)
    if with_note:
        st.caption(family.presets[choice.preset].note)


def pick_network(label: str, key: str, choice: Choice) -> None:
    """Pick one of all networks."""
    names = {preset: _called(preset, (family.name, *family.presets[preset].also))
             for preset, family in catalog.presets().items()}
    pick(label, names, key, choice.preset, lambda name: choice.start(catalog.find(name)), help=ANY_NAME)


def _called(preset: str, others: tuple[str, ...]) -> str:
    return f"{preset} ({', '.join(others)})" if others else preset


ANY_NAME = _("Pick from the list, or type any usual name, such as VGG-16, and press Enter.")


def pick(label: str, names: Mapping[str, str], key: str, value: str | None, start: Callable[[str], None], help: str) -> None:
    """A list to pick from by what it calls things, or to type a name into; empty while `value` is None. `start` is called
    with the id or the name; where that raises `Impossible`, all stays as it is and the reason is shown."""
    def begin(name: str) -> None:
        try:
            start(name)
        except Impossible as error:
            st.session_state[f"{key}_refused"] = str(error)

    show_value(key, value)
    st.selectbox(label, list(names), index=None if value is None else 0, key=key, format_func=lambda id: names.get(id, id), help=help,
                 on_change=on_choice(key, begin), filter_mode="contains", accept_new_options=True)
    if refused := st.session_state.pop(f"{key}_refused", None):
        st.warning(plain(refused))


def show_refusal(choice: Choice, problem: Impossible, slot: str = "") -> None:
    """Say why a combination builds no network, and offer the nearest values that do."""
    st.error(f"{plain(str(problem))}  \n{_('Below is the last network that worked.')}")
    fixes = [(name, value) for name, values in problem.fixes.items() for value in values]
    with st.container(horizontal=True):
        for name, value in fixes:
            st.button(f"{name} = {value}", key=f"{slot}fix_{name}_{value}", args=(name, value),
                      on_click=lambda name, value: (moved(), choice.turn(name, value)))
