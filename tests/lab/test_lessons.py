"""The lessons' measurements: once for all who ask, in a process of their own, kept on disk where that is right."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import pytest

from lib.architecture import Impossible
from lib.lab import lessons as place
from lib.lab.lessons import Asked, Lessons, first_asked, measure, prepare, result
from lib.lab.queue import Line, Ticket
from lib.lessons import find, measurements, names, pictures
from lib.lessons import first_asked as asked_first
from lib.lessons.efficient.race import race_networks
from lib.lessons.residual.signals import at_initialisation
from lib.once import forget
from lib.timing import Step
from lib.ui import measuring
from tests.lab.test_queue import until
from tests.pages.app import open_page


class Worker:
    """In the place of the process: begins a measurement, says so, and ends it when it may."""

    name = "a test"

    def __init__(self):
        self.begun, self.may_end, self.stopped = [], Event(), []

    def steps(self, asked):
        self.begun.append(asked)
        try:
            while not self.may_end.wait(0.01):
                yield Step(0.5, "")
            yield Step(1.0, "", (f"found {asked.arguments}",))
        except GeneratorExit:
            self.stopped.append(asked)
            raise


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.may_end.set()


@pytest.fixture
def lessons(worker):
    forget()
    lessons = Lessons()
    lessons.line = Line(worker, place.Rules())
    yield lessons
    forget()


def wish(seed: int, picture: bytes = b"") -> Asked:
    return Asked("efficient.race_networks", (seed, picture))


def wait(lessons: Lessons, asked: Asked, come: Event = Event()) -> str:
    with lessons.ticket(asked, "somebody") as ticket:
        come.set()
        assert ticket.settled.wait(60)
        return result(asked)


def test_thirty_who_ask_at_once_share_one_measurement(lessons, worker):
    with ThreadPoolExecutor(30) as class_:
        asked = [class_.submit(wait, lessons, wish(1)) for _ in range(30)]
        until(lambda: lessons.waiting[wish(1)] == 30)
        worker.may_end.set()
        assert {each.result(60) for each in asked} == {"found (1, b'')"}
    assert worker.begun == [wish(1)] and not lessons.tickets and not lessons.waiting


def test_who_leaves_takes_nothing_from_the_others_and_the_last_ends_it(lessons, worker):
    with lessons.ticket(wish(1), "first") as first:
        with lessons.ticket(wish(1), "second") as second:
            assert first is second
            until(lambda: worker.begun)
        assert not first.settled.wait(0.1)  # one has left, one is still there
    until(first.settled.is_set)
    assert worker.stopped == [wish(1)] and first.state == "stopped"
    with pytest.raises(LookupError):
        result(wish(1))
    worker.may_end.set()
    assert wait(lessons, wish(1)) == "found (1, b'')"  # and whoever comes later begins anew


def test_places_are_dealt_in_turns_and_the_background_comes_last(lessons, worker):
    own = [(Asked("efficient.race_networks", (-1,), background=True), "")]
    own += [(wish(number), "many tabs") for number in range(3)] + [(wish(9), "another")]
    with ThreadPoolExecutor(9) as class_:
        running = class_.submit(wait, lessons, wish(100))
        until(lambda: worker.begun)
        for asked, visitor in own:
            class_.submit(lambda asked=asked, visitor=visitor: _hold(lessons, asked, visitor))
            until(lambda asked=asked: asked in lessons.tickets)
        worker.may_end.set()
        running.result(60)
    assert [asked.arguments[0] for asked in worker.begun] == [100, 0, 9, 1, 2, -1]


def _hold(lessons, asked, visitor):
    with lessons.ticket(asked, visitor) as ticket:
        assert ticket.settled.wait(60)


ASKED = Asked("residual.at_initialisation", (20, "A", 3))


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "_give_way", lambda: None)  # what is measured here runs in the process of the tests
    monkeypatch.setenv("MEASURED_FOLDER", str(tmp_path))
    place.disk.cache_clear()
    forget()
    yield tmp_path
    place.disk.cache_clear()
    forget()


def test_the_process_finds_what_the_function_finds_and_keeps_it(own_folder):
    lessons = Lessons()
    with pytest.raises(LookupError):
        result(ASKED)
    with lessons.ticket(ASKED) as ticket:
        assert ticket.settled.wait(120), ticket
    lessons.line.worker.close()
    expected = at_initialisation(*ASKED.arguments)
    for start, same in zip(result(ASKED), expected):
        assert start.name == same.name and start.gradients == pytest.approx(same.gradients, rel=1e-3)
    forget()  # as after a new start
    assert result(ASKED) == ticket.found[-1][0]


def test_nothing_that_a_visitor_brings_is_written_to_disk(own_folder):
    asked = Asked("attention.drift", (pictures.png(pictures.drawn("boat", 64, 32)), 1, 2))
    *_, last = measure(asked)
    assert last.found[0].weights.shape[2] == 2 and not asked.lasting
    assert not [path for path in own_folder.rglob("*") if "drift" in str(path)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="whoever may write anywhere is not refused")
def test_a_disk_that_cannot_be_written_is_no_hindrance(own_folder):
    own_folder.chmod(0o500)
    assert list(measure(ASKED))[-1].found


def test_a_folder_that_cannot_be_made_is_said_once(own_folder, monkeypatch, caplog):
    file = own_folder / "file"
    file.write_text("no folder")
    monkeypatch.setenv("MEASURED_FOLDER", str(file))
    with caplog.at_level(logging.WARNING):
        assert list(measure(ASKED))[-1].found
    assert [record.message for record in caplog.records if "kept until this server stops" in record.message]


def test_what_another_version_has_found_is_not_read(own_folder):
    (own_folder / "of another version").mkdir()
    place.disk()
    assert not (own_folder / "of another version").exists()


def test_what_is_asked_first_is_measured_when_the_server_rests(own_folder, lessons, worker, monkeypatch):
    worker.may_end.set()
    monkeypatch.setattr(place, "lessons", lambda: lessons)
    rests = []
    prepare(lambda: rests.append(len(worker.begun)))
    assert worker.begun == first_asked() and len(rests) == len(worker.begun) - 1
    assert all(asked.background for asked in worker.begun)


@pytest.mark.parametrize("lesson", [name for name in names() if find(name).measured()])
def test_a_step_asks_for_what_its_lesson_declares(lesson, monkeypatch):
    """So what is made while the server rests is what a step that is opened asks for."""
    asked = []

    def fake(each):
        asked.append(each)
        raise Impossible("enough.")
    monkeypatch.setattr("lib.ui.measuring.result", fake)
    first = asked_first()
    for step in find(lesson).steps:
        asked.clear()
        if lasting := [measured for measured in step.measured if measured.lasting]:
            open_page(lesson, step=step.id)
            assert asked[0] in [Asked(measured.name, first[measured.name][0]) for measured in lasting], step.id


class Slot:
    """The place on a page where a bar stands."""

    def __init__(self):
        self.texts = []

    def progress(self, share, text):
        self.texts.append(text)

    def empty(self):
        self.texts.append("")


@pytest.fixture
def page(lessons, monkeypatch):
    """A page of its own, without Streamlit; gives the place where its bar stands."""
    slot = Slot()
    monkeypatch.setattr(measuring.st, "empty", lambda: slot)
    monkeypatch.setattr(measuring, "lessons", lambda: lessons)
    monkeypatch.setattr(measuring, "visitor", lambda: "another")
    return slot


def test_a_measurement_that_fails_says_why(page, worker, monkeypatch):
    def fails(asked):
        raise RuntimeError("no such network")
        yield
    monkeypatch.setattr(worker, "steps", fails)
    with pytest.raises(Impossible, match="^The run failed: no such network.$"):
        measuring.measured("Racing", race_networks, 3)
    assert page.texts[-1] == ""


def test_where_too_many_wait_that_is_said_and_nothing_stays(page, lessons, worker, monkeypatch):
    monkeypatch.setattr(lessons.line, "rules", SimpleNamespace(longest_queue=1, places_per_visitor=1, seconds_per_run=60))
    with ThreadPoolExecutor(1) as other:
        first = other.submit(wait, lessons, wish(1))
        until(lambda: worker.begun)
        with pytest.raises(Impossible, match="1 runs already wait"):
            measuring.measured("Racing", race_networks, 2)
        assert set(lessons.waiting) == set(lessons.tickets) == {wish(1)}
        worker.may_end.set()
        first.result(60)


def test_who_joins_one_that_all_others_have_just_left_begins_anew(page, lessons, worker, monkeypatch):
    left = Ticket(Asked("efficient.race_networks", (4,)), state="stopped")
    left.settled.set()
    given = iter([left])
    really = measuring._wait
    monkeypatch.setattr(measuring, "_wait", lambda *each: next(given, None) or really(*each))
    worker.may_end.set()
    assert measuring.measured("Racing", race_networks, 4) == "found (4,)"


def test_who_waits_sees_how_many_go_first(page, lessons, worker):
    with ThreadPoolExecutor(2) as two:
        first = two.submit(wait, lessons, wish(1))
        until(lambda: worker.begun)
        waiting = two.submit(measuring.measured, "Racing", race_networks, 2)
        until(lambda: page.texts)
        assert page.texts[0] == "Racing: 1 before you"
        worker.may_end.set()
        first.result(60)
        assert waiting.result(60) == "found (2,)"
