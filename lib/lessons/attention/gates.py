"""Gates on a picture: what SE, SK and split attention multiply their channels with, their weights drawn at random."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from lib.lessons.attention.blocks import kernels, se_block, sk_block, split_block
from lib.lessons.pictures import drawn, zoomed
from lib.measuring import Progress, quiet, seeded
from lib.models.resnest import ResNeStBottleneck
from lib.models.resnet import initialize
from lib.models.resnet_tweaks import deep_stem
from lib.models.senet import SEBottleneck
from lib.models.sknet import SKUnit
from lib.once import once
from lib.text import _

SIDE, OBJECT = 224, 96
"""Height and width of a picture, and of the object in one that is drawn here, in pixels."""
SIZE = 64
"""Pixels that a picture is reduced to before it is measured: enough for conv2_x, and quick."""
ZOOMS = (100, 120, 140, 160, 180, 200)
STRENGTHS = (1, 4, 16, 64)
SEEDS = (0, 1, 2, 3)
AS_IS = 100
"""A zoom that changes nothing, in %."""


def gates(picture: str | bytes, zoom: int, strength: int, seed: int, progress: Progress = quiet) -> np.ndarray:
    """(1, channels): the gates of SE on a picture enlarged to `zoom` %: one that is drawn here, by name, or a PNG file."""
    return _weights(se_block, seed, strength, _images(picture, (zoom,)))[0]


def choices(picture: str | bytes, seed: int, branches: int, progress: Progress = quiet) -> np.ndarray:
    """(strengths, branches, channels): the weights of SK on a picture, for each of `STRENGTHS`."""
    image, found = _images(picture, (AS_IS,)), []
    for strength in STRENGTHS:
        found.append(_weights(partial(sk_block, branches=branches), seed, strength, image)[0])
        progress(len(found) / len(STRENGTHS))
    return np.stack(found)


def splits(picture: str | bytes, strength: int, seed: int, radix: int, progress: Progress = quiet) -> np.ndarray:
    """(radix, channels): the weights of split attention with one cardinal group on a picture."""
    return _weights(partial(split_block, radix=radix, cardinality=1), seed, strength, _images(picture, (AS_IS,)))[0]


class Drift(NamedTuple):
    """SK weights while the object grows, an array (seeds, zooms, branches, channels)."""

    weights: np.ndarray

    @property
    def widest(self) -> np.ndarray:
        """The mean over all channels of the widest kernel's weight: (seeds, zooms)."""
        return self.weights[:, :, -1].mean(-1)

    def fields(self, seed: int) -> dict[str, object]:
        """The numbers that the lesson's text speaks of."""
        first, last = self.weights[seed, 0, -1], self.weights[seed, -1, -1]
        change = self.widest[:, -1] - self.widest[:, 0]
        branches = self.weights.shape[2]
        return {"seed": seed, "kernel": kernels(branches)[-1], "channels": len(first), "even": f"{1 / branches:.3f}",
                "rising": int((last > first).sum()), "falling": int((last < first).sum()), "draws": len(change),
                "up": int((change > 0).sum()), "down": int((change < 0).sum()),
                "before": f"{self.widest[seed, 0]:.4f}", "after": f"{self.widest[seed, -1]:.4f}"}

    @once
    def table(self) -> pd.DataFrame:
        """The widest kernel's mean weight, a row for each seed, a column for each zoom."""
        table = pd.DataFrame(self.widest, columns=[f"{zoom} %" for zoom in ZOOMS]).map(_written)
        table.insert(0, "Seed", SEEDS)
        return table


def drift(picture: str | bytes, strength: int, branches: int, progress: Progress = quiet) -> Drift:
    """The first SK unit's weights for every zoom of a picture, under four draws of the network's weights."""
    images, found = _images(picture, ZOOMS), []
    for seed in SEEDS:
        found.append(_weights(partial(sk_block, branches=branches), seed, strength, images))
        progress(len(found) / len(SEEDS))
    return Drift(np.stack(found))


