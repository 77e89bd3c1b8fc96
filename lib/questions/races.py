"""What a race of networks is asked for before it is run: which one will have learnt best, and by how much?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from lib.questions.kinds import kind
from lib.questions.question import Number, Place
from lib.training.records import Curve
from lib.training.shipped import of_race

Ends = tuple[tuple[str, float], ...]
"""Names of networks, and their training errors after the last epoch, in percent; of several seeds the median."""
CLOSE = 1.0
"""Points within which two errors count as the same."""
ROUGHLY, POINTS = 0.25, 5.0
"""A guess is right within a quarter of the difference, or within so many points."""


def ends_of(curves: Sequence[tuple[str, Curve]]) -> Ends:
    """The ends of curves by the names of their networks."""
    errors: dict[str, list[float]] = {}
    for name, curve in curves:
        if curve.epochs:
            errors.setdefault(name, []).append(curve.epochs[-1].train_error)
    return tuple((name, median(each)) for name, each in errors.items())


class Recorded(Sequence):
    """The ends of recorded races, to draw questions from; they are read when somebody draws."""

    RACES = (("depth", ("plain20_cifar", "plain56_cifar")), ("depth", ("plain20_cifar", "plain110_cifar", "resnet110_cifar")),
             ("depth", ("plain56_cifar", "resnet56_cifar")), ("depth", ("resnet20_cifar", "plain110_cifar")))

    def __len__(self) -> int:
        return len(self.RACES)

    def __getitem__(self, index: int) -> Ends:
        race, networks = self.RACES[index]
        return ends_of([(curve.label, curve) for curve in of_race(race) if curve.label in networks])

    def __iter__(self) -> Iterator[Ends]:
        return (self[index] for index in range(len(self)))


@kind(level=1, ends=Recorded())
def lowest(ends: Ends) -> Place:
    """Which network ends with the lowest training error. Those that are about as good are right as well."""
    errors = dict(ends)
    best = min(errors.values())
    right = tuple(name for name in errors if errors[name] <= best + CLOSE)
    worst = max(errors, key=errors.get)
    return Place(answer=right, names={name: name for name in errors},
                 slip_values={} if worst in right else {"the highest": (worst,)}, fields=_fields(ends))


@kind(level=2, ends=Recorded())
def difference(ends: Ends) -> Number:
    """By how many points the highest training error lies above the lowest."""
    errors = dict(ends).values()
    apart = max(errors) - min(errors)
    return Number(apart, {"the error itself": max(errors)}, unit="points", tolerance=ROUGHLY, within=POINTS, shown=".1f",
                  fields=_fields(ends))


def _fields(ends: Ends) -> dict[str, object]:
    each = ", ".join(f"{name} {error:.1f} %" for name, error in sorted(ends, key=lambda end: end[1]))
    low, high = min(ends, key=lambda end: end[1]), max(ends, key=lambda end: end[1])
    return {"each": each, "close": f"{CLOSE:g}", "low": low[0], "low_error": f"{low[1]:.1f}", "high": high[0],
            "high_error": f"{high[1]:.1f}"}
