"""The errors of the five orderings that the paper prints."""

import pandas as pd

from lib.lessons.preactivation.orderings import DEPTHS, NAMES
from lib.lessons.residual.published import published
from lib.once import once


def error(ordering: str, depth: str) -> float:
    """The test error on CIFAR-10 that the paper prints."""
    return published()["orderings"][ordering][depth]


def printed_errors() -> dict[str, list[float]]:
    """The paper's Table 2: errors of the five orderings for each depth."""
    return {f"ResNet-{depth}": [error(ordering, depth) for ordering in NAMES] for depth in DEPTHS}


@once
def error_table() -> pd.DataFrame:
    """Table 2: a row for each ordering, and how far it is from the original unit."""
    rows = []
    for ordering, name in NAMES.items():
        row = {"Ordering": name}
        for depth in DEPTHS:
            row |= {f"{depth} layers, %": f"{error(ordering, depth):.2f}",
                    f"against (a), {depth}": f"{error(ordering, depth) - error('original', depth):+.2f}"}
        rows.append(row)
    return pd.DataFrame(rows)


@once
def depth_table() -> pd.DataFrame:
    """The paper's Table 3: the original unit and full pre-activation at three depths."""
    printed = published()["depths"]
    return pd.DataFrame([{"Layers": depth, "(a) original, %": f"{printed['original'][depth]:.2f}",
                          "(e) full pre-activation, %": f"{printed['full'][depth]:.2f}"} for depth in printed["full"]])


def printed_depths() -> tuple[list[int], dict[str, list[float]]]:
    """Depths and errors of Table 3, for the `original` unit and for `full` pre-activation."""
    printed = {name: published()["depths"][name] for name in ("original", "full")}
    return [int(depth) for depth in printed["full"]], {name: list(errors.values()) for name, errors in printed.items()}
