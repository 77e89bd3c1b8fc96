"""How a network ends: from the last feature map to a vector of features. A part that many families share.

Global average pooling is from M. Lin, Q. Chen, S. Yan, "Network In Network", 2013, arXiv:1312.4400, section 3.2.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

Head = Literal["average", "max", "both", "flatten"]


def head_knob() -> Head:
    """The knob that families ending in global pooling declare: `head: Head = head_knob()`."""
    return Field("average", title="Head", description=(
        "What turns the last map into features for the linear layer: its global average, its global maximum, both "
        "side by side, or all cells of a 7×7 map, flattened."))


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
    "flatten": (lambda: nn.AdaptiveAvgPool2d(7), 7 * 7),
}
"""Each head's pooling, and the features it makes of one channel. 7x7 is what 224 pixels leave after five halvings."""


def head(kind: Head, channels: int, num_classes: int) -> tuple[nn.Module, nn.Linear]:
    """The pooling and the linear layer after it, for a last map of `channels` channels."""
    pooling, features = POOLINGS[kind]
    return pooling(), nn.Linear(channels * features, num_classes)
