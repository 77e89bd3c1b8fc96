"""What measurements on real networks share: what they depend on, weights and images that follow from a seed, and a way to
say how far one is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, signature
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")
Progress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1. It may raise to stop the measurement."""


def quiet(share: float) -> None:
    """The progress of a measurement that nobody watches."""


def name_of(function: Callable[..., Any]) -> str:
    """What a function of a lesson is called, in whichever file of its folder it stands: `residual.at_initialisation`."""
    _lib, _lessons, lesson, *_file = function.__module__.split(".")
    return f"{lesson}.{function.__name__}"


@dataclass(frozen=True)
class Measured:
    """A result of `function(*arguments, progress=...)` on real networks. As the default of an argument, it says that the
    argument is that result: the measurement's own arguments are found by their names among the controls' values.

        def start(depth: int, seed: int, starts: tuple[Start, Start] = Measured(at_initialisation, "Running both")) -> Content

    `label` is what is said while it runs. `lasting` results follow from the arguments alone, as weights and images do from a
    seed; times do not. `attempt`, where a measurement takes it, is another number each time that somebody measures again.
    """

    function: Callable[..., Any]
    label: str
    lasting: bool = True

    @property
    def name(self) -> str:
        return name_of(self.function)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what it depends on."""
        return tuple(name for name in _takes(self.function) if name != "progress")


@cache
def _takes(function: Callable[..., Any]) -> Mapping[str, Parameter]:
    return signature(function).parameters


@cache
def measured_by(function: Callable[..., Any]) -> dict[str, Measured]:
    """The arguments of a function that are measured."""
    return {name: parameter.default for name, parameter in _takes(function).items() if isinstance(parameter.default, Measured)}


@cache
def values_of(function: Callable[..., Any]) -> list[str]:
    """The names of all controls on whose values a function depends, also by what it takes measured."""
    own = [name for name in _takes(function) if name not in measured_by(function)]
    return list(dict.fromkeys([*own, *(name for measured in measured_by(function).values() for name in measured.arguments)]))


def here_and_now(measured: Measured, arguments: tuple[Any, ...]) -> Any:
    """A measurement, made by whoever asks for it."""
    return measured.function(*arguments)


def resolve(function: Callable[..., Result], values: Mapping[str, Any],
            run: Callable[[Measured, tuple[Any, ...]], Any]) -> Result:
    """`function` at these values. What it takes measured, and is not among them, is `run(measured, arguments)`."""
    taken = {name: values[name] for name in _takes(function) if name in values}
    for name, measured in measured_by(function).items():
        if name not in taken:
            taken[name] = run(measured, tuple(values.get(each, 0) if each == "attempt" else values[each]
                                              for each in measured.arguments))
    return function(**taken)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers follow from `seed`; outside they go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
