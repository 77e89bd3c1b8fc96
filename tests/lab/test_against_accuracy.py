"""Accuracy for time, on records made by hand and on those that come with the app, against definitions by brute force."""

from random import Random

import pytest

from lib import catalog
from lib.analysis.atlas import protocols
from lib.figures.lab_accuracy import chart
from lib.figures.theme import palette
from lib.lab import shipped
from lib.lab.against_accuracy import best, most_accurate, round_times, trades, variants
from tests.engine.records import BUSY, latency

PAPER, TORCHVISION = "paper 224", "torchvision 224"
PRINTED = [result for family in catalog.families().values() for result in family.results]


def presets(found) -> list[str]:
    return [trade.latency.preset for trade in found]


def test_a_result_joins_the_time_of_the_same_network_alone():
    same = [latency("resnet18", 20.0), latency("vgg16", 150.0)]
    assert presets(trades(same, TORCHVISION)) == ["resnet18", "vgg16"]
    assert presets(trades(same, PAPER)) == ["resnet18"]
    assert trades([latency("resnet18", num_classes=10), latency("lenet5"), latency("resnet20_cifar")], TORCHVISION) == []
    other_image = latency("resnet18").model_copy(update={"input_size": 192})
    assert trades([other_image], TORCHVISION) == []


def test_a_result_of_a_variant_joins_the_variant_and_is_named_where_it_was_not_timed():
    usual, variant = latency("resnet50", 70.0), latency("resnet50", 60.0, stride_in_1x1=True)
    assert trades([usual], PAPER) == [] and [result.preset for result in variants([usual], PAPER)] == ["resnet50"]
    (found,) = trades([usual, variant], PAPER)
    assert (found.ms, found.top1) == (60.0, 75.3) and variants([usual, variant], PAPER) == []
    assert variants([usual], TORCHVISION) == [] and variants([latency("resnet50", num_classes=10)], PAPER) == []


def test_a_time_is_that_of_one_image():
    assert [trade.ms for trade in trades([latency("resnet18", 64.0, batch=32)], TORCHVISION)] == [2.0]


def random_times(seed: int) -> list:
    """Of every preset a time, some equal, some of a busy machine."""
    random = Random(seed)
    return [latency(preset, float(random.randint(1, 12)), **{"load": BUSY} if random.random() < 0.2 else {})
            for preset in catalog.presets()]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("protocol", [PAPER, TORCHVISION])
def test_the_best_are_the_most_accurate_in_their_time_and_the_fastest_for_their_accuracy(seed, protocol):
    found = trades(random_times(seed), protocol)
    sound = [trade for trade in found if trade.latency.sound]
    assert 0 < len(sound) < len(found)
    expected = {trade.latency.preset for trade in sound
                if trade.top1 == max(other.top1 for other in sound if other.ms <= trade.ms)
                and trade.ms == min(other.ms for other in sound if other.top1 >= trade.top1)}
    ahead = best(found)
    assert set(presets(ahead)) == expected
    assert [trade.ms for trade in ahead] == sorted(trade.ms for trade in ahead)
    assert [trade.top1 for trade in ahead] == sorted(trade.top1 for trade in ahead)


@pytest.mark.parametrize("seed", range(5))
def test_the_most_accurate_within_a_time(seed):
    found = trades(random_times(seed), PAPER)
    for limit in (0.5, *round_times(found)):
        left = [trade.top1 for trade in found if trade.latency.sound and trade.ms <= limit]
        winner = most_accurate(found, limit)
        assert (winner and winner.top1) == (max(left) if left else None)
        assert winner is None or winner.ms <= limit


@pytest.mark.parametrize("times, expected", [
    ((8.1, 14.0), (10.0, 15.0)), ((0.09, 0.5), (0.1, 0.15, 0.2, 0.3, 0.5)), ((20.0,), (20.0,)),
    ((999.0, 1001.0), (1000.0, 1500.0))])
def test_round_times_begin_where_some_network_keeps_them_and_end_where_all_do(times, expected):
    found = trades([latency(preset, ms) for preset, ms in zip(("resnet18", "vgg16"), times)], TORCHVISION)
    assert round_times(found) == expected


@pytest.mark.parametrize("run", shipped.catalogues(), ids=shipped.way)
@pytest.mark.parametrize("protocol", protocols())
def test_of_the_runs_that_come_with_the_app_every_printed_network_is_shown(run, protocol):
    timed = {time.preset: time for time in run.found}
    printed = {result.preset: result for result in PRINTED if result.protocol == protocol and not result.knobs}
    found = trades(run.found, protocol)
    assert sorted(presets(found)) == sorted(timed.keys() & printed.keys())
    for trade in found:
        assert trade.ms == timed[trade.latency.preset].latency_ms.median / run.setting.batch
        assert trade.top1 == pytest.approx(100 - printed[trade.latency.preset].top1)


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_holds_all_and_tells_the_best_by_shape_and_line(dark):
    found = trades(random_times(3), PAPER)
    line, ahead, others, hollow, names = chart.__wrapped__(found, float("inf"), palette(dark)).data
    assert list(zip(ahead.x, ahead.y)) == [(trade.ms, trade.top1) for trade in best(found)]
    assert list(line.x)[:-1] == list(ahead.x) and line.line.shape == "hv"
    assert [ahead.marker.symbol, others.marker.symbol, hollow.marker.symbol] == ["diamond", "circle", "circle-open"]
    assert len(ahead.x) + len(others.x) + len(hollow.x) == len(names.x) == len(found)
    limited = chart.__wrapped__(found, 4.0, palette(dark))
    assert limited.layout.shapes[0].x0 == 4.0 and limited.layout.shapes[0].layer == "above"
    assert {name for name in limited.data[-1].text if name} <= {
        trade.latency.preset for trade in found if trade.ms <= 4}
    none_sound = trades([latency("resnet18", load=BUSY)], PAPER)
    assert chart.__wrapped__(none_sound, float("inf"), palette(dark)).data[-1].x == (1.0,)
