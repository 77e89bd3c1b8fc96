"""One forward pass on the meta device, written down as plain records.

`record` runs a model on tensors that have a shape but no numbers, and notes every operation on the way, also
`+`, `torch.cat` and `F.relu`. All that the app says about a network is derived from these records. Everything here
is thread-local: the model is private, the modes act on the running thread alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from msgspec import Struct
from torch import nn
from torch.overrides import TorchFunctionMode

Shape = tuple[int, ...]
Pair = tuple[int, int]


class Window(Struct, frozen=True, gc=False):
    """The geometry of a sliding window: each pair is (vertical, horizontal), in cells of the op's input."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)
    ceil_mode: bool = False


class Op(Struct, frozen=True, gc=False):
    """One operation of a forward pass.

    `inputs` holds the positions of the ops whose outputs it reads, -1 being the image: together they are the graph.
    `name` is unique, `path` the module that ran it. `weights` names and shapes the parameters that are counted here,
    at their first use. `in_place` means that the output lies in the memory of the input.
    """

    name: str
    path: str
    kind: str
    inputs: tuple[int, ...]
    in_shapes: tuple[Shape, ...]
    out_shapes: tuple[Shape, ...]
    weights: tuple[tuple[str, Shape], ...] = ()
    window: Window | None = None
    groups: int = 1
    in_place: bool = False

    @property
    def params(self) -> int:
        """Parameters of this op: weights, biases, scales and shifts."""
        return sum(numel(shape) for _, shape in self.weights)


