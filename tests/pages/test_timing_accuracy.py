"""The tab “Accuracy for time”, with records made by hand, and with those that come with the app."""

from math import inf

import pandas as pd
import pytest

from lib.lab import catalogue, shipped
from lib.lab.catalogue import Sweep
from lib.lab.jobs import Job
from lib.lab.lab import lab
from lib.records import Setting
from lib.ui.lab.running import Outcome, Slot
from tests.engine.records import BUSY, latency
from tests.pages.app import address, checked, open_page
from tests.pages.test_timing_scatter import finished, sweeps  # noqa: F401  a fixture

FOUND = [latency("shufflenet_v2_x0_5", 8.0), latency("resnet18", 28.0), latency("alexnet", 30.0), latency("resnet50", 70.0),
         latency("lenet5", 1.0), latency("vgg16", 200.0)]
"""Of torchvision's first weights resnet50 is the most accurate, and alexnet and vgg16 are beaten."""


@pytest.fixture
def timed(sweeps, nothing_shipped):  # noqa: F811
    """A sweep that has found these times."""
    sweep = finished(sweeps)
    sweep.presets, sweep.found = tuple(found.preset for found in FOUND), list(FOUND)
    return sweep


def texts(app) -> str:
    return "\n".join(shown.value for shown in (*app.markdown, *app.caption)).replace("\\", "")


def table(app) -> pd.DataFrame:
    return next(shown.value for shown in app.dataframe if "best" in shown.value.columns)


def opened(protocol: str = "torchvision 224"):
    app = open_page("timing", view="accuracy")
    return checked(app.button_group(key="timing_protocol").set_value(protocol).run())


def test_it_opens_by_its_link_with_the_commonest_protocol(timed):
    app = open_page("timing", view="accuracy")
    assert address(app)["view"] == "accuracy"
    assert app.button_group(key="timing_protocol").value == "paper 224"
    assert list(table(app)["network"]) == ["shufflenet_v2_x0_5", "resnet18"]
    assert set(table(app)["protocol"]) == {"Paper, 224 px"}


def test_table_and_sentences_name_the_best(timed):
    app = opened()
    rows = table(app)
    assert list(rows["network"]) == ["shufflenet_v2_x0_5", "resnet18", "alexnet", "resnet50", "vgg16"]
    assert list(rows["best"]) == ["best", "best", "", "best", ""]
    assert list(rows["ms"]) == [8.0, 28.0, 30.0, 70.0, 200.0] and rows["top1"][3] == 76.13
    assert set(rows["device"]) == {"A CPU"} and set(rows["source"]) == {"torchvision, IMAGENET1K_V1"}
    shown = texts(app)
    assert ("**shufflenet_v2_x0_5** (60.552 %, 8.00 ms), **resnet18** (69.758 %, 28.0 ms), "
            "**resnet50** (76.13 %, 70.0 ms).") in shown
    assert "The most accurate here is **resnet50**: 76.13 % top-1 in 70.0 ms" in shown
    assert "without a published accuracy under this protocol: 1." in shown and "6 networks were timed" in shown


@pytest.mark.parametrize("limit, said", [
    (30.0, "Within **30 ms** an image, the most accurate here is **resnet18**: 69.758 % top-1 in 28.0 ms"),
    (10.0, "Within **10 ms** an image, the most accurate here is **shufflenet_v2_x0_5**"),
    (inf, "The most accurate here is **resnet50**")])
def test_within_a_time_the_most_accurate_is_named(timed, limit, said):
    app = opened()
    checked(app.select_slider(key="timing_within").set_value(limit).run())
    assert said in texts(app) and len(table(app)) == 5


def test_where_only_a_busy_time_keeps_the_limit_none_is_named(timed):
    timed.found[0] = latency("shufflenet_v2_x0_5", 8.0, load=BUSY)
    app = opened()
    assert "1 of 5 times bear no conclusion" in texts(app) and list(table(app)["best"])[0] == ""
    checked(app.select_slider(key="timing_within").set_value(10.0).run())
    assert "No network here takes at most **10 ms** an image." in texts(app)
    timed.found[:] = [latency("resnet18", 28.0, load=BUSY)]
    app = opened()
    assert "none is called the best" in texts(app) and "**Best trade-offs**" not in texts(app)


def test_choices_come_back(timed):
    app = opened()
    checked(app.select_slider(key="timing_within").set_value(30.0).run())
    app.switch_page("../../pages/compare.py")
    checked(app.run())
    app.switch_page("../../pages/timing.py")
    checked(app.run())
    assert "Within **30 ms**" in texts(app) and app.button_group(key="timing_protocol").value == "torchvision 224"


def test_a_protocol_of_no_timed_network_says_so(timed):
    app = opened("paper 299")
    assert "No network that was timed here has an accuracy under this protocol." in texts(app)
    assert not app.dataframe


def test_what_was_published_of_a_variant_is_named(timed):
    assert "which was not timed: resnet50 with Stride in the 1x1: on." in texts(opened("paper 224"))


def test_one_s_own_run_of_turned_knobs_joins_nothing(sweeps, nothing_shipped):  # noqa: F811
    app = open_page("timing", view="accuracy", a="resnet18")
    device = next(iter(lab().lines.values())).worker.device
    job = Job(kind="latency", networks=({"preset": "resnet18"},), setting=Setting())
    found = [latency("resnet18", 28.0), latency("resnet18", 14.0, num_classes=10)]
    app.session_state["timing_slots"] = {"latency": Slot(last=Outcome(job, device, found))}
    checked(app.run())
    assert list(table(app)["ms"]) == [28.0] and "under this protocol: 1." in texts(app)


def test_the_catalogue_can_be_timed_from_here(sweeps, nothing_shipped, monkeypatch):  # noqa: F811
    started = []
    monkeypatch.setattr(Sweep, "start", lambda self: started.append(self) or self)
    app = open_page("timing", view="accuracy")
    assert "**Time the networks** measures the catalogue" in texts(app) and not app.dataframe
    checked(app.button(key="scatter_start").click().run())
    (sweep,) = started
    assert sweep is next(iter(catalogue._sweeps.values())) and sweep.running


def test_without_times_here_it_shows_a_run_of_such_a_device(sweeps):  # noqa: F811
    app = open_page("timing", view="accuracy")
    chosen = next(run for run in shipped.catalogues() if run.id == app.selectbox(key="scatter_shipped").value)
    assert chosen.device == "cpu" and "Not measured here." in "".join(info.value for info in app.info)
    assert len(table(app)) == 43 and set(table(app)["device"]) == {chosen.device_name}
