"""A digit that a person draws, made as small as those of the data set: E. Alpaydin and C. Kaynak, 1998.

There a digit of 32 × 32 black and white cells becomes one of 8 × 8 greys: how many of 4 × 4 cells are black.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lib.architecture import Impossible
from lib.text import _

SIDE, BLOCK = 32, 4
"""Cells of a drawing along each axis, and of one pixel that they become."""
HIGH = 31
"""Cells that a digit of the data set is high, or wide where that is more."""


@dataclass(frozen=True)
class Drawing:
    """A drawing of 32 × 32 cells, one bit each, row by row."""

    bits: bytes = bytes(SIDE * SIDE // 8)

    @classmethod
    def read(cls, text: str) -> Drawing:
        """A drawing as it stands in a link. Raises `Impossible` if it is none."""
        try:
            bits = urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))
        except (Error, ValueError):
            bits = b""
        if len(bits) != len(cls.bits):
            raise Impossible(_("The drawing in the link is broken."))
        return cls(bits)

    def write(self) -> str:
        """The drawing for a link."""
        return urlsafe_b64encode(self.bits).decode().rstrip("=")

    @property
    def cells(self) -> np.ndarray:
        """(32, 32) of 0 and 1."""
        return np.unpackbits(np.frombuffer(self.bits, np.uint8)).reshape(SIDE, SIDE)

    @property
    def is_empty(self) -> bool:
        return not any(self.bits)

    def pixels(self) -> Tensor:
        """The digit as the networks' pictures are, (1, 1, 8, 8) from 0 to 1: brought to full height, in the middle."""
        blocks = centred(self.cells).reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK)
        return torch.from_numpy(blocks.mean((1, 3), dtype=np.float32))[None, None]


def centred(cells: np.ndarray) -> np.ndarray:
    """The drawn part of (32, 32) cells, enlarged or reduced until it is 31 cells high or wide, in the middle."""
    rows, columns = (np.flatnonzero(cells.any(axis)) for axis in (1, 0))
    if not len(rows):
        return cells
    drawn = cells[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    height, width = (max(1, round(side * HIGH / max(drawn.shape))) for side in drawn.shape)
    digit = np.asarray(Image.fromarray(255 * drawn).resize((width, height), Image.Resampling.BILINEAR)) > 127
    whole = np.zeros_like(cells)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    whole[top:top + height, left:left + width] = digit
    return whole
