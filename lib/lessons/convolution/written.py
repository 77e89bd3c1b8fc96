"""What people type, read: a matrix, a pair, a layer, a list of layers. What cannot be read gets a plain sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from lib.architecture import Impossible
from lib.text import _

Pair = tuple[int, int]
Matrix = tuple[tuple[float, ...], ...]

MOST_CELLS = 12
"""Rows and columns of a matrix that is typed."""
LARGEST_CELL = 10**6
MOST = 4096
"""The largest size, kernel, stride, padding, dilation and number of channels."""
MOST_LAYERS = 20


def matrix(text: str) -> Matrix:
    """Rows of numbers: `1 2 0; 0 1 3`, or a row a line, or as Python's `[[1, 2, 0], [0, 1, 3]]`. Fractions as `1/9`."""
    lines = re.split(r"[;\n\]]", text.replace("[", " ").replace("−", "-"))
    rows = tuple(tuple(_cell(word) for word in words) for line in lines if (words := line.replace(",", " ").split()))
    if not rows:
        raise Impossible(_("There is no number. Write a matrix row by row, for example 1 2 0; 0 1 3; 2 1 1."))
    if len({len(row) for row in rows}) > 1:
        raise Impossible(_("The rows are not equally long: {lengths} numbers. Write “;” or begin a new line after each "
                           "row.").format(lengths=", ".join(str(len(row)) for row in rows[:MOST_CELLS])))
    if max(len(rows), len(rows[0])) > MOST_CELLS:
        raise Impossible(_("A matrix may have {most} rows and {most} columns here; this has {rows} and {columns}.").format(
            most=MOST_CELLS, rows=len(rows), columns=len(rows[0])))
    return rows


