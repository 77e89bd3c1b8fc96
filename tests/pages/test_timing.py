"""The timing lab's page without a browser: the link, the controls, a run, the ways to end it."""

import io
import json
import re
import time

import pandas as pd
import pytest
import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

from lib.lab import store
from lib.lab.jobs import Job
from lib.lab.lab import lab
from lib.limits import limits
from lib.lab.queue import Ticket
from lib.records import Network, Setting
from lib.ui.lab.latency import as_json, csv
from tests.pages.app import address, as_visitor, checked, open_page, present


def ready(app, slot="latency", seconds=90):
    """The page when its run is over."""
    end = time.monotonic() + seconds
    while app.button(key=f"run_{slot}").disabled:
        assert time.monotonic() < end
        time.sleep(0.2)
        checked(app.run())
    return app


def kept(title, seconds=90):
    """The run whose title begins so, as soon as it is stored; others store theirs meanwhile."""
    end = time.monotonic() + seconds
    while not (found := [run for run in store.runs() if run.title.startswith(title)]):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found[0]


@pytest.fixture
def cpu():
    """The line before the CPU, in which nobody is left from another test, nor for the next."""
    line = next(iter(lab().lines.values()))
    empty(line)
    yield line
    empty(line)


def empty(line, seconds=90):
    end = time.monotonic() + seconds
    while line.length():
        assert time.monotonic() < end
        for ticket in list(line.tickets):
            ticket.stop()
        time.sleep(0.05)


def test_a_link_is_restored():
    link = {"a": "lenet5", "b": "resnet18", "b.depth": "34", "batch": "4", "dtype": "bfloat16", "threads": "1",
            "channels_last": "true",
            "view": "sweep"}
    app = open_page("timing", **link)
    assert app.number_input(key="timing_batch").value == 4 and app.toggle(key="timing_channels_last").value
    assert app.selectbox(key="timed_b_preset").value == "resnet18" and not app.warning
    checked(app.number_input(key="timing_batch").set_value(8).run())
    assert address(app) == link | {"batch": "8"}


@pytest.mark.parametrize("key, typed, says", [
    ("timing_batch", 257, "choose a whole number from 1 to 256. It stays at 1."),
    ("timing_threads", 256, "more than this device has; the largest is"), ("timing_size", 100_000, "choose a whole number from")])
def test_a_number_that_cannot_be_is_not_taken_and_a_sentence_says_what_can(key, typed, says):
    app = open_page("timing", a="resnet18")
    checked(app.number_input(key=key).set_value(typed).run())
    assert says in app.error[0].value.replace("\\", "") and address(app) == {"a": "resnet18"}


@pytest.mark.parametrize("link, words", [
    ({"batch": "0"}, "from 1 to 256"), ({"threads": "256"}, "the largest is"), ({"batch": "many"}, "from 1 to 256"), ({"device": "tpu"}, "choose one of"),
    ({"dtype": "float8"}, "choose one of float32"), ({"mode": "cuda_graph", "device": "cpu"}, "need an NVIDIA GPU"),
    ({"dtype": "tf32", "device": "cpu"}, "Ampere"), ({"a": "nope"}, "There is no network"), ({"a.depth": "3"}, "left out"),
    ({"view": "moon"}, ""), ({"speed": "9"}, "no “speed”"), ({"flush_l2": "true", "device": "cpu"}, "NVIDIA")])
def test_a_bad_link_gets_a_sentence_and_the_page_works(link, words):
    app = open_page("timing", **link)
    assert any(words in warning.value.replace("\\", "") for warning in app.warning) if words else not app.warning
    assert not app.button(key="run_latency").disabled


def test_every_control_can_be_moved():
    app = open_page("timing", a="resnet18", **{"a.input_size": "48x64"})
    assert (app.number_input(key="timing_size").value, app.number_input(key="timing_size").proto.placeholder) == (None, "48×64")
    checked(app.button(key="timed_add").click().run())
    checked(app.selectbox(key="timed_b_preset").set_value("mobilenet_v2").run())
    checked(app.number_input(key="timing_size").set_value(64).run())
    assert address(app)["a.input_size"] == address(app)["b.input_size"] == "64"
    for control in app.segmented_control:
        if control.key in ("timing_dtype", "timing_mode"):
            for value in list(control.options):
                checked(app.segmented_control(key=control.key).set_value(value).run())
    checked(app.toggle(key="timing_channels_last").set_value(True).run())
    checked(app.number_input(key="timing_threads").set_value(1).run())
    assert address(app)["threads"] == "1" and address(app)["channels_last"] == "true"
    assert app.toggle(key="timing_flush_l2").disabled
    checked(app.button(key="timed_b_remove").click().run())
    assert "b" not in address(app)


