"""What the signals, branches and gradients of the five orderings do before training."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.lessons.preactivation.errors import error
from lib.lessons.preactivation.orderings import DEPTHS, NAMES, PIXELS, branch_end, letter, preset
from lib.lessons.residual.signals import rounded, short, through_depth, units
from lib.measuring import Measured, Progress, quiet, seeded
from lib.models.resnet_v2 import UNITS
from lib.once import once
from lib.text import _

IMAGES = 2
"""Random images in the batch that goes through each network once."""


@dataclass(frozen=True)
class Course:
    """What a network does before training, unit by unit.

    `signals`: root mean square of x after each unit; `branches`: that of F, what the unit adds; `negatives`: the share
    of F below zero, in percent; `gradients`: norm of the loss's gradient after each unit. `remainder`: how far x at the
    end of the last stage is from x after that stage's first unit plus all F since, relative to x: zero by Eq. (4) of
    the paper if nothing acts on the sum.
    """

    ordering: str
    signals: tuple[float, ...]
    branches: tuple[float, ...]
    negatives: tuple[float, ...]
    gradients: tuple[float, ...]
    remainder: float

    @property
    def growth(self) -> float:
        """How many times as large the gradient after the first unit is as that after the last."""
        return self.gradients[0] / self.gradients[-1]

    @property
    def negative(self) -> float:
        """The share of negative values in F over all units, in percent."""
        return sum(self.negatives) / len(self.negatives)

    @property
    def written_remainder(self) -> str:
        """The remainder in percent; what float32 rounds away is none."""
        return "0" if self.remainder < ROUNDING else f"{100 * self.remainder:.0f} %"


ROUNDING = 1e-5


def measure(depth: str, seed: int, progress: Progress = quiet) -> tuple[Course, ...]:
    """All five orderings, each run once forward and backward on the same random images."""
    courses = []
    for index, ordering in enumerate(UNITS):
        progress(index / len(UNITS))
        with seeded(seed):
            images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(10, (IMAGES,))
            network = lib.build(preset(depth, ordering))
        courses.append(_course(ordering, network, images, labels))
    return tuple(courses)


def at_both_depths(seed: int, progress: Progress = quiet) -> dict[str, tuple[Course, ...]]:
    """The five orderings at each depth of the paper."""
    return {depth: measure(depth, seed, lambda share, before=before: progress((before + share) / len(DEPTHS)))
            for before, depth in enumerate(DEPTHS)}


COURSES = Measured(measure, _("Running the five networks forward and backward"))
BOTH = Measured(at_both_depths, _("Running the five networks at both depths"))


def _course(ordering: str, network: nn.Module, images: Tensor, labels: Tensor) -> Course:
    outputs, added = [], {}

    def remember(unit: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        outputs.append(output.detach().clone())

    hooks = [unit.register_forward_hook(remember) for unit in units(network)]
    for index, unit in enumerate(units(network)):
        # A unit's one ReLU runs several times; the last time counts.
        hooks.append(branch_end(unit).register_forward_hook(
            lambda module, inputs, output, index=index: added.update({index: output.detach().clone()})))
    signals, gradients = through_depth(network, images, labels)
    for hook in hooks:
        hook.remove()
    start = len(units(network)) - len(network.layer3)
    since = sum(added[index] for index in range(start + 1, len(outputs)))
    return Course(
        ordering, signals, tuple(added[index].square().mean().sqrt().item() for index in sorted(added)),
        tuple(100 * (added[index] < 0).float().mean().item() for index in sorted(added)), gradients,
        ((outputs[-1] - outputs[start] - since).norm() / outputs[-1].norm()).item())


def over_units(courses: tuple[Course, ...], quantity: str) -> tuple[list[int], dict[str, tuple[float, ...]]]:
    """The numbers of the units, and one quantity of a Course there for each ordering, by its letter."""
    return list(range(1, len(courses[0].signals) + 1)), {
        f"({letter(course.ordering)})": getattr(course, quantity) for course in courses}


def of(courses: tuple[Course, ...], ordering: str) -> Course:
    """The one of this ordering."""
    return next(course for course in courses if course.ordering == ordering)


@once
def course_table(courses: tuple[Course, ...]) -> pd.DataFrame:
    """What was measured: a row for each ordering. Each step shows the columns that it speaks of."""
    return pd.DataFrame([{
        "Ordering": NAMES[course.ordering], "F below zero, %": f"{course.negative:.1f}",
        "Signal after the first unit": f"{course.signals[0]:.2f}", "After the last": f"{course.signals[-1]:.2f}",
        "Gradient after the last unit": short(course.gradients[-1]), "After the first": short(course.gradients[0]),
        "First / last": rounded(course.growth), "Sum is off by": course.written_remainder} for course in courses])


def run_fields(depth: str, courses: tuple[Course, ...]) -> dict[str, object]:
    """What was run."""
    return {"depth": depth, "images": IMAGES, "size": f"{PIXELS} × {PIXELS}", "units": len(courses[0].signals)}


@once
def growth_table(both: dict[str, tuple[Course, ...]]) -> pd.DataFrame:
    """How much the gradient grows from the last unit to the first: a row for each ordering, a column for each depth."""
    return pd.DataFrame([{"Ordering": name} | {
        f"{depth} layers, first / last": rounded(of(courses, ordering).growth) for depth, courses in both.items()}
        for ordering, name in NAMES.items()])


@once
def course_fields(depth: str, courses: tuple[Course, ...]) -> dict[str, object]:
    """The numbers that the text speaks of, by the letter of the ordering."""
    fields: dict[str, object] = run_fields(depth, courses)
    for course in courses:
        each = letter(course.ordering)
        fields |= {f"negative_{each}": f"{course.negative:.1f}", f"signal_{each}": f"{course.signals[-1]:.1f}",
                   f"off_{each}": course.written_remainder}
    calm, wild = (chosen(courses, key=lambda course: course.growth) for chosen in (min, max))
    return fields | {"calm": NAMES[calm.ordering], "calm_growth": rounded(calm.growth), "wild": NAMES[wild.ordering],
                     "wild_growth": rounded(wild.growth), "calm_error": f"{error(calm.ordering, depth):.2f}",
                     "e_growth": rounded(courses[-1].growth), "e_error": f"{error('full', depth):.2f}"}
