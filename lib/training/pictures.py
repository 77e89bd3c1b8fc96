"""The pictures that networks learn to tell apart: the digits that come with the app, or those that a setting names."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from lib.architecture import Impossible
from lib.training.recipe import DIGITS

FILE = Path(__file__).parent.parent / "data" / "digits.csv.gz"
TRAINING_SHARE = 0.8
FOLDER_PIXELS = 32
"""Height and width to which the pictures of a folder are brought."""
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST", "cifar10": "CIFAR10", "cifar100": "CIFAR100"}
"""The data sets of torchvision that a setting can name, and their classes there."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Labelled pictures: `images` (N, C, H, W) from 0 to 1, `labels` (N,). The first `training` are learnt from, the others
    test what was learnt. `source` says in a sentence what they are."""

    name: str
    source: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    training: int

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self.images.shape[-1]

    @property
    def colours(self) -> int:
        return self.images.shape[1]

    def normalised(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) from 0 to 1, shifted and scaled so that the training pictures have mean 0 and deviation 1."""
        seen = self.images[:self.training]
        return (images - seen.mean()) / seen.std()

    def for_network(self, channels: int, sides: tuple[int, int]) -> Tensor:
        """All pictures as a network takes them, (N, channels, *sides): grey ones in equal channels, enlarged if need be."""
        return fitted(self.normalised(self.images), channels, sides)


def fitted(images: Tensor, channels: int, sides: tuple[int, int]) -> Tensor:
    """Images (N, C, H, W) with these channels and this height and width."""
    if images.shape[1] != channels:
        images = images.mean(1, keepdim=True).repeat(1, channels, 1, 1)
    if images.shape[-2:] != sides:
        smaller = images.shape[-2] > sides[0] or images.shape[-1] > sides[1]
        images = F.interpolate(images, size=sides, mode="bilinear", antialias=smaller)
    return images.contiguous()


def load(name: str, places: Mapping[str, str], most: int) -> Pictures:
    """The pictures of this name: the digits, or what the setting `places` names, of which at most `most` are used.

    Raises `Impossible` if the name is not there, or its files cannot be used.
    """
    if name != DIGITS and name not in places:
        raise Impossible(f"There are no pictures “{name[:40]}” here; there are {', '.join([DIGITS, *places])}.")
    place = places.get(name, "")
    return _load(name, place, most, version(name, place))


@cache
def _load(name: str, place: str, most: int, version: str) -> Pictures:
    if name == DIGITS:
        return digits()
    return of_torchvision(name, place, most) if name in TORCHVISION else of_folder(name, Path(place), most)


def digits() -> Pictures:
    """1,797 handwritten digits of 8 × 8 pixels: the test set of UCI's "Optical Recognition of Handwritten Digits", E. Alpaydin
    and C. Kaynak, 1998, CC BY 4.0. Four fifths are learnt from."""
    with gzip.open(FILE) as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    images = torch.from_numpy(rows[:, :64]).reshape(-1, 1, 8, 8) / 16
    return shuffled(DIGITS, "1,797 handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998, UCI)", images,
                    torch.from_numpy(rows[:, 64]).long(), tuple("0123456789"))


def shuffled(name: str, source: str, images: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Pictures:
    """Pictures in an order that is always the same, the first four fifths of which are learnt from."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return Pictures(name, source, images[order], labels[order], classes, int(TRAINING_SHARE * len(images)))


def of_torchvision(name: str, root: str, most: int) -> Pictures:
    """A data set of torchvision whose files lie in `root`; nothing is fetched. Of its training pictures the first are learnt
    from, of its test pictures the first test: at most `most` together."""
    try:
        from torchvision import datasets
    except ImportError:
        raise Impossible(f"The pictures “{name}” need the Python package torchvision.") from None
    kind = getattr(datasets, TORCHVISION[name])
    try:
        parts = [kind(root, train=train, download=False) for train in (True, False)]
    except (RuntimeError, OSError):
        raise Impossible(f"The files of {TORCHVISION[name]} are not where the setting says.") from None
    training = int(TRAINING_SHARE * most)
    counts = min(training, len(parts[0].data)), min(most - training, len(parts[1].data))
    images = torch.cat([_bytes(part.data[:count]) for part, count in zip(parts, counts)])
    labels = torch.cat([torch.as_tensor(part.targets[:count]) for part, count in zip(parts, counts)]).long()
    size = images.shape[-1]
    return Pictures(name, f"{len(images):,} pictures of {TORCHVISION[name]} of {size} × {size} pixels", images, labels,
                    tuple(map(str, parts[0].classes)), counts[0])


def _bytes(images) -> Tensor:
    """torchvision's grey (N, H, W) or coloured (N, H, W, 3) bytes as (N, C, H, W) from 0 to 1."""
    images = torch.as_tensor(images).float() / 255
    return images.unsqueeze(1) if images.dim() == 3 else images.permute(0, 3, 1, 2).contiguous()


def of_folder(name: str, folder: Path, most: int) -> Pictures:
    """A folder with a subfolder for each class. Pictures are cut to squares and brought to 32 × 32 pixels; files that are no
    pictures are left out. At most `most` are read, from each class alike."""
    classes = subfolders(folder)
    if len(classes) < 2:
        raise Impossible(f"The folder of “{name}” needs a subfolder with pictures for each of at least two classes.")
    images, labels = [], []
    for label, each in enumerate(classes):
        read = list(_read(each, most // len(classes)))
        if len(read) < 2:
            raise Impossible(f"“{each.name}” of “{name}” holds fewer than two pictures that can be read.")
        images += read
        labels += [label] * len(read)
    size = FOLDER_PIXELS
    return shuffled(name, f"{len(images):,} pictures of {len(classes)} classes, cut to {size} × {size} pixels",
                    torch.stack(images), torch.tensor(labels), tuple(each.name for each in classes))


def _read(folder: Path, most: int) -> Iterator[Tensor]:
    """The first pictures of a folder, by their names."""
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        if most <= 0:
            return
        try:
            yield of_image(Image.open(BytesIO(file.read_bytes())), FOLDER_PIXELS)
            most -= 1
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
            continue


def of_image(image: Image.Image, size: int) -> Tensor:
    """A picture cut to a square, (3, size, size), from 0 to 1."""
    square = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(square, dtype=np.float32) / 255).permute(2, 0, 1).contiguous()


def subfolders(folder: Path) -> list[Path]:
    """Those of a folder, by name; none where there is no folder."""
    return sorted(each for each in folder.glob("*") if each.is_dir() and not each.name.startswith("."))


def version(name: str, place: str) -> str:
    """Something that changes when files come into a folder's subfolders or leave them; empty for the digits and torchvision's
    sets."""
    if name == DIGITS or name in TORCHVISION:
        return ""
    seen = " ".join(f"{each.name} {each.stat().st_mtime_ns}" for each in subfolders(Path(place)))
    return blake2b(seen.encode(), digest_size=8).hexdigest()
