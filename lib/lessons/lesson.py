"""A lesson is a list of steps, and a step is one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lib.lessons.content import Content
from lib.lessons.knobs import Knobs
from lib.measuring import Measured, here_and_now, measured_by, resolve, values_of
from lib.questions import Kind, Question

Run = Callable[[Measured, tuple[Any, ...]], Any]
"""How a measurement is made: in a process beside the pages, or here and now."""


@dataclass(frozen=True)
class Step:
    """One idea: `compute(**values)` gives what it shows; its prose is the section of the same name. It asks `asks` at the values
    of its controls. With `predict`, its picture is hidden until the person has answered. `settings` are buttons that set
    several controls at once; `again` is a button that measures once more."""

    compute: Callable[..., Content]
    asks: Kind
    predict: bool = False
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    again: str = ""

    @property
    def id(self) -> str:
        """Its name in links and in the prose."""
        return self.compute.__name__

    @property
    def controls(self) -> list[str]:
        """The names of the controls that act on it."""
        names = [*values_of(self.compute), *values_of(self.asks.compute)]
        return [name for name in dict.fromkeys(names) if name != "attempt"]

    @property
    def measured(self) -> tuple[Measured, ...]:
        """What is measured for it."""
        return tuple(dict.fromkeys([*measured_by(self.compute).values(), *measured_by(self.asks.compute).values()]))

    def show(self, values: Mapping[str, Any], run: Run) -> Content:
        """What it shows at these values. Raises `Impossible` where they do not fit together."""
        return resolve(self.compute, values, run)

    def ask(self, values: Mapping[str, Any], run: Run) -> Question:
        """Its question at these values. Raises `Impossible` where they do not fit together."""
        taken = {name: values[name] for name in values_of(self.asks.compute) if name in values}
        found = {name: run(measured, tuple(values.get(each, 0) if each == "attempt" else values[each]
                                           for each in measured.arguments))
                 for name, measured in measured_by(self.asks.compute).items()}
        return self.asks(**taken, **found)


def step(asks: Kind, predict: bool = False, settings: Mapping[str, Mapping[str, Any]] = {},
         again: str = "") -> Callable[[Callable[..., Content]], Step]:
    """Make a function a step: its arguments are the controls' values, and what is measured (`Measured`)."""
    return lambda compute: Step(compute, asks, predict, settings, again)


class Link(NamedTuple):
    """A step at some values, for a teacher to show: what is to be seen there, in a few words."""

    words: str
    step: str
    values: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Lesson:
    """A lesson: its steps in their order, and its controls by name.

    `minutes` in front of a class; `links` for a teacher to show. `anchors` leads the anchors of old links to steps. Its prose has
    a section for each step and one, `teachers`, for whoever teaches it.
    """

    id: str
    knobs: Knobs
    steps: tuple[Step, ...]
    minutes: int
    links: tuple[Link, ...]
    anchors: Mapping[str, str] = field(default_factory=dict)

    def step(self, id: str) -> Step:
        """The step of this name. Raises KeyError if there is none."""
        return {step.id: step for step in self.steps}[id]

    @property
    def defaults(self) -> dict[str, Any]:
        """Where the controls stand at first."""
        return {name: knob.default for name, knob in self.knobs.items()}

    def shown(self, step: str, **moved: Any) -> Content:
        """What a step shows with these controls moved; what is measured is measured here and now."""
        return self.step(step).show(self.defaults | moved, here_and_now)

    def asked(self, step: str, **moved: Any) -> Question:
        """What a step asks with these controls moved."""
        return self.step(step).ask(self.defaults | moved, here_and_now)

    def measured(self) -> dict[str, Measured]:
        """What is measured for its steps, by name."""
        return {measured.name: measured for step in self.steps for measured in step.measured}

    def first_asked(self, measured: Measured) -> list[tuple[Any, ...]]:
        """The arguments that a class asks for first: those of the lesson as it opens, then with one control moved."""
        start = tuple(self.defaults.get(name, 0) for name in measured.arguments)
        moved = [(*start[:place], value, *start[place + 1:]) for place, name in enumerate(measured.arguments)
                 if name in self.knobs for value in self.knobs[name].values]
        return list(dict.fromkeys([start, *moved]))