def called(picture: str | bytes) -> str:
    """What a picture is called in a sentence."""
    return _("the drawn {name}").format(name=picture) if isinstance(picture, str) else _("your picture")


def sums(weights: np.ndarray) -> dict[str, str]:
    """The sums over the branches, from the smallest channel's to the largest one's."""
    found = weights.sum(0)
    low, high = f"{found.min():.3f}", f"{found.max():.3f}"
    return {"sums": low if low == high else f"{low} to {high}"}


def hardness(found: np.ndarray) -> dict[str, list[float]]:
    """Of (strengths, branches, channels): the largest weight of a channel and the sum of its weights, as means over all
    channels, for each strength."""
    return {"largest": found.max(1).mean(-1).tolist(), "sum": found.sum(1).mean(-1).tolist()}


@once
def hardness_table(found: np.ndarray) -> pd.DataFrame:
    """The same, a row for each strength."""
    means = hardness(found)
    return pd.DataFrame({"Last layer ×": STRENGTHS, "Largest weight of a channel": means["largest"],
                         "Sum of its weights": means["sum"]}).map(_written)


def even_weight(branches: int) -> float:
    """What a softmax gives each of the branches where none is preferred."""
    return float(torch.zeros(branches).softmax(0)[0])


@once
def weights_table(names: list[str], weights: np.ndarray, channels: int) -> pd.DataFrame:
    """The first channels' weights (branches, channels), a row a channel, with the sum over several branches."""
    columns = {"Channel": range(1, channels + 1)} | {name: row[:channels] for name, row in zip(names, weights)}
    if len(names) > 1:
        columns["sum"] = weights[:, :channels].sum(0)
    return pd.DataFrame(columns).map(_written)


@once
def seen(picture: str | bytes, zoom: int) -> Image.Image:
    """What the networks see, before it is reduced."""
    return zoomed(_read(picture), zoom)


def _read(picture: str | bytes) -> Image.Image:
    return drawn(picture, SIDE, OBJECT) if isinstance(picture, str) else Image.open(BytesIO(picture)).convert("RGB")


def _written(number: int | float) -> str:
    return f"{number}" if isinstance(number, int) else f"{number:.4f}"


def _images(picture: str | bytes, zooms: tuple[int, ...]) -> Tensor:
    """(zooms, 3, SIZE, SIZE), near mean 0 and deviation 1, as the networks are fed."""
    small = [zoomed(_read(picture), zoom).resize((SIZE, SIZE)) for zoom in zooms]
    pixels = torch.from_numpy(np.stack([np.array(each, np.float32) for each in small]))
    return (pixels.permute(0, 3, 1, 2) / 255 - 0.45) / 0.225


def _weights(build: Callable[[int], nn.Module], seed: int, strength: int, images: Tensor) -> np.ndarray:
    """(images, branches, channels): what the first block of conv2_x multiplies its branches with.

    The weights of the stem and the block are drawn, not trained. The last layer's output is multiplied by `strength`
    before the sigmoid or the softmax.
    """
    with seeded(seed):
        block = build(64)
        first = deep_stem(64) if isinstance(block, ResNeStBottleneck) else nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        network = nn.Sequential(first, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), block).eval()
        initialize(network)
    found = []
    if isinstance(block, SEBottleneck):
        last, gate, of = block.se.fc2, block.se.sigmoid, lambda output: output[:, None]
    elif isinstance(block, SKUnit):
        last, gate, of = block.conv2.attn.fc_select, block.conv2.attn, lambda output: output
    else:
        last = gate = block.conv2.fc2
        of = block.conv2.weights
    last.register_forward_hook(lambda module, inputs, output: output * strength)
    gate.register_forward_hook(lambda module, inputs, output: found.append(of(output)))
    with torch.inference_mode():
        network(images)
    return found[0].flatten(2).numpy()
