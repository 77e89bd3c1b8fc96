"""What else runs: seen by the operating system's counts, told from one's own work, and put into sentences."""

import subprocess
import sys
import time

import psutil
import pytest

from lib import load
from lib.lab.doubts import disturbance, doubts, remarks
from lib.load import Load, Watch
from lib.records import Network, Setting
from lib.timing import Clock, found, measure
from tests.engine.records import latency

LOOP = "while True: pass"


@pytest.fixture
def loop():
    """A program that never rests, and is no child of this process."""
    command = f"{sys.executable} -c '{LOOP}' >/dev/null 2>&1 & echo $!"
    shell = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    program = psutil.Process(int(shell.stdout))
    yield program
    program.kill()


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_others_are_seen_and_own_work_is_not_theirs(loop):
    used = sum(loop.cpu_times()[:2])
    watch = Watch(needed=1)
    spin(0.3)
    seen = watch.load()
    used = sum(loop.cpu_times()[:2]) - used
    assert seen.cores == len(psutil.Process().cpu_affinity())
    assert seen.others * seen.seconds >= used - 0.1 and seen.own * seen.seconds >= 0.29


def test_programs_that_this_one_has_started_are_its_own():
    before = load.process_seconds()
    child = subprocess.Popen([sys.executable, "-c", LOOP])
    try:
        time.sleep(0.5)
        used = sum(psutil.Process(child.pid).cpu_times()[:2])
        assert load.process_seconds() - before >= used - 0.1
    finally:
        child.kill()
        child.wait()
    assert load.process_seconds() - before >= used - 0.1, "when they have ended, too"


def test_what_the_operating_system_counts_is_what_psutil_counts():
    """Busy time by the difference of all time and idle time."""
    def other_way() -> float:
        cores = [psutil.cpu_times(percpu=True)[core] for core in psutil.Process().cpu_affinity()]
        return sum(sum(core) - core.idle - core.iowait - core.guest - core.guest_nice for core in cores)
    before = load.busy_seconds(), other_way()
    spin(0.2)
    ours, theirs = load.busy_seconds() - before[0], other_way() - before[1]
    assert ours == pytest.approx(theirs, abs=0.1) and ours > 0.1


def test_a_thread_that_waits_has_no_core():
    clock = Clock(Setting(threads=1))
    clock.milliseconds(lambda: time.sleep(0.05))
    assert clock.passed >= 0.05 > 10 * clock.computed


def seen(**changes) -> Load:
    return Load(**{"seconds": 1.0, "cores": 8, "own": 1.0, "others": 0.1, "needed": 8} | changes)


@pytest.mark.parametrize("changes, busy", [
    ({}, False), ({"others": 0.79}, False), ({"others": 0.8}, True), ({"present": 0.95}, False), ({"present": 0.8}, True),
    ({"gpu": 0.05}, False), ({"gpu": 0.5}, True), ({"needed": 1, "others": 7.0}, False), ({"needed": 1, "others": 7.2}, True),
    ({"cores": 2, "needed": 2, "others": 0.19}, False), ({"cores": 2, "needed": 2, "others": 0.67}, True),
    ({"missing": 1}, True), ({"cores": 2, "needed": 1, "others": 1.0}, False), ({"cores": 1, "needed": 1, "others": 0.2}, True),
    ({"present": 0.0}, True)])
def test_others_disturb_whom_they_take_a_core_from(changes, busy):
    assert seen(**changes).busy == busy


def test_a_run_beside_another_program_is_marked(loop):
    [record] = found(measure((Network(preset="lenet5"),), Setting(), 0.05))
    assert record.busy and not record.sound
    told = " ".join(doubts([record]))
    assert f"of {record.load.cores} cores during this run" in told and "no conclusion is drawn" in told


def test_the_sentences_say_what_disturbed():
    assert disturbance(seen(others=0.9, cores=2, needed=2)) == "Other programs used 0.9 of 2 cores during this run."
    assert "kept the GPU busy for 40%" in disturbance(seen(gpu=0.4))
    assert "had a core for only 70% of the time" in disturbance(seen(present=0.7))
    assert "had a core for only 70% of the time" in disturbance(seen(present=0.7, gpu=0.05)), "the GPU was nearly idle"
    quiet, busy = latency(), latency(load=seen(others=3.0, missing=3))
    assert doubts([quiet, quiet]) == remarks([quiet]) == []
    told = doubts([quiet, busy])
    assert "as many threads as were free, 3 fewer" in told[1] and "holds for 1 of 2 times" in told[2]
    assert "Its times are longer" in doubts([busy])[2] and len(doubts([latency(load=seen(others=3.0))])) == 2


def test_repetitions_that_scatter_are_told_without_other_programs():
    wide, wider = latency(fluctuation=0.15), latency("vgg16", fluctuation=0.4)
    assert doubts([wide]) == [] and "fluctuate: resnet18, batch 1. The middle half of them spans up to 15%" in remarks([wide])[0]
    assert "scatter too much for a conclusion: vgg16, batch 1" in doubts([wide, wider])[0] and not wider.sound
    many = [latency(preset, fluctuation=0.3) for preset in ("vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34")]
    assert "vgg19, batch 1; and 2 more." in doubts(many)[0]
