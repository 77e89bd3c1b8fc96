"""Random plans, and the networks that they stand for built by hand: with `torch.nn` and the classes of `lib.models`, and
without `lib.plan`.

`draw_plan` makes a description, `Description.text` writes it as a plan, and `ByHand` builds and runs it row by row. A row that
torch refuses raises `Fails`; one that torch would take, and the language does not, raises `Stricter` with a part of the reason
that the language has to give.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, reduce

import torch
from torch import Tensor, nn

from lib.models import (
    bn_inception, densenet, googlenet, inception_v3, lenet, mobilenet, mobilenet_v2, resnest, resnet, resnet_tweaks,
    resnet_v2,
    senet, shufflenet, shufflenet_v2, sknet, wide_resnet)
from lib.models.heads import AverageAndMax

Shape = tuple[int, ...]


class Fails(Exception):
    """A row that torch refuses; `place` as in a plan."""

    def __init__(self, place: tuple[int, ...], reason: str):
        super().__init__(f"{place}: {reason}")
        self.place = place


class Stricter(Fails):
    """A row that the language refuses on purpose, with this in its reason."""

    def __init__(self, place: tuple[int, ...], says: str):
        super().__init__(place, says)
        self.says = says


@dataclass
class Row:
    """A row: its line without braces, and what makes its module for a shape without the batch; or the rows that it holds."""

    line: str
    make: Callable[[Shape], nn.Module] | None = None
    rows: list[Row] = field(default_factory=list)
    regular: bool = True  # whether a gradient shows what its outputs see
    strict: Callable[[Shape], str | None] = lambda shape: None  # what the language says where torch would take the shape

    @property
    def word(self) -> str:
        return self.line.split()[0]

    def text(self) -> str:
        return self.line if self.make else f"{self.line} {{ {'; '.join(row.text() for row in self.rows)} }}"


@dataclass
class Description:
    channels: int
    sides: tuple[int, int]
    rows: list[Row]

    @property
    def text(self) -> str:
        return "; ".join([f"image {self.channels} {self.sides[0]}x{self.sides[1]}", *(row.text() for row in self.rows)])


class ByHand:
    """Builds rows and runs them at once. `modules` holds what was built, in the order of running; `operations` tells whether
    anything is computed."""

    def __init__(self):
        self.modules: list[nn.Module] = []
        self.operations = False

    def run(self, description: Description, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.rows(description.rows, x, ())

    def prepared(self, module: nn.Module) -> nn.Module:
        return module.eval()

    def rows(self, rows: list[Row], x: Tensor, place: tuple[int, ...]) -> Tensor:
        stages = set()
        for index, row in enumerate(rows):
            if row.word == "stage" and row.line in stages:
                raise Stricter((*place, index), "another name")
            stages.add(row.line)
            x = self.row(row, x, (*place, index))
        return x

    def row(self, row: Row, x: Tensor, place: tuple[int, ...]) -> Tensor:
        match row.word:
            case "stage":
                return self.rows(row.rows, x, place)
            case "repeat":
                for _ in range(int(row.line.split()[1])):
                    x = self.rows(row.rows, x, place)
                return x
            case "add" | "concat":
                return self.met(row, [self.rows(branch.rows, x, (*place, index)) for index, branch in enumerate(row.rows)],
                    place)
        try:
            module = self.prepared(row.make(tuple(x.shape[1:])))
            output = module(x)
        except (RuntimeError, ValueError, TypeError, ZeroDivisionError, IndexError) as error:
            raise Fails(place, str(error)) from None
        if says := row.strict(tuple(x.shape[1:])):
            raise Stricter(place, says)
        self.modules.append(module)
        self.operations |= not isinstance(module, nn.Identity)
        return output

    def met(self, row: Row, ends: list[Tensor], place: tuple[int, ...]) -> Tensor:
        try:
            result = torch.cat(ends, 1) if row.word == "concat" else reduce(torch.add, ends)
        except (RuntimeError, TypeError) as error:
            raise Fails(place, str(error)) from None
        if row.word == "add" and len({end.shape for end in ends}) > 1:
            raise Stricter(place, "need equal shapes")  # which torch spreads out
        self.operations |= row.word == "concat" or len(ends) > 1
        return result

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [parameter for module in self.modules for parameter in module.parameters()]

    @property
    def state(self) -> list[Tensor]:
        return [value for module in self.modules for value in module.state_dict().values()]


# Layers

def pair(draw: random.Random, values: list[int], square: float = 0.8) -> tuple[int, int]:
    first = draw.choice(values)
    return (first, first) if draw.random() < square else (first, draw.choice(values))


def said(**values) -> str:
    return "".join(f" {name}={value}" for name, value in values.items() if value is not None)


def size(value: tuple[int, int]) -> str:
    return f"{value[0]}" if value[0] == value[1] else f"{value[0]}x{value[1]}"


def padding_of(draw: random.Random, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple:
    """A padding as it is written, how many cells it is, and what the language says to it: `same` has no half where the kernel
    is even."""
    kind = draw.choice(["same", "same", "none", "some"])
    if kind == "same":
        reach = [(k - 1) * d for k, d in zip(kernel, dilation)]
        return "same", tuple(each // 2 for each in reach), "has no whole half" if any(each % 2 for each in reach) else None
    cells = pair(draw, [1, 2]) if kind == "some" else (0, 0)
    return size(cells) if kind == "some" else None, cells, None


def conv(draw: random.Random, shape: Shape) -> Row:
    channels, kernel, stride = draw.choice([1, 2, 3, 4, 6, 8, 12, 16]), pair(draw, [1, 1, 2, 3, 3, 3, 5]), pair(draw,
        [1, 1, 1, 2, 3])
    dilation = pair(draw, [1, 1, 1, 1, 2, 3])
    groups = draw.choice([1, 1, 1, 2, 3, 4]) if draw.random() < 0.8 else shape[0]
    written, padding, says = padding_of(draw, kernel, dilation)
    bias = draw.random() < 0.5
    return Row(f"conv {channels} {kernel[0]}x{kernel[1]}" + said(
        stride=None if stride == (1, 1) else size(stride), padding=written,
        dilation=None if dilation == (1, 1) else size(dilation),
        groups=None if groups == 1 else groups, bias=None if bias else "no"),
        lambda shape: nn.Conv2d(shape[0], channels, kernel, stride, padding, dilation, groups, bias),
        strict=lambda shape: says)


def pool(draw: random.Random, shape: Shape) -> Row:
    kind = draw.choice(["max", "avg"])
    kernel, stride = pair(draw, [2, 2, 3, 3, 4]), draw.choice([None, None, (1, 1), (2, 2), (1, 2), (3, 3)])
    written, padding, says = padding_of(draw, kernel, (1, 1))
    ceil = draw.random() < 0.3
    made = nn.MaxPool2d if kind == "max" else nn.AvgPool2d
    return Row(f"{kind}pool {kernel[0]}x{kernel[1]}" + said(
        stride=stride and size(stride), padding=written, ceil="yes" if ceil else None),
        lambda shape: made(kernel, stride, padding, ceil_mode=ceil), strict=lambda shape: says)


def fixed(line: str, make: Callable[[], nn.Module], regular: bool = True) -> Callable:
    return lambda draw, shape: Row(line, lambda shape: make(), regular=regular)


def batchnorm(draw: random.Random, shape: Shape) -> Row:
    eps = draw.choice([1e-5, 1e-3, 0.0123456789])
    return Row("batchnorm" + said(eps=None if eps == 1e-5 else eps),
               lambda shape: (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0], eps))


def globalpool(draw: random.Random, shape: Shape) -> Row:
    kind = draw.choice(["average", "average", "max", "both"])
    makes = {"average": partial(nn.AdaptiveAvgPool2d, 1), "max": partial(nn.AdaptiveMaxPool2d, 1), "both": AverageAndMax}
    return Row("globalpool" + said(kind=None if kind == "average" else kind), lambda shape: makes[kind](), regular=False)


def adaptivepool(draw: random.Random, shape: Shape) -> Row:
    cells = pair(draw, [1, 2, 3, 5, 7])
    return Row(f"adaptivepool {cells[0]}x{cells[1]}", lambda shape: nn.AdaptiveAvgPool2d(cells), regular=cells != (1, 1))


def upsample(draw: random.Random, shape: Shape) -> Row:
    factor = draw.choice([1, 2, 2, 3])
    return Row(f"upsample {factor}", lambda shape: nn.Upsample(scale_factor=factor))


def lrn(draw: random.Random, shape: Shape) -> Row:
    channels, k = draw.choice([1, 3, 5]), draw.choice([1.0, 2.0])
    return Row(f"lrn {channels}" + said(k=None if k == 1 else k), lambda shape: nn.LocalResponseNorm(channels, 1e-4, 0.75,
        k), regular=False)


def dropout(draw: random.Random, shape: Shape) -> Row:
    share = draw.choice([0, 0.2, 0.5])
    return Row(f"dropout {share}", lambda shape: nn.Dropout(share), regular=False)


def linear(draw: random.Random, shape: Shape) -> Row:
    units, bias = draw.choice([1, 5, 10, 20]), draw.random() < 0.7
    return Row(f"linear {units}" + said(bias=None if bias else "no"), lambda shape: nn.Linear(shape[-1], units, bias),
        regular=False,
               strict=lambda shape: "flatten makes" if len(shape) == 3 else None)  # torch reads the last axis of a map


def softmax(draw: random.Random, shape: Shape) -> Row:
    return Row("softmax", lambda shape: nn.Softmax(1), regular=False)


ON_MAPS = [conv] * 8 + [pool] * 3 + [
    batchnorm, batchnorm, fixed("relu", nn.ReLU), fixed("relu", nn.ReLU), fixed("relu6", nn.ReLU6),
    fixed("tanh", nn.Tanh, False),
    fixed("sigmoid", nn.Sigmoid, False), fixed("scaled_tanh", lenet.ScaledTanh, False), fixed("identity", nn.Identity),
    globalpool, adaptivepool, upsample, lrn, dropout, softmax, fixed("flatten", nn.Flatten, False)]
ON_NUMBERS = [linear] * 4 + [batchnorm, fixed("relu", nn.ReLU), fixed("tanh", nn.Tanh), dropout, softmax,
    fixed("flatten", nn.Flatten)]
ANYWHERE = [*ON_MAPS, *ON_NUMBERS]


# Blocks of the catalogue

def shortcuts(draw: random.Random) -> tuple[str | None, Callable]:
    """A shortcut's letter, and what builds it."""
    letter = draw.choice([None, None, "A", "B", "C", "D", "3x3"])
    builds = {"A": resnet.zero_padding, "B": resnet.identity_or_projection, "C": resnet.projection,
              "D": resnet_tweaks.pooled_projection, "3x3": senet.projection_3x3}[letter or "B"]
    return letter, builds


