"""The panel that times layers: what it shows before a run, after one, and where there is nothing to time."""

import pytest
from streamlit.testing.v1 import AppTest

from lib.devices import Device
from lib.figures.lab_layers import SHARES
from lib.lab.jobs import Job
from lib.lab.layers import LayerTimes
from lib.lab.peaks import Peaks
from lib.records import Network, Protocol, Setting, Spread
from lib.ui.lab.running import Outcome, Slot
from tests.engine.records import BUSY
from tests.pages.app import checked, open_page

NETWORK = Network(preset="resnet18")


pytestmark = pytest.mark.usefixtures("nothing_shipped")


@pytest.fixture
def app() -> AppTest:
    return open_page("timing", a="resnet18", view="layers")


def spread(value: float) -> Spread:
    return Spread(median=value, p10=value, p90=value)


def times(whole: float, **changes) -> LayerTimes:
    """A record in which each of the 69 operations takes 2 ms."""
    names = tuple(op.name for op in NETWORK.analysis().ops)
    values = {
        "preset": "resnet18", "device": "cpu", "batch": 1, "dtype": "float32", "input_size": 224, "names": names,
        "layer_ms": tuple(spread(2.0) for _ in names), "whole_ms": spread(whole), "watched_ms": spread(whole + 1),
        "together_ms": spread(138.0), "ready_ms": None, "stopwatch_ms": 0.01, "between_ms": 1.0,
        "peaks": Peaks(flop_per_second=100e9, matrix_side=1024, bytes_per_second=10e9, copy_bytes=1 << 28),
        "protocol": Protocol(clock="a clock", synchronised="waits", warm_up=10, stable=True, repetitions=10),
        "environment": {"device_name": "A CPU", "threads": 1, "torch": "2", "date": "today"}, "repetitions_ms": (whole,)}
    return LayerTimes.model_validate(values | changes)


def after(app: AppTest, record: LayerTimes) -> AppTest:
    """The page as it is when a run has found this record."""
    device = Device(id="cpu", name="A CPU", memory_bytes=1, cores=1, host="here")
    job = Job(kind="layers", networks=(NETWORK,), setting=Setting())
    app.session_state["timing_slots"] = {"layers": Slot(last=Outcome(job, device, [record]))}
    return checked(app.run())


def test_before_a_run_the_computed_part_is_there(app):
    assert "Time the layers" in app.info[0].value
    table = app.dataframe[0].value
    assert table["macs"].sum() == NETWORK.analysis().macs == 1_814_073_344  # as torchvision publishes: 1.814 GMACs
    assert "ms" not in table and len(app.dataframe) == 1
    assert [button.key for button in app.button if button.key.startswith("run_")] == ["run_layers"]


def test_rows_are_stages_blocks_layers_or_kinds(app):
    rows = {}
    for level in ("stage", "layer", "kind", "block"):
        app.segmented_control(key="layers_level").set_value(level)
        rows[level] = checked(app.run()).dataframe[0].value
    assert len(rows["layer"]) == 69 and len(rows["kind"]) == 8
    assert set(rows["block"]["part"]) >= {f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)}
    assert all(frame["macs"].sum() == rows["layer"]["macs"].sum() for frame in rows.values())


def test_after_a_run_the_times_stand_beside(app):
    after(app, times(140.0))
    assert "138.0 ms" in app.success[0].value and "140.0 ms" in app.success[0].value and not app.warning
    blocks, layers = (element.value for element in app.dataframe)
    assert blocks["ms"].sum() == pytest.approx(138) and layers["ms"].sum() == pytest.approx(138)
    assert {f"{name}_share" for name in ("ms", "macs", "bytes")} == set(SHARES) <= set(blocks)
    assert set(layers["limit"]) == {"memory", "compute", "moves nothing"}


@pytest.mark.parametrize("record, reason", [
    (times(200.0, between_ms=60.0), "Python calls modules"),
    (times(200.0, together_ms=spread(190.0)), "are interruptions"),
    (times(200.0, ready_ms=spread(100.0), stopwatch_ms=0.2), "stopwatch takes about as long as a small operation"),
    (times(100.0, stopwatch_ms=0.5), "stopwatch itself"), (times(100.0), "not equally busy")])
def test_where_the_layers_do_not_add_up_the_reason_is_said(app, record, reason):
    after(app, record)
    assert not app.success and reason in app.warning[0].value and "more than 15%" in app.warning[0].value


def test_on_a_gpu_the_layers_add_up_to_the_pass_that_lies_ready(app):
    """Each of 69 operations takes 2 ms, 0.5 ms of them the stopwatch's: 103.5 ms, of a pass that takes 200 as one runs it."""
    after(app, times(200.0, ready_ms=spread(105.0), stopwatch_ms=0.5, between_ms=95.0))
    said = app.success[0].value
    assert "103.5 ms" in said and "105.0 ms" in said and "lie ready on the GPU" in said and "99% of the whole" in said
    told = "\n".join(block.value for block in app.markdown)
    assert "the pass takes 200.0 ms" in told and "For 95 ms of these the GPU waits" in told and not app.warning


def test_on_a_busy_machine_no_verdict_is_given(app):
    after(app, times(140.0, load=BUSY))
    assert not app.success and len(app.warning) == 1 and "no conclusion is drawn" in app.warning[0].value
    assert any("138.0 ms together" in block.value for block in app.markdown)
    assert app.button(key="run_layers").label == "Run again"
