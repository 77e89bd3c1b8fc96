"""Training a network, plainly: batches, loss, backward, step. What the page shows is what runs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from math import isfinite

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
        began, waited, seen, loss_sum, wrong, norms = time.perf_counter(), 0.0, 0, 0.0, 0, 0.0
        batches = shuffled_batches(self.training, self.recipe.batch, self.seed, self.done)
        self.model.train()
        for step, batch in enumerate(batches, 1):
            for group in self.optimiser.param_groups:
                group["lr"] = self.recipe.rate(self.done + step / len(batches))
            with seeded(chance(self.seed, self.done, step)):  # for dropout and augmentation
                scores, *others = outputs(self.model, augmented(self.images[batch], self.recipe.augmentation))
            loss = F.cross_entropy(scores, self.labels[batch])
            loss = loss + AUXILIARY * sum(F.cross_entropy(other, self.labels[batch]) for other in others)
            self.optimiser.zero_grad()
            loss.backward()
            norms += get_total_norm([weight.grad for weight in self.watched]).item()
            self.optimiser.step()
            seen += len(batch)
            loss_sum += len(batch) * loss.item()
            wrong += (scores.argmax(1) != self.labels[batch]).sum().item()
            means = Epoch.of(loss_sum / seen, 100 * wrong / seen, norms / step, time.perf_counter() - began - waited)
            if step < len(batches):
                asked = time.perf_counter()
                yield step / len(batches), means
                waited += time.perf_counter() - asked  # others train meanwhile
        error = self.test_error()
        self.done += 1
        yield 1.0, Epoch.of(means.train_loss, means.train_error, means.gradient_norm,
                            time.perf_counter() - began - waited, error)

    @torch.inference_mode()
    def test_error(self) -> float:
        """The share of the test pictures whose highest score is that of a wrong class, in percent."""
        self.model.eval()
        images, labels = self.images[self.training:], self.labels[self.training:]
        wrong = sum((outputs(self.model, part)[0].argmax(1) != truth).sum().item()
                    for part, truth in zip(images.split(TEST_BATCH), labels.split(TEST_BATCH)))
        return 100 * wrong / len(labels)

    def state(self) -> bytes:
        """Weights and momenta, to go on from."""
        kept = io.BytesIO()
        torch.save({"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "done": self.done}, kept)
        return kept.getvalue()

    def go_on(self, state: bytes) -> None:
        """Go on from a `state`."""
        kept = torch.load(io.BytesIO(state), weights_only=True, map_location=self.labels.device)
        self.model.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.done = kept["done"]


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


def is_lost(epoch: Epoch) -> bool:
    """Whether the loss is no number any more, so that nothing can be learnt."""
    return epoch.train_loss is None or not isfinite(epoch.train_loss)
