"""A gradient on its way through a chain of units y = λ·x + F(x), with autograd."""

import pandas as pd
import torch
from torch import Tensor, nn

import lib
from lib.lessons.preactivation.orderings import DEPTHS, preset
from lib.lessons.residual.signals import units
from lib.meta import on_meta
from lib.once import once


class ScaledUnit(nn.Module):
    """y = λ·x + F(x) on one channel, where F is a 1x1 convolution with one weight, its slope."""

    def __init__(self, scale: float, slope: float):
        super().__init__()
        self.scale = scale
        self.branch = nn.Conv2d(1, 1, 1, bias=False, dtype=torch.float64)
        nn.init.constant_(self.branch.weight, slope)

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.branch(x)


@once
def through_chain(scale: float, slope: float, chain: int) -> tuple[float, ...]:
    """The gradient of the chain's output after 0, 1, ... `chain` units on the way back; 1 arrives at the last."""
    signals = [torch.ones(1, 1, 1, 1, dtype=torch.float64, requires_grad=True)]
    for _unit in range(chain):
        signals.append(ScaledUnit(scale, slope)(signals[-1]))
    gradients = torch.autograd.grad(signals[-1].sum(), signals)
    return tuple(gradient.item() for gradient in reversed(gradients))


@once
def units_of_the_paper() -> int:
    """How many units its networks for CIFAR have, which is as many at both depths."""
    with on_meta():
        return len(units(lib.build(preset(DEPTHS[0], "full"))))


@once
def chain_table(scale: float, slope: float, chain: int) -> pd.DataFrame:
    """The gradient at the end of the chain: with λ, with the identity, and without a shortcut."""
    ways = {f"{scale:g}·x + F(x)": scale, "x + F(x)": 1.0, "F(x) alone": 0.0}
    return pd.DataFrame([{"Unit": words, f"Gradient after {chain} units": f"{through_chain(each, slope, chain)[-1]:.3g}"}
                         for words, each in ways.items()])
