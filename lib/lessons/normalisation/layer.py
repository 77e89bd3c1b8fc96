"""One norm behind a real convolution, on a batch of digits: mean and spread, a bias before it, its running statistics."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.measuring import seeded
from lib.once import once
from lib.training.pictures import fitted, load
from lib.training.recipe import DIGITS

BATCH = 120
"""Digits in the batch."""
MOST_BATCHES = 50
"""Batches over which the running statistics are followed."""


@once
def output() -> Tensor:
    """What the first convolution of ResNet-20, with random weights of seed 0, makes of the batch, whose pixels lie between 0
    and 1: (120, 16, 8, 8)."""
    pictures = load(DIGITS, {}, 0)
    with seeded(0):
        convolution = lib.build("resnet20_cifar").conv1
    with torch.no_grad():
        return convolution(fitted(pictures.images[:BATCH], 3, (pictures.size, pictures.size)))


def norm_of(gamma: float, beta: float, momentum: float = 0.1) -> nn.BatchNorm2d:
    """A norm for that output, with γ and β the same in all channels."""
    norm = nn.BatchNorm2d(output().shape[1], momentum=momentum)
    nn.init.constant_(norm.weight, gamma)
    nn.init.constant_(norm.bias, beta)
    return norm


@dataclass(frozen=True)
class Passed:
    """A channel before and after the norm: mean and standard deviation, and one cell."""

    mean: float
    deviation: float
    cell: float
    mean_after: float
    deviation_after: float
    cell_after: float


@once
def passed(gamma: float, beta: float) -> tuple[Passed, ...]:
    """Each channel before and after the norm in training. The cell is the largest of the first picture's."""
    before = output()
    with torch.no_grad():
        after = norm_of(gamma, beta)(before)
    found = []
    for x, y in zip(before.transpose(0, 1), after.transpose(0, 1)):
        place = x[0].argmax()
        found.append(Passed(*(number.item() for each in (x, y) for number in (
            each.mean(), each.std(correction=0), each[0].flatten()[place]))))
    return tuple(found)


@once
def channel_table(gamma: float, beta: float) -> pd.DataFrame:
    """All channels, before and after."""
    return pd.DataFrame([{"Channel": number, "Mean": f"{each.mean:z.2f}", "Deviation": f"{each.deviation:.2f}",
                          "Mean after": f"{each.mean_after:z.2f}", "Deviation after": f"{each.deviation_after:.2f}"}
                         for number, each in enumerate(passed(gamma, beta), 1)])


# A bias before the norm

@once
def biased(channel: int, biases: tuple[float, ...]) -> dict[str, list[float]]:
    """The mean of a channel (from 1) behind the convolution and behind the norm (γ = 1, β = 0), for each of the biases that
    the convolution might have: by the batch's own statistics, and by those that were kept without a bias."""
    found: dict[str, list[float]] = {"convolution": [], "training": [], "evaluation": []}
    for bias in biases:
        norm, x = norm_of(1.0, 0.0, momentum=1.0), output()
        with torch.no_grad():
            norm(x)
            kept = norm.eval()(x + bias)
            own = norm.train()(x + bias)
        for name, each in zip(found, (x + bias, own, kept)):
            found[name].append(each[:, channel - 1].mean().item())
    return found


# Running statistics

@once
def way(momentum: float) -> list[float]:
    """How far the running mean has come from 0 to the mean of a batch that comes again and again, in percent: before the first
    one, and after each."""
    norm, x = norm_of(1.0, 0.0, momentum), output()
    mean, shares = x[:, 0].mean(), [0.0]
    for _batch in range(MOST_BATCHES):
        norm(x)
        shares.append((100 * norm.running_mean[0] / mean).item())
    return shares
