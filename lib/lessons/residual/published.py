"""What the papers of 2015 and 2016 print of errors, for the lessons on residual learning and on identity mappings."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lib.once import once

DATA = Path(__file__).parents[2] / "data" / "residual.json"


@once
def published() -> dict[str, Any]:
    """Errors in percent, as printed; every entry names its table."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def printed_pairs() -> dict[str, dict[str, float]]:
    """The errors of the paper's Table 2 by kind and depth."""
    return {kind: published()["degradation"][kind] for kind in ("plain", "residual")}


@once
def printed_table() -> pd.DataFrame:
    """Table 2: a row for each kind of network."""
    return pd.DataFrame([{"Network": kind} | {f"{depth} layers, %": f"{error:.2f}" for depth, error in errors.items()}
                         for kind, errors in printed_pairs().items()])


def four_errors() -> dict[str, float]:
    """The same by the network: `plain18`, `plain34`, `resnet18`, `resnet34`."""
    return {f"{'plain' if kind == 'plain' else 'resnet'}{depth}": error
            for kind, errors in printed_pairs().items() for depth, error in errors.items()}


def printed_cifar(deepest: bool = True) -> tuple[list[int], dict[str, list[float]]]:
    """Depths and errors of Table 6, with the deepest network or without."""
    errors = published()["cifar"]["residual"]
    end = len(errors) if deepest else -1
    return [int(depth) for depth in errors][:end], {"ResNet": list(errors.values())[:end]}


@once
def cifar_table() -> pd.DataFrame:
    """Table 6: a column for each depth."""
    return pd.DataFrame([{"Layers": "error, %"} | {
        depth: f"{error:.2f}" for depth, error in published()["cifar"]["residual"].items()}])


@once
def error_fields() -> dict[str, object]:
    """The printed errors that the text speaks of."""
    depths, errors = printed_cifar()
    cifar = {f"cifar_{depth}": f"{error:.2f}" for depth, error in zip(depths, errors["ResNet"])}
    options = published()["options"]
    falls = {f"{name}_fall": f"{at_a - at_c:.2f}" for name, at_a, at_c in zip(("top1", "top5"), options["A"], options["C"])}
    return {name: f"{error:.2f}" for name, error in four_errors().items()} | cifar | falls
