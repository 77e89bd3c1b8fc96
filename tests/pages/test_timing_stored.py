"""The stored runs on Timing: listed, filtered, opened, deleted, carried in and out."""

import json
import uuid
from functools import reduce
from pathlib import Path

import pandas as pd
import pytest
import torch

from lib.architecture import Impossible
from lib.lab import layers, store, training
from lib.lab.jobs import Job
from lib.limits import limits
from lib.records import Setting
from lib.timing import found
from lib.ui.lab import stored
from lib.web import server_key
from tests.engine import records as times
from tests.lab.test_store import HERE, JOB, THERE, latency, run
from tests.pages.app import as_visitor, checked, open_page, present


pytestmark = pytest.mark.usefixtures("nothing_shipped")


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'runs.sqlite'}")


@pytest.fixture
def two():
    """The same network on two devices of two machines."""
    runs = [run(), run(THERE, days=1, found=(latency(0.25),))]
    for each in runs:
        store.keep(each, present[0])
    return runs


def listed(app):
    """The table of runs."""
    return next(table.value for table in app.dataframe if "origin" in table.value)


def opened(app):
    """The table of the latencies of the selected runs; None if none are open."""
    return next((table.value for table in app.dataframe if "Run" in table.value), None)


def said(messages) -> str:
    """The first message as a person reads it."""
    return messages[0].value.strip("` ")


def select(app, runs):
    app.session_state["stored_picked"] = [each.id for each in runs]
    return checked(app.run())


def upload(app, content: str | bytes):
    content = content if isinstance(content, bytes) else content.encode()
    return checked(app.file_uploader(key="stored_file").set_value(("runs.json", content, "application/json")).run())


def test_the_tab_opens_by_its_link_and_says_what_is_not_there():
    app = open_page("timing", view="stored")
    assert "There is no run here yet" in app.info[0].value
    assert any("No run of a GPU comes with this app" in caption.value for caption in app.caption)


def test_runs_are_listed_with_device_host_time_and_median(two):
    table = listed(open_page("timing", view="stored"))
    assert list(table["device"]) == ["A GPU", "A CPU"] and list(table["host"]) == ["there", "here"]
    assert list(table["median"]) == [0.25, 2.0] and list(table["origin"]) == ["measured here"] * 2
    assert str(table["taken"][1]) == "2026-03-01 12:00:00"


def test_disturbed_runs_are_marked_in_the_list_and_when_they_are_opened(two):
    busy = run(days=2, found=(times.latency(load=times.BUSY),))
    store.keep(busy)
    app = open_page("timing", view="stored")
    assert [None if pd.isna(value) else value for value in listed(app)["machine"]] == ["busy", None, None]
    select(app, [busy])
    assert "Other programs used 4.0 of 8 cores" in said(app.warning) and list(opened(app)["Machine"]) == ["busy"]


def test_filters_narrow_the_table(two):
    app = open_page("timing", view="stored")
    assert list(listed(checked(app.selectbox(key="stored_device").select("A GPU").run()))["host"]) == ["there"]
    app.selectbox(key="stored_device").select("")
    assert "No run is of this kind" in checked(app.selectbox(key="stored_kind").select("training").run()).info[0].value


def test_two_devices_lie_side_by_side(two):
    app = select(open_page("timing", view="stored"), two)
    assert list(opened(app)["Run"]) == ["1: A GPU, there, 2026-03-02", "2: A CPU, here, 2026-03-01"]
    assert list(opened(app)["Median, ms"]) == [0.25, 2.0]
    figure = json.loads(next(chart.proto.spec for chart in app.get("plotly_chart")))
    assert [trace["name"] for trace in figure["data"]] == list(opened(app)["Run"])
    bar = figure["data"][1]["error_x"]
    assert (bar["array"], bar["arrayminus"]) == ([0.5], [0.5])  # from 1.5 to 2.5 ms around 2
    assert len({tuple(trace["marker"]["symbol"]) for trace in figure["data"]}) == 2


def test_more_runs_than_can_be_told_apart():
    runs = [run(days=day) for day in range(9)]
    for each in runs:
        store.keep(each)
    app = select(open_page("timing", view="stored"), runs)
    assert "9 latency runs are selected; 8 at a time" in app.warning[0].value and opened(app) is None


