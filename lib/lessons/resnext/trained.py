"""Cardinality at equal cost, in small networks that learnt the digits: a recorded race."""

from __future__ import annotations

import pandas as pd

import lib
from lib.analysis import Analysis
from lib.lessons.curves import CLOSE, Runs, ends_written, recorded, test_fields
from lib.lessons.resnext.networks import errors
from lib.once import once
from lib.training.recorded import CARDINALITIES


def name(groups: int, width: int) -> str:
    """`32×4d`."""
    return f"{groups}×{width}d"


def runs() -> Runs:
    """The bottleneck networks with 1 to 32 groups."""
    return recorded("cardinality", {name(*template): network for template, network in CARDINALITIES.items()})


def costs() -> dict[str, Analysis]:
    """The same networks at the size of the digits."""
    size = next(iter(runs().values()))[0].input_size
    return {name(*template): lib.analyze(network.preset, input_size=size, **network.changed)
            for template, network in CARDINALITIES.items()}


@once
def cost_table() -> pd.DataFrame:
    """What they cost."""
    return pd.DataFrame([{"C×d": each, "Parameters": analysis.params, "MACs": analysis.macs}
                         for each, analysis in costs().items()])


def fields() -> dict[str, object]:
    """How they end, and how far apart their costs are."""
    params, printed = [analysis.params for analysis in costs().values()], errors()[50]
    return test_fields() | {
        "each": ends_written(runs()), "test": ends_written(runs(), "test_error"), "close": f"{CLOSE:g}",
        "groups": ", ".join(str(groups) for groups, _width in CARDINALITIES), "count": len(CARDINALITIES),
        "layers": next(iter(costs().values())).weight_layers, "gain": f"{printed[0] - printed[-1]:.1f}",
        "spread": f"{100 * (max(params) / min(params) - 1):.0f}"}
