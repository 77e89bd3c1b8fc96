"""The controls of a lesson, declared once: what can be chosen, what stands in a link, and help. No Streamlit here.

A step has the controls whose names its function takes as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lib.architecture import Impossible
from lib.text import _


@dataclass(frozen=True)
class Knob:
    """A control with a few values. Whole numbers get a slider, (False, True) a switch, words a row of buttons or, where that
    would be too long, a list. `show` gives what a person reads instead of a value."""

    label: str
    values: tuple[Any, ...]
    default: Any
    help: str
    show: Callable[[Any], str] = str

    def read(self, text: str) -> Any:
        """The value that stands in a link as `text`. Raises `Impossible` for one that cannot be chosen."""
        allowed = {self.write(value): value for value in self.values}
        if text not in allowed:
            raise Impossible(_("choose one of {values}.").format(values=", ".join(allowed)))
        return allowed[text]

    def write(self, value: Any) -> str:
        """A value as it stands in a link."""
        return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Typed:
    """A whole number that is typed, from `low` to `high`. `values` are some that a class may ask for, for tests."""

    label: str
    low: int
    high: int
    default: int
    help: str
    values: tuple[int, ...] = ()

    def read(self, text: str) -> int:
        if not text.strip().isdecimal() or not self.low <= int(text) <= self.high:
            raise Impossible(_("it must be a whole number from {low} to {high:,}.").format(low=self.low, high=self.high))
        return int(text)

    def write(self, value: int) -> str:
        return str(value)


@dataclass(frozen=True)
class Written:
    """A short text that is typed, such as a matrix. `check` raises `Impossible` for one that cannot be read. `values` are
    some examples, the first of them the default."""

    label: str
    values: tuple[str, ...]
    help: str
    check: Callable[[str], Any]
    lines: int = 1
    most: int = 600
    """Letters."""

    @property
    def default(self) -> str:
        return self.values[0]

    def read(self, text: str) -> str:
        if len(text) > self.most:
            raise Impossible(_("it may have {most} letters.").format(most=self.most))
        self.check(text)
        return text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Picture:
    """A picture: one of `values`, drawn by the app (`lib.lessons.pictures`), or one that a person brings along. A step gets
    the name, or the file as PNG of `side` × `side` pixels; a link holds names alone."""

    label: str
    values: tuple[str, ...]
    default: str
    help: str
    side: int
    show: Callable[[Any], str] = str

    def read(self, text: str) -> str:
        if text not in self.values:
            raise Impossible(_("choose one of {values}.").format(values=", ".join(self.values)))
        return text

    def write(self, value: str | bytes) -> str:
        return value if isinstance(value, str) else self.default


AnyKnob = Knob | Typed | Written | Picture
Knobs = Mapping[str, AnyKnob]
