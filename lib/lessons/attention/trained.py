"""Small networks with gates and without that learnt the digits: recorded races."""

from __future__ import annotations

import pandas as pd

from lib.analysis import Analysis
from lib.lessons.curves import CLOSE, Runs, ends_written, recorded, test_fields
from lib.once import once
from lib.records import Network
from lib.text import _
from lib.training.pictures import load
from lib.training.race import fitting
from lib.training.recipe import DIGITS
from lib.training.recorded import GATED, RESIDUAL, SQUEEZED

FRAMES = {"small": _("small ones"), "20": "ResNet-20", "56": "ResNet-56"}
"""The networks into which gates are put."""
KINDS = {"none": _("no gates"), "se": _("SE"), "sk": _("SK"), "split": _("split attention")}


def networks(frame: str) -> dict[str, Network]:
    """The networks of a frame, by their gates."""
    if frame == "small":
        return {name: GATED[kind] for kind, name in KINDS.items()}
    return {KINDS["none"]: RESIDUAL[int(frame)], KINDS["se"]: SQUEEZED[int(frame)]}


def runs(frame: str) -> Runs:
    """Their curves."""
    found = networks(frame)
    gated = recorded("attention", found)
    return gated if frame == "small" else gated | recorded("depth", {KINDS["none"]: found[KINDS["none"]]})


@once
def analyses(frame: str) -> dict[str, Analysis]:
    """The same networks for the digits."""
    return {name: fitting(network, load(DIGITS, {}, 0)) for name, network in networks(frame).items()}


@once
def cost_table(frame: str) -> pd.DataFrame:
    """What they cost."""
    return pd.DataFrame([{"Gates": name, "Weight layers": analysis.weight_layers, "Parameters": analysis.params,
                          "MACs": analysis.macs} for name, analysis in analyses(frame).items()])


def fields(frame: str) -> dict[str, object]:
    """How they end."""
    return test_fields() | {"each": ends_written(runs(frame)), "test": ends_written(runs(frame), "test_error"),
                            "close": f"{CLOSE:g}", "names": ", ".join(networks(frame))}
