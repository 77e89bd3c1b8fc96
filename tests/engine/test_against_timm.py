"""The networks against timm's: the same weights, the same outputs, in eval and in train mode, and at random settings."""

import random
from functools import partial

import pytest
import timm
import torch
from timm.layers import SEModule

import lib
from lib import catalog
from lib.meta import on_meta
from lib.weights import renamed
from tests.engine.test_against_torchvision import SHARED, empty, macs_by_torch

ONLY_TIMM = sorted((set(lib.presets()) & set(timm.list_models())) - set(SHARED))


def with_weights_of(theirs, preset: str, **knobs) -> torch.nn.Module:
    """Our network holding their weights: as many tensors, each of the same shape. timm leaves dropout to who trains."""
    with on_meta():
        ours = lib.build(preset, **knobs)
    for module in ours.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    state = renamed(catalog.get(preset).id, theirs.state_dict())
    assert len(state) == len(theirs.state_dict())
    ours.load_state_dict(state, strict=True, assign=True)
    return ours


def assert_same_outputs(ours, theirs, size: int) -> None:
    """In eval mode; and in train mode, where the batch's own statistics count."""
    images = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(1))
    for train in (False, True):
        with torch.no_grad():
            expected, given = theirs.train(train)(images), ours.train(train)(images)
        assert expected.std() > 1e-4, "an oracle that says nothing"
        torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def test_shares_presets_with_timm():
    assert {"resnet50c", "resnet18d", "resnet152d", "resnetv2_50", "seresnet18", "seresnext50_32x4d", "skresnet18", "skresnet34",
            "skresnet50", "skresnext50_32x4d", "resnest14d", "resnest101e", "resnest50d_1s4x24d", "resnest50d_4s2x40d",
            "mobilenetv1_100"} <= set(ONLY_TIMM)


@pytest.mark.parametrize("preset", ONLY_TIMM)
def test_same_weights_same_output(preset):
    theirs = empty(lambda: timm.create_model(preset))
    ours = with_weights_of(theirs, preset)
    assert lib.analyze(preset).params == sum(p.numel() for p in theirs.parameters())
    assert_same_outputs(ours, theirs, size=64)


def draw_senet(draw):
    basic = draw.random() < 0.3
    depths, reduction = [draw.randint(1, 3) for _ in range(4)], draw.choice((2, 4, 8, 16, 32))
    groups, width = (1, 64) if basic else draw.choice(((1, 64), (32, 4), (4, 24), (2, 40)))
    knobs = {"depths": depths, "reduction": reduction, "cardinality": groups, "base_width": width}
    theirs = {"layers": depths, "cardinality": groups, "base_width": width,
              "block_args": {"attn_layer": partial(SEModule, rd_ratio=1 / reduction)}}
    preset = "seresnet18" if basic else "seresnet50"
    return preset, knobs, "resnet18" if basic else "resnet50", theirs


def draw_tweaks(draw):
    basic, deep, pooled = (draw.random() < 0.5 for _ in range(3))
    depths = [draw.randint(1, 3) for _ in range(4)]
    knobs = {"depth": 18 if basic else 50, "depths": depths, "deep_stem": deep, "pooled_shortcut": pooled}
    theirs = {"layers": depths, "avg_down": pooled}
    theirs |= {"stem_width": 32, "stem_type": "deep"} if deep else {}
    return "resnet50d", knobs, "resnet18" if basic else "resnet50", theirs


def draw_sknet(draw):
    depths, split = [draw.randint(1, 2) for _ in range(4)], draw.random() < 0.5
    reduction, floor = draw.choice((2, 4, 8, 16)), draw.choice((8, 16, 32))
    groups, width = draw.choice(((1, 64), (32, 4), (2, 32)))  # powers of two: timm rounds C / r to multiples of L
    knobs = {"depths": depths, "split_input": split, "reduction": reduction, "floor": floor, "cardinality": groups,
             "base_width": width}
    theirs = {"layers": depths, "cardinality": groups, "base_width": width, "block_args": {"sk_kwargs": {
        "split_input": split, "rd_ratio": 1 / reduction, "rd_divisor": floor}}}
    return "skresnext50_32x4d", knobs, "skresnext50_32x4d", theirs


def draw_resnest(draw):
    depths, first = [draw.randint(1, 2) for _ in range(4)], draw.random() < 0.5
    radix, (groups, width) = draw.choice((1, 2, 3, 4)), draw.choice(((1, 64), (2, 40), (4, 24), (1, 32)))
    knobs = {"depths": depths, "radix": radix, "cardinality": groups, "base_width": width, "pool_first": first}
    theirs = {"layers": depths, "cardinality": groups, "base_width": width,
              "block_args": {"radix": radix, "avd": True, "avd_first": first}}
    return "resnest50d", knobs, "resnest50d", theirs


DRAWS = {"senet": draw_senet, "tweaks": draw_tweaks, "sknet": draw_sknet, "resnest": draw_resnest}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("family", DRAWS)
def test_random_settings(family, seed):
    preset, knobs, name, settings = DRAWS[family](random.Random(seed))
    knobs["depths"], size = tuple(knobs["depths"]), 96
    classes = random.Random(seed).randint(1, 2000)

    def make():
        return timm.create_model(name, num_classes=classes, **settings)

    theirs = empty(make)
    analysis = lib.analyze(preset, num_classes=classes, input_size=size, **knobs)
    assert analysis.params == sum(p.numel() for p in theirs.parameters())
    with torch.device("meta"):
        assert analysis.macs == macs_by_torch(make(), analysis.input_shape)
    assert_same_outputs(with_weights_of(theirs, preset, num_classes=classes, **knobs), theirs, size)
