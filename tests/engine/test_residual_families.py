"""ResNet's relatives against their papers' equations, written out again here with plain functions."""

import sys
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lib
from lib import catalog
from lib.architecture import options
from lib.models import resnet_v2, senet
from lib.models.heads import pooled
from lib.models.resnet import BasicBlock, Bottleneck, ZeroPadding
from lib.models.sknet import KernelAttention
from tests.engine.test_against_torchvision import randomise


def random_unit(unit: nn.Module) -> nn.Module:
    with torch.no_grad():
        return randomise(unit)


def norm(x, bn):
    return F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias)


@pytest.mark.parametrize("bottleneck, stride", [(True, 1), (True, 2), (False, 1), (False, 2)])
@pytest.mark.parametrize("ordering", list(resnet_v2.UNITS))
def test_orderings_are_figure_4(ordering, bottleneck, stride):
    unit = random_unit(resnet_v2.UNITS[ordering](8, 8, stride, bottleneck=bottleneck))
    x = torch.randn(2, 8, 9, 9)
    h = x if isinstance(unit.downsample, nn.Identity) else None

    def conv(i, t):
        return F.conv2d(t, unit.convs[i].weight, stride=unit.convs[i].stride, padding=unit.convs[i].padding)

    f, last = x, len(unit.convs) - 1
    for i in range(last + 1):
        if ordering == "full":
            f = F.relu(norm(f, unit.norms[i]))
            if i == 0 and isinstance(unit.downsample, nn.Conv2d):
                h = unit.downsample(f)
        if ordering == "relu_only":
            f = F.relu(f)
        f = conv(i, f)
        if ordering in ("original", "relu_before_addition", "relu_only") or ordering == "bn_after_addition" and i < last:
            f = norm(f, unit.norms[i])
        if ordering == "relu_before_addition" or ordering in ("original", "bn_after_addition") and i < last:
            f = F.relu(f)
    h = unit.downsample(x) if h is None else h
    expected = {"original": lambda: F.relu(f + h), "bn_after_addition": lambda: F.relu(norm(f + h, unit.norms[last]))}.get(
        ordering, lambda: f + h)()
    with torch.no_grad():
        torch.testing.assert_close(unit(x.clone()), expected)


@pytest.mark.parametrize("block, bottleneck", [(BasicBlock, False), (Bottleneck, True)])
def test_the_original_ordering_is_the_block_of_2015(block, bottleneck):
    theirs = random_unit(block(8, 8, 2))
    ours = resnet_v2.Original(8, 8, 2, bottleneck=bottleneck)
    ours.load_state_dict({
        **{f"convs.{i}.weight": getattr(theirs, f"conv{i + 1}").weight for i in range(len(ours.convs))},
        **{f"norms.{i}.{name}": value for i in range(len(ours.convs))
           for name, value in getattr(theirs, f"bn{i + 1}").state_dict().items()},
        **{f"downsample.{name}": value for name, value in theirs.downsample.state_dict().items()}})
    x = torch.randn(2, 8, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x.clone()), theirs(x.clone()))


@pytest.mark.parametrize("preset", ["resnetv2_50", "resnetv2_164_cifar", "resnetv2_110_cifar_d"])
def test_pre_activation_networks_close_with_an_activation(preset):
    ops = lib.analyze(preset).ops
    last_addition = max(op.index for op in ops if op.kind == "add")
    closing = [op.kind for op in ops[last_addition + 1:]]
    assert closing[:closing.index("adaptive_avg_pool2d")] == (["relu"] if preset.endswith("_d") else ["batch_norm", "relu"])


@pytest.mark.parametrize("preset, knobs", [("resnetv2_18", {"activates_first": True}), ("resnetv2_164_cifar", {}),
                                           ("resnetv2_110_cifar_d", {})])
def test_the_first_unit_splits_after_its_activation(preset, knobs):
    """The appendix: the activation right after conv1 comes before the two ways part."""
    ops = lib.analyze(preset, **knobs).ops
    addition = next(op for op in ops if op.kind == "add")
    activation = next(op for op in ops if op.kind == "relu")
    shortcut = ops[addition.inputs[1]]
    assert shortcut.index == activation.index or shortcut.inputs == (activation.index,)


def test_option_a_picks_and_pads():
    x = torch.randn(2, 3, 7, 7)
    expected = torch.cat([x[:, :, ::2, ::2], torch.zeros(2, 5, 4, 4)], 1)
    assert torch.equal(ZeroPadding(3, 8, 2)(x), expected)


def test_option_c_projects_everywhere():
    a, b, c = (lib.analyze(f"resnet34{letter}") for letter in ("_a", "", "_c"))
    projections = [sum(".downsample" in op.name and op.kind == "conv2d" for op in analysis.ops) for analysis in (a, b, c)]
    assert projections == [0, 3, 16]
    assert a.params < b.params < c.params


