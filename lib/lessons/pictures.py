"""Pictures for the lessons: a few that are drawn here, and one that a person brings along."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from lib.once import once

FINE = 4
"""Objects are drawn this many times larger and then reduced, for smooth edges."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MOST_PIXELS = 12_500_000
"""As many as a telephone's camera gives, 4080 x 3060."""


class Unreadable(ValueError):
    """A file that is no picture for a lesson; the message is one plain sentence."""


def _ball(draw: ImageDraw.ImageDraw, side: int) -> None:
    draw.ellipse((0, 0, side - 1, side - 1), fill=(232, 92, 40))
    for start in (0, 90, 180, 270):
        draw.pieslice((0, 0, side - 1, side - 1), start, start + 45, fill=(250, 240, 220))
    draw.ellipse((0.38 * side, 0.38 * side, 0.62 * side, 0.62 * side), fill=(40, 40, 60))


def _boat(draw: ImageDraw.ImageDraw, side: int) -> None:
    def polygon(points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        draw.polygon([(x * side, y * side) for x, y in points], fill=colour)

    polygon([(0.48, 0), (0.48, 0.7), (0.02, 0.7)], (250, 250, 245))
    polygon([(0.54, 0.12), (0.54, 0.7), (0.95, 0.7)], (225, 70, 60))
    polygon([(0, 0.76), (1, 0.76), (0.8, 1), (0.18, 1)], (90, 50, 30))


def _flag(draw: ImageDraw.ImageDraw, side: int) -> None:
    for row in range(4):
        for column in range(4):
            box = [side * part // 4 for part in (column, row, column + 1, row + 1)]
            draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(245,) * 3 if (row + column) % 2 else (25,) * 3)


OBJECTS: dict[str, tuple[Callable, tuple[int, int, int], tuple[int, int, int]]] = {
    "ball": (_ball, (150, 190, 220), (80, 130, 60)),
    "boat": (_boat, (235, 200, 160), (30, 80, 130)),
    "checkerboard": (_flag, (140, 140, 145), (110, 112, 118)),
}
"""By name: what draws the object, the colours at the top and at the bottom of the picture."""


@once
def drawn(name: str, size: int, side: int) -> Image.Image:
    """A picture of size x size pixels with an object `side` pixels high and wide in its middle."""
    draw, top, bottom = OBJECTS[name]
    down = np.linspace(0, 1, size)[:, None, None]
    ground = np.array(top) * (1 - down) + np.array(bottom) * down
    grain = np.random.default_rng(0).normal(0, 6, (size, size, 1))  # no surface in a photograph is quite even
    picture = Image.fromarray((ground + grain).clip(0, 255).astype(np.uint8))
    thing = Image.new("RGBA", (side * FINE, side * FINE))
    draw(ImageDraw.Draw(thing), side * FINE)
    thing = thing.resize((side, side), Image.Resampling.BOX)
    picture.paste(thing, ((size - side) // 2,) * 2, thing)
    return picture


_reader = ThreadPoolExecutor(1, "pictures")


def read(file: bytes, size: int) -> Image.Image:
    """The middle square of a picture file, reduced to size x size pixels. Raises `Unreadable`.

    A small file may hold a large picture. So one thread alone reads all files: memory holds one picture at a time, and the
    allocator does not set aside as much again for each thread that has once read one.
    """
    found = _read_in_turn(file, size)
    if isinstance(found, Unreadable):
        raise Unreadable(*found.args)
    return found


@once
def _read_in_turn(file: bytes, size: int) -> Image.Image | Unreadable:
    return _reader.submit(_read, file, size).result()


def _read(file: bytes, size: int) -> Image.Image | Unreadable:
    try:
        picture = Image.open(BytesIO(file), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            return Unreadable(f"This picture has {picture.width:,} × {picture.height:,} pixels; "
                              f"up to {MOST_PIXELS:,} can be read.")
        picture.draft(None, (2 * size, 2 * size))  # a JPEG need not be read in full
        return _on_white(ImageOps.exif_transpose(_square(_in_colour(picture), size)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow raises for broken files
        return Unreadable("This file is not a picture that can be read; PNG, JPEG, WebP, BMP and GIF can.")


def _in_colour(picture: Image.Image) -> Image.Image:
    """The picture in 8 bits for each of red, green, blue and, where it has one, alpha."""
    if picture.mode.startswith("I"):  # grey in 16 bits, of which Pillow would cut off all above 255
        picture = picture.point(lambda light: light / 256).convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _square(picture: Image.Image, size: int) -> Image.Image:
    """The middle square, reduced."""
    side = min(picture.size)
    left, top = (picture.width - side) / 2, (picture.height - side) / 2
    return picture.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side), reducing_gap=2.0)


def _on_white(picture: Image.Image) -> Image.Image:
    """What is transparent shows white, as on paper."""
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA")).convert("RGB")


def zoomed(picture: Image.Image, percent: int) -> Image.Image:
    """The middle of a square picture, enlarged to its old size: its object grows to `percent` of what it was."""
    size = picture.width
    margin = size * (1 - 100 / percent) / 2
    return picture.resize((size, size), Image.Resampling.BILINEAR, (margin, margin, size - margin, size - margin))


def png(picture: Image.Image) -> bytes:
    """The picture as a file: what can be kept, compared and sent to a page."""
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
