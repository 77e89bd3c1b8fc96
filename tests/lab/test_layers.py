"""Operations timed one by one: the same as were analysed, adding up to the whole; their traffic; the measured roof."""

import math
import time

import pandas as pd
import pytest
import torch
from msgspec.structs import replace
from torch import nn
from torch.nn import functional as F

from lib.analysis import measure as places
from lib.analysis import traffic
from lib.architecture import Impossible, Stage
from lib.digits import unit
from lib.figures.lab_layers import roofline, shares
from lib.figures.theme import LIGHT
from lib.lab import layer_tables, layers, peaks
from lib.lab.peaks import Peaks
from lib.meta import on_meta
from lib.records import Network, Setting, Spread
from lib.timing import Clock, Contender, Surroundings, found
from lib.trace import record

ONE_THREAD = Setting(threads=1)
RESNET18 = Network(preset="resnet18", changed={"input_size": 112})  # a pass so short that it is seldom interrupted


class Census(nn.Module):
    """One of each: a grouped convolution with bias, a norm, an in-place and a writing activation, pooling, views, a sum."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(4, 6, 3, padding=1, groups=2)
        self.norm = nn.BatchNorm2d(6)
        self.quiet = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.Dropout()
        self.linear = nn.Linear(6 * 16, 5, bias=False)

    def forward(self, x):
        x = self.quiet(self.norm(self.convolution(x)))
        x = F.relu(x) + x
        x = torch.cat([self.pool(x), self.pool(x)], dim=1)[:, :6]
        return self.linear(self.drop(torch.flatten(x, 1)))


@pytest.fixture(scope="module")
def ops():
    with on_meta():
        recorded = record(Census(), (1, 4, 8, 8))
    return places(recorded, (Stage("all"),))


def test_bytes_moved_by_hand(ops):
    """Three images in bfloat16: numbers in, out and stored, counted by hand."""
    image, maps, pooled = 4 * 64, 6 * 64, 6 * 16
    numbers = {"conv2d": 3 * (image + maps) + 6 * 2 * 9 + 6, "batch_norm": 3 * 2 * maps + 4 * 6,
               "add": 3 * 3 * maps, "max_pool2d": 3 * (maps + pooled), "cat": 3 * 4 * pooled,
               "getitem": 0, "flatten": 0, "dropout": 0, "linear": 3 * (96 + 5) + 96 * 5, "relu": 3 * 2 * maps}
    assert {op.kind for op in ops} == set(numbers)
    for op in ops:
        assert traffic.bytes_moved(op, 3, 2) == 2 * numbers[op.kind], op.name


def test_bytes_moved_as_tensors_really_are():
    """ResNet-18's convolutions and linear layer: the bytes of the tensors that hooks see, at batch 2."""
    network = Network(preset="resnet18", changed={"input_size": 32})
    setting = Setting(batch=2)
    contender, seen = Contender(network, setting), {}

    def census(name):
        def hook(module, inputs, output):
            seen[name] = sum(t.nbytes for t in (*inputs, output, *module.parameters()))
        return hook
    for name, module in contender.model.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(census(name))
    contender()
    counted = {op.path: traffic.bytes_moved(op, 2, 4) for op in contender.analysis.ops if op.kind in ("conv2d", "linear")}
    assert counted == seen and len(seen) == 21


def test_intensity_by_hand(ops):
    convolution = next(op for op in ops if op.kind == "conv2d")
    outputs = 6 * 64
    flops = 2 * outputs * 2 * 9 + outputs  # a bias added to each output
    assert traffic.operations(convolution, 5) == 5 * flops
    assert traffic.intensity([convolution], 5, 4) == pytest.approx(5 * flops / (4 * (5 * (256 + outputs) + 114)))
    concatenation, view = (next(op for op in ops if op.kind == kind) for kind in ("cat", "flatten"))
    assert traffic.intensity([concatenation], 5, 4) == 0
    assert traffic.intensity([view], 5, 4) is None
    assert traffic.intensity([replace(convolution, macs=None)], 5, 4) is None


@pytest.mark.parametrize("level", traffic.LEVELS)
def test_every_level_holds_every_operation_once(level):
    analysis = Network(preset="googlenet").analysis()
    table = traffic.table(analysis, level, 2, 4)
    assert table["operations"].sum() == len(analysis.ops)
    assert table["macs"].sum() == 2 * analysis.macs
    assert table["macs_share"].sum() == pytest.approx(1) and table["bytes_share"].sum() == pytest.approx(1)


def test_the_stopwatch_sees_the_operations_that_were_analysed():
    """Groups, branches, splits, a sum over a radix: on tensors with numbers, in the same order as the recorder saw."""
    for preset in ("googlenet", "mobilenet_v2", "resnest50d", "shufflenet_v2_x0_5"):
        contender = Contender(Network(preset=preset, changed={"input_size": 64}), ONE_THREAD)
        each = layers.watch(contender, Clock(ONE_THREAD)).once()
        assert each.kinds == [op.kind for op in contender.analysis.ops]
        assert len(each.laps) == len(each.kinds) and all(lap > 0 for lap in each.laps)
        assert math.fsum(each.laps) < each.whole


