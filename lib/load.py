"""What else runs on the machine while something is timed.

A clock cannot tell a slow network from one that had to wait for its turn. The operating system can: it counts the CPU
time of this process and of all others, and how long the thread that measured really had a core.
"""

import os
import time
from collections.abc import Callable
from typing import Literal

import psutil
from pydantic import BaseModel, ConfigDict

from lib.quantities import Count, Seconds, Share

MUCH = 0.1
"""Others disturb if they use this share of all cores. On a quiet machine of two cores it is 0.01, beside a loop that never
rests 0.33 to 0.5 (docs/busy.md)."""

PRESENT = 0.9
"""A thread that computes all the time has a core for this share of it, or it is disturbed. Quiet 0.99, beside a loop 0.7."""

LOOK = 0.5
"""Seconds in which others show how many cores they use; long enough to tell a program that works from one that awoke."""


class Load(BaseModel):
    """What ran beside a measurement, on average over `seconds`. A core that works all the time counts 1.

    `cores` are the (logical) cores that this process may use, `own` what it used, `others` what all other programs used
    of them (other machines that share them too), `needed` what the measurement wants for itself. `present` is the share
    of its time in which the thread that measured had a core, `gpu` the share of time in which the GPU worked for others;
    None where nothing tells. `missing` are the threads that were not taken, as others used their cores.
    """

    model_config = ConfigDict(frozen=True)

    seconds: Seconds
    cores: Count
    own: Share
    others: Share
    needed: Count
    present: Share | None = None
    gpu: Share | None = None
    missing: Count = 0

    @property
    def spare(self) -> float:
        """Cores that others may use without disturbing: those that the measurement does not need, and a little."""
        return max(MUCH * self.cores, self.cores - self.needed + MUCH)

    @property
    def disturbed_by(self) -> Literal["", "others", "gpu", "absence"]:
        """What disturbed the measurement: others on the cores or on the GPU, or that its thread had no core."""
        if self.others >= self.spare or self.missing:
            return "others"
        if self.gpu is not None and self.gpu >= MUCH:
            return "gpu"
        return "absence" if self.present is not None and self.present < PRESENT else ""

    @property
    def busy(self) -> bool:
        """Whether anything disturbed the measurement."""
        return bool(self.disturbed_by)


class Watch:
    """Counts from its making on, beside a measurement that needs so many cores. `own_seconds` gives the CPU time of what
    measures: of the process, or of one thread."""

    def __init__(self, needed: int, own_seconds: Callable[[], float] | None = None):
        self.needed, self.own_seconds = needed, own_seconds or process_seconds
        self.start = time.monotonic(), busy_seconds(), self.own_seconds()

    def load(self, present: float | None = None, **more) -> Load:
        """The load since the beginning; `more` are fields of it that others know."""
        passed, busy, own = (now - before for now, before in
                             zip((time.monotonic(), busy_seconds(), self.own_seconds()), self.start))
        return Load(seconds=round(passed, 2), cores=len(allowed()), own=round(max(0.0, own) / passed, 2),
                    others=round(max(0.0, busy - own) / passed, 2), needed=self.needed,
                    present=None if present is None else round(present, 2), **more)


def allowed() -> list[int]:
    """The logical cores that this process may use."""
    process = psutil.Process()
    return process.cpu_affinity() if hasattr(process, "cpu_affinity") else list(range(os.cpu_count()))


WORKING = ("user", "nice", "system", "irq", "softirq", "steal")
"""What a core may do besides nothing; `steal` is what a hypervisor gave to other machines. Systems have some of these."""


def busy_seconds() -> float:
    """Seconds that the allowed cores have worked since the machine was started, for whomever."""
    cores = psutil.cpu_times(percpu=True)
    return sum(getattr(cores[core], name, 0.0) for core in allowed() if core < len(cores) for name in WORKING)


def process_seconds() -> float:
    """CPU seconds of this process and of all that it has started, such as compilers."""
    own = psutil.Process()
    started = [time.process_time() + sum(own.cpu_times()[2:4])]
    for child in own.children(recursive=True):
        try:
            started.append(sum(child.cpu_times()[:4]))
        except psutil.Error:  # it has ended meanwhile, and counts among its parent's
            continue
    return sum(started)
