"""Numbers as people type them: `7,600`, `7 600`, `25.6 million`, `25.6M`, `5.9 %`, `1/4`, `3*3*64*64 + 64`, `3·3·64`."""

import ast
import math
import operator
import re
from collections.abc import Callable

from lib.text import _

MOST_LETTERS = 100
LARGEST_POWER = 12
WORDS = {"thousand": 1e3, "k": 1e3, "million": 1e6, "mio": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "g": 1e9}
SIGNS = str.maketrans({"·": "*", "×": "*", "x": "*", "X": "*", "−": "-", "–": "-", "÷": "/", ":": "/", "^": "**",
                       "\u00a0": " ", "\u202f": " ", "'": ",", "’": ","})
OPERATIONS: dict[type, Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg, ast.UAdd: operator.pos}


class Unreadable(ValueError):
    """An answer that is none; the message is one plain sentence. It counts as no attempt."""


def read_number(text: str, unit: str = "") -> float:
    """A number, or a calculation, that a person typed, in `unit`: the unit may stand behind it. With the unit `%`, `5.9` and
    `5.9 %` are the same; without, `50 %` is a half. Raises `Unreadable`."""
    words = " ".join(text.split()).translate(SIGNS).removeprefix("=").strip()
    if not words:
        raise Unreadable(_("Type a number first."))
    if len(words) > MOST_LETTERS:
        raise Unreadable(_("That is too long for a number."))
    times = 1.0
    if unit and words.lower().endswith(unit.translate(SIGNS).lower()):
        words = words[:-len(unit)].strip()
    elif words.endswith("%"):
        words, times = words[:-1].strip(), 0.01
    if found := re.fullmatch(r"(.*[\d.)])\s*([a-z]+)", words, re.IGNORECASE):
        if found[2].lower() in WORDS:
            words, times = found[1], times * WORDS[found[2].lower()]
    try:
        value = _calculate(ast.parse(_without_groups(words), mode="eval").body) * times
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        raise Unreadable(_("That cannot be read as a number. Type, for example, 1,728 or 3*3*64*3.")) from None
    if not math.isfinite(value):
        raise Unreadable(_("That is no finite number."))
    return value


def _without_groups(words: str) -> str:
    """`7,600` and `7 600` as `7600`; a comma that does not part thousands is the decimal one."""
    words = re.sub(r"(?<![\d.,])(\d{1,3})((?:[, ]\d{3})+)(?![\d,])", lambda found: found[1] + re.sub("[, ]", "", found[2]), words)
    return re.sub(r"(\d),(\d)", r"\1.\2", words)


def _calculate(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.UnaryOp):
        return OPERATIONS[type(node.op)](_calculate(node.operand)) if type(node.op) in OPERATIONS else _refuse()
    if isinstance(node, ast.BinOp):
        left, right = _calculate(node.left), _calculate(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) <= LARGEST_POWER and abs(left) < 1e6:
            return float(left) ** right
        return OPERATIONS[type(node.op)](left, right) if type(node.op) in OPERATIONS else _refuse()
    return _refuse()


def _refuse() -> float:
    raise ValueError
