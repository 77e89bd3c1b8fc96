"""The line before a device, with a real process that measures on the CPU."""

import random
import sys
import time
from statistics import median
from threading import Event, Thread
from types import SimpleNamespace

import psutil
import pytest
from pydantic import ValidationError

from lib.architecture import Impossible
from lib.devices import Device, devices
from lib.lab.jobs import Job
from lib.limits import Limits, limits
from lib.lab.queue import Lab, Line, Ticket, in_turn
from lib.lab.worker import LocalWorker
from lib.records import Latency, Network, Setting


@pytest.fixture(scope="module")
def lab():
    lab = Lab([LocalWorker(devices()[0])])
    yield lab
    lab.close()


@pytest.fixture
def line(lab):
    return next(iter(lab.lines.values()))


def small(**more) -> Job:
    return Job(kind="latency", networks=(Network(preset="lenet5"),), setting=Setting(batch=8), **more)


HUNGRY = Job(kind="latency", networks=(Network(preset="resnet18"),), setting=Setting(batch=256))


LONG = Job(kind="latency", networks=(Network(preset="lenet5"),), batches=tuple(range(1, 100)))


def until(condition, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def served(line, *tickets: Ticket) -> None:
    for ticket in tickets:
        line.join(ticket)
    until(lambda: all(ticket.over for ticket in tickets))


@pytest.mark.slow
def test_five_at_once_are_served_one_after_another(line):
    alone = Ticket(small())
    served(line, alone)
    running: list[int] = []
    order: list[int] = []
    tickets = [Ticket(small(), f"{person}", ended=lambda ticket: order.append(ticket.number)) for person in range(5)]
    threads = [Thread(target=line.join, args=(ticket,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    while not all(ticket.over for ticket in tickets):
        running.append(sum(ticket.state == "running" for ticket in tickets))
        time.sleep(0.005)
    until(lambda: len(order) == 5)
    assert max(running) == 1
    assert [ticket.state for ticket in tickets] == ["done"] * 5 and order == sorted(order)
    medians = [ticket.found[0].latency_ms.median for ticket in tickets]
    assert 0.4 < median(medians) / alone.found[0].latency_ms.median < 2.5  # a busy machine, but not five at a time


def test_places_move_up_and_those_who_leave_free_theirs(line):
    first, leaving, last, background = (Ticket(LONG), Ticket(small(), "one", wanted=lambda: here), Ticket(small(), "other"),
                                        Ticket(small(background=True)))
    here = True
    for ticket in (first, background, leaving, last):
        line.join(ticket)
    until(lambda: first.state == "running" and first.found)
    assert [line.place(ticket) for ticket in (first, leaving, last, background)] == [0, 1, 2, 3]
    here = False
    until(lambda: leaving.state == "stopped")
    assert line.place(last) == 1 and leaving.message == "Stopped." and not leaving.found
    first.stop()
    until(lambda: first.state == "stopped")
    assert first.found and all(isinstance(record, Latency) for record in first.found)  # what was found is kept
    until(lambda: last.over and background.over)
    assert last.state == background.state == "done" and last.started < background.started


def test_a_killed_worker_loses_its_run_and_no_other(line):
    victim, next_one = line.join(Ticket(LONG)), line.join(Ticket(small()))
    until(lambda: victim.found)
    psutil.Process(line.worker.process.pid).kill()
    until(lambda: next_one.over)
    assert victim.state == "lost" and "killed" in victim.message and victim.found
    assert next_one.state == "done"


@pytest.mark.skipif(sys.platform != "linux", reason="limits a process's memory as Linux does")
def test_out_of_memory_ends_its_run_with_a_plain_sentence(line):
    served(line, Ticket(small()))
    process = psutil.Process(line.worker.process.pid)
    usual = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + (300 << 20), usual[1]))
    try:
        hungry = Ticket(HUNGRY)
        served(line, hungry)
    finally:
        process.rlimit(psutil.RLIMIT_AS, usual)
    assert hungry.state == "failed" and "needs about" in hungry.message and "Lower the batch" in hungry.message
    after = Ticket(small())
    served(line, after)
    assert after.state == "done" and line.worker.process.pid == process.pid


def test_a_run_that_is_refused_says_why(line):
    wrong = [Ticket(Job(kind="latency", networks=(network,), setting=setting), network.preset) for network, setting in (
        (Network(preset="nope"), Setting()), (Network(preset="resnet18", changed={"depth": 19}), Setting()),
        (Network(preset="vgg16", changed={"input_size": 640}), Setting(batch=256)),
        (Network(preset="lenet5"), Setting(device="tpu")))]
    served(line, *wrong)
    assert [ticket.state for ticket in wrong] == ["failed"] * 4
    for ticket, words in zip(wrong, ("no network", "depth = 19", "GB free", "measurement failed on")):
        assert words in ticket.message and "Traceback" not in ticket.message


def test_a_run_may_not_take_for_ever(line, monkeypatch):
    rules = SimpleNamespace(seconds_per_run=1000, longest_queue=2, places_per_visitor=3)
    monkeypatch.setattr(line, "rules", rules)
    endless = line.join(Ticket(LONG))
    line.join(other := Ticket(small()))
    with pytest.raises(Impossible, match="2 runs already wait"):
        line.join(Ticket(small()))
    until(lambda: endless.found)
    rules.seconds_per_run = 0.001
    until(lambda: endless.over)
    assert endless.state == "stopped" and "limit of this server" in endless.message and endless.found
    other.stop()
    until(lambda: other.over)


def test_time_left_follows_from_the_share_that_is_done(line):
    ticket = line.join(Ticket(LONG))
    assert ticket.seconds_left() is None
    until(lambda: ticket.step.share > 0.03)
    spent = time.monotonic() - ticket.started
    assert ticket.seconds_left() == pytest.approx(spent * (1 / ticket.step.share - 1), rel=0.3)
    ticket.stop()
    until(lambda: ticket.over)


class Clerk:
    """A worker that measures nothing: each job waits until it is let `go`, or all are."""

    closed, name = False, "A CPU"

    def __init__(self):
        self.device, self.served, self.go = Device(id="cpu", name="A CPU", memory_bytes=1, cores=1, host="here"), [], Event()

    def steps(self, job):
        self.served.append(job.name)
        while not self.go.wait(0.005) and not self.closed:
            yield None
        self.go.clear()

    def close(self):
        self.closed = True


def errand(visitor: str, name: str = "", background: bool = False) -> Ticket:
    """A ticket whose job a line knows nothing of but whether it is in the background."""
    return Ticket(SimpleNamespace(name=name or visitor, background=background), visitor)


@pytest.fixture
def clerk():
    clerk = Clerk()
    yield clerk
    clerk.close()


def rules(**changed) -> SimpleNamespace:
    return SimpleNamespace(**{"longest_queue": 32, "places_per_visitor": 3, "seconds_per_run": 60, **changed})


def waiting(*visitors: str) -> list[Ticket]:
    return [errand(visitor) for visitor in visitors]


def order(tickets, served=None) -> str:
    return "".join(ticket.visitor for ticket in in_turn(tickets, served or {}))


def test_in_each_turn_every_visitor_is_served_once():
    assert order(waiting(*"aaabbc")) == "abcaba"
    assert order(waiting(*"aab"), {"a": 0}) == "baa"  # who was served in this turn waits for the next
    running, *others = waiting(*"zaab")
    running.state, others[0].job.background = "running", True
    assert order([*others, running]) == "zaba" and in_turn([*others, running], {})[-1] is others[0]


def test_a_newcomer_goes_before_the_second_run_of_another_and_behind_their_first(clerk):
    line = Line(clerk, rules())
    for name in ("a1", "a2", "a3"):
        line.join(errand("a", name))
    until(lambda: clerk.served == ["a1"])
    b, c = line.join(errand("b", "b1")), line.join(errand("c", "c1"))
    assert [line.place(ticket) for ticket in (b, c)] == [1, 2]
    for count in range(2, 6):
        clerk.go.set()
        until(lambda: len(clerk.served) == count)
    clerk.go.set()
    assert clerk.served == ["a1", "b1", "c1", "a2", "a3"]


class Served:
    """A line that is served by hand: people come, leave and are served by chance, and it is noted when."""

    def __init__(self, seed: int, monkeypatch):
        self.chance, self.line, self.moment = random.Random(seed), Line(Clerk(), rules(longest_queue=12)), 0
        self.came: dict[Ticket, int] = {}
        self.gone: dict[Ticket, int] = {}
        self.served: list[Ticket] = []
        monkeypatch.setattr("lib.lab.queue.Thread", lambda **_: SimpleNamespace(start=lambda: None))

    def join(self) -> None:
        ticket = errand(self.chance.choice("abcde"), background=self.chance.random() < 0.1)
        try:
            self.came[self.line.join(ticket)] = self.moment
        except Impossible:
            own = [each for each in self.line.tickets if each.visitor == ticket.visitor]
            assert len(own) == 3 or self.line.length() == 12

    def leave(self) -> None:
        ticket = self.chance.choice(self.line.tickets)
        ticket.stop()
        self.line._leave_out()
        self.gone[ticket] = self.moment

    def serve(self) -> None:
        ticket = self.line._order()[0]
        self.line._note_turn(ticket)
        self.line.tickets.remove(ticket)
        ticket.state, self.gone[ticket] = "done", self.moment
        self.served.append(ticket)

    def live(self, moments: int) -> None:
        for self.moment in range(moments):
            event = self.chance.choice([self.join] * 10 + [self.serve] * 7 + [self.leave])
            if event == self.join or self.line.tickets:
                event()

    def moments(self, visitor: str) -> list[int]:
        return [self.gone[ticket] for ticket in self.served if ticket.visitor == visitor and not ticket.job.background]


@pytest.mark.parametrize("seed", range(20))
def test_places_are_the_order_of_service(seed, monkeypatch):
    """Whoever came and went before: as long as nobody does, each run is served when its place says."""
    world = Served(seed, monkeypatch)
    for _ in range(8):
        world.live(30)
        said = sorted(world.line.tickets, key=world.line.place)
        before = len(world.served)
        while world.line.tickets:
            assert [world.line.place(ticket) for ticket in said[len(world.served) - before:]] == list(range(world.line.length()))
            world.serve()
        assert world.served[before:] == said


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_served_three_times_while_another_waits(seed, monkeypatch):
    """Of three runs of one visitor, another who waits from before the first to after the last is served between them: each
    turn holds both, in any order."""
    world = Served(seed, monkeypatch)
    world.live(1000)
    people = [ticket for ticket in world.came if not ticket.job.background]
    compared = 0
    for visitor in "abcde":
        moments = world.moments(visitor)
        for first, last in zip(moments, moments[2:]):
            patient = {ticket.visitor for ticket in people if ticket.visitor != visitor and world.came[ticket] < first
                       and world.gone.get(ticket, 10**9) > last}
            compared += len(patient)
            for other in patient:
                assert any(first < moment < last for moment in world.moments(other))
    assert compared


def test_one_visitor_cannot_shut_out_another(clerk):
    line = Line(clerk, rules(longest_queue=4))
    own = [line.join(errand("a")) for _ in range(3)]
    with pytest.raises(Impossible, match="You have 3 runs in the line for .* all your tabs together"):
        line.join(errand("a"))
    line.join(errand("b"))
    with pytest.raises(Impossible, match="4 runs already wait"):
        line.join(errand("c"))
    own[-1].stop()
    line.join(errand("a"))  # the place is free again


def test_the_longest_wait_is_that_of_all_before(clerk):
    line = Line(clerk, rules(seconds_per_run=600))
    running, waits = line.join(errand("a")), [line.join(errand(name)) for name in "bc"]
    until(lambda: running.state == "running")
    assert line.before(waits[1]) == [running, waits[0]] and line.before(running) == []
    running.started -= 100
    assert line.longest_wait(waits[1]) == pytest.approx(600 + 500, abs=60) and line.longest_wait(running) == 0


def test_no_limits_let_one_visitor_fill_a_line():
    server = limits().model_dump()
    assert Limits(**server | {"longest_queue": 1, "places_per_visitor": 1}).places_per_visitor == 1
    for longest, places in ((3, 3), (2, 5), (1, 2)):
        with pytest.raises(ValidationError, match=f"less than longest_queue = {longest}, or one visitor can fill a line"):
            Limits(**server | {"longest_queue": longest, "places_per_visitor": places})
