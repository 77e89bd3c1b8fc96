"""The clock on a busy machine: `python -m benchmarks.busy`. The table of docs/busy.md and the rules of the lab come from it.

Beside nothing, a loop that rests most of the time, and one and two that never rest, four networks are timed with torch's
threads spinning while they wait, with the threads asleep, and as the lab does it by itself: with as many threads as are
free. Which is nearest to the quiet time, and which runs are marked as disturbed?
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from lib.devices import cores
from lib.records import Latency

NETWORKS = ("resnet18", "resnet50", "mobilenet_v2", "resnet20_cifar")
LOADS = ("0", "0.3", "1", "2")
"""Cores that other programs want: whole ones never rest, a part of one rests in between."""

WAYS = {"spinning": (["--threads", str(cores())], {}), "asleep": (["--threads", str(cores())], {"OMP_WAIT_POLICY": "passive"}),
        "as many as are free": ([], {})}
"""Arguments and environment of `python -m lib time`."""

LOOP = "import sys, time\nshare = float(sys.argv[1])\nwhile True:\n    end = time.monotonic() + 0.02 * share\n    " \
       "while time.monotonic() < end: pass\n    time.sleep(0.02 * (1 - share))"


@contextmanager
def beside(wanted: float) -> Iterator[None]:
    """Inside, other programs want so many cores."""
    shares = [1.0] * int(wanted) + [wanted % 1] * (wanted % 1 > 0)
    loops = [subprocess.Popen([sys.executable, "-c", LOOP, str(share)]) for share in shares]
    time.sleep(1)
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def timed(preset: str, way: str) -> Latency:
    """A run of the command line, in a process of its own."""
    arguments, more = WAYS[way]
    done = subprocess.run([sys.executable, "-m", "lib", "time", preset, "--json", *arguments], capture_output=True, check=True,
                          env={name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | more)
    return Latency.model_validate(json.loads(done.stdout))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--loads", default=",".join(LOADS))
    options = arguments.parse_args()
    quiet: dict[str, float] = {}
    print(f"medians of {options.rounds} runs in ms, and as multiples of the quiet time with threads that spin; {cores()} cores")
    for load in options.loads.split(","):
        runs: dict[tuple[str, str], list[Latency]] = {(preset, way): [] for preset in NETWORKS for way in WAYS}
        with beside(float(load)):
            for _ in range(options.rounds):
                for preset, way in runs:
                    runs[preset, way].append(timed(preset, way))
        for preset in NETWORKS:
            middles = {way: median(median(run.repetitions_ms) for run in runs[preset, way]) for way in WAYS}
            first = quiet.setdefault(preset, middles["spinning"])
            print(f"others want {load:3}  {preset:15}" + "".join(
                f"  {way} {middle:7.3g} ms {middle / first:5.2f}" for way, middle in middles.items()), flush=True)
        own = [run for (_, way), found in runs.items() if way == "as many as are free" for run in found]
        print(f"others want {load:3}  marked as disturbed: {sum(run.busy for run in own)} of {len(own)}; scattered: "
              f"{sum(run.latency_ms.scattered for run in own)}; others used {median(run.load.others for run in own):.2f} cores, "
              f"threads {sorted({run.environment['threads'] for run in own})}", flush=True)


if __name__ == "__main__":
    main()
