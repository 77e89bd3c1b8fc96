"""The line before a device, with a real process that measures on the CPU."""

import sys
import time
from statistics import median
from threading import Thread

import psutil
import pytest

from lib.architecture import Impossible
from lib.devices import devices
from lib.lab.jobs import Job
from lib.lab.limits import limits
from lib.lab.queue import Lab, Ticket
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
def test_ten_at_once_are_served_one_after_another(line):
    alone = Ticket(small())
    served(line, alone)
    running: list[int] = []
    order: list[int] = []
    tickets = [Ticket(small(), ended=lambda ticket: order.append(ticket.number)) for _ in range(10)]
    threads = [Thread(target=line.join, args=(ticket,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    while not all(ticket.over for ticket in tickets):
        running.append(sum(ticket.state == "running" for ticket in tickets))
        time.sleep(0.005)
    until(lambda: len(order) == 10)
    assert max(running) == 1
    assert [ticket.state for ticket in tickets] == ["done"] * 10 and order == sorted(order)
    medians = [ticket.found[0].latency_ms.median for ticket in tickets]
    assert 0.4 < median(medians) / alone.found[0].latency_ms.median < 2.5  # a busy machine, but not ten at a time


def test_places_move_up_and_those_who_leave_free_theirs(line):
    first, leaving, last, background = (Ticket(LONG), Ticket(small(), wanted=lambda: here), Ticket(small()),
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
    wrong = [Ticket(Job(kind="latency", networks=(network,), setting=setting)) for network, setting in (
        (Network(preset="nope"), Setting()), (Network(preset="resnet18", changed={"depth": 19}), Setting()),
        (Network(preset="vgg16", changed={"input_size": 640}), Setting(batch=256)),
        (Network(preset="lenet5"), Setting(device="tpu")))]
    served(line, *wrong)
    assert [ticket.state for ticket in wrong] == ["failed"] * 4
    for ticket, words in zip(wrong, ("no network", "depth = 19", "GB free", "failed on tpu")):
        assert words in ticket.message and "Traceback" not in ticket.message


def test_a_run_may_not_take_for_ever(line, monkeypatch):
    server = {"seconds_per_run": 1000, "longest_queue": 2}
    monkeypatch.setattr("lib.lab.queue.limits", lambda: limits().model_copy(update=server))
    endless = line.join(Ticket(LONG))
    line.join(other := Ticket(small()))
    with pytest.raises(Impossible, match="2 runs already wait"):
        line.join(Ticket(small()))
    until(lambda: endless.found)
    server["seconds_per_run"] = 0.001
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
