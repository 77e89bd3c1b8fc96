"""Recorded races as steps show them: how networks end, in tables and words, their origin, the way to run them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

import pandas as pd

from lib.lessons.content import Run, Table
from lib.lessons.knobs import Knob
from lib.provenance import Origin, measured
from lib.records import Network
from lib.text import _
from lib.training.pictures import load
from lib.training.recipe import DIGITS, Recipe
from lib.training.records import Curve
from lib.training.shipped import entrant_of, of_race

QUANTITIES = {"train_error": _("training error, %"), "test_error": _("test error, %"), "train_loss": _("training loss"),
              "gradient_norm": _("gradient norm")}
SHOWN = Knob(_("Drawn"), ("train_error", "test_error", "gradient_norm"), "train_error", _("What is drawn over the epochs."),
             {"train_error": _("training error"), "test_error": _("test error"), "gradient_norm": _("gradient norm")}.get)
CHANCE = 90.0
"""Percent of ten classes' pictures that are named wrong without having learnt anything."""
CLOSE = 2.0
"""Points of training error: networks that end nearer to each other are not told apart by so small a race."""
NONE = "none"
WITHOUT_UNIT = ("train_loss", "gradient_norm")
"""Quantities that are no percentages, and may become no number."""

Runs = Mapping[str, Sequence[Curve]]
"""Networks by what to call them, each with a curve for each seed."""


class End(NamedTuple):
    """A quantity after the last epoch: the median of the seeds, the lowest and the highest."""

    median: float
    lowest: float
    highest: float

    @property
    def written(self) -> str:
        """`62.1 (53.0 to 74.4)`."""
        return self.as_text(".1f")

    def as_text(self, form: str) -> str:
        """The same with numbers of another form."""
        each = [f"{value:{form}}" for value in self]
        return each[0] if len(set(each)) == 1 else _("{median} ({lowest} to {highest})").format(
            median=each[0], lowest=each[1], highest=each[2])


def recorded(race: str, networks: Mapping[str, Network], rate: float | None = None) -> dict[str, tuple[Curve, ...]]:
    """The curves of these networks in a recorded race; where it tried several learning rates, those with this one."""
    found: dict[str, list[Curve]] = {_plain(network): [] for network in networks.values()}
    for curve in of_race(race):
        if rate in (None, curve.settings.learning_rate):
            found.setdefault(_plain(entrant_of(curve).network), []).append(curve)
    return {name: tuple(found[_plain(network)]) for name, network in networks.items()}


def _plain(network: Network) -> str:
    """A network as it is read again from a file, where a tuple has become a list."""
    return network.model_dump_json()


def end(curves: Sequence[Curve], quantity: str = "train_error") -> End:
    """How the seeds end. Raises ValueError where the quantity became no number in all of them."""
    values = [value for curve in curves if (value := getattr(curve.epochs[-1], quantity)) is not None]
    return End(median(values), min(values), max(values))


def apart(first: Sequence[Curve], second: Sequence[Curve], quantity: str = "train_error") -> bool:
    """Whether the bands of two networks do not touch at the end: from lowest to highest seed."""
    one, other = end(first, quantity), end(second, quantity)
    return one.highest < other.lowest or other.highest < one.lowest


def clear_winner(runs: Runs) -> str:
    """The network that ends lowest, at least `CLOSE` points under every other one; `NONE` where no one does."""
    ends = {name: end(curves).median for name, curves in runs.items()}
    first, second = sorted(ends, key=ends.get)[:2]
    return first if ends[second] - ends[first] >= CLOSE else NONE


def clear_loser(runs: Runs) -> str:
    """The network that ends highest, at least `CLOSE` points over every other one; `NONE` where no one does."""
    ends = {name: end(curves).median for name, curves in runs.items()}
    second, last = sorted(ends, key=ends.get)[-2:]
    return last if ends[last] - ends[second] >= CLOSE else NONE


def ends_written(runs: Runs, quantity: str = "train_error") -> str:
    """The training or test errors: `plain-20 1.4 (0.8 to 1.5) %; ...`."""
    return "; ".join(f"{name} {end(curves, quantity).written} %" for name, curves in runs.items())


