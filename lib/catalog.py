"""Finds every family in `lib.models`, and a network by what people call it. A file without an `ARCHITECTURE`, or one that
fails to import, fails loudly.

The exceptions are `PARTS`, which families share.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lib import models
from lib.absent import ABSENT
from lib.architecture import MOST_NAMED, Architecture, Claim, Impossible, NetworkKnobs


PARTS = frozenset({"heads", "stems"})
"""The files of `lib.models` that are no family: how networks begin and end."""

OWN = "lib.plan.own"
"""The family of networks that people make up."""


@cache
def families() -> dict[str, Architecture]:
    """Every family by its id, oldest paper first, what has no paper last."""
    files = [f"lib.models.{module.name}" for module in iter_modules(models.__path__) if module.name not in PARTS]
    found = [import_module(file).ARCHITECTURE for file in (*files, OWN)]
    return {family.id: family for family in sorted(found, key=lambda family: (not family.paper, family.paper and family.paper.year, family.id))}


@cache
def published() -> dict[str, Architecture]:
    """Every preset of a family that has a paper, with its family."""
    return {preset: family for preset, family in presets().items() if family.paper}


@cache
def presets() -> dict[str, Architecture]:
    """Every preset id, with its family."""
    return {preset: family for family in families().values() for preset in family.presets}


def get(preset: str) -> Architecture:
    """The family of a preset, by any of its names. Raises `Impossible` as `find` does."""
    return presets()[find(preset)]


def configure(preset: str, knobs: Mapping[str, Any]) -> NetworkKnobs:
    """The knobs of a preset with some of them changed. Raises `Impossible` for a wrong name or value."""
    preset = find(preset)
    return presets()[preset].knobs.read({**presets()[preset].presets[preset].knobs, **knobs})


def claims(preset: str) -> tuple[Claim, ...]:
    """What is printed about a preset."""
    preset = find(preset)
    return tuple(claim for claim in presets()[preset].claims if claim.preset == preset)


def nearest_in_print(preset: str) -> str:
    """The preset of the same family with a printed number that differs in the fewest knobs; empty if there is none."""
    own = configure(preset, {}).model_dump()
    printed = dict.fromkeys(claim.preset for claim in get(preset).claims)
    return min(printed, key=lambda other: len(own.items() - configure(other, {}).model_dump().items()), default="")


def find(name: str) -> str:
    """The preset of this name, however it is spelt: `VGG-16` is vgg16, `inception_v1` is googlenet.

    Raises `Impossible` for a name that no network has, or several have, with those that it may mean.
    """
    if name in presets():
        return name
    named = _names().get(_spelt(name), ())
    if len(named) == 1:
        return named[0]
    raise Impossible(_unknown(name))


def _spelt(name: str) -> str:
    """A name without what people spell differently: capitals, hyphens, underscores, points and spaces. Between two numbers
    one stays: `resnext50_32x4d` is not of 5032 layers."""
    apart = re.sub(r"(?<=[0-9])[^a-z0-9]+(?=[0-9])", "_", name.lower().replace("×", "x"))
    return re.sub(r"[^a-z0-9_]|(?<![0-9])_|_(?![0-9])", "", apart)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """All names as `_spelt` with the presets that they mean: a preset's id before its other names, a family's last."""
    names: dict[str, tuple[str, ...]] = {}
    for family in families().values():
        for preset, entry in family.presets.items():
            names |= {_spelt(name): (preset,) for name in (preset, *entry.also)}
    for family in families().values():
        for name in (family.id, family.name, *family.also):
            names.setdefault(_spelt(name), tuple(family.presets))
    return names


def _unknown(name: str) -> str:
    """One sentence on a name that is no network's: what it may mean, or that such networks are not here."""
    typed = name[:40]
    spelt = _spelt(typed)
    if (several := _beginning(spelt)) and len(several) > 1:
        return f"“{typed}” can be several networks: {_listed(several)}."
    if missing := next(filter(lambda missing: _begins(spelt, _spelt(missing)), ABSENT), None):
        return f"There is no {missing} in the catalogue{ABSENT[missing] and '; nearest in kind is '}{ABSENT[missing]}."
    if close := several or _close(spelt):
        return f"There is no network “{typed}”; did you mean {_listed(close)}?"
    if kin := _beginning(_word(spelt)):
        return f"There is no network “{typed}”; there are {_listed(kin)}."
    return f"There is no network “{typed}”; the families are {', '.join(family.name for family in families().values() if family.paper)}."


def _word(spelt: str) -> str:
    """The letters of a name before its first number or version: `resnet` of `resnet50d`, `mobilenet` of `mobilenetv5`."""
    return re.match("[a-z]*?(?=v?[0-9]|$)", spelt)[0]


def _begins(name: str, word: str) -> bool:
    """Whether a name begins with this word and no number is cut: `resnet200` does not begin with `resnet20`."""
    return len(word) > 1 and bool(re.match(word + "(?![0-9])" * word[-1].isdigit(), name))


def _beginning(word: str) -> list[str]:
    """The presets of which some name begins with this word."""
    return list(dict.fromkeys(preset for name, named in _names().items() if _begins(name, word) for preset in named))


def _close(spelt: str) -> tuple[str, ...]:
    """The presets of the name that this one may be a slip for. Only letters slip: a ResNet-26 is no ResNet-50, and
    ResNet's name is not a slip for ResNeSt's."""
    alike = [name for name in _names() if re.findall("[0-9]+", name) == re.findall("[0-9]+", spelt)]
    close = [] if _beginning(_word(spelt)) else get_close_matches(spelt, alike, 1, cutoff=0.75)
    return _names()[close[0]] if close else ()


def _listed(presets: Iterable[str]) -> str:
    """Names in a sentence, not too many."""
    names = list(presets)
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