def test_the_stopwatch_gives_a_lap_its_own_time():
    """Of a small and a much larger product the larger takes longer, each at its quickest: a pass may be interrupted."""
    small, large = torch.ones(8, 8), torch.ones(512, 512)
    watched = layers.watch(lambda: (torch.mm(small, small), torch.mm(large, large), small.shape), Clock(ONE_THREAD))
    passes = [watched.once() for _ in range(10)]
    assert all(each.kinds == ["mm", "mm"] for each in passes)
    quickest = [min(laps) for laps in zip(*(each.laps for each in passes))]
    assert quickest[1] > quickest[0]


def together(record) -> bool:
    """Whether the operations of the middle pass take as long as the middle plain pass, by 15 %."""
    return abs(record.together_ms.median / record.whole_ms.median - 1) < 0.15


@pytest.fixture(scope="module")
def times():
    """ResNet-18, again if the machine was busier with plain passes than with those under the stopwatch, or less so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peaks, "LARGEST_COPY", 8 << 20)
        for _ in range(6):
            steps = []
            [record] = found(layers.measure(RESNET18, ONE_THREAD, 0.3), steps.append)
            if together(record):
                break
    return record, steps


def test_the_layers_of_resnet18_add_up_to_the_whole(times):
    """The sum of a pass does; the medians do too, unless other programs interrupt every pass, and then that is said."""
    record, _steps = times
    assert together(record)
    ratio = sum(spread.median for spread in record.layer_ms) / record.whole_ms.median
    assert abs(ratio - 1) < 0.15 or record.reason in ("interruptions", "drift")


def test_a_measurement_says_how_far_it_is(times):
    _record, steps = times
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1


def test_the_parts_add_up_to_the_layers(times):
    record, _steps = times
    analysis = RESNET18.analysis()
    assert record.names == tuple(op.name for op in analysis.ops)
    for level in traffic.LEVELS:
        table = layer_tables.timed_table(analysis, level, record)
        borne = [record.figures_of(part.ops) for part in traffic.parts(analysis, level)]
        for column, whole in (("ms", record.sum_ms), ("ms_share", 1)):  # each is rounded to what it bears
            assert table[column].sum() == pytest.approx(whole, abs=sum(map(unit, table[column], borne)) / 2)
    layer, borne = layer_tables.timed_table(analysis, "layer", record).iloc[0], record.layer_ms[0].figures
    assert layer["speed"] == float(f"{2 * 64 * 56 * 56 * 3 * 49 / record.layer_ms[0].median / 1e6:.{borne}g}")


def test_convolutions_take_most_of_resnet18(times):
    record, _steps = times
    kinds = layer_tables.timed_table(RESNET18.analysis(), "kind", record).set_index("part")
    assert kinds["ms"].idxmax() == "conv2d" and kinds["ms_share"]["conv2d"] > 0.5


def test_a_record_is_kept_whole(times):
    record, _steps = times
    assert layers.LayerTimes.model_validate_json(record.model_dump_json()) == record
    lines = layer_tables.csv(RESNET18.analysis(), record).splitlines()
    assert len(lines) == 1 + len(record.names) and "torch" in lines[0] and torch.__version__ in lines[1]


def test_pictures_hold_the_numbers(times):
    record, _steps = times
    rows = layer_tables.timed_table(RESNET18.analysis(), "layer", record)
    drawn = roofline.__wrapped__(rows, record.peaks.flop_per_second, record.peaks.bytes_per_second, LIGHT)
    dots = [trace for trace in drawn.data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in dots) == (rows["flops"] > 0).sum()
    assert len({trace.marker.symbol for trace in dots}) == len(dots)
    top = next(trace for trace in drawn.data if trace.name == "measured roof")
    assert max(top.y) == pytest.approx(record.peaks.flop_per_second / 1e9)
    few = layer_tables.largest(rows, 5)
    assert [bar.name for bar in shares.__wrapped__(few, LIGHT).data] == ["time", "MACs", "bytes moved"]
    assert set(few["ms"]) == set(sorted(rows["ms"])[-5:]) and list(few.index) == sorted(few.index)


def fake(**changes):
    """A record of one operation, to say what follows from numbers."""
    one = Spread(median=1.0, p10=1.0, p90=1.0)
    values = {"preset": "resnet18", "device": "cpu", "batch": 1, "dtype": "float32", "input_size": 224, "names": ("a",),
              "layer_ms": (one,), "whole_ms": one, "watched_ms": one, "together_ms": one, "ready_ms": None,
              "stopwatch_ms": 0.0, "between_ms": 0.0, "environment": {}, "repetitions_ms": (1.0,), "protocol": {
                  "clock": "", "synchronised": "", "warm_up": 5, "stable": True, "repetitions": 1},
              "peaks": Peaks(flop_per_second=100e9, matrix_side=256, bytes_per_second=10e9, copy_bytes=1)}
    return layers.LayerTimes.model_validate(values | changes)


def spread(value):
    return Spread(median=value, p10=value, p90=value)


@pytest.mark.parametrize("changes, reason", [
    ({"whole_ms": spread(1.1)}, ""),
    ({"whole_ms": spread(2.0), "between_ms": 0.9}, "between"),
    ({"whole_ms": spread(2.0), "together_ms": spread(1.9), "between_ms": 0.1}, "interruptions"),
    ({"whole_ms": spread(2.0), "together_ms": spread(1.2), "between_ms": 0.2}, "drift"),
    ({"whole_ms": spread(0.5), "stopwatch_ms": 0.4}, "stopwatch"), ({"whole_ms": spread(0.5)}, "drift"),
    ({"whole_ms": spread(9.0), "ready_ms": spread(0.7), "stopwatch_ms": 0.25}, ""),
    ({"whole_ms": spread(9.0), "ready_ms": spread(0.7), "stopwatch_ms": 0.5}, "events"),
    ({"whole_ms": spread(9.0), "ready_ms": spread(0.3), "stopwatch_ms": 0.1}, "drift")])
def test_the_reason_is_the_largest_part_of_the_gap(changes, reason):
    record = fake(**changes)
    assert record.reason == reason
    assert sum(record.gap_parts.values()) == pytest.approx(record.gap_ms)


def test_the_roof():
    roof = Peaks(flop_per_second=100e9, matrix_side=256, bytes_per_second=10e9, copy_bytes=1)
    assert roof.ridge == 10
    assert roof.roof(4) == 40e9 and roof.roof(40) == 100e9
    assert [roof.limit(each) for each in (0, 9.9, 10, None)] == ["memory", "memory", "compute", "unknown"]


def test_layers_above_the_roof_are_counted_and_not_clipped():
    rows = pd.DataFrame({
        "part": ["a", "b", "c"], "kind": ["conv2d", "relu", "cat"], "flops": [100, 10, 0], "ms": [1.0, 1.0, 2.0],
        "ms_share": [0.25, 0.25, 0.5], "intensity": [50.0, 0.1, 0.0], "speed": [50.0, 3.0, 0.0],
        "roof": [100.0, 1.0, 0.0], "limit": ["compute", "memory", "memory"]})
    seen = layer_tables.under_the_roof(rows)
    assert (seen.memory, seen.memory_share, seen.compute, seen.silent, seen.silent_ms) == (2, 0.75, 1, 1, 2.0)
    assert (seen.above, seen.farthest, seen.farthest_layer) == (1, 3.0, "b")
    dots = [trace for trace in roofline.__wrapped__(rows, 100e9, 10e9, LIGHT).data if trace.mode == "markers"]
    assert {trace.y[0] for trace in dots} == {50.0, 3.0}


def test_the_peaks_are_the_best_of_what_was_timed(monkeypatch):
    """With a clock that always says 40 ms: 2 · 256³ FLOPs and twice the copied bytes in that time."""
    clock = Clock(Setting())
    monkeypatch.setattr(clock, "milliseconds", lambda work: 40.0)
    monkeypatch.setattr(peaks, "LARGEST_COPY", 1 << 20)
    [measured] = found(peaks.measure(Setting(), clock))
    assert measured.flop_per_second == float(f"{2 * 256**3 / 0.040:.3g}") and measured.matrix_side == 256
    assert measured.bytes_per_second == float(f"{2 * 2**20 / 0.040:.3g}") and measured.copy_bytes == 2**20


@pytest.mark.parametrize("mode", ["compile", "cuda_graph"])
def test_only_eager_passes_have_layers_to_time(mode):
    with pytest.raises(Impossible, match="eager"):
        next(layers.measure(Network(preset="resnet18"), Setting(mode=mode), 0.1))


class Event:
    """A GPU's event, played by the CPU's clock."""

    def __init__(self, enable_timing=False, external=False):
        self.external = external

    def record(self):
        self.time = time.perf_counter()

    def elapsed_time(self, other):
        return 1e3 * (other.time - self.time)


def test_on_a_gpu_a_pass_is_recorded_with_its_events(monkeypatch):
    """The path of a GPU, played on the CPU: every replay sets the same events anew, and two plain passes stand beside it."""
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *device: None)
    monkeypatch.setattr(layers, "captured", lambda run: (run(), run)[1])
    monkeypatch.setattr(Clock, "_by_events", Clock._by_timer)
    clock = Clock(ONE_THREAD)
    clock.kind = "cuda"
    contender = Contender(Network(preset="lenet5"), ONE_THREAD)
    watched = layers.watch(contender.eager, clock)
    first, second = watched.once(), watched.once()
    assert isinstance(watched, layers.Recorded) and all(start.external for start, _ in watched.stopwatch.laps)
    assert first.kinds == second.kinds == [op.kind for op in contender.analysis.ops] and first.laps != second.laps
    assert math.fsum(second.laps) < second.whole
    roof = Peaks(flop_per_second=1e9, matrix_side=1, bytes_per_second=1e9, copy_bytes=1)
    around = Surroundings(ONE_THREAD)
    around.look()
    *_, last = layers._rounds(contender, clock, roof, around, 5)
    assert last.found.ready_ms.median > 0 and last.found.protocol.clock == "torch.cuda.Event"
