"""Everything derived from one trace. `analyze` runs the trace; an `Analysis` holds what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from lib.analysis.backward import Macs, in_sum, training_step
from lib.analysis.cost import activation_bytes, macs, other_operations
from lib.analysis.fitting import image_shape, refusal
from lib.analysis.receptive_field import Field, last_map, receptive_fields
from lib.architecture import Architecture, Impossible, NetworkKnobs, Stage
from lib.meta import on_meta
from lib.trace import ImpossibleShape, Op, Pair, Shape, record, shape_text

if TYPE_CHECKING:  # numbers are counted and times are taken without pandas; only the table needs it
    import pandas as pd


class Layer(Op, frozen=True, gc=False):
    """An op with its place in the paper's table, what it costs and what it sees.

    `macs` and `other_operations` are None where no rule is known. `block` is empty for a layer outside any block.
    """

    index: int = 0
    stage: str = ""
    block: str = ""
    label: str = ""
    macs: int | None = None
    other_operations: int | None = None
    activation_bytes: int = 0
    field: Field | None = None

    @property
    def way(self) -> tuple[int, ...]:
        """The inputs along which layers are counted: all, but of a product only the first, as the other is a gate."""
        return self.inputs[:1] if self.kind == "mul" else self.inputs

    @property
    def receptive_field(self) -> Pair | None:
        """Height and width of the field in pixels; None if unknown."""
        return self.field and self.field.size

    @property
    def whole_image(self) -> bool | None:
        """Whether a global operation lies before its output, so that every pixel counts; None if unknown."""
        return self.field and self.field.whole_image

    @property
    def output(self) -> str:
        """The output's shape without the batch, as `256×56×56`."""
        return " + ".join(shape_text(shape) for shape in self.out_shapes)


