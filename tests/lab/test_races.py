"""Races in the lab: shared, kept, paused, gone on with; killed workers, full disks, closed browsers."""

import os
import signal
import time

import pytest
import torch

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab import curves, races
from lib.lab.jobs import Job, run
from lib.limits import limits
from lib.lab.queue import Line
from lib.lab.races import Race, race_of
from lib.lab.worker import LocalWorker
from lib.records import Network, Setting
from lib.training.records import Entrant
from lib.training.recipe import Recipe

DEVICE = Device(id="cpu", name="a CPU", memory_bytes=2**30, cores=1, host="here")
TINY = Network(preset="resnet20_cifar", changed={"n": 1, "width": 4})
OTHER = Network(preset="plain20_cifar", changed={"n": 1, "width": 4})


class Here:
    """A worker in this very process."""

    device, name, cold = DEVICE, "a CPU", False
    run = 0

    def steps(self, job):
        Here.run += job.kind == "race"
        yield from run(job)


@pytest.fixture(autouse=True)
def own_database(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'races.sqlite'}")
    monkeypatch.setattr(races, "_races", type(races._races)())
    Here.run = 0
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def line():
    return Line(Here())


def entrant(network=TINY, epochs=3, seed=0, **more):
    return Entrant(network=network, recipe=Recipe(epochs=epochs, batch=480, **more), seed=seed)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def ran(race, anew=False, visitor="ada"):
    race.watch("tab", lambda: True)
    race.start(visitor, anew)
    until(lambda: not race.runs)
    return race


def told(curve):
    return [epoch.model_dump(exclude={"seconds"}) for epoch in curve.epochs]


def shown(race):
    return {entrant.network.preset: each for entrant, each in race.shown().items()}


def test_a_race_runs_is_kept_and_is_not_run_again(line):
    entrants = [entrant(), entrant(OTHER)]
    race = ran(race_of(line, entrants))
    assert race.message == "" and race.unkept == ""
    assert {name: (each.origin, len(each.curve.epochs)) for name, each in shown(race).items()} == {
        "resnet20_cifar": ("run", 3), "plain20_cifar": ("run", 3)}
    again = Race(line, entrants)  # as after a restart
    assert {each.origin for each in again.shown().values()} == {"kept"}
    assert [told(each.curve) for each in again.shown().values()] == [told(race.found[one]) for one in entrants]
    ran(again)
    assert Here.run == 1 and again.shown()[entrants[0]].origin == "kept"


def test_all_who_ask_for_the_same_get_one_race(line):
    assert race_of(line, [entrant()]) is race_of(line, [entrant()])
    assert race_of(line, [entrant()]) is not race_of(line, [entrant(seed=1)])


def test_run_anew_gives_the_same_curve(line):
    race = ran(race_of(line, [entrant()]))
    first = told(race.found[entrant()])
    ran(race, anew=True)
    assert Here.run == 2 and told(race.found[entrant()]) == first


def test_paused_it_goes_on_from_the_last_whole_epoch(line):
    whole = ran(race_of(line, [entrant(epochs=6, seed=5)])).found[entrant(epochs=6, seed=5)]
    with curves.database(curves.Kept) as session:
        session.execute(curves.delete(curves.Kept))
    race = Race(line, [entrant(epochs=6, seed=5)])
    race.watch("tab", lambda: True)
    race.start("ada")
    until(lambda: race.found and race.found[entrant(epochs=6, seed=5)].epochs)
    race.pause()
    until(lambda: not race.runs)
    before = len(race.found[entrant(epochs=6, seed=5)].epochs)
    assert 1 <= before < 6 and race.paused and race.message == ""
    ran(race)
    assert told(race.found[entrant(epochs=6, seed=5)]) == told(whole)


def begun(race, visitor="ada", **more):
    """Start a race and wait for its first epoch."""
    race.watch("tab", lambda: True)
    race.start(visitor, **more)
    until(lambda: any(curve.epochs and not curve.over for curve in race.found.values()))
    return race


