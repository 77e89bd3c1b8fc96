"""Goals on a network of one's own: a quantity, a comparison and a value, judged by what the built network really has.

A goal is also a short text, which the data file and links hold:

    params<=20000           at most so many parameters
    field>=65               a receptive field of at least 65 pixels, on both sides
    kernel=3                every convolution is 3×3
    macs=resnet50~5         the multiply-adds of resnet50, within 5 %
    params<=50%lenet5       at most half of the parameters of lenet5
    macs<=12.5%start        at most an eighth of the multiply-adds of the plan that one begins with
    output=512x7x7          this output; 10 would be ten numbers
    image=3x224x224         this picture
    only=conv,relu          no other words; picture, branch, repeat and stage are always free
    with=globalpool         these words stand in the plan
    without=flatten         these words do not
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, inf
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, model_validator

import lib
from lib import catalog
from lib.analysis.counts import QUANTITIES, Quantity, Values
from lib.architecture import Declared, Impossible
from lib.once import once
from lib.plan.language import WORDS, BranchRow, Image, Repeat, Row, Stage
from lib.plan.standing import Standing, whole


@dataclass(frozen=True)
class Verdict:
    """What became of a goal. `passed` is None where nothing counts yet, or the number is unknown. `own` is what the network
    has, `wanted` what it should have, `off` by how much it is not that, and `words` all of it in a sentence."""

    goal: Goal
    passed: bool | None
    own: str
    wanted: str
    off: str
    words: str


class Goal(Declared):
    """A line to pass. Its fields are what a form asks for; `start` is the plan to begin with, as a text."""

    @property
    def title(self) -> str:
        """What the goal is about."""
        raise NotImplementedError

    @property
    def total(self) -> str:
        """The total of an `Analysis` that its verdict tells; empty if none."""
        return ""

    def written(self) -> str:
        """The goal as a text, which `read_goal` reads."""
        raise NotImplementedError

    def wanted(self, start: str = "") -> str:
        """What is wanted, in words."""
        raise NotImplementedError

    def compared(self, built: Standing, start: str) -> tuple[bool | None, str, str]:
        """Whether what stands passes (None: unknown), what it has, and by how much it is off."""
        raise NotImplementedError

    def judged(self, built: Standing, start: str = "") -> Verdict:
        """The verdict on a plan. One that builds no network passes nothing."""
        wanted = self.wanted(start)
        if built.analysis is None:
            return Verdict(self, None, "", wanted, "", f"{self.title}: not counted yet; wanted: {wanted}; {built.why}.")
        passed, own, off = self.compared(built, start)
        if built.why:
            return Verdict(self, None, own, wanted, "", f"{self.title}: {own} so far; wanted: {wanted}; {built.why}.")
        return Verdict(self, passed, own, wanted, off, f"{self.title}: {own}; wanted: {wanted}{off and f'; {off}'}.")


# Numbers

Comparison = Literal["at least", "at most", "exactly"]
SIGNS: dict[str, Comparison] = {">=": "at least", "<=": "at most", "=": "exactly"}

START = "start"
"""Stands for the plan to begin with, where a network is named."""


def _network(value: Any) -> str:
    if str(value) in ("", START):
        return str(value)
    preset = catalog.find(str(value)[:60])
    if preset not in catalog.published():
        raise Impossible(f"A goal cannot be measured by “{preset}”; take a network of the catalogue.")
    return preset


Percent = Annotated[float, AfterValidator(lambda percent: round(percent, 2))]


class Amount(Goal):
    """A quantity against a number, or against what a network of the catalogue, or the plan to begin with, has of it. Where a
    quantity is several numbers, such as two sides, each of them has to pass."""

    quantity: Literal["params", "macs", "memory", "layers", "field", "gaps", "convs", "linears", "pools", "adds", "joins",
                      "kernel", "groups"] = Field(title="Quantity", description="What is counted.")
    comparison: Comparison = Field("at most", title="Comparison", description="On which side of the value it should be.")
    value: int = Field(0, ge=0, le=10**12, title="Value", description="In plain units: one parameter, one byte, one pixel.")
    network: Annotated[str, PlainValidator(_network)] = Field("", title="Network", description=(
        "Takes the value from a network of the catalogue; start: from the plan to begin with."))
    percent: Percent = Field(100.0, ge=0.01, le=1000, title="Percent", description="Of what that network has.")
    tolerance: Percent = Field(0.0, ge=0, le=50, title="Within", description="Percent by which it may be off.")

    @model_validator(mode="after")
    def fits_together(self) -> Amount:
        if self.tolerance and self.comparison != "exactly":
            raise Impossible("Only a goal that wants exactly a value can be within some percent of it.")
        if self.value and self.network:
            raise Impossible("A goal has a value of its own, or that of a network, and not both.")
        if self.percent != 100 and not self.network:
            raise Impossible("A goal in percent needs a network.")
        return self

    @property
    def counted(self) -> Quantity:
        """The quantity, with its title, help and unit."""
        return QUANTITIES[self.quantity]

    @property
    def title(self) -> str:
        return self.counted.title

    @property
    def total(self) -> str:
        return self.counted.total

    def written(self) -> str:
        sign = next(sign for sign, name in SIGNS.items() if name == self.comparison)
        percent = "" if self.percent == 100 else f"{self.percent:g}%"
        within = f"~{self.tolerance:g}" if self.tolerance else ""
        return f"{self.quantity}{sign}{percent}{self.network or self.value}{within}"

    def limits(self, start: str = "") -> tuple[float, float] | None:
        """The least and the most that pass; None where the network's own number is unknown. Parts of one do not count."""
        has = _had_by(self.quantity, self.network, start if self.network == START else "") if self.network else self.value
        if has is None:
            return None
        wanted = has * Fraction(str(self.percent)) / 100
        off = wanted * Fraction(str(self.tolerance)) / 100
        if self.comparison == "exactly":
            return min(round(wanted), ceil(wanted - off)), max(round(wanted), floor(wanted + off))
        return (ceil(wanted), inf) if self.comparison == "at least" else (0, floor(wanted))

    def wanted(self, start: str = "") -> str:
        limits = self.limits(start)
        if limits is None:
            return f"{self.comparison} unknown{self._source()}"
        low, high = limits
        if low < high and self.comparison == "exactly":
            return f"from {low:,} to {self.counted.number(high)}{self._source()}"
        return f"{self.comparison} {self.counted.number(low if self.comparison == 'at least' else high)}{self._source()}"

    def _source(self) -> str:
        """Where the value is from: ` (50 % of lenet5)`."""
        if not self.network:
            return ""
        named = "the plan to begin with" if self.network == START else self.network
        within = f", within {self.tolerance:g} %" if self.tolerance else ""
        return f" ({'as' if self.percent == 100 else f'{self.percent:g} % of'} {named}{within})"

    def compared(self, built: Standing, start: str) -> tuple[bool | None, str, str]:
        limits, values = self.limits(start), self.counted.of(built.analysis)
        own = self.counted.said(values)
        if limits is None or None in values:
            return None, own, ""
        off = self._off(values, *limits) if values else "there is none yet"
        return not off, own, off

    def _off(self, values: Values, low: float, high: float) -> str:
        """By how much values are below or above the limits; empty where they are within."""
        if min(values) < low:
            return f"{self.counted.number(low - min(values))} {self.counted.short}"
        return f"{self.counted.number(max(values) - high)} {self.counted.over}" if max(values) > high else ""


