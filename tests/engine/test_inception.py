"""The Inceptions: auxiliary classifiers against torchvision's, the paper's table, branches and their fields."""

import pytest
import torch
import torchvision

import lib
from lib.analysis.outline import outline
from tests.engine.test_against_torchvision import empty, randomise, with_weights_of

SIZES = {"googlenet": 224, "inception_v3": 299}


def without_dropout(model: torch.nn.Module) -> torch.nn.Module:
    """In train mode, but for dropout, which is drawn by lot."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    return model


@pytest.mark.parametrize("preset", SIZES)
def test_auxiliary_classifiers(preset):
    """torchvision runs them in train mode only."""
    theirs = empty(lambda: torchvision.models.get_model(preset, weights=None, init_weights=False, aux_logits=True))
    ours = with_weights_of(theirs, preset, auxiliary=True)
    for model in (ours, theirs):
        without_dropout(model)
    images = torch.randn(3, 3, SIZES[preset], SIZES[preset], generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected, given = theirs(images), ours(images)
    assert len(given) == len([output for output in expected if output is not None])
    for output, reference in zip(given, expected):
        torch.testing.assert_close(output, reference, rtol=1e-4, atol=1e-4 * reference.abs().max().item())


def test_googlenet_totals():
    assert lib.analyze("googlenet").params == 6_624_904
    assert lib.analyze("googlenet", auxiliary=True).params == 13_004_888
    paper = lib.analyze("googlenet_2014")
    assert (paper.params, paper.macs, paper.weight_layers) == (6_998_552, 1_582_671_872, 22)


def test_inception_v3_totals():
    assert lib.analyze("inception_v3").params == 23_834_568
    assert lib.analyze("inception_v3", auxiliary=True).params == 27_161_264
    assert lib.analyze("inception_v3", input_size=224).macs / 1e9 == pytest.approx(2.838, abs=0.0005)


# Szegedy et al. 2014, Table 1: thousands (1024) of parameters, millions of multiply-adds.
TABLE_1 = {"3a": (159, 128), "3b": (380, 304), "4a": (364, 73), "4b": (437, 88), "4c": (463, 100), "4d": (580, 119),
           "4e": (840, 170), "5a": (1072, 54), "5b": (1388, 71)}
OTHER_PARAMETERS, OTHER_MACS = {"4c", "4d", "5a", "5b"}, {"5a"}
"""Rows that do not follow from the filters beside them in the same table."""


@pytest.mark.parametrize("row", TABLE_1)
def test_rows_of_table_1(row):
    part = next(part for part in outline(lib.analyze("googlenet_2014")).children if part.name == f"inception ({row})")
    kilo, mega = TABLE_1[row]
    assert (part.params / 1024 == pytest.approx(kilo, rel=0.011)) == (row not in OTHER_PARAMETERS)
    assert (part.macs / 1e6 == pytest.approx(mega, abs=1)) == (row not in OTHER_MACS)


def test_the_naive_module_costs_more():
    reduced, naive = lib.analyze("googlenet_2014"), lib.analyze("googlenet_naive")
    assert naive.macs > 5 * reduced.macs and naive.params > 10 * reduced.params
    widths = [op.out_shapes[0][1] for op in naive.ops if op.kind == "cat"]
    assert widths == sorted(widths) and len(set(widths)) == 9


def test_two_3x3_see_as_much_as_a_5x5_and_cost_less():
    double, single = lib.analyze("bn_inception"), lib.analyze("bn_inception_5x5")
    assert double.receptive_field == single.receptive_field
    assert double.macs < single.macs and double.params < single.params


@pytest.mark.parametrize("preset", ["googlenet_2014", "googlenet", "bn_inception", "inception_v3"])
def test_branches_have_a_narrowest_and_a_widest(preset):
    joins = [op for op in lib.analyze(preset).ops if op.kind == "cat"]
    assert len(joins) >= 9
    assert all(op.field.smallest < op.field.size for op in joins)


@pytest.mark.parametrize("preset, knobs", [
    ("googlenet_2014", {"width": 50, "auxiliary": True}), ("googlenet_naive", {"width": 25, "batch_norm": True}),
    ("bn_inception_5x5", {"width": 75}), ("inception_v3", {"auxiliary": True, "input_size": 299})])
def test_shapes_are_those_of_a_real_pass(preset, knobs):
    analysis = lib.analyze(preset, num_classes=3, **knobs)
    with torch.device("meta"):
        model = lib.build(preset, num_classes=3, **knobs)
    model, shapes = randomise(model.to_empty(device="cpu")), {}
    for path, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda m, i, out, path=path: shapes.setdefault(path, tuple(out.shape)) and None)
    with torch.no_grad():
        model(torch.randn(analysis.input_shape))
    traced = {op.name: op.out_shapes[0] for op in analysis.ops}
    assert len(set(shapes) & set(traced)) > 50
    assert {path: shape for path, shape in shapes.items() if path in traced and traced[path] != shape} == {}
