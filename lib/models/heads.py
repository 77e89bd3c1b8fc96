"""How a network ends: from the last feature map to a vector of features. A part that many families share.

Global average pooling is from M. Lin, Q. Chen, S. Yan, "Network In Network", 2013, arXiv:1312.4400, section 3.2.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from lib.architecture import ENDS

Head = Literal["average", "max", "both", "flatten"]


def head_knob(default: Head = "average", cells: int = 7) -> Head:
    """The knob that families declare: `head: Head = head_knob()`. `cells` is the side of the map that is flattened."""
    return Field(default, title="Head", json_schema_extra=ENDS, description=(
        "What turns the last map into features for the linear layer: its global average, its global maximum, both "
        f"side by side, or all cells of a {cells}×{cells} map, flattened."))


def hidden_knob() -> int:
    """The knob of families with two large linear layers, fc6 and fc7: `hidden: int = hidden_knob()`."""
    return Field(4096, ge=0, le=8192, title="Units of fc6 and fc7", json_schema_extra=ENDS | {"stride": 256},
                 description="0: neither, and fc8 reads the pooled maps themselves.")


class AverageAndMax(nn.Module):
    """Global average and global maximum side by side. Input (N, C, H, W), output (N, 2 C, 1, 1)."""

    def __init__(self):
        super().__init__()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.max = nn.AdaptiveMaxPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.average(x), self.max(x)], 1)


POOLINGS = {
    "average": (lambda: nn.AdaptiveAvgPool2d(1), 1),
    "max": (lambda: nn.AdaptiveMaxPool2d(1), 1),
    "both": (AverageAndMax, 2),
}
"""The pooling of each head that leaves one cell, and the features it makes of one channel."""


def pooled(kind: Head, cells: int = 7) -> tuple[nn.Module, int]:
    """A head's pooling, and the features it makes of one channel: those of `cells` times `cells` where the map is
    flattened. 7x7 is what 224 pixels leave after five halvings."""
    if kind == "flatten":
        return nn.AdaptiveAvgPool2d(cells), cells * cells
    pooling, features = POOLINGS[kind]
    return pooling(), features


def head(kind: Head, channels: int, num_classes: int) -> tuple[nn.Module, nn.Linear]:
    """The pooling and the linear layer after it, for a last map of `channels` channels."""
    pooling, features = pooled(kind)
    return pooling, nn.Linear(channels * features, num_classes)
