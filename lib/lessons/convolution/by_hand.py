"""A matrix and a kernel that a person typed, convolved or pooled by torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from lib.architecture import Impossible
from lib.lessons.convolution.written import Matrix, Pair, matrix
from lib.once import once
from lib.text import _
from lib.trace import output_size

OPERATIONS = ("convolution", "max pooling", "average pooling")


@dataclass(frozen=True)
class Result:
    """What came of a matrix. A pooling uses of the kernel its height and width alone."""

    matrix: Matrix
    kernel: Matrix
    output: Matrix
    operation: str
    stride: int

    @property
    def sides(self) -> Pair:
        """Height and width of the window."""
        return len(self.kernel), len(self.kernel[0])

    def window(self, row: int, column: int) -> list[tuple[int, int]]:
        """The cells of the matrix that this cell of the output is computed from."""
        height, width = self.sides
        top, left = row * self.stride, column * self.stride
        return [(top + down, left + across) for down in range(height) for across in range(width)]

    @property
    def last(self) -> tuple[int, int]:
        """The last cell of the output."""
        return len(self.output) - 1, len(self.output[0]) - 1

    @property
    def last_value(self) -> float:
        return self.output[-1][-1]

    def written_out(self) -> str:
        """How the last cell comes about."""
        read = [number_text(self.matrix[y][x]) for y, x in self.window(*self.last)]
        if self.operation == "max pooling":
            return f"max({', '.join(read)})"
        if self.operation == "average pooling":
            return f"({' + '.join(read)}) / {len(read)}"
        weights = [number_text(weight) for row in self.kernel for weight in row]
        return " + ".join(f"{number}·{f'({weight})' if weight.startswith('−') else weight}"
                          for number, weight in zip(read, weights))

    def fields(self) -> dict[str, object]:
        """What the words of the question say about it."""
        sides = "×".join(map(str, self.sides))
        does = {"convolution": _("A convolution with the kernel {kernel}").format(kernel=matrix_text(self.kernel)),
                "max pooling": _("Max pooling with a window of {sides}").format(sides=sides),
                "average pooling": _("Average pooling with a window of {sides}").format(sides=sides)}
        return {"does": does[self.operation], "matrix": matrix_text(self.matrix), "stride": self.stride,
                "rows": self.last[0] + 1, "columns": self.last[1] + 1, "written": self.written_out()}


def number_text(number: float) -> str:
    """`3`, `−1`, `0.333`."""
    return f"{round(number, 3):.10g}".replace("-", "−")


def matrix_text(rows: Matrix) -> str:
    """Rows in one line: `1 0 −1; 2 0 −2`."""
    return "; ".join(" ".join(map(number_text, row)) for row in rows)


def square(rows: Matrix) -> str:
    """Rows below each other."""
    words = [[number_text(number) for number in row] for row in rows]
    wide = max(len(word) for row in words for word in row)
    return "\n".join("  ".join(word.rjust(wide) for word in row) for row in words)


@once
def by_hand(typed: str, taps: str, operation: str, stride: int) -> Result:
    """The matrix `typed`, with the kernel `taps`, run by torch in float64. Raises `Impossible` for what cannot be read, and
    for a kernel larger than the matrix."""
    numbers, kernel = matrix(typed), matrix(taps)
    if min(output_size(size, side, 1, 0) for size, side in zip(_shape(numbers), _shape(kernel))) < 1:
        raise Impossible(_("The kernel has {kernel} cells, but the matrix only {matrix}: there is no place to put it. "
                           "Type a smaller kernel or a larger matrix.").format(
            kernel="×".join(map(str, _shape(kernel))), matrix="×".join(map(str, _shape(numbers)))))
    return Result(numbers, kernel, run(numbers, kernel, operation, stride), operation, stride)


def _shape(rows: Matrix) -> Pair:
    return len(rows), len(rows[0])


def run(numbers: Matrix, kernel: Matrix, operation: str, stride: int) -> Matrix:
    """The output, row by row."""
    image = torch.tensor(numbers, dtype=torch.float64)[None, None]
    if operation == "max pooling":
        output = F.max_pool2d(image, _shape(kernel), stride)
    elif operation == "average pooling":
        output = F.avg_pool2d(image, _shape(kernel), stride)
    else:
        output = F.conv2d(image, torch.tensor(kernel, dtype=torch.float64)[None, None], stride=stride)
    return tuple(map(tuple, output[0, 0].tolist()))


def turned(kernel: Matrix) -> Matrix:
    """The kernel turned by half a circle, as mathematics turns it before it convolves."""
    return tuple(row[::-1] for row in kernel[::-1])
