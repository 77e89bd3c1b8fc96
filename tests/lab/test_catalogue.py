"""The sweep over the catalogue: in the background of a real line, with a made-up worker and with a real one."""

import json
import time
from threading import Event
from types import SimpleNamespace

import pytest

from lib import catalog
from lib.architecture import Impossible
from lib.devices import Device
from lib.lab import catalogue
from lib.lab.catalogue import Sweep
from lib.lab.jobs import Job
from lib.limits import limits
from lib.lab.queue import Line, Ticket
from lib.lab.worker import LocalWorker, WorkerLost
from lib.records import Latency, Network, Setting
from lib.timing import Step

CPU = Device(id="cpu", name="A CPU", memory_bytes=1 << 40, cores=1, host="here")
TINY = ("lenet5_1998", "lenet5", "shufflenet_v2_x0_5")


class FakeWorker:
    """Does not measure: notes whom it serves, finds the name of the network, and waits for `go` before each job."""

    name = CPU.name

    def __init__(self):
        self.device, self.served, self.go, self.refused, self.found = CPU, [], Event(), {}, str
        self.go.set()

    def steps(self, job: Job):
        name = job.networks[0].preset
        self.served.append(name)
        while not self.go.wait(0.005):
            yield None
        if name in self.refused:
            raise self.refused[name]
        yield Step(1.0, "done", self.found(name))

    def close(self):
        pass


@pytest.fixture
def worker():
    return FakeWorker()


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Sweeps of three small networks; no sweep is left from another test."""
    monkeypatch.setattr(catalogue, "presets", lambda scope: TINY)
    monkeypatch.setattr(catalogue, "_sweeps", {})


def until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


def sweep(worker) -> Sweep:
    return Sweep(Line(worker), Setting(), "catalogue").start()


def test_every_network_is_timed_in_turn(worker):
    sweeping = sweep(worker)
    until(lambda: not sweeping.running)
    assert sweeping.found == list(TINY) == worker.served
    assert (sweeping.done, sweeping.share, sweeping.failures) == (3, 1.0, {})


def test_those_that_fail_are_listed_and_passed_over(worker):
    worker.refused = {TINY[0]: Impossible("It does not fit."), TINY[1]: WorkerLost("the process is gone")}
    sweeping = sweep(worker)
    until(lambda: not sweeping.running)
    assert sweeping.found == [TINY[2]]
    assert sweeping.failures == {TINY[0]: "It does not fit.",
                                 TINY[1]: "The run was lost: the process is gone. It can be run again."}


def test_people_go_first(worker):
    worker.go.clear()
    sweeping = sweep(worker)
    until(lambda: worker.served == [TINY[0]])
    tickets = [Ticket(Job(kind="latency", networks=(Network(preset=preset),))) for preset in ("vgg16", "vgg19")]
    for ticket in tickets:
        sweeping.line.join(ticket)
    worker.go.set()
    until(lambda: not sweeping.running)
    people, rest = ["vgg16", "vgg19"], list(TINY[1:])
    assert worker.served == [TINY[0], *people, *rest]


def test_stop_ends_it_and_keeps_what_was_found(worker):
    sweeping = sweep(worker)
    until(lambda: not sweeping.running)
    worker.go.clear()
    sweeping = Sweep(sweeping.line, Setting(), "catalogue").start()
    until(lambda: len(worker.served) == 4)
    worker.go.set()
    until(lambda: sweeping.done >= 1)
    sweeping.stop()
    found = list(sweeping.found)
    assert not sweeping.running
    until(lambda: sweeping.line.length() == 0)
    assert len(sweeping.found) <= len(found) + 1 and not sweeping.failures


def test_stopped_before_it_began_it_measures_nothing(worker):
    sweeping = Sweep(Line(worker), Setting(), "catalogue")
    sweeping.stop()
    sweeping.start()
    until(lambda: sweeping.presets)
    assert not sweeping.running and not worker.served


def test_a_full_line_is_asked_again(worker, monkeypatch):
    monkeypatch.setattr(catalogue, "AGAIN", 0.01)
    line, join, refusals = Line(worker), Line.join, []

    def join_later(self, ticket):
        if len(refusals) < 2:
            refusals.append(ticket)
            raise Impossible("32 runs already wait.")
        return join(self, ticket)
    monkeypatch.setattr(Line, "join", join_later)
    sweeping = Sweep(line, Setting(), "catalogue").start()
    until(lambda: not sweeping.running)
    assert len(refusals) == 2 and sweeping.found == list(TINY)


def test_one_sweep_for_all_visitors(worker):
    worker.go.clear()
    line = Line(worker)
    assert catalogue.sweep_of(line) is None
    first = catalogue.start(line, Setting(), "catalogue")
    assert catalogue.start(line, Setting(batch=8), "families") is first is catalogue.sweep_of(line)
    worker.go.set()
    until(lambda: not first.running)
    second = catalogue.start(line, Setting(batch=8), "families")
    assert second is not first and second.setting.batch == 8
    until(lambda: not second.running)


def test_it_remembers_who_has_begun_it_and_keeps_it_for_them(worker, monkeypatch):
    kept = []
    monkeypatch.setattr(catalogue, "keep", lambda run, owner: kept.append((len(run.networks), owner)))
    monkeypatch.setattr(catalogue.Run, "of", lambda job, *found: job)
    worker.go.clear()
    line = Line(worker)
    sweeping = catalogue.start(line, Setting(), "catalogue", "anna")
    assert catalogue.start(line, Setting(), "catalogue", "ben") is sweeping and sweeping.owner == "anna"
    worker.found = lambda name: SimpleNamespace(preset=name, changed={})
    worker.go.set()
    until(lambda: kept)
    assert kept == [(3, "anna")]


def test_a_server_may_forbid_it(worker, monkeypatch):
    monkeypatch.setattr(catalogue, "limits", lambda: limits().model_copy(update={"catalogue_sweep": False}))
    with pytest.raises(Impossible, match="does not time the whole catalogue"):
        catalogue.start(Line(worker), Setting(), "catalogue")
    assert not worker.served


def test_one_network_of_each_family_the_small_ones_first(monkeypatch):
    monkeypatch.undo()
    names = catalogue.presets("families")
    assert names[0] == "lenet5_1998" and names.index("mobilenetv1_100") < names.index("resnet50") < names.index("vgg16")
    families = {family.id for family in catalog.published().values()}
    assert {catalog.get(name).id for name in names} == families and len(names) == len(families)


@pytest.mark.slow
def test_with_a_real_worker(monkeypatch, tmp_path):
    fast = limits.__wrapped__().model_dump() | {"seconds_per_network": 0.05}
    (tmp_path / "timing.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fast.items()))
    monkeypatch.setenv("TIMING_LIMITS", str(tmp_path / "timing.toml"))
    worker = LocalWorker(CPU)
    try:
        sweeping = sweep(worker)
        until(lambda: not sweeping.running)
    finally:
        worker.close()
    assert sweeping.failures == {}
    assert [type(found) for found in sweeping.found] == [Latency] * 3
    assert [found.preset for found in sweeping.found] == list(TINY)
    assert all(found.latency_ms.median > 0 and found.batch == 1 for found in sweeping.found)
