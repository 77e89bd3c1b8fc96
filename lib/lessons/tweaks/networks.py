"""ResNet-50 with any of the three tweaks: what each adds, and what the paper says that it gains."""

import pandas as pd

import lib
from lib.analysis import Analysis
from lib.digits import change
from lib.once import once

IMAGE, WIDTH = 224, 64
LADDER = {"ResNet-50 (A)": (False, False, False), "ResNet-50-B": (True, False, False), "ResNet-50-C": (True, True, False),
          "ResNet-50-D": (True, True, True)}
"""The networks of the paper's Table 5: the tweaks add up."""
GAINS = {"ResNet-50-B": 0.5, "ResNet-50-C": 0.2, "ResNet-50-D": 0.3}
"""Points of top-1 accuracy over the network before. He et al. 2018, section 4, in words; "about 0.5" for B."""
PRINTED = (76.21, 76.66, 76.87, 77.16)
"""Top-1 accuracy in %, as commonly printed for Table 5. Only the last was seen at a source."""


def switches(b: bool, c: bool, d: bool, width: int) -> dict[str, object]:
    """The knobs of `resnet50d` that set these tweaks."""
    return {"stride_in_1x1": not b, "deep_stem": c, "pooled_shortcut": d, "width": width}


@once
def network(b: bool, c: bool, d: bool, width: int) -> Analysis:
    """ResNet-50 with these tweaks."""
    return lib.analyze("resnet50d", **switches(b, c, d, width))


def tweaks_on(b: bool, c: bool, d: bool) -> str:
    """`B + D`, or `none (A)`."""
    return " + ".join(name for name, on in zip("BCD", (b, c, d)) if on) or "none (A)"


@once
def chosen(b: bool, c: bool, d: bool, width: int) -> dict[str, str]:
    """The network that the switches make: its totals, and what they are against no tweak at all."""
    analysis, untouched = network(b, c, d, width), network(False, False, False, width)
    return {"tweaks": tweaks_on(b, c, d), "params": f"{analysis.params:,}", "macs": f"{analysis.macs:,}",
            "more_params": f"{analysis.params - untouched.params:+,}",
            "more_macs": change(untouched.macs, analysis.macs)}


@once
def alone(width: int) -> dict[str, tuple[int, int]]:
    """How many parameters and multiply-adds each tweak adds by itself."""
    untouched = network(False, False, False, width)
    changed = {name: network(name == "b", name == "c", name == "d", width) for name in "bcd"}
    return {name: (each.params - untouched.params, each.macs - untouched.macs) for name, each in changed.items()}


@once
def alone_table(width: int) -> pd.DataFrame:
    """A row for each tweak by itself."""
    return pd.DataFrame([{"Tweak": name.upper(), "Parameters added": f"{params:+,}", "MACs added": f"{macs:+,}"}
                         for name, (params, macs) in alone(width).items()])


@once
def costs() -> list[tuple[str, int, int, int]]:
    """(network, parameters, multiply-adds, how many more than the one before) of the paper's four networks."""
    analyses = {name: network(*tweaks, WIDTH) for name, tweaks in LADDER.items()}
    before = [analyses["ResNet-50 (A)"], *analyses.values()]
    return [(name, analysis.params, analysis.macs, analysis.macs - previous.macs)
            for (name, analysis), previous in zip(analyses.items(), before)]


@once
def ladder() -> pd.DataFrame:
    """The four networks: what ours count, beside what the paper says that each tweak gained."""
    rows = [(name, f"{params:,}", f"{macs:,}", f"{more:+,}" if name in GAINS else "",
             f"+{GAINS[name]}" if name in GAINS else "") for name, params, macs, more in costs()]
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs", "MACs added", "Points of top-1 gained (paper)"])


@once
def printed() -> pd.DataFrame:
    """Top-1 accuracy as commonly printed, and the steps between the rows."""
    steps = ["", *(f"{after - before:+.2f}" for before, after in zip(PRINTED, PRINTED[1:]))]
    accuracies = [f"{value:.2f}" for value in PRINTED]
    return pd.DataFrame({"Network": LADDER.keys(), "Top-1 accuracy, %": accuracies, "Step": steps})


def tweaks_gain() -> tuple[list[str], list[int], list[float]]:
    """The letters of the tweaks, the multiply-adds that each adds, the points that it gained."""
    added = {name: more for name, *_, more in costs()}
    return [name[-1] for name in GAINS], [added[name] for name in GAINS], list(GAINS.values())


@once
def ladder_fields() -> dict[str, object]:
    """Multiply-adds of the four networks in billions, what B and C add in millions, and how much more the last has than the
    first."""
    macs = [macs for _, _, macs, _ in costs()]
    billions = {name: f"{value / 10**9:.2f}" for name, value in zip("abcd", macs)}
    added = {f"more_{name.lower()}": f"{value / 10**6:.0f}" for name, value in zip(*tweaks_gain()[:2])}
    return billions | added | {"size": network(False, False, False, WIDTH).image,
                               "percent": f"{100 * (macs[-1] / macs[0] - 1):.1f}"}
