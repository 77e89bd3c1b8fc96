"""Numbers to be read: measured ones with no more digits than their repetitions bear, and changes in words."""

from collections.abc import Sequence
from math import ceil, floor, log10, sqrt
from statistics import median, pstdev

from torch.utils.benchmark import Measurement
from torch.utils.benchmark.utils.common import TaskSpec

MOST_FIGURES = 4
"""As many as Measurement claims at the most, however often something is repeated."""

FEWEST_TIMES = 4
"""With fewer repetitions nothing is known of their spread, and one figure is claimed."""


def measurement(times: Sequence[float]) -> Measurement:
    """Milliseconds as torch's own measurement, in seconds."""
    return Measurement(1, [time / 1e3 for time in times], TaskSpec("", ""))


Z = 1.645
"""Standard errors within which 90 % of medians lie: what Measurement takes for its estimate."""


def figures(times: Sequence[float]) -> int:
    """Significant figures of the median of `times`: 1 to `MOST_FIGURES`.

    What the median is unsure by is estimated as `Measurement.significant_figures` does, from the middle half of the times;
    the last figure is the one nearest to it. Measurement itself counts whole powers of ten, by which 65 ± 0.7 would become
    60: then rounding would hide more than the scatter does.
    """
    if len(times) < FEWEST_TIMES:
        return 1
    middle = sorted(times)[len(times) // 4:ceil(3 * len(times) / 4)]
    unsure = Z * pstdev(middle) / sqrt(len(middle))
    return _figures(median(times), unsure) if unsure else MOST_FIGURES


def figures_of_sum(values: Sequence[float], each: Sequence[int]) -> int:
    """Significant figures of a sum whose terms have `each` so many: what they are unsure by adds up by its squares."""
    unsure = sum(unit(value, figures)**2 for value, figures in zip(values, each) if value)**0.5
    return _figures(sum(values), unsure) if unsure else MOST_FIGURES


def _figures(value: float, unsure: float) -> int:
    return min(max(floor(log10(value)) - round(log10(unsure)) + 1, 1), MOST_FIGURES)


def unit(value: float, figures: int) -> float:
    """What one in the last figure is worth, about as much as the value is unsure by: 0.1 of 24.5."""
    return 10.0 ** (floor(log10(abs(value))) - figures + 1)


def rounded(value: float, figures: int) -> float:
    """`value` with so many significant figures: 24.4981 with 3 is 24.5."""
    return float(f"{value:.{figures}g}")


def text(value: float, figures: int) -> str:
    """The same to be read: `24.0`, `1,230`, `0.012`."""
    value = rounded(value, figures)
    decimals = round(-log10(unit(value, figures))) if value else 0
    return f"{value:,.{max(0, decimals)}f}"


def change(before: float, after: float) -> str:
    """What became of a number, in words: in percent until it is doubled or halved (`+9.90 %`), then as a factor (`× 2.03`,
    `÷ 12.3`)."""
    if after == before:
        return "the same"
    if not before or not after:
        return f"from {before:,} to {after:,}"
    if max(after / before, before / after) >= 2:
        return f"× {text(after / before, 3)}" if after > before else f"÷ {text(before / after, 3)}"
    return f"{'+' if after > before else '−'}{text(100 * abs(after / before - 1), 3)} %"
