"""What can be counted of a network, each by a short name: quantities that a goal can be about. Pure functions of an
`Analysis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lib.analysis import Analysis, Layer
from lib.analysis.gaps import gaps

Values = tuple[int | None, ...]
"""What a network has of a quantity: one number, or several, such as two sides. None is unknown."""

MOST_LISTED = 3
"""Different values that are said one by one."""

COLOURS = 4
"""A picture has so many channels at most where the convolution that reads it needs no groups."""


@dataclass(frozen=True)
class Quantity:
    """Something that is counted. `total` is its name among the totals of an `Analysis`, if it is one; `short` and `over` say
    of a number that it is too small or too large."""

    title: str
    help: str
    of: Callable[[Analysis], Values]
    unit: str = ""
    total: str = ""
    short: str = "missing"
    over: str = "too many"

    def number(self, value: int) -> str:
        """A number with its unit: `63 px`."""
        return f"{value:,} {self.unit}".rstrip()

    def said(self, values: Values) -> str:
        """Values to be read: `63 px`, `1, 3 and 7`, `1 to 512`."""
        if None in values or not values:
            return "unknown" if values else "none"
        *others, last = found = sorted(set(values))
        if not others:
            return self.number(last)
        if len(found) > MOST_LISTED:
            return f"{found[0]:,} to {self.number(last)}"
        return f"{', '.join(f'{value:,}' for value in others)} and {self.number(last)}"


def _total(name: str) -> Callable[[Analysis], Values]:
    return lambda analysis: (getattr(analysis, name),)


def _macs(analysis: Analysis) -> Values:
    return (None if analysis.unknown else analysis.macs,)


def _sides(analysis: Analysis) -> Values:
    return analysis.last_map.receptive_field or (None,)


def _gaps(analysis: Analysis) -> Values:
    found = gaps(analysis)
    return (found and sum(found),)


def _count(*kinds: str, inputs: int = 1) -> Callable[[Analysis], Values]:
    """Operations of these kinds that read at least so many maps."""
    return lambda analysis: (sum(op.kind in kinds and len(op.inputs) >= inputs for op in analysis.ops),)


def _convolutions(analysis: Analysis) -> Iterator[Layer]:
    return (op for op in analysis.ops if op.kind == "conv2d")


def _kernels(analysis: Analysis) -> Values:
    return tuple(side for op in _convolutions(analysis) for side in op.window.kernel)


def _groups(analysis: Analysis) -> Values:
    return tuple(op.groups for op in _convolutions(analysis)
                 if op.window.kernel != (1, 1) and not (-1 in op.inputs and op.in_shapes[0][1] <= COLOURS))


QUANTITIES = {
    "params": Quantity("Parameters", "All that is learned: weights, biases, scales and shifts.", _total("params"),
                       total="params"),
    "macs": Quantity("MACs", "Multiply-adds of convolutions and linear layers for one image.", _macs, total="macs"),
    "memory": Quantity("Activations", "Bytes of the outputs of all operations for one image, in float32.",
                       _total("activation_bytes"), "bytes", "activation_bytes"),
    "layers": Quantity("Weight layers", "Convolutions and linear layers on the longest path.", _total("weight_layers"),
                       total="weight_layers"),
    "field": Quantity("Receptive field", "Height and width of what an output of the last map sees, in pixels.", _sides, "px",
                      "receptive_field", over="too much"),
    "gaps": Quantity("Gaps in the field", "Rows and columns of pixels within the field that are left out.", _gaps),
    "convs": Quantity("Convolutions", "All of them, side by side too, as often as they are repeated.", _count("conv2d")),
    "linears": Quantity("Linear layers", "Fully connected layers.", _count("linear")),
    "pools": Quantity("Poolings", "Poolings with a window; a global one has none.", _count("max_pool2d", "avg_pool2d")),
    "adds": Quantity("Additions", "Sums of two maps, as at the end of a shortcut.", _count("add", inputs=2)),
    "joins": Quantity("Joinings", "Places where maps are joined by their channels.", _count("cat", inputs=2)),
    "kernel": Quantity("Kernel sides", "Heights and widths of the kernels of all convolutions.", _kernels,
                       short="too small", over="too large"),
    "groups": Quantity("Groups",
                       "Of every convolution larger than 1×1 that does not read the colours of the picture.", _groups),
}
"""By the names that stand in texts and links."""
