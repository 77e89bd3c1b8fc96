"""The trace: what it sees, what it keeps, and that sessions do not disturb each other."""

import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import lib
from lib import trace
from lib.analysis import measure
from lib.analysis.derivation import derive
from lib.analysis.outline import Part
from lib.architecture import Stage
from lib.meta import on_meta
from lib.trace import ImpossibleShape, numel, output_size, record, tensors_in


class Functional(nn.Module):
    """Operations that no hook on a module sees, and a parameter that belongs to no leaf."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x):
        x = F.relu(self.conv(x))
        left, right = (self.conv.bias.view(-1, 1, 1) + x).chunk(2, 1)
        x = torch.cat([left + right, right], 1) * self.scale
        x += x
        return torch.special.erf(x).mean((2, 3))


def trace_of(model_class, shape=(1, 3, 16, 16)):
    with on_meta():
        model = model_class()
    return record(model, shape), model


def test_sees_functional_operations_and_loose_parameters():
    ops, model = trace_of(Functional)
    kinds = [op.kind for op in ops]
    for kind in ("conv2d", "relu", "chunk", "cat", "mul", "add"):
        assert kind in kinds
    assert sum(op.params for op in ops) == sum(p.numel() for p in model.parameters())
    cat = next(op for op in ops if op.kind == "cat")
    assert [ops[i].kind for i in cat.inputs] == ["add", "chunk"]
    assert len(next(op for op in ops if op.kind == "chunk").out_shapes) == 2


def test_what_has_no_rule_is_unknown_and_listed():
    ops, _ = trace_of(Functional)
    layers = measure(ops, (Stage("all", {}),))
    unknown = {op.kind for op in layers if op.macs is None}
    assert "special_erf" in unknown or "erf" in unknown
    assert layers[-1].field is None


def test_a_parameter_that_is_never_used_is_refused():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Conv2d(3, 3, 1), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    with pytest.raises(ValueError, match="idle.weight"):
        trace_of(Idle)


def test_a_layer_that_cannot_take_its_input_is_named():
    with pytest.raises(ImpossibleShape) as raised:
        trace_of(lambda: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 5)), (1, 3, 6, 6))
    assert raised.value.op.name == "1"


@pytest.mark.parametrize("preset", lib.presets())
def test_every_parameter_is_counted_once_and_nothing_heavy_is_kept(preset):
    analysis = lib.analyze(preset)
    with on_meta():
        model = lib.build(preset)
    assert analysis.params == sum(p.numel() for p in model.parameters())
    assert len({op.name for op in analysis.ops}) == len(analysis.ops)
    assert pickle.loads(pickle.dumps(analysis.ops)) == analysis.ops
    assert all(type(part).__module__ == "builtins" for op in analysis.ops for part in (op.inputs, op.in_shapes, op.weights))


@pytest.mark.parametrize("preset, size", [("resnet50", 97), ("vgg11_bn", 65), ("alexnet", 100), ("alexnet_2012", 227)])
def test_shapes_are_those_of_a_real_pass(preset, size):
    knobs = {"width": 24 if "2012" in preset else 16, "num_classes": 3, "input_size": size}
    model, shapes = lib.build(preset, **knobs).eval(), {}
    for path, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda m, i, out, path=path: shapes.setdefault(path, tuple(out.shape)) and None)
    model(torch.randn(1, 3, size, size))
    traced = {op.name: op.out_shapes[0] for op in lib.analyze(preset, **knobs).ops}
    assert {path: shape for path, shape in shapes.items() if path in traced and traced[path] != shape} == {}
    assert len(set(shapes) & set(traced)) > 10


def test_output_sizes_are_torch_s():
    draw = random.Random(0)
    for _ in range(300):
        kernel, stride, dilation, size = draw.randint(1, 7), draw.randint(1, 4), draw.randint(1, 3), draw.randint(20, 60)
        padding, ceil = draw.randint(0, kernel // 2), draw.random() < 0.5
        image = torch.empty(1, 1, size, size, device="meta")
        pooled = F.max_pool2d(image, kernel, stride, padding, dilation, ceil_mode=ceil)
        assert output_size(size, kernel, stride, padding, dilation, ceil) == pooled.shape[-1]
        convolved = F.conv2d(image, torch.empty(1, 1, kernel, kernel, device="meta"), None, stride, padding, dilation)
        assert output_size(size, kernel, stride, padding, dilation) == convolved.shape[-1]


def test_two_sessions_never_see_each_other():
    """Analyses in many threads, while another thread builds and runs real networks, give what they give alone."""
    jobs = [("resnet18", {"width": 8 * n}) for n in range(1, 9)] + [
        ("resnext50_32x4d", {"cardinality": 2**n}) for n in range(6)] + [("vgg11", {"depths": (n, 1, 1, 1, 1)}) for n in range(1, 6)]
    alone = [lib.analyze(preset, **knobs) for preset, knobs in jobs]

    def real(_):
        model = lib.build("resnet18", width=8, num_classes=4).eval()
        output = model(torch.randn(1, 3, 64, 64))
        return model.conv1.weight.std().item() > 0.01 and output.device.type == "cpu" and bool(output.isfinite().all())

    with ThreadPoolExecutor(8) as threads:
        analyses = [threads.submit(lib.analyze, preset, **knobs) for preset, knobs in jobs * 4]
        reals = [threads.submit(real, n) for n in range(8)]
        assert all(result.result() for result in reals)
        assert [result.result().ops for result in analyses] == [analysis.ops for analysis in alone * 4]


class Twice(nn.Module):
    """One convolution used twice: its weights count once, its work twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(self.conv(x))