def _cell(word: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(/\d+)?", word):
        raise Impossible(_("“{word}” is not a number. Write numbers such as 3, −1, 0.5 or 1/9, with a space between "
                           "them.").format(word=word[:20]))
    above, _slash, below = word.partition("/")
    if below and not int(below):
        raise Impossible(_("“{word}” divides by zero.").format(word=word[:20]))
    number = Fraction(above) / int(below or 1)
    if abs(number) > LARGEST_CELL:
        raise Impossible(_("“{word}” is too large: numbers may go up to {most:,}.").format(
            word=word[:20], most=LARGEST_CELL))
    return float(number)


def pair(text: str) -> Pair:
    """Height and width of a kernel: `5` for both, or `3x5`, or `(3, 5)`."""
    found = re.fullmatch(r"\(?\s*(\d+)\s*(?:[x×,]?\s*(?<!\d)(\d+))?\s*\)?", text.strip().lower())
    if not found:
        raise Impossible(_("Write one number, such as 5, or height and width, such as 3 x 5."))
    height, width = found[1], found[2] or found[1]
    return _checked(height, 1), _checked(width, 1)


def _checked(number: str, low: int) -> int:
    if not low <= int(number[:9]) <= MOST or len(number) > 9:
        raise Impossible(_("“{number}” is not possible here: take a whole number from {low} to {most:,}.").format(
            number=number[:20], low=low, most=MOST))
    return int(number)


@dataclass(frozen=True)
class Described:
    """A layer as a person wrote it. Pairs are (height, width). `filters` are the output channels, or the neurons of a
    linear layer; None is as many as come in. `ceil` lets a pooling round up."""

    kind: str = "convolution"
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    filters: int | None = None
    groups: int = 1
    bias: bool = True
    ceil: bool = False

    @property
    def pools(self) -> bool:
        return self.kind.endswith("pooling")

    @property
    def words(self) -> str:
        """The layer in one way of writing: `convolution, 32 filters of 7×7, stride 2`."""
        if self.kind == "linear":
            return _("linear, {filters} neurons").format(filters=self.filters) + ("" if self.bias else _(", no bias"))
        if self.kind == "global average pooling":
            return self.kind
        one, many = _("1 filter of "), _("{filters} filters of ")
        filters = (one if self.filters == 1 else many).format(filters=self.filters) if self.filters else ""
        kernel = "×".join(map(str, self.kernel))
        parts = [f"{self.kind}, {filters}{kernel}", _("stride {s}").format(s=_sides(self.stride))]
        parts += [_("padding {p}").format(p=_sides(self.padding))] if any(self.padding) else []
        parts += [_("dilation {d}").format(d=_sides(self.dilation))] if self.dilation != (1, 1) else []
        parts += [_("{g} groups").format(g=self.groups)] if self.groups > 1 else []
        parts += [_("rounded up")] if self.ceil else []
        return ", ".join(parts) + ("" if self.bias or self.pools else _(", no bias"))


def _sides(sides: Pair) -> str:
    """`2` where both sides are equal, else `2×1`."""
    return f"{sides[0]}" if sides[0] == sides[1] else f"{sides[0]}×{sides[1]}"


PREFIXES = {"kernel": "kernel", "k": "kernel", "window": "kernel", "stride": "stride", "s": "stride", "strides": "stride",
            "padding": "padding", "pad": "padding", "p": "padding", "dilation": "dilation", "d": "dilation",
            "dilated": "dilation"}
"""Words with their numbers behind them."""
COUNTS = {"filters": "filters", "filter": "filters", "kernels": "filters", "channels": "filters", "neurons": "filters",
          "units": "filters", "outputs": "filters", "groups": "groups", "group": "groups", "g": "groups"}
"""Words with their number before them, or behind."""
FLAGS = {"conv": {"kind": "convolution"}, "convolution": {"kind": "convolution"}, "conv2d": {"kind": "convolution"},
         "pool": {"kind": "max pooling"}, "pooling": {"kind": "max pooling"}, "max": {"kind": "max pooling"},
         "maxpool": {"kind": "max pooling"}, "average": {"kind": "average pooling"}, "avg": {"kind": "average pooling"},
         "mean": {"kind": "average pooling"}, "avgpool": {"kind": "average pooling"},
         "transposed": {"kind": "transposed convolution"}, "transpose": {"kind": "transposed convolution"},
         "unshared": {"kind": "unshared convolution"}, "linear": {"kind": "linear"}, "fc": {"kind": "linear"},
         "dense": {"kind": "linear"}, "neurons": {"kind": "linear"}, "units": {"kind": "linear"},
         "global": {"kind": "global average pooling"}, "gap": {"kind": "global average pooling"},
         "bias": {"bias": True}, "biases": {"bias": True}, "ceil": {"ceil": True}, "up": {"ceil": True}}
"""Words that say something by themselves. Of two kinds the more special one holds: `global average pool`."""
SPECIAL = ("convolution", "max pooling", "average pooling", "transposed convolution", "unshared convolution", "linear",
           "global average pooling")
FILLING = frozenset({"of", "with", "and", "a", "the", "by", "layer", "into", "to", "rounded", "fully", "connected",
                     "locally", "size", "each", "=", ":", "."})
TOKEN = re.compile(r"\(\s*\d+\s*,\s*\d+\s*\)|\d+\s*[x×*]\s*\d+|\d+|conv2d|[a-z]+|[^\s,]")


def layer(text: str) -> Described:
    """A layer as people write it: `32 filters 7x7, stride 2`, `max pool 2 stride 2`, `kernel (3, 5), padding (0, 1)`,
    `transposed 2 s2`, `100 neurons`. A pooling that names no stride moves by its window, as in torch."""
    found, loose, tokens = {}, [], TOKEN.findall(text.lower())
    while tokens:
        _take(tokens.pop(0), tokens, found, loose)
    if len(loose) > 1:
        raise Impossible(_("It is not clear what “{number}” means. Write, for example, 32 filters 7x7, stride 2.").format(
            number=loose[-1]))
    return _completed(found, loose)


def _take(token: str, tokens: list[str], found: dict, loose: list[str]) -> None:
    """Understand one word or number: numbers that no word claims stay in `loose`."""
    if _is_number(token):
        loose.append(token)
    elif token in PREFIXES and not (PREFIXES[token] == "padding" and tokens[:1] == ["same"]):
        found[PREFIXES[token]] = _number(token, tokens)
    elif token in {"no", "without"} and tokens[:1] in (["bias"], ["biases"]):
        del tokens[0]
        found["bias"] = False
    elif token in COUNTS or token in FLAGS:
        if token in COUNTS:
            found[COUNTS[token]] = loose.pop() if loose and loose[-1].isdecimal() else _number(token, tokens)
        said = FLAGS.get(token, {})
        if "kind" in said and SPECIAL.index(said["kind"]) < SPECIAL.index(found.get("kind", SPECIAL[0])):
            return
        found.update(said)
    elif token == "same":
        found["padding"] = "same"
    elif token not in FILLING and token not in PREFIXES:
        raise Impossible(_("“{word}” is not known here. Write, for example: 32 filters 7x7, stride 2, padding 3; "
                           "max pool 2 stride 2; transposed 2 stride 2; 100 neurons.").format(word=token[:20]))


def _is_number(token: str) -> bool:
    """`7`, `7x7` or `(7, 7)`."""
    return token[0].isdecimal() or token[0] == "(" and len(token) > 1


def _number(word: str, tokens: list[str]) -> str:
    while tokens and tokens[0] in {"=", ":"}:
        del tokens[0]
    if not tokens or not _is_number(tokens[0]):
        raise Impossible(_("There is no number after “{word}”.").format(word=word))
    return tokens.pop(0)


def _completed(found: dict, loose: list[str]) -> Described:
    """The layer of what was found, its numbers checked, with what torch takes where nothing is said."""
    kind = found.get("kind", "convolution")
    if loose:
        found["filters" if kind == "linear" and "filters" not in found else "kernel"] = loose[0]
    for name in ("filters", "groups"):
        if name in found:
            if not found[name].isdecimal():
                raise Impossible(_("The number of {name} is one number, not “{number}”.").format(
                    name=name, number=found[name]))
            found[name] = _checked(found[name], 1)
    if "kernel" not in found and kind not in {"linear", "global average pooling"}:
        raise Impossible(_("There is no kernel. Write its size, for example 7x7."))
    if "filters" not in found and kind == "linear":
        raise Impossible(_("How many neurons has the linear layer? Write, for example, 100 neurons."))
    same = found.get("padding") == "same" and found.pop("padding")
    for name, low in {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}.items():
        if name in found:
            found[name] = _sides_of(found[name], low)
    if "pooling" in kind and "stride" not in found:
        found["stride"] = found.get("kernel", (1, 1))
    described = Described(**found)
    return replace(described, padding=_keeping(described)) if same else described


def _sides_of(token: str, low: int) -> Pair:
    numbers = re.findall(r"\d+", token)
    return _checked(numbers[0], low), _checked(numbers[-1], low)


def _keeping(described: Described) -> Pair:
    """The padding that keeps the size where the stride is 1: D·(K − 1)/2."""
    reach = [dilation * (kernel - 1) for kernel, dilation in zip(described.kernel, described.dilation)]
    if any(each % 2 for each in reach):
        raise Impossible(_("No padding keeps the size of the map with an even kernel: it would have to be half a cell "
                           "wider on each side."))
    return reach[0] // 2, reach[1] // 2


def layers(text: str) -> tuple[Described, ...]:
    """Several layers, `;` or a new line after each."""
    parts = [part for part in re.split(r"[;\n]", text) if part.strip()]
    if not parts:
        raise Impossible(_("There is no layer. Write, for example: 5; max pool 2 stride 2; 3."))
    if len(parts) > MOST_LAYERS:
        raise Impossible(_("There may be {most} layers here; these are {count}.").format(
            most=MOST_LAYERS, count=len(parts)))
    return tuple(map(layer, parts))
