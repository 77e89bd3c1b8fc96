"""What a person has chosen on the page Train, read from a link and written to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import catalog
from lib.analysis import Analysis
from lib.architecture import Impossible
from lib.lab.jobs import pictures_of
from lib.limits import limits
from lib.lab.races import refuse_beyond_limits
from lib.records import Network
from lib.training.fair import at_rates
from lib.training.pictures import version
from lib.training.race import fitting, suiting
from lib.training.recipe import Recipe
from lib.training.records import MOST_SEEDS, Entrant
from lib.ui import _, comparison
from lib.ui.lab.asked import device
from lib.ui.network import Choice

FEWEST = 1
USUAL = ("plain20_cifar", "plain56_cifar", "resnet56_cifar")
"""Where no link says what to train."""
SUITS, FAIR = "suits", "fair"
"""Rates: what suits each network; the best of a few for each."""
QUANTITIES = {"train_error": _("Training error, %"), "test_error": _("Test error, %"), "train_loss": _("Training loss"),
              "gradient_norm": _("Gradient norm at the first block"), "seconds": _("Seconds per epoch")}
SHORT = {"train_error": _("Training error"), "test_error": _("Test error"), "train_loss": _("Loss"),
         "gradient_norm": _("Gradient norm"), "seconds": _("Seconds")}
"""The same in few words."""
FIELDS = tuple(name for name in Recipe.model_fields if name != "learning_rate")


class Learner(Choice):
    """A network on this page. The size of its pictures is that of the data, unless a person has chosen another."""

    @property
    def network(self) -> Network:
        """What is trained, its knobs in the order in which they are declared."""
        declared = catalog.get(self.preset).knobs.model_fields
        return Network(preset=self.preset, changed={name: self.changed[name] for name in declared
                                                    if name in self.changed and name != "num_classes"})

    def turn(self, name: str, value: Any) -> None:
        if name == "input_size":
            self.changed = self.changed | {name: value}
        else:
            super().turn(name, value)


@dataclass
class Asked:
    """The networks and how they are trained. `recipe` holds what was chosen away from the defaults; `rate` is `SUITS`, `FAIR`
    or a number."""

    choices: list[Learner]
    recipe: dict[str, Any] = field(default_factory=dict)
    rate: str = SUITS
    seeds: int = 1
    seed: int = 0
    device: str = ""
    quantity: str = "train_error"
    presenting: bool = False
    predicts: bool = True
    problems: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Recipe:
        """The recipe; its rate counts only where one was chosen."""
        own = {} if self.rate in (SUITS, FAIR) else {"learning_rate": float(self.rate)}
        return Recipe(**self.recipe, **own)

    def entrants(self) -> list[Entrant]:
        """Who takes part: each network with each seed, and in a fair race at each rate. Raises `Impossible` for what cannot be
        trained here."""
        recipe = self.settings
        made = version(recipe.data, limits().pictures.get(recipe.data, ""))
        found = []
        for network in called(self.choices):
            own = recipe
            if self.rate == SUITS:
                suits = suiting(network, pictures_of(Entrant(network=network, recipe=recipe)))
                own = recipe.model_copy(update={"learning_rate": suits})
            for seed in range(self.seed, self.seed + self.seeds):
                one = Entrant(network=network, recipe=own, seed=seed, version=made)
                found += at_rates(one) if self.rate == FAIR else [one]
        refuse_beyond_limits(found)
        return found

    def parameters(self) -> dict[str, str]:
        """The state as the parameters of a link."""
        own = {name: _short(value) for name, value in self.recipe.items() if value != Recipe.model_fields[name].default}
        more = {"rate": self.rate, "seeds": str(self.seeds), "seed": str(self.seed), "device": self.device,
                "show": self.quantity, "present": str(self.presenting).lower(), "predict": str(self.predicts).lower()}
        usual = {"rate": SUITS, "seeds": "1", "seed": "0", "device": "", "show": "train_error", "present": "false",
                 "predict": "true"}
        return comparison.parameters(self.choices) | own | {name: text for name, text in more.items() if text != usual[name]}


MOST_LETTERS = 44


def called(choices: Sequence[Learner]) -> dict[Network, str]:
    """What to call each network: its preset and what was changed of it, with its slot's letter where that is not enough. The
    same network in two slots is one."""
    slots = {choice.network: slot for slot, choice in reversed(list(zip(comparison.SLOTS, choices)))}
    slots = dict(sorted(slots.items(), key=lambda each: each[1]))
    short = {network: _cut(network.label) for network in slots}
    return {network: label if list(short.values()).count(label) == 1 else f"{slots[network]}: {label}"
            for network, label in short.items()}


def _cut(label: str) -> str:
    return label if len(label) <= MOST_LETTERS else label[:MOST_LETTERS - 1] + "…"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def analysis_of(choice: Learner, data: str) -> Analysis:
    """A network as it takes the pictures. Raises `Impossible` where it cannot."""
    return fitting(choice.network, pictures_of(Entrant(network=choice.network, recipe=Recipe(data=data))))


def link(choices: Sequence[Choice], analyses: Sequence[Analysis]) -> dict[str, str] | None:
    """The parameters of a link that trains these networks; None where one is too large for this server's races."""
    small = all(hasattr(analysis.knobs, "num_classes") and analysis.params <= limits().race_parameters
                and (analysis.weight_layers or 0) <= limits().race_layers for analysis in analyses)
    return comparison.parameters(list(choices)) if small else None


