"""Gaps of a receptive field: rows and columns of pixels that lie within it and are not looked at.

A field is said by its first and its last pixel. Windows with dilation, and windows that stride further than they are wide,
leave out pixels between these two (F. Yu, V. Koltun, T. Funkhouser, "Dilated Residual Networks", 2017, arXiv 1705.09914,
section 4, call what comes of it gridding). Here the way is walked back from the output in the middle, cell by cell.
"""

from __future__ import annotations

import numpy as np

from lib.analysis import Analysis, Layer
from lib.trace import Pair, Window


def gaps(analysis: Analysis) -> Pair | None:
    """Rows and columns of pixels of the image that the middle of the last map sees nothing of, though they lie between
    others that it sees; None if the field is unknown.

    A row counts as seen if any branch looks at any pixel of it. What lies outside the image does not count.
    """
    if analysis.receptive_field is None:
        return None
    if not analysis.last_map.field.is_map:
        return 0, 0
    return _gaps(analysis, 0), _gaps(analysis, 1)


def _gaps(analysis: Analysis, axis: int) -> int:
    seen = np.flatnonzero(_seen(analysis, axis))
    return int(seen[-1] - seen[0] + 1 - len(seen)) if len(seen) else 0


def _seen(analysis: Analysis, axis: int) -> np.ndarray:
    """For every row (axis 0) or column (1) of pixels, whether the middle of the last map sees something of it."""
    ops, last = analysis.ops, analysis.last_map
    wanted = {op.index: np.zeros(op.out_shapes[0][axis - 2], bool) for op in ops[:last.index + 1] if _is_map(op)}
    wanted[-1] = np.zeros(analysis.input_shape[axis - 2], bool)
    wanted[last.index][len(wanted[last.index]) // 2] = True
    for op in reversed(ops[:last.index + 1]):
        if op.index in wanted and wanted[op.index].any():
            for place in filter(wanted.__contains__, op.inputs):
                wanted[place] |= _read(op, np.flatnonzero(wanted[op.index]), len(wanted[op.index]), len(wanted[place]), axis)
    return wanted[-1]


def _is_map(op: Layer) -> bool:
    """Whether its output has places; a gate, one number for each channel, has none."""
    return op.field is not None and op.field.is_map


def _read(op: Layer, cells: np.ndarray, outputs: int, inputs: int, axis: int) -> np.ndarray:
    """Which of its `inputs` cells an operation reads for these of its `outputs` cells, along one axis."""
    read = np.zeros(inputs, bool)
    if op.window:
        places = _under(op.window, axis, cells)
        read[places[(places >= 0) & (places < inputs)]] = True
    elif inputs == outputs:
        read[cells] = True
    elif op.kind == "interpolate":
        read[cells * inputs // outputs] = True
    else:  # parts of equal size, which may overlap
        for cell in cells:
            read[cell * inputs // outputs:-(-(cell + 1) * inputs // outputs)] = True
    return read


def _under(window: Window, axis: int, cells: np.ndarray) -> np.ndarray:
    """The cells under the windows that give these outputs, those in the padding too."""
    taps = np.arange(window.kernel[axis]) * window.dilation[axis] - window.padding[axis]
    return (cells[:, None] * window.stride[axis] + taps).ravel()
