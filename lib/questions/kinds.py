"""The kinds of questions: functions from the values of some controls to a question, found by name and drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from random import Random
from typing import Any, NamedTuple

from lib.architecture import Impossible
from lib.measuring import here_and_now, name_of, resolve
from lib.questions.question import Question

LEVELS = (1, 2, 3)
MOST_DRAWS = 500
"""Values that do not fit together are drawn again, so many times."""


class Levels(NamedTuple):
    """The values from which an argument is drawn at each level: easy, medium, hard."""

    easy: Sequence[Any]
    medium: Sequence[Any]
    hard: Sequence[Any]


@dataclass(frozen=True)
class Kind:
    """A kind of question: `compute(**values)` gives it at these values. `level` says how hard its thought is, from 1 to 3;
    `drawn` from what each argument is drawn."""

    compute: Callable[..., Question]
    level: int
    drawn: Mapping[str, Sequence[Any] | Levels]

    @property
    def name(self) -> str:
        """What it is called: `residual.identity_error`."""
        return name_of(self.compute)

    @property
    def lesson(self) -> str:
        return self.name.partition(".")[0]

    def __call__(self, **values: Any) -> Question:
        """The question at these values; what is measured may be among them, or else it is measured here and now."""
        question = resolve(self.compute, values, here_and_now)
        plain = {name: value for name, value in values.items() if name in self.drawn}
        return replace(question, kind=self.name, values=plain)

    def draw(self, seed: int, level: int = 1) -> Question:
        """The question with values that follow from the seed."""
        chance = Random(f"{self.name} {seed} {level}")
        for _attempt in range(MOST_DRAWS):
            values = {name: chance.choice(choices[level - 1] if isinstance(choices, Levels) else choices)
                      for name, choices in self.drawn.items()}
            try:
                return self(**values)
            except Impossible:
                continue
        raise Impossible(f"{self.name} finds no values at level {level}.")


def kind(level: int = 1, also: Mapping[str, Sequence[Any]] = {},
         **drawn: Sequence[Any] | Levels) -> Callable[[Callable[..., Question]], Kind]:
    """Make a function a kind of question. For each of its arguments, what it is drawn from: a sequence, or `Levels`; in `also`
    for an argument that is called `level`. An argument whose default is `Measured` is not drawn."""
    def make(compute: Callable[..., Question]) -> Kind:
        return Kind(compute, level, drawn | also)
    return make


def kinds() -> dict[str, Kind]:
    """All kinds by their names, lesson by lesson."""
    modules = [import_module(f"lib.lessons.{lesson}.questions") for lesson in import_module("lib.lessons").names()]
    modules += map(import_module, ("lib.lessons.textbook.questions", "lib.questions.totals", "lib.questions.races"))
    return {each.name: each for module in modules for each in vars(module).values()
            if isinstance(each, Kind) and each.compute.__module__ == module.__name__}


def generate(kind: str, seed: int, level: int = 1) -> Question:
    """A question of this kind, whose values follow from the seed and the level (1 to 3). Raises `Impossible` for a kind or a
    level that does not exist."""
    if kind not in (known := kinds()):
        raise Impossible(f"There is no kind of question “{kind[:60]}”.")
    if level not in LEVELS:
        raise Impossible(f"The level is 1, 2 or 3, not {level}.")
    return known[kind].draw(seed, level)

