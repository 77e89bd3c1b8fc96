"""The five orderings of a residual unit: their blocks, what their branches and signals do before training, printed errors."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.analysis.block import Block, run_block
from lib.lessons.residual import published, rounded, short, through_depth, units
from lib.measuring import Choice, Measurement, Progress, quiet, seeded
from lib.models.resnet_v2 import UNITS, BNAfterAddition, FullPreactivation, ReLUBeforeAddition
from lib.once import once

NAMES = {"original": "(a) original", "bn_after_addition": "(b) BN after addition",
         "relu_before_addition": "(c) ReLU before addition", "relu_only": "(d) ReLU-only pre-activation",
         "full": "(e) full pre-activation"}
"""The captions of the paper's Fig. 4."""
DEPTH, SEED = Choice(("110", "164"), "110"), Choice((0, 1, 2, 3, 4), 0)
PIXELS = 32
"""Height and width of CIFAR's images."""
IMAGES = 2
"""Random images in the batch that goes through each network once."""


def preset(depth: str, ordering: str) -> str:
    """The CIFAR network of this depth and ordering."""
    letter = NAMES[ordering][1]
    return f"resnetv2_{depth}_cifar" + ("" if ordering == "full" else f"_{letter}")


@once
def blocks(depth: str) -> dict[str, Block]:
    """A unit of the first stage in each ordering: two 3x3 at depth 110, a bottleneck at 164."""
    bottleneck, channels, size = depth == "164", 16, PIXELS
    outer = 4 * channels if bottleneck else channels
    return {ordering: run_block(lambda: unit(outer, channels, bottleneck=bottleneck), outer, size)
            for ordering, unit in UNITS.items()}


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


def branch_end(unit: nn.Module) -> nn.Module:
    """The module whose output a unit adds to its shortcut."""
    if isinstance(unit, ReLUBeforeAddition):
        return unit.relu
    return unit.convs[-1] if isinstance(unit, (BNAfterAddition, FullPreactivation)) else unit.norms[-1]


def over_units(courses: tuple[Course, ...], quantity: str) -> tuple[list[int], dict[str, tuple[float, ...]]]:
    """The numbers of the units, and one quantity of a Course there for each ordering."""
    return list(range(1, len(courses[0].signals) + 1)), {
        NAMES[course.ordering]: getattr(course, quantity) for course in courses}


@once
def course_table(courses: tuple[Course, ...]) -> pd.DataFrame:
    """What was measured: a row for each ordering."""
    return pd.DataFrame([{
        "Ordering": NAMES[course.ordering], "F below zero, %": f"{course.negative:.1f}",
        "Signal after the first unit": f"{course.signals[0]:.2f}", "After the last": f"{course.signals[-1]:.2f}",
        "Gradient after the last unit": short(course.gradients[-1]), "After the first": short(course.gradients[0]),
        "First / last": rounded(course.growth), "Sum is off by": course.written_remainder} for course in courses])


@once
def course_fields(depth: str, courses: tuple[Course, ...]) -> dict[str, object]:
    """The numbers that the text speaks of, by the letter of the ordering."""
    fields: dict[str, object] = {"depth": depth, "images": IMAGES, "size": f"{PIXELS} × {PIXELS}", "units": len(courses[0].signals)}
    for course in courses:
        letter = NAMES[course.ordering][1]
        fields |= {f"negative_{letter}": f"{course.negative:.1f}", f"signal_{letter}": f"{course.signals[-1]:.1f}",
                   f"off_{letter}": course.written_remainder}
    calm, wild = (chosen(courses, key=lambda course: course.growth) for chosen in (min, max))
    return fields | {"calm": NAMES[calm.ordering], "calm_growth": rounded(calm.growth), "wild": NAMES[wild.ordering],
                     "wild_growth": rounded(wild.growth), "calm_error": f"{error(calm.ordering, depth):.2f}",
                     "e_growth": rounded(courses[-1].growth), "e_error": f"{error('full', depth):.2f}"}


def error(ordering: str, depth: str) -> float:
    """The test error on CIFAR-10 that the paper prints."""
    return published()["orderings"][ordering][depth]


def printed_errors() -> dict[str, list[float]]:
    """The paper's Table 2: errors of the five orderings for each depth."""
    return {f"ResNet-{depth}": [error(ordering, depth) for ordering in NAMES] for depth in DEPTH.values}


@once
def error_table() -> pd.DataFrame:
    """Table 2: a row for each ordering, and how far it is from the original unit."""
    rows = []
    for ordering, name in NAMES.items():
        row = {"Ordering": name}
        for depth in DEPTH.values:
            row |= {f"{depth} layers, %": f"{error(ordering, depth):.2f}",
                    f"against (a), {depth}": f"{error(ordering, depth) - error('original', depth):+.2f}"}
        rows.append(row)
    return pd.DataFrame(rows)


@once
def depth_table() -> pd.DataFrame:
    """The paper's Table 3: the original unit and full pre-activation at three depths."""
    printed = published()["depths"]
    return pd.DataFrame([{"Layers": depth, "(a) original, %": f"{printed['original'][depth]:.2f}",
                          "(e) full pre-activation, %": f"{printed['full'][depth]:.2f}"} for depth in printed["full"]])


MEASUREMENTS = (Measurement(measure, (DEPTH, SEED)),)