def less(of_zeros: bool, channels: int) -> Callable[[Shape], str | None]:
    """Zeros cannot take channels away; torch cuts them off."""
    return lambda shape: "cannot take any away" if of_zeros and channels < shape[0] else None


def basic(draw: random.Random, shape: Shape) -> Row:
    channels, stride, dilation, (letter, shortcut) = draw.choice([shape[0], 4, 8]), draw.choice([1, 1, 2,
        3]), draw.choice([1, 1, 2]), shortcuts(draw)
    se, plain = draw.random() < 0.3, draw.random() < 0.1
    made = resnet.PlainBasicBlock if plain else senet.SEBasicBlock if se else resnet.BasicBlock
    line = f"{'se_basic' if se and not plain else 'basic'} {channels}" + said(
        stride=stride if stride > 1 else None, shortcut="none" if plain else letter,
        dilation=dilation if dilation > 1 else None)
    more = {} if plain else {"shortcut": shortcut}
    return Row(line, lambda shape: made(shape[0], channels, stride, dilations=(dilation, dilation), **more),
               regular=not se, strict=less(letter == "A" and not plain, channels))


def bottleneck(draw: random.Random, shape: Shape) -> Row:
    channels, stride, (letter, shortcut) = draw.choice([1, 2, 4]), draw.choice([1, 2]), shortcuts(draw)
    width, groups, first, dilation = draw.choice([16, 32, 64, 128]), draw.choice([1, 2,
        3]), draw.random() < 0.3, draw.choice([1, 1, 2])
    word, made = draw.choice([("resnext", resnet.Bottleneck), ("se_bottleneck", senet.SEBottleneck),
        ("senet154", senet.SENet154Bottleneck)])
    return Row(f"{word} {channels} base_width={width} groups={groups}" + said(
        stride=stride if stride > 1 else None, shortcut=letter, stride_in_1x1="yes" if first else None, dilation=dilation),
        lambda shape: made(shape[0], channels, stride, groups, width, first, shortcut, dilations=(dilation, dilation)),
        regular=word == "resnext", strict=less(letter == "A", 4 * channels))


