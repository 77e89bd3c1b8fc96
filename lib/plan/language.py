"""The language of plans: a network as a short text.

A plan is a list of rows. A row is a word, the values that it needs in order, and others by their name; the first row is the
picture (channels, height x width). Some words hold rows of their own, in braces. Rows stand on lines of their own or have
a semicolon between them; what follows a # is left out.

    image 3 32x32
    conv 16 3x3 padding=same        what a row reads is what the row before gives
    relu
    repeat 2 {                      the rows inside, twice
      add {                         the sum of its branches, which all read the same
        branch { conv 16 3x3 padding=same; batchnorm }
        branch {}                   an empty branch hands on what it reads
      }
      relu
    }
    globalpool
    flatten
    linear 10

Grammar:

    plan   = image row*
    row    = word value* (name "=" value)* [ "{" row* "}" ]
    value  = number | number "x" number | name | "yes" | "no"

Every word is a class below: its fields are its values, and `call` is the one call of torch or of the catalogue that it
stands for. Nothing of a plan is run as code: a word that is not here is refused, and so is a value that is no number of its
range.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from keyword import iskeyword
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from torch import nn

from lib.architecture import LARGEST_IMAGE, Impossible, sides, sides_from
from lib.models import lenet
from lib.models.heads import AverageAndMax
from lib.once import once
from lib.plan import blocks
from lib.plan.linked import HALVES
from lib.plan.word import (
    Bias, Call, Channels, Dilation, Groups, Kernel, Padding, Shape, Stride, Unfit, Word, both, channels_of, padded, text_of,
    whole)

# Layers

class Conv(Word):
    """Filters that slide over the map; each reads all channels of its group."""

    title, usual = "Convolution", "conv 64 3x3 padding=same"
    channels: Channels
    kernel: Kernel
    stride: Stride = 1
    padding: Padding = 0
    dilation: Dilation = 1
    groups: Groups = 1
    bias: Bias = True

    def call(self, shape: Shape) -> Call:
        channels = channels_of(shape, self)
        whole(channels, self.groups, "The arriving")
        whole(self.channels, self.groups, "Its")
        return Call(nn.Conv2d, (channels, self.channels, both(self.kernel)), {
            "stride": both(self.stride), "padding": padded(self.padding, self.kernel, self.dilation),
            "dilation": both(self.dilation), "groups": self.groups, "bias": self.bias})


class BatchNorm(Word):
    """Batch normalisation: every channel gets mean 0 and variance 1, then a scale and a shift that are learned."""

    title, usual = "Batch normalisation", "batchnorm"
    eps: float = Field(1e-5, gt=0, le=1, title="Epsilon", description="Added to the variance, against a division by zero.")

    def call(self, shape: Shape) -> Call:
        return Call(nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d, shape[:1], {"eps": self.eps})


class ResponseNorm(Word):
    """Local response normalisation of AlexNet: each number is divided by the strength of its neighbours in the channels."""

    title, usual = "Response normalisation", "lrn 5"
    channels: int = Field(ge=1, le=64, title="Neighbours", description="Channels that are compared.")
    alpha: float = Field(1e-4, gt=0, le=10, title="Alpha", description="How much the neighbours count.")
    beta: float = Field(0.75, gt=0, le=10, title="Beta", description="The power of the divisor.")
    k: float = Field(1.0, gt=0, le=10, title="k", description="What is added to the divisor.")

    def call(self, shape: Shape) -> Call:
        channels_of(shape, self)
        return Call(nn.LocalResponseNorm, (self.channels,), {"alpha": self.alpha, "beta": self.beta, "k": self.k})


class Plain(Word):
    """A word without values that keeps the shape."""

    makes: ClassVar[type[nn.Module]]

    def call(self, shape: Shape) -> Call:
        return Call(self.makes)


class ReLU(Plain):
    """max(0, x): what is negative becomes 0."""

    title, usual, makes = "ReLU", "relu", nn.ReLU


class ReLU6(Plain):
    """ReLU that ends at 6, for numbers of few bits."""

    title, usual, makes = "ReLU6", "relu6", nn.ReLU6


class Tanh(Plain):
    """The hyperbolic tangent, from −1 to 1."""

    title, usual, makes = "tanh", "tanh", nn.Tanh


class ScaledTanh(Plain):
    """1.7159 tanh(2/3 x), the squashing function of LeNet-5."""

    title, usual, makes = "Scaled tanh (LeNet-5)", "scaled_tanh", lenet.ScaledTanh


class Sigmoid(Plain):
    """1 / (1 + exp(−x)), from 0 to 1."""

    title, usual, makes = "Sigmoid", "sigmoid", nn.Sigmoid


class Softmax(Plain):
    """Numbers that sum to 1 over the channels or classes."""

    title, usual = "Softmax", "softmax"

    def call(self, shape: Shape) -> Call:
        return Call(nn.Softmax, (1,))


class Pool(Word):
    """What both poolings share."""

    makes: ClassVar[type[nn.Module]]
    kernel: Kernel
    stride: Stride = Field(default_factory=lambda chosen: chosen.get("kernel", 1))
    padding: Padding = 0
    ceil: bool = Field(False, title="Round up", description="A last window may begin inside and end outside of the map.")

    def call(self, shape: Shape) -> Call:
        channels_of(shape, self)
        padding = padded(self.padding, self.kernel)
        if any(2 * cells > side for cells, side in zip(sides(_again(padding)), sides(self.kernel))):
            raise Unfit(f"A pooling of {self.kernel} is padded by half of its kernel at most, and padding is "
                        f"{_again(padding)}.")
        stride = {} if self.stride == self.kernel else {"stride": both(self.stride)}
        return Call(self.makes, (both(self.kernel),), stride | {"padding": padding, "ceil_mode": self.ceil})


def _again(pair: int | tuple[int, int]) -> int | str:
    return pair if isinstance(pair, int) else "x".join(map(str, pair))


class MaxPool(Pool):
    """The largest number of each window. Its stride is its kernel unless another is given."""

    title, usual, makes = "Max pooling", "maxpool 2x2", nn.MaxPool2d


class AvgPool(Pool):
    """The mean of each window. Its stride is its kernel unless another is given."""

    title, usual, makes = "Average pooling", "avgpool 2x2", nn.AvgPool2d


class GlobalPool(Word):
    """One number for each channel: the mean of its whole map, the largest, or both side by side."""

    title, usual = "Global pooling", "globalpool"
    kind: Literal["average", "max", "both"] = Field("average", title="Kind", description="What is taken of the map.")

    def call(self, shape: Shape) -> Call:
        channels_of(shape, self)
        if self.kind == "both":
            return Call(AverageAndMax)
        return Call(nn.AdaptiveAvgPool2d if self.kind == "average" else nn.AdaptiveMaxPool2d, (1,))


class AdaptivePool(Word):
    """Means over as many equal parts of the map as are wanted, whatever its size is."""

    title, usual = "Pooling to a size", "adaptivepool 7x7"
    cells: Annotated[sides_from(1, 64), Field(title="Cells", description="Height × width of the output.")]

    def call(self, shape: Shape) -> Call:
        channels_of(shape, self)
        return Call(nn.AdaptiveAvgPool2d, (both(self.cells),))


class Upsample(Word):
    """Every cell becomes a square of equal cells (nearest neighbour)."""

    title, usual = "Up-sampling", "upsample 2"
    factor: int = Field(ge=1, le=32, title="Factor", description="How many times higher and wider the map becomes.")

    def call(self, shape: Shape) -> Call:
        channels_of(shape, self)
        return Call(nn.Upsample, (), {"scale_factor": self.factor})


class Dropout(Word):
    """In training some numbers, picked at random, are set to 0."""

    title, usual = "Dropout", "dropout 0.5"
    share: float = Field(ge=0, le=0.99, title="Share", description="The share of the numbers that are set to 0.")

    def call(self, shape: Shape) -> Call:
        return Call(nn.Dropout, (self.share,))


class Flatten(Plain):
    """All numbers of a map in one row."""

    title, usual, makes = "Flatten", "flatten", nn.Flatten


class Identity(Plain):
    """Nothing: what arrives is handed on."""

    title, usual, makes = "Identity", "identity", nn.Identity


class Linear(Word):
    """A fully connected layer: each output reads all inputs."""

    title, usual = "Linear layer", "linear 10"
    units: int = Field(ge=1, le=65_536, title="Units", description="Numbers of the output; of the last layer: classes.")
    bias: Bias = True

    def call(self, shape: Shape) -> Call:
        if len(shape) != 1:
            height, width = shape[1:]
            raise Unfit(f"A map of {text_of(shape)} arrives, and a linear layer reads a row of numbers: flatten makes "
                        f"{shape[0]}·{height}·{width} = {shape[0] * height * width:,} of it.")
        return Call(nn.Linear, (shape[0], self.units), {"bias": self.bias})


# Rows that hold rows

class Holder(Word):
    """A word with rows of its own in braces."""

    group = "Structure"


class Repeat(Holder):
    """The rows inside, several times one after the other, each time with weights of their own."""

    title, usual = "Repeat", "repeat 2"
    times: int = Field(ge=1, le=200, title="Times", description="How often the rows inside follow one another.")


def _named(name: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,30}", name) or iskeyword(name) or hasattr(nn.Sequential(), name):
        raise Impossible(f"“{name[:40]}” cannot be the name of a stage: take a letter, then letters, digits and _ (no word of "
                         "Python's own).")
    return name


class Stage(Holder):
    """Rows with a name, which stands in tables and graphs."""

    title, usual = "Stage", "stage conv2_x"
    label: Annotated[str, AfterValidator(_named)] = Field(title="Name", description="A letter, then letters, digits and _.")


class Add(Holder):
    """Branches that all read what arrives; their outputs are added. An empty branch is the identity: a shortcut."""

    title, usual = "Sum of branches", "add"


class Concat(Holder):
    """Branches that all read what arrives; their outputs are joined by their channels."""

    title, usual = "Joined branches", "concat"


class BranchRow(Holder):
    """One way through a sum or a joining. Without rows it hands on what arrives."""

    title, usual = "Branch", "branch"


MOST_CHANNELS = 4096
"""Of a picture. A plan may be a part of a network, whose input is a map."""


class Image(Word):
    """The picture: its channels, and its height × width in pixels."""

    title, group, usual = "Picture", "Structure", "image 3 224x224"
    channels: Annotated[int, Field(ge=1, le=MOST_CHANNELS, title="Channels", description=(
        "1 for grey, 3 for colours; as many as a map has, where the plan is a part of a network."))]
    size: Annotated[sides_from(1, LARGEST_IMAGE), Field(title="Size", description="Height × width in pixels.")]

    @property
    def shape(self) -> Shape:
        return self.channels, *sides(self.size)


def _vocabulary(root: type[Word]) -> Iterator[type[Word]]:
    for word in root.__subclasses__():
        if "usual" in vars(word):
            yield word
        yield from _vocabulary(word)


WORDS: dict[str, type[Word]] = {word.name(): word for word in sorted(
    set(_vocabulary(Word)), key=lambda word: (["Layers", "Blocks", "Structure"].index(word.group), word.title))}
"""Every word by its name."""

WRITTEN_OVER = (Conv, BatchNorm, Linear)
"""An activation of these works in their memory, as in the catalogue. Elsewhere what it reads may be needed by others."""


def written_over(row: Row) -> bool:
    """Whether an activation works in the memory of what this row gives. A pre-activation unit gives a sum, which nobody else
    reads."""
    if isinstance(row.word, (Repeat, Stage)):
        return bool(row.rows) and written_over(row.rows[-1])
    is_sum = isinstance(row.word, blocks.Preact) and row.word.order in blocks.ENDING_IN_A_SUM
    return is_sum or isinstance(row.word, WRITTEN_OVER)


FOLLOWERS = (BatchNorm, ResponseNorm, ReLU, ReLU6, Tanh, ScaledTanh, Sigmoid, Softmax, Dropout, Flatten, Identity)
"""What belongs to the row before it."""


# Text

Place = tuple[int, ...]
"""Where a row stands: its index among the rows, then among the rows within that one, and so on; () is the picture."""


@dataclass(frozen=True)
class Row:
    """A row of a plan, with the rows that it holds."""

    word: Word
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A picture and what is done with it."""

    image: Image
    rows: tuple[Row, ...] = ()


