"""The roof of a device, measured: how fast it multiplies matrices, and how fast it copies memory.

The roofline: S. Williams, A. Waterman, D. Patterson, Roofline: an insightful visual performance model for multicore
architectures, Communications of the ACM 52(4), 2009, doi:10.1145/1498765.1498785.
"""

from collections.abc import Iterator

import torch
from pydantic import BaseModel, ConfigDict

from lib.devices import DTYPES, free_bytes
from lib.digits import rounded
from lib.quantities import Bytes, Count, PerSecond
from lib.records import Setting
from lib.timing import Clock, Step

SMALLEST_SIDE, LARGEST_SIDE = 256, 8192
LONG_ENOUGH = {"cpu": 20.0, "cuda": 1.0, "mps": 5.0}
"""Milliseconds from which on a matrix product is large enough to keep the device busy."""

LARGEST_COPY = 256 << 20
"""Bytes of the copied tensor, where memory allows: more than the caches of most devices."""

REPETITIONS = 7

FIGURES = 3
"""Significant figures that the best of so few repetitions is given with."""


class Peaks(BaseModel):
    """The best of some repetitions: FLOP/s of a product of two square matrices of side `matrix_side`, in the numbers of
    the setting, and bytes/s of a copy of a tensor of `copy_bytes`, what is read and what is written both counted."""

    model_config = ConfigDict(frozen=True)

    flop_per_second: PerSecond
    matrix_side: Count
    bytes_per_second: PerSecond
    copy_bytes: Bytes

    @property
    def gflop_per_second(self) -> float:
        return self.flop_per_second / 1e9

    @property
    def gigabytes_per_second(self) -> float:
        return self.bytes_per_second / 1e9

    @property
    def copied_megabytes(self) -> float:
        return self.copy_bytes / 1e6

    @property
    def ridge(self) -> float:
        """The intensity, in FLOPs a byte, from which on computing is the limit and no longer memory."""
        return self.flop_per_second / self.bytes_per_second

    def roof(self, intensity: float) -> float:
        """The most FLOP/s that the roof allows at this intensity."""
        return min(self.flop_per_second, intensity * self.bytes_per_second)

    def limit(self, intensity: float | None) -> str:
        """What limits a layer of this intensity: `memory` or `compute`; `unknown` without one."""
        if intensity is None:
            return "unknown"
        return "compute" if intensity >= self.ridge else "memory"


def measure(setting: Setting, clock: Clock) -> Iterator[Step]:
    """Finds the `Peaks` of the setting's device and numbers."""
    best, best_side, side, milliseconds = 0.0, 0, SMALLEST_SIDE, 0.0
    while side <= LARGEST_SIDE and milliseconds < LONG_ENOUGH[clock.kind]:
        left, right = (torch.randn(side, side, device=setting.device, dtype=DTYPES[setting.dtype]) for _ in range(2))
        product = torch.empty_like(left)
        milliseconds = yield from _fastest(lambda: torch.mm(left, right, out=product), clock,
                                           f"Peak compute: a {side}×{side} matrix product")
        if (rate := 2e3 * side**3 / milliseconds) > best:
            best, best_side = rate, side
        side *= 2
    numbers = min(LARGEST_COPY, free_bytes(setting.device) // 8) // 4
    source, target = (torch.ones(numbers, device=setting.device) for _ in range(2))
    milliseconds = yield from _fastest(lambda: target.copy_(source), clock, "Peak bandwidth: a copy in memory")
    yield Step(1.0, "Peaks measured", Peaks(
        flop_per_second=rounded(best, FIGURES), matrix_side=best_side, copy_bytes=source.nbytes,
        bytes_per_second=rounded(2e3 * source.nbytes / milliseconds, FIGURES)))


def _fastest(work, clock: Clock, doing: str) -> Iterator[Step]:
    """Returns the shortest of the repetitions, in ms; the first, which warms up, is one of them."""
    times = []
    for _ in range(REPETITIONS):
        times.append(clock.milliseconds(work))
        yield Step(0.0, doing)
    return min(times)
