"""How one cell of a map came to be: the window and the kernel, the formula and its numbers. Results, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, sqrt, tanh

import numpy as np

from lib.trace import Pair


@dataclass(frozen=True, eq=False)
class Weighted:
    """Σ window · weights + bias: convolutions, linear layers, means and sums.

    `window` and `weights` are (channels, height, width), `inside` (height, width) tells which places lie on the map and not
    in its padding. `channels` are those read, `corner` is the row and column of the map where the window begins. `value` is
    what torch gave, `divisor` that of a mean.
    """

    value: float
    channels: tuple[int, ...]
    corner: Pair
    window: np.ndarray
    weights: np.ndarray
    inside: np.ndarray
    bias: float | None = None
    dilation: Pair = (1, 1)
    divisor: int | None = None

    @property
    def is_linear(self) -> bool:
        """Whether it reads one number of each channel, and no window."""
        return self.inside.size == 1

    @property
    def is_sum(self) -> bool:
        """Whether the numbers are merely added."""
        return bool((self.weights == 1).all())

    @property
    def products(self) -> np.ndarray:
        """Window times weights, place by place."""
        return self.window * self.weights

    @property
    def by_channel(self) -> np.ndarray:
        """The sum of the products of each channel."""
        return self.products.sum((1, 2))

    @property
    def result(self) -> float:
        """What the numbers come to."""
        return float(self.products.sum() + (self.bias or 0))

    @property
    def largest(self) -> int:
        """The place of the channel that adds most, up or down."""
        return int(np.abs(self.by_channel).argmax())


@dataclass(frozen=True, eq=False)
class Largest:
    """The largest number of a window (height, width) of one channel; outside the map nothing counts."""

    value: float
    channel: int
    corner: Pair
    window: np.ndarray
    inside: np.ndarray

    @property
    def result(self) -> float:
        return float(self.window[self.inside].max())


@dataclass(frozen=True, eq=False)
class Formula:
    """A formula of a few numbers; `kind` is one of `FORMULAS`."""

    value: float
    kind: str
    numbers: Mapping[str, float]

    @property
    def general(self) -> str:
        """The formula in letters."""
        return FORMULAS[self.kind][0].format_map({name: name for name in self.numbers})

    def filled(self, write: Callable[[float], str]) -> str:
        """The formula with its numbers, each as `write` writes it."""
        written = {name: write(number) for name, number in self.numbers.items()}
        return FORMULAS[self.kind][0].format_map(
            {name: f"({text})" if text.startswith("−") else text for name, text in written.items()})

    @property
    def result(self) -> float:
        return float(FORMULAS[self.kind][1](*self.numbers.values()))


FORMULAS: dict[str, tuple[str, Callable[..., float]]] = {
    "batch_norm": ("{γ} · ({x} − {μ}) / √({σ²} + {ε}) + {β}",
                   lambda x, mean, variance, epsilon, scale, shift: scale * (x - mean) / sqrt(variance + epsilon) + shift),
    "relu": ("max(0, {x})", lambda x: max(0.0, x)),
    "hardtanh": ("min({top}, max({bottom}, {x}))", lambda x, bottom, top: min(top, max(bottom, x))),
    "sigmoid": ("1 / (1 + exp(−{x}))", lambda x: 1 / (1 + exp(-x))),
    "tanh": ("tanh({x})", tanh),
    "square": ("{x}²", lambda x: x * x),
    "add": ("{a} + {b}", lambda a, b: a + b),
    "sub": ("{a} − {b}", lambda a, b: a - b),
    "mul": ("{a} · {b}", lambda a, b: a * b),
    "softmax": ("exp({x}) / {sum}", lambda x, total: exp(x) / total),
    "local_response_norm": ("{x} / ({k} + {α} · {mean})^{β}", lambda x, k, alpha, mean, beta: x / (k + alpha * mean)**beta),
}
"""For each kind of operation its formula, and the same as a function of the numbers in their order."""


@dataclass(frozen=True, eq=False)
class Moved:
    """A number that is handed on as it is: from which input, counted from 0, and from which channel, row and column there.
    `source` is None where it was not there before, as the zeros of a padding."""

    value: float
    source: int | None
    place: tuple[int, int, int] = (0, 0, 0)

    @property
    def result(self) -> float:
        return self.value


Made = Weighted | Largest | Formula | Moved
