"""Published accuracies of exactly this network: against the printed records themselves, read one by one."""

from contextlib import suppress
from itertools import product

import pytest

import lib
from lib import catalog
from lib.analysis import published
from lib.analysis.atlas import protocols
from lib.architecture import Impossible

PRINTED = [result for family in catalog.families().values() for result in family.results]
TURNED = [{}, {"num_classes": 10}, {"input_size": 256}, {"stride_in_1x1": True}, {"width": 50}]


def possible(preset: str) -> list[tuple[dict, object]]:
    """What can be turned on a preset and gives no other preset, with the knobs that come of it."""
    found = []
    others = [catalog.configure(other, {}) for other in catalog.get(preset).presets]
    for turned in TURNED:
        with suppress(Impossible):  # not every family has the knob, or takes the value
            knobs = catalog.configure(preset, turned)
            if not turned or knobs not in others:
                found.append((turned, knobs))
    return found


@pytest.mark.parametrize("preset", [preset for preset, family in catalog.presets().items() if family.results])
def test_results_are_those_that_are_printed_of_the_preset_with_these_knobs(preset):
    assert len(possible(preset)) >= 2
    for turned, knobs in possible(preset):
        expected = [result for result in PRINTED if result.preset == preset and dict(result.knobs) == turned]
        assert list(published.results(catalog.get(preset), knobs)) == expected, turned


def test_every_result_is_found_by_its_own_network_once():
    found = [result for result in PRINTED
             for own in published.results(catalog.get(result.preset), catalog.configure(result.preset, result.knobs))
             if own is result]
    assert found == PRINTED and len(PRINTED) > 50


def test_no_network_has_two_results_under_one_protocol():
    for preset, family in catalog.presets().items():
        for result in (None, *family.results):
            knobs = catalog.configure(preset, {}) if result is None else catalog.configure(result.preset, result.knobs)
            measured = [each.protocol for each in published.results(family, knobs)]
            assert len(set(measured)) == len(measured)


def test_a_network_is_known_by_what_it_is_and_not_by_its_name():
    analysis = lib.analyze("resnet50", depth=34)
    assert analysis.params == lib.analyze("resnet34").params
    assert {result.preset for result in published.results(analysis.architecture, analysis.knobs)} == {"resnet34"}


def test_a_variant_s_result_is_told_apart_and_only_beside_the_preset():
    for result in PRINTED:
        family, usual = catalog.get(result.preset), catalog.configure(result.preset, {})
        assert (result in published.variants(family, usual)) == bool(result.knobs)
        assert not published.variants(family, catalog.configure(result.preset, {"num_classes": 7}))
    variant = next(result for result in PRINTED if result.preset == "resnet50" and result.knobs)
    assert published.turned(variant) == "Stride in the 1x1: on"


@pytest.mark.parametrize("presets", list(product(
    ["resnet50", "vgg16", "lenet5"], ["inception_v3", "mobilenet_v2", "resnet20_cifar"])))
def test_side_by_side_there_is_a_row_for_each_protocol_of_any(presets):
    aligned = published.by_protocol([lib.analyze(preset) for preset in presets])
    own = [[result for result in PRINTED if result.preset == preset] for preset in presets]
    assert list(aligned) == [name for name in protocols() if any(result.protocol == name for each in own for result in each)]
    for protocol, entries in aligned.items():
        for entry, each in zip(entries, own):
            assert [entry.result] == ([result for result in each if result.protocol == protocol] or [None])
            assert not entry.unknown and entry.same == bool(entry.result and not entry.result.knobs)


def test_of_turned_knobs_nothing_is_known():
    turned, usual = lib.analyze("resnet18", num_classes=10), lib.analyze("resnet18")
    entries = [each for each in published.by_protocol([turned, usual]).values()]
    assert entries and all(first.unknown and first.result is None and second.same for first, second in entries)
    assert published.by_protocol([turned]) == {}
    assert published.is_unknown(turned) and not published.is_unknown(usual)
    assert not published.is_unknown(lib.analyze("resnet50", stride_in_1x1=True))