def preact(draw: random.Random, shape: Shape) -> Row:
    channels, stride, bottleneck, zeros, first = draw.choice([2, 4, 8]), draw.choice([1,
        2]), *(draw.random() < 0.4 for _ in range(3))
    order = draw.choice(list(resnet_v2.UNITS))
    return Row(f"preact {channels} stride={stride} order={order} bottleneck={'yes' if bottleneck else 'no'}" + said(
        zeros="yes" if zeros else None, first="yes" if first else None),
        lambda shape: resnet_v2.UNITS[order](shape[0], channels, stride, bottleneck, zeros, first),
        strict=less(zeros, channels * (4 if bottleneck else 1)))


def wide(draw: random.Random, shape: Shape) -> Row:
    channels, stride = draw.choice([4, 8]), draw.choice([1, 2])
    return Row(f"wide {channels} stride={stride} dropout=0.3", lambda shape: wide_resnet.WideUnit(shape[0], channels, stride,
        dropout=0.3))


def gated(draw: random.Random, shape: Shape) -> Row:
    kind = draw.choice(["se", "sk", "sk_basic", "sk_unit", "split_attention", "resnest"])
    channels, stride, groups = draw.choice([4, 8]), draw.choice([1, 2]), draw.choice([1, 2])
    radix, cardinality, branches = draw.choice([1, 2, 3]), draw.choice([1, 2]), draw.choice([1, 2, 3])
    kernel = partial(sknet.SelectiveKernel, groups=groups, branches=branches, reduction=2, floor=4)
    kernels = f"stride={stride} groups={groups} branches={branches} reduction=2 floor=4"
    line, make = {
        "se": ("se reduction=2", lambda shape: senet.SqueezeExcitation(shape[0], 2)),
        "sk": (f"sk {channels} {kernels}", lambda shape: kernel(shape[0], channels, stride)),
        "sk_basic": (f"sk_basic {channels} {kernels}", lambda shape: sknet.SKBasicBlock(shape[0], channels, stride, kernel)),
        "sk_unit": (f"sk_unit {channels} {kernels}", lambda shape: sknet.SKUnit(shape[0], channels, stride, kernel)),
        "split_attention": (f"split_attention radix={radix} cardinality={cardinality}",
                            lambda shape: resnest.SplitAttention(shape[0], radix, cardinality)),
        "resnest": (f"resnest {channels} stride={stride} radix={radix} cardinality={cardinality}",
                    lambda shape: resnest.ResNeStBottleneck(shape[0], channels, stride, radix, cardinality)),
    }[kind]
    return Row(line, make, regular=False)


