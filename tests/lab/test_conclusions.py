"""What is concluded from times, and what is not: places, saturation, families far from their MACs; digits in tables."""

import io
import json

import pandas as pd
import pytest

from lib.lab import against_macs
from lib.lab.against_macs import outliers, rates, saturation
from lib.lab.latency_tables import as_json, csv, machine, table
from lib.lab.ranking import places
from lib.records import Latency, Spread
from tests.engine.records import BUSY, latency


def test_places_are_those_of_intervals_that_do_not_overlap():
    clear = [latency("vgg16", 50, p10=49, p90=55), latency("resnet18", 10, p10=9, p90=11),
             latency("resnet34", 20, p10=18, p90=21)]
    assert places(clear) == ["3", "1", "2"]
    close = [*clear, latency("resnet50", 21, p10=20, p90=30)]
    assert places(close) == ["4", "1", "2 to 3", "2 to 3"]
    chain = [latency(ms=middle, p10=middle - 2, p90=middle + 2) for middle in (10, 13, 16)]
    assert places(chain) == ["1 to 2", "1 to 3", "2 to 3"], "the ends of a chain are told apart"


@pytest.mark.parametrize("others", [
    [], [latency("vgg16", 50, load=BUSY)], [latency("vgg16", 50, fluctuation=0.3)], [latency("vgg16", 50, batch=8)]])
def test_nobody_is_placed_alone_or_beside_times_that_bear_nothing(others):
    assert places([latency(), *others]) == [""] * (1 + len(others))


def sweep(*milliseconds: float, **changes: dict) -> list[Latency]:
    """Times at batches 1, 2, 4 ...; `b4={"load": BUSY}` changes that of batch 4."""
    return [latency(batch=2**power, ms=ms, **{"p10": 0.99 * ms, "p90": 1.01 * ms} | changes.get(f"b{2**power}", {}))
            for power, ms in enumerate(milliseconds)]


def test_a_busy_time_in_a_sweep_leaves_no_verdict():
    assert saturation(sweep(10, 10.4, 20, 40)).batch == 2
    told = saturation(sweep(10, 10.4, 20, 40, b1={"load": BUSY}))
    assert told.batch is None and told.doubtful == (1,)


@pytest.mark.parametrize("changes, doubtful", [
    ({"b1": {"fluctuation": 0.5, "p10": 9, "p90": 30}}, ()),  # however it scatters, it is far from nearly all
    ({"b2": {"fluctuation": 0.5, "p10": 10, "p90": 30}}, (2,)),  # it may have reached it or not
    ({"b8": {"fluctuation": 0.5, "p10": 38, "p90": 60}}, (8,)),  # the best itself
    ({"b2": {"figures": 1, "p10": 10.5, "p90": 12}}, (2,))])  # too few digits to tell
def test_times_that_scatter_matter_where_they_decide(changes, doubtful):
    told = saturation(sweep(10, 11, 20.5, 40, **changes))
    assert told.doubtful == doubtful and (told.batch is None) == bool(doubtful)


def test_neither_the_line_nor_a_family_counts_times_that_bear_nothing():
    quiet = [latency("resnet18", 1.0), latency("resnet34", 1.0), latency("vgg16", 1.0)]
    shown = rates([*quiet, latency("mobilenet_v2", 9.0, load=BUSY), latency("googlenet", 9.0, fluctuation=0.5),
                   latency("vgg19", 9.0, load=BUSY)])
    assert len(shown) == 6 and against_macs.common(shown) == 1.0 and outliers(shown) == []
    assert [rate.latency.preset for rate in against_macs.sound(shown)] == ["resnet18", "resnet34", "vgg16"]
    assert [outlier.family.id for outlier in outliers(rates([*quiet, latency("mobilenet_v2", 9.0)]))] == ["mobilenet_v2"]


def test_where_all_are_busy_nothing_is_concluded():
    shown = rates([latency("resnet18", 1.0, load=BUSY), latency("mobilenet_v2", 9.0, load=BUSY)])
    assert len(shown) == 2 and outliers(shown) == []


def figures_of(number: float) -> int:
    """Significant figures of a number as it is written."""
    return len(f"{number:e}".partition("e")[0].replace(".", "").strip("-").rstrip("0")) or 1


def test_tables_and_files_hold_no_more_digits_than_the_times_bear():
    times = [24.13, 24.98, 23.7, 26.12, 24.42, 25.0, 24.2, 24.9, 25.3, 24.6]
    own = latency(batch=8, throughput=331.234567).model_copy(update={
        "latency_ms": Spread.of(times), "repetitions_ms": tuple(times)})
    borne = own.latency_ms.figures
    assert borne == 3
    shown, written = table([own]).iloc[0], pd.read_csv(io.StringIO(csv([own]))).iloc[0]
    numbers = [shown[name] for name in ("median", "p10", "p90", "throughput", "gflops")]
    numbers += [written[name] for name in ("median_ms", "p10_ms", "p90_ms", "throughput", "flop_per_second")]
    kept = json.loads(as_json([own]))[0]["latency_ms"]
    numbers += [kept[name] for name in ("median", "p10", "p90")]
    assert all(figures_of(float(number)) <= borne for number in numbers) and written["figures"] == borne
    assert (shown["median"], shown["p10"], shown["p90"]) == (24.8, 24.1, 25.4)


def test_files_say_what_the_machine_did():
    rows = pd.read_csv(io.StringIO(csv([latency(), latency("vgg16", load=BUSY), latency("vgg11", fluctuation=0.4),
                                        latency("vgg13", load=None)])))
    assert list(rows["machine"]) == ["quiet", "busy", "scattered", "unknown"]
    assert list(rows["load_others"])[:2] == [0.0, 4.0] and machine(latency()) == "quiet"
