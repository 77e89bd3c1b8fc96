"""Networks of the catalogue as plans: the plan's network has the same numbers, shapes and fields, layer by layer, and with the
same weights the same outputs.

More networks with random knobs: `PLANS=20000 SEED=7 pytest tests/plan/test_catalogue.py`.
"""

import os
import random
from typing import Any

import pytest
import torch

import lib
from lib import catalog
from lib.analysis import Analysis
from lib.architecture import Architecture, Impossible, NetworkKnobs, bounds, is_sequence, is_size, options
from lib.plan.catalogue import plan_of
from lib.plan.language import write_on_one_line

PLANS, SEED, PARTS = int(os.environ.get("PLANS", 2000)) // 500, int(os.environ.get("SEED", 0)), 6
FORKED = {preset for preset, family in catalog.published().items() if family.id == "fpn"} | {"inception_v3_auxiliary"}
"""Presets with more than one output: maps of several sizes, or a second classifier."""
LONG = {"resnet1202_cifar"}
TOTALS = ("params", "macs", "training_macs", "activation_bytes", "weight_layers", "receptive_field")


def layers(analysis: Analysis) -> list[tuple]:
    """What is known of each layer, its name and its place apart."""
    return [(op.kind, op.inputs, op.in_shapes, op.out_shapes, op.weights, op.window, op.groups, op.in_place, op.macs,
             op.activation_bytes, op.receptive_field, op.field) for op in analysis.ops]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_preset_as_a_plan_is_the_same_network(part):
    for preset in list(catalog.published())[part::PARTS]:
        if preset in FORKED | LONG:
            continue
        theirs, ours = lib.analyze(preset), lib.analyze("own", plan=write_on_one_line(plan_of(preset,
            catalog.configure(preset, {}))))
        assert layers(ours) == layers(theirs), preset
        assert [getattr(ours, name) for name in TOTALS] == [getattr(theirs, name) for name in TOTALS], preset


@pytest.mark.parametrize("preset", sorted(FORKED))
def test_a_network_with_several_outputs_is_no_plan(preset):
    """A plan ends in one row: some layer reads what was computed earlier, and the sentence names it."""
    with pytest.raises(Impossible, match="cannot be written as a plan: .* reads more than what is computed just before it") as raised:
        plan_of(preset, catalog.configure(preset, {}))
    names = {op.name: index for index, op in enumerate(lib.analyze(preset).ops)}
    named = next(name for name in names if f": {name} reads" in str(raised.value))
    read = lib.analyze(preset).ops[names[named]].inputs
    assert set(read) != {names[named] - 1}


def test_a_network_is_no_plan_where_it_has_more_operations_than_the_server_allows():
    [preset] = LONG
    with pytest.raises(Impossible, match="cannot be written as a plan: .* more than 4,000 operations"):
        plan_of(preset, catalog.configure(preset, {}))
    assert len(lib.analyze(preset).ops) > 4000


def test_all_other_presets_are_plans():
    assert len(catalog.published()) - len(FORKED | LONG) >= 154


SMALL = {"width": (8, 16, 25, 50), "n": (1, 2), "k": (1, 2), "num_classes": (2, 10), "in_channels": (1, 3, 4),
    "hidden": (0, 16),
         "base_width": (8, 16, 32, 64), "cardinality": (1, 2, 4), "stem_width": (8, 16)}
"""Knobs that make a network quick; each family takes those that it has."""


def drawn(draw: random.Random, family: Architecture) -> tuple[str, dict[str, Any]]:
    """A preset, and random knobs for it, which may not go together."""
    preset, knobs = draw.choice(list(family.presets)), {}
    for name in family.knobs.model_fields:
        if name in SMALL and draw.random() < 0.9:
            knobs[name] = draw.choice(SMALL[name])
        elif is_sequence(family.knobs, name):
            knobs[name] = ",".join(str(draw.randint(1, 2)) for _ in family.knobs.model_fields[name].annotation.__args__)
        elif draw.random() < 0.3 and name != "input_size":
            values = options(family.knobs, name) or family.knobs.model_fields[name].annotation is bool and (False, True)
            if not values and not is_size(family.knobs, name):
                limits = bounds(family.knobs, name) if family.knobs.model_fields[name].annotation is int else None
                values = limits and (limits.low, limits.low + limits.step)
            if values:
                knobs[name] = draw.choice(values)
    return preset, knobs


def configured(draw: random.Random, family: Architecture) -> tuple[str, NetworkKnobs, Analysis]:
    """A preset with random knobs that go together, for a small image."""
    while True:
        preset, knobs = drawn(draw, family)
        try:
            found = catalog.configure(preset, knobs | {"input_size": draw.choice((32, 64, 96))})
            return preset, found, lib.analyze(preset, **found.model_dump())
        except Impossible:
            try:  # an image that it does take
                found = catalog.configure(preset, knobs)
                return preset, found, lib.analyze(preset, **found.model_dump())
            except Impossible:
                continue


@pytest.mark.parametrize("family", [family for family in catalog.families().values() if family.paper],
    ids=lambda family: family.id)
def test_random_knobs_give_the_same_network_and_outputs_or_a_sentence(family):
    draw, written = random.Random(f"{SEED} {family.id}"), []
    for number in range(PLANS):
        preset, knobs, theirs = configured(draw, family)
        try:
            text = write_on_one_line(plan_of(preset, knobs))
        except Impossible as error:
            assert str(error).startswith("This ") and "cannot be written as a plan: " in str(error) and "\n" not in str(error)
            continue
        ours = lib.analyze("own", plan=text)
        assert layers(ours) == layers(theirs), (preset, knobs)
        assert [getattr(ours, name) for name in TOTALS] == [getattr(theirs, name) for name in TOTALS], (preset, knobs)
        written.append((theirs.macs + theirs.params, preset, knobs, text))
    assert written or family.id == "fpn"
    for _cost, preset, knobs, text in sorted(written, key=lambda each: each[0])[:max(1, PLANS // 10)]:
        assert_outputs(preset, knobs, text)


def assert_outputs(preset: str, knobs: NetworkKnobs, text: str) -> None:
    """With the same weights, in the same order."""
    theirs, ours = lib.build(preset, **knobs.model_dump()), lib.build("own", plan=text).eval()
    image = torch.randn(4, knobs.in_channels, *knobs.sides, generator=torch.Generator().manual_seed(1))
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the statistics of one pass, so that outputs differ from image to image
    with torch.no_grad():
        theirs.train()(image)
    theirs.eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    with torch.no_grad():
        expected = theirs(image)
        torch.testing.assert_close(ours(image), expected, rtol=1e-4, atol=1e-5 * max(1, expected.abs().max().item()))
    assert expected.std() > 1e-6, "an oracle that says nothing"
