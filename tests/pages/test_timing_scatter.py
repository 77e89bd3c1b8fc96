"""The tabs “MACs against time” and “Batch sweep”, with records made by hand instead of measurements."""

from io import StringIO

import pandas as pd
import pytest

from lib.lab import catalogue
from lib.lab.against_macs import rates
from lib.lab.catalogue import Sweep
from lib.lab.jobs import Job
from lib.lab.lab import lab
from lib.limits import limits
from lib.records import Setting
from lib.ui.lab import many
from lib.ui.lab.running import Outcome, Slot
from tests.engine.records import BUSY, latency
from tests.pages.app import as_visitor, checked, open_page

pytestmark = pytest.mark.usefixtures("nothing_shipped")

FOUND = [latency("resnet18", 20.0, 2 * 10**9), latency("vgg16", 150.0, 15 * 10**9), latency("mobilenet_v2", 12.0, 3 * 10**8)]
"""10 ms per GMAC, 10, and 40."""


@pytest.fixture
def sweeps(monkeypatch):
    """The sweeps of the process, empty for a test."""
    found: dict[str, Sweep] = {}
    monkeypatch.setattr(catalogue, "_sweeps", found)
    return found


def finished(sweeps, **more) -> Sweep:
    """A sweep of three networks that has come to its end, on the first device."""
    line = next(iter(lab().lines.values()))
    sweep = sweeps[line.worker.device.key] = Sweep(line, Setting(**more), "catalogue")
    sweep.presets, sweep.found = tuple(found.preset for found in FOUND), list(FOUND)
    return sweep


def texts(app) -> str:
    return "\n".join(shown.value for shown in (*app.markdown, *app.caption))


def tables(app) -> list[pd.DataFrame]:
    return [table.value for table in app.dataframe]


def test_without_times_it_shows_what_the_traces_hold(sweeps):
    app = open_page("timing", view="macs", a="mobilenet_v2")
    (table,) = tables(app)
    assert list(table["network"]) == ["mobilenet_v2"] and table["holds"][0] == "depthwise convolutions"
    assert "Time the networks" in texts(app)


def test_families_far_from_their_macs_are_named(sweeps):
    finished(sweeps)
    app = open_page("timing", view="macs")
    shown = texts(app)
    assert "takes **4.0 times as long** as its MACs say" in shown and "depthwise convolutions" in shown
    assert "**10 ms**" in shown and shown.count("times as long") == 1
    table = tables(app)[0]
    assert table["network"][0] == "mobilenet_v2"
    assert list(table["factor"]) == [4.0, 1.0, 1.0]


def test_times_of_a_busy_machine_are_drawn_and_nothing_is_said_of_them(sweeps):
    sweep = finished(sweeps)
    sweep.found[-1] = latency("mobilenet_v2", 12.0, 3 * 10**8, load=BUSY)
    app = open_page("timing", view="macs")
    assert "times as long" not in texts(app) and "1 of 3 times bear no conclusion" in texts(app)
    assert "That holds for 1 of 3 times" in app.warning[0].value
    assert list(tables(app)[0]["machine"]) == ["busy", "quiet", "quiet"]


def test_a_sweep_at_another_setting_says_so(sweeps):
    finished(sweeps, batch=8)
    assert "another setting" in texts(open_page("timing", view="macs"))
    assert "another setting" not in texts(open_page("timing", view="macs", batch="8"))


def test_failures_are_listed(sweeps):
    sweep = finished(sweeps)
    sweep.failures, sweep.presets = {"vgg19": "vgg19 does not fit."}, (*sweep.presets, "vgg19")
    assert ["vgg19", "vgg19 does not fit."] in [list(row) for row in tables(open_page("timing", view="macs"))[-1].values]


def test_the_button_starts_a_sweep_of_the_chosen_scope_and_stop_ends_it(sweeps, monkeypatch):
    started = []
    monkeypatch.setattr(Sweep, "start", lambda self: started.append(self) or self)
    app = open_page("timing", view="macs", batch="2")
    checked(app.segmented_control(key="timing_scope").set_value("catalogue").run())
    checked(app.button(key="scatter_start").click().run())
    (sweep,) = started
    assert (sweep.scope, sweep.setting.batch, sweep.running) == ("catalogue", 2, True)
    assert app.button(key="scatter_start").disabled
    checked(app.button(key="scatter_stop").click().run())
    assert sweep.stopped and not app.button(key="scatter_start").disabled


def test_only_who_has_begun_a_sweep_stops_it_and_others_see_since_when_it_runs(sweeps, monkeypatch):
    monkeypatch.setattr(Sweep, "start", lambda self: self)
    mine = open_page("timing", view="macs")
    checked(mine.button(key="scatter_start").click().run())
    (sweep,) = sweeps.values()
    with as_visitor("another"):
        app = open_page("timing", view="macs")
        assert not [button for button in app.button if button.key == "scatter_stop"]
        assert f"A sweep runs on this device since {sweep.began:%Y-%m-%d %H:%M} (UTC)" in texts(app)
        app.session_state["key_known"] = True
        checked(checked(app.run()).button(key="scatter_stop").click().run())
        assert sweep.stopped
    assert "A sweep runs on this device" not in texts(mine)


def test_where_it_is_not_allowed_the_button_is_greyed_with_the_reason(sweeps, monkeypatch):
    monkeypatch.setattr(many, "limits", lambda: limits().model_copy(update={"catalogue_sweep": False}))
    app = open_page("timing", view="macs")
    assert app.button(key="scatter_start").disabled and "catalogue_sweep" in texts(app)


def test_what_the_csv_holds():
    ordered = rates(FOUND)
    table = pd.DataFrame({"network": [rate.latency.label for rate in ordered]})
    read = pd.read_csv(StringIO(many.csv(table, [rate.latency for rate in ordered])))
    assert list(read["network"])[0] == "mobilenet_v2" and set(read["host"]) == {"here"} and set(read["repetitions"]) == {10}


def test_a_batch_sweep_without_a_run_shows_the_work_of_each_batch(sweeps):
    app = open_page("timing", view="sweep", a="resnet18")
    app.select_slider(key="timing_largest_batch").set_value(4)
    (table,) = tables(checked(app.run()))
    assert list(table.iloc[:, 0]) == [1, 2, 4]
    assert list(table.iloc[:, 1] / table.iloc[0, 1]) == [1, 2, 4]
    assert "**Run the sweep** adds" in texts(app)


def test_a_batch_sweep_names_the_batch_that_saturates(sweeps):
    app = open_page("timing", view="sweep", a="resnet18")
    found = [latency("resnet18", ms, batch=batch) for batch, ms in ((1, 10.0), (2, 10.0), (4, 20.0), (8, 40.0))]
    device = next(iter(lab().lines.values())).worker.device
    job = Job(kind="latency", networks=({"preset": "resnet18"},), setting=Setting(), batches=(1, 2, 4, 8))
    app.session_state["timing_slots"] = {"sweep": Slot(last=Outcome(job, device, found))}
    shown = texts(checked(app.run()))
    assert "at **batch 2**; its best throughput is 200 images a second" in shown
    assert list(tables(app)[-1]["batch"]) == [1, 2, 4, 8] and not app.warning
    found[3] = latency("resnet18", 40.0, batch=8, load=BUSY)
    shown = texts(checked(app.run()))
    assert "no verdict. At batch 8" in shown and "saturates" not in shown and app.warning
    assert app.button(key="run_sweep").label == "Run again"
