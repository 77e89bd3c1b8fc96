"""Processes of the app on one machine: on a device, one of them measures at a time."""

import pytest

from lib.devices import devices
from lib.lab.jobs import Job
from lib.lab.neighbours import WAITING, in_turn
from lib.lab.worker import LocalWorker, WorkerLost
from lib.records import Network, Setting
from lib.timing import Step

STEPS = [Step(0.1, "one"), Step(0.9, "two")]
LONG = Job(kind="latency", networks=(Network(preset="lenet5"),), batches=tuple(range(1, 100)))
SHORT = Job(kind="latency", networks=(Network(preset="lenet5"),), setting=Setting(batch=8))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TURNS_FOLDER", str(tmp_path))
    return tmp_path


def test_who_comes_second_waits_and_says_so():
    first, second = in_turn("cpu", iter(STEPS)), in_turn("cpu", iter(STEPS))
    assert next(first) == STEPS[0]
    assert next(second) == next(second) == WAITING
    assert list(first) == STEPS[1:] and list(second) == STEPS


def test_devices_do_not_wait_for_each_other():
    first, second = in_turn("cuda:0", iter(STEPS)), in_turn("cuda:1", iter(STEPS))
    assert next(first) == next(second) == STEPS[0]


def test_who_has_just_measured_does_not_come_before_one_who_waits():
    first, waiting = in_turn("cpu", iter(STEPS)), in_turn("cpu", iter(STEPS))
    assert next(first) == STEPS[0] and next(waiting) == WAITING
    first.close()
    again = in_turn("cpu", iter(STEPS))
    assert next(again) == WAITING and next(waiting) == STEPS[0]


def test_who_leaves_while_waiting_keeps_nobody():
    first, leaving, third = (in_turn("cpu", iter(STEPS)) for _ in range(3))
    assert next(first) == STEPS[0] and next(leaving) == next(third) == WAITING
    leaving.close()
    assert next(third) == WAITING and list(first) == STEPS[1:] and next(third) == STEPS[0]


def test_a_server_of_one_process_needs_no_turns(monkeypatch, folder):
    monkeypatch.delenv("TURNS_FOLDER")
    first, second = in_turn("cpu", iter(STEPS)), in_turn("cpu", iter(STEPS))
    assert next(first) == next(second) == STEPS[0] and not list(folder.iterdir())


def test_a_process_that_is_killed_frees_the_device():
    ours, theirs = LocalWorker(devices()[0]), LocalWorker(devices()[0])
    try:
        running = ours.steps(LONG)
        while next(running) is None:
            pass
        waiting = theirs.steps(SHORT)
        while (step := next(waiting)) is None:
            pass
        assert step == WAITING
        ours.process.kill()
        with pytest.raises(WorkerLost):
            list(running)
        assert any(step and step.found for step in list(waiting))
    finally:
        ours.close()
        theirs.close()
