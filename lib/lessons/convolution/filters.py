"""Kernels that photographers know, run over a picture by torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from lib.architecture import Impossible
from lib.lessons import pictures
from lib.lessons.convolution.written import Matrix, matrix
from lib.once import once
from lib.text import _

SIDE = 168
"""Pixels of the picture's sides."""
GREY = 128
"""The grey that stands for zero where a kernel's weights add up to zero, so that answers of both signs are to be seen."""
TYPED = "typed"
FILTERS = {
    "identity": "0 0 0; 0 1 0; 0 0 0",
    "blur": "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9",
    "sharpen": "0 -1 0; -1 5 -1; 0 -1 0",
    "horizontal edges": "1 2 1; 0 0 0; -1 -2 -1",
    "vertical edges": "1 0 -1; 2 0 -2; 1 0 -1",
    "emboss": "-2 -1 0; -1 1 1; 0 1 2",
    "brighten": "0 0 0; 0 1.5 0; 0 0 0",
}
"""By name, as they would be typed. Both of edges are Sobel's."""


def weights_of(filter: str, taps: str) -> Matrix:
    """The kernel of this name, or the one that was typed."""
    return matrix(taps if filter == TYPED else FILTERS[filter])


def total(kernel: Matrix) -> float:
    """The sum of a kernel's weights: what it gives where every pixel is 1."""
    return round(sum(map(sum, kernel)), 9)


class Filtered(NamedTuple):
    """A picture before and after. `zero` is the brightness at which an answer of 0 is shown."""

    before: Image.Image
    after: Image.Image
    zero: int


@once
def filtered(picture: str | bytes, filter: str, taps: str) -> Filtered:
    """The picture, and what the kernel makes of it: of each colour by itself, or of the grey picture where its weights add
    up to zero."""
    kernel = weights_of(filter, taps)
    before = drawn(picture)
    if total(kernel):
        return Filtered(before, image_of(convolved(before, kernel)), 0)
    return Filtered(before, image_of(convolved(before.convert("L"), kernel) + GREY), GREY)


def drawn(picture: str | bytes) -> Image.Image:
    """One of the app's pictures, or a person's own."""
    if isinstance(picture, str):
        return pictures.drawn(picture, SIDE, SIDE * 3 // 4)
    try:
        return pictures.read(picture, SIDE)
    except pictures.Unreadable as problem:
        raise Impossible(str(problem)) from None


def convolved(image: Image.Image, kernel: Matrix) -> torch.Tensor:
    """The kernel over each channel of an image, (channels, height, width); the border is continued outwards, so that it
    answers to no edge of its own."""
    pixels = torch.from_numpy(np.atleast_3d(np.array(image))).permute(2, 0, 1)[:, None].float()
    height, width = len(kernel), len(kernel[0])
    padding = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
    return F.conv2d(F.pad(pixels, padding, mode="replicate"), torch.tensor(kernel)[None, None])[:, 0]


def image_of(channels: torch.Tensor) -> Image.Image:
    """Brightness as a picture; what is below 0 is black, above 255 white."""
    levels = channels.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def flat_answer(filter: str, taps: str) -> str:
    """What the kernel makes of an even area, found by running it over one: `same`, `nothing`, `brighter` or `darker`."""
    answer = convolved(Image.new("L", (16, 16), GREY), weights_of(filter, taps)).mean().item()
    if abs(answer - GREY) < 0.01 * GREY:
        return "same"
    if abs(answer) < 0.01 * GREY:
        return "nothing"
    return "brighter" if answer > GREY else "darker"


def filter_name(filter: str) -> str:
    """What a person reads instead of a filter's name."""
    return _("typed below") if filter == TYPED else filter