def test_deleting_says_what_went_and_can_be_undone(two):
    app = select(open_page("timing", view="stored"), two[:1])
    checked(app.button(key="stored_delete").click().run())
    assert said(app.info).startswith("Deleted: Latency: lenet5") and list(listed(app)["host"]) == ["there"]
    checked(app.button(key="stored_undo").click().run())
    assert said(app.info).startswith("Put back: Latency: lenet5") and list(listed(app)["host"]) == ["there", "here"]
    assert store.get([two[0].id]) == two[:1]
    assert not [button for button in app.button if button.key == "stored_undo"]


def buttons(app) -> set[str]:
    return {button.key for button in app.button}


def test_what_another_has_measured_stays_and_the_page_says_why(two):
    mine = run(days=2)
    store.keep(mine, "another")
    with as_visitor("another"):
        app = select(open_page("timing", view="stored"), [mine, *two])
        assert [owner if owner == "yours" else None for owner in listed(app)["owner"]] == ["yours", None, None]
        checked(app.button(key="stored_delete").click().run())
        text = said(app.info)
        assert text.startswith("Deleted: Latency: lenet5") and text.count("Latency: lenet5") == 3
        assert "or brought it in a file, or with the server's key." in text and len(store.runs()) == 2
        checked(app.button(key="stored_delete").click().run())
        assert said(app.warning).startswith("Not deleted: Latency: lenet5") and "stored_undo" in buttons(app)
        checked(app.button(key="stored_undo").click().run())
        assert {row.id: row.owner for row in store.runs()} == {mine.id: "another"} | {each.id: present[-1] for each in two}


def test_what_comes_with_the_app_stays(two, monkeypatch, tmp_path):
    (tmp_path / "gpu.json").write_text(store.export([run(THERE)]))
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    store.shipped.cache_clear()
    app = open_page("timing", view="stored")
    app.session_state["stored_picked"] = list(store.shipped())
    checked(checked(app.run()).button(key="stored_delete").click().run())
    assert "What comes with the app stays." in said(app.warning) and "stored_undo" not in buttons(app)


def type_key(app, typed: str):
    return checked(app.text_input(key="server_key").set_value(typed).run())


def test_with_the_servers_key_whatever_is_stored_can_be_removed(two, monkeypatch):
    monkeypatch.setenv("SERVER_KEY", "a long key")
    monkeypatch.setattr(server_key, "_last_wrong", -1e9)
    with as_visitor("another"):
        app = select(open_page("timing", view="stored"), two)
        type_key(app, "a wrong key")
        assert said(app.error) == "This is not the server's key." and not app.text_input(key="server_key").value
        type_key(app, "a long key")
        assert "A wrong key was typed a moment ago" in said(app.error)
        monkeypatch.setattr(server_key, "_last_wrong", -1e9)
        type_key(app, "a long key")
        assert not app.error and any("knows the server's key" in caption.value for caption in app.caption)
        checked(app.button(key="stored_delete").click().run())
        assert said(app.info).startswith("Deleted: ") and store.runs() == []
        assert "a long key" not in str(app.session_state)
        other = select(open_page("timing", view="stored"), two)
        assert not any("knows the server's key" in caption.value for caption in other.caption)


def test_a_server_without_a_key_says_how_it_gets_one(two, monkeypatch):
    monkeypatch.delenv("SERVER_KEY", raising=False)
    app = select(open_page("timing", view="stored"), two)
    assert any("`SERVER_KEY`" in markdown.value for markdown in app.markdown) and not server_key.fits("")


def test_a_file_is_taken_in_once_and_opened(two):
    other = run(THERE, days=3, host="far away")
    app = upload(open_page("timing", view="stored"), store.export([other, two[0], other]))
    assert said(app.success) == "Runs taken in: 1. Here already, or twice in the file, and kept once: 2."
    assert list(listed(app)["origin"]) == ["measured here", "measured here", "from a file"]  # though its date is the last
    assert list(opened(app)["Run"]) == ["1: A CPU, here, 2026-03-01", "2: A GPU, far away, 2026-03-04"]
    assert not checked(app.run()).success and len(store.runs()) == 3
    assert {row.owner for row in store.runs()} == {present[0]} and not set(listed(app)["owner"]) - {"yours"}


def test_a_broken_file_gives_one_sentence():
    app = open_page("timing", view="stored")
    for content, words in (("{", "is not JSON"), ("[]", "no list of runs"), (b"\xff", "is not JSON")):
        upload(app, content)
        assert words in said(app.error) and len(app.error) == 1


