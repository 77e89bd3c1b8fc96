"""How a network begins, and how far it shrinks its maps: parts that families share.

The stem of K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, Table 1,
and that of its section 4.2 for CIFAR; dilation in the place of strides from F. Yu, V. Koltun, T. Funkhouser, "Dilated
Residual Networks", 2017, arXiv:1705.09914.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field
from torch import nn

from lib.architecture import ENDS


def stem(width: int, in_channels: int = 3) -> nn.Module:
    """conv1 of ResNet's Table 1."""
    return nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)


def cifar_stem(width: int, in_channels: int = 3) -> nn.Module:
    """The first convolution of section 4.2, for small images: every cell stays."""
    return nn.Conv2d(in_channels, width, 3, padding=1, bias=False)


def max_pooling() -> nn.Module:
    """The pooling that opens conv2_x in Table 1."""
    return nn.MaxPool2d(3, stride=2, padding=1)


class Stem(NamedTuple):
    """How a network begins: `convolution(width, in_channels)`, what pools after it, and the stride of both together."""

    convolution: Callable[[int, int], nn.Module]
    pooling: Callable[[], nn.Module]
    stride: int


STEMS = {"imagenet": Stem(stem, max_pooling, 4), "cifar": Stem(cifar_stem, nn.Identity, 1)}


def strides(wanted: Sequence[int], reached: int, output_stride: int) -> list[tuple[int, int, int]]:
    """What blocks of these strides do in a network that is to end at `output_stride`, after a stem of stride `reached`:
    for each its stride, the dilation in which it begins, and the one in which it goes on.

    A block that would go beyond keeps the resolution; those after it dilate their windows, so that they reach as far as
    before: torchvision's `replace_stride_with_dilation`.
    """
    dilation, found = 1, []
    for stride in wanted:
        begun = dilation
        if reached * stride > output_stride:
            stride, dilation = 1, dilation * stride
        reached *= stride
        found.append((stride, begun, dilation))
    return found


OutputStride = Literal[8, 16, 32]


def output_stride_knob(follows: str = "", **default) -> OutputStride:
    """The knob of families that can dilate instead of striding: `output_stride: OutputStride = output_stride_knob()`."""
    return Field(**default or {"default": 32}, title="Output stride", json_schema_extra=ENDS | {"follows": follows},
                 description="Pixels of the image for one cell of the last map. 8 and 16 keep maps large, as segmentation "
                             "wants them: the last stages dilate their 3x3 instead of striding.")
