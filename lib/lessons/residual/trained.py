"""Plain and residual networks that learnt the digits: recorded races, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import pandas as pd

from lib.lessons.curves import CHANCE, Rated, Runs, at_rates, end, recorded
from lib.lessons.residual.published import published
from lib.once import once
from lib.text import _
from lib.training import moved
from lib.training.recipe import FAIR, Recipe
from lib.training.recorded import OPTIONS, PLAIN, RESIDUAL
from lib.training.records import Curve

SHALLOW, DEEP = 20, 56


def of_depth(depth: int) -> Runs:
    """A plain and a residual network of this depth, and the shallow ones beside them."""
    networks = {f"{name}-{layers}": kind[layers] for layers in dict.fromkeys((SHALLOW, depth))
                for name, kind in (("plain", PLAIN), ("ResNet", RESIDUAL))}
    return recorded("depth", networks)


def every_depth() -> Runs:
    """All that the race holds."""
    return recorded("depth", {f"{name}-{layers}": network for name, kind in (("plain", PLAIN), ("ResNet", RESIDUAL))
                              for layers, network in kind.items()})


def trained_fields(depth: int) -> dict[str, object]:
    """How the networks of this depth end, and the shallow plain one."""
    plain, residual = (end(every_depth()[f"{name}-{depth}"]) for name in ("plain", "ResNet"))
    return {"depth": depth, "plain": plain.written, "residual": f"{residual.median:.1f}", "residual_band": residual.written,
            "shallow": SHALLOW, "shallow_plain": f"{end(every_depth()[f'plain-{SHALLOW}']).median:.1f}",
            "chance": f"{CHANCE:g}", "epochs": Recipe().epochs}


def norm_fields() -> dict[str, object]:
    """The gradient norm of the deepest plain network in its first epoch and in its last, as the median of the seeds."""
    deepest = max(PLAIN)
    curves = every_depth()[f"plain-{deepest}"]
    first = median(curve.epochs[0].gradient_norm for curve in curves)
    return {"deepest": deepest, "first_norm": f"{first:,.0f}", "last_norm": f"{end(curves, 'gradient_norm').median:.1e}"}


# Is it only the rate?

def rated() -> Rated:
    """Shallow and deep, plain and residual, each at several learning rates."""
    return {f"{name}-{layers}": at_rates("fair", kind[layers], FAIR) for name, kind in (("plain", PLAIN), ("ResNet", RESIDUAL))
            for layers in (SHALLOW, DEEP)}


def best(network: str) -> tuple[float, Sequence[Curve]]:
    """The rate at which a network has the lowest training error at the end, and its curves there."""
    found = rated()[network]
    rate = min(found, key=lambda rate: end(found[rate]).median)
    return rate, found[rate]


def at_best() -> Runs:
    """Each network at its best rate."""
    return {network: best(network)[1] for network in rated()}


def best_fields() -> dict[str, object]:
    """Best rates and their ends."""
    found = {network: best(network) for network in rated()}
    usual = every_depth()[f"plain-{DEEP}"]
    return {"usual": f"{usual[0].settings.learning_rate:g}", "before": f"{end(usual).median:.1f}",
            "rates": ", ".join(f"{rate:g}" for rate in sorted(FAIR)), "shallow": SHALLOW, "deep": DEEP, "each": "; ".join(
        _("{network} {error} % at {rate}").format(network=network, error=end(curves).written, rate=f"{rate:g}")
        for network, (rate, curves) in found.items())}


# Options

def of_options(depth: int) -> Runs:
    """A ResNet with each of the options."""
    return recorded("options", {option: OPTIONS[depth, option] for option in "ABC"})


# What moves the numbers

CHANGES = dict(zip(("usual", "smaller", "smallest", "longer", "xavier", "torch"), moved.CHANGES))
"""What is another than usual in a run, one thing at a time: a word for links, and in words."""


def changed(change: str) -> Runs:
    """Deep networks with one thing of the recipe changed, as far as they were recorded so."""
    return {name: curves for name, curves in moved.recorded()[CHANGES[change]].items() if curves}


@once
def changed_table() -> pd.DataFrame:
    """How they end with each change: a row for each, the training error with the lowest and the highest seed."""
    rows = [{"Recipe": words} | {f"{name}, %": end(curves).written for name, curves in changed(change).items()}
            for change, words in CHANGES.items()]
    return pd.DataFrame(rows).fillna("–")


def harder() -> bool:
    """Whether, of the networks of 56 layers, the plain one ended higher in every recipe, with each of its seeds."""
    pairs = [(found[f"plain-{DEEP}"], found[f"ResNet-{DEEP}"]) for change in CHANGES
             if {f"plain-{DEEP}", f"ResNet-{DEEP}"} <= set(found := changed(change))]
    return all(end(plain).lowest > end(residual).highest for plain, residual in pairs)


def changed_fields() -> dict[str, object]:
    """Between which training errors plain-56 ends, over all recipes."""
    ends = [end(found[f"plain-{DEEP}"]).median for change in CHANGES if f"plain-{DEEP}" in (found := changed(change))]
    return {"deep": DEEP, "lowest": f"{min(ends):.1f}", "highest": f"{max(ends):.1f}", "recipes": len(CHANGES)}


@once
def beside_the_paper() -> pd.DataFrame:
    """Test errors here and in print."""
    printed = published()["cifar"]["residual"]
    return pd.DataFrame([{"Network": f"ResNet-{layers}",
                          "Digits, test error, %": end(every_depth()[f"ResNet-{layers}"], "test_error").written,
                          "CIFAR-10 in the paper, %": f"{printed[str(layers)]:.2f}"} for layers in RESIDUAL])
