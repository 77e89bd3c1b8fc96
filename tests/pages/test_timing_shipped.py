"""Without a run of one's own the page shows those that come with the app, and says so: GPU beside CPU, in every tab."""

import pytest

from lib.lab import shipped, store
from lib.records import Network, Setting
from tests.engine.records import latency
from tests.pages.app import checked, open_page

DEVICES = {row.device_name for row in store.shipped().values()}


def told(app) -> str:
    blocks = [block.value for kind in ("info", "markdown", "caption", "warning") for block in getattr(app, kind)]
    return "\n".join(blocks).replace("\\", "")


def frame(app, column: str):
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def test_a_gpu_and_a_cpu_come_with_the_app_each_with_its_sentence():
    runs = [row.run() for row in store.shipped().values()]
    assert {run.device.partition(":")[0] for run in runs} == {"cpu", "cuda"}
    assert all(run.note and run.taken and run.host for run in runs)
    assert not any(run.disturbed for run in runs if run.device == "cpu"), "the CPU was quiet"
    assert {len(run.found) for run in shipped.catalogues() if run.device == "cpu"} == {137}


def test_networks_stand_beside_each_other_on_all_devices():
    app = open_page("timing", a="resnet50", b="vgg16")
    rows = frame(app, "Run as")
    assert set(rows["Device"]) == DEVICES and set(rows["Network"]) == {"resnet50", "vgg16"} and len(rows) == 2 * len(DEVICES)
    assert "Not measured here." in told(app) and all(name in told(app) for name in DEVICES)
    assert "not here: " in told(app) and "did not all run in the same way" not in told(app)
    unlike = open_page("timing", a="resnet50", b="lenet5", batch="32")
    assert len(set(frame(unlike, "Run as")["Run as"])) > 1 and "did not all run in the same way" in told(unlike)


@pytest.mark.parametrize("setting, expected", [
    (Setting(), ("float32", "eager", 1)), (Setting(batch=32), ("float32", "eager", 32)),
    (Setting(dtype="bfloat16", channels_last=True, batch=20), ("bfloat16", "eager", 16)),
    (Setting(mode="cuda_graph", batch=4), ("float32", "cuda_graph", 1))])
def test_of_several_times_the_most_alike_is_shown(setting, expected):
    found = dict((run.device, own) for run, own in shipped.nearest((Network(preset="resnet50"),), setting))
    [own] = found["cuda:0"]
    assert (own.dtype, own.protocol.mode, own.batch) == expected
    assert found["cpu"][0].preset == "resnet50"


def test_changed_networks_are_shown_as_the_catalogue_has_them():
    app = open_page("timing", a="resnet18", **{"a.width": "32"})
    assert set(frame(app, "Run as")["Network"]) == {"resnet18"} and "as they stand in the catalogue" in told(app)


def test_the_sweep_shows_one_of_each_device():
    app = open_page("timing", a="resnet18", view="sweep")
    verdicts = [block.value for block in app.markdown if block.value.startswith("**` resnet18 `**")]
    assert len(verdicts) == len(DEVICES) and "Not measured here." in told(app)
    rows = frame(app, "throughput")
    assert {name.partition(",")[0] for name in rows["network"]} == {"resnet18"}
    others = open_page("timing", a="lenet5", view="sweep")
    assert {name.partition(",")[0] for name in frame(others, "throughput")["network"]} == {
        "resnet18", "resnet50", "mobilenet_v2", "vgg16"}


def test_a_catalogue_can_be_chosen_for_the_picture():
    app = open_page("timing", a="resnet18", view="macs")
    assert len(frame(app, "ms_per_gmac")) >= 136 and "Not measured here." in told(app)
    choice = app.selectbox(key="scatter_shipped")
    assert len(choice.options) == len(shipped.catalogues())
    checked(choice.set_value(shipped.catalogues()[-1].id).run())
    assert len(frame(app, "ms_per_gmac")) == 137 and shipped.catalogues()[-1].device == "cpu"


def test_layers_that_were_measured_on_a_real_gpu_add_up():
    on_gpu = [run.found[-1] for run in shipped.runs("layers") if run.device.startswith("cuda")]
    assert len(on_gpu) == 6 and all(times.adds_up and times.sound for times in on_gpu)


def test_layers_and_memory_of_a_network_that_was_measured():
    app = open_page("timing", a="vgg16", view="layers")
    assert "Not measured here." in told(app) and "data sheet of the H200" in told(app) and "ms" in app.dataframe[0].value
    other = open_page("timing", a="lenet5", view="layers")
    assert "Times of layers come with the app for" in told(other) and "ms" not in other.dataframe[0].value
    memory = open_page("timing", a="vgg16", view="memory")
    assert "Measured / computed" in memory.dataframe[1].value and "Not measured here." in told(memory)


def test_one_s_own_run_takes_the_place(monkeypatch):
    from lib.devices import Device
    from lib.lab.jobs import Job
    from lib.ui.lab.running import Outcome, Slot
    app = open_page("timing", a="resnet18")
    device = Device(id="cpu", name="A CPU", memory_bytes=1, cores=1, host="here")
    job = Job(kind="latency", networks=(Network(preset="resnet18"),))
    app.session_state["timing_slots"] = {"latency": Slot(last=Outcome(job, device, [latency()]))}
    checked(app.run())
    assert "Not measured here." not in told(app) and not app.warning
