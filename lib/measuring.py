"""What measurements on real networks share: weights and images that follow from a seed, and a way to say how far one is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

Progress = Callable[[float], None]
"""Called with the share that is done, from 0 to 1. It may raise to stop the measurement."""


def quiet(share: float) -> None:
    """The progress of a measurement that nobody watches."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's random numbers follow from `seed`; outside they go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
