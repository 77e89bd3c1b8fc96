"""The memory of a training step, computed: weights, gradients, the optimiser's state, and what autograd saves.

What autograd saves is not estimated but asked: the real network runs in train mode on the meta device, whose tensors
have a size and no memory, and `torch.autograd.graph.saved_tensors_hooks` hears of every tensor that backward will need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from lib import catalog
from lib.analysis.fitting import image_shape
from lib.analysis.replay import Replay, memory_of
from lib.architecture import Impossible, NetworkKnobs
from lib.devices import DTYPES
from lib.meta import on_meta
from lib.once import once

OPTIMISERS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Numbers that an optimiser keeps for each weight: none, a velocity, or two moments (Kingma and Ba 2015). The count of
steps, one number for each tensor, is left out."""

GIB = 1 << 30
"""Bytes of a GiB. A card sold with 8 GB holds 8 GiB: memory chips come in powers of two."""

CARDS = (8, 16, 24, 80)
"""GiB of common GPUs."""


@dataclass(frozen=True)
class Held:
    """Bytes of a network and its training step at one batch size, in one kind of numbers.

    `batch` is that size. `weights` holds the parameters and the buffers, `trained` the parameters that get gradients.
    `saved` is what autograd keeps for backward, weights and images apart; `indices` is the part of it that are the
    positions of the maxima of pooling, 8 bytes each; `largest` is its largest tensor.
    """

    batch: int
    weights: int
    trained: int
    images: int
    saved: int
    indices: int
    largest: int


@dataclass(frozen=True)
class Budget:
    """Bytes of a training step, part by part."""

    batch: int
    weights: int
    gradients: int
    optimiser: int
    images: int
    saved: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimiser + self.images + self.saved

    @property
    def card(self) -> int | None:
        """The smallest of `CARDS`, in GiB, that holds this much; None if none does."""
        return next((card for card in CARDS if self.total <= card * GIB), None)


def loss_of(outputs: Tensor | Iterable[Tensor], labels: Tensor) -> Tensor:
    """A number to take gradients of: the cross-entropy of each output (N, classes) with `labels` (N,). Of outputs that
    are maps, as a pyramid's, it is the mean square, which like the heads that read them saves the maps themselves."""
    outputs = [outputs] if isinstance(outputs, Tensor) else outputs
    return sum(F.cross_entropy(each, labels) if each.dim() == 2 else each.square().mean() for each in outputs)


def traced(preset: str, knobs: NetworkKnobs, dtype: str, batch: int) -> Held:
    """One forward pass in train mode on meta at this very batch.

    Raises `Impossible` where a batch normalisation would see a single number per channel.
    """
    architecture, numbers = catalog.get(preset), DTYPES[dtype]
    with on_meta():
        model = architecture.build(knobs)
    model.to(numbers).train()
    images = torch.empty((batch, *image_shape(knobs)[1:]), dtype=numbers, device="meta")
    labels = torch.zeros(batch, dtype=torch.int64, device="meta")
    weights = [*model.parameters(), *model.buffers()]
    known = {memory_of(tensor) for tensor in (*weights, images, labels)}
    kept = {}

    def keep(tensor: Tensor) -> None:
        if memory_of(tensor) not in known:
            kept[memory_of(tensor)] = tensor.untyped_storage(), tensor.dtype  # held, so that its address is not used again

    with torch.enable_grad(), saved_tensors_hooks(keep, lambda nothing: nothing), Replay():
        try:
            loss_of(model(images), labels)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise Impossible(f"{preset} cannot be trained at batch {batch} with images of {knobs.input_size} pixels: one of "
                             "its batch normalisations would see a single number per channel, which has no variance. "
                             f"Batch {batch + 1} works.") from None
    sizes = [(storage.nbytes(), kind) for storage, kind in kept.values()]
    return Held(
        batch=batch, weights=sum(weight.nbytes for weight in weights), images=images.nbytes,
        trained=sum(weight.nbytes for weight in model.parameters() if weight.requires_grad),
        saved=sum(size for size, _ in sizes), indices=sum(size for size, kind in sizes if kind == torch.int64),
        largest=max(size for size, _ in sizes))


@once
def smallest(preset: str, knobs: NetworkKnobs, dtype: str) -> tuple[Held, Held, str]:
    """`traced` at the two smallest batches that can be trained, and why batch 1 is not among them; empty if it is."""
    try:
        return traced(preset, knobs, dtype, 1), traced(preset, knobs, dtype, 2), ""
    except Impossible as error:
        return traced(preset, knobs, dtype, 2), traced(preset, knobs, dtype, 3), str(error)


def per_image(preset: str, knobs: NetworkKnobs, dtype: str) -> Held:
    """What every image adds. Weights are 0."""
    one, two, _ = smallest(preset, knobs, dtype)
    return Held(**{name: getattr(two, name) - value for name, value in vars(one).items()})


def held(preset: str, knobs: NetworkKnobs, dtype: str, batch: int) -> Held:
    """As `traced`, from two small batches: every part grows by the same amount with every image."""
    one, _, refused = smallest(preset, knobs, dtype)
    if batch < one.batch:
        raise Impossible(refused)
    image = per_image(preset, knobs, dtype)
    return Held(**{name: value + (batch - one.batch) * getattr(image, name) for name, value in vars(one).items()})


def budget(preset: str, knobs: NetworkKnobs, dtype: str, batch: int, optimiser: str) -> Budget:
    """What one training step holds. Raises `Impossible` as `traced` does."""
    step = held(preset, knobs, dtype, batch)
    return Budget(batch, step.weights, step.trained, OPTIMISERS[optimiser] * step.trained, step.images, step.saved)


def budgets(preset: str, knobs: NetworkKnobs, dtype: str, batches: Iterable[int], optimiser: str) -> tuple[list[Budget], str]:
    """A budget for each batch size that can be trained, and why one cannot; empty if all can."""
    rows, refused = [], ""
    for batch in sorted(set(batches)):
        try:
            rows.append(budget(preset, knobs, dtype, batch, optimiser))
        except Impossible as error:
            refused = str(error)
    return rows, refused
