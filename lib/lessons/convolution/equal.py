"""What a convolution equals: a linear layer over the whole map, and a linear layer on every pixel. Both run for real."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.architecture import Impossible
from lib.measuring import Progress, quiet, seeded
from lib.once import once
from lib.text import _

MOST_CHANNELS = 64
"""Both ways are run for real, so there is a bound."""


def as_convolution(linear: nn.Linear, channels: int, size: int) -> nn.Conv2d:
    """The convolution that equals a linear layer on flattened (channels, size, size) maps: the same weights, reshaped."""
    convolution = nn.Conv2d(channels, linear.out_features, size)
    convolution.weight.data = linear.weight.data.view(linear.out_features, channels, size, size)
    convolution.bias.data = linear.bias.data
    return convolution


def per_pixel(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    """A 1x1 convolution done as a linear layer: (N, C_in, H, W) to (N, C_out, H, W), every pixel a row of a matrix."""
    pixels = maps.permute(0, 2, 3, 1)
    return F.linear(pixels, convolution.weight[:, :, 0, 0], convolution.bias).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Agreement:
    """Two ways to compute the same numbers: the first of them, how many, the largest difference and the largest number."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    count: int
    difference: float
    largest: float
    weights: int


SHOWN = 200
IMAGES = 8


def _agreement(first: Tensor, second: Tensor, weights: int) -> Agreement:
    first, second = first.flatten(), second.flatten()
    return Agreement(tuple(first[:SHOWN].tolist()), tuple(second[:SHOWN].tolist()), len(first),
                     (first - second).abs().max().item(), first.abs().max().item(), weights)


@torch.no_grad()
def equalities(size: int, larger: int, in_channels: int, out_channels: int, seed: int, *,
               progress: Progress = quiet) -> tuple[Agreement, ...]:
    """A linear layer against its convolution; the same two on maps with `larger` more rows and columns, where the linear
    layer must be run on every crop; and a 1x1 convolution against a linear layer on every pixel.

    Raises `Impossible` for more channels than can be run at once.
    """
    if max(in_channels, out_channels) > MOST_CHANNELS:
        raise Impossible(_("Both ways are run for real here: take at most {most} channels in and {most} out.").format(
            most=MOST_CHANNELS))
    with seeded(seed):
        linear, pointwise = nn.Linear(in_channels * size * size, out_channels), nn.Conv2d(in_channels, out_channels, 1)
        maps = torch.randn(IMAGES, in_channels, size + larger, size + larger)
    convolution, small = as_convolution(linear, in_channels, size), maps[..., :size, :size]
    once = _agreement(linear(small.flatten(1)), convolution(small).flatten(1), linear.weight.numel())
    progress(0.3)
    corners = range(larger + 1)
    crops = [linear(maps[..., y:y + size, x:x + size].flatten(1)) for y in corners for x in corners]
    slid = _agreement(torch.stack(crops, -1), convolution(maps).flatten(2), linear.weight.numel())
    progress(0.8)
    return once, slid, _agreement(per_pixel(pointwise, maps), pointwise(maps), pointwise.weight.numel())


@once
def compared(names: list[str], found: tuple[Agreement, ...]) -> pd.DataFrame:
    """The agreements as a table."""
    rows = [(name, f"{each.weights:,}", f"{each.count:,}", f"{each.largest:.2f}", f"{each.difference:.1e}")
            for name, each in zip(names, found)]
    return pd.DataFrame(rows, columns=[_("Computed in two ways"), _("Weights of either"), _("Numbers compared"),
                                       _("Largest number"), _("Largest difference")])
