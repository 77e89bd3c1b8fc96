"""The code behind a configured network: the source of its classes, a snippet that rebuilds it, torchinfo's view of it."""

import ast
import inspect
from collections.abc import Callable
from threading import Lock

import torchinfo

from lib.analysis import Analysis
from lib.meta import on_meta
from lib.once import once
from lib.trace import numel


_parsing = Lock()  # two threads that parse at once make Python 3.11 fail (its issue 106905)


@once
def classes(analysis: Analysis) -> list[type]:
    """The project's own classes that the network is built of, the whole network first, base classes last."""
    with on_meta():
        model = analysis.architecture.build(analysis.knobs)
    found = [cls for module in model.modules() for cls in type(module).__mro__ if cls.__module__.startswith("lib.")]
    return list(dict.fromkeys(found))


@once
def source(cls: type | Callable) -> str:
    """The source of a class or a function, as it runs."""
    with _parsing:
        return inspect.getsource(cls)


def parsed(text: str) -> ast.Module:
    """The syntax tree of a text of ours."""
    with _parsing:
        return ast.parse(text)


def snippet(analysis: Analysis) -> str:
    """A short program that rebuilds exactly this network and checks its parameters."""
    defaults = analysis.architecture.knobs.read(analysis.architecture.presets[analysis.preset].knobs).model_dump()
    changed = {name: value for name, value in analysis.knobs.model_dump().items() if value != defaults[name]}
    arguments = ", ".join([repr(analysis.preset), *(f"{name}={value!r}" for name, value in changed.items())])
    image = ", ".join(map(str, analysis.input_shape))
    return (f"import torch\n\nimport lib\n\n"
            f"model = lib.build({arguments})\n"
            f"assert sum(p.numel() for p in model.parameters()) == {analysis.params:_}\n"
            f"print(model.eval()(torch.randn({image})).shape)\n")


def torchinfo_summary(analysis: Analysis) -> torchinfo.ModelStatistics:
    """What torchinfo says of the same network, on the meta device."""
    with on_meta():
        model = analysis.architecture.build(analysis.knobs)
    return torchinfo.summary(model, input_size=analysis.input_shape, device="meta", depth=4, verbose=0,
                             col_names=("output_size", "num_params", "mult_adds"))


@once
def torchinfo_surplus(analysis: Analysis) -> tuple[int, int]:
    """Multiply-adds that torchinfo counts and we do not: (biases at every position, parameters of normalisations).

    It multiplies all parameters of a convolution with its output positions, biases too, and gives a normalisation as
    many multiply-adds as it has parameters. Parameters beside layers (LeNet-5's subsampling) it does not count.
    """
    biases = sum(numel(shape) * numel(op.out_shapes[0][2:]) for op in analysis.ops if op.kind in {"conv2d", "linear"}
                 for _, shape in op.weights[1:])
    norms = sum(op.params for op in analysis.ops if op.kind == "batch_norm")
    return biases, norms
