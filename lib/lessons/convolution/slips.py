"""What usual mistakes make of the sizes and fields that the lesson asks for."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from lib.lessons.convolution.layer import Built
from lib.lessons.convolution.written import Described


def numbers_with(found: Built, floor: bool = True, **changed: tuple) -> float:
    """How many numbers the formula would give with something in it changed."""
    described = replace(found.layer, **changed)
    total = found.output[0]
    for n, k, s, p, d in zip(found.entered[1:], described.kernel, described.stride, described.padding, described.dilation):
        if described.kind == "transposed convolution":
            total *= (n - 1) * s - 2 * p + d * (k - 1) + 1
        else:
            places = Fraction(n + 2 * p - d * (k - 1) - 1) / s
            total *= ((-(-places // 1) if described.ceil else places // 1) if floor else places) + 1
    return float(total)


def convolved_rows(size: int, kernel: int, stride: int, padding: int) -> int | None:
    """Rows of an ordinary convolution of the same numbers; None where it does not fit."""
    return (size + 2 * padding - kernel) // stride + 1 if size + 2 * padding >= kernel else None


def field_with(windows: Sequence[Described], early: bool = False) -> int:
    """Rows of the field by the rule r + (k − 1)·d·j. `early` takes for j the jump behind the layer: a usual mistake."""
    field = jump = 1
    for each in windows:
        before, jump = jump, jump * each.stride[0]
        field += (each.kernel[0] - 1) * each.dilation[0] * (jump if early else before)
    return field
