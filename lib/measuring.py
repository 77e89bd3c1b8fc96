"""What measurements on real networks share: what they depend on, weights and images that follow from a seed, and a way to
say how far one is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

Progress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1. It may raise to stop the measurement."""


def quiet(share: float) -> None:
    """The progress of a measurement that nobody watches."""


class Choice(NamedTuple):
    """What a control of a lesson offers, and where it stands at first."""

    values: tuple[Any, ...]
    start: Any


def name_of(function: Callable[..., Any]) -> str:
    """What a function of a lesson is called: `residual.at_initialisation`."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


@dataclass(frozen=True)
class Measurement:
    """`function(*arguments, progress=...)` of a lesson, where each argument is what one of the lesson's controls says.

    `lasting` results follow from the arguments alone, as weights and images do from a seed; times do not.
    """

    function: Callable[..., Any]
    choices: tuple[Choice, ...]
    lasting: bool = True

    def first_asked(self) -> list[tuple[Any, ...]]:
        """The arguments that a class asks for first: those of the lesson as it opens, then with one control moved."""
        start = tuple(choice.start for choice in self.choices)
        moved = [(*start[:place], value, *start[place + 1:]) for place, choice in enumerate(self.choices)
                 for value in choice.values]
        return list(dict.fromkeys([start, *moved]))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers follow from `seed`; outside they go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