def test_a_run_and_its_files(cpu):
    app = open_page("timing", a="lenet5", batch="2", b="lenet5", **{"b.num_classes": "7"})
    checked(app.button(key="run_latency").click().run())
    assert app.button(key="run_latency").disabled
    ready(app)
    table = app.dataframe[0].value
    assert list(table["network"]) == ["lenet5", "lenet5 num_classes=7"] and (table["p10"] <= table["median"]).all()
    found = app.session_state["timing_slots"]["latency"].last.found
    assert kept("Latency: lenet5, lenet5 num_classes=7").owner == present[0]
    plain = pd.read_csv(io.StringIO(csv(found)))
    assert list(plain["environment_dtype"]) == ["float32"] * 2 and {"environment_torch", "protocol_clock"} <= set(plain)
    assert plain["median_ms"].tolist() == pytest.approx(table["median"].tolist())
    assert [row["latency_ms"]["median"] for row in json.loads(as_json(found))] == pytest.approx(table["median"].tolist())
    text = " ".join(markdown.value for markdown in app.markdown)
    assert "torch.utils.benchmark.timer" in text.replace("\\", "") and "Warm-up" in text
    checked(app.number_input(key="timing_batch").set_value(3).run())
    assert any("controls have moved" in caption.value for caption in app.caption)


def test_stop_keeps_what_was_found_and_another_page_frees_the_place(cpu):
    app = open_page("timing", a="lenet5", view="sweep")
    checked(app.button(key="run_sweep").click().run())
    checked(app.button(key="stop_sweep").click().run())
    ready(app, "sweep")
    assert any("Stopped" in info.value for info in app.info)
    checked(app.button(key="run_sweep").click().run())
    ticket = app.session_state["timing_slots"]["sweep"].ticket
    app.switch_page("../../pages/compare.py")
    checked(app.run())
    assert ticket.stopping


def test_whoever_waits_sees_for_whom_and_has_a_few_places_in_all_their_tabs(cpu, monkeypatch):
    monkeypatch.setattr(cpu, "rules", limits().model_copy(update={"seconds_per_run": 600}))
    long = Job(kind="latency", networks=(Network(preset="vgg16"),), batches=tuple(range(1, 100)))
    others = [cpu.join(Ticket(long, name)) for name in ("one", "two")]
    tabs = [open_page("timing", a="lenet5") for _ in range(4)]
    for tab in tabs:
        checked(tab.button(key="run_latency").click().run())
    tickets = [tab.session_state["timing_slots"]["latency"].ticket for tab in tabs]
    assert {ticket.visitor for ticket in tickets[:3]} == {present[0]} and tickets[3] is None
    [refused] = tabs[3].error
    assert "You have 3 runs in the line for" in refused.value and "Wait until one has ended, or stop one." in refused.value
    waits = tabs[1].get("progress")[0].proto.text
    assert waits.startswith("Place 4 in the line for")
    [longest] = re.findall(r"Before this run: 2 of other visitors, 1 of yours; (\d+) min at most.$", waits)
    assert 20 < int(longest) <= 30
    tickets[0].stop()
    with as_visitor("another"):
        checked(tabs[3].button(key="run_latency").click().run())
    assert tabs[3].session_state["timing_slots"]["latency"].ticket.visitor == "another" and not tabs[3].error


def test_what_cannot_fit_is_refused_in_one_sentence(cpu):
    app = open_page("timing", a="vgg16", batch="256", **{"a.input_size": "640"})
    checked(app.button(key="run_latency").click().run())
    ready(app)
    [error] = app.error
    assert "needs about" in error.value and "Lower the batch" in error.value


def test_a_page_run_after_a_fragment_stands_in_its_own_place(monkeypatch):
    run = ScriptRunner._run_script

    def run_after_a_fragment(self, request):
        context_dg_stack.set((*context_dg_stack.get(), st.sidebar))  # as a fragment in the sidebar leaves its thread
        run(self, request)

    monkeypatch.setattr(ScriptRunner, "_run_script", run_after_a_fragment)
    app = open_page("timing", a="lenet5")
    assert [title.value for title in app.main.title] == ["Timing"]


def test_whoever_stops_while_waiting_is_told_so_without_alarm(cpu):
    before = cpu.join(Ticket(Job(kind="latency", networks=(Network(preset="vgg16"),), setting=Setting(batch=8))))
    app = open_page("timing", a="lenet5")
    checked(app.button(key="run_latency").click().run())
    assert app.session_state["timing_slots"]["latency"].ticket.state == "waiting"
    checked(app.button(key="stop_latency").click().run())
    ready(app)
    before.stop()
    assert not app.error and "Stopped before anything was found." == app.info[0].value
