"""What a network comes to in all, asked before it is told: Explore and Compare hide what a link names until then."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from math import prod

import lib
from lib.analysis import Analysis
from lib.analysis.cost import BYTES_PER_NUMBER
from lib.analysis.outline import outline
from lib.architecture import Impossible, sides
from lib.once import once
from lib.provenance import images_of
from lib.questions.kinds import Levels, kind
from lib.questions.miscounts import (
    POOLINGS, WEIGHTED, back, blocks, cells, kernel_once, longer_axis, longest, longest_path, one_block_a_stage, reached,
    side, total, weights)
from lib.questions.question import Choice, Number
from lib.text import _
from lib.trace import numel

Changed = tuple[tuple[str, Hashable], ...]
"""The knobs that were turned away from the preset: names and values."""

QUANTITIES = {"params": "params", "macs": "macs", "memory": "activation_bytes", "layers": "weight_layers",
              "field": "receptive_field"}
"""What can be asked for, by its word in a link, and what an analysis calls it."""

MOST = {"params": _("the most parameters"), "macs": _("the most multiply-adds"),
        "memory": _("the most bytes of activations"), "layers": _("the most weight layers"),
        "field": _("the largest receptive field")}
MILLION = 10**6
CLOSE = 0.05
"""A share by which an estimate may be off: people do these sums in their heads."""

FAMOUS = ("lenet5", "alexnet", "vgg11", "vgg16", "resnet18")
KNOWN = ("vgg19", "resnet34", "resnet50", "googlenet", "mobilenetv1_100", "mobilenet_v2")
HARD = ("inception_v3", "resnext50_32x4d", "seresnet50", "shufflenet_g3", "shufflenet_v2_x1_0", "wide_resnet50_2")
NAMELESS = ("googlenet", "mobilenet_v2", "inception_v3", "seresnet18", "resnet18d", "shufflenet_g3")
"""Networks whose names do not tell how many layers they have, or not as one counts them."""
PRESETS = Levels(FAMOUS, KNOWN, HARD)


def _knob(name: str, *values: Hashable) -> tuple[Changed, ...]:
    """Each of these values of a knob, to draw from; the preset's own is among them."""
    return ((), *(((name, value),) for value in values))


AS_IT_IS = ((),)
CLASSES = Levels(AS_IT_IS, _knob("num_classes", 10, 100), _knob("num_classes", 10, 100))
IMAGES = Levels(AS_IT_IS, _knob("input_size", 112, 448), _knob("input_size", 160, 320))


@once
def analysis_of(preset: str, changed: Changed = ()) -> Analysis:
    """The analysis of the real network. Raises `Impossible` where the knobs build none."""
    return lib.analyze(preset, **dict(changed))


# What is asked of one network

@kind(level=2, preset=PRESETS, changed=CLASSES)
def params(preset: str, changed: Changed = ()) -> Number:
    """Parameters of a network."""
    found = analysis_of(preset, changed)
    convolutions, linear = (total(found, kinds, weights) for kinds in (("conv2d",), ("linear",)))
    biases = total(found, WEIGHTED, lambda op: op.params - weights(op))
    return Number(found.params, {
        "head forgotten": found.params - total(found, ("linear",), lambda op: op.params),
        "head alone": total(found, ("linear",), lambda op: op.params) or None,
        "groups forgotten": found.params + total(found, ("conv2d",), lambda op: weights(op) * (op.groups - 1)),
        "kernel once": found.params - total(found, ("conv2d",), lambda op: weights(op) * (1 - kernel_once(op))),
        "one block a stage": sum(op.params for op in one_block_a_stage(found)),
        "biases forgotten": found.params - biases,
        "norms forgotten": found.params - total(found, ("batch_norm",), lambda op: op.params),
        "running statistics": found.params + total(found, ("batch_norm",), lambda op: op.params),
        "bytes for numbers": BYTES_PER_NUMBER * found.params,
        "MACs for parameters": found.macs,
        **_too_small(found.params),
    }, unit=_("parameters"), tolerance=CLOSE, fields=_fields(found, changed, "params") | {
        "convolutions": f"{convolutions:,}", "linear": f"{linear:,}", "biases": f"{biases:,}",
        "others": f"{found.params - convolutions - linear - biases:,}"})


@kind(level=2, preset=PRESETS, changed=IMAGES)
def macs(preset: str, changed: Changed = ()) -> Number:
    """Multiply-adds of a network for one image."""
    return _operations(preset, changed, 1)


@kind(level=2, preset=PRESETS, changed=IMAGES)
def flops(preset: str, changed: Changed = ()) -> Number:
    """Floating-point operations of a network for one image: two for each multiply-add."""
    return _operations(preset, changed, 2)


