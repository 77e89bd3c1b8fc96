"""The pictures of the lessons: files of every kind are read, once, one after another; broken ones get a sentence."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lib.lessons import pictures
from lib.once import forget


def file(picture: Image.Image, kind: str) -> bytes:
    kept = BytesIO()
    picture.save(kept, kind)
    return kept.getvalue()


RAMP = np.arange(256, dtype=np.uint8)[None].repeat(256, 0)
"""From black at the left to white at the right."""


def frames(kind: str) -> bytes:
    """A moving picture that begins with the ramp."""
    kept = BytesIO()
    Image.fromarray(RAMP).save(kept, kind, save_all=True, append_images=[Image.new("L", (256, 256), 255)], duration=9)
    return kept.getvalue()


GREY = Image.fromarray(RAMP)
KINDS = {
    "grey": file(GREY, "PNG"), "colours": file(GREY.convert("RGB"), "BMP"),
    "16 bit": file(Image.fromarray(RAMP * np.uint16(257)), "PNG"),
    "alpha": file(GREY.convert("RGBA"), "WEBP"), "grey and alpha": file(GREY.convert("LA"), "PNG"),
    "palette": file(GREY.convert("P"), "PNG"), "CMYK": file(GREY.convert("CMYK"), "JPEG"), "JPEG": file(GREY, "JPEG"),
    "moving GIF": frames("GIF"), "moving PNG": frames("PNG"), "moving WebP": frames("WEBP"),
    "reduced": file(GREY.resize((2048, 1024)).crop((512, 0, 1536, 1024)).resize((2048, 2048)), "JPEG")}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_keep_their_ramp(kind):
    shown = np.array(pictures.read(KINDS[kind], 64), int)[:, :, 0]
    wanted = np.linspace(66, 189, 64) if kind == "reduced" else np.linspace(1.5, 253.5, 64)
    assert np.abs(shown - wanted).max() <= 6


def test_the_shades_of_16_bits_are_those_of_8():
    assert np.array_equal(pictures.read(KINDS["16 bit"], 224), pictures.read(KINDS["grey"], 224))


def test_what_is_transparent_is_white_and_what_lies_on_its_side_is_set_up():
    clear, lying = Image.new("P", (8, 8), 1), Image.Exif()
    clear.putpalette([0] * 6)
    kept = BytesIO()
    clear.save(kept, "PNG", transparency=1)
    assert pictures.read(kept.getvalue(), 8).getcolors() == [(64, (255, 255, 255))]
    lying[0x0112] = 6  # the camera was turned to the right
    for kind in ("JPEG", "PNG"):
        kept = BytesIO()
        GREY.save(kept, kind, exif=lying)
        assert np.abs(np.array(pictures.read(kept.getvalue(), 64), int)[:, 5, 0] - np.linspace(1.5, 253.5, 64)).max() <= 6


def test_a_file_is_read_once_by_one_after_another(monkeypatch):
    """Eight people with the same file, and later with files of their own: never two in memory at once."""
    reading, most, seen = [], [], []

    def slow(file, size):
        reading.append(file)
        most.append(len(reading))
        time.sleep(0.01)
        reading.remove(file)
        seen.append(file)
        return pictures.Unreadable("no") if file == b"0" else GREY
    monkeypatch.setattr(pictures, "_read", slow)
    forget()
    with ThreadPoolExecutor(8) as people:
        assert all(read is GREY for read in people.map(lambda _: pictures.read(b"the same", 64), range(8)))
        list(people.map(lambda number: pictures.read(b"own %d" % number, 64), range(40)))
    assert max(most) == 1 and len(seen) == len(set(seen)) == 41
    for _ in range(2):
        with pytest.raises(pictures.Unreadable, match="no"):
            pictures.read(b"0", 64)
    assert seen.count(b"0") == 1
    forget()


def test_broken_and_huge_pictures_are_refused_in_a_sentence():
    whole = file(pictures.drawn("boat", 200, 90), "PNG")
    for broken in (b"", whole[:300], whole[:20] + b"x" * 400, b"<svg></svg>", file(Image.new("1", (3600, 3600)), "PNG")):
        with pytest.raises(pictures.Unreadable, match=r"^This (file|picture) .*\.$"):
            pictures.read(broken, 224)
    with pytest.raises(pictures.Unreadable, match="has 3,600 × 3,600 pixels; up to 12,500,000 can be read"):
        pictures.read(broken, 224)
