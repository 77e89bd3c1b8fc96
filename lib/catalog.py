"""Finds every family in `lib.models`. A file without an `ARCHITECTURE`, or one that fails to import, fails loudly.

The one exception is `heads`, a part that families share.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lib import models
from lib.architecture import Architecture, Claim, Impossible, NetworkKnobs


@cache
def families() -> dict[str, Architecture]:
    """Every family by its id, oldest paper first."""
    names = [module.name for module in iter_modules(models.__path__) if module.name != "heads"]
    found = [import_module(f"lib.models.{name}").ARCHITECTURE for name in names]
    return {family.id: family for family in sorted(found, key=lambda family: (family.paper.year, family.id))}


@cache
def presets() -> dict[str, Architecture]:
    """Every preset id, with its family."""
    return {preset: family for family in families().values() for preset in family.presets}


def get(preset: str) -> Architecture:
    """The family of a preset. Raises `Impossible` for an unknown id, with the nearest known one."""
    if preset in presets():
        return presets()[preset]
    close = get_close_matches(preset, presets(), 1, cutoff=0.4)
    hint = f"did you mean {close[0]}?" if close else f"the presets are {', '.join(presets())}."
    raise Impossible(f"There is no network “{preset[:40]}”; {hint}")


def configure(preset: str, knobs: Mapping[str, Any]) -> NetworkKnobs:
    """The knobs of a preset with some of them changed. Raises `Impossible` for a wrong name or value."""
    family = get(preset)
    return family.knobs.read({**family.presets[preset].knobs, **knobs})


def claims(preset: str) -> tuple[Claim, ...]:
    """What is printed about a preset."""
    return tuple(claim for claim in get(preset).claims if claim.preset == preset)


def nearest_in_print(preset: str) -> str:
    """The preset of the same family with a printed number that differs in the fewest knobs; empty if there is none."""
    own = configure(preset, {}).model_dump()
    printed = dict.fromkeys(claim.preset for claim in get(preset).claims)
    return min(printed, key=lambda other: len(own.items() - configure(other, {}).model_dump().items()), default="")