def _operations(preset: str, changed: Changed, times: int) -> Number:
    found = analysis_of(preset, changed)
    slips = {
        "linear layers forgotten": total(found, ("conv2d",), lambda op: op.macs),
        "groups forgotten": total(found, WEIGHTED, lambda op: op.macs * (op.groups if op.kind == "conv2d" else 1)),
        "kernel once": total(found, WEIGHTED, lambda op: op.macs * kernel_once(op)),
        "one place": total(found, WEIGHTED, weights),
        "input size for output size": total(
            found, WEIGHTED, lambda op: op.macs * cells(op.in_shapes) / cells(op.out_shapes)),
        **_at_the_preset_s_size(preset, changed, "macs"),
    }
    other = {"FLOPs for MACs": 2 * found.macs} if times == 1 else {"MACs for FLOPs": found.macs}
    return Number(times * found.macs, other | {name: times * value for name, value in slips.items()}
                  | _too_small(times * found.macs), unit=_("MACs") if times == 1 else _("FLOPs"), tolerance=CLOSE,
                  fields=_fields(found, changed, "macs") | {"macs": f"{found.macs:,}"})


@kind(level=3, preset=PRESETS, changed=Levels(AS_IT_IS, *[_knob("input_size", 160, 320)] * 2))
def memory(preset: str, changed: Changed = ()) -> Number:
    """Megabytes of the outputs of all operations for one image, in float32."""
    found = analysis_of(preset, changed)
    numbers = sum(sum(map(numel, op.out_shapes)) for op in found.ops)
    return Number(found.activation_bytes / MILLION, {name: value / MILLION for name, value in {
        "bytes forgotten": found.activation_bytes / BYTES_PER_NUMBER,
        "convolutions alone": BYTES_PER_NUMBER * found.neurons,
        "in place counted": BYTES_PER_NUMBER * numbers,
        "weights for activations": BYTES_PER_NUMBER * found.params,
        "gradients too": 2 * found.activation_bytes,
        **_at_the_preset_s_size(preset, changed, "activation_bytes"),
        "bytes for megabytes": MILLION * found.activation_bytes,
        "thousands": found.activation_bytes * 1000,
    }.items()}, unit="MB", tolerance=CLOSE, shown=",.4g", fields=_fields(found, changed, "activation_bytes") | {
        "bytes": f"{found.activation_bytes:,}", "numbers": f"{found.activation_bytes // BYTES_PER_NUMBER:,}"})


@kind(level=1, preset=Levels(FAMOUS, KNOWN, NAMELESS), changed=AS_IT_IS)
def layers(preset: str, changed: Changed = ()) -> Number:
    """Weight layers of a network, as papers count them."""
    found = analysis_of(preset, changed)
    by_stage: dict[str, int] = {}
    for op in longest_path(found):
        by_stage[op.stage] = by_stage.get(op.stage, 0) + (op.kind in WEIGHTED)
    return Number(found.weight_layers, {
        "linear layers forgotten": longest(found, {"conv2d"}),
        "gates counted": longest(found, WEIGHTED, gates=True),
        "beside the path": sum(op.kind in WEIGHTED for op in reached(found)),
        "all counted": sum(op.kind in WEIGHTED for op in found.ops),
        "stem as one": found.named_depth,
        "poolings counted": longest(found, WEIGHTED | POOLINGS),
        "norms counted": longest(found, WEIGHTED | {"batch_norm"}),
        "blocks for layers": len(blocks(found)) or None,
    }, unit=_("layers"), fields=_fields(found, changed, "params") | {
        "stages": " + ".join(f"{count} ({stage})" for stage, count in by_stage.items() if count)})


@kind(level=3, preset=PRESETS, changed=Levels(AS_IT_IS, AS_IT_IS, _knob("input_size", 320)))
def field(preset: str, changed: Changed = ()) -> Number:
    """Side of the receptive field of the last map before the head, in pixels."""
    found = analysis_of(preset, changed)
    if found.receptive_field is None:
        raise Impossible(_("No rule is known for the receptive field of {network}.").format(network=preset))
    windows, axis = [op for op in back(found, found.last_map, lambda op: op.field.side) if op.window], longer_axis(found)
    first = next((index for index, op in enumerate(windows) if op.window.stride[axis] > 1), -1)
    ends = {part.name: part.ops[-1] for part in outline(found).children if part.ops[-1].index <= found.last_map.index}
    return Number(found.receptive_field, {
        "jumps forgotten": side(windows, axis, range(len(windows))),
        "first stride forgotten": side(windows, axis, [first]),
        "poolings forgotten": side([op for op in windows if op.kind == "conv2d"], axis),
        "one way out": found.receptive_field / 2,
        "the image": max(found.input_shape[2:]),
        "the jump": found.last_map.field.jump[axis],
    }, unit="px", tolerance=0.02, fields=_fields(found, changed, "params") | {
        "stages": ", ".join(_("{stage} {side} px (jump {jump})").format(
            stage=stage, side=op.field.side, jump=op.field.jump[axis]) for stage, op in ends.items())})


