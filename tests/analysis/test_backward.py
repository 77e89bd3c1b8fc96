"""What a training step costs, against torch's own counter on real steps. All presets: tests/engine/test_against_torchvision.py."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import lib
from lib import catalog
from lib.analysis import measure, rule_of_three
from lib.analysis.backward import first_layers, torch_surplus, training_step
from lib.analysis.derivation import derive_training
from lib.analysis.outline import find, outline
from lib.analysis.saved import loss_of
from lib.architecture import Stage
from lib.meta import on_meta
from lib.trace import record


def counted(model: nn.Module, shape: tuple[int, ...]) -> FlopCounterMode:
    """torch's counter after a training step on two images, in train mode on meta."""
    model.train().to("meta")
    with FlopCounterMode(display=False) as counter:
        loss_of(model(torch.empty(2, *shape[1:], device="meta")), torch.zeros(2, dtype=torch.int64, device="meta")).backward()
    return counter


def macs(counter: FlopCounterMode) -> float:
    """Multiply-adds for one image."""
    return counter.get_total_flops() / 4


def built(preset: str, **knobs) -> nn.Module:
    with on_meta():
        return lib.build(preset, **knobs)


@pytest.mark.parametrize("preset, knobs", [
    ("resnet18", {"input_size": 64}), ("googlenet", {"input_size": 64, "auxiliary": True}), ("lenet5_1998", {}),
    ("resnet50_fpn", {"input_size": 64}), ("seresnet18", {"input_size": 64})])
def test_a_step_is_what_torch_counts(preset, knobs):
    analysis = lib.analyze(preset, **knobs)
    assert analysis.training_macs == macs(counted(built(preset, **knobs), analysis.input_shape))
    assert analysis.training.forward == analysis.macs and torch_surplus(analysis.ops) == 0


@pytest.mark.parametrize("preset", ["resnet18", "googlenet"])
def test_layer_by_layer(preset):
    """Autograd says whose input needs a gradient; then torch counts each layer alone."""
    analysis, model, entered = lib.analyze(preset, input_size=64), built(preset, input_size=64), {}
    for name, module in model.named_modules():
        module.register_forward_pre_hook(lambda module, inputs, name=name: entered.update({name: inputs[0]}))
    counted(model, analysis.input_shape)
    layers = [(op, step) for op, step in zip(analysis.ops, training_step(analysis.ops)) if op.kind in ("conv2d", "linear")]
    for op, step in layers:
        given = entered[op.path].detach().requires_grad_(entered[op.path].requires_grad)
        with FlopCounterMode(display=False) as counter:
            model.get_submodule(op.path)(given).sum().backward()
        assert step.total == macs(counter), op.name
    assert [op for op, step in layers if step.input_gradient == 0] == [layers[0][0]] == list(first_layers(analysis.ops))
    assert analysis.training_macs == sum(step.total for _, step in layers)


class Split(nn.Module):
    """A grouped convolution as separate ones, one for each group."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(
            conv.in_channels // conv.groups, conv.out_channels // conv.groups, conv.kernel_size, conv.stride, conv.padding,
            conv.dilation, device="meta", bias=conv.bias is not None) for _ in range(conv.groups))

    def forward(self, x):
        return torch.cat([part(each) for part, each in zip(self.parts, x.chunk(len(self.parts), 1))], 1)


def split(model: nn.Module) -> nn.Module:
    """All grouped convolutions split."""
    for name, child in model.named_children():
        setattr(model, name, Split(child) if isinstance(child, nn.Conv2d) and child.groups > 1 else split(child))
    return model


@pytest.mark.parametrize("preset, knobs", [
    ("alexnet_2012", {}), ("resnext50_32x4d", {"cardinality": 8, "depths": (1, 1, 1, 1), "input_size": 64}),
    ("shufflenet_g3", {"scale": 50, "input_size": 64})])
def test_torch_counts_the_weights_of_groups_as_if_there_were_none(preset, knobs):
    """With groups it counts more than with the same convolutions written one by one, by what we say that it does."""
    analysis = lib.analyze(preset, **knobs)
    grouped, one_by_one = (macs(counted(make(built(preset, **knobs)), analysis.input_shape)) for make in (nn.Sequential, split))
    assert one_by_one == analysis.training_macs
    assert grouped == analysis.training_macs + torch_surplus(analysis.ops) > one_by_one


def steps(model: nn.Module, shape=(1, 3, 8, 8)):
    """The ops of a small model, what each takes, and what torch counts."""
    with on_meta():
        private = model()
    ops = measure(record(private, shape), (Stage("all", {"": ""}),))
    return ops, training_step(ops), macs(counted(model(), shape))


class Twice(nn.Module):
    """A layer with the same weights run twice, on the image and on a sum."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return (self.conv(x + self.conv(x)) * self.conv(x)).flatten(1)


