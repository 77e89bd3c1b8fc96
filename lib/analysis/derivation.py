"""How a number comes about: the formula, the same with this layer's own values put in, and the result.

Symbols are the usual ones: k kernel, s stride, p padding, d dilation, g groups, C channels, H and W height and width,
r receptive field, j jump.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from lib.analysis import Layer
from lib.analysis.backward import Macs, in_sum, training_step
from lib.analysis.cost import BYTES_PER_NUMBER
from lib.analysis.outline import Part
from lib.analysis.receptive_field import POINTWISE, Field, image_field, sides_text
from lib.trace import numel


@dataclass(frozen=True)
class Step:
    """One derived quantity. `numbers` is the formula with values put in, `result` what it comes to."""

    quantity: str
    formula: str
    numbers: str
    result: str


def derive(part: Part, ops: tuple[Layer, ...]) -> list[Step]:
    """The steps of a layer, or the sums of a block, stage or network. `ops` is the whole network, for the inputs."""
    if part.level == "layer":
        return _of_layer(part.last, ops)
    weights, extras = _sum_of(part, _weights, _weight_count), _sum_of(part, _extras, _extra_count)
    return [Step("Weights", "Σ kh·kw·(C_in/g)·C_out of its convolutions and linear layers", *weights),
            Step("Other parameters", "Σ biases, scales and shifts", *extras),
            Step("Parameters", "weights + others", f"{weights[1]} + {extras[1]}", f"{part.params:,}"),
            Step("MACs", "Σ weights · H_out·W_out", *_sum_of(part, _macs, lambda op: op.macs or 0)),
            Step("Activation memory", "Σ 4·C·H·W bytes of every output", "", f"{part.activation_bytes:,} bytes"),
            Step("Receptive field", "that of its output", "", _pixels(part.last.field))]


def _of_layer(op: Layer, ops: tuple[Layer, ...]) -> list[Step]:
    return [*_output(op), _parameters(op), _multiply_adds(op), _memory(op), *_field(op, ops)]


def derive_training(part: Part, ops: tuple[Layer, ...]) -> list[Step]:
    """The steps of what a training step makes in multiply-adds. `ops` is the whole network, for what lies before."""
    every = training_step(ops)
    macs = in_sum(every[op.index] for op in part.ops)
    if part.level == "layer":
        forward, gradients = _multiply_adds(part.last), _gradients(part.last, macs)
    else:
        numbers, _ = _sum_of(part, _macs, lambda op: op.macs or 0)
        forward = Step("MACs", "Σ weights · H_out·W_out", numbers, _count(macs.forward))
        gradients = _sums_of_gradients(macs)
    terms = " + ".join(map(_count, macs)) if macs.forward else ""
    return [forward, *gradients, Step("Training step", "forward + both gradients", terms, _count(macs.total))]


def _gradients(op: Layer, macs: Macs) -> list[Step]:
    """Both gradients of a layer; none where it has no multiply-adds."""
    if not macs.forward:
        return []
    how, numbers = "each weight · the gradient of an output", _macs(op)
    if macs.input_gradient == 0:
        how, numbers = "not needed, as no weights lie before it", ""
    return [Step("Gradient of its input", how, numbers, _count(macs.input_gradient)),
            Step("Gradient of its weights", "each input · the gradient of an output", _macs(op), _count(macs.weight_gradient))]


def _sums_of_gradients(macs: Macs) -> list[Step]:
    spared = macs.forward - macs.input_gradient if None not in macs else 0
    formula = "forward − layers that no weights lie before" if spared else "as many as forward"
    return [Step("Gradients of the inputs", formula, f"{macs.forward:,} − {spared:,}" if spared else "",
                 _count(macs.input_gradient)),
            Step("Gradients of the weights", "as many as forward", "", _count(macs.weight_gradient))]


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _output(op: Layer) -> list[Step]:
    if not op.window:
        return [Step("Output", _axes(op), "", op.output)]
    window, steps = op.window, []
    axes = zip(("H", "W"), op.in_shapes[0][2:], op.out_shapes[0][2:], window.kernel, window.stride, window.padding,
               window.dilation)
    left, right = ("⌈", "⌉") if window.ceil_mode else ("⌊", "⌋")
    for name, size, result, kernel, stride, padding, dilation in axes:
        steps.append(Step(
            f"Output {name}", f"{left}({name} + 2p − d·(k − 1) − 1) / s{right} + 1",
            f"{left}({size} + 2·{padding} − {dilation}·({kernel} − 1) − 1) / {stride}{right} + 1", f"{result}"))
    first, second = steps
    if first.numbers == second.numbers:
        steps = [Step("Output H and W", first.formula, first.numbers, first.result)]
    return [*steps, Step("Output", "C×H×W", "", op.output)]


def _axes(op: Layer) -> str:
    """What the numbers of an output's shape stand for. What a gate computes in groups and branches has no height and width."""
    shape = op.out_shapes[0]
    if op.field and not op.field.is_map and shape[-2:] != (1, 1):
        return "C" if len(shape) == 2 else "no map: C in parts"
    return "C×H×W" if len(shape) == 4 else "parts×C×H×W"


