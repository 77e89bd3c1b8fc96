"""What the words of a plan have in common: their values in a text, and the one call of torch or of the catalogue that each
stands for. The words themselves are in `lib/plan/language.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field
from pydantic_core import PydanticUndefined
from torch import nn

from lib.architecture import Declared, Impossible, sides, sides_from
from lib.trace import shape_text

Shape = tuple[int, ...]
"""What arrives at a row, without the batch: (C, H, W) of a map, or (features,) of a vector."""


class Unfit(Impossible):
    """A row that cannot take what arrives. The message says what arrives, what is expected, and the arithmetic. `too_large`
    tells that it would take less of the same."""

    too_large = False


@dataclass(frozen=True)
class Call:
    """A call that makes a module: `nn.Conv2d(3, 64, 3, padding=1)`."""

    makes: Callable[..., nn.Module]
    given: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> nn.Module:
        """The module, with initial weights of its own."""
        return self.makes(*self.given, **self.named)

    @property
    def told(self) -> dict[str, Any]:
        """The named arguments that are not what the constructor takes by itself."""
        usual = _defaults(self.makes)
        return {name: value for name, value in self.named.items() if name not in usual or usual[name] != value}


@cache
def _defaults(makes: Callable) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in reversed(inspect.getmro(makes)) if isinstance(makes, type) else [makes]:
        build = vars(each).get("__init__") if isinstance(each, type) else each
        if build:
            found |= {name: given.default for name, given in inspect.signature(build).parameters.items()
                      if given.default is not inspect.Parameter.empty}
    return found


class Word(Declared):
    """A word of the language. Its fields are its values: those without a default are written in order, the others by name.

    `title` is what people call it, `group` where it is listed, `usual` the row that a new one begins as. The docstring is
    the help.
    """

    title: ClassVar[str]
    group: ClassVar[str] = "Layers"
    usual: ClassVar[str]

    @classmethod
    def name(cls) -> str:
        """How the word is written: the first of `usual`."""
        return cls.usual.split()[0]

    @classmethod
    def positional(cls) -> tuple[str, ...]:
        """The fields that are written in order, without a name."""
        return _positional(cls)

    @classmethod
    def spoken(cls, given: list[str], named: Mapping[str, str]) -> Self:
        """The word with these values. Raises `Impossible` with one sentence for a wrong one."""
        names = cls.positional()
        if len(given) < len(names):
            missing = " and ".join(f"its {cls.model_fields[name].title.lower()}" for name in names[len(given):])
            raise Impossible(f"“{cls.name()}” needs {missing}, as in “{cls.usual}”.")
        if len(given) > len(names):
            raise Impossible(f"“{given[len(names)][:40]}” has no place in “{cls.name()}”; an example is “{cls.usual}”.")
        for name in named:
            if name in names:
                raise Impossible(f"“{name}” stands without its name in “{cls.name()}”, as in “{cls.usual}”.")
            if name not in cls.model_fields:
                options = [other for other in cls.model_fields if other not in names]
                raise Impossible(f"“{cls.name()}” has no value “{name[:40]}”; "
                                 + (f"it has {', '.join(options)}." if options else "it has none beside those in order."))
        return cls.read(dict(zip(names, given)) | dict(named))

    def written(self) -> str:
        """The word as it stands in a plan, without values that are what they are by themselves, or by those before them."""
        said = {name: getattr(self, name) for name in self.positional()}
        usual = self.read(said)
        for name, value in self:
            if value != getattr(usual, name):
                said[name] = value
                usual = self.read(said)
        named = [f"{name}={self.value_text(name)}" for name in said if name not in self.positional()]
        return " ".join([self.name(), *map(self.value_text, self.positional()), *named])

    def value_text(self, name: str) -> str:
        """One value as a plan writes it: `3x3`, `yes`."""
        value = getattr(self, name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if name in BOTH and isinstance(value, int):
            return f"{value}x{value}"
        if isinstance(value, float):
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        return str(value)

    def call(self, shape: Shape) -> Call:
        """The call that makes its module where `shape` arrives. Raises `Unfit`."""
        raise NotImplementedError


BOTH = frozenset({"kernel", "size", "cells"})
"""Fields of which a plan writes height and width also where they are equal: `3x3`."""


@cache
def _positional(word: type[Word]) -> tuple[str, ...]:
    return tuple(name for name, declared in word.model_fields.items()
                 if declared.default is PydanticUndefined and declared.default_factory is None)


def text_of(shape: Shape) -> str:
    """A shape in words: `64×56×56`, or `400 numbers`."""
    return shape_text((1, *shape)) if len(shape) == 3 else f"{shape[0]:,} numbers"


# Values that several words have

Channels = Annotated[int, Field(ge=1, le=16_384, title="Channels", description="Filters: channels of the output.")]
Kernel = Annotated[sides_from(1, 64), Field(title="Kernel", description="Height × width of the window, in cells.")]
Stride = Annotated[sides_from(1, 64), Field(title="Stride", description="Cells from one window to the next.")]
Padding = Annotated[sides_from(0, 64, "same"), Field(title="Padding", description=(
    "Zeros on every side. same: as many as keep the size at stride 1."))]
Dilation = Annotated[sides_from(1, 64), Field(title="Dilation", description="Cells from one row of the kernel to the next.")]
Groups = Annotated[int, Field(ge=1, le=16_384, title="Groups", description=(
    "Parts of the channels that stay among themselves; as many as channels: a depthwise convolution."))]
Bias = Annotated[bool, Field(title="Bias", description="One number more for each output channel.")]


def both(value: int | str) -> int | tuple[int, int]:
    """A height and a width as torch takes them: one number where they are equal."""
    return value if isinstance(value, int) else sides(value)


def channels_of(shape: Shape, word: Word) -> int:
    """The channels of a map that arrives. Raises `Unfit` for a vector."""
    if len(shape) != 3:
        raise Unfit(f"{text_of(shape)} arrive, without height and width, and {word.name()} reads a map.")
    return shape[0]


def whole(channels: int, parts: int, what: str) -> None:
    """Raises `Unfit` where channels do not go into equal parts."""
    if channels % parts:
        raise Unfit(f"{what} {channels} channels do not go into {parts} equal parts: "
                    f"{channels} / {parts} = {channels / parts:.4g}.")


def padded(padding: int | str, kernel: int | str, dilation: int | str = 1) -> int | tuple[int, int]:
    """A padding in cells. Raises `Unfit` where `same` has no half."""
    if padding != "same":
        return both(padding)
    reach = [(k - 1) * d for k, d in zip(sides(kernel), sides(dilation))]
    if odd := [each for each in reach if each % 2]:
        raise Unfit(f"padding=same puts half of (k − 1)·d on each side, and {odd[0]} has no whole half: "
                    f"the kernel {kernel} is even.")
    return both(reach[0] // 2 if reach[0] == reach[1] else f"{reach[0] // 2}x{reach[1] // 2}")