@pytest.mark.parametrize("keeps", [True, False])
def test_run_live_over_a_whole_curve_and_paused_it_goes_on_live(line, monkeypatch, keeps):
    """Also on a server that keeps nothing: the weights are held in memory then."""
    monkeypatch.setattr(curves, "limits", lambda: limits().model_copy(update={"keep_runs": keeps}))
    one = entrant(epochs=30, seed=6)
    whole = ran(race_of(line, [one])).found[one]
    race = begun(race_of(line, [one]), anew=True)
    race.pause()
    until(lambda: not race.runs)
    before = len(race.found[one].epochs)
    assert 1 <= before < 30 and len(race.states) == 1
    trained = []
    monkeypatch.setattr(Here, "steps", lambda self, job: (trained.append(len(job.states)), run(job))[1])
    assert told(ran(race).found[one]) == told(whole) and trained == [1] and not race.states


def test_a_full_line_refuses_in_a_sentence_and_may_be_asked_again(line, monkeypatch):
    monkeypatch.setattr(line, "rules", limits().model_copy(update={"places_per_visitor": 1}))
    other = begun(race_of(line, [entrant(epochs=80)]))
    race = race_of(line, [entrant(epochs=1, seed=1)])
    with pytest.raises(Impossible, match="You have 1 run in the line"):
        race.start("ada")
    assert not race.runs
    other.stop()
    until(lambda: not other.runs)
    assert len(ran(race).found[entrant(epochs=1, seed=1)].epochs) == 1


def test_trained_longer_it_begins_where_the_shorter_race_ended(line, monkeypatch):
    ran(race_of(line, [entrant(epochs=2)]))
    trained = []
    monkeypatch.setattr(Here, "steps", lambda self, job: (trained.append(len(job.states)), run(job))[1])
    longer = ran(race_of(line, [entrant(epochs=4)]))
    assert trained == [1]
    assert told(longer.found[entrant(epochs=4)]) == told(ran(Race(line, [entrant(epochs=4)]), anew=True).found[entrant(epochs=4)])
    falling = ran(race_of(line, [entrant(epochs=2, schedule="cosine")]))
    assert falling.found and trained == [1, 0, 0]
    ran(race_of(line, [entrant(epochs=3, schedule="cosine")]))
    assert trained == [1, 0, 0, 0]  # its rates are others from the first epoch on


def test_a_shorter_race_is_the_beginning_of_a_longer_one(line):
    longer = ran(race_of(line, [entrant(epochs=4)])).found[entrant(epochs=4)]
    shorter = Race(line, [entrant(epochs=2)]).shown()[entrant(epochs=2)]
    assert shorter.origin == "kept" and shorter.curve.over and told(shorter.curve) == told(longer)[:2]


def test_a_closed_browser_ends_it(line):
    there = [True]
    race = race_of(line, [entrant(epochs=50)])
    race.watch("tab", lambda: there[0])
    race.start("ada")
    until(lambda: race.found and race.found[entrant(epochs=50)].epochs)
    there[0] = False
    until(lambda: not race.runs)
    assert race.message == "Stopped, as its page was left."
    kept = curves.find([entrant(epochs=50)], DEVICE.name)[entrant(epochs=50)]
    assert told(kept) == told(race.found[entrant(epochs=50)])


def test_while_one_looks_on_it_runs(line):
    race = race_of(line, [entrant()])
    race.watch("left", lambda: False)
    race.watch("there", lambda: True)
    assert race.is_watched() and list(race.watchers) == ["there"]


def test_a_full_disk_is_said_and_the_race_goes_on(line, monkeypatch):
    def full(*_):
        raise Impossible("The database of stored runs is full; races are run, but not kept.")
    monkeypatch.setattr(curves, "keep", full)
    race = ran(race_of(line, [entrant()]))
    assert "is full" in race.unkept and len(race.found[entrant()].epochs) == 3
    assert race.shown()[entrant()].origin == "run"


def test_a_killed_worker_loses_the_epoch_in_progress_at_most():
    line = Line(LocalWorker(DEVICE))
    one = entrant(epochs=60)
    race = race_of(line, [one])
    race.watch("tab", lambda: True)
    race.start("ada")
    until(lambda: race.found and len(race.found[one].epochs) >= 2)
    os.kill(line.worker.process.pid, signal.SIGKILL)
    until(lambda: not race.runs)
    assert "was killed" in race.message and "can be run again" in race.message
    had = len(race.found[one].epochs)
    kept = curves.find([one], DEVICE.name)[one]
    assert len(kept.epochs) == had and curves.state(one, DEVICE.name)[0] == had
    race.start("ada")
    until(lambda: len(race.found[one].epochs) > had)
    race.stop()
    until(lambda: not race.runs)
    line.worker.close()


