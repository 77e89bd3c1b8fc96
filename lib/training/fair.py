"""A fair race: is it the depth, or only a badly chosen learning rate? Each network is trained at a few rates, and its best one
counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import mean

from lib.records import Network
from lib.training.recipe import FAIR
from lib.training.records import Curve, Entrant


def at_rates(entrant: Entrant, rates: Sequence[float] = FAIR) -> list[Entrant]:
    """The same entrant at each of the rates."""
    return [entrant.model_copy(update={"recipe": entrant.recipe.model_copy(update={"learning_rate": rate})}) for rate in rates]


def loss(curve: Curve) -> float:
    """The training loss of its last epoch; infinite where it is no number, or there is no epoch."""
    last = curve.epochs[-1].train_loss if curve.epochs else None
    return inf if last is None else last


def best_rates(curves: Mapping[Entrant, Curve] | Iterable[tuple[Entrant, Curve]]) -> dict[Network, float]:
    """For each network the rate with the lowest training loss at the end, in the mean of its seeds. Only the training pictures
    decide, so that the test stays a test."""
    losses: dict[Network, dict[float, list[float]]] = {}
    for entrant, curve in dict(curves).items():
        losses.setdefault(entrant.network, {}).setdefault(entrant.recipe.learning_rate, []).append(loss(curve))
    return {network: min(rates, key=lambda rate: (mean(rates[rate]), -rate)) for network, rates in losses.items()}


def at_best(curves: Mapping[Entrant, Curve]) -> dict[Entrant, Curve]:
    """The curves of each network at its best rate."""
    best = best_rates(curves)
    return {entrant: curve for entrant, curve in curves.items() if entrant.recipe.learning_rate == best[entrant.network]}
