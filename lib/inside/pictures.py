"""What a network is shown: a picture that it was tested with, a drawing, or a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lib.inside.drawing import Drawing
from lib.lessons.pictures import drawn, read
from lib.training.pictures import Pictures

OBJECT = 0.7
"""The height of an object that is drawn here, as a share of the picture."""


@dataclass(frozen=True)
class Example:
    """A picture that a network was tested with, and has not learnt from: of a class, its test pictures counted from 0."""

    label: int
    number: int


@dataclass(frozen=True)
class Photo:
    """One of the lessons' pictures, by name, or a file that a person has brought."""

    content: str | bytes


Picture = Example | Drawing | Photo


def examples(pictures: Pictures, label: int) -> list[int]:
    """The places of the test pictures of a class."""
    return (torch.nonzero(pictures.labels[pictures.training:] == label).flatten() + pictures.training).tolist()


def of_set(picture: Example | Drawing, pictures: Pictures) -> Tensor:
    """A picture of a data set, or a drawing, (1, C, h, w) from 0 to 1."""
    if isinstance(picture, Drawing):
        return picture.pixels()
    places = examples(pictures, picture.label) or [pictures.training]
    place = places[min(picture.number, len(places) - 1)]
    return pictures.images[place:place + 1]


def of_photo(photo: Photo, size: int) -> Tensor:
    """A photograph, (1, 3, size, size) from 0 to 1."""
    named = isinstance(photo.content, str)
    image: Image.Image = drawn(photo.content, size, int(OBJECT * size)) if named else read(photo.content, size)
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]
