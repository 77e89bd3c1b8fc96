"""LeNet-5 and ZFNet against what their papers print."""

import pytest
import torch
import torch.nn.functional as F

import lib
from lib.analysis.outline import outline
from lib.models.lenet import TABLE_I, LeNet1998, RadialBasis, ScaledTanh, Subsampling
from tests.engine.test_receptive_field import positive

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

    def cells(name):
        return next(op.out_shapes[0][-1] ** 2 for op in parts[name].ops if op.kind in ("conv2d", "avg_pool2d"))

    connections = {"C1": 156 * cells("C1"), "S2": (4 + 1) * 6 * cells("S2"), "C3": 1_516 * cells("C3"),
                   "S4": (4 + 1) * 16 * cells("S4"), "C5": 48_120, "F6": 10_164, "output": 84 * 10}
    assert [connections[name] for name in ("C1", "S2", "C3", "S4")] == [122_304, 5_880, 151_600, 2_000]
    assert sum(connections.values()) == 340_908


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
    torch.nn.init.normal_(layer.coefficient)
    torch.nn.init.normal_(layer.bias)
    sums = sum(x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1))
    torch.testing.assert_close(layer(x), sums * layer.coefficient + layer.bias)
    torch.testing.assert_close(ScaledTanh()(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]), atol=1e-4, rtol=0)
    output, features = RadialBasis(84, 10), torch.randn(5, 84)
    torch.testing.assert_close(output(features), torch.cdist(features, output.codes) ** 2, rtol=1e-4, atol=1e-3)
    assert len({tuple(code.tolist()) for code in output.codes}) == 10 and set(output.codes.unique().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("preset", ["lenet5_1998", "lenet5"])
def test_lenet_s_field_is_the_extent_of_the_gradient(preset):
    model = positive(lib.build(preset)).train(False)
    for name, parameter in model.named_parameters():
        if "coefficient" in name:
            torch.nn.init.ones_(parameter)
    seen = {}
    model.c3.register_forward_hook(lambda module, inputs, output: seen.update(c3=output))
    image = torch.ones(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    model(image)
    seen["c3"][0, :, 5, 5].sum().backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    op = next(op for op in reversed(lib.analyze(preset).ops) if op.stage == "C3" and op.kind in ("cat", "conv2d"))
    assert op.field.vertical.span(5) == (rows.min().item(), rows.max().item())
    assert op.receptive_field == 14


@pytest.mark.parametrize("preset", ["zfnet", "zfnet_512"])
def test_zfnet_s_maps_are_those_of_figure_3(preset):
    sizes = {op.label: op.out_shapes[0][-1] for op in lib.analyze(preset).ops}
    assert [sizes[name] for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")] == [
        110, 55, 26, 13, 13, 13, 13, 6]


def test_zfnet_by_its_layers():
    """Recounted by hand from Fig. 3: weights and biases of conv1 to conv5, fc6 to fc8."""
    layers = [(3, 96, 7), (96, 256, 5), (256, 384, 3), (384, 384, 3), (384, 256, 3), (256 * 36, 4096, 1), (4096, 4096, 1),
              (4096, 1000, 1)]
    cells = [110, 26, 13, 13, 13, 1, 1, 1]
    analysis = lib.analyze("zfnet")
    assert analysis.params == sum(i * o * k * k + o for i, o, k in layers)
    assert analysis.macs == sum(i * o * k * k * c * c for (i, o, k), c in zip(layers, cells))


def test_zfnet_s_field():
    model = positive(lib.build("zfnet", width=12, num_classes=2))
    image = torch.ones(1, 3, 300, 300, dtype=torch.float64, requires_grad=True)
    output = model.features(image)
    position = output.shape[2] // 2
    output[0, :, position, position].sum().backward()
    rows = image.grad[0].sum(0).abs().sum(1).nonzero()
    op = next(op for op in lib.analyze("zfnet", width=12, input_size=300).ops if op.label == "pool5")
    assert op.field.vertical.span(position) == (rows.min().item(), rows.max().item())


def test_relu_instead_of_tanh():
    kinds = [op.kind for op in lib.analyze("lenet5_1998", activation="relu").ops]
    assert "tanh" not in kinds and kinds.count("relu") == 6
    x = torch.randn(1, 1, 32, 32)
    model = lib.build("lenet5", activation="relu", pooling="max").eval()
    torch.testing.assert_close(model.squash(model.c1(x)), F.relu(model.c1(x)))
