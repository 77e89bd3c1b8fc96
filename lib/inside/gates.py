"""Gates: numbers by which a network multiplies its channels or branches, made from the picture itself.

They are found in the trace: a product whose second factor has one cell a channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.analysis import Analysis
from lib.inside import looking, running
from lib.inside.networks import Side, Subject
from lib.inside.pictures import Picture
from lib.once import once


@dataclass(frozen=True)
class Gate:
    """A gate: the `block` that it stands in, the place `index` of the operation that gives its numbers, and how many there are
    for each channel. More than one: they choose among branches, and sum to 1."""

    block: str
    index: int
    branches: int
    channels: int


@once
def gates(analysis: Analysis) -> tuple[Gate, ...]:
    """The gates of a network, in the order of the forward pass."""
    found = []
    for op in analysis.ops:
        if op.kind == "mul" and len(op.inputs) == 2 and op.in_shapes[1][-2:] == (1, 1):
            *_, branches, channels = (1, *op.in_shapes[1][1:-2])
            found.append(Gate(op.block or op.path, op.inputs[1], branches, channels))
    return tuple(found)


@once
def gate_values(subject: Subject, side: Side, picture: Picture, gate: Gate) -> np.ndarray:
    """(branches, channels): what the gate multiplies with."""
    call = looking.call(subject, side, picture, gate.index)
    return running.as_maps(call.given).reshape(gate.branches, gate.channels).numpy()

