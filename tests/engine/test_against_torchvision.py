"""The networks against torchvision's: published totals, the same weights, the same outputs, random settings."""

import inspect
import random

import pytest
import torch
import torchvision
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

import lib
from lib import catalog
from lib.analysis.backward import torch_surplus
from lib.analysis.saved import loss_of
from lib.meta import on_meta

SHARED = sorted(set(lib.presets()) & set(torchvision.models.list_models()))


def randomise(model: torch.nn.Module) -> torch.nn.Module:
    """Fill a model made without initialisation: small weights, and norms with statistics that matter."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            fan_in = max(1, tensor[0].numel()) if tensor.dim() > 1 else 1
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (1 / fan_in) ** 0.5)
            if name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")):
                tensor.abs_().add_(0.5)
    return model.eval()


def with_weights_of(theirs: torch.nn.Module, preset: str, **knobs) -> torch.nn.Module:
    """Our network holding their weights; names and shapes must be the same to the last one."""
    with on_meta():
        ours = lib.build(preset, **knobs)
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    return ours.eval()


def assert_same_output(ours, theirs, size: int) -> None:
    image = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, given = theirs(image), ours(image)
    assert expected.std() > 1e-4, "an oracle that says nothing"
    torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def empty(make):
    """A torchvision model on the CPU without the seconds of its initialisation."""
    with torch.device("meta"):
        model = make()
    return randomise(model.to_empty(device="cpu"))


AS_USED = {"googlenet": {"aux_logits": False, "init_weights": False},
           "inception_v3": {"aux_logits": False, "init_weights": False}}
"""torchvision adds classifiers for training, and takes seconds to initialise."""


def test_shares_presets_with_torchvision():
    assert {"resnet50", "resnext101_64x4d", "vgg16_bn", "alexnet", "wide_resnet50_2", "googlenet", "inception_v3",
            "mobilenet_v2", "shufflenet_v2_x0_5", "shufflenet_v2_x2_0"} <= set(SHARED)


@pytest.mark.parametrize("preset", SHARED)
def test_published_totals(preset):
    for weights in get_model_weights(preset):
        # torchvision publishes its counts at 224, and Inception v3's at 299 with the parameters of training
        analysis = lib.analyze(preset, input_size=299 if preset == "inception_v3" else 224)
        trained = {"auxiliary": True} if preset == "inception_v3" else {}
        assert lib.analyze(preset, **trained).params == weights.meta["num_params"]
        if weights.meta["_ops"] and weights.name == "IMAGENET1K_V1":
            assert analysis.macs / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.0006)


PRINTED = [claim for family in catalog.families().values() for claim in family.claims
           if claim.source.startswith("torchvision") and claim.source.endswith("IMAGENET1K_V1")]


@pytest.mark.parametrize("claim", PRINTED, ids=lambda claim: f"{claim.preset}-{claim.quantity}")
def test_what_is_said_to_be_torchvision_s_is(claim):
    name = {"resnet50b": "resnet50", "inception_v3_auxiliary": "inception_v3"}.get(claim.preset, claim.preset)
    meta = get_model_weights(name).IMAGENET1K_V1.meta
    assert claim.value == {"params": meta["num_params"], "macs": round(meta["_ops"] * 1000) * 10**6}[claim.quantity]


def test_torchvision_s_detector_is_the_pyramid_and_its_heads():
    """What the claim about resnet50_fpn says of the difference: the heads, and BN without parameters."""
    weights = torchvision.models.detection.FasterRCNN_ResNet50_FPN_Weights.COCO_V1
    with torch.device("meta"):
        heads = torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    added = sum(p.numel() for part in (heads.rpn, heads.roi_heads) for p in part.parameters())
    ours = lib.analyze("resnet50_fpn")
    frozen = sum(op.params for op in ours.ops if op.kind == "batch_norm")
    assert (added, frozen) == (14_955_990, 53_120)
    assert ours.params + added - frozen == weights.meta["num_params"]


@pytest.mark.parametrize("preset", SHARED)
def test_same_weights_same_output(preset):
    theirs = empty(lambda: torchvision.models.get_model(preset, weights=None, **AS_USED.get(preset, {})))
    assert_same_output(with_weights_of(theirs, preset), theirs, size=96)


class Norm(torch.autograd.Function):
    """A normalisation without its numbers, of which torch's counter counts none."""

    @staticmethod
    def forward(ctx, input, weight, bias):
        ctx.weights = [weight, bias]
        return torch.empty_like(input)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, *(None if weight is None else torch.empty_like(weight) for weight in ctx.weights)