def inception(draw: random.Random, shape: Shape) -> Row:
    filters = [draw.choice([1, 2, 3]) for _ in range(6)]
    kind = draw.choice(["inception", "naive_inception", "inception_bn"])
    if kind == "inception_bn":
        if draw.random() < 0.3:
            filters[0] = filters[5] = 0
        top = draw.random() < 0.5
        return Row("inception_bn " + " ".join(map(str, filters)) + said(max_pool="yes" if top else None), lambda shape:
                   bn_inception.Inception(shape[0], bn_inception.Filters(*filters, top)), )
    made = googlenet.Inception if kind == "inception" else googlenet.NaiveInception
    norm, third = draw.random() < 0.5, draw.choice([3, 5])
    convolution = googlenet.NormalisedConvolution if norm else googlenet.BiasedConvolution
    return Row(f"{kind} {' '.join(map(str, filters))} norm={'yes' if norm else 'no'} third_kernel={third}",
               lambda shape: made(shape[0], googlenet.Filters(*filters), convolution, third))


def inception_v3_block(draw: random.Random, shape: Shape) -> Row:
    kind, filters = draw.choice("abcd"), draw.choice([1, 2, 4])
    made = {"a": inception_v3.InceptionA, "b": inception_v3.InceptionB, "c": inception_v3.InceptionC,
        "d": inception_v3.InceptionD}[kind]
    given = (filters,) if kind in "ac" else ()
    return Row(" ".join([f"inception_{kind}", *map(str, given)]), lambda shape: made(shape[0], *given))


