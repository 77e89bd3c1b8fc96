"""What norms add to a network: parameters, and numbers that are kept but not learnt."""

from __future__ import annotations

import pandas as pd
from torch import nn

import lib
from lib.analysis import Analysis
from lib.meta import on_meta
from lib.once import once

FORMS = {"plain": "no norms", "norms": "a norm behind each hidden layer",
         "no bias": "the same, without the biases before norms"}


def network(units: int, hidden: int, norms: bool, bias: bool = True) -> nn.Sequential:
    """One input, so many hidden layers of `units` units, one output; behind each hidden layer (a norm and) a ReLU."""
    layers, incoming = [], 1
    for _layer in range(hidden):
        layers += [nn.Linear(incoming, units, bias=bias), *([nn.BatchNorm1d(units)] if norms else []), nn.ReLU()]
        incoming = units
    return nn.Sequential(*layers, nn.Linear(incoming, 1))


@once
def counted(units: int, hidden: int) -> dict[str, tuple[int, int]]:
    """Of each of `FORMS`: parameters, and numbers that are kept beside them."""
    with on_meta():
        made = network(units, hidden, False), network(units, hidden, True), network(units, hidden, True, bias=False)
    return {form: (sum(each.numel() for each in model.parameters()), sum(each.numel() for each in model.buffers()))
            for form, model in zip(FORMS, made)}


@once
def count_table(units: int, hidden: int) -> pd.DataFrame:
    """The three forms, counted."""
    return pd.DataFrame([{"Network": FORMS[form], "Parameters": params, "Kept, not learnt": buffers}
                         for form, (params, buffers) in counted(units, hidden).items()])


@once
def resnet() -> Analysis:
    """A network with many norms."""
    return lib.analyze("resnet56_cifar")


@once
def resnet_fields() -> dict[str, object]:
    """How many norms ResNet-56 has, and which share of its parameters is theirs."""
    norms = [op for op in resnet().ops if op.kind == "batch_norm"]
    params = sum(op.params for op in norms)
    return {"norms": len(norms), "norm_params": f"{params:,}", "share": f"{100 * params / resnet().params:.1f}"}
