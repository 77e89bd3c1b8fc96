"""The timing lab's clock against torch's own: `python -m benchmarks.timing`.

Three questions, all answered by ratios within one run. Are our medians those of `torch.utils.benchmark.Timer` (of
`triton.testing.do_bench` on a GPU), for the same model in the same process, taken in turns of less than a second? Do the
times of the layers add up to the whole? Is a run in a line of ten as long as a run alone? What else the machine did
meanwhile is printed beside them: on a busy one the ratios mean nothing.
"""

import argparse
import time
from dataclasses import dataclass
from statistics import median

import torch
from torch.utils import benchmark

from lib.devices import devices
from lib.lab import layers
from lib.lab.jobs import Job
from lib.lab.queue import Line, Ticket
from lib.lab.worker import LocalWorker
from lib.load import Load
from lib.records import Network, Setting
from lib.timing import Clock, Contender, arithmetic, found

NETWORKS = ("resnet18", "resnet50", "mobilenet_v2", "vgg16")


@dataclass(frozen=True)
class Pair:
    """Medians of single passes in milliseconds, by our clock and by torch's, and what else ran meanwhile."""

    ours: float
    theirs: float
    load: Load

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def against_torch(preset: str, setting: Setting, turns: int) -> Pair:
    """Both clocks in turns: single passes on the CPU; on a GPU `do_bench`, then as long with ours."""
    with arithmetic(setting) as around:
        contender, clock = Contender(Network(preset=preset), setting), Clock(setting)
        around.look()
        for _ in range(3):
            contender()
        take = _single_passes if setting.device == "cpu" else _do_bench
        ours, theirs = zip(*(take(contender, clock) for _ in range(turns)))
        return Pair(median(ours), median(theirs), around.load(clock))


def _single_passes(contender: Contender, clock: Clock) -> tuple[float, float]:
    timer = benchmark.Timer("run()", globals={"run": contender}, num_threads=torch.get_num_threads())
    theirs = 1e3 * timer.timeit(1).median
    return clock.milliseconds(contender), theirs


def _do_bench(contender: Contender, clock: Clock, milliseconds: int = 100) -> tuple[float, float]:
    from triton.testing import do_bench
    theirs = do_bench(contender, warmup=25, rep=milliseconds, return_mode="median")
    return median(clock.milliseconds(contender) for _ in range(max(10, int(milliseconds / theirs)))), theirs


def sum_of_layers(preset: str, setting: Setting) -> float:
    """The sum of the layers' times over the time of the whole network."""
    [record] = found(layers.measure(Network(preset=preset), setting, 2.0))
    return record.ratio


def in_line(setting: Setting, count: int = 10) -> float:
    """The median of `count` runs that were asked for at once, over that of a run alone before and after."""
    line = Line(LocalWorker(next(device for device in devices() if device.id == setting.device)))
    job = Job(kind="latency", networks=(Network(preset="resnet18"),), setting=setting)

    def medians(number: int) -> list[float]:
        tickets = [line.join(Ticket(job, f"person {person}")) for person in range(number)]
        while not all(ticket.over for ticket in tickets):
            time.sleep(0.1)
        return [ticket.found[0].latency_ms.median for ticket in tickets]
    alone, together = medians(1), medians(count)
    alone += medians(1)
    line.worker.close()
    return median(together) / median(alone)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--turns", type=int, default=20)
    options = arguments.parse_args()
    peer = "torch.utils.benchmark.Timer" if options.device == "cpu" else "triton.testing.do_bench"
    print(f"our median over that of {peer} (bar: within 3 %), {options.device}")
    for preset in NETWORKS:
        for batch in (1, 8):
            pair = against_torch(preset, Setting(device=options.device, batch=batch, flush_l2=options.device != "cpu"),
                                 options.turns)
            print(f"{preset:16} batch {batch}: {pair.ratio:.3f}" +
                  f"   busy: others used {pair.load.others:.2f} of {pair.load.cores} cores" * pair.load.busy, flush=True)
    print("sum of the layers over the whole network (bar: within 15 %)")
    for preset in NETWORKS:
        print(f"{preset:16} batch 1: {sum_of_layers(preset, Setting(device=options.device)):.3f}", flush=True)
    print(f"ten runs in a line over a run alone: {in_line(Setting(device=options.device)):.3f}")


if __name__ == "__main__":
    main()
