"""Checkpoints of torchvision and timm in our networks: the few names that differ, and torchvision's ImageNet weights where
their files are, or may be fetched.

Module names follow torchvision's, then timm's, so that most `state_dict`s load as they are.
"""

import pickle
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from lib import catalog
from lib.architecture import Impossible
from lib.text import _

RENAMES: dict[str, tuple[tuple[str, str], ...]] = {
    # torchvision's files are older than its names
    "densenet": ((r"\.(norm|relu|conv)\.([12])\.", r".\1\2."),),
    # timm bundles a convolution with its normalisation
    "sknet": ((r"\.conv(\d)\.conv\.", r".conv\1."), (r"\.conv(\d)\.bn\.", r".bn\1.")),
    "resnet_v2": (
        (r"^stem\.conv\.", "conv1."), (r"^norm\.", "closing.0."), (r"^head\.fc\.", "fc."),
        (r"^stages\.0\.blocks\.", "layer1."), (r"^stages\.1\.blocks\.", "layer2."),
        (r"^stages\.2\.blocks\.", "layer3."), (r"^stages\.3\.blocks\.", "layer4."),
        (r"\.conv1\.", ".convs.0."), (r"\.conv2\.", ".convs.1."), (r"\.conv3\.", ".convs.2."),
        (r"\.norm1\.", ".norms.0."), (r"\.norm2\.", ".norms.1."), (r"\.norm3\.", ".norms.2."),
        (r"\.downsample\.conv\.", ".downsample.")),
}
"""For a family, pairs of (pattern in their names, replacement in ours), tried in order."""


def renamed(family: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their `state_dict` under the names of our network of `family`.

    A linear layer that they hold as a 1x1 convolution loses its two spatial axes. Raises ValueError if two names fall
    together.
    """
    ours = {}
    for name, tensor in state_dict.items():
        for pattern, replacement in RENAMES.get(family, ()):
            name = re.sub(pattern, replacement, name)
        if name in ours:
            raise ValueError(f"two tensors would both be called {name}")
        ours[name] = tensor.flatten(1) if name == "fc.weight" else tensor
    return ours


@dataclass(frozen=True)
class File:
    """A file of torchvision's ImageNet weights for a preset: its address, its size, and what the classes are called."""

    preset: str
    url: str
    megabytes: float
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def path(self) -> Path:
        """Where torch looks for it: `hub/checkpoints` in the folder TORCH_HOME."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.name


@cache
def _torchvision():
    try:
        from torchvision import models
    except ImportError:
        raise Impossible(_("ImageNet weights are torchvision's, and need that Python package.")) from None
    return models


def presets() -> list[str]:
    """The presets of which torchvision has ImageNet weights. Raises `Impossible` without torchvision."""
    known = set(_torchvision().list_models())
    return [preset for preset in catalog.presets() if preset in known]


@cache
def files(preset: str) -> tuple[File, ...]:
    """The files for a preset, the first published one first. Raises `Impossible` if there are none."""
    if preset not in presets():
        raise Impossible(_("torchvision has no ImageNet weights of {preset}.").format(preset=preset))
    return tuple(File(preset, each.url, each.meta["_file_size"], tuple(each.meta["categories"]))
                 for each in _torchvision().get_model_weights(preset) if each.name.startswith("IMAGENET1K_V"))


def on_disk(preset: str) -> File:
    """The first of the files that is on this machine. Raises `Impossible` if none is."""
    if found := next((file for file in files(preset) if file.path.is_file()), None):
        return found
    raise Impossible(_("{file} is not on this machine.").format(file=_(" or ").join(file.name for file in files(preset))))


UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, pickle.UnpicklingError)
"""What torch raises for files that hold no weights, or are cut short."""


def imagenet(preset: str, model: nn.Module) -> dict[str, Tensor]:
    """The ImageNet weights for a preset's model, without those of auxiliary classifiers that it does not have.

    They are read from the file as they are needed, if its format allows. Raises `Impossible` if it is not there, cannot be
    read, or holds other names or shapes.
    """
    file = on_disk(preset)
    try:
        held = torch.load(file.path, map_location="cpu", weights_only=True, mmap=is_zipfile(file.path))
        held = renamed(catalog.get(preset).id, held)
        given = {name: tensor for name, tensor in held.items() if not name.startswith(AUXILIARY)}
        shapes = {name: tensor.shape for name, tensor in given.items()}
    except (*UNREADABLE, AttributeError):
        raise Impossible(_("{file} cannot be read: it holds no weights.").format(file=file.name)) from None
    ours = model.state_dict()
    if wrong := {name for name in ours.keys() | shapes.keys() if name not in ours or shapes.get(name) != ours[name].shape}:
        raise Impossible(_("{file} does not fit {preset}: {name} differs.").format(
            file=file.name, preset=preset, name=min(wrong)))
    return {name: tensor.to(ours[name].dtype) for name, tensor in given.items()}  # some are kept in half precision


AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, by which torchvision normalises."""
HALVES = {"googlenet", "inception_v3"}
"""Their weights come from elsewhere, and take images from -1 to 1 (torchvision's `transform_input`)."""


def normalised(preset: str, images: Tensor) -> Tensor:
    """Images (N, 3, H, W) from 0 to 1 as the ImageNet weights of a preset take them."""
    if preset in HALVES:
        return 2 * images - 1
    return (images - torch.tensor(MEANS).view(3, 1, 1)) / torch.tensor(DEVIATIONS).view(3, 1, 1)


_fetching = Lock()


def fetch(file: File) -> Iterator[float]:
    """Fetch a file to where torch looks for it; gives the share that has come. Raises `Impossible` if that fails."""
    if not _fetching.acquire(blocking=False):
        raise Impossible(_("Another file is being fetched. Try again when it is here."))
    done: Future[None] = Future()
    Thread(target=_fetch, args=(file, done), daemon=True, name="weights").start()
    while not done.done():
        parts = [part.stat().st_size for part in file.path.parent.glob(f"{file.name}.*.partial")]
        yield min(1.0, max(parts, default=0) / (file.megabytes * 2**20))
        wait([done], timeout=0.3)
    if error := done.exception():
        why = str(error).rstrip(".") or type(error).__name__
        raise Impossible(_("{file} could not be fetched: {why}.").format(file=file.name, why=why))


def _fetch(file: File, done: Future) -> None:
    """In a thread of its own, which goes on where nobody watches any more."""
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        started = torch.hub.HASH_REGEX.search(file.name)
        torch.hub.download_url_to_file(file.url, str(file.path), started and started[1], progress=False)
        done.set_result(None)
    except Exception as error:  # whatever the network, the disk or a wrong checksum says
        done.set_exception(error)
    finally:
        _fetching.release()
