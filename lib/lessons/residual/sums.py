"""What a sum does: to the variance on the way forward, to the gradient on the way back."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor, nn

from lib.measuring import Progress, quiet, seeded
from lib.models.resnet import BasicBlock, initialize
from lib.models.resnet_v2 import FullPreactivation
from lib.once import once

CHANNELS, SIDE = 96, 32
"""Channels and side of the map on which the stack runs."""
SMALL = (2, 16, 8, 8)
"""The shape of what the one block gets whose gradient is taken apart."""
MOST = 8
"""Blocks of the stack."""


def derived(norms: bool, blocks: int) -> int:
    """The variance after so many blocks, if 1 goes in. Variances of independent terms add. A branch with norms has variance
    1; one without has that of its input, so that the sum has twice as much."""
    variance = 1
    for _block in range(blocks):
        variance += 1 if norms else variance
    return variance


def variances(norms: bool, seed: int, progress: Progress = quiet) -> tuple[float, ...]:
    """The measured variance of what goes into a stack of residual blocks, and after each of them. Nothing acts on the sum:
    the branches are (norm,) ReLU and 3x3 convolution, twice, with He initialisation."""
    with seeded(seed):
        stack = nn.Sequential(*(FullPreactivation(CHANNELS, CHANNELS, bottleneck=False) for _block in range(MOST)))
        initialize(stack)
        x = torch.randn(1, CHANNELS, SIDE, SIDE)
    found = [x.var().item()]
    for index, unit in enumerate(stack):
        if not norms:
            without_norms(unit)
        with torch.no_grad():
            x = unit(x)
        found.append(x.var().item())
        progress((index + 1) / MOST)
    return tuple(found)


def without_norms(unit: FullPreactivation) -> None:
    """Take the norms out. Its ReLU then must not write over the x that the shortcut passes on."""
    unit.norms = nn.ModuleList(nn.Identity() for _norm in unit.norms)
    unit.relu = nn.ReLU()


def over_sums(norms: bool, blocks: int, measured: tuple[float, ...]) -> tuple[list[int], dict[str, list[float]]]:
    """Blocks from 0 on, and the variance after each: derived and measured."""
    passed = list(range(blocks + 1))
    return passed, {"derived": [derived(norms, each) for each in passed], "measured": list(measured[:blocks + 1])}


@once
def variance_table(norms: bool, measured: tuple[float, ...]) -> pd.DataFrame:
    """The same after each block of the stack."""
    passed, lines = over_sums(norms, MOST, measured)
    return pd.DataFrame({"Blocks": passed, "Variance, derived": lines["derived"],
                         "Measured": [f"{variance:.2f}" for variance in lines["measured"]]})


# The way back

@once
def chains(slope: float, blocks: int) -> dict[str, tuple[float, ...]]:
    """The gradient behind 0, 1, 2 ... blocks, from the last one back, of a chain of numbers: y = F(x) and y = x + F(x),
    where F(x) = slope · x."""
    return {"plain": _chain(slope, blocks, False), "residual": _chain(slope, blocks, True)}


def _chain(slope: float, blocks: int, residual: bool) -> tuple[float, ...]:
    signals = [torch.ones((), dtype=torch.float64, requires_grad=True)]
    for _block in range(blocks):
        x = signals[-1]
        signals.append(x + slope * x if residual else slope * x)
    return tuple(gradient.item() for gradient in reversed(torch.autograd.grad(signals[-1], signals)))


@once
def chain_table(slope: float, blocks: int) -> pd.DataFrame:
    """The gradients of the two chains, a row for each block passed."""
    return pd.DataFrame({"Blocks passed": range(blocks + 1)} | {
        f"{name}": [f"{gradient:.3g}" for gradient in line] for name, line in chains(slope, blocks).items()})


@once
def two_ways() -> pd.DataFrame:
    """The gradient at the input of a real block, by the chain rule written out, and from torch's backward pass."""
    with seeded(0):
        block, x, arriving = BasicBlock(SMALL[1], SMALL[1]), torch.randn(SMALL).relu(), torch.randn(SMALL)
    whole = gradient_of(block, x, arriving)
    at_sum = arriving * (block(x) > 0)
    through_branch = gradient_of(block.residual, x, at_sum)
    both = at_sum + through_branch
    rows = {"by the shortcut: s̄": at_sum, "by the branch: F′ᵀ s̄": through_branch, "sum of the two": both,
            "torch's backward pass": whole, "difference of the last two": both - whole}
    return pd.DataFrame([{"Gradient at the block's input": name, "Norm": f"{gradient.norm():.2f}"}
                         for name, gradient in rows.items()])


def gradient_of(function: nn.Module, x: Tensor, arriving: Tensor) -> Tensor:
    """The gradient at x, if `arriving` is the gradient at what the function makes of it."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x.clone()), x, arriving)[0]
