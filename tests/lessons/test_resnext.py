"""The lesson on ResNeXt: its numbers and its questions against hand arithmetic, torch, torchvision and the paper."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet50, resnet101, resnext50_32x4d

from lib.architecture import Impossible
from lib.lessons.resnext import questions
from lib.lessons.resnext.paths import PathsAdded, PathsConcatenated, dense_weight, differences, grouped
from lib.lessons.resnext.steps import LESSON

shown, asked = LESSON.shown, LESSON.asked


def rows(table) -> list[dict]:
    return table.frame.to_dict("records")


def paths(cardinality: int, width: int) -> nn.Module:
    """Fig. 3 (a) as separate convolutions, built here."""
    def path() -> nn.Module:
        return nn.Sequential(nn.Conv2d(256, width, 1, bias=False), nn.Conv2d(width, width, 3, padding=1, bias=False),
                             nn.Conv2d(width, 256, 1, bias=False))
    return nn.ModuleList(path() for _ in range(cardinality))


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize("cardinality, width", [(32, 4), (8, 14), (1, 64)])
def test_the_weights_are_those_of_so_many_paths(cardinality, width):
    question = asked("weights", cardinality=cardinality, width=width)
    assert question.answer == count(paths(cardinality, width))
    if (cardinality, width) == (32, 4):
        assert question.answer == 32 * (256 * 4 + 9 * 4 * 4 + 4 * 256) == 70_144
        slips = {slip.name: slip.answer for slip in question.slips}
        assert slips["groups forgotten"] == 256 * 128 + 9 * 128 * 128 + 128 * 256
        assert slips["norms counted"] == 70_144 + 2 * (128 + 128 + 256)


def test_the_three_forms_agree_to_rounding():
    found = rows(shown("forms").picture)
    assert len(found) == 3
    assert all(float(row["float32"]) < 1e-5 and float(row["float64"]) < 1e-13 for row in found)
    assert asked("forms").answer == "rounding"
    assert asked("forms", cardinality=1, width=64).answer == "zero"
    assert asked("forms").because.count("e-") == 2


def test_the_forms_are_the_block_and_share_its_weights():
    block = grouped(4, 14)
    x = torch.randn(2, 256, 5, 5)
    wide = torch.relu(block.bn1(block.conv1(x)))
    parts = zip(wide.chunk(4, 1), block.conv2.weight.chunk(4))
    groups = [nn.functional.conv2d(part, weight, padding=1) for part, weight in parts]
    by_hand = torch.relu(block.bn3(block.conv3(torch.relu(block.bn2(torch.cat(groups, 1))))) + x)
    for form in (PathsAdded(block), PathsConcatenated(block)):
        assert torch.allclose(form(x), by_hand, atol=1e-5)
        before = form(x)
        with torch.no_grad():
            block.conv1.weight.mul_(1.5)
            block.conv3.weight.neg_()
        assert not torch.allclose(form(x), before, atol=1e-2)
        with torch.no_grad():
            block.conv1.weight.div_(1.5)
            block.conv3.weight.neg_()


def test_a_wrong_slice_would_show():
    block = grouped(4, 14)
    form = PathsConcatenated(block)
    form.paths = nn.ModuleList(reversed(form.paths))
    x = torch.randn(2, 256, 5, 5)
    assert (form(x) - block(x)).abs().max() > 0.1


def test_forms_cost_the_same_but_for_additions_and_launches():
    found = shown("bookkeeping", cardinality=8, width=14).picture.frame.set_index("Number of")
    weights = 8 * (256 * 14 + 9 * 14 * 14 + 14 * 256)
    assert set(found.loc["Weights"]) == {f"{weights:,}"}
    assert set(found.loc["MACs"]) == {f"{weights * 56 * 56:,}"}
    assert list(found.loc["Convolutions"]) == ["24", "17", "3"]
    assert asked("bookkeeping", cardinality=8, width=14).answer == {"operations", "convolutions"}
    with pytest.raises(Impossible, match="2 or more"):
        asked("bookkeeping", cardinality=1)


def test_the_dense_weight_is_block_diagonal():
    convolution = nn.Conv2d(12, 12, 3, groups=3, bias=False)
    dense = dense_weight(convolution).square().sum((2, 3))
    assert (dense != 0).sum() == 3 * 4 * 4
    assert (torch.block_diag(*[torch.ones(4, 4)] * 3).bool() == (dense != 0)).all()


@pytest.mark.parametrize("cardinality, width", [(32, 4), (2, 8), (4, 14)])
def test_so_many_kernels_are_zero(cardinality, width):
    blank = torch.block_diag(*[torch.ones(width, width)] * cardinality) == 0
    question = asked("matrix", cardinality=cardinality, width=width)
    assert question.answer == pytest.approx(100 * blank.float().mean())
    assert question.grade("96.9").right == (cardinality == 32)


def test_the_matrix_shows_whole_groups_and_says_how_many():
    cells = shown("matrix").more[0].fields
    assert (cells["blank"], cells["kernels"], cells["zeros"]) == ("15,872", "16,384", "96.9")
    assert shown("matrix", width=64, cardinality=32).fields["inside"] == 2048
    assert shown("matrix", width=64, cardinality=32).fields["drawn"] == 128


def test_the_seed_gives_the_measurement_and_the_sizes_only():
    assert differences(2, 4, 1).largest == differences(2, 4, 1).largest
    first, second = (differences(2, 4, seed).matrix for seed in (0, 1))
    assert (first != second).any() and ((first == 0) == (second == 0)).all()
    assert asked("chance", cardinality=4).answer == {"sizes", "digits"}
    assert asked("chance", cardinality=1).answer == {"sizes"}


@pytest.mark.parametrize("blocks", [2, 4, 32])
def test_blocks_save_b_times_and_stay_apart(blocks):
    """By matrices of zeros and ones: what reads what is their product."""
    question = asked("mixing", cardinality=blocks)
    apart = torch.block_diag(*[torch.ones(64 // blocks, 64 // blocks)] * blocks)
    deal = torch.eye(64)[torch.arange(64).view(blocks, -1).T.flatten()]
    reads = [torch.ones(64, 64), apart, apart @ apart, apart @ deal @ apart, torch.ones(64, 64) @ apart]
    expected = [int((matrix[0] > 0).sum()) for matrix in reads]
    table = rows(shown("mixing", cardinality=blocks).more[0])
    assert [row["Input channels that one output reads"] for row in table] == expected
    macs = [int(row["MACs"].replace(",", "")) for row in table]
    assert macs[0] == 9 * 64 * 64 * 56 * 56 and macs[1] == macs[0] // blocks
    assert macs[4] == macs[1] + 64 * 64 * 56 * 56 < macs[0]
    assert question.answer == {"times", "apart", "joined"}
    assert question.grade(["times", "apart"]).slip.name == "no remedy"


def test_the_widths_of_equal_cost_are_the_paper_s():
    target = 2 * 256 * 64 + 9 * 64 * 64
    for cardinality, width in ((2, 40), (4, 24), (8, 14), (16, 8), (32, 4)):
        cost = [abs(cardinality * (512 * d + 9 * d * d) - target) for d in range(1, 65)]
        assert asked("cost", cardinality=cardinality).answer == width == cost.index(min(cost)) + 1
    table = rows(shown("cost").more[1])
    assert [row["C×d"] for row in table] == ["1×64d", "2×40d", "4×24d", "8×14d", "16×8d", "32×4d", "64×2d", "yours"]
    assert [row["Channels inside"] for row in table][:4] == [64, 80, 96, 112]
    words = shown("cost").more[0].fields
    assert (words["weights"], words["start"], words["change"]) == ("70,144", "69,632", "+0.735 %")


@pytest.mark.parametrize("cardinality", [1, 8, 32])
def test_more_groups_make_the_3x3_cheap_alone(cardinality):
    def pieces(groups: int) -> list[int]:
        return [count(nn.Conv2d(256, 64, 1, bias=False)), count(nn.Conv2d(64, 64, 3, groups=groups, bias=False)),
                count(nn.Conv2d(64, 256, 1, bias=False))]

    before, after = pieces(cardinality), pieces(2 * cardinality)
    assert [new / old for old, new in zip(before, after)] == [1, 0.5, 1]
    question = asked("inside", cardinality=cardinality)
    assert question.answer == "middle" and f"{before[1]:,} weights become {after[1]:,}" in question.because


def test_the_errors_are_those_of_table_3():
    assert [asked("published_errors", depth=depth).answer for depth in (50, 101)] == [22.2, 21.2]
    question = asked("published_errors")
    assert "23.9 %" in question.words and "23.0 %" in question.words and question.grade("22.4").right
    assert question.grade("19.4").slip.name == "each doubling the same"
    table = rows(shown("published_errors").more[0])
    assert table[0]["Parameters"] == f"{count(resnet50()):,}" and table[-1]["Parameters"] == f"{count(resnext50_32x4d()):,}"
    assert table[-1]["MACs"].startswith("4,23")  # torchvision's 4.23 billion


def test_twice_the_cost_is_table_4():
    question = asked("doubled")
    assert question.answer == ("deeper", "wider", "two", "many")  # 21.7, 21.3, 20.7, 20.4
    assert question.grade(["many", "two", "wider", "deeper"]).slip
    for error in ("21.7", "21.3", "20.7", "20.4"):
        assert error in question.because


def test_resnest_costs_for_other_reasons():
    found = {row["Network"]: row for row in rows(shown("add").more[1])}
    assert found["ResNeSt, R 2, K 1"]["Parameters"] == "27,483,240"  # timm's resnest50d
    assert found["ResNet-50-D"]["MACs"] == "4,328,824,832"
    assert asked("add").answer == "pooling"
    # The first 3×3 of three stages, in 2 groups, and its pooling after it: on maps of four times as many cells.
    more = sum(9 * channels * channels * (4 - 1) * cells**2 for channels, cells in ((128, 28), (256, 14), (512, 7)))
    macs = {name: int(row["MACs"].replace(",", "")) for name, row in found.items()}
    assert macs["ResNeSt, R 2, K 1"] - macs["ResNeSt fast, R 2, K 1"] == more


def multiply_adds(model: nn.Module) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model.to("meta").eval()(torch.zeros(1, 3, 224, 224, device="meta"))
    return counter.get_total_flops() // 2


def test_the_network_of_the_controls():
    values = shown("yours", cardinality=1, width=64, depth=101).picture.values
    assert values["Parameters"] == "44,549,160"  # torchvision's resnet101
    with torch.device("meta"):
        start, same, long = multiply_adds(resnet50()), multiply_adds(resnext50_32x4d()), multiply_adds(resnet101())
    assert f"{same:,} multiply-adds against {start:,}" in asked("yours").because
    assert abs(same / start - 1) < 0.05 and asked("yours").answer == "same"
    assert f"against {long:,}" in asked("yours", depth=101).because
    with torch.device("meta"):
        narrow = multiply_adds(resnet50(groups=8, width_per_group=8))
    assert narrow < 0.95 * start and asked("yours", cardinality=8, width=8).answer == "fewer"
    assert asked("yours", cardinality=32, width=8).answer == "more"


def test_old_anchors_lead_to_steps():
    assert {"forms", "matrix", "cost", "published", "add"} <= set(LESSON.anchors)
    assert set(LESSON.anchors.values()) <= {step.id for step in LESSON.steps}


def test_the_question_can_be_asked_without_the_lesson():
    question = questions.zeros(cardinality=4, width=8, seed=2)
    assert question.answer == 75 and "4 groups of width 8" in question.words
