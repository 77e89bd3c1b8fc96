"""The auxiliary classifiers of GoogLeNet: which layers they reach, and what they add to the gradients at fresh weights."""

from math import log
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.lessons.inception.networks import analysis
from lib.measuring import Progress, quiet, seeded
from lib.once import once

STARTS = {"xavier": "Xavier", "he": "He", "small": "Gaussian"}
WEIGHTS = ("0.1", "0.3", "1")
IMAGES, PIXELS, CLASSES = 4, 64, 1000
PARTS = ("conv1", "conv2", "conv3", *(f"inception{row}" for row in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")))


class Gradient(NamedTuple):
    """A part's weight gradients: squared norms of the main loss's and of the auxiliary losses', and their product."""

    part: str
    main: float
    auxiliary: float
    product: float

    def norm(self, weight: float) -> float:
        """Norm of the gradient of the main loss plus `weight` times both auxiliary losses."""
        return max(self.main + 2 * weight * self.product + weight**2 * self.auxiliary, 0.0) ** 0.5

    def ratio(self, weight: float) -> float:
        """How many times the main loss's norm that is."""
        return self.norm(weight) / self.norm(0)

    def times(self, weight: float) -> str:
        """The ratio as it is read."""
        ratio = self.ratio(weight)
        return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}"


class Gradients(NamedTuple):
    """Part by part, from the image up, with the losses: main, of the classifier on 4d, of that on 4a."""

    parts: tuple[Gradient, ...]
    losses: tuple[float, float, float]


def gradients(start: str, batch_norm: bool, seed: int, progress: Progress = quiet) -> Gradients:
    """One pass of fresh GoogLeNet with auxiliary classifiers on random images and labels, backwards from each loss.

    In train mode, dropout apart: it would draw other units for every loss.
    """
    with seeded(seed):
        model = lib.build("googlenet_2014", batch_norm=batch_norm, auxiliary=True)
        initialize(model, start)
        images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(CLASSES, (IMAGES,))
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    progress(0.2)
    main, *auxiliary = (nn.functional.cross_entropy(logits, labels) for logits in model(images))
    progress(0.5)
    weights = {part: [m.weight for m in model.get_submodule(part).modules() if isinstance(m, nn.Conv2d)] for part in PARTS}
    of_main = _gradients(main, weights, keep=True)
    progress(0.75)
    of_auxiliary = _gradients(sum(auxiliary), weights)
    return Gradients(tuple(Gradient(part, float(a @ a), float(b @ b), float(a @ b)) for part, a, b in zip(
        PARTS, of_main, of_auxiliary)), tuple(loss.item() for loss in (main, *auxiliary)))


def _gradients(loss: Tensor, weights: dict[str, list[Tensor]], keep: bool = False) -> list[Tensor]:
    """The gradient of each part as one vector; 0 where the loss does not depend on a weight, as above a classifier."""
    every = [weight for part in weights.values() for weight in part]
    found = iter(torch.autograd.grad(loss, every, retain_graph=keep, allow_unused=True, materialize_grads=True))
    return [torch.cat([next(found).flatten() for _ in part]).double() for part in weights.values()]


def initialize(model: nn.Module, start: str) -> None:
    """Draw the weights anew: Xavier's, or AlexNet's Gaussian of 0.01; "he" leaves those of the project's models."""
    if start == "he":
        return
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            if start == "xavier":
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


@once
def reached() -> dict[str, bool]:
    """Of each part of GoogLeNet, from the image up: whether a classifier comes after it and sends it a gradient."""
    ops = analysis("googlenet_2014", auxiliary=True).ops
    waiting, seen = [op.index for op in ops if op.name.startswith("aux")], set()
    while waiting:
        index = waiting.pop()
        if index >= 0 and index not in seen:
            seen.add(index)
            waiting += ops[index].inputs
    names = {ops[index].name.partition(".")[0] for index in seen}
    return {part: part in names for part in PARTS}


@once
def reached_table() -> pd.DataFrame:
    """The parts, and whether the auxiliary losses send them a gradient."""
    return pd.DataFrame([(part, "yes" if heard else "no") for part, heard in reached().items()],
                        columns=["Part", "Gradient from the auxiliary losses"])


@once
def gradient_table(gradients: Gradients, weight: float) -> pd.DataFrame:
    """Norms without and with the auxiliary losses, and their ratio."""
    return pd.DataFrame([
        (part.part.removeprefix("inception"), f"{part.norm(0):.3g}", f"{part.norm(weight):.3g}", part.times(weight))
        for part in gradients.parts], columns=["Part", "Main loss alone", "With auxiliary losses", "Ratio"])


@once
def gradient_fields(gradients: Gradients, weight: float) -> dict[str, str]:
    """The first convolution and a late module in numbers."""
    first, last = gradients.parts[0], gradients.parts[-1]
    main, upper, lower = gradients.losses
    return {"first": f"{first.norm(0):.2g}", "last": f"{last.norm(0):.1e}", "with": f"{first.norm(weight):.2g}",
            "ratio": first.times(weight), "weight": weight, "main": f"{main:.2f}",
            "upper": f"{upper:.2f}", "lower": f"{lower:.2f}", "guessing": f"{log(CLASSES):.2f}", "classes": CLASSES,
            "images": IMAGES, "pixels": PIXELS}


@once
def auxiliary_fields() -> dict[str, str]:
    """What the two classifiers add to the network."""
    plain, full = analysis("googlenet_2014"), analysis("googlenet_2014", auxiliary=True)
    return {"params": f"{plain.params:,}", "full": f"{full.params:,}", "added": f"{full.params - plain.params:,}",
            "macs": f"{full.macs / plain.macs - 1:.1%}"}
