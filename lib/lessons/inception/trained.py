"""A small GoogLeNet that learnt the digits, with auxiliary classifiers and without: a recorded race."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite
from statistics import median

from lib.lessons.curves import Runs, ends_written, recorded
from lib.text import _
from lib.training.recorded import INCEPTION
from lib.training.records import Curve

BEGUN = 70.0
"""Percent: a network with a lower training error does more than guess."""
APART = 2
"""Epochs by which one network must be sooner than another to be called so."""
WITHOUT, WITH = _("without auxiliary losses"), _("with auxiliary losses")


def runs() -> Runs:
    """Both networks."""
    return recorded("auxiliary", {WITHOUT: INCEPTION[False], WITH: INCEPTION[True]})


def begins(curves: Sequence[Curve]) -> float:
    """The first epoch, from 1, in which more is done than guessing: the median of the seeds; infinite where most never do."""
    return median(next((number for number, epoch in enumerate(curve.epochs, 1) if epoch.train_error < BEGUN), inf)
                  for curve in curves)


def sooner() -> str:
    """Which begins clearly sooner: `with` the auxiliary losses, `without` them, or `same`."""
    without, with_them = map(begins, runs().values())
    if with_them + APART <= without:
        return "with"
    return "without" if without + APART <= with_them else "same"


def fields() -> dict[str, object]:
    """When they begin, how they end, and how large the gradient at the first block is in the first epoch."""
    without, with_them = runs().values()
    first = [median(curve.epochs[0].gradient_norm for curve in curves) for curves in (without, with_them)]
    recipe = without[0].settings
    return {"without": epoch_written(begins(without)), "with": epoch_written(begins(with_them)), "begun": f"{BEGUN:g}",
            "times": f"{first[1] / first[0]:.1f}", "each": ends_written(runs()), "epochs": recipe.epochs,
            "rate": f"{recipe.learning_rate:g}", "width": INCEPTION[False].changed["width"], "size": without[0].input_size}


def epoch_written(number: float) -> str:
    """`in epoch 8`, or that it does not come."""
    return _("in epoch {number:g}").format(number=number) if isfinite(number) else _("not at all")
