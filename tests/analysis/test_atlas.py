"""The Atlas's data against the engine and against what is known of ILSVRC."""

import pytest

import lib
from lib import catalog
from lib.analysis import atlas
from lib.figures import atlas as figures
from lib.figures.theme import palette

FAMILIES = [family for family in catalog.families().values() if family.paper]


@pytest.mark.parametrize("preset, knobs", [
    ("resnet50", {}), ("resnet50", {"stride_in_1x1": True}), ("alexnet_2012", {}), ("vgg16", {"num_classes": 10})])
def test_totals_are_those_of_the_analysis(preset, knobs):
    analysis, total = lib.analyze(preset, **knobs), atlas.totals(preset, knobs)
    assert (total.params, total.macs, total.training_macs) == (analysis.params, analysis.macs, analysis.training_macs)
    assert total.weight_layers == analysis.weight_layers
    assert (total.receptive_field, total.input_size) == (analysis.receptive_field, analysis.knobs.input_size)


def test_edges_are_differences_of_two_networks():
    for edge in atlas.lineage():
        parent, child = lib.analyze(edge.change.parent), lib.analyze(edge.change.child)
        assert parent.params + edge.params == child.params
        assert parent.macs + edge.macs == child.macs


def test_no_change_names_a_network_that_is_not_there():
    assert not atlas.dangling()


def test_a_change_belongs_to_the_family_of_its_child():
    for family in FAMILIES:
        for change in family.changes:
            assert change.change and change.parent != change.child
            assert change.child in family.presets


def test_lineage_has_no_circle():
    parents = {}
    for edge in atlas.lineage():
        parents.setdefault(edge.change.child, set()).add(edge.change.parent)

    def ancestors(preset: str, below: tuple[str, ...] = ()) -> None:
        assert preset not in below
        for parent in parents.get(preset, ()):
            ancestors(parent, (*below, preset))

    for preset in parents:
        ancestors(preset)


def test_every_result_is_shown_under_its_protocol_alone():
    shown = [point.result for protocol in atlas.protocols() for point in atlas.points(protocol)]
    printed = [result for family in FAMILIES for result in family.results]
    assert len(shown) == len(printed) and all(result in shown for result in printed)
    for protocol in atlas.protocols():
        assert {point.result.protocol for point in atlas.points(protocol)} == {protocol}


def test_results_are_errors_of_single_crops_with_a_source():
    for family in FAMILIES:
        for result in family.results:
            assert result.source and result.preset in family.presets
            assert 15 < result.top1 < 60
            assert result.top5 is None or result.top5 < result.top1
            who, size = result.protocol.split(" ")
            assert who in ("paper", "torchvision")
            assert atlas.totals(result.preset, result.knobs).input_size == int(size), result


def test_torchvision_s_accuracies_are_those_of_its_first_weights():
    models = pytest.importorskip("torchvision").models
    for protocol in atlas.protocols():
        for point in atlas.points(protocol) if protocol.startswith("torchvision") else ():
            published = models.get_model_weights(point.result.preset)["IMAGENET1K_V1"].meta["_metrics"]["ImageNet-1K"]
            assert (point.top1, point.top5) == pytest.approx((published["acc@1"], published["acc@5"]))


def test_winners_are_right():
    contest = atlas.ilsvrc()
    winners = {entry.year: entry for entry in contest.winners}
    assert {year: (entry.team, round(entry.error, 1)) for year, entry in winners.items()} == {
        2010: ("NEC-UIUC", 28.2), 2011: ("XRCE", 25.8), 2012: ("SuperVision (AlexNet)", 16.4),
        2013: ("Clarifai", 11.7), 2014: ("GoogLeNet", 6.7), 2015: ("MSRA (ResNet)", 3.6),
        2016: ("Trimps-Soushen", 3.0), 2017: ("WMW (SENet)", 2.3)}
    assert contest.human_error == 5.1
    assert "image-net.org" in contest.source


def test_ensembles_are_said_to_be_ensembles():
    for entry in atlas.ilsvrc().winners:
        assert (entry.kind == "ensemble") == (entry.year >= 2012) == ("nsemble" in entry.ran)
    assert [entry.year for entry in atlas.ilsvrc().winners if not entry.depth_verified] == [2013, 2017]


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_hold_everything(dark):
    colours = palette(dark)
    assert list(figures.timeline.__wrapped__(FAMILIES, colours).data[-1].customdata) == [family.id for family in FAMILIES]
    assert list(figures.winners.__wrapped__(atlas.ilsvrc(), colours).data[0].x)[-2:] == [2.251, 5.1]
    source = figures.lineage(atlas.lineage(), FAMILIES, colours)
    for edge in atlas.lineage():
        assert f'URL="#{edge.change.child}"' in source and f"{edge.change.parent} -> {edge.change.child}" in source
    for protocol in atlas.protocols():
        points = atlas.points(protocol)
        *bubbles, _names = figures.chart.__wrapped__(points, colours).data
        assert sorted(index for trace in bubbles for index in trace.customdata) == list(range(len(points)))
        assert len({(trace.marker.color, trace.marker.symbol) for trace in bubbles}) == len(bubbles)
