"""Signals through deep networks with and without norms, before training."""

from __future__ import annotations

import pandas as pd
import torch

import lib
from lib.lessons.residual.signals import IMAGES, PIXELS, Start, rounded, short, through_depth
from lib.measuring import Progress, quiet, seeded
from lib.once import once

GROWS, SHRINKS = 2.0, 0.5
"""A signal that changes by less from the first block to the last has stayed about the same."""


def starts(depth: int, residual: bool, seed: int, progress: Progress = quiet) -> tuple[Start, Start]:
    """A CIFAR network of `depth` layers with norms and without, with the same random weights, on the same random images."""
    found = []
    for index, (name, norms) in enumerate((("with norms", True), ("without", False))):
        with seeded(seed):
            images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(10, (IMAGES,))
            network = lib.build("resnet56_cifar", n=(depth - 2) // 6, residual=residual, batch_norm=norms)
        found.append(Start(name, *through_depth(network, images, labels), ()))
        progress((index + 1) / 2)
    return tuple(found)


def change(start: Start) -> float:
    """How many times as large the signal after the last block is as that after the first."""
    return start.signals[-1] / start.signals[0]


def word(start: Start) -> str:
    """What becomes of a signal: `grows`, `shrinks` or `stays`."""
    return "grows" if change(start) > GROWS else "shrinks" if change(start) < SHRINKS else "stays"


def times(value: float) -> str:
    """A factor as it is read: `12,000`, `3.4`, `0.024`."""
    return rounded(value) if value >= 1 else f"{value:.2g}"


def network_name(depth: int, residual: bool) -> str:
    """`ResNet-56` or `plain-56`."""
    return f"{'ResNet' if residual else 'plain'}-{depth}"


@once
def start_table(found: tuple[Start, Start]) -> pd.DataFrame:
    """First and last values of signals and gradients."""
    return pd.DataFrame([{"Network": start.name, "Signal after the first block": short(start.signals[0]),
                          "After the last": short(start.signals[-1]), "Last / first": times(change(start)),
                          "Gradient, first / last": times(start.growth)} for start in found])
