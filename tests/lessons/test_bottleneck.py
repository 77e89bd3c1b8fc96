"""The lesson on the bottleneck: its numbers against torch's own convolutions and norms, and against the paper's."""

import pytest
from torch import nn

from lib.lessons.bottleneck import questions
from lib.lessons.bottleneck.blocks import compare, in_resnet
from lib.lessons.bottleneck.steps import LESSON

SETTINGS = ((256, 64, 32), (128, 16, 8), (1024, 512, 64), (64, 512, 2))


def convolution(channels_in: int, channels_out: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel, groups=groups, bias=False, device="meta")


def layers(outer: int, middle: int, groups: int = 1) -> list[nn.Conv2d]:
    return [convolution(outer, middle, 1), convolution(middle, middle, 3, groups), convolution(middle, outer, 1)]


def numel(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def test_says_the_paper_s_numbers():
    fields = compare(256, 64, 32, 56).fields()
    for number in ("1,179,648", "69,632", "5.9", "16.94", "70,144"):
        assert number in fields.values()
    assert "1·1·256·64" in fields["written_out"]
    assert {"94.4", "73,728"} <= set(in_resnet().fields().values())


@pytest.mark.parametrize("outer, inner, groups", SETTINGS)
def test_weights_are_those_of_plain_torch_convolutions(outer, inner, groups):
    blocks = compare(outer, inner, groups, 14)
    assert blocks.basic.weights == 2 * numel(convolution(outer, outer, 3))
    width = blocks.fields()["grouped_width"]
    for block, middle, count in ((blocks.bottleneck, inner, 1), (blocks.grouped, width, groups)):
        assert block.weights == numel(*layers(outer, middle, count))
        assert block.macs == block.weights * 14 * 14


@pytest.mark.parametrize("outer, inner, groups", SETTINGS)
def test_answers(outer, inner, groups):
    first, middle, last = layers(outer, inner)
    assert questions.weights(outer=outer, inner=inner).answer == numel(first, middle, last)
    basic = 2 * numel(convolution(outer, outer, 3))
    assert questions.times_fewer(outer=outer, inner=inner).answer == pytest.approx(basic / numel(first, middle, last))
    assert questions.share_of_3x3(outer=outer, inner=inner).answer == pytest.approx(
        100 * numel(middle) / numel(first, middle, last))
    norms = [nn.BatchNorm2d(channels) for channels in (inner, inner, outer)]
    assert questions.norm_params(outer=outer, inner=inner).answer == numel(*norms)
    wide = questions.wider_inside(outer=outer, inner=inner, cardinality=groups).answer
    of_both = numel(*layers(outer, wide, groups)), numel(first, middle, last)
    nearest = min(abs(numel(*layers(outer, groups * width, groups)) - of_both[1]) for width in range(1, inner + 1))
    assert wide % groups == 0 and abs(of_both[0] - of_both[1]) == nearest


def test_a_bottleneck_in_its_place_costs_about_the_same():
    replaced, bottleneck = 2 * 9 * 64 * 64 * 56 * 56, (256 * 64 + 9 * 64 * 64 + 64 * 256) * 56 * 56
    assert 0.9 < bottleneck / replaced < 1 and questions.inside_networks().answer == "same"


def test_a_smaller_map_changes_the_work_alone():
    assert set(questions.smaller_map(outer=256, inner=64).answer) == {"macs", "operations"}


def test_the_shown_table_is_of_the_chosen_map():
    small, large = (LESSON.step("resolution").show(LESSON.defaults | {"size": size}, None).picture.frame for size in (28, 56))
    assert list(small.iloc[0]) == list(large.iloc[0])
    macs = [int(frame.iloc[2, 1].split()[0].replace(",", "")) for frame in (small, large)]
    assert macs[1] == 4 * macs[0]