def mobile(draw: random.Random, shape: Shape) -> Row:
    channels, stride, dilation, expansion = draw.choice([shape[0], 4, 8]), draw.choice([1, 2]), draw.choice([1, 1,
        2]), draw.choice([1, 2, 6])
    if draw.random() < 0.5:
        return Row(f"separable {channels} stride={stride} dilation={dilation}",
                   lambda shape: mobilenet.DepthwiseSeparable(shape[0], channels, stride, dilation))
    residual, straight = draw.random() < 0.7, draw.random() < 0.7
    return Row(f"inverted {channels} stride={stride} dilation={dilation} expansion={expansion}" + said(
        residual=None if residual else "no", linear=None if straight else "no"),
        lambda shape: mobilenet_v2.InvertedResidual(shape[0], channels, stride, expansion, residual, straight, dilation))


def shuffle(draw: random.Random, shape: Shape) -> Row:
    kind, groups, stride = draw.choice(["shuffle", "shuffle_v2", "shuffle_down"]), draw.choice([1, 2, 3]), draw.choice([1,
        2])
    channels = draw.choice([shape[0], shape[0] * 2, 8, 16, 24])
    def whole(shape: Shape) -> str | None:
        if stride == 1 and shape[0] != channels:
            return "the unit adds its input"  # torch may spread one channel out
        return "do not go into 4 equal parts" if channels % 4 else None  # torch rounds down
    return {
        "shuffle": Row(f"shuffle {channels} stride={stride} groups={groups} first_groups=1",
                       lambda shape: shufflenet.ShuffleUnit(shape[0], channels, stride, groups, 1), strict=whole),
        "shuffle_v2": Row("shuffle_v2", lambda shape: shufflenet_v2.ShuffleUnitV2(shape[0]),
                          strict=lambda shape: "do not go into 2 equal parts" if shape[0] % 2 else None),
        "shuffle_down": Row(f"shuffle_down {channels}", lambda shape: shufflenet_v2.ShuffleDownV2(shape[0], channels),
                            strict=lambda shape: "do not go into 2 equal parts" if channels % 2 else None),
    }[kind]


def dense(draw: random.Random, shape: Shape) -> Row:
    layers, growth, bottleneck = draw.choice([1, 2, 3]), draw.choice([1, 2, 4]), draw.random() < 0.5
    if draw.random() < 0.4:
        return Row("transition compression=50", lambda shape: densenet.Transition(shape[0], 50))
    layer = densenet.DenseLayer if bottleneck else densenet.BasicDenseLayer
    return Row(f"dense {layers} growth={growth} bottleneck={'yes' if bottleneck else 'no'}",
               lambda shape: densenet.DenseBlock(shape[0], layers, growth, layer))


