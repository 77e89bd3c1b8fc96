"""MobileNets and ShuffleNets away from their presets: torchvision and timm at the same settings, and what the papers say."""

import random

import pytest
import torch
from timm.models.efficientnet import _gen_mobilenet_v1
from torchvision.models import MobileNetV2, ShuffleNetV2

import lib
from lib.models.mobilenet_v2 import TABLE_2
from lib.models.shufflenet import channel_shuffle
from tests.engine.test_against_timm import assert_same_outputs
from tests.engine.test_against_timm import with_weights_of as with_weights_of_timm
from tests.engine.test_against_torchvision import assert_same_output, empty, macs_by_torch, with_weights_of


@pytest.mark.parametrize("seed", range(6))
def test_random_mobilenets_v2(seed):
    draw = random.Random(seed)
    width, expansion, classes = draw.randrange(25, 201, 5), draw.randint(1, 10), draw.randint(1, 2000)
    rows = [[expansion if t > 1 else 1, *rest] for t, *rest in TABLE_2]

    def make():
        return MobileNetV2(num_classes=classes, width_mult=width / 100, inverted_residual_setting=rows)

    knobs = {"width": width, "expansion": expansion, "num_classes": classes}
    theirs = empty(make)
    analysis = lib.analyze("mobilenet_v2", input_size=96, **knobs)
    assert analysis.params == sum(p.numel() for p in theirs.parameters())
    with torch.device("meta"):
        assert analysis.macs == macs_by_torch(make(), (1, 3, 96, 96))
    assert_same_output(with_weights_of(theirs, "mobilenet_v2", **knobs), theirs, 96)


@pytest.mark.parametrize("width", [50, 125, 200])
def test_mobilenets_of_other_widths(width):
    theirs = empty(lambda: _gen_mobilenet_v1("mobilenetv1_100", width / 100))
    assert_same_outputs(with_weights_of_timm(theirs, "mobilenetv1_100", width=width), theirs, 96)


@pytest.mark.parametrize("scale", [50, 100, 150, 200])
def test_shufflenets_v2_in_train_mode(scale):
    names = {50: "x0_5", 100: "x1_0", 150: "x1_5", 200: "x2_0"}
    channels = {50: [24, 48, 96, 192, 1024], 100: [24, 116, 232, 464, 1024], 150: [24, 176, 352, 704, 1024],
                200: [24, 244, 488, 976, 2048]}[scale]
    theirs = empty(lambda: ShuffleNetV2([4, 8, 4], channels, num_classes=7))
    assert_same_outputs(with_weights_of(theirs, f"shufflenet_v2_{names[scale]}", num_classes=7), theirs, 96)


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_a_shuffle_gives_every_group_channels_of_all(groups):
    labels = torch.arange(24).float().view(1, 24, 1, 1)
    shuffled = channel_shuffle(labels, groups).flatten().long()
    assert sorted(shuffled.tolist()) == list(range(24))
    for group in shuffled.view(groups, -1):
        assert set((group // (24 // groups)).tolist()) == set(range(groups))


def test_without_shuffle_groups_never_meet_in_a_unit():
    unit = lib.build("shufflenet_g3", scale=50).stage2[1]
    x = torch.randn(1, 120, 8, 8, requires_grad=True)
    unit.eval().shuffle = False
    unit(x)[0, :40].sum().backward()
    assert x.grad[0, :40].abs().sum() > 0 and x.grad[0, 40:].abs().sum() == 0
    x.grad, unit.shuffle = None, True
    unit(x)[0, :40].sum().backward()
    assert x.grad[0, 40:].abs().sum() > 0


def test_depthwise_separable_costs_one_ninth_and_one_over_the_channels():
    """Section 3.1: the ratio is 1 / channels + 1 / 9 for each layer."""
    separable, full = lib.analyze("mobilenetv1_100"), lib.analyze("mobilenetv1_full")
    by_block = {name: [sum(op.macs for op in analysis.ops if op.block == name) for analysis in (separable, full)]
                for name in {op.block for op in separable.ops if op.block}}
    assert len(by_block) == 13
    for name, (cheap, dear) in by_block.items():
        channels = next(op.out_shapes[0][1] for op in reversed(full.ops) if op.block == name)
        assert cheap / dear == pytest.approx(1 / channels + 1 / 9)


@pytest.mark.parametrize("knob", ["residual", "linear"])
def test_ablations_of_mobilenet_v2_change_no_weight(knob):
    with_it, without = lib.analyze("mobilenet_v2"), lib.analyze("mobilenet_v2", **{knob: False})
    assert (with_it.params, with_it.macs) == (without.params, without.macs)
    kinds = [[op.kind for op in analysis.ops] for analysis in (with_it, without)]
    counted = "add" if knob == "residual" else "hardtanh"
    assert abs(kinds[0].count(counted) - kinds[1].count(counted)) == (10 if knob == "residual" else 17)
