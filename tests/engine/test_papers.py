"""Networks that no library has, and numbers that papers print. Facts with their sources are in tests/data/facts.json."""

import json
from functools import cache
from pathlib import Path

import pytest

import lib
from lib import catalog

FACTS = json.loads((Path(__file__).parent.parent / "data/facts.json").read_text())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact['preset']}-{fact['quantity']}-{fact['value']}")
def test_exact_facts(fact):
    assert getattr(lib.analyze(fact["preset"], **fact["knobs"]), fact["quantity"]) == fact["value"]


@cache
def counted(preset, *knobs):
    """A network's analysis, made once for all that is printed about it."""
    return lib.analyze(preset, **dict(knobs))


CLAIMS = [claim for family in catalog.families().values() for claim in family.claims]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.preset}-{claim.quantity}-{claim.value}")
def test_claims(claim):
    """A claim agrees within its printed rounding, or says why it does not."""
    ours = getattr(counted(claim.preset, *claim.knobs.items()), claim.quantity)
    assert (abs(ours - claim.value) <= claim.rounding) == (not claim.differs)


def test_every_network_leads_to_something_in_print():
    """Its own numbers, or those of its nearest relative; the first networks of a class have their own."""
    assert not [preset for preset in catalog.published() if not catalog.claims(catalog.nearest_in_print(preset))]
    assert all(map(catalog.claims, ("lenet5_1998", "alexnet_2012", "zfnet", "vgg16", "vgg16_c", "googlenet_2014", "resnet50")))
    assert catalog.nearest_in_print("vgg16") == "vgg16"
    assert catalog.nearest_in_print("resnetv2_50_a") == "resnetv2_50"
    assert catalog.nearest_in_print("sknet50_3_branches") == "skresnext50_32x4d"


def test_neurons_are_the_outputs_that_the_layers_of_fig_2_have():
    maps = 55**2 * 96 + 27**2 * 256 + 13**2 * (384 + 384 + 256)
    assert counted("alexnet_2012").neurons == maps + 4096 + 4096 + 1000
    assert counted("alexnet_2012").neurons - 55**2 * 96 + 253_440 == 622_312  # as the caption of Fig. 2 has conv1


@pytest.mark.parametrize("last, side", [(True, 483), (False, 427)])
def test_where_a_stage_strides_decides_the_field_of_resnet_v2(last, side):
    """What the claim about resnetv2_50 says of the difference, by hand: only the 3x3 of a unit widens the field."""
    field, jump = 11, 4  # after the stem and the max pooling
    for stage, units in enumerate((3, 4, 6, 3)):
        for unit in range(units):
            field += 2 * jump
            strides = unit == units - 1 and stage < 3 if last else unit == 0 and stage > 0
            jump *= 2 if strides else 1
    assert (field, jump) == (side, 32)
    assert counted("resnetv2_50").receptive_field == 427


@pytest.mark.parametrize("groups, printed", [(1, 143), (2, 140), (3, 137), (4, 133), (8, 137)])
def test_shufflenet_s_table_seems_to_leave_the_linear_layer_out(groups, printed):
    ops = lib.analyze(f"shufflenet_g{groups}").ops
    assert round(sum(op.macs or 0 for op in ops if op.kind != "linear") / 10**6) == printed


@pytest.mark.parametrize("width, printed", [("140", 606), ("075", 261), ("050", 195)])
def test_mobilenet_v2_s_release_leaves_scales_and_shifts_out(width, printed):
    ops = lib.analyze(f"mobilenet_v2_{width}").ops
    assert round(sum(op.params for op in ops if op.kind != "batch_norm") / 10**4) == printed


@pytest.mark.parametrize("cardinality", [1, 3, 8, 32])
def test_equal_cost_is_the_nearest_by_brute_force(cardinality):
    target = lib.analyze("resnet50").macs
    costs = {d: lib.analyze("resnext50_32x4d", cardinality=cardinality, base_width=d).macs for d in range(1, 65, 1)
             if cardinality * d <= 160}
    picked = lib.analyze("resnext50_32x4d", cardinality=cardinality, equal_cost=True)
    assert abs(picked.macs - target) == min(abs(cost - target) for cost in costs.values())


@pytest.mark.parametrize("preset", ["resnet18", "resnet50", "resnext50_32x4d"])
def test_a_plain_network_has_no_shortcut(preset):
    plain, residual = lib.analyze(preset, residual=False), lib.analyze(preset)
    assert not any(op.kind == "add" or "downsample" in op.name for op in plain.ops)
    projections = sum(op.params for op in residual.ops if "downsample" in op.name)
    assert plain.params == residual.params - projections
    assert plain.weight_layers == residual.weight_layers
