"""Published accuracies beside networks: those of exactly this network, and its preset's that were measured with other knobs.

All are of single crops of ImageNet's validation images. Pure functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib import catalog
from lib.analysis import Analysis
from lib.analysis.atlas import protocols
from lib.analysis.comparison import value_text
from lib.architecture import Architecture, NetworkKnobs, Result
from lib.once import once


@once
def results(family: Architecture, knobs: NetworkKnobs) -> tuple[Result, ...]:
    """The results of the one network that a family builds from these knobs; of most with turned knobs there is none."""
    return tuple(result for result in family.results if catalog.configure(result.preset, result.knobs) == knobs)


def variants(family: Architecture, knobs: NetworkKnobs) -> tuple[Result, ...]:
    """Where these are the knobs of a preset: the results that are printed of it, and were measured with others turned. They
    belong to another network, so what was turned must be said: `turned`."""
    return tuple(result for result in family.results if catalog.configure(result.preset, {}) == knobs
                 and catalog.configure(result.preset, result.knobs) != knobs)


def turned(result: Result) -> str:
    """The knobs that a result has on top of its preset, in words: `Stride in the 1x1: on`; empty for none."""
    fields = catalog.get(result.preset).knobs.model_fields
    return ", ".join(f"{fields[name].title}: {value_text(value)}" for name, value in result.knobs.items())


@dataclass(frozen=True)
class Entry:
    """What is published of a network under one protocol; None where nothing is. It is then `unknown` where knobs are turned,
    as nobody is known to have trained that network. `same` tells that the result is of this very network, no variant's."""

    result: Result | None
    same: bool
    unknown: bool


def by_protocol(analyses: Sequence[Analysis]) -> dict[str, list[Entry]]:
    """What is published of each network, for each protocol that one of them has a result of; the commonest protocol first."""
    found = {protocol: [_entry(analysis, protocol) for analysis in analyses] for protocol in protocols()}
    return {protocol: entries for protocol, entries in found.items() if any(entry.result for entry in entries)}


def _entry(analysis: Analysis, protocol: str) -> Entry:
    family, knobs = analysis.architecture, analysis.knobs
    same = [result for result in results(family, knobs) if result.protocol == protocol]
    other = [result for result in variants(family, knobs) if result.protocol == protocol]
    return Entry(next(iter(same + other), None), bool(same), _is_turned(analysis))


def is_unknown(analysis: Analysis) -> bool:
    """Whether knobs are turned and nobody has published an accuracy for them."""
    return _is_turned(analysis) and not results(analysis.architecture, analysis.knobs)


def _is_turned(analysis: Analysis) -> bool:
    """Whether some knob is not as its preset has it."""
    return analysis.knobs != catalog.configure(analysis.preset, {})