def test_signs_in_a_file_stay_signs():
    bad = run(title="**bold** [link](https://example.org)", device_name="<b>name</b>", message="$x$ :red[y]")
    app = upload(open_page("timing", view="stored"), store.export([bad]))
    figure = json.loads(next(chart.proto.spec for chart in app.get("plotly_chart")))
    assert figure["data"][0]["name"].startswith("1: &lt;b&gt;name")
    checked(app.button(key="stored_delete").click().run())
    assert app.info[0].value == "` Deleted: **bold** [link](https://example.org). `"  # a code span, in which nothing is a sign


def test_without_a_database_the_page_goes_on(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all/runs.sqlite")
    app = open_page("timing", view="stored")
    assert "cannot be reached just now" in said(app.warning) and len(app.warning) == 1
    assert not [info for info in app.info if "no run" in info.value.lower()]  # nobody knows
    assert "cannot be reached" in said(upload(app, store.export([run()])).error)


def test_where_nothing_is_kept_a_file_stays_in_the_page(monkeypatch):
    nothing = limits().model_copy(update={"keep_runs": False})
    monkeypatch.setattr(store, "limits", lambda: nothing)
    monkeypatch.setattr(stored, "limits", lambda: nothing)
    app = upload(open_page("timing", view="stored"), store.export([run(THERE)]))
    assert list(listed(app)["host"]) == ["there"] and list(opened(app)["Median, ms"]) == [2.0]
    assert not [button for button in app.button if button.key == "stored_delete"]
    monkeypatch.undo()


def test_the_layers_and_the_memory_of_training_open_as_tables():
    """Real records, of the smallest network there is."""
    network, setting = JOB.networks[0], Setting()
    runs = []
    for kind, steps in (("layers", layers.measure(network, setting, 0.01)), ("training", training.measure(network, setting))):
        job = Job(kind=kind, networks=(network,), setting=setting)
        runs.append(store.Run.of(job, HERE, found(steps)))
        store.keep(runs[-1])
    assert all(run.found for run in runs)
    app = select(open_page("timing", view="stored"), runs)
    times = next(table.value for table in app.dataframe if "Layer" in table.value)
    assert list(times["Layer"]) == list(runs[0].found[0].names)
    values = [dict(table.value.values) for table in app.dataframe if "Quantity" in table.value]
    assert {table["kind"] for table in values} == {"layers", "training"}
    assert all(table["environment: torch"] == torch.__version__ for table in values)


SHIPPED = Path(store.__file__).parent.parent / "data" / "runs"


def samples() -> dict[str, dict]:
    """Of each kind of run the shortest that comes with the app, with one record."""
    found = {}
    for file in sorted(SHIPPED.glob("*.json")):
        for document in json.loads(file.read_text()):
            document["found"] = document["found"][:1]
            if len(json.dumps(document)) < len(json.dumps(found.get(document["kind"], {"none": "x" * 10**7}))):
                found[document["kind"]] = document
    assert set(found) == {"latency", "layers", "training"}
    return found


def numbers(part, place=()):
    """The places of all numbers of a document, of a list the first alone."""
    if isinstance(part, (dict, list)):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part[:1]):
            yield from numbers(inner, (*place, name))
    elif type(part) in (int, float):
        yield place


def altered(document: dict, place: tuple, value) -> dict:
    """The document with one value in the place of another, under a new id."""
    changed = json.loads(json.dumps(document)) | {"id": uuid.uuid4().hex}
    *path, last = place
    reduce(lambda part, name: part[name], path, changed)[last] = value
    return changed


@pytest.mark.parametrize("value", [10**30, 1e300, -1, -1e300, "nan", "inf", "-Infinity", float("nan"), float("inf")])
def test_every_number_of_a_file_is_refused_or_shown(value):
    """Whatever stands in the place of any number: one sentence that names the place, or a page that shows it."""
    taken = []
    for kind, document in samples().items():
        for place in [*numbers(document), ("found", 0, "changed", "width")]:
            changed = altered(document, place, value)
            try:
                taken += store.import_(json.dumps([changed]))
            except Impossible as refused:
                said = str(refused)
                assert "\n" not in said and len(said) < 400
                assert isinstance(value, float) or str(place[-1]) in said or "changed" in said or "knob" in said, said
    assert len(taken) <= 9  # what the stopwatch adds, the width of a network, words as numbers of the environment
    if taken:
        store.take_in(taken)
        app = select(open_page("timing", view="stored"), taken)
        for kind in ("latency", "layers", "training"):
            select(app, [run for run in taken if run.kind == kind])


def test_what_comes_with_the_app_is_within_the_ranges():
    assert sum(len(store.import_(file.read_bytes())) for file in SHIPPED.glob("*.json")) >= 66