@once
def _had_by(quantity: str, network: str, start: str) -> int | None:
    """What a network of the catalogue, or the plan to begin with, has of a quantity, the largest where it has several. None
    where that is unknown, or the plan builds no network."""
    analysis = lib.analyze(network) if network != START else whole(start) if start else None
    values = QUANTITIES[quantity].of(analysis) if analysis else ()
    return max(values) if values and None not in values else None


# Shapes

def _shape(value: Any) -> str:
    written = str(value).replace("×", "x")
    if not re.fullmatch("[1-9][0-9]{0,7}(x[1-9][0-9]{0,4}x[1-9][0-9]{0,4})?", written):
        raise Impossible(f"“{written[:40]}” is no shape: write channels x height x width, such as 512x7x7, or one number.")
    return written


class ShapeGoal(Goal):
    """What the network gives, or what it reads."""

    quantity: Literal["output", "image"] = Field("output", title="Of what", description=(
        "output: of the last row; image: the picture."))
    shape: Annotated[str, PlainValidator(_shape)] = Field("10", title="Shape", description=(
        "Channels x height x width, or one number: classes."))

    @property
    def title(self) -> str:
        return "Output" if self.quantity == "output" else "Picture"

    def written(self) -> str:
        return f"{self.quantity}={self.shape}"

    def wanted(self, start: str = "") -> str:
        return f"exactly {_as_read(self.shape)}"

    def compared(self, built: Standing, start: str) -> tuple[bool | None, str, str]:
        shape = built.analysis.ops[-1].out_shapes[0] if self.quantity == "output" else built.analysis.input_shape
        own = "x".join(map(str, shape[1:]))
        return own == self.shape, _as_read(own), _differing(own.split("x"), self.shape.split("x"))


