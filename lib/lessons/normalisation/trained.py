"""CIFAR networks that learnt the digits with norms and without, at several learning rates: recorded races."""

from __future__ import annotations

from lib.lessons.curves import Rated, at_rates, end
from lib.lessons.normalisation.depth import network_name
from lib.training.recorded import BARE, PLAIN, RECORDED, RESIDUAL

RATES = tuple(sorted(set(RECORDED["norm"].rates) & set(RECORDED["fair"].rates)))
"""At which both races were run."""
LEARNT = 20.0
"""Percent: with a lower training error at the end a network has learnt."""
LAYERS = (20, 56)


def rated(layers: int, residual: bool) -> Rated:
    """A network with norms and without."""
    name = network_name(layers, residual)
    with_norms = (RESIDUAL if residual else PLAIN)[layers]
    bare = BARE[name.lower().replace("-", "")]
    return {"with norms": at_rates("fair", with_norms, RATES), "without": at_rates("norm", bare, RATES)}


def all_rated() -> Rated:
    """All of them by name."""
    return {f"{network_name(layers, residual)}, {norms}": found for residual in (False, True) for layers in LAYERS
            for norms, found in rated(layers, residual).items()}


def learns_at(layers: int, residual: bool) -> set[float]:
    """The rates at which the network without norms learns."""
    return {rate for rate, curves in rated(layers, residual)["without"].items() if end(curves).median < LEARNT}
