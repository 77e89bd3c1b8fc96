"""A small trained ResNet in training and in evaluation mode: a picture among others; a norm merged into its convolution."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from lib.lessons.normalisation.layer import BATCH
from lib.models.resnet_cifar import without_norms
from lib.once import once
from lib.training.pictures import Pictures, load
from lib.training.race import fitting
from lib.training.recipe import DIGITS
from lib.training.records import Curve
from lib.training.shipped import entrant_of, weights

SAME = 1e-4
"""Scores that differ by less than this share of the largest are the same."""


def pictures() -> Pictures:
    """The digits."""
    return load(DIGITS, {}, 0)


def curve() -> Curve:
    """How the network was trained."""
    return weights()["residual"].curve


def trained() -> nn.Module:
    """The small ResNet that comes with the app, with its trained weights, for whoever may change it."""
    analysis = fitting(entrant_of(curve()).network, pictures())
    model = analysis.architecture.build(analysis.knobs)
    model.load_state_dict(weights()["residual"].state)
    return model


@once
def test_pictures() -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, 8, 8) that were not learnt from, and their labels (N,)."""
    found = pictures()
    return found.for_network(3, (found.size, found.size))[found.training:], found.labels[found.training:]


class Scores(NamedTuple):
    """The scores of the ten classes for one picture: among some others, among other ones, and in evaluation mode."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    evaluation: tuple[float, ...]


def _mode(model: nn.Module, training: bool, picture: Tensor, others: Tensor) -> tuple[float, ...]:
    """A picture (3, 8, 8) in front of others (N, 3, 8, 8)."""
    model.train(training)
    with torch.no_grad():
        return tuple(model(torch.cat((picture[None], others)))[0].tolist())


@once
def scores(picture: int, mates: int, norms: bool = True) -> Scores:
    """A test picture (from 1) in two batches, each with `mates` others, and in evaluation mode."""
    model = trained() if norms else without_norms(trained())
    one, others = test_pictures()[0][picture - 1], test_pictures()[0][BATCH:]
    return Scores(*(_mode(model, True, one, others[start:start + mates]) for start in (0, mates)),
                  _mode(trained() if norms else model, False, one, others[:mates]))


def unmoved(picture: int, mates: int) -> set[str]:
    """Where the scores do not depend on the other pictures: in `training` or `evaluation` mode with norms, or `bare`, in
    training mode without them."""
    one = test_pictures()[0][picture - 1]
    others = test_pictures()[0][BATCH:BATCH + mates]
    with_norms, bare = scores(picture, mates), scores(picture, mates, False)
    alone = _mode(trained(), False, one, others[:0])
    pairs = {"training": with_norms[:2], "evaluation": (with_norms.evaluation, alone), "bare": bare[:2]}
    return {name for name, (a, b) in pairs.items() if max(abs(x - y) for x, y in zip(a, b)) < SAME * max(map(abs, a))}


@once
def refusal() -> str:
    """What torch says to a batch of one number a channel, in training mode."""
    try:
        nn.BatchNorm2d(1).train()(torch.zeros(1, 1, 1, 1))
    except ValueError as refused:
        return f"{type(refused).__name__}: {refused}"
    return ""


# Merged into the convolution

class Merged(NamedTuple):
    """A channel of the first norm in evaluation mode, and what it makes of the convolution before it: the kernel's `factor`
    and the `bias`. `off` is the largest difference of the outputs."""

    gamma: float
    beta: float
    mean: float
    variance: float
    factor: float
    bias: float
    off: float


@once
def merged() -> tuple[Merged, ...]:
    """The first convolution and norm of the trained network as one convolution, channel by channel, on the test pictures."""
    model = trained().eval()
    convolution, norm, images = model.conv1, model.bn1, test_pictures()[0]
    one = torch.nn.utils.fuse_conv_bn_eval(convolution, norm)
    with torch.no_grad():
        off = (norm(convolution(images)) - one(images)).abs().amax((0, 2, 3))
        factor = (norm.running_var + norm.eps).rsqrt() * norm.weight
    columns = norm.weight, norm.bias, norm.running_mean, norm.running_var, factor, one.bias, off
    return tuple(Merged(*(column[channel].item() for column in columns)) for channel in range(norm.num_features))


@once
def merged_table() -> pd.DataFrame:
    """The channels of the first convolution."""
    return pd.DataFrame([{"Channel": number, "Kernel times": f"{each.factor:.3f}", "New bias": f"{each.bias:z.3f}",
                          "Outputs differ by": f"{each.off:.0e}"} for number, each in enumerate(merged(), 1)])
