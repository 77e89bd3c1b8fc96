"""The questions about a network's totals, against torchvision's modules, torch's counter, hand arithmetic and print."""

from functools import cache
from math import prod

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.architecture import Impossible
from lib.questions import Unreadable, generate, totals

MANY = ("alexnet", "vgg11", "vgg16", "resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v2", "wide_resnet50_2")


@cache
def theirs(name: str) -> nn.Module:
    """torchvision's network, without memory."""
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None).eval()


@cache
def ran(name: str, sides: tuple[int, int] = (224, 224)) -> list[tuple[nn.Module, tuple[int, ...], tuple[int, ...]]]:
    """Each of its layers as it runs: module, shape of the input, shape of the output."""
    calls, model = [], theirs(name)
    hooks = [module.register_forward_hook(lambda module, inputs, output: calls.append(
        (module, tuple(inputs[0].shape), tuple(output.shape))))
        for module in model.modules() if not list(module.children())]
    model(torch.empty(1, 3, *sides, device="meta"))
    for hook in hooks:
        hook.remove()
    return calls


def of(name: str, kind: type) -> list[nn.Module]:
    return [module for module in theirs(name).modules() if isinstance(module, kind)]


def numbers(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def slips(question) -> dict:
    """What each slip gives, also of those that are as good as right."""
    return dict(question.slip_values)


@pytest.mark.parametrize("name", MANY)
def test_params_and_what_is_forgotten(name):
    question, convolutions = totals.params(preset=name), of(name, nn.Conv2d)
    assert question.answer == numbers(theirs(name))
    assert slips(question) == {
        "head forgotten": question.answer - numbers(*of(name, nn.Linear)),
        "head alone": numbers(*of(name, nn.Linear)),
        "groups forgotten": question.answer + sum(each.weight.numel() * (each.groups - 1) for each in convolutions),
        "kernel once": question.answer - sum(each.weight.numel() - each.weight.numel() // each.kernel_size[0]
                                             for each in convolutions),
        "one block a stage": slips(question)["one block a stage"],
        "biases forgotten": question.answer - sum(each.bias.numel() for each in [*convolutions, *of(name, nn.Linear)]
                                                  if each.bias is not None),
        "norms forgotten": question.answer - numbers(*of(name, nn.BatchNorm2d)),
        "running statistics": question.answer + sum(each.running_mean.numel() + each.running_var.numel()
                                                    for each in of(name, nn.BatchNorm2d)),
        "bytes for numbers": 4 * question.answer, "MACs for parameters": slips(question)["MACs for parameters"],
        "thousands": question.answer / 1000, "millions": question.answer / 10**6, "billions": question.answer / 10**9}


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"])
def test_one_block_a_stage(name):
    model = theirs(name)
    repeated = [block for stage in (model.layer1, model.layer2, model.layer3, model.layer4) for block in list(stage)[1:]]
    assert slips(totals.params(preset=name))["one block a stage"] == numbers(model) - numbers(*repeated)


def macs_of(module: nn.Module, output: tuple[int, ...]) -> int:
    return module.weight.numel() * prod(output[2:])


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("sides", [(224, 224), (160, 256)])
def test_macs_and_flops(name, sides):
    changed = (("input_size", "160x256"),) if sides != (224, 224) else ()
    question, doubled = totals.macs(preset=name, changed=changed), totals.flops(preset=name, changed=changed)
    with FlopCounterMode(display=False) as counter:
        theirs(name)(torch.empty(1, 3, *sides, device="meta"))
    assert 2 * question.answer == doubled.answer == counter.get_total_flops()
    layers = [call for call in ran(name, sides) if isinstance(call[0], (nn.Conv2d, nn.Linear))]
    convolutions = [call for call in layers if isinstance(call[0], nn.Conv2d)]
    linear = sum(macs_of(module, output) for module, _, output in layers if isinstance(module, nn.Linear))
    before = sum(macs_of(module, output) for module, _, output in ran(name) if isinstance(module, (nn.Conv2d, nn.Linear)))
    expected = {
        "linear layers forgotten": question.answer - linear,
        "groups forgotten": linear + sum(macs_of(module, output) * module.groups for module, _, output in convolutions),
        "kernel once": linear + sum(macs_of(module, output) // module.kernel_size[0] for module, _, output in convolutions),
        "one place": sum(module.weight.numel() for module, _, _ in layers),
        "input size for output size": linear + sum(macs_of(module, given) for module, given, _ in convolutions),
        "size of the preset": before, "side for area": before * prod(sides)**0.5 / 224}
    assert {name: slips(question)[name] for name in expected} == expected
    assert {name: slips(doubled)[name] for name in expected} == {name: 2 * value for name, value in expected.items()}
    assert slips(question)["FLOPs for MACs"] == doubled.answer and slips(doubled)["MACs for FLOPs"] == question.answer
    assert slips(totals.params(preset=name))["MACs for parameters"] == before


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "resnet50"])
def test_memory(name):
    """Outputs of all layers but the ReLUs, which overwrite, and what is the same in evaluation; and of the additions."""
    question = totals.memory(preset=name)
    written = [(module, output) for module, _, output in ran(name)]
    kept = sum(prod(output) for module, output in written if not isinstance(module, (nn.ReLU, nn.Dropout, nn.Identity)))
    blocks = [module for module in theirs(name).modules() if hasattr(module, "downsample")]
    added = [output for module, output in written if isinstance(module, nn.BatchNorm2d) and any(
        module is getattr(block, "bn3", block.bn2) for block in blocks)]
    assert round(question.answer * 10**6) == 4 * (kept + sum(map(prod, added)))
    assert slips(question)["bytes forgotten"] * 10**6 == pytest.approx(kept + sum(map(prod, added)))
    assert slips(question)["convolutions alone"] * 10**6 == pytest.approx(4 * sum(
        prod(output) for module, output in written if isinstance(module, (nn.Conv2d, nn.Linear))))
    assert slips(question)["weights for activations"] * 10**6 == pytest.approx(4 * numbers(theirs(name)))
    assert slips(question)["gradients too"] == 2 * question.answer
    assert slips(question)["bytes for megabytes"] == pytest.approx(10**6 * question.answer)
    overwritten = sum(prod(output) for module, output in written if isinstance(module, nn.ReLU))
    assert slips(question)["in place counted"] * 10**6 > 4 * (kept + sum(map(prod, added)) + 0.99 * overwritten)


