"""What a layer costs, and what makes it cheaper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import pandas as pd

from lib.analysis.cost import BYTES_PER_NUMBER
from lib.architecture import Impossible
from lib.lessons.convolution.layer import Built, build
from lib.lessons.convolution.written import Described
from lib.once import once
from lib.text import _

@once
def cheaper(found: Built) -> dict[str, int]:
    """Multiply-adds of the layer as it is written, and with one thing changed. Changes that give no layer are left out."""
    costs = {_("this layer"): found.macs}
    for name, changed in _changes(found.layer):
        try:
            costs[name] = build(changed, found.entered).macs
        except Impossible:
            continue
    return costs


def _changes(described: Described) -> Iterator[tuple[str, Described]]:
    if described.pools:
        return
    if described.kind != "linear":
        yield _("stride doubled"), replace(described, stride=(2 * described.stride[0], 2 * described.stride[1]))
    if any(described.padding):
        yield _("no padding"), replace(described, padding=(0, 0))
    if described.filters > 1:
        yield _("half the filters"), replace(described, filters=described.filters // 2)
    if described.groups == 1 and described.kind == "convolution":
        yield _("2 groups"), replace(described, groups=2)


@once
def training(found: Built) -> pd.DataFrame:
    """What a layer costs forwards and backwards, and what is kept meanwhile. Each product of a weight and a number comes up
    once in the output, once in the gradient of the weight and once in that of the number."""
    rows = [(_("MACs forwards"), found.macs), (_("MACs for the gradient of the weights"), found.macs),
            (_("MACs for the gradient of the input"), found.macs),
            (_("Bytes of the input, kept for the gradient of the weights"), BYTES_PER_NUMBER * prod(found.entered)),
            (_("Bytes of the output"), BYTES_PER_NUMBER * found.numbers),
            (_("Bytes of the parameters, and once more of their gradients"), BYTES_PER_NUMBER * found.params)]
    return pd.DataFrame(rows, columns=[_("Quantity"), _("For one image")])


@once
def sharing(height: int, width: int, in_channels: int, described: Described) -> tuple[Built, Built, Built]:
    """A convolution; the same without sharing its weights; a linear layer between the same two maps.

    Raises `Impossible` for what is no plain convolution.
    """
    if described.kind not in {"convolution", "unshared convolution"} or described.groups > 1:
        raise Impossible(_("Weights are shared by convolutions: write one without groups, such as "
                           "96 filters 11x11, stride 4."))
    entered = in_channels, height, width
    shared = build(replace(described, kind="convolution"), entered)
    return (shared, build(replace(described, kind="unshared convolution"), entered),
            build(Described("linear", filters=shared.numbers, bias=described.bias), entered))


@once
def heads(height: int, width: int, in_channels: int, neurons: int) -> tuple[Built, Built]:
    """A linear layer on the flattened map, and a 3x3 convolution with as many filters, whose maps are then averaged."""
    entered = in_channels, height, width
    return (build(Described("linear", filters=neurons), entered),
            build(Described(kernel=(3, 3), padding=(1, 1), filters=neurons), entered))
