"""The contract: what a question is, whatever its kind of answer.

The words of a question stand in its lesson's prose, in the section `## ask: <name>`: what is asked, then under `###` a hint,
the derivation (`because`), what each usual slip is met with (`slip: <name>`), and the options of a choice. Slips that many
questions share have their words in `slips.md`. Every `{field}` there is filled from `fields`; `{answer}` is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from lib.questions.reading import Unreadable, read_number
from lib.text import _, asked, common_slips

__all__ = ["Choice", "Grade", "Number", "Order", "Place", "Question", "Several", "Slip", "Unreadable"]


def _short(value: Any) -> str:
    """A value in few letters, also where it is a person's picture."""
    return blake2b(value, digest_size=8).hexdigest() if isinstance(value, bytes) else str(value)


class Slip(NamedTuple):
    """A known mistake: its name, the answer that it gives, and the hint that whoever makes it gets."""

    name: str
    answer: Any
    hint: str


class Grade(NamedTuple):
    """What became of an answer: `points` of `of`; which slip it was, if a known one; and one sentence, or two, to the person."""

    points: float
    of: int
    slip: Slip | None
    remark: str

    @property
    def right(self) -> bool:
        return self.points == self.of


@dataclass(frozen=True, kw_only=True)
class Question:
    """What all kinds of answers share. `kind` and `values` say how the question came about; `@kind` fills them in."""

    fields: Mapping[str, object] = field(default_factory=dict)
    points: int = 1
    kind: str = ""
    values: Mapping[str, Hashable] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The question with its values: `convolution.output_size(size=7, kernel=3)`."""
        return f"{self.kind}({', '.join(f'{name}={_short(value)}' for name, value in self.values.items())})"

    def part(self, name: str, **more: object) -> str:
        """A part of its words, filled in; empty where there is none."""
        lesson, _dot, own = self.kind.partition(".")
        text = asked(lesson, own).get(name, "")
        return text.format_map({"answer": self.solution, **self.fields, **more}) if text else ""

    @property
    def words(self) -> str:
        """What is asked. It does not tell the answer."""
        return self.part("words")

    @property
    def hint(self) -> str:
        """What helps whoever does not know how to begin."""
        return self.part("hint")

    @property
    def because(self) -> str:
        """The derivation: how one comes to the answer."""
        return self.part("because")

    @property
    def solution(self) -> str:
        """The answer as it is read."""
        raise NotImplementedError

    @property
    def slips(self) -> tuple[Slip, ...]:
        """The usual mistakes; none of them gives the right answer."""
        raise NotImplementedError

    def read(self, given: Any) -> Any:
        """An answer as it is graded, from what a person typed or chose. Raises `Unreadable`, which is no attempt."""
        raise NotImplementedError

    def show(self, given: Any) -> str:
        """An answer as it is read by people; `given` as `read` gives it."""
        raise NotImplementedError

    def grade(self, given: Any) -> Grade:
        """Grade an answer as a person typed or chose it. Raises `Unreadable` for one that is none."""
        answer = self.read(given)
        share = self.share(answer)
        if share == 1:
            return Grade(self.points, self.points, None, _("Right."))
        slip = next((slip for slip in self.slips if self.is_same(answer, slip.answer)), None)
        return Grade(self.points * share, self.points, slip, slip.hint if slip else self.remark(answer))

    def share(self, answer: Any) -> float:
        """How much of the answer is right, from 0 to 1."""
        return float(self.is_same(answer, self.answer))

    def is_same(self, answer: Any, other: Any) -> bool:
        return answer == other

    def remark(self, answer: Any) -> str:
        """What to say to an answer that is no known slip: never that it is wrong alone."""
        return self.hint

    def slip_words(self, name: str) -> str:
        """What a slip is met with: the question's own words, or those that many questions share."""
        own = self.part(f"slip: {name}")
        return own or common_slips(name).format_map({"answer": self.solution, **self.fields})


@dataclass(frozen=True)
class Number(Question):
    """A number. `slips` names what usual mistakes give. An answer may be off by `tolerance`, a share of the true one, or by
    `within`, in its own unit; with 0 it must be exact. `shown` formats it (`:,` by default); `unit` stands behind it."""

    answer: float
    slip_values: Mapping[str, float | None] = field(default_factory=dict)
    unit: str = ""
    tolerance: float = 0.0
    shown: str = ","
    within: float = 0.0

    def __post_init__(self):
        if not math.isfinite(self.answer):
            raise ValueError(f"{self.kind}: the answer is {self.answer}")

    @property
    def solution(self) -> str:
        return self.show(self.answer)

    def show(self, given: float) -> str:
        number = int(given) if float(given).is_integer() and self.shown == "," else given
        return f"{number:{self.shown}}" + (f" {self.unit}" if self.unit else "")

    def read(self, given: Any) -> float:
        return read_number(given, self.unit) if isinstance(given, str) else float(given)

    def is_same(self, answer: float, other: float) -> bool:
        return abs(answer - other) <= max(abs(other) * self.tolerance, self.within, abs(other) * 1e-9, 1e-12)

    @property
    def slips(self) -> tuple[Slip, ...]:
        told: list[Slip] = []
        for name, value in self.slip_values.items():
            taken = [self.answer, *(slip.answer for slip in told)]
            if value is not None and not any(self.is_same(value, other) for other in taken):
                told.append(Slip(name, value, self.slip_words(name)))
        return tuple(told)

    def remark(self, answer: float) -> str:
        side = _("Too small.") if answer < self.answer else _("Too large.")
        return f"{side} {self.hint}"