def _weights(op: Layer) -> str:
    """`3·3·64·64`: the weights of a convolution or a linear layer; empty for other ops."""
    if op.kind == "conv2d":
        in_channels, out_channels = op.in_shapes[0][1], op.out_shapes[0][1]
        shared = f"({in_channels}/{op.groups})" if op.groups > 1 else f"{in_channels}"
        return "·".join(map(str, (*op.window.kernel, shared, out_channels)))
    if op.kind == "linear":
        return f"{op.in_shapes[0][-1]}·{op.out_shapes[0][-1]}"
    return ""


def _extras(op: Layer) -> str:
    """`64 + 64`: parameters that multiply nothing with its neighbours: biases, and the scale and shift of a norm."""
    names = op.weights[1:] if op.kind in {"conv2d", "linear"} else op.weights
    return " + ".join("·".join(map(str, shape)) for _, shape in names)


def _macs(op: Layer) -> str:
    cells = op.out_shapes[0][2:]
    return "·".join((_weights(op), *map(str, cells))) if _weights(op) else ""


def _weight_count(op: Layer) -> int:
    return numel(op.weights[0][1]) if op.weights and op.kind in {"conv2d", "linear"} else 0


def _extra_count(op: Layer) -> int:
    return op.params - _weight_count(op)


def _parameters(op: Layer) -> Step:
    formula = {"conv2d": "kh·kw·(C_in/g)·C_out", "linear": "C_in·C_out", "batch_norm": "scales + shifts"}.get(op.kind, "none")
    if not op.weights and formula != "none":
        return Step("Parameters", "counted where they are used first", "", "0")
    if op.kind in {"conv2d", "linear"} and len(op.weights) > 1:
        formula += " + biases"
    if op.weights and formula == "none":
        formula = "its " + " and ".join(name for name, _ in op.weights)
    return Step("Parameters", formula, " + ".join(filter(None, (_weights(op), _extras(op)))), f"{op.params:,}")


def _multiply_adds(op: Layer) -> Step:
    formula = {"conv2d": "kh·kw·(C_in/g)·C_out · H_out·W_out", "linear": "C_in·C_out"}
    if op.macs is None:
        return Step("MACs", f"no rule is known for {op.kind}", "", "unknown")
    return Step("MACs", formula.get(op.kind, "no multiply-adds of weights"), _macs(op), f"{op.macs:,}")


def _memory(op: Layer) -> Step:
    if op.in_place:
        return Step("Activation memory", "the output lies in the memory of the input", "", "0 bytes")
    shapes = " + ".join("·".join(map(str, shape[1:])) for shape in op.out_shapes)
    shapes = f"({shapes})" if len(op.out_shapes) > 1 else shapes
    return Step("Activation memory", "4 · C·H·W bytes of its output", f"{BYTES_PER_NUMBER}·{shapes}", f"{op.activation_bytes:,} bytes")


def _field(op: Layer, ops: tuple[Layer, ...]) -> list[Step]:
    before = [ops[i].field if i >= 0 else image_field(shape) for i, shape in zip(op.inputs, op.in_shapes)]
    if op.field is None or None in before:
        return [Step("Receptive field", f"no rule is known for {op.kind}", "", "unknown")]
    if op.window and op.field.is_map:
        return _of_window(op, before[0])
    sizes = list(dict.fromkeys(field.size for field in before if field.is_map))
    if op.kind in POINTWISE and len(sizes) > 1:
        return [Step("Receptive field", "the union of the branches", " ∪ ".join(map(sides_text, sizes)), _pixels(op.field))]
    return [Step("Receptive field", _rule(op, before[0]), "", _pixels(op.field))]


def _of_window(op: Layer, entered: Field) -> list[Step]:
    if not entered.is_regular:
        return [Step("Receptive field", "the union of what its window reads, place by place", "", _pixels(op.field))]
    vertical, horizontal = (
        (f"{axis.size} + ({kernel} − 1)·{dilation}·{axis.jump}", f"{axis.jump}·{stride}")
        for axis, kernel, dilation, stride in zip(
            (entered.vertical, entered.horizontal), op.window.kernel, op.window.dilation, op.window.stride))
    sizes, jumps = ((a if a == b else f"{a} high, {b} wide") for a, b in zip(vertical, horizontal))
    return [Step("Receptive field", "r + (k − 1)·d·j", sizes, _pixels(op.field)),
            Step("Jump", "j·s", jumps, f"{sides_text(op.field.jump)} px")]


def _rule(op: Layer, entered: Field) -> str:
    """Where the field of an op without a window comes from."""
    if op.field.whole_image and not entered.whole_image:
        return "the whole image, after the convolutional field"
    if op.field.size != entered.size:
        return "the union of what each output reads"
    return "as its input"


def _pixels(field: Field | None) -> str:
    if field is None:
        return "unknown"
    size = f"{sides_text(field.size)} px"
    return f"whole image ({size} by its convolutions)" if field.whole_image else size


MOST_TERMS = 12
"""Longer sums are written part by part."""


def _sum_of(part: Part, text: Callable[[Layer], str], value: Callable[[Layer], int]) -> tuple[str, str]:
    """The terms of its ops added up, equal ones gathered (`1·1·256·64 + 2·(3·3·64·64)`), and what they come to."""
    terms = Counter(term for op in part.ops if (term := text(op)))
    total = sum(value(op) for op in part.ops)
    if len(terms) > MOST_TERMS:
        sums = [sum(value(op) for op in child.ops) for child in part.children]
        return " + ".join(f"{count:,}" for count in sums if count), f"{total:,}"
    return " + ".join(term if count == 1 else f"{count}·({term})" for term, count in terms.items()), f"{total:,}"
