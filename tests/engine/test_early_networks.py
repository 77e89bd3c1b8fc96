"""LeNet-5 and ZFNet against what their papers print."""

from itertools import combinations, product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lib
from lib.analysis.outline import outline
from lib.architecture import Impossible
from lib.models.lenet import TABLE_I, LeNet1998, RadialBasis, ScaledTanh, Subsampling
from lib.trace import numel
from tests.engine.test_receptive_field import reach, positive

PRINTED = {"C1": 156, "S2": 12, "C3": 1_516, "S4": 32, "C5": 48_120, "F6": 10_164, "output": 0}


def test_lenet_s_layers_have_the_parameters_of_section_ii_b():
    parts = {part.name: part for part in outline(lib.analyze("lenet5_1998")).children}
    assert {name: part.params for name, part in parts.items()} == PRINTED
    model = lib.build("lenet5_1998")
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 60_000
    assert lib.analyze("lenet5").params == 61_706


def test_lenet_s_connections():
    """340,908: every weight and every bias counts wherever it is used; the output layer's codes count too."""
    parts = {part.name: part for part in outline(lib.analyze("lenet5_1998")).children}

    def weighted(name):
        return sum(op.macs + numel(op.out_shapes[0]) for op in parts[name].ops if op.kind in ("conv2d", "linear"))

    def subsampled(name):
        pooling = next(op for op in parts[name].ops if op.kind == "avg_pool2d")
        return numel(pooling.out_shapes[0]) * (numel(pooling.window.kernel) + 1)

    codes = lib.build("lenet5_1998").output.codes.numel()
    connections = [weighted("C1"), subsampled("S2"), weighted("C3"), subsampled("S4"), weighted("C5"), weighted("F6"),
                   codes]
    assert connections == [122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840]
    assert sum(connections) == 340_908


def test_table_i_is_the_paper_s():
    assert [len(read) for read in TABLE_I] == [3] * 6 + [4] * 9 + [6]
    assert len(set(TABLE_I)) == 16
    assert [sum(s2 in read for read in TABLE_I) for s2 in range(6)] == [10] * 6


def test_a_map_of_c3_reads_only_its_maps():
    c3 = LeNet1998().c3
    for index, read in enumerate(TABLE_I):
        x = torch.randn(1, 6, 9, 9, requires_grad=True)
        c3(x)[0, index].sum().backward()
        assert tuple(x.grad[0].abs().sum((1, 2)).nonzero().flatten().tolist()) == read


def test_subsampling_squashing_and_distances():
    x = torch.randn(2, 3, 6, 6)
    layer = Subsampling(3)
    torch.testing.assert_close(layer(x), F.avg_pool2d(x, 2))
    torch.nn.init.normal_(layer.coefficient)
    torch.nn.init.normal_(layer.bias)
    sums = sum(x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1))
    torch.testing.assert_close(layer(x), sums * layer.coefficient + layer.bias)
    torch.testing.assert_close(ScaledTanh()(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]), atol=1e-4, rtol=0)
    output, features = RadialBasis(84, 10), torch.randn(5, 84)
    torch.testing.assert_close(output(features), torch.cdist(features, output.codes) ** 2, rtol=1e-4, atol=1e-3)
    assert set(output.codes.unique().tolist()) == {-1.0, 1.0}
    different = [(one != other).sum().item() for one, other in combinations(output.codes, 2)]
    assert 40 <= min(different) and max(different) <= 44
    assert len(RadialBasis(84, 100).codes.unique(dim=0)) == 100


def test_every_part_of_a_lenet_can_be_selected():
    ids = [part.id for part in outline(lib.analyze("lenet5_1998")).walk()]
    assert len(set(ids)) == len(ids)
    assert {"block:s2", "block:c3", "block:s4"} <= set(ids)


@pytest.mark.parametrize("version, activation, pooling",
                         list(product(("1998", "modern"), ("tanh", "relu"), ("average", "max"))))