def read(address: Mapping[str, str]) -> Asked:
    """The state in a link; a bad value gets a sentence and the default."""
    given, asked = dict(address), Asked([])
    for name in (*FIELDS, *READERS):
        if (text := given.pop(name, None)) is not None:
            try:
                _take(asked, name, text)
            except Impossible as error:
                asked.problems.append(_("{why} The link's value was left out.").format(why=error))
    named = any(name.partition(".")[0] in comparison.SLOTS for name in given)
    choices, wrong = comparison.read(given, FEWEST if named else len(USUAL), limits().race_networks, USUAL)
    asked.choices = [Learner(choice.preset, choice.changed) for choice in choices]
    asked.problems += wrong
    return asked


def _take(asked: Asked, name: str, text: str) -> None:
    if name in FIELDS:
        asked.recipe[name] = recipe_value(name, text)
    else:
        setattr(asked, *READERS[name](text))


def recipe_value(name: str, text: Any) -> Any:
    """A value of the recipe within this server's limits. Raises `Impossible` for one that is none."""
    value = Recipe.read_one(name, text)
    if name == "epochs" and value > limits().race_epochs:
        raise Impossible(_("epochs = {asked} is more than this server allows; the most are {most}.").format(
            asked=value, most=limits().race_epochs))
    if name == "data":
        pictures_of(Entrant(network=Network(preset=USUAL[0]), recipe=Recipe(data=value)))
    return value


def rate(text: str) -> str:
    """A choice of rates. Raises `Impossible` for one that is none."""
    return text if text in (SUITS, FAIR) else f"{Recipe.read_one('learning_rate', text):g}"


def whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number in its range. Raises `Impossible` for another one."""
    if not text.isdecimal() or not low <= int(text) <= high:
        raise Impossible(_("{name} = {text} is not possible: choose a whole number from {low} to {high}.").format(
            name=name, text=text[:40], low=low, high=high))
    return int(text)


def one_of(name: str, text: str, values: Mapping[str, Any] | tuple[str, ...]) -> str:
    """One of some words. Raises `Impossible` for another one."""
    if text not in values:
        raise Impossible(_("{name} = {text} is not possible: choose one of {values}.").format(
            name=name, text=text[:40], values=", ".join(values)))
    return text


READERS = {
    "rate": lambda text: ("rate", rate(text)),
    "seeds": lambda text: ("seeds", whole("seeds", text, 1, limits().race_seeds)),
    "seed": lambda text: ("seed", whole("seed", text, 0, MOST_SEEDS - 100)),
    "device": lambda text: ("device", device(text) and text),
    "show": lambda text: ("quantity", one_of("show", text, QUANTITIES)),
    "present": lambda text: ("presenting", one_of("present", text, ("true", "false")) == "true"),
    "predict": lambda text: ("predicts", one_of("predict", text, ("true", "false")) == "true"),
}
"""How the other words of a link are read."""