def test_fields() -> dict[str, object]:
    """How many pictures test what was learnt, and how many points of error one of them is."""
    pictures = load(DIGITS, {}, 0)
    tests = len(pictures.labels) - pictures.training
    return {"tests": tests, "point": f"{100 / tests:.2f}"}


def points(curve: Curve, quantity: str) -> list[tuple[int, float]]:
    """Epochs, counted from 1, and the quantity there, where it is a number."""
    values = [getattr(epoch, quantity) for epoch in curve.epochs]
    return [(number, value) for number, value in enumerate(values, 1) if value is not None]


Rated = Mapping[str, Mapping[float, Sequence[Curve]]]
"""Networks by what to call them, each with its curves at each learning rate."""


def at_rates(race: str, network: Network, rates: Sequence[float]) -> dict[float, tuple[Curve, ...]]:
    """A network's curves in a recorded race at these rates, from the lowest rate up."""
    return {rate: recorded(race, {"": network}, rate)[""] for rate in sorted(rates)}


def all_rates(rated: Rated) -> Runs:
    """The curves of all rates together."""
    return {name: [curve for curves in found.values() for curve in curves] for name, found in rated.items()}


def rate_table(rated: Rated) -> Table:
    """The training error at the end: a row for each network, a column for each rate."""
    rows = [{_("Network"): name} | {_("rate {rate}").format(rate=f"{rate:g}"): end_written(curves, "train_error")
                                    for rate, curves in found.items()} for name, found in rated.items()]
    return Table(pd.DataFrame(rows), origin(all_rates(rated)),
                 title=_("Training error at the end, %: median (lowest to highest seed)"))


def table(runs: Runs) -> Table:
    """The ends: a row for each network, the median of the seeds with the lowest and the highest."""
    rows = [{_("Network"): name} | {title[0].upper() + title[1:]: end_written(curves, quantity)
                                    for quantity, title in QUANTITIES.items()} for name, curves in runs.items()]
    return Table(pd.DataFrame(rows), origin(runs), title=_("After the last epoch: median (lowest to highest seed)"))


def end_written(curves: Sequence[Curve], quantity: str) -> str:
    """How the seeds end; of a loss or norm, in how many it became no number."""
    lost = sum(curve.lost for curve in curves)
    if quantity in WITHOUT_UNIT and lost:
        return _("no number in {lost} of {seeds}").format(lost=lost, seeds=len(curves))
    return end(curves, quantity).as_text(".2g" if quantity in WITHOUT_UNIT else ".1f")


def origin(runs: Runs) -> Origin:
    """What was trained on which pictures, with which seeds, where and when."""
    curves = [curve for each in runs.values() for curve in each]
    facts, seeds = curves[0].environment, sorted({curve.seed for curve in curves})
    return measured(_("{epochs} epochs on {pictures}, {seeds}, {machine}, torch {torch}, {date}").format(
        epochs=max(curve.settings.epochs for curve in curves), pictures=str(facts["pictures"]).partition(" (")[0],
        seeds=_("seed {seed}").format(seed=seeds[0]) if len(seeds) == 1 else _("seeds {first} to {last}").format(
            first=seeds[0], last=seeds[-1]),
        machine=facts["device_name"], torch=str(facts["torch"]).partition("+")[0],
        date=max(curve.taken for curve in curves).date()))


def again(runs: Runs) -> Run:
    """The way to train the same networks here by the same recipe: at one rate, at several, or at what suits each."""
    curves = [curve for each in runs.values() for curve in each]
    settings = {name: str(value) for name, value in curves[0].settings
                if name != "learning_rate" and value != Recipe.model_fields[name].default}
    rates = {curve.settings.learning_rate for curve in curves}
    if len({curve.settings.learning_rate for curve in next(iter(runs.values()))}) > 1:
        settings["rate"] = "fair"
    elif len(rates) == 1:
        settings["rate"] = f"{rates.pop():g}"
    return Run(tuple((each[0].preset, {name: tuple(value) if isinstance(value, list) else value
                                       for name, value in each[0].changed.items()}) for each in runs.values()), settings)
