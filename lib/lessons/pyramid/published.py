"""What the paper prints: its ablations, and the objects that each level is given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.once import once

DATA = Path(__file__).parents[2] / "data" / "fpn.json"
ANCHORS = {"P2": (4, 32), "P3": (8, 64), "P4": (16, 128), "P5": (32, 256), "P6": (64, 512)}
"""Stride and anchor of each level, in pixels: Lin et al. 2016, sections 3 and 4, as commonly quoted."""


@dataclass(frozen=True)
class Ablation:
    """A table of the paper: what it measures, its columns, its rows in percent."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float | None, ...]]

    @once
    def table(self) -> pd.DataFrame:
        """The rows as printed."""
        return pd.DataFrame([{"": name} | {column: "–" if value is None else f"{value:.1f}"
                                           for column, value in zip(self.columns, values)}
                             for name, values in self.rows.items()])

    def sizes(self) -> dict[str, tuple[float, ...]]:
        """Of each row that has them, the numbers for small, medium and large objects."""
        return {name: values[-3:] for name, values in self.rows.items() if None not in values}


@once
def ablations() -> dict[str, Ablation]:
    """Tables 1 to 3 of the paper."""
    tables = json.loads(DATA.read_text(encoding="utf-8"))["tables"]
    return {name: Ablation(table["title"], tuple(table["columns"]), {row: tuple(v) for row, v in table["rows"].items()})
            for name, table in tables.items()}


def small_objects() -> dict[str, str]:
    """Table 2's average precision on small objects, by the letter of the row."""
    return {name[1]: f"{values[2]:.1f}" for name, values in ablations()["Table 2"].rows.items()}


def anchor_table() -> pd.DataFrame:
    """A row for each level: its anchor in pixels, and in cells."""
    return pd.DataFrame([(level, stride, side, side // stride) for level, (stride, side) in ANCHORS.items()],
                        columns=["Level", "Stride, px", "Anchor, px", "Anchor, cells"])
