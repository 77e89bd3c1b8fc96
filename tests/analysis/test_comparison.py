"""Networks side by side: against their modules' own sums, gradients and what the papers' tables say."""

import pytest

import lib
from lib import catalog
from lib.analysis.comparison import growth, knobs, levels, table, totals
from lib.analysis.outline import outline
from lib.digits import change

PRESETS = list(catalog.presets())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_levels_hold_every_op_once(preset):
    """The totals are torch's own counts (tests/engine/test_against_torchvision.py)."""
    analysis = lib.analyze(preset)
    shares = [level.shares[0] for level in levels([analysis])]
    assert sum(share.params for share in shares) == analysis.params
    assert sum(share.macs for share in shares) == analysis.macs
    assert sum(share.activation_bytes for share in shares) == analysis.activation_bytes
    named = [name for share in shares for name in share.stages.split(", ")]
    assert sorted(named) == sorted(stage.name for stage in outline(analysis).children)


def test_resnet_and_resnext_are_aligned_by_the_paper_s_table():
    """ResNeXt's Table 1: the same maps, twice the width in 32 groups."""
    aligned = levels([lib.analyze("resnet50"), lib.analyze("resnext50_32x4d")])
    assert [level.name for level in aligned] == ["1/2", "1/4", "1/8", "1/16", "1/32", "head"]
    assert [level.differs for level in aligned] == [False, True, True, True, True, False]
    assert [share.map for level in aligned[1:5] for share in level.shares] == [
        size for size in ("256×56×56", "512×28×28", "1024×14×14", "2048×7×7") for _ in range(2)]
    assert aligned[1].shares[0].blocks == ("1×1 64 · 3×3 64 · 1×1 256", "1×1 64 · 3×3 64 · 1×1 256, ×2")
    assert aligned[1].shares[1].blocks[1] == "1×1 128 · 3×3 128 in 32 groups · 1×1 256, ×2"


def test_a_network_without_a_resolution_has_no_share_there():
    aligned = levels([lib.analyze("resnet50"), lib.analyze("vgg16")])
    assert aligned[0].name == "1/1" and aligned[0].shares[0] is None
    assert aligned[0].shares[1].map == "64×224×224"
    assert len(table(["r", "v"], aligned)) == sum(share is not None for level in aligned for share in level.shares)


def test_totals_are_compared_with_the_first():
    ours = totals([lib.analyze("resnet50"), lib.analyze("resnet18")])
    first, second = (sum(p.numel() for p in lib.build(name).parameters()) for name in ("resnet50", "resnet18"))
    assert ours["params"][0].difference == 0
    assert ours["params"][1].difference == second - first
    assert ours["params"][1].change == change(first, second)


def test_growth_rises_to_the_field_of_the_network():
    for preset in ("vgg16", "resnet50", "inception_v3", "mobilenet_v2", "seresnet50"):
        analysis = lib.analyze(preset)
        numbers, ops = zip(*growth(analysis))
        assert list(numbers) == sorted(set(numbers))
        assert max(op.field.side for op in ops) == analysis.receptive_field
        assert not any("fc1" in op.name or "squeeze" in op.name for op in ops), "gates are no maps"


def test_growth_of_vgg16_by_hand():
    """Two or three 3x3 a stage, each adding 2 strides; a pooling adds one."""
    size, stride, expected = 1, 1, []
    for stage in (2, 2, 3, 3, 3):
        for _ in range(stage):
            size += 2 * stride
            expected.append(size)
        size, stride = size + stride, 2 * stride
        expected[-1] = size  # the pooling after a stage's last convolution
    assert [op.field.side for _, op in growth(lib.analyze("vgg16"))] == expected


def test_knobs_that_differ():
    plain, wide = lib.analyze("resnet50"), lib.analyze("resnet50", width=32)
    assert knobs([plain, plain]) == []
    assert [values for _, values in knobs([plain, wide])] == [["64", "32"]]


def test_knobs_of_one_name_and_two_meanings_are_two_knobs():
    rows = knobs([lib.analyze("resnet50"), lib.analyze("mobilenet_v2")])
    for title, values in rows:
        for analysis, value in zip((lib.analyze("resnet50"), lib.analyze("mobilenet_v2")), values):
            titles = [field.title for field in type(analysis.knobs).model_fields.values()]
            assert (title in titles) == (value != "none"), title