MOST_LEVELS = 12
"""Rows within rows."""

TOKEN = re.compile(r"#[^\n]*|[{};\n]|[^\s{};#]+")


@once
def read(text: str) -> Plan:
    """The plan that a text describes. Raises `Impossible` with one sentence that names the line."""
    if HALVES.search(text):
        raise Impossible("This plan holds halves of characters, which are no text.")
    first, *rows = _read_rows(_statements(text))
    return Plan(first.word, tuple(rows))


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, words) of each row, and `{` and `}` by themselves."""
    line, words = 1, []
    for token in TOKEN.findall(text):
        if token in ("{", "}", ";", "\n"):
            if words:
                yield line, words
            words = []
            line += token == "\n"
            if token in "{}":
                yield line, [token]
        elif not token.startswith("#"):
            words.append(token)
    if words:
        yield line, words


def _read_rows(statements: Iterator[tuple[int, list[str]]]) -> list[Row]:
    """All rows, the picture first. `open` holds, from outside to inside, the words whose braces are open, with their rows."""
    open_rows: list[tuple[int, Word | None, list[Row]]] = [(1, None, [])]
    may_open = False
    for line, words in statements:
        if words == ["{"]:
            if not may_open:
                raise Impossible(f"Line {line}: a {{ stands after repeat, stage, add, concat or branch.")
            open_rows.append((line, open_rows[-1][2][-1].word, []))
            may_open = False
        elif words == ["}"]:
            if len(open_rows) == 1:
                raise Impossible(f"Line {line}: there is a }} that closes nothing.")
            _line, word, inside = open_rows.pop()
            open_rows[-1][2][-1] = Row(word, tuple(inside))
            may_open = False
        else:
            open_rows[-1][2].append(Row(_placed(line, words, open_rows)))
            may_open = isinstance(open_rows[-1][2][-1].word, Holder)
            continue
        if len(open_rows) > MOST_LEVELS:
            raise Impossible(f"Line {line}: rows stand in rows {MOST_LEVELS} levels deep at most.")
    if len(open_rows) > 1:
        line, word, _rows = open_rows[-1]
        raise Impossible(f"Line {line}: the {{ of “{word.written()}” is not closed by a }}.")
    if not open_rows[0][2]:
        raise Impossible(f"The plan is empty; it begins with the picture, such as “{Image.usual}”.")
    return open_rows[0][2]


def _placed(line: int, words: list[str], open_rows: list[tuple[int, Word | None, list[Row]]]) -> Word:
    """The word of a row. Raises `Impossible` if it cannot be read, or cannot stand here."""
    _line, holder, rows = open_rows[-1]
    shown = " ".join(words)
    try:
        word = read_word(words)
    except Impossible as error:
        raise Impossible(f"Line {line}, “{shown[:60]}”: {error}") from None
    is_first = holder is None and not rows
    if is_first != isinstance(word, Image):
        raise Impossible(f"Line {line}, “{shown[:60]}”: a plan begins with the picture, such as “{Image.usual}”, "
                         "and has no other.")
    if isinstance(holder, (Add, Concat)) != isinstance(word, BranchRow):
        raise Impossible(f"Line {line}, “{shown[:60]}”: add and concat hold branches alone, and only they do.")
    return word


def read_word(words: list[str]) -> Word:
    """The word and its values. Raises `Impossible` with one sentence."""
    name, *values = words
    if name not in WORDS:
        close = get_close_matches(name.lower(), WORDS, 1)
        raise Impossible(f"there is no word “{name[:40]}”; " + (f"did you mean “{close[0]}”?" if close else
                         f"some are {', '.join(SOME)}."))
    given, named = [], {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals and named:
            raise Impossible(f"“{value[:40]}” stands after a value with a name; those without a name come first.")
        if key in named:
            raise Impossible(f"“{key[:40]}” is given twice.")
        if equals:
            named[key] = rest
        else:
            given.append(value)
    return WORDS[name].spoken(given, named)


SOME = ("conv", "batchnorm", "relu", "maxpool", "globalpool", "flatten", "linear", "basic", "bottleneck", "repeat", "add",
        "concat")
"""Words that a message names."""


@dataclass(frozen=True)
class Line:
    """A line of a plan as it is written. `place` leads to its row: the index among the rows, then among the rows within, and so
    on; () is the picture. `closes` marks the brace that ends a row."""

    place: Place
    row: Row
    closes: bool = False

    @property
    def text(self) -> str:
        """The line without its indent."""
        if self.closes:
            return "}"
        holds = isinstance(self.row.word, Holder)
        return self.row.word.written() + (" {" if self.row.rows else " {}" if holds else "")


def lines(plan: Plan) -> list[Line]:
    """The lines of a plan, the picture first."""
    return [Line((), Row(plan.image)), *_lines(plan.rows, ())]


def _lines(rows: tuple[Row, ...], inside: Place) -> Iterator[Line]:
    for index, row in enumerate(rows):
        place = (*inside, index)
        yield Line(place, row)
        if row.rows:
            yield from _lines(row.rows, place)
            yield Line(place, row, closes=True)


def write(plan: Plan) -> str:
    """The plan as a text, a line for each row."""
    return "\n".join("  " * (len(line.place) - 1) + line.text for line in lines(plan)) + "\n"


def write_on_one_line(plan: Plan) -> str:
    """The same with semicolons: what a knob, a link and a command line hold."""
    texts = [line.text for line in lines(plan)]
    return "".join(text + ("" if text.endswith("{") or following == "}" else ";")
                   for text, following in zip(texts, [*texts[1:], "}"]))