def test_memory_grows_with_the_area():
    question = totals.memory(preset="resnet18", changed=(("input_size", 336),))
    assert question.answer == pytest.approx(1.5 * 1.5 * totals.memory(preset="resnet18").answer, rel=0.01)
    told = {slip.name for slip in question.slips}
    assert {"size of the preset", "side for area"} <= told


@pytest.mark.parametrize("preset, layers, expected", [
    ("alexnet", 8, {"linear layers forgotten": 5, "poolings counted": 12}),
    ("vgg16", 16, {"linear layers forgotten": 13}),
    ("googlenet", 22, {"all counted": 58, "beside the path": 58, "linear layers forgotten": 21, "blocks for layers": None}),
    ("resnet18", 18, {"beside the path": 21, "linear layers forgotten": 17, "norms counted": 35, "blocks for layers": 8}),
    ("resnet50", 50, {"beside the path": 54, "poolings counted": 52, "norms counted": 99, "blocks for layers": 16}),
    ("seresnet50", 50, {"gates counted": 50 + 16 * 2, "beside the path": 54, "all counted": 54 + 16 * 2}),
    ("resnet50d", 52, {"stem as one": 50}),
    ("mobilenet_v2", 53, {"linear layers forgotten": 52, "blocks for layers": 17})])
def test_layers(preset, layers, expected):
    question = totals.layers(preset=preset)
    assert question.answer == layers and question.tolerance == 0
    assert {name: slips(question)[name] for name in expected} == expected
    assert f"= {layers} layers" in question.because


def grown(windows) -> int:
    """The field after windows of (kernel, stride)."""
    side = jump = 1
    for kernel, stride in windows:
        side, jump = side + (kernel - 1) * jump, jump * stride
    return side


