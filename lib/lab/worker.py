"""Where the measuring happens: a process of its own, so that the web server neither disturbs nor is disturbed.

A worker gives the steps of a job one by one, and None now and then while nothing new has come. Closing that iterator
stops the job within one repetition. `lib.lab.cluster` has the same for a Ray cluster.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, spawn
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab.jobs import Job, run
from lib.lab.neighbours import in_turn
from lib.timing import Step, Steps

TICK = 0.2
"""Seconds after which a worker that has nothing new says so."""

PATIENCE = 10.0
"""Seconds that a stopped job may take to come to the end of its repetition; then its process is ended."""


class WorkerLost(RuntimeError):
    """The process that measured is gone: killed from outside, or crashed in native code."""


class Worker(Protocol):
    """Measures on one device, one job at a time. `name` is what people call where it measures; `cold` while its process must
    be started first."""

    device: Device
    name: str
    cold: bool

    def steps(self, job: Job) -> Iterator[Step | None]:
        """The steps of a job. Raises `Impossible` for what cannot be measured, `WorkerLost` if the process is gone."""

    def close(self) -> None:
        """End the process."""


class ProcessWorker:
    """A spawned process, started with the first job and again after a loss. There `measure(job)` gives the steps of a job."""

    def __init__(self, name: str, measure: Callable[[Any], Steps]):
        self.name, self.measure = name, measure
        self.process = self.connection = None

    def _start(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.name, self.measure), daemon=True, name=self.name)
        with _without_main():
            self.process.start()
        theirs.close()

    @property
    def cold(self) -> bool:
        """Whether the process has to be started first."""
        return self.process is None or not self.process.is_alive()

    def steps(self, job: Any) -> Iterator[Step | None]:
        if self.cold:
            self._start()
        running = True
        try:
            self.connection.send(job)
            while True:
                message = self.connection.recv() if self.connection.poll(TICK) else None
                if message is None or isinstance(message, Step):
                    yield message
                    continue
                running = False
                if message:
                    raise Impossible(message)
                return
        except (EOFError, OSError):
            running = False
            code = self._end()
            raise WorkerLost(f"the measuring process ended ({_why(code)})") from None
        finally:
            if running:
                self._stop()

    def _stop(self) -> None:
        """Ask the process to stop after this repetition; end it if it does not."""
        try:
            self.connection.send("stop")
            while self.connection.poll(PATIENCE):
                if isinstance(self.connection.recv(), str):
                    return
        except (EOFError, OSError):
            pass
        self._end()

    def _end(self) -> int | None:
        self.process.join(1)
        self.process.kill()
        self.process.join()
        code, self.process = self.process.exitcode, None
        self.connection.close()
        return code

    def close(self) -> None:
        if self.process is not None:
            self._end()


@contextmanager
def _without_main() -> Iterator[None]:
    """Inside, a process that is started does not run the main script again. While a page runs, Streamlit gives its script out
    as that, and the new process would import the whole app and draw the page once for nobody."""
    with _starting:
        prepare = spawn.get_preparation_data
        spawn.get_preparation_data = lambda name: {
            key: value for key, value in prepare(name).items() if not key.startswith("init_main")}
        try:
            yield
        finally:
            spawn.get_preparation_data = prepare


_starting = Lock()


class LocalWorker(ProcessWorker):
    """A worker that measures on a device of this machine."""

    def __init__(self, device: Device):
        super().__init__(device.name, measure)
        self.device = device


def measure(job: Job) -> Steps:
    """The steps of a job of the timing lab."""
    return in_turn(job.setting.device, run(job))


def serve(connection: Connection, name: str, measure: Callable[[Any], Steps]) -> None:
    """The process: takes jobs, sends their steps, and after each job a text, empty if all went well."""
    _first_to_go()
    while True:
        try:
            job = connection.recv()
            if job == "stop":  # it came when the job before had just ended
                continue
            connection.send(_serve_one(connection, name, measure(job)))
        except (EOFError, OSError):
            return  # the web server is gone


def _serve_one(connection: Connection, name: str, steps: Steps) -> str:
    try:
        for step in steps:
            connection.send(step)
            if connection.poll():
                connection.recv()
                return "Stopped."
    except Impossible as refused:
        return str(refused)
    except (EOFError, OSError):
        raise
    except Exception as error:
        logging.exception("a measurement failed")
        return f"The measurement failed on {name}: {(str(error) or type(error).__name__).splitlines()[0][:200]}."
    return ""


def _first_to_go() -> None:
    """Where Linux runs out of memory it shall end this process, not the web server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _why(code: int | None) -> str:
    return "it was killed, perhaps for lack of memory" if code is not None and code < 0 else f"exit code {code}"


def local_devices() -> tuple[tuple[Device, ...], dict[str, str]]:
    """This machine's devices, and why kinds are missing, asked in a process that ends: naming a GPU takes memory of it."""
    command = [sys.executable, "-m", "lib", "devices", "--json"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=120).stdout)
    return tuple(Device.model_validate(device) for device in answer["devices"]), answer["absent"]