@pytest.mark.parametrize("depth", [18, 34])
def test_plain_networks_have_the_parameters_of_option_a(depth):
    """Table 2 compares networks of equal parameters."""
    plain, residual = lib.analyze(f"plain{depth}"), lib.analyze(f"resnet{depth}_a")
    assert (plain.params, plain.macs) == (residual.params, residual.macs)


@pytest.mark.parametrize("place", list(senet.PLACES))
def test_places_of_the_se_block(place):
    block = random_unit(senet.PLACES[place](16, 8, 2, reduction=2))
    x = torch.randn(2, 16, 8, 8)

    def gated(t):
        z = t.mean((2, 3))
        s = torch.sigmoid(F.linear(F.relu(F.linear(z, block.se.fc1.weight.flatten(1), block.se.fc1.bias)),
                                   block.se.fc2.weight.flatten(1), block.se.fc2.bias))
        return t * s[:, :, None, None]

    with torch.no_grad():
        expected = {
            "standard": lambda: F.relu(gated(block.residual(x)) + block.downsample(x)),
            "pre": lambda: F.relu(block.residual(gated(x)) + block.downsample(x)),
            "post": lambda: gated(F.relu(block.residual(x) + block.downsample(x))),
            "identity": lambda: F.relu(block.residual(x) + gated(block.downsample(x)))}[place]()
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("branches", [2, 3])
def test_selective_weights_sum_to_one_over_the_branches(branches):
    attention = random_unit(KernelAttention(16, branches, 4, 8))
    weights = attention(torch.randn(3, branches, 16, 5, 5))
    assert weights.shape == (3, branches, 16, 1, 1)
    torch.testing.assert_close(weights.sum(1), torch.ones(3, 16, 1, 1))
    assert weights.std() > 1e-3


FAMILIES_WITH_HEADS = ["resnet50", "resnext50_32x4d", "resnet20_cifar", "resnet50d", "resnetv2_50", "resnetv2_164_cifar",
                       "seresnet50", "skresnext50_32x4d", "resnest50d"]


@pytest.mark.parametrize("preset", FAMILIES_WITH_HEADS)
def test_heads(preset):
    """Only the linear layer grows: twice for both poolings, 49 times for the flattened 7x7 map."""
    analyses = {head: lib.analyze(preset, head=head) for head in options(catalog.get(preset).knobs, "head")}
    linear = {head: analysis.ops[-1].weights[0][1] for head, analysis in analyses.items()}
    classes, channels = linear["average"]
    assert linear == {"average": (classes, channels), "max": (classes, channels), "both": (classes, 2 * channels),
                      "flatten": (classes, 49 * channels)}
    saved = analyses["flatten"].params - analyses["average"].params
    assert saved == 48 * classes * channels


@pytest.mark.parametrize("head, expected", [
    ("average", lambda x: x.mean((2, 3))), ("max", lambda x: x.amax((2, 3))),
    ("both", lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)), ("flatten", lambda x: x.reshape(len(x), -1))])
def test_what_a_head_hands_on(head, expected):
    x = torch.randn(2, 5, 7, 7)
    torch.testing.assert_close(pooled(head)[0](x).flatten(1), expected(x))


def longest_way(model: torch.nn.Module, image: torch.Tensor) -> int:
    """Convolutions and linear layers on the longest way to the output, by autograd's own graph; gates apart."""
    model.eval()
    steps = {"ConvolutionBackward0", "AddmmBackward0"}

    @cache
    def before(node) -> int:
        edges = [edge for edge, _ in node.next_functions if edge is not None]
        if node.name() == "MulBackward0":
            edges = edges[:1]
        return max(map(before, edges), default=0) + (node.name() in steps)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return before(model(image).grad_fn)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("preset, layers", [
    ("seresnet18", 18), ("seresnet34", 34), ("seresnet50", 50), ("seresnet101", 101), ("seresnet152", 152), ("seresnet50_post", 50),
    ("seresnet50_pre", 50), ("seresnet50_identity", 50), ("seresnext50_32x4d", 50), ("seresnext101_32x4d", 101),
    ("skresnet50", 50), ("skresnext50_32x4d", 50), ("sknet50_3_branches", 50), ("resnest50d", 52), ("resnest101e", 103),
    ("resnet50d", 52), ("resnet50", 50), ("mobilenet_v2", 53)])
def test_gates_do_not_lie_on_the_path(preset, layers):
    """A network is named for the layers on its path; a deep stem has two more than the name counts."""
    analysis = lib.analyze(preset)
    assert analysis.weight_layers == layers
    deep = layers - getattr(analysis.knobs, "depth", layers)
    assert (deep, analysis.named_depth) == ((2, layers - 2) if deep else (0, None))
    if preset in ("seresnet18", "resnest50d", "skresnet50"):
        assert longest_way(lib.build(preset, num_classes=2), torch.zeros(1, 3, 64, 64)) == layers
