"""The sum behind a cell, written out: tables of numbers, and lines that end in the value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.figures.theme import Palette
from lib.inside.networks import SIDES
from lib.inside.sums import Largest, Weighted
from lib.text import _

MOST_ROWS = 64
"""Inputs that the table shows; what the others add comes in one row."""


def short(value: float) -> str:
    """A number of a table: three figures."""
    return _signed(f"{value + 0.0:.3g}")  # there is no −0 here


def exact(value: float) -> str:
    """A number at the end of a line: five figures."""
    return _signed(f"{value + 0.0:.5g}")


def _signed(text: str) -> str:
    return text.replace("-", "−")


def channels_table(found: Mapping[str, Weighted]) -> pd.DataFrame:
    """What each channel adds, by side, with the bias and the sum: the largest ones alone where there are many."""
    last = list(found.values())[-1]
    order = np.argsort(-np.abs(last.by_channel), kind="stable")
    shown, others = np.sort(order[:MOST_ROWS]), order[MOST_ROWS:]
    rows = [str(last.channels[each]) for each in shown]
    rows += [_("{count} others").format(count=len(others))] * bool(len(others)) + [_("bias"), _("sum")]
    table = {_("Input"): rows}
    for side, made in found.items():
        rest = [made.by_channel[others].sum()] * bool(len(others))
        table[SIDES[side]] = [*made.by_channel[shown], *rest, made.bias or 0.0, made.result]
    return pd.DataFrame(table)


def products(made: Weighted, channel: int, palette: Palette) -> str:
    """Window × kernel = products of the channel at this place, as HTML tables that lie side by side where there is room."""
    window, kernel, each = (part[channel] for part in (made.window, made.weights, made.products))
    weighted = np.ones_like(made.inside)
    return _row([_table(_("window"), window, made.inside, palette), "×", _table(_("kernel"), kernel, weighted, palette),
                 "=", _table(_("products"), each, made.inside, palette)], palette)


def largest(made: Largest, palette: Palette) -> str:
    """The window of a maximum, the largest number bold."""
    return _row([_table(_("window"), made.window, made.inside, palette, made.result)], palette)


def _row(parts: list[str], palette: Palette) -> str:
    return (f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:0.6rem;color:{palette.text};'
            f'font-variant-numeric:tabular-nums">{"".join(parts)}</div>')


def _table(title: str, numbers: np.ndarray, inside: np.ndarray, palette: Palette, bold: float | None = None) -> str:
    """Numbers (rows, columns) on a ground that shows sign and size; those outside the map are faint."""
    most, size = float(np.abs(numbers).max()) or 1.0, 0.85 if numbers.shape[1] <= SMALL else 0.7
    rows = [[_cell(number, on_map, number / most, palette, number == bold) for number, on_map in zip(*row)]
            for row in zip(numbers, inside)]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (f'<table style="border-collapse:collapse;font-size:{size}rem"><caption style="caption-side:top;text-align:left;'
            f'color:{palette.muted}">{title}</caption><tbody>{body}</tbody></table>')


SMALL = 5
"""Columns of a kernel whose numbers are written large."""


def _cell(number: float, on_map: bool, share: float, palette: Palette, bold: bool) -> str:
    """A number; `share` is that of the largest one, with its sign."""
    ground = ",".join(map(str, bytes.fromhex((palette.accent if share > 0 else palette.series[1])[1:])))
    style = (f"padding:0.15rem 0.35rem;text-align:right;border:1px solid {palette.grid};"
             f"background:rgba({ground},{0.4 * abs(share):.2f})")
    if not on_map:
        return f'<td style="{style};color:{palette.muted}"><i>0</i></td>'
    return f'<td style="{style}">{f"<b>{short(number)}</b>" if bold else short(number)}</td>'
