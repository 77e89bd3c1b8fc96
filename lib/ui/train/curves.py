"""What a race has found, for charts and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import pandas as pd

from lib.lab.races import Shown
from lib.records import Network
from lib.training.fair import best_rates
from lib.training.records import Curve, Entrant, Epoch
from lib.ui import _
from lib.ui.train.state import QUANTITIES

Found = Mapping[Entrant, Shown]
Points = tuple[tuple[float, float], ...]


def at_best_rate(found: Found) -> dict[Entrant, Shown]:
    """In a fair race, each network at its best rate so far."""
    best = best_rates({entrant: shown.curve for entrant, shown in found.items()})
    return {entrant: shown for entrant, shown in found.items() if entrant.recipe.learning_rate == best[entrant.network]}


def until(found: Found, at: float) -> dict[Entrant, Shown]:
    """As it stood after so many epochs."""
    return {entrant: Shown(shown.curve.model_copy(update={"epochs": shown.curve.epochs[:int(at)]}), shown.origin)
            for entrant, shown in found.items()}


def ended(found: Found) -> dict[Entrant, Shown]:
    """As it stood at the end of each entrant's last epoch."""
    return {entrant: Shown(shown.curve, shown.origin) for entrant, shown in found.items()}


def points(shown: Shown, quantity: str) -> Points:
    """Epochs and values of a quantity; where it is no number, there is no point."""
    known = [(float(number), getattr(epoch, quantity)) for number, epoch in enumerate(shown.curve.epochs, 1)]
    if shown.glimpse and quantity != "seconds":
        known.append((round(shown.glimpse.at, 2), getattr(shown.glimpse.epoch, quantity)))
    return tuple((at, value) for at, value in known if value is not None)


def series(found: Found, names: Mapping[Network, str], quantity: str) -> dict[str, tuple[Points, ...]]:
    """For each network by its name the points of each seed."""
    lines: dict[str, list[Points]] = {name: [] for name in names.values()}
    for entrant, shown in found.items():
        lines[names[entrant.network]].append(points(shown, quantity))
    return {name: tuple(each) for name, each in lines.items()}


def table(found: Found, names: Mapping[Network, str]) -> pd.DataFrame:
    """A row for each network at each rate: how far it is, and where it stands; of several seeds the median."""
    groups: dict[tuple[Network, float], list[Curve]] = {}
    for entrant, shown in found.items():
        groups.setdefault((entrant.network, entrant.recipe.learning_rate), []).append(shown.curve)
    return pd.DataFrame([_row(names[network], rate, curves) for (network, rate), curves in groups.items()])


def _row(name: str, rate: float, curves: Sequence[Curve]) -> dict[str, object]:
    ends = [curve.epochs[-1] for curve in curves if curve.epochs]
    epochs = [epoch for curve in curves for epoch in curve.epochs]
    return {_("Network"): name, _("Learning rate"): f"{rate:g}", _("Epochs"): min(len(curve.epochs) for curve in curves),
            **{label: _middle([getattr(end, quantity) for end in ends]) for quantity, label in QUANTITIES.items()
               if quantity != "seconds"},
            QUANTITIES["seconds"]: _middle([epoch.seconds for epoch in epochs]),
            _("Remark"): _("The loss became no number.") if any(curve.lost for curve in curves) else ""}


def _middle(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def rows(found: Found) -> pd.DataFrame:
    """A row for each epoch of each network and seed, for a file."""
    return pd.DataFrame([{"network": shown.curve.label, "seed": entrant.seed, "learning_rate": entrant.recipe.learning_rate,
                          "epoch": number} | epoch.model_dump()
                         for entrant, shown in found.items() for number, epoch in enumerate(shown.curve.epochs, 1)],
                        columns=["network", "seed", "learning_rate", "epoch", *Epoch.model_fields])


def made(curves: Sequence[Curve]) -> str:
    """Where and when curves were trained, and on what."""
    first, days = curves[0].environment, sorted({f"{curve.taken:%Y-%m-%d}" for curve in curves})
    places = dict.fromkeys(str(curve.environment.get("device_name")) for curve in curves)
    return _("on {place}, {threads} threads, PyTorch {torch}, {days}").format(
        place=_(" and ").join(places), threads=first.get("threads"), torch=first.get("torch"),
        days=days[0] if len(days) == 1 else _("{first} to {last}").format(first=days[0], last=days[-1]))


def first_blocks(found: Found) -> str:
    """The paths of the first blocks, whose gradients are noted."""
    return ", ".join(sorted({str(shown.curve.environment.get("first_block")) for shown in found.values()}))