def _differing(own: list[str], wanted: list[str]) -> str:
    if len(own) != len(wanted):
        return "a row of numbers is wanted, not a map" if len(wanted) == 1 else "a map is wanted, not a row of numbers"
    names = ("channels", "height", "width") if len(wanted) == 3 else ("number",)
    differ = [name for name, had, each in zip(names, own, wanted) if had != each]
    return f"other {', '.join(differ)}" if differ else ""


def _as_read(shape: str) -> str:
    return shape.replace("x", "×") if "x" in shape else f"{int(shape):,} numbers"


# Words

FREE = frozenset(word.name() for word in (Image, BranchRow, Repeat, Stage))
"""Words that compute nothing; no goal speaks of them."""


def _words(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, (tuple, list)) else ()
    words = tuple(dict.fromkeys(str(word).strip() for word in given))
    for word in words:
        if word not in WORDS or word in FREE:
            raise Impossible(f"“{word[:40]}” is no word that a goal can speak of.")
    if not words:
        raise Impossible("A goal on words names at least one of them.")
    return words


class WordsGoal(Goal):
    """Words that alone may stand in the plan, that must, or that may not."""

    quantity: Literal["only", "with", "without"] = Field("only", title="Words", description=(
        "only: no others; with: each of them; without: none of them."))
    words: Annotated[tuple[str, ...], PlainValidator(_words)] = Field(("conv", "relu"), title="Which", description=(
        "Words of the language; picture, branch, repeat and stage are always free."))

    @property
    def title(self) -> str:
        return "Words"

    def written(self) -> str:
        return f"{self.quantity}={','.join(self.words)}"

    def wanted(self, start: str = "") -> str:
        return f"{self.quantity} {', '.join(self.words)}"

    def compared(self, built: Standing, start: str) -> tuple[bool | None, str, str]:
        used, named = words_of(built.plan.rows) - FREE, set(self.words)
        wrong = {"only": used - named, "with": named - used, "without": used & named}[self.quantity]
        off = f"{', '.join(sorted(wrong))} {'missing' if self.quantity == 'with' else 'not allowed'}" if wrong else ""
        return not wrong, ", ".join(sorted(used)), off


def words_of(rows: Iterable[Row]) -> set[str]:
    """The words of rows, and of the rows within them."""
    return {name for row in rows for name in (row.word.name(), *words_of(row.rows))}


# Text

NAMES: dict[str, type[Goal]] = {name: kind for kind in (Amount, ShapeGoal, WordsGoal)
                                for name in kind.model_fields["quantity"].annotation.__args__}
"""What a goal can be about, with the class of such goals."""

GOAL = re.compile(r"([a-z]+)\s*(<=|>=|=)\s*(\S.*)", re.ASCII)
VALUE = re.compile(r"(?:([0-9]{1,4}(?:\.[0-9]{1,2})?)%)?(\w{1,60})(?:~([0-9]{1,2}(?:\.[0-9]{1,2})?))?", re.ASCII)


def read_goal(text: str) -> Goal:
    """The goal that a text says. Raises `Impossible` with one sentence."""
    parts = GOAL.fullmatch(text.strip())
    if not parts:
        raise Impossible(f"“{text.strip()[:40]}” is no goal; some are params<=20000, field>=65 and output=10.")
    name, sign, value = parts.groups()
    if name not in NAMES:
        raise Impossible(f"“{name[:40]}” is nothing that a goal can be about; there are {', '.join(NAMES)}.")
    if NAMES[name] is Amount:
        return _read_amount(name, sign, value)
    if sign != "=":
        raise Impossible(f"A goal on {name} has the sign = and no other.")
    return NAMES[name].read({"quantity": name, "shape" if NAMES[name] is ShapeGoal else "words": value})


def _read_amount(name: str, sign: str, value: str) -> Amount:
    parts = VALUE.fullmatch(value)
    if not parts:
        raise Impossible(f"“{value[:40]}” is no value of a goal; some are 20000, resnet50, 50%resnet50 and resnet50~5.")
    percent, whole, tolerance = parts.groups()
    said = {"value" if whole.isdigit() else "network": whole, "percent": percent, "tolerance": tolerance}
    return Amount.read({"quantity": name, "comparison": SIGNS[sign]} | {field: each for field, each in said.items() if each})


def read_goals(text: str) -> tuple[Goal, ...]:
    """Goals with semicolons between them. Raises `Impossible` with one sentence."""
    return tuple(read_goal(part) for part in text.split(";") if part.strip())


def write_goals(goals: Iterable[Goal]) -> str:
    """Goals as a text."""
    return "; ".join(goal.written() for goal in goals)