def test_a_race_has_a_limit_of_time_of_its_own(line, monkeypatch):
    monkeypatch.setattr(races, "limits", lambda: limits().model_copy(update={"race_seconds": 0.05}))
    race = ran(race_of(line, [entrant(epochs=100)]))
    assert race.message == "Stopped after 0.05 seconds, the limit of this server. It can go on from there."


@pytest.mark.parametrize("asked, words", [
    ([entrant(epochs=101)], "at most 100 epochs; here are 101"),
    ([entrant(seed=seed) for seed in range(6)], "at most 5 seeds; here are 6"),
    ([entrant(Network(preset="resnet20_cifar", changed={"n": n})) for n in range(1, 7)], "at most 5 networks in one race"),
    ([entrant(Network(preset="resnet1202_cifar"))], "1,202 weight layers; in a race of this server a network has at most 170"),
    ([entrant(Network(preset="vgg11"))], "parameters; in a race"),
    ([entrant(Network(preset="resnet50_fpn"))], "feature maps"),
    ([entrant(data="cats")], "There are no pictures “cats” here"),
])
def test_beyond_the_limits_it_is_refused_in_a_sentence(line, asked, words):
    with pytest.raises(Impossible, match=words):
        race_of(line, asked).start("ada")


def test_what_is_kept_is_bounded(line, monkeypatch):
    def bounded(**changed):
        monkeypatch.setattr(curves, "limits", lambda: limits().model_copy(update=changed))
    for seed in range(3):
        ran(race_of(line, [entrant(epochs=1, seed=seed)]))
    size = len(curves.state(entrant(epochs=1), DEVICE.name)[1])
    bounded(most_state_bytes=2 * size + 100)
    curves.find([entrant(epochs=1, seed=0)], DEVICE.name)  # asked for last
    ran(race_of(line, [entrant(epochs=1, seed=3)]))
    assert [curves.state(entrant(epochs=1, seed=seed), DEVICE.name) is not None for seed in range(4)] == [True, False, False, True]
    assert len(curves.find([entrant(epochs=1, seed=seed) for seed in range(4)], DEVICE.name)) == 4  # the curves stay
    bounded(most_curves=2)
    ran(race_of(line, [entrant(epochs=1, seed=4)]))
    left = curves.find([entrant(epochs=1, seed=seed) for seed in range(5)], DEVICE.name)
    assert len(left) == 2 and entrant(epochs=1, seed=4) in left


def test_a_server_that_keeps_nothing(line, monkeypatch):
    monkeypatch.setattr(curves, "limits", lambda: limits().model_copy(update={"keep_runs": False}))
    race = ran(race_of(line, [entrant(epochs=1)]))
    assert len(race.found[entrant(epochs=1)].epochs) == 1 and race.unkept == ""
    assert Race(line, [entrant(epochs=1)]).shown() == {} and not curves.grows([entrant()], DEVICE.name)


def test_other_processes_are_seen_to_train(line):
    one = entrant(epochs=3)
    assert not curves.grows([one], DEVICE.name)
    ran(race_of(line, [entrant(epochs=1)]))
    assert curves.grows([one], DEVICE.name)  # a moment ago


def test_curves_of_another_device_are_others(line):
    ran(race_of(line, [entrant(epochs=1)]))
    assert not curves.find([entrant(epochs=1)], "a GPU") and curves.find([entrant(epochs=1)], DEVICE.name)


def test_what_comes_with_the_app_needs_no_run(line):
    recorded = Entrant(network=Network(preset="plain20_cifar"), recipe=Recipe(epochs=6), seed=0)
    found = Race(line, [recorded]).shown()[recorded]
    assert found.origin == "shipped" and found.curve.over and len(found.curve.epochs) == 6


def test_a_worker_is_warmed_once(line, monkeypatch):
    class Cold(Here):
        cold = True
    jobs = []
    monkeypatch.setattr(Cold, "steps", lambda self, job: (jobs.append(job.kind), setattr(Cold, "cold", False), run(job))[2])
    cold = Line(Cold())
    for _ in range(3):
        cold.warm()
    until(lambda: not cold.length())
    cold.warm()
    assert jobs == ["warm"]


def test_a_job_says_what_it_needs():
    job = Job(kind="race", networks=(TINY,), entrants=(entrant(),), setting=Setting())
    from lib.lab.jobs import needed_bytes
    weights = 3 * 4 * 5006  # weights, gradients and momenta of TINY's parameters
    assert weights < needed_bytes(job, Setting()) < 10**8