KINDS = {"params": params, "macs": macs, "memory": memory, "layers": layers, "field": field}


# What is asked of several

@dataclasses.dataclass(frozen=True)
class Largest(Choice):
    """One of some networks, or none alone. `misled` says which usual mistake leads to a wrong one."""

    misled: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def _wrong(self, id: str) -> str:
        return self.part(f"slip: {self.misled.get(id, 'other')}")


MISLEADING = {"params": ("layers", "macs"), "macs": ("params", "layers"), "memory": ("params", "macs"),
              "layers": ("params",), "field": ("layers", "params")}
"""By what people judge a quantity that they do not know: whoever has the most of that is taken for the largest."""
EQUAL = "equal"
PAIRS = Levels(
    ((("resnet18", ()), ("vgg11", ())), (("alexnet", ()), ("resnet18", ())), (("vgg16", ()), ("resnet34", ()))),
    ((("resnet50", ()), ("resnext50_32x4d", ())), (("googlenet", ()), ("alexnet", ()), ("mobilenet_v2", ())),
     (("resnet34", ()), ("resnet50", ()), ("vgg16", ()))),
    ((("inception_v3", ()), ("resnet101", ()), ("wide_resnet50_2", ())),
     (("shufflenet_g3", ()), ("mobilenet_v2", ()), ("shufflenet_v2_x1_0", ()), ("mobilenetv1_100", ()))))


@kind(level=2, networks=PAIRS, quantity=tuple(QUANTITIES))
def largest(networks: tuple[tuple[str, Changed], ...], quantity: str) -> Largest:
    """Which of some networks has the most of a quantity; several may share the first place."""
    found = {id: analysis_of(*network) for id, network in zip("abcd", networks)}
    called = {id: f"{id}: {_network(found[id], changed)}" for id, (_preset, changed) in zip(found, networks)}
    values = {id: getattr(analysis, QUANTITIES[quantity]) for id, analysis in found.items()}
    if None in values.values():
        raise Impossible(_("No rule is known for the receptive field of one of them."))
    order = sorted(values, key=values.__getitem__, reverse=True)
    answer = order[0] if values[order[0]] > values[order[1]] else EQUAL
    misled = {id: f"by {other}" for other in reversed(MISLEADING[quantity]) if (id := _first(found, other))}
    equal = _("neither: both are equal") if len(found) == 2 else _("none alone: the first place is shared")
    return Largest(answer, names=called | {EQUAL: equal}, misled=misled | {EQUAL: EQUAL}, fields={
        "most": MOST[quantity], "networks": images_of(*found.values()),
        "order": "; ".join(f"{called[id]}: {values[id]:,}" for id in order)})


def _first(found: Mapping[str, Analysis], quantity: str) -> str:
    """Which network has the most of a quantity; empty where several share the first place."""
    values = {id: getattr(analysis, QUANTITIES[quantity]) or 0 for id, analysis in found.items()}
    first = [id for id in values if values[id] == max(values.values())]
    return first[0] if len(first) == 1 else ""


# What the questions are told with

def _fields(found: Analysis, changed: Changed, quantity: str) -> dict[str, object]:
    """The network, its image, and which share of the quantity each stage has."""
    whole = max(1, getattr(found, quantity))
    shares = {part.name: (getattr(part, quantity) or 0) / whole for part in outline(found).children}
    return {"network": _network(found, changed), "size": found.image, "close": f"{100 * CLOSE:g} %",
            "stages": ", ".join(f"{stage} {share:.1%}" for stage, share in shares.items())}


def _network(found: Analysis, changed: Changed) -> str:
    """What to call a network: its preset, and the knobs that were turned; its image is told apart."""
    knobs = type(found.knobs).model_fields
    turned = ", ".join(f"{knobs[name].title} = {_written(value)}" for name, value in changed if name != "input_size")
    return _("{preset} with {knobs}").format(preset=found.preset, knobs=turned) if turned else found.preset


def _written(value: Hashable) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# Slips that several have

def _too_small(answer: int) -> dict[str, float]:
    return {"thousands": answer / 1000, "millions": answer / MILLION, "billions": answer / 10**9}


def _at_the_preset_s_size(preset: str, changed: Changed, quantity: str) -> dict[str, float]:
    """The quantity, if the image were as large as the preset's, and if it grew with the side of the image; of a rectangle
    that of the square as large."""
    others = tuple((name, value) for name, value in changed if name != "input_size")
    try:
        before = analysis_of(preset, others)
    except Impossible:
        return {}
    value, usual = getattr(before, quantity), before.knobs.input_size
    size, usual = (prod(sides(size)) ** 0.5 for size in (dict(changed).get("input_size", usual), usual))
    return {"size of the preset": value, "side for area": value * size / usual}
