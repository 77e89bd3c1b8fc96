"""How long races take, and what they come to: `python -m benchmarks.races`.

Runs them in the lab's own process on this machine's CPU: seconds until the first points, ResNet-20 beside plain-20, five
networks of 110 layers. Then the end points of the races that come with the app, three seeds each, as a table.
"""

import argparse
import time
from statistics import median

from lib.devices import devices
from lib.lab.jobs import Job
from lib.lab.worker import LocalWorker
from lib.training.race import Finished, Glimpse
from lib.training.recorded import ORDERS, PLAIN, RESIDUAL, entrant
from lib.training.records import Entrant
from lib.training.shipped import of_race


def timed(worker: LocalWorker, entrants: list[Entrant]) -> tuple[float, float, dict[str, tuple[float, float]]]:
    """Seconds until the first point and until the end, and the errors at the end by network."""
    job = Job(kind="race", networks=tuple(entrant.network for entrant in entrants), entrants=tuple(entrants))
    began, first, ends = time.perf_counter(), None, {}
    for step in worker.steps(job):
        if step and isinstance(step.found, (Glimpse, Finished)):
            first = first or time.perf_counter() - began
            if isinstance(step.found, Finished):
                ends[entrants[step.found.entrant].network.label] = step.found.epoch.train_error, step.found.epoch.test_error
    return first, time.perf_counter() - began, ends


def measure() -> None:
    worker = LocalWorker(devices()[0])
    began = time.perf_counter()
    list(worker.steps(Job(kind="warm", networks=())))
    print(f"the process begins: {time.perf_counter() - began:.1f} s (when the page is opened)")
    for name, networks in (("plain-20 and ResNet-20", [PLAIN[20], RESIDUAL[20]]),
                           ("five networks of 110 layers", list(ORDERS[110].values()))):
        first, whole, ends = timed(worker, [entrant(network) for network in networks])
        print(f"{name}, 12 epochs: first point after {first:.2f} s, all after {whole:.1f} s")
        for network, (train, test) in ends.items():
            print(f"  {network:32} training error {train:5.1f} %, test error {test:5.1f} %")
    worker.close()


def table() -> None:
    """What came with the app: lowest, median and highest of the seeds."""
    for race in ("depth", "orders_56", "orders_110"):
        ends: dict[str, list] = {}
        for curve in of_race(race):
            ends.setdefault(curve.label, []).append(curve)
        for network, curves in ends.items():
            train, test = ([getattr(curve.epochs[-1], f"{part}_error") for curve in curves] for part in ("train", "test"))
            seconds = median(sum(epoch.seconds for epoch in curve.epochs) for curve in curves)
            print(f"{network:32} {seconds:5.1f} s, training error {min(train):5.1f} {median(train):5.1f} {max(train):5.1f} %, "
                  f"test error {min(test):5.1f} {median(test):5.1f} {max(test):5.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="the table alone, without running anything")
    if not parser.parse_args().table:
        measure()
    table()