def test_shared_weights_count_once_and_work_twice():
    ops, _ = trace_of(Twice, (1, 4, 8, 8))
    first, second = measure(ops, (Stage("all", {}),))
    assert (first.name, second.name) == ("conv", "conv_2")
    assert (first.params, second.params) == (4 * 4 * 9 + 4, 0)
    assert first.macs == second.macs == 4 * 4 * 9 * 64
    root = Part("network", "network", "", (first, second))
    for op in (first, second):
        steps = {step.quantity: step for step in derive(Part(f"op:{op.name}", "layer", op.name, (op,)), root.ops)}
        assert steps["Parameters"].result == f"{op.params:,}"


SHAPES = [
    lambda x, y: x + y, lambda x, y: x * y[:, :, :1, :1], lambda x, y: x[:, :1] + y, lambda x, y: 2 * x, lambda x, y: 1 + x,
    lambda x, y: torch.cat([x, y], 1), lambda x, y: torch.cat([x, y], -1), lambda x, y: torch.stack([x, y], 1),
    lambda x, y: torch.stack([x, y], -1), lambda x, y: F.pad(x, (1, 2, 3, 4, 5, 6)), lambda x, y: F.pad(x, (1, 2)),
    lambda x, y: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), lambda x, y: F.avg_pool2d(x, 2, ceil_mode=True),
    lambda x, y: F.max_pool2d(x, (1, 3), (2, 1)), lambda x, y: F.adaptive_avg_pool2d(x, (2, 1)),
    lambda x, y: F.adaptive_max_pool2d(x, 2), lambda x, y: torch.stack([x, y], 1).sum(1), lambda x, y: x.softmax(1),
    lambda x, y: x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2), lambda x, y: torch.conv2d(x, torch.ones(4, 3, 3, 1), groups=2),
]


@pytest.mark.parametrize("work", SHAPES)
def test_shapes_known_without_a_kernel_are_torch_s(work):
    class Work(nn.Module):
        def forward(self, image):
            return work(image[:, :6], image[:, 6:])

    image = torch.randn(2, 12, 9, 11)
    with on_meta():
        ops = record(Work(), tuple(image.shape))
    assert ops[-1].out_shapes == (tuple(Work()(image).shape),)


@pytest.mark.slow
@pytest.mark.parametrize("preset", lib.presets())
def test_the_short_ways_give_what_torch_itself_gives(preset, monkeypatch):
    """Layers that call their function at once, and shapes by formula, against torch's own way and its meta kernels."""
    short = lib.analyze(preset).ops
    monkeypatch.setattr(trace, "_CALLS", {})
    monkeypatch.setattr(trace, "_SHORTCUTS", {"dropout": trace._SHORTCUTS["dropout"]})
    assert lib.analyze(preset).ops == short


def test_a_convolution_that_pads_with_its_image_is_seen_with_its_padding():
    ops, _ = trace_of(lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")))
    assert [op.kind for op in ops] == ["pad", "conv2d"] and ops[-1].out_shapes == ((1, 4, 16, 16),)


class Written(TorchDispatchMode):
    """Bytes of the tensors that each of torch's own operations makes."""

    def __init__(self):
        super().__init__()
        self.bytes = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        outputs = func(*args, **kwargs or {})
        given = {tensor.untyped_storage()._cdata for tensor in tensors_in(args)}
        made = sum(tensor.nbytes for tensor in tensors_in((outputs,)) if tensor.untyped_storage()._cdata not in given)
        self.bytes.setdefault(func.overloadpacket.__name__, []).append(made)
        return outputs


@pytest.mark.parametrize("preset", ["alexnet_2012", "googlenet_2014", "resnet18", "vgg11_bn"])
def test_an_op_counts_its_output_once(preset):
    """What torch itself makes is the activation memory, but for the steps of response normalisations and the places of
    maxima, which it makes beside their outputs."""
    analysis = lib.analyze(preset)
    model = lib.build(preset).eval()
    image = torch.zeros(analysis.input_shape)
    with torch.no_grad(), Written() as written:
        model(image)
    norms = [op for op in analysis.ops if op.kind == "local_response_norm"]
    steps = ("mul", "constant_pad_nd", "avg_pool3d", "add", "pow") if norms else ()
    beside = sum(sum(written.bytes[name]) for name in steps)
    places = sum(8 * numel(op.out_shapes[0]) for op in analysis.ops if op.kind == "max_pool2d")
    total = sum(sum(made) for made in written.bytes.values())
    assert total - places - beside == analysis.activation_bytes
    assert all(op.activation_bytes == 4 * numel(op.out_shapes[0]) for op in norms)
