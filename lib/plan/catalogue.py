"""Networks of the catalogue as plans: those that are one row after another.

The network runs once. Every operation belongs to a layer, or to the outermost block that has a word; if each of these reads
what the one before gives, they are the rows. The plan is then built, and has to run the same operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

from torch import nn

from lib import catalog
from lib.analysis.fitting import image_shape
from lib.architecture import Architecture, Impossible, NetworkKnobs, written_size
from lib.meta import arguments_of, on_meta, remember_arguments
from lib.models import densenet, googlenet, lenet, resnet, resnet_v2, senet, sknet
from lib.models.heads import AverageAndMax
from lib.once import once
from lib.plan import blocks, language, own
from lib.plan.growing import grow
from lib.plan.language import Image, Plan, Row
from lib.plan.word import Word
from lib.trace import Op, Pair, record


@once
def plan_of(preset: str, knobs: NetworkKnobs) -> Plan:
    """A network of the catalogue as a plan. Raises `Impossible` for one that cannot be written so."""
    architecture = catalog.get(preset)
    if isinstance(knobs, own.OwnKnobs):
        return own.plan_of(knobs)
    with on_meta():
        model = architecture.build(knobs)
    ops, modules = record(model, image_shape(knobs)), dict(model.named_modules())
    words = [_word(modules.get(path), group[0], architecture) for path, group in _groups(ops, modules, architecture)]
    plan = Plan(Image(channels=knobs.in_channels, size=knobs.input_size), tuple(_repeated(words)))
    with on_meta():
        grown = grow(plan)
    if grown.refused:
        raise _unwritable(architecture, grown.refused.reason.rstrip("."))
    ours = record(grown.model, image_shape(knobs))
    if _steps(ours) != _steps(ops):
        raise _unwritable(architecture, "a block of it has settings for which the language has no word")
    if [op.in_place for op in ours] != [op.in_place for op in ops]:
        raise _unwritable(architecture,
                          "an activation of it leaves what it reads as it was, and those of a plan write over it")
    return plan


def _unwritable(architecture: Architecture, why: str) -> Impossible:
    return Impossible(f"This {architecture.name} cannot be written as a plan: {why}.")


def _groups(ops: tuple[Op, ...], modules: dict[str, nn.Module], architecture: Architecture) -> Iterator[tuple[str, list[Op]]]:
    """The operations of each row, with the module that is the row. Raises `Impossible` where one reads anything but what the
    row before gives."""
    places = {id(op): index for index, op in enumerate(ops)}
    before = -1
    for path, members in groupby(ops, lambda op: _row_of(op, modules)):
        group = list(members)
        own = {places[id(op)] for op in group}
        if not all(source == before or source in own for op in group for source in op.inputs):
            raise _unwritable(architecture, f"{group[0].name} reads more than what is computed just before it")
        yield path, group
        before = places[id(group[-1])]


def _row_of(op: Op, modules: dict[str, nn.Module]) -> str:
    """The path of the outermost module with a word around an operation; the operation's own name where there is none."""
    parts = op.path.split(".")
    paths = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return next((path for path in paths if path and type(modules[path]) in SAID), op.name)


def _word(module: nn.Module | None, op: Op, architecture: Architecture) -> Word:
    """The word of a module, or of an operation without one."""
    if module is not None and type(module) in SAID:
        if word := SAID[type(module)](module):
            return word
    elif op.kind in OPERATIONS:
        return OPERATIONS[op.kind]()
    raise _unwritable(architecture, f"there is no word for {op.name}")


def _repeated(words: list[Word]) -> Iterator[Row]:
    """The rows; equal blocks that follow one another as one `repeat`."""
    for word, run in groupby(words):
        count = len(list(run))
        row = Row(word)
        if count > 1 and isinstance(word, blocks.Block):
            yield Row(language.Repeat(times=count), (row,))
        else:
            yield from [row] * count


def _steps(ops: tuple[Op, ...]) -> list[tuple]:
    """What is computed, whatever its parts are called."""
    return [(op.kind, op.inputs, op.in_shapes, op.out_shapes, tuple(shape for _, shape in op.weights), op.window, op.groups)
            for op in ops]


# The words of modules

def _pair(value: int | Pair) -> int | str:
    return written_size(*((value, value) if isinstance(value, int) else value))


