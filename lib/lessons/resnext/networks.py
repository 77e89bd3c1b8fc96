"""ResNeXts as whole networks: what ours count, and the errors that the paper reports."""

import pandas as pd

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.once import once

TEMPLATES = ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))
"""(C, d) of the rows of the paper's Table 3."""
TEMPLATE_NAMES = tuple(f"{cardinality}×{width}d" for cardinality, width in TEMPLATES)
START = ("ResNet-101, the start", 22.0)
DOUBLED = {"deeper": ("ResNet-200: deeper", 21.7), "wider": ("1×100d: wider", 21.3), "two": ("2×64d: more paths", 20.7),
           "many": ("64×4d: more paths", 20.4)}
"""Top-1 error in %, one crop of 224 pixels. Xie et al. 2016, Table 4; all but the start cost twice as much."""
SAME = 0.05
"""Costs that differ by less than this share are called about the same."""


def knobs(depth: int, cardinality: int, width: int) -> dict[str, int]:
    """The knobs of `resnext50_32x4d` that make this network."""
    return {"depth": depth, "cardinality": cardinality, "base_width": width}


@once
def network(depth: int, cardinality: int, width: int) -> Analysis:
    """The ResNeXt of this depth with C paths of width d."""
    return lib.analyze("resnext50_32x4d", **knobs(depth, cardinality, width))


@once
def errors() -> dict[int, list[float]]:
    """Top-1 error in % of `TEMPLATES` by depth: Xie et al. 2016, Table 3."""
    results = {result.preset: result.top1 for result in catalog.get("resnext50_32x4d").results
               if result.source == "Xie et al. 2016, Table 3"}
    return {depth: [results[f"resnext{depth}_{c}x{d}d"] for c, d in TEMPLATES] for depth in (50, 101)}


@once
def error_fields(depth: int) -> dict[str, object]:
    """What the paper's first and last template have, and what they cost here."""
    first, last = (network(depth, *template) for template in (TEMPLATES[0], TEMPLATES[-1]))
    values = errors()[depth]
    return {"depth": depth, "size": first.image, "first": values[0], "second": values[1], "eight": values[3],
            "last": values[-1], "rest": f"{values[3] - values[-1]:.1f}",
            "percent": f"{100 * (last.macs / first.macs - 1):.1f}"}


@once
def published(depth: int) -> pd.DataFrame:
    """The networks of Table 3 of this depth: what ours count, and the paper's error."""
    rows = [(f"{c}×{d}d", f"{network(depth, c, d).params:,}", f"{network(depth, c, d).macs:,}", f"{error:.1f}")
            for (c, d), error in zip(TEMPLATES, errors()[depth])]
    return pd.DataFrame(rows, columns=["C×d", "Parameters", "MACs", "Top-1 error, % (paper)"])


@once
def doubled_table() -> pd.DataFrame:
    """A row for each way to spend twice the cost."""
    return pd.DataFrame([START, *DOUBLED.values()], columns=["Network", "Top-1 error, %"])


NETWORKS = {"ResNet-50": "resnet50", "ResNeXt-50 32×4d": "resnext50_32x4d", "ResNet-50-D": "resnet50d",
            "ResNeSt fast, R 1, K 1": "resnest50d_1s1x64d", "ResNeSt fast, R 1, K 4": "resnest50d_1s4x24d",
            "ResNeSt fast, R 2, K 1": "resnest50d_2s1x64d", "ResNeSt fast, R 4, K 1": "resnest50d_4s1x64d",
            "ResNeSt, R 2, K 1": "resnest50d"}


COMPARED = ("ResNet-50", "ResNeXt-50 32×4d", "ResNet-50-D", "ResNeSt fast, R 2, K 1", "ResNeSt fast, R 1, K 4",
            "ResNeSt, R 2, K 1")
"""Those that fit into a picture; the table has all."""


@once
def networks() -> dict[str, Analysis]:
    """ResNet, ResNeXt and ResNeSts of 50 layers, with R splits and K groups."""
    return {name: lib.analyze(preset) for name, preset in NETWORKS.items()}


def billions() -> dict[str, float]:
    """Multiply-adds of `networks` in billions."""
    return {name: round(analysis.macs / 10**9, 2) for name, analysis in networks().items()}


@once
def networks_table() -> pd.DataFrame:
    """A row for each of `networks`."""
    rows = [(name, f"{analysis.params:,}", f"{analysis.macs:,}") for name, analysis in networks().items()]
    return pd.DataFrame(rows, columns=["Network", "Parameters", "MACs"])


def added() -> dict[str, int]:
    """Multiply-adds that each of ResNeSt's own ways adds, the rest being equal."""
    macs = {name: analysis.macs for name, analysis in networks().items()}
    return {"stem": macs["ResNet-50-D"] - macs["ResNet-50"],
            "attention": macs["ResNeSt fast, R 2, K 1"] - macs["ResNet-50-D"],
            "groups": macs["ResNeSt fast, R 1, K 4"] - macs["ResNeSt fast, R 1, K 1"],
            "pooling": macs["ResNeSt, R 2, K 1"] - macs["ResNeSt fast, R 2, K 1"]}


def against_resnet(depth: int, cardinality: int, width: int) -> str:
    """Whether this network costs `fewer` multiply-adds than the ResNet of its depth, `more`, or about the `same`."""
    ratio = network(depth, cardinality, width).macs / network(depth, 1, 64).macs
    return "same" if abs(ratio - 1) < SAME else "more" if ratio > 1 else "fewer"
