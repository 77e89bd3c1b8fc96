"""Networks that no library has, and numbers that papers print. Facts with their sources are in tests/data/facts.json."""

import json
from pathlib import Path

import pytest

import lib
from lib import catalog

FACTS = json.loads((Path(__file__).parent.parent / "data/facts.json").read_text())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact['preset']}-{fact['quantity']}-{fact['value']}")
def test_exact_facts(fact):
    assert getattr(lib.analyze(fact["preset"], **fact["knobs"]), fact["quantity"]) == fact["value"]


CLAIMS = [claim for family in catalog.families().values() for claim in family.claims]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.preset}-{claim.quantity}-{claim.value}")
def test_claims(claim):
    """A claim agrees within its printed rounding, or says why it does not."""
    ours = getattr(lib.analyze(claim.preset, **claim.knobs), claim.quantity)
    assert (abs(ours - claim.value) <= claim.rounding) == (not claim.differs)


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