@dataclass(frozen=True)
class Choice(Question):
    """One of some options, which its words list under `### options` as `- id: words`, or `names` gives: id to words."""

    answer: str
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, str]:
        """What can be chosen: id to words, in their order."""
        if self.names:
            return dict(self.names)
        lines = self.part("options").splitlines()
        return dict((part.strip() for part in line.removeprefix("- ").split(": ", 1)) for line in lines)

    @property
    def solution(self) -> str:
        return self.options[self.answer]

    def part(self, name: str, **more: object) -> str:
        if name == "options":  # they are asked for to say the answer
            lesson, _dot, own = self.kind.partition(".")
            return asked(lesson, own)["options"].format_map(self.fields)
        return super().part(name, **more)

    def show(self, given: str) -> str:
        return self.options[given]

    def read(self, given: Any) -> str:
        if given not in self.options:
            raise Unreadable(_("Choose one of the answers first."))
        return given

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(Slip(id, id, words) for id in self.options if id != self.answer and (words := self._wrong(id)))

    def _wrong(self, id: str) -> str:
        return self.part(f"slip: {id}") or self.part("slip")


NONE = "none"
"""The option of `Several` that no other one holds."""
SHORT = 60
"""Letters of answers that read well with commas between them."""


@dataclass(frozen=True)
class Several(Choice):
    """All options that hold; the last one is that none does. `slip_values` names usual wrong selections."""

    answer: Collection[str] = ()
    slip_values: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, str]:
        return super().options | {NONE: _("None of these")}

    @property
    def solution(self) -> str:
        return self.show(frozenset(self.answer))

    def show(self, given: Collection[str]) -> str:
        chosen = [words for id, words in self.options.items() if id in given]
        return (", " if len("".join(chosen)) <= SHORT else "; ").join(chosen) or self.options[NONE]

    def read(self, given: Any) -> frozenset[str]:
        if not given or isinstance(given, str) or not set(given) <= set(self.options):
            raise Unreadable(_("Choose all that hold first, or “None of these”."))
        if NONE in given and len(given) > 1:
            raise Unreadable(_("“None of these” does not go with another answer."))
        return frozenset(given) - {NONE}

    def is_same(self, answer: Collection[str], other: Collection[str]) -> bool:
        return frozenset(answer) == frozenset(other)

    def share(self, answer: frozenset[str]) -> float:
        """Each option rightly chosen, or rightly left, counts; half of them or fewer are nothing."""
        held = set(self.options) - {NONE}
        right = sum((id in answer) == (id in self.answer) for id in held)
        return max(0.0, 2 * right / len(held) - 1)

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(Slip(name, frozenset(value), self.slip_words(name)) for name, value in self.slip_values.items()
                     if not self.is_same(value, self.answer))

    def remark(self, answer: frozenset[str]) -> str:
        missing, extra = len(set(self.answer) - answer), len(answer - set(self.answer))
        found = [*([_("{count} missing").format(count=missing)] if missing else []),
                 *([_("{count} too many").format(count=extra)] if extra else [])]
        wrong = [self.part(f"slip: {id}") for id in sorted(answer - set(self.answer))]
        return f"{', '.join(found)}. {next(filter(None, wrong), self.hint)}"


@dataclass(frozen=True)
class Order(Choice):
    """All options, put in order: `answer` is the true one. `slip_values` names usual wrong orders."""

    answer: Sequence[str] = ()
    slip_values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def solution(self) -> str:
        return self.show(self.answer)

    def show(self, given: Sequence[str]) -> str:
        return " → ".join(self.options[id] for id in given)

    def read(self, given: Any) -> tuple[str, ...]:
        if isinstance(given, str) or sorted(given) != sorted(self.options):
            raise Unreadable(_("Put all {count} in order first.").format(count=len(self.options)))
        return tuple(given)

    def is_same(self, answer: Sequence[str], other: Sequence[str]) -> bool:
        return tuple(answer) == tuple(other)

    def share(self, answer: tuple[str, ...]) -> float:
        """Every pair in its right order counts; half of them or fewer are nothing."""
        place = {id: index for index, id in enumerate(self.answer)}
        pairs = [(a, b) for index, a in enumerate(answer) for b in answer[index + 1:]]
        return max(0.0, 2 * sum(place[a] < place[b] for a, b in pairs) / len(pairs) - 1)

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(Slip(name, tuple(value), self.slip_words(name)) for name, value in self.slip_values.items()
                     if not self.is_same(value, self.answer))

    def remark(self, answer: tuple[str, ...]) -> str:
        first = next(id for id, true in zip(answer, self.answer) if id != true)
        return _("“{option}” does not belong there.").format(option=self.options[first]) + f" {self.hint}"


@dataclass(frozen=True)
class Place(Choice):
    """A layer or node to point at: `names` are the places, id to words; any of `answer` is right. `slip_values` names places
    that usual mistakes lead to."""

    answer: Collection[str] = ()
    slip_values: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def solution(self) -> str:
        return _(" or ").join(self.options[id] for id in self.options if id in self.answer)

    def is_same(self, answer: str, other: Collection[str]) -> bool:
        return answer in other

    @property
    def slips(self) -> tuple[Slip, ...]:
        return tuple(Slip(name, frozenset(places), self.slip_words(name)) for name, value in self.slip_values.items()
                     if (places := set(value) - set(self.answer)))
