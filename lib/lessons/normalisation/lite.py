"""Norms of which a part is missing, in a plain network that learns the digits: exercises 3 to 5 of D2L's section on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.lab.jobs import pictures_of
from lib.measuring import Progress, quiet, seeded
from lib.once import once
from lib.records import Network, Setting
from lib.training.loop import Training
from lib.training.race import repeatable
from lib.training.recipe import Recipe
from lib.training.records import Entrant

BLOCKS, EPOCHS, RATE = 2, 4, 0.1
"""Blocks in each of three stages; epochs of training; the learning rate."""
LAYERS = 6 * BLOCKS + 2
LEARNT = 20.0
"""Percent: with a lower training error in the last epoch a network has begun to learn."""


class MeanAlone(nn.Module):
    """Takes the batch's mean away and adds β, but does not divide. Input and output (N, C, H, W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean((0, 2, 3), keepdim=True) + self.bias


class SpreadAlone(MeanAlone):
    """Divides by the batch's deviation and adds β, but takes no mean away."""

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt() + self.bias


def without_scale(channels: int) -> nn.Module:
    """A norm whose γ is always 1 and whose β is always 0."""
    return nn.BatchNorm2d(channels, affine=False)


NAMES = {"whole": "whole norm", "every second": "every second norm", "fixed": "γ, β fixed", "spread": "spread alone",
         "mean": "mean alone"}
REPLACED: dict[str, Callable[[int], nn.Module]] = {"fixed": without_scale, "spread": SpreadAlone, "mean": MeanAlone}


def network(variant: str, seed: int) -> nn.Module:
    """A plain network of 14 layers, its norms replaced as one of `NAMES` says."""
    with seeded(seed):
        model = lib.build("plain20_cifar", n=BLOCKS)
    for block in (*model.layer1, *model.layer2, *model.layer3):
        for name in ("bn1", "bn2"):
            norm = getattr(block, name)
            if variant == "every second" and name == "bn1":
                setattr(block, name, nn.Identity())
            elif variant in REPLACED:
                setattr(block, name, REPLACED[variant](norm.num_features))
    return model


class Learnt(NamedTuple):
    """What became of one variant: its training error after each epoch, in percent."""

    variant: str
    errors: tuple[float, ...]


def learn(seed: int, progress: Progress = quiet) -> tuple[Learnt, ...]:
    """All of `NAMES`, trained for a few epochs on the digits by the usual recipe."""
    recipe, found = Recipe(epochs=EPOCHS, learning_rate=RATE), []
    pictures = pictures_of(Entrant(network=Network(preset="plain20_cifar"), recipe=recipe))
    images = pictures.for_network(3, (pictures.size, pictures.size))
    with repeatable(Setting(threads=1)):
        for index, variant in enumerate(NAMES):
            model = network(variant, seed)
            training = Training(model, images, pictures.labels, pictures.training, recipe, seed, [model.conv1.weight])
            errors = []
            for done in range(EPOCHS):
                *_steps, (_share, epoch) = training.epoch()
                errors.append(epoch.train_error)
                progress((index + (done + 1) / EPOCHS) / len(NAMES))
            found.append(Learnt(variant, tuple(errors)))
    return tuple(found)


@once
def learnt_table(found: tuple[Learnt, ...]) -> pd.DataFrame:
    """The training errors, epoch by epoch."""
    return pd.DataFrame([{"Norms": NAMES[each.variant]} | {f"epoch {number}, %": f"{error:.1f}"
                                                           for number, error in enumerate(each.errors, 1)} for each in found])