def first_network(draw: random.Random, shape: Shape) -> Row:
    if draw.random() < 0.5:
        return Row("subsampling", lambda shape: lenet.Subsampling(shape[0]))
    return Row("sparse_c3", lambda shape: lenet.SparseConvolution(),
               strict=lambda shape: "six maps" if shape[0] > 6 else None)  # torch leaves the others out


BLOCKS = [basic, basic, bottleneck, preact, wide, gated, gated, inception, inception_v3_block, mobile, shuffle, dense,
    first_network]


# Plans

def draw_plan(draw: random.Random, regular: bool = False) -> Description:
    """A plan of some rows. Most of them can take what arrives. `regular` ones have no rows whose field a gradient does not
    show."""
    channels, sides = draw.choice([1, 2, 3, 6]), (draw.randint(4, 16), draw.randint(4, 16))
    rows, _x = draw_rows(draw, torch.zeros(1, channels, *sides), draw.randint(1, 5), 0, regular)
    return Description(channels, sides, rows)


FAILING = 0.6
"""How often a row that cannot take what arrives is kept."""


def draw_rows(draw: random.Random, x: Tensor, count: int, depth: int, regular: bool) -> tuple[list[Row], Tensor]:
    """Rows that take `x`, and what they give."""
    rows: list[Row] = []
    for _ in range(count):
        row = draw_row(draw, tuple(x.shape[1:]), x, depth, regular)
        if regular and not row.regular:
            continue
        try:
            with torch.no_grad():
                given = ByHand().rows([row], x, ())
        except Fails:
            if not regular and draw.random() < FAILING:
                return [*rows, row], x
            continue
        if given.numel() <= 8_000:
            rows.append(row)
            x = given
    return rows, x


def draw_row(draw: random.Random, shape: Shape, x: Tensor, depth: int, regular: bool) -> Row:
    kind = draw.random()
    if kind < 0.22 and depth < 3:
        return draw_holder(draw, x, depth, regular)
    if draw.random() < 0.03 and not regular:
        return draw.choice(ANYWHERE)(draw, shape)
    if len(shape) != 3:
        return draw.choice(ON_NUMBERS)(draw, shape)
    return draw.choice(BLOCKS if kind > 0.75 else ON_MAPS)(draw, shape)


def draw_holder(draw: random.Random, x: Tensor, depth: int, regular: bool) -> Row:
    word = draw.choice(["repeat", "stage", "add", "add", "concat", "concat"])
    if word == "stage":
        return Row(f"stage {draw.choice('abcdefghi')}{draw.randint(1, 9)}",
            rows=draw_rows(draw, x, draw.randint(0, 3), depth + 1, regular)[0])
    if word == "repeat":
        return Row(f"repeat {draw.randint(1, 3)}", rows=draw_rows(draw, x, draw.randint(0, 2), depth + 1, regular)[0])
    branches = [draw_rows(draw, x, draw.randint(0, 2), depth + 1, regular) for _ in range(draw.randint(1, 3))]
    shape = branches[0][1].shape
    holder = Row(word, rows=[Row("branch", rows=rows) for rows, _end in branches])
    for (rows, end), branch in zip(branches, holder.rows):
        if end.dim() == 4 and len(shape) == 4 and draw.random() < 0.9:
            branch.rows = rows + ended_as(end.shape, shape)
    return holder


def ended_as(given: torch.Size, wanted: torch.Size) -> list[Row]:
    """Rows that make a map like another one."""
    rows = []
    if given[2:] != wanted[2:]:
        cells = tuple(wanted[2:])
        rows.append(Row(f"adaptivepool {cells[0]}x{cells[1]}", lambda shape: nn.AdaptiveAvgPool2d(cells)))
    if given[1] != wanted[1]:
        channels = wanted[1]
        rows.append(Row(f"conv {channels} 1x1", lambda shape: nn.Conv2d(shape[0], channels, 1)))
    return rows