class QuickNorms(TorchFunctionMode):
    """Spares the milliseconds that each batch normalisation takes on meta in train mode."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is not F.batch_norm:
            return func(*args, **kwargs or {})
        given = inspect.signature(F.batch_norm).bind(*args, **kwargs or {}).arguments
        return Norm.apply(given["input"], given["weight"], given["bias"])


class FlopsByTorch(TorchDispatchMode):
    """Adds up what the formulas of torch's own counter give, without the counter's hooks on each module, which take as long
    again."""

    flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **kwargs or {})
        if formula := flop_registry.get(func.overloadpacket):
            self.flops += formula(*args, **kwargs or {}, out_val=out)
        return out


def macs_by_torch(model: torch.nn.Module, image: tuple[int, ...]) -> int:
    """Multiply-adds of one pass on meta, for an image of this shape (N, C, H, W)."""
    with FlopsByTorch() as counter, torch.no_grad():
        model.eval()(torch.empty(image, device="meta"))
    return counter.flops // 2


@pytest.mark.parametrize("seed", range(8))
def test_random_resnets(seed):
    draw = random.Random(seed)
    depths = tuple(draw.randint(1, 4) for _ in range(4))
    size, classes, basic = draw.choice((64, 97, 224)), draw.randint(1, 2000), draw.random() < 0.3
    groups, base_width = (1, 64) if basic else (draw.choice((1, 2, 7, 32)), draw.choice((4, 8, 13, 64)))
    family = "resnet" if groups == 1 else "resnext"
    preset = {"resnet": "resnet18" if basic else "resnet50", "resnext": "resnext50_32x4d"}[family]
    knobs = {"depths": depths, "num_classes": classes}
    if not basic:
        knobs["base_width"] = base_width
    if family == "resnext":
        knobs["cardinality"] = groups

    def make():
        return ResNet(BasicBlock if basic else Bottleneck, list(depths), num_classes=classes, groups=groups,
                      width_per_group=base_width)

    analysis = lib.analyze(preset, input_size=size, **knobs)
    with torch.device("meta"):
        assert analysis.macs == macs_by_torch(make(), analysis.input_shape)
    theirs = empty(make)
    assert analysis.params == sum(p.numel() for p in theirs.parameters())
    assert_same_output(with_weights_of(theirs, preset, **knobs), theirs, size=64)


@pytest.mark.slow
@pytest.mark.parametrize("preset", lib.presets())
def test_macs_by_torch_s_own_counter(preset):
    """Of a training step, forward and in all. What torch counts too much of grouped convolutions is taken out:
    tests/analysis/test_backward.py shows that it is too much."""
    with torch.device("meta"):
        model = lib.build(preset).train()
    analysis = lib.analyze(preset)
    images = torch.empty(2, *analysis.input_shape[1:], device="meta")
    with FlopsByTorch() as counter, QuickNorms():
        loss = loss_of(model(images), torch.zeros(2, dtype=torch.int64, device="meta"))
        forward = counter.flops
        loss.backward()
    assert analysis.macs == forward / 2 / len(images)
    assert analysis.training_macs + torch_surplus(analysis.ops) == counter.flops / 2 / len(images)
    assert analysis.params == sum(p.numel() for p in model.parameters())


def test_a_built_network_has_initialised_weights():
    model = lib.build("resnet18", width=8)
    weight = model.layer1[0].conv1.weight
    assert weight.std().item() == pytest.approx((2 / (9 * 8)) ** 0.5, rel=0.2)  # He, by fan-out
    assert model.bn1.weight.eq(1).all()
