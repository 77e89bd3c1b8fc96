"""What is seen when a network looks at a picture, computed once for all who ask, and by one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch

from lib.inside import running
from lib.inside.explain import explain
from lib.inside.networks import Side, Subject
from lib.inside.pictures import Picture
from lib.inside.sums import Made
from lib.once import once

MOST_MAPS, MOST_FEATURES = 12, 60
"""Maps that are shown at a time, and those of a single cell."""
LEVELS = 127
"""A map's numbers are shown in so many steps on either side of 0."""

turn = Lock()
"""One pass at a time, so that memory holds one network and its maps."""


@dataclass(frozen=True, eq=False)
class Maps:
    """Some maps of a layer: `levels` (maps, rows, columns) from -127 to 127, where 127 stands for `largest`, the largest
    absolute value in all maps of the layer. `first` is the number of the first one."""

    levels: np.ndarray
    largest: float
    first: int


@once
def scores(subject: Subject, side: Side, picture: Picture) -> np.ndarray:
    """The probability of each class."""
    with turn:
        return running.scores(subject.build(side), subject.normalised(subject.pixels(picture)))


@once
def maps(subject: Subject, side: Side, picture: Picture, index: int, first: int) -> Maps:
    """The maps of the operation at place `index`, as many as are shown at a time, from number `first` on."""
    found = running.as_maps(call(subject, side, picture, index).given)
    largest = found.abs().max().item()
    levels = (found[first:first + at_a_time(tuple(found.shape))] / (largest or 1) * LEVELS).round()
    return Maps(levels.numpy().astype(np.int8), largest, first)


def at_a_time(shape: tuple[int, int, int]) -> int:
    """How many maps of a layer are shown at a time."""
    return MOST_FEATURES if shape[1:] == (1, 1) else MOST_MAPS


@once
def numbers(subject: Subject, side: Side, picture: Picture, index: int, number: int) -> np.ndarray:
    """The numbers of one map, (rows, columns)."""
    return running.as_maps(call(subject, side, picture, index).given)[number].numpy().copy()


@once
def made(subject: Subject, side: Side, picture: Picture, index: int, cell: tuple[int, int, int]) -> Made | None:
    """How a cell of an operation's output came to be; None if there is no rule for it."""
    return explain(subject.analysis().ops[index], call(subject, side, picture, index), cell)


def call(subject: Subject, side: Side, picture: Picture, index: int) -> running.Call:
    with turn, torch.inference_mode():
        return running.call_at(subject.build(side), subject.normalised(subject.pixels(picture)), index)