def test_every_combination_is_known_or_refused(version, activation, pooling):
    knobs = {"version": version, "activation": activation, "pooling": pooling}
    if version == "1998" and pooling == "max":
        with pytest.raises(Impossible) as raised:
            lib.analyze("lenet5_1998", **knobs)
        for name, values in raised.value.fixes.items():
            for value in values:
                lib.analyze("lenet5_1998", **(knobs | {name: value}))
        return
    analysis = lib.analyze("lenet5_1998", **knobs)
    assert analysis.unknown == () and analysis.params == (60_000 if version == "1998" else 61_706)


@pytest.mark.parametrize("stage", ["C1", "S2", "C3", "S4"])
@pytest.mark.parametrize("preset", ["lenet5_1998", "lenet5"])
def test_lenet_s_field_is_the_extent_of_the_gradient(preset, stage):
    model, seen = positive(lib.build(preset)), {}
    model.get_submodule(stage.lower()).register_forward_hook(lambda module, inputs, output: seen.update(map=output))
    image = torch.ones(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    model(image)
    seen["map"][0, :, 3, 3].sum().backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    op = next(op for op in reversed(lib.analyze(preset).ops) if op.stage == stage)
    assert op.field.vertical.span(3) == (rows.min().item(), rows.max().item())
    assert op.receptive_field == ({"C1": 5, "S2": 6, "C3": 14, "S4": 16}[stage],) * 2


def test_lenet_for_digits_of_28_pixels():
    """As Dive into Deep Learning builds it, 61,706 parameters, and its exercise: the same without the border."""
    def written_out(border: int, features: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=border), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(features, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    for border, features, params in ((2, 400, 61_706), (0, 256, 44_426)):
        ours, theirs = lib.build("lenet5_28", border=border).eval(), written_out(border, features)
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.data.copy_(own.data.reshape(other.shape))
        image = torch.rand(2, 1, 28, 28)
        assert torch.allclose(ours(image), theirs(image), atol=1e-6)
        assert lib.analyze("lenet5_28", border=border).params == sum(p.numel() for p in theirs.parameters()) == params


@pytest.mark.parametrize("preset", ["zfnet", "zfnet_512"])
def test_zfnet_s_maps_are_those_of_figure_3(preset):
    sizes = {op.label: op.out_shapes[0][-1] for op in lib.analyze(preset).ops}
    assert [sizes[name] for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")] == [
        110, 55, 26, 13, 13, 13, 13, 6]


def test_zfnet_by_its_layers():
    """Recounted by hand from Fig. 3: weights and biases of conv1 to conv5, fc6 to fc8."""
    layers = [(3, 96, 7), (96, 256, 5), (256, 384, 3), (384, 384, 3), (384, 256, 3), (256 * 36, 4096, 1),
              (4096, 4096, 1), (4096, 1000, 1)]
    cells = [110, 26, 13, 13, 13, 1, 1, 1]
    analysis = lib.analyze("zfnet")
    assert analysis.params == sum(i * o * k * k + o for i, o, k in layers)
    assert analysis.macs == sum(i * o * k * k * c * c for (i, o, k), c in zip(layers, cells))


def test_zfnet_s_field():
    model = positive(lib.build("zfnet", width=12, num_classes=2))
    (first, last, position), _ = reach(model.features, (1, 3, 300, 300), 0.5)
    op = next(op for op in lib.analyze("zfnet", width=12, input_size=300).ops if op.label == "pool5")
    assert op.field.vertical.span(position) == (first, last)


@pytest.mark.parametrize("filters", ["384-384-256", "512-1024-512"])
@pytest.mark.parametrize("width", [3, 96, 192])
def test_every_zfnet_is_known(filters, width):
    assert lib.analyze("zfnet", filters=filters, width=width).unknown == ()


def test_the_smallest_image_of_a_zfnet():
    assert lib.analyze("zfnet", input_size=61).params == lib.analyze("zfnet").params
    with pytest.raises(Impossible) as raised:
        lib.analyze("zfnet", input_size=60)
    assert raised.value.fixes["input_size"] == (61,)


def test_relu_instead_of_tanh():
    kinds = [op.kind for op in lib.analyze("lenet5_1998", activation="relu").ops]
    assert "tanh" not in kinds and kinds.count("relu") == 6
    x = torch.randn(1, 1, 32, 32)
    model = lib.build("lenet5", activation="relu", pooling="max").eval()
    torch.testing.assert_close(model.squash(model.c1(x)), F.relu(model.c1(x)))
