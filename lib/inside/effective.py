"""The effective receptive field of a layer's middle cell in a real network, with untrained and trained weights."""

from __future__ import annotations

import torch

from lib.inside import looking, running
from lib.inside.networks import Side, Subject
from lib.lessons.receptive_field.effective import Effective
from lib.lessons.receptive_field.gradients import backpropagate, summarize
from lib.measuring import seeded
from lib.once import once

IMAGES = 32
"""Pictures over which the gradient is averaged."""


def measurable(subject: Subject, index: int) -> bool:
    """Whether a layer has cells with a place on the picture, and a middle one."""
    field = subject.analysis().ops[index].field
    return field is not None and field.is_map


@once
def effective(subject: Subject, side: Side, index: int) -> Effective:
    """How strongly the middle cell of the operation at place `index` depends on each pixel: the mean |gradient| over pictures
    of the test. Channels are mixed at random."""
    with looking.turn, seeded(0):
        model = subject.build(side).requires_grad_(False)
        images = subject.many(IMAGES).requires_grad_()
        output = running.call_at(model, images, index).given[0]
        gradient = backpropagate(output.flatten(1, -3), images)
    rows, columns = subject.analysis().ops[index].field.middle()
    return summarize(gradient.detach(), columns, rows)