class ImpossibleShape(ValueError):
    """A layer that cannot take the tensor it is given. `op` tells what was tried; its `out_shapes` are empty. `too_large` says
    that something smaller would do."""

    def __init__(self, op: Op, reason: str, too_large: bool = False):
        super().__init__(reason)
        self.op, self.too_large = op, too_large


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
    """Cells that a sliding window gives along one axis: floor((size + 2 p - d (k - 1) - 1) / s) + 1.

    With `ceil_mode` (pooling) the division rounds up, unless the last window would start in the padding.
    """
    reach = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return reach // stride + 1
    count = -(-reach // stride) + 1
    return count - ((count - 1) * stride >= size + padding)


def numel(shape: Shape) -> int:
    """Elements of a tensor of this shape."""
    return prod(shape)


def shape_text(shape: Shape) -> str:
    """A shape without its batch: `(1, 256, 56, 56)` as `256×56×56`."""
    return "×".join(map(str, shape[1:]))


def record(model: nn.Module, input_shape: Shape) -> tuple[Op, ...]:
    """The operations of one forward pass of `model` (built `on_meta`, in eval mode) on an (N, C, H, W) input.

    Wraps the `forward` of `model` and its parts meanwhile, so give it one of your own. Raises `ImpossibleShape` where a layer
    cannot take its input, and ValueError if a parameter is never used.
    """
    with torch.no_grad():
        recorder = _Recorder(model, image := _empty(input_shape))
        try:
            with recorder:
                model(image)
        finally:
            recorder.release()
    if recorder.unused:
        raise ValueError(f"parameters never used in the forward pass: {', '.join(n for n, _ in recorder.unused.values())}")
    return tuple(recorder.ops)


class _Recorder(TorchFunctionMode):
    """Sees each torch function that the model calls, and appends an `Op` for it."""

    def __init__(self, model: nn.Module, image: torch.Tensor):
        super().__init__()
        self.ops: list[Op] = []
        # For every activation its op's position, its shape, and itself: it stays alive, so that no id is used twice.
        self.sources = {id(image): (-1, tuple(image.shape), image)}
        self.unused: dict[int, tuple[str, Shape]] = {}
        self.path: list[tuple[str, bool]] = [("", False)]  # the running modules, and whether each is a leaf
        self.names: dict[str, int] = {}
        self.modules = dict(model.named_modules())
        for path, module in self.modules.items():
            vars(module)["training"] = False  # as `eval` says, a tenth as quick
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    self.unused[id(parameter)] = (f"{path}.{name}".lstrip("."), tuple(parameter.shape))
            if path:
                vars(module)["forward"] = self.within(path, not module._modules, self.forward(module))

    def release(self) -> None:
        """Gives the modules their own `forward` back. A wrapped one holds its module: only the garbage collector would
        end that."""
        for module in self.modules.values():
            vars(module).pop("forward", None)

    def within(self, path: str, is_leaf: bool, forward: Callable) -> Callable:
        """`forward`, with the recorder told which module is running."""
        place = (path, is_leaf)

        def told(*args, **kwargs):
            self.path.append(place)
            result = forward(*args, **kwargs)
            self.path.pop()
            return result
        return told

    def forward(self, module: nn.Module) -> Callable:
        """The forward of a module. That of a common layer is the one call it makes, past torch's long way to this mode."""
        if type(module) not in _CALLS or vars(module).get("padding_mode", "zeros") != "zeros":
            return module.forward
        func, names = _CALLS[type(module)]
        settings = vars(module) | module._buffers | module._parameters
        options = {name: settings[name] for name in names}
        weights = [weight for weight in module._parameters.values() if weight is not None]

        def call(x):
            with torch._C.DisableTorchFunction():
                return self.run(func, (x,), options, [x, *weights])
        return call

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.__name__ in QUESTIONS:
            return func(*args, **kwargs)
        return self.run(func, args, kwargs, tensors_in((*args, *kwargs.values())))

    def run(self, func: Callable, args: tuple, kwargs: dict[str, Any], tensors: list[torch.Tensor]) -> Any:
        """Calls a torch function and appends its `Op`; `tensors` are those among its arguments."""
        name = func.__name__
        kind = kind_of(name)
        window, groups = _GEOMETRY[kind](*args, **kwargs) if kind in _GEOMETRY else (None, 1)
        try:
            shortcut = None if name in _WRITING else _SHORTCUTS.get(kind)
            result = shortcut(window, *args, **kwargs) if shortcut else func(*args, **kwargs)
        except RuntimeError as error:
            raise ImpossibleShape(self.op(kind, tensors, [], window, groups), str(error).splitlines()[0]) from None
        if outputs := [result] if isinstance(result, torch.Tensor) else tensors_in((result,)):
            self.ops.append(op := self.op(kind, tensors, outputs, window, groups))
            for tensor, shape in zip(outputs, op.out_shapes):
                self.sources[id(tensor)] = (len(self.ops) - 1, shape, tensor)
        return result

    def op(self, kind: str, tensors: list[torch.Tensor], outputs: list[torch.Tensor], window: Window | None,
           groups: int) -> Op:
        """The record of a call: which of the tensors it was given are data, and which are weights not counted yet."""
        path, is_leaf = self.path[-1]
        name = path if is_leaf else f"{path}.{kind}" if path else kind
        count = self.names[name] = self.names.get(name, 0) + 1
        known = [id(out) in self.sources for out in outputs]
        inputs, in_shapes, weights = [], [], []
        for tensor in tensors:
            if source := self.sources.get(id(tensor)):
                inputs.append(source[0])
                in_shapes.append(source[1])
            elif id(tensor) in self.unused:
                weight, shape = self.unused.pop(id(tensor))
                weights.append((weight.rpartition(".")[2], shape))
        return Op(
            name if count == 1 else f"{name}_{count}", path, kind, tuple(inputs), tuple(in_shapes),
            tuple([tuple(out.shape) for out in outputs]), tuple(weights), window, groups,
            any(known) or kind in _VIEWS and all(out._is_view() for out in outputs))


def kind_of(name: str) -> str:
    """The kind of operation that a torch function of this name is."""
    return _KINDS.get(name) or name.strip("_")


def tensors_in(values: Iterable[Any]) -> list[torch.Tensor]:
    """Every tensor in nested arguments or results."""
    found = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += tensors_in(value)
    return found


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else tuple(value)


def _convolution(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return Window(tuple(weight.shape)[2:], _pair(stride), _pair(padding), _pair(dilation)), groups


def _max_pooling(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return Window(_pair(kernel_size), _pair(stride or kernel_size), _pair(padding), _pair(dilation), ceil_mode), 1


def _average_pooling(input, kernel_size, stride=None, padding=0, ceil_mode=False, *_, **__):
    return Window(_pair(kernel_size), _pair(stride or kernel_size), _pair(padding), ceil_mode=ceil_mode), 1


_META = torch.device("meta")


def _empty(shape: Shape) -> torch.Tensor:
    """An activation: a shape and nothing else. `Tensor.new_empty` takes four times as long on the meta device."""
    return torch.empty(shape, device=_META)


def _another(tensor: torch.Tensor) -> torch.Tensor:
    """An activation of the same shape, lying in a row as kernels leave it; `detach` takes a third of the time."""
    return tensor.detach() if tensor.is_contiguous() else _empty(tensor.shape)


def _convolved(window: Window, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The output of a convolution, by the formula of its size: torch's own meta kernel takes twenty times as long."""
    batch, channels, *size = input.shape
    out_channels, channels_per_group, *_ = weight.shape
    if channels != channels_per_group * groups:
        raise RuntimeError(f"expects {channels_per_group * groups} channels and is given {channels}")
    size = list(map(output_size, size, window.kernel, window.stride, window.padding, window.dilation))
    if min(size) < 1:
        raise RuntimeError("the kernel is larger than its padded input")
    return _empty((batch, out_channels, *size))


def _linear(window: None, input, weight, bias=None):
    """The output of a linear layer, which acts on the last axis."""
    if input.shape[-1] != weight.shape[1]:
        raise RuntimeError(f"expects {weight.shape[1]} features and is given {input.shape[-1]}")
    return _empty((*input.shape[:-1], weight.shape[0]))


def _pooled(window: Window, input, *args, **kwargs):
    """The output of a pooling, by the formula of its size."""
    batch, channels, *size = input.shape
    size = list(map(output_size, size, window.kernel, window.stride, window.padding, window.dilation, repeat(window.ceil_mode)))
    if min(size) < 1:
        raise RuntimeError("the kernel is larger than its padded input")
    return _empty((batch, channels, *size))


def _globally_pooled(window: None, input, output_size):
    return _empty((*input.shape[:-2], *_pair(output_size)))


def _broadcast(window: None, input, other):
    """A sum or a product of tensors, or of a tensor and a number."""
    if not isinstance(other, torch.Tensor) or input.shape == other.shape:
        return _another(input)
    return _empty(torch.broadcast_tensors(input, other)[0].shape)


def _concatenated(window: None, tensors, dim=0):
    first, dim = tensors[0], dim % tensors[0].dim()
    total = sum(tensor.shape[dim] for tensor in tensors)
    if any(t.shape[:dim] != first.shape[:dim] or t.shape[dim + 1:] != first.shape[dim + 1:] for t in tensors):
        raise RuntimeError(f"cannot join {' and '.join(shape_text(t.shape) for t in tensors)}")
    return _empty((*first.shape[:dim], total, *first.shape[dim + 1:]))


def _stacked(window: None, tensors, dim=0):
    shape = list(tensors[0].shape)
    shape.insert(dim if dim >= 0 else len(shape) + 1 + dim, len(tensors))
    return _empty(shape)


def _padded(window: None, input, pad, mode="constant", value=None):
    """The last axis is padded by the first two numbers, the one before it by the next two, and so on."""
    shape = list(input.shape)
    for axis, (before, after) in enumerate(zip(pad[::2], pad[1::2]), 1):
        shape[-axis] += before + after
    return _empty(shape)


def _picked(window: None, input, index):
    """A slice is a view, which torch makes quickly; channels named in a list are copied."""
    whole = slice(None)
    if not (isinstance(index, tuple) and len(index) == 2 and index[0] == whole and isinstance(index[1], list)):
        return input[index]
    batch, _, *size = input.shape
    return _empty((batch, len(index[1]), *size))


def _like(window: None, input, *args, inplace=False, **kwargs):
    return input if inplace else _another(input)


def _identity(window: None, input, *args, **kwargs):
    return input


# The one call that the forward of a layer makes, and what of the layer it hands on beside the input.
_CALLS: dict[type[nn.Module], tuple[Callable, tuple[str, ...]]] = {
    nn.Conv2d: (F.conv2d, ("weight", "bias", "stride", "padding", "dilation", "groups")),
    nn.BatchNorm2d: (F.batch_norm, ("running_mean", "running_var", "weight", "bias")),
    nn.Linear: (F.linear, ("weight", "bias")),
    nn.ReLU: (F.relu, ("inplace",)),
    nn.ReLU6: (F.hardtanh, ("inplace",)),
    nn.Tanh: (torch.tanh, ()),
    nn.MaxPool2d: (torch.max_pool2d, ("kernel_size", "stride", "padding", "dilation", "ceil_mode")),
    nn.AvgPool2d: (F.avg_pool2d, ("kernel_size", "stride", "padding", "ceil_mode")),
    nn.AdaptiveAvgPool2d: (F.adaptive_avg_pool2d, ("output_size",)),
}

# Where torch calls one operation by several names.
_KINDS = {"iadd": "add", "__iadd__": "add", "__radd__": "add", "add_": "add", "__imul__": "mul", "__rmul__": "mul",
          "relu_": "relu", "sigmoid_": "sigmoid", "rmul": "mul", "concat": "cat", "concatenate": "cat",
          "reshape": "view", "unflatten": "view", "split_with_sizes": "split"}

# Functions that only ask about a tensor.
QUESTIONS = frozenset({"__get__", "size", "dim", "numel", "is_floating_point", "__len__", "is_contiguous", "stride"})

# Functions that write into their first argument: they run as they are.
_WRITING = frozenset({"add_", "mul_", "iadd", "imul", "__iadd__", "__imul__"})

_GEOMETRY: dict[str, Callable[..., tuple[Window | None, int]]] = {
    "conv2d": _convolution, "max_pool2d": _max_pooling, "avg_pool2d": _average_pooling}

# Where a shape is known without running a kernel: most of a meta forward pass is spent in these. Dropout is the
# identity in eval mode.
_SHORTCUTS: dict[str, Callable[..., torch.Tensor]] = {
    "conv2d": _convolved, "linear": _linear, "batch_norm": _like, "relu": _like, "hardtanh": _like, "sigmoid": _like,
    "tanh": _like, "square": _like, "softmax": _like, "local_response_norm": _like, "dropout": _identity, "max_pool2d": _pooled,
    "avg_pool2d": _pooled, "adaptive_avg_pool2d": _globally_pooled, "add": _broadcast, "sub": _broadcast, "mul": _broadcast,
    "cat": _concatenated, "stack": _stacked, "pad": _padded, "getitem": _picked}

# Ops whose output is another view of the memory of their input, unless that does not lie in a row (`reshape`).
_VIEWS = frozenset({"flatten", "view", "chunk", "split", "transpose", "permute", "squeeze", "unsqueeze", "getitem",
                    "narrow", "unbind", "detach"})