def _conv(module: nn.Conv2d) -> Word | None:
    half = tuple((kernel - 1) * dilation // 2 for kernel, dilation in zip(module.kernel_size, module.dilation))
    same = module.padding == half and any(half) and module.stride == (1, 1)
    return language.Conv(
        channels=module.out_channels, kernel=_pair(module.kernel_size), stride=_pair(module.stride),
        padding="same" if same else _pair(module.padding), dilation=_pair(module.dilation), groups=module.groups,
        bias=module.bias is not None)


def _pool(word: type[language.Pool], module: nn.MaxPool2d | nn.AvgPool2d) -> Word:
    return word(kernel=_pair(module.kernel_size), stride=_pair(module.stride), padding=_pair(module.padding),
                ceil=module.ceil_mode)


def _averages(module: nn.AdaptiveAvgPool2d) -> Word:
    return language.GlobalPool() if module.output_size == 1 else language.AdaptivePool(cells=_pair(module.output_size))


LAYERS: dict[type[nn.Module], Callable[[Any], Word | None]] = {
    nn.Conv2d: _conv,
    nn.BatchNorm2d: lambda module: language.BatchNorm(eps=module.eps),
    nn.LocalResponseNorm: lambda module: language.ResponseNorm(
        channels=module.size, alpha=module.alpha, beta=module.beta, k=module.k),
    nn.MaxPool2d: partial(_pool, language.MaxPool),
    nn.AvgPool2d: partial(_pool, language.AvgPool),
    nn.AdaptiveAvgPool2d: _averages,
    nn.AdaptiveMaxPool2d: lambda module: language.GlobalPool(kind="max"),
    AverageAndMax: lambda module: language.GlobalPool(kind="both"),
    nn.Dropout: lambda module: language.Dropout(share=module.p),
    nn.Linear: lambda module: language.Linear(units=module.out_features, bias=module.bias is not None),
    lenet.RadialBasis: lambda module: language.WORDS["radial_basis"](classes=len(module.codes)),
} | {word.makes: lambda module, word=word: word() for word in (
    language.ReLU, language.ReLU6, language.Tanh, language.ScaledTanh, language.Sigmoid, language.Flatten)}

OPERATIONS = {"flatten": language.Flatten, "view": language.Flatten, "relu": language.ReLU, "tanh": language.Tanh}
"""Operations that a network calls without a module."""


def _block(word: type[blocks.Block], module: nn.Module, **more: Any) -> Word | None:
    """The word of a block, from what its constructor was given; None where the language cannot say it."""
    said = more | {name: value for given, argument in arguments_of(module).items() for name, value in _said(given, argument)}
    try:
        return word.read({name: value for name, value in said.items() if name in word.model_fields})
    except Impossible:
        return None


def _said(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """An argument of a block's constructor as values of its word."""
    match name:
        case "shortcut":
            yield name, next((letter for letter, builds in blocks.SHORTCUTS.items() if builds is value), "unknown")
        case "dilations":
            yield "dilation", value[0]
        case "filters":
            yield from value._asdict().items()
        case "convolution":
            yield "norm", value is googlenet.NormalisedConvolution
        case "layer":
            yield "bottleneck", value is densenet.DenseLayer
        case "sk":
            yield from value.keywords.items() if isinstance(value, partial) else ()
        case _:
            yield name, int(value) if isinstance(value, float) and value == int(value) and value else value


def _bottleneck(module: resnet.Bottleneck, **more: Any) -> Word | None:
    return _block(blocks.ResNeXt if arguments_of(module)["groups"] > 1 else blocks.Bottleneck, module, **more)


BLOCKS: dict[type[nn.Module], Callable[[Any], Word | None]] = {
    word.makes: partial(_block, word) for word in language.WORDS.values()
    if issubclass(word, blocks.Block) and isinstance(vars(word).get("makes"), type)
} | {
    resnet.Bottleneck: _bottleneck,
    resnet.PlainBasicBlock: lambda module: _plain(_block(blocks.Basic, module)),
    resnet.PlainBottleneck: lambda module: _plain(_bottleneck(module)),
} | {
    unit: partial(_block, blocks.Preact, order=order) for order, unit in resnet_v2.UNITS.items()
} | {
    block: partial(_block, blocks.SEBottleneck, place=place) for place, block in senet.PLACES.items()}


def _plain(word: Word | None) -> Word | None:
    return word and word.model_copy(update={"shortcut": "none"})


SAID = LAYERS | BLOCKS
"""What each class of modules is in a plan."""

for each in dict.fromkeys(base for block in BLOCKS for base in block.__mro__ if "__init__" in vars(base)
                          and base.__module__.startswith("lib.models")):
    remember_arguments(each)