@dataclass(frozen=True, eq=False)
class Analysis:
    """A configured network and all that was derived from its one forward pass on a single image."""

    preset: str
    architecture: Architecture
    knobs: NetworkKnobs
    ops: tuple[Layer, ...]

    @property
    def input_shape(self) -> Shape:
        """(N, C, H, W) of the image; N is 1."""
        return image_shape(self.knobs)

    @property
    def image(self) -> str:
        """The image's height and width, `224 × 224`."""
        return " × ".join(map(str, self.input_shape[2:]))

    @cached_property
    def params(self) -> int:
        """Parameters."""
        return sum(op.params for op in self.ops)

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of all ops whose rule is known; `unknown` names the others."""
        return sum(op.macs or 0 for op in self.ops)

    @cached_property
    def training(self) -> Macs:
        """Multiply-adds of a training step for one image, forward and backward."""
        return in_sum(training_step(self.ops))

    @property
    def training_macs(self) -> int | None:
        """Multiply-adds of a training step for one image; None if unknown."""
        return self.training.total

    @cached_property
    def activation_bytes(self) -> int:
        """Bytes of the outputs of all ops for one image, in float32, those in the memory of an input apart."""
        return sum(op.activation_bytes for op in self.ops)

    @cached_property
    def neurons(self) -> int:
        """Numbers that the convolutions and linear layers put out for one image, as the AlexNet paper counts neurons."""
        return sum(prod(shape) for op in self.ops if op.kind in {"conv2d", "linear"} for shape in op.out_shapes)

    @cached_property
    def last_map(self) -> Layer:
        """What gives the last feature map before the head."""
        return self.ops[last_map(self.ops, [op.field for op in self.ops])]

    @cached_property
    def receptive_field(self) -> int | None:
        """Side (the longer one), in pixels, of the convolutional field of the last feature map before the head."""
        return self.last_map.field and self.last_map.field.side

    @cached_property
    def copied(self) -> Layer | None:
        """The pooling to a fixed size, if there is one whose input is smaller than its output: it hands on copies."""
        return next((op for op in self.ops if op.kind.startswith("adaptive") and
                     any(out > size for out, size in zip(op.out_shapes[0][-2:], op.in_shapes[0][-2:]))), None)

    @cached_property
    def weight_layers(self) -> int:
        """Convolutions and linear layers on the longest path to an output, as papers count: projections beside it do not
        add, nor do gates, the second factor of a product."""
        read = {place for op in self.ops for place in op.inputs}
        return max(number for index, number in enumerate(self.layer_numbers) if index not in read)

    @cached_property
    def named_depth(self) -> int | None:
        """The depth in the network's name where that counts a stem of several convolutions as one layer; else None."""
        stem = max(number for number, op in zip(self.layer_numbers, self.ops) if op.stage == self.ops[0].stage)
        counted = self.weight_layers - stem + 1
        return counted if stem > 1 and counted == getattr(self.knobs, "depth", None) else None

    @cached_property
    def layer_numbers(self) -> tuple[int, ...]:
        """For every op the convolutions and linear layers on the longest path up to it, itself included."""
        numbers: list[int] = []
        for op in self.ops:
            before = max((numbers[i] for i in op.way if i >= 0), default=0)
            numbers.append(before + (op.kind in {"conv2d", "linear"}))
        return tuple(numbers)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Kinds of ops that no cost rule covers."""
        return tuple(sorted({op.kind for op in self.ops if op.macs is None}))

    def table(self) -> pd.DataFrame:
        """One row per op: place, shapes, geometry, costs, receptive field, shares of the totals (0 to 1), and what its
        gradients cost."""
        import pandas as pd
        rows = [(op.stage, op.block, op.label, op.name, op.kind, op.output, *_geometry(op), op.params, op.macs,
                 op.other_operations, op.activation_bytes, *(op.receptive_field or (None, None)),
                 *(op.field.jump if op.field else (None, None)), op.whole_image) for op in self.ops]
        table = pd.DataFrame(rows, columns=COLUMNS)
        counts = ["macs", "other_operations", *FIELD_COLUMNS, "groups"]
        table[counts] = table[counts].astype("Int64")
        for total in ("params", "macs", "activation_bytes"):
            table[f"{total}_share"] = (table[total] / max(1, getattr(self, total))).astype("Float64")
        gradients = pd.DataFrame([macs[1:] for macs in training_step(self.ops)], columns=GRADIENTS, dtype="Int64")
        return table.join(gradients)

    def to_json(self) -> dict[str, Any]:
        """Plain data: `preset`, `family`, `knobs`, `input_shape`, `totals` and `ops`."""
        names = ("name", "path", "kind", "in_shapes", "out_shapes", "params", "macs", "activation_bytes",
                 "receptive_field", "whole_image")
        return {
            "preset": self.preset, "family": self.architecture.id, "knobs": self.knobs.model_dump(mode="json"),
            "input_shape": list(self.input_shape),
            "totals": {name: getattr(self, name) for name in TOTALS},
            "ops": [{name: getattr(op, name) for name in names} | dict(zip(GRADIENTS, macs[1:]))
                    for op, macs in zip(self.ops, training_step(self.ops))],
        }


TOTALS = ("params", "macs", "training_macs", "activation_bytes", "weight_layers", "receptive_field")

GRADIENTS = ("input_gradient_macs", "weight_gradient_macs")

FIELD_COLUMNS = ("receptive_field_height", "receptive_field_width", "jump_vertical", "jump_horizontal")

COLUMNS = ("stage", "block", "layer", "name", "kind", "output", "kernel", "stride", "padding", "groups", "params",
           "macs", "other_operations", "activation_bytes", *FIELD_COLUMNS, "whole_image")


def _geometry(op: Op) -> tuple[str, str, str, int | None]:
    if not op.window:
        return "", "", "", None
    return (*("×".join(map(str, pair)) for pair in (op.window.kernel, op.window.stride, op.window.padding)),
            op.groups if op.kind == "conv2d" else None)


def analyze_knobs(preset: str, architecture: Architecture, knobs: NetworkKnobs) -> Analysis:
    """Build on meta, run once, derive.

    Raises `Impossible`, naming the layer, if the image is too small for the network or does not fit it.
    """
    model = None
    try:
        with on_meta():
            model = architecture.build(knobs)
        ops = record(model, image_shape(knobs))
    except Impossible:
        raise
    except ImpossibleShape as error:
        refused = error.op, str(error)  # not the error itself, whose traceback holds the model
    else:
        return Analysis(preset, architecture, knobs, measure(ops, architecture.stages(knobs)))
    del model
    raise refusal(architecture, knobs, *refused)


def measure(ops: tuple[Op, ...], stages: tuple[Stage, ...]) -> tuple[Layer, ...]:
    """The ops of a trace with their places, costs and receptive fields."""
    places = _places(ops, stages)
    seen = receptive_fields(ops)
    return tuple(
        Layer(*astuple(op), index, *places[index], macs(op), other_operations(op), activation_bytes(op), seen[index])
        for index, op in enumerate(ops))


def _places(ops: tuple[Op, ...], stages: tuple[Stage, ...]) -> list[tuple[str, str, str]]:
    """(stage, block, label) of every op. An op of no stage, such as flattening, joins the stage of its input."""
    owners = {module: (stage.name, label) for stage in stages for module, label in stage.modules.items()}
    owners |= {module: (stage.name, "") for stage in stages for module in stage.blocks}
    blocks = {module for stage in stages for module in stage.blocks}
    places: list[tuple[str, str, str]] = []
    for op in ops:
        module = op.path
        while module and module not in owners:
            module = module.rpartition(".")[0]
        if not module:
            stage = places[op.inputs[0]][0] if op.inputs and op.inputs[0] >= 0 else stages[0].name
            places.append((stage, "", op.name))
            continue
        stage, label = owners[module]
        rest = op.name.split(".")[module.count(".") + 1:]
        if module in blocks:
            places.append((stage, module, ".".join(rest) or op.name))
            continue
        block = f"{module}.{rest[0]}" if len(rest) > 1 else ""
        places.append((stage, block, ".".join(rest[1:] if block else rest) or label or op.name))
    return places
