"""What signals and gradients do on their way through a plain and a residual network that are not trained yet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import lib
from lib.measuring import Progress, quiet, seeded
from lib.once import once

PIXELS = 32
"""Height and width of CIFAR's images."""
IMAGES = 4
"""Random images in the batch that goes through a network once, forward and backward."""
ANGLES = (0.5, 1, 2, 4, 8, 16, 32, 64)
"""Degrees between the two images whose gradients are compared."""
PAIRS = 2
"""Circles of images over which the correlation is averaged."""


@dataclass(frozen=True)
class Start:
    """A network before training, after one forward and one backward pass.

    `signals` are the root mean squares of the blocks' outputs, `gradients` the Euclidean norms of the loss's gradients
    there; `correlations` the cosines between gradients at two images, for each of `ANGLES`.
    """

    name: str
    signals: tuple[float, ...]
    gradients: tuple[float, ...]
    correlations: tuple[float, ...]

    @property
    def growth(self) -> float:
        """How many times as large the gradient at the first block is as that at the last."""
        return self.gradients[0] / self.gradients[-1]


def at_initialisation(depth: int, shortcut: str, seed: int, progress: Progress = quiet) -> tuple[Start, Start]:
    """A plain and a residual CIFAR network of `depth` layers, on the same images. With option A, which has no weights,
    both have the same weights too."""
    starts = []
    for index, (word, residual) in enumerate((("plain", False), ("ResNet", True))):
        with seeded(seed):
            images, labels = torch.randn(IMAGES, 3, PIXELS, PIXELS), torch.randint(10, (IMAGES,))
            ends = torch.randn(2, PAIRS, 3, PIXELS, PIXELS)
            network = lib.build("resnet56_cifar", n=(depth - 2) // 6, residual=residual, shortcut=shortcut)
        signals, gradients = through_depth(network, images, labels)
        progress(index / 2 + 0.3)
        starts.append(Start(f"{word}-{depth}", signals, gradients, correlations(network, *ends)))
        progress((index + 1) / 2)
    return tuple(starts)


def units(network: nn.Module) -> list[nn.Module]:
    """The blocks of a CIFAR network in their order."""
    return [*network.layer1, *network.layer2, *network.layer3]


def through_depth(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One forward pass in training mode and one backward pass: for every block the root mean square of its output and
    the norm of the loss's gradient there. Images (N, 3, 32, 32), labels (N,). The norms' running statistics become those
    of this batch."""
    outputs: list[Tensor] = []

    def keep(unit: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # what comes next may write over its input

    hooks = [unit.register_forward_hook(keep) for unit in units(network)]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    loss = F.cross_entropy(network(images), labels)
    for hook in hooks:
        hook.remove()
    gradients = torch.autograd.grad(loss, outputs)
    return (tuple(output.detach().square().mean().sqrt().item() for output in outputs),
            tuple(gradient.norm().item() for gradient in gradients))


def correlations(network: nn.Module, first: Tensor, second: Tensor) -> tuple[float, ...]:
    """The cosine between the gradients of the first logit at an image and at one that is turned away from it by each of
    `ANGLES`, averaged over pairs of random images, both (pairs, 3, 32, 32).

    The norms use fixed statistics, so that an image's gradient is its own alone.
    """
    network.eval()
    turned = torch.tensor((0, *ANGLES)).deg2rad().view(-1, 1, 1, 1, 1)
    images = (turned.cos() * first + turned.sin() * second).flatten(0, 1).requires_grad_()
    gradient, = torch.autograd.grad(network(images)[:, 0].sum(), images)
    gradient = F.normalize(gradient.view(len(turned), len(first), -1), dim=-1)
    return tuple((gradient[1:] * gradient[0]).sum(-1).mean(1).tolist())


def over_blocks(starts: tuple[Start, Start], quantity: str) -> tuple[list[int], dict[str, tuple[float, ...]]]:
    """The numbers of the blocks, and the networks' `signals` or `gradients` there."""
    return list(range(1, len(starts[0].signals) + 1)), {start.name: getattr(start, quantity) for start in starts}


def over_angles(starts: tuple[Start, Start]) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """The angles, the networks' correlations, and the images' own."""
    images = tuple(math.cos(math.radians(angle)) for angle in ANGLES)
    return ANGLES, {start.name: start.correlations for start in starts} | {"the images themselves": images}


def rounded(value: float) -> str:
    """A factor to two digits, without powers of ten: `9,400`, `18`, `4.4`."""
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.1f}"


def short(value: float) -> str:
    """A number to three digits, in whole numbers from a thousand on."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


@once
def signal_table(starts: tuple[Start, Start]) -> pd.DataFrame:
    """First and last values of the measured signals."""
    return pd.DataFrame([{"Network": start.name, "Signal after the first block": f"{start.signals[0]:.2f}",
                          "After the last": f"{start.signals[-1]:.2f}"} for start in starts])


@once
def gradient_table(starts: tuple[Start, Start]) -> pd.DataFrame:
    """First and last values of the measured gradients."""
    return pd.DataFrame([{"Network": start.name, "Gradient at the last block": short(start.gradients[-1]),
                          "At the first": short(start.gradients[0]), "First / last": rounded(start.growth)}
                         for start in starts])


@once
def first_stage(shortcut: str, starts: tuple[Start, Start]) -> pd.DataFrame:
    """The mean square of the residual network's signal in conv2_x: derived for the sum, and measured behind the ReLU.

    The stem gives a half: a norm, of which the ReLU keeps half. A branch with a norm at its end adds 1. A projection,
    with a norm as well, makes 1 of what comes in.
    """
    signals = starts[1].signals[:len(starts[1].signals) // 3]
    derived = [2 if shortcut == "C" else 0.5 + block for block in range(1, len(signals) + 1)]
    return pd.DataFrame({"Block": range(1, len(signals) + 1), "Sum, derived": derived,
                         "Behind the ReLU, measured": [f"{signal**2:.2f}" for signal in signals]})


@once
def correlation_table(starts: tuple[Start, Start]) -> pd.DataFrame:
    """The measured correlations, a row for each angle."""
    angles, lines = over_angles(starts)
    columns = {name: [f"{value:z.2f}" for value in values] for name, values in lines.items()}
    return pd.DataFrame({"Angle": [f"{angle:g}°" for angle in angles], **columns})


@once
def start_fields(depth: int, shortcut: str, seed: int, starts: tuple[Start, Start]) -> dict[str, object]:
    """The numbers that the text on the measurement speaks of."""
    plain, residual = starts
    return {"plain": plain.name, "residual": residual.name, "images": IMAGES, "size": f"{PIXELS} × {PIXELS}",
            "depth": depth, "shortcut": shortcut, "seed": seed, "blocks": len(plain.signals),
            "plain_growth": rounded(plain.growth), "residual_growth": rounded(residual.growth),
            "plain_signal": f"{plain.signals[-1]:.2f}", "residual_signal": f"{residual.signals[-1]:.2f}"}


def angle_fields(angle: float, starts: tuple[Start, Start]) -> dict[str, object]:
    """How alike gradients and images are at this angle, one of `ANGLES`."""
    angles, lines = over_angles(starts)
    plain, residual, images = (line[angles.index(angle)] for line in lines.values())
    return {"angle": f"{angle:g}", "plain_correlation": f"{plain:z.2f}", "residual_correlation": f"{residual:z.2f}",
            "images_correlation": f"{images:.3f}"}
