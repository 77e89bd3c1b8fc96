"""Training a network, plainly: batches, loss, backward, step. What the page shows is what runs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from lib.measuring import seeded
from lib.models.lenet import LeNet1998
from lib.training.records import Epoch
from lib.training.recipe import Recipe

AUXILIARY = 0.3
"""The weight of an auxiliary classifier's loss (Szegedy et al. 2014, section 5)."""
TEST_BATCH = 500


class Training:
    """A network that learns: `epoch()` shows it all training pictures once.

    `images` (N, C, H, W) and `labels` (N,), of which the first `training` are learnt from; `watched` are the weights whose
    gradient's norm is noted. `done` counts the epochs.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, training: int, recipe: Recipe, seed: int,
                 watched: Sequence[nn.Parameter]):
        self.model, self.recipe, self.seed, self.watched = model, recipe, seed, watched
        self.images, self.labels, self.training = images, labels, training
        self.optimiser = torch.optim.SGD(model.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum,
                                         weight_decay=recipe.weight_decay)
        self.done = 0

    def epoch(self) -> Iterator[tuple[float, Epoch]]:
        """After each step the share of the epoch that is done, and the means until then; the test error comes last."""
        means, batches = Means(), shuffled_batches(self.training, self.recipe.batch, self.seed, self.done)
        self.model.train()
        for number, batch in enumerate(batches, 1):
            with means.timed():
                for group in self.optimiser.param_groups:
                    group["lr"] = self.recipe.rate(self.done + number / len(batches))
                means.add(len(batch), *self.step(batch, number))
            if number < len(batches):
                yield number / len(batches), means.epoch()
        with means.timed():
            error = test_error(self.model, self.images[self.training:], self.labels[self.training:])
        self.done += 1
        yield 1.0, means.epoch(error)

    def step(self, batch: Tensor, number: int) -> tuple[float, int, float]:
        """One step on the pictures with these indices; gives the loss, how many were wrong, and the gradient's norm."""
        labels = self.labels[batch]
        with seeded(chance(self.seed, self.done, number)):  # for dropout and augmentation
            scores, *others = outputs(self.model, augmented(self.images[batch], self.recipe.augmentation))
        loss = F.cross_entropy(scores, labels) + AUXILIARY * sum(F.cross_entropy(other, labels) for other in others)
        self.optimiser.zero_grad()
        loss.backward()
        norm = get_total_norm([weight.grad for weight in self.watched])
        self.optimiser.step()
        return loss.item(), (scores.argmax(1) != labels).sum().item(), norm.item()


class Means:
    """The steps of an epoch, summed up as they come."""

    def __init__(self):
        self.seen = self.wrong = self.steps = 0
        self.loss = self.norm = self.seconds = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What is done inside takes seconds of this network; what others do between does not."""
        began = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began

    def add(self, count: int, loss: float, wrong: int, norm: float) -> None:
        """A step on `count` pictures, of which so many were wrong."""
        self.seen, self.wrong, self.steps = self.seen + count, self.wrong + wrong, self.steps + 1
        self.loss, self.norm = self.loss + count * loss, self.norm + norm

    def epoch(self, test_error: float | None = None) -> Epoch:
        return Epoch.of(self.loss / self.seen, 100 * self.wrong / self.seen, self.norm / self.steps, self.seconds, test_error)


@torch.inference_mode()
def test_error(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of pictures (N, C, H, W) whose highest score is that of a wrong class, in percent."""
    model.eval()
    wrong = sum((outputs(model, part)[0].argmax(1) != truth).sum().item()
                for part, truth in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH)))
    return 100 * wrong / len(labels)


def state_of(training: Training) -> bytes:
    """Weights and momenta, to go on from."""
    kept = io.BytesIO()
    torch.save({"model": training.model.state_dict(), "optimiser": training.optimiser.state_dict(), "done": training.done}, kept)
    return kept.getvalue()


def go_on(training: Training, state: bytes) -> None:
    """Go on from a state."""
    kept = torch.load(io.BytesIO(state), weights_only=True, map_location=training.labels.device)
    training.model.load_state_dict(kept["model"])
    training.optimiser.load_state_dict(kept["optimiser"])
    training.done = kept["done"]


def shuffled_batches(count: int, batch: int, seed: int, epoch: int) -> list[Tensor]:
    """The indices of `count` pictures, in an order that follows from seed and epoch, so that it is the same for all networks.
    A last batch of less than half the size is left out."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(chance(seed, epoch, 0)))
    batches = list(order.split(batch))
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) < batch / 2 else batches


def chance(seed: int, epoch: int, step: int) -> int:
    """A seed of random numbers for each step of each epoch of each run."""
    return (seed * 10**6 + epoch) * 10**6 + step


def outputs(model: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """The scores of each class (N, classes), the higher the likelier, then those of auxiliary classifiers."""
    given = model(images)
    if isinstance(model, LeNet1998):  # it gives distances
        given = -given
    return given if isinstance(given, tuple) else (given,)


def augmented(images: Tensor, how: str) -> Tensor:
    """Images (N, C, H, W), each moved at random by at most an eighth of its size, and mirrored half of the time."""
    if how == "none":
        return images
    size = images.shape[-1]
    most = max(1, size // 8)
    padded = F.pad(images, (most, most, most, most), value=images.min().item())
    down, right = torch.randint(2 * most + 1, (2, len(images))).tolist()
    moved = torch.stack([each[:, y:y + size, x:x + size] for each, y, x in zip(padded, down, right)])
    if how == "shift and mirror":
        mirrored = (torch.rand(len(images)) < 0.5).to(images.device)
        moved = torch.where(mirrored[:, None, None, None], moved.flip(-1), moved)
    return moved