@pytest.mark.parametrize("name, side", [("alexnet", 195), ("vgg16", 212), ("vgg11", 150)])
def test_the_field_of_a_chain(name, side):
    windows = [(module.kernel_size if isinstance(module.kernel_size, int) else module.kernel_size[0],
                module.stride if isinstance(module.stride, int) else module.stride[0], isinstance(module, nn.Conv2d))
               for module in theirs(name).features if isinstance(module, (nn.Conv2d, nn.MaxPool2d))]
    question = totals.field(preset=name)
    assert question.answer == side == grown((kernel, stride) for kernel, stride, _ in windows)
    first = next(index for index, (_, stride, _) in enumerate(windows) if stride > 1)
    assert slips(question) == {
        "jumps forgotten": grown((kernel, 1) for kernel, _, _ in windows),
        "first stride forgotten": grown((kernel, 1 if index == first else stride)
                                        for index, (kernel, stride, _) in enumerate(windows)),
        "poolings forgotten": grown((kernel, stride) for kernel, stride, is_convolution in windows if is_convolution),
        "one way out": side / 2, "the image": 224, "the jump": 32}


@pytest.mark.parametrize("preset, side", [("resnet50_v1", 483), ("resnet50", 427), ("mobilenet_v2", 491),
                                          ("inception_v3", 1311)])
def test_the_field_as_printed(preset, side):
    """Araujo et al. 2019, and torchvision's stride in the 3x3."""
    assert totals.field(preset=preset).answer == side
    assert totals.field(preset=preset, changed=(("input_size", 320),)).answer == side


@pytest.mark.parametrize("quantity, networks, answer, misled", [
    ("params", ("resnet50", "vgg16"), "b", {"a": "by layers"}),
    ("params", ("alexnet", "resnet18"), "a", {"b": "by layers"}),
    ("macs", ("alexnet", "resnet18"), "b", {"a": "by params"}),
    ("macs", ("resnet34", "resnet50", "vgg16"), "c", {"b": "by layers"}),
    ("memory", ("resnet50", "alexnet"), "a", {"b": "by params"}),
    ("layers", ("resnet50", "vgg16"), "a", {"b": "by params"}),
    ("layers", ("resnet50", "resnext50_32x4d"), "equal", {"a": "by params"}),
    ("field", ("resnet50", "resnext50_32x4d"), "equal", {"a": "by params"}),
    ("field", ("vgg16", "resnet18", "resnet50"), "b", {"c": "by layers", "a": "by params"})])
def test_the_largest(quantity, networks, answer, misled):
    question = totals.largest(networks=tuple((name, ()) for name in networks), quantity=quantity)
    values = {"params": lambda name: numbers(theirs(name)),
              "macs": lambda name: sum(macs_of(each, output) for each, _, output in ran(name) if hasattr(each, "groups")
                                       or isinstance(each, nn.Linear))}.get(quantity)
    if values:
        assert networks["abcd".index(answer)] == max(networks, key=values)
    assert question.answer == answer and question.grade(answer).right
    assert len(question.options) == len(networks) + 1
    for id in question.options.keys() - {answer}:
        grade = question.grade(id)
        met = misled.get(id, "equal" if id == "equal" else "other")
        assert not grade.right and grade.remark == question.part(f"slip: {met}")
    with pytest.raises(Unreadable):
        question.grade(None)


def test_the_words_name_the_network_its_knobs_and_the_image():
    question = totals.macs(preset="resnet18", changed=(("depths", (1, 2, 2, 2)), ("residual", False), ("input_size", 192)))
    assert "**resnet18 with Blocks per stage = 1, 2, 2, 2, Shortcuts = off**" in question.words
    assert "192 × 192 pixels" in question.words and question.solution not in question.words


@pytest.mark.parametrize("given, right", [("11.7 million", True), ("11.2M", True), ("11.1M", False), ("12.3e6", False)])
def test_an_estimate_counts(given, right):
    assert totals.params(preset="resnet18").grade(given).right == right


@pytest.mark.parametrize("name", [*totals.KINDS, "flops", "largest"])
def test_each_level_can_be_drawn(name):
    for level in (1, 2, 3):
        question = generate(f"totals.{name}", 5, level)
        assert all(slip.hint for slip in question.slips) and question.because and question.hint
        assert question.solution not in question.words + question.hint


def test_knobs_that_build_nothing_are_no_question():
    with pytest.raises(Impossible):
        totals.params(preset="alexnet", changed=(("input_size", 40),))