def test_shared_weights_need_their_gradient_at_each_use():
    ops, found, theirs = steps(Twice)
    convs = [(step.forward, step.input_gradient, step.weight_gradient) for op, step in zip(ops, found) if op.kind == "conv2d"]
    each = 8 * 8 * 3 * 3 * 9
    assert convs == [(each, 0, each), (each, each, each), (each, 0, each)] and len([op for op in ops if op.weights]) == 1
    assert sum(step.total for step in found) == theirs == 7 * each


class Late(nn.Module):
    """The image goes around the first layer too: pooled, and joined to what has weights before it."""

    def __init__(self):
        super().__init__()
        self.first, self.beside, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 2, 1), nn.Conv2d(7, 5, 1)

    def forward(self, x):
        pooled = F.max_pool2d(x, 3, 1, 1)
        return self.last(torch.cat([self.first(x), pooled], 1)).mean((2, 3)) + self.beside(pooled).mean((1, 2, 3))[:, None]


def test_what_no_weight_lies_before_needs_no_gradient():
    ops, found, theirs = steps(Late)
    spared = {op.name for op, step in zip(ops, found) if step.forward and step.input_gradient == 0}
    assert spared == {"first", "beside"} == {op.name for op in first_layers(ops)}
    assert sum(step.total for step in found) == theirs


class Fixed(nn.Module):
    """A convolution with a kernel that is no weight."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.register_buffer("kernel", torch.ones(3, 3, 1, 1))

    def forward(self, x):
        return F.conv2d(self.first(x), self.kernel).flatten(1)


def test_a_kernel_of_which_nothing_is_known_is_unknown():
    ops, found, _theirs = steps(Fixed)
    assert [step.weight_gradient for step in found] == [3 * 3 * 64, None, 0]
    assert found[1].total is None and found[1].ratio is None and found[1].input_gradient == 3 * 3 * 64


def test_three_times_but_for_the_first_layer():
    judged = {each.preset: each for each in rule_of_three.catalogue()}
    assert judged.keys() == catalog.published().keys()
    for preset in ("lenet5", "resnet50", "mobilenet_v2", "vgg16"):
        analysis = lib.analyze(preset)
        first = next(op for op in analysis.ops if op.macs)
        assert judged[preset].ratio == pytest.approx(3 - first.macs / analysis.macs, abs=1e-12)
        assert judged[preset].first_share == pytest.approx(first.macs / analysis.macs)
        assert judged[preset].off == pytest.approx((3 * analysis.macs - analysis.training_macs) / analysis.training_macs)
    ratios = [each.ratio for each in judged.values()]
    assert ratios == sorted(ratios) and max(ratios) < 3
    assert rule_of_three.further_off(list(judged.values()), 0.05) == sum(3 / ratio > 1.05 for ratio in ratios)


@pytest.mark.parametrize("selected, results", [
    ("op:conv1", ["118,013,952", "0", "118,013,952", "236,027,904"]),
    ("op:layer1.0.conv1", ["12,845,056"] * 3 + ["38,535,168"]),
    ("op:relu", ["0", "0"]),
    ("stage:conv1", ["118,013,952", "0", "118,013,952", "236,027,904"]),
    ("network", ["4,089,184,256", "3,971,170,304", "4,089,184,256", "12,149,538,816"])])
def test_the_derivation_of_a_part(selected, results):
    analysis = lib.analyze("resnet50")
    assert [step.result for step in derive_training(find(outline(analysis), selected), analysis.ops)] == results
