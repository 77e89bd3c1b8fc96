"""The rule of thumb that a training step costs three times the forward pass, judged network by network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib import catalog
from lib.analysis.atlas import totals
from lib.once import once

RULE = 3
"""Times the forward pass: once forward, and once for each of the two gradients."""


@dataclass(frozen=True)
class Judged:
    """A network and how many times its forward pass a training step takes."""

    preset: str
    ratio: float

    @property
    def first_share(self) -> float:
        """The share of the forward pass that its first layers make, whose input needs no gradient (0 to 1)."""
        return RULE - self.ratio

    @property
    def off(self) -> float:
        """By which part of the true number the rule is above it (0.01 is one percent)."""
        return RULE / self.ratio - 1


@once
def catalogue() -> tuple[Judged, ...]:
    """Every network of the catalogue for which the ratio is known, the furthest off first."""
    known = {preset: totals(preset) for preset in catalog.published()}
    judged = [Judged(preset, each.training_macs / each.macs) for preset, each in known.items()
              if each.macs and each.training_macs is not None]
    return tuple(sorted(judged, key=lambda each: each.ratio))


def further_off(judged: Sequence[Judged], than: float) -> int:
    """For how many networks the rule is off by more `than` this part."""
    return sum(each.off > than for each in judged)
