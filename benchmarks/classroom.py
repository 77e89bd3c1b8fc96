"""How a class fares: `python -m benchmarks.classroom`, or with `--short` in a minute.

Students are real websocket sessions that open pages, move controls, think and leave; only the browser is missing. The app
runs in processes of its own, as with `streamlit run app.py`, this program takes a part of the same cores. Printed are

- **at once**: sessions that open Explore in the same moment, and as many that open a bare page with as many elements
  (`benchmarks/bare.py`), which is what Streamlit itself takes;
- **new link**: one student who opens a lesson whose measurement nobody has asked for, and thirty at another such link;
- **class**: students who each think two seconds, then open a page or move a control, all at random; the time from the wish
  to the end of the page's run, and the server's memory and threads meanwhile and after all have left.

A page "with a measurement" is one that had to wait for a lesson's measurement. With `--workers 2` the class meets two
processes behind HAProxy, as `make serve` starts them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from lib.lessons import find, names
from tests.browser import harness

PAGES = ("", "explore", "compare", "timing", "textbook", "convolution", "receptive-field", "vgg", "inception", "residual",
         "bottleneck", "tweaks", "preactivation", "resnext", "attention", "pyramid", "efficient")
OPENS = 0.3
"""The share of wishes that are for a page; the others move a control of the page that is open."""
CONTROLS = {"slider", "select_slider", "checkbox", "number_input", "selectbox", "button_group"}
PATIENCE = 300.0
LESSON = ("residual", "start")
"""Whose link is new: with 110 layers the dearest measurement."""


@dataclass
class Rerun:
    """What one wish came to: seconds to the end of the page's run, whether it waited for a measurement, elements, bytes,
    and the first exception shown on the page."""

    seconds: float = 0.0
    measured: bool = False
    elements: int = 0
    bytes: int = 0
    error: str = ""


@dataclass
class Student:
    """A session of the app at a websocket's address, as a browser's. `controls` are those of the page that is open,
    `fragments` the parts of it that run alone when one of their controls is moved."""

    address: str
    chance: random.Random = field(default_factory=random.Random)
    controls: dict[str, Element] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    page_hash: str = ""
    line: ClientConnection | None = None

    async def come(self) -> None:
        self.line = await connect(self.address, subprotocols=["streamlit"], max_size=None, ping_interval=None,
                                  open_timeout=PATIENCE)

    async def leave(self) -> None:
        await self.line.close()

    async def open(self, page: str, step: str = "", **query: object) -> Rerun:
        """Open a page by its link."""
        query |= {"step": step} if step else {}
        self.controls, self.page_hash = {}, ""
        wish = BackMsg()
        wish.rerun_script.page_name, wish.rerun_script.query_string = page, urlencode(query)
        return await self._run(wish)

    async def move(self) -> Rerun | None:
        """Move a control of the open page; None where it has none."""
        if not self.controls:
            return None
        wish = BackMsg()
        wish.rerun_script.page_script_hash = self.page_hash
        id, element = self.chance.choice(list(self.controls.items()))
        wish.rerun_script.fragment_id = self.fragments.get(id, "")
        self._turn(element, wish.rerun_script.widget_states.widgets.add())
        return await self._run(wish)

    def _turn(self, element: Element, state) -> None:
        """Put another value of the control into the state of a widget."""
        kind, chance = element.WhichOneof("type"), self.chance
        control = getattr(element, kind)
        state.id = control.id
        if kind == "checkbox":
            state.bool_value = chance.random() < 0.5
        elif kind == "slider" and control.options:
            state.string_array_value.data.append(chance.choice(control.options))
        elif kind == "slider":
            steps = round((control.max - control.min) / control.step)
            state.double_array_value.data.append(control.min + control.step * chance.randint(0, steps))
        elif kind == "number_input":
            state.double_value = max(1, control.value + control.step * chance.choice((-2, -1, 1, 2)))
        elif kind == "selectbox":
            state.string_value = chance.choice(control.options)
        else:
            state.string_array_value.data.append(chance.choice(control.options).content)

    async def _run(self, wish: BackMsg) -> Rerun:
        """Send a wish and read until the page's run has ended."""
        rerun, begin = Rerun(), time.perf_counter()
        await self.line.send(wish.SerializeToString())
        while True:
            data = await asyncio.wait_for(self.line.recv(), PATIENCE)
            message = ForwardMsg.FromString(data)
            rerun.bytes += len(data)
            self._note(message, rerun)
            if message.WhichOneof("type") == "script_finished":
                rerun.seconds = time.perf_counter() - begin
                return rerun

    def _note(self, message: ForwardMsg, rerun: Rerun) -> None:
        if message.HasField("new_session"):
            self.page_hash = message.new_session.page_script_hash
        elif message.HasField("delta") and message.delta.HasField("new_element"):
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            rerun.elements += 1
            rerun.measured |= kind == "progress"
            if kind in CONTROLS and not getattr(element, kind).disabled:
                self.controls[getattr(element, kind).id] = element
                self.fragments[getattr(element, kind).id] = message.delta.fragment_id
            if kind == "exception":
                rerun.error = rerun.error or element.exception.message


def run(work: Awaitable):
    return asyncio.run(work)


async def gather(address: str, count: int, act) -> list[Rerun]:
    """So many students come, and then do the same in the same moment."""
    students = [Student(address, random.Random(number)) for number in range(count)]
    await asyncio.gather(*(student.come() for student in students))
    found = await asyncio.gather(*map(act, students))
    await asyncio.gather(*(student.leave() for student in students))
    return found


def at_once(address: str, count: int, page: str, step: str = "", **query: object) -> list[Rerun]:
    """Sessions that open one link in the same moment."""
    return run(gather(address, count, lambda student: student.open(page, step, **query)))


@dataclass
class Watch:
    """Memory (MB, all processes of the server) and threads over time, one entry about every second."""

    process: psutil.Process
    seen: list[tuple[float, float, int]] = field(default_factory=list)

    def look(self) -> None:
        memory = threads = 0
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                memory, threads = memory + process.memory_info().rss, threads + process.num_threads()
            except psutil.NoSuchProcess:
                pass
        self.seen.append((time.monotonic(), memory / 1e6, threads))

    async def keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(1)


def link(page: str, chance: random.Random) -> tuple[str, str]:
    """A page, and of a lesson one of its steps."""
    if (name := page.replace("-", "_")) not in names():
        return page, ""
    return page, chance.choice(find(name).steps).id


async def lesson(address: str, count: int, seconds: float, think: float, pages: tuple[str, ...],
                 watch: Watch) -> list[tuple[float, Rerun]]:
    """A class: what each wish came to, with when it was over."""
    end, found = time.monotonic() + seconds, []
    looking = asyncio.create_task(watch.keep_looking())

    async def learn(number: int) -> None:
        student = Student(address, random.Random(number))
        await student.come()
        await asyncio.sleep(student.chance.uniform(0, think))
        while time.monotonic() < end:
            opens = not student.controls or student.chance.random() < OPENS
            rerun = await (student.open(*link(student.chance.choice(pages), student.chance)) if opens else student.move())
            found.append((time.monotonic(), rerun))
            await asyncio.sleep(student.chance.uniform(0.5, 1.5) * think)
        await student.leave()
    await asyncio.gather(*map(learn, range(count)))
    looking.cancel()
    return found


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def told(reruns: Iterable[Rerun]) -> str:
    """Seconds of many reruns in one line."""
    times = [rerun.seconds for rerun in reruns]
    if not times:
        return "none"
    return (f"{len(times):5}: median {median(times):6.3f} s, p95 {percentile(times, 0.95):6.3f} s, "
            f"p99 {percentile(times, 0.99):6.3f} s, longest {max(times):6.3f} s")


def say_errors(reruns: Iterable[Rerun]) -> None:
    errors = [rerun.error for rerun in reruns if rerun.error]
    print(f"  errors: {len(errors)}" + "".join(f"\n    {error[:160]}" for error in dict.fromkeys(errors[:5])), flush=True)


@contextmanager
def serving(script: str) -> Iterator[tuple[str, psutil.Process]]:
    """A server of its own; gives its websocket's address and its process."""
    with harness.serve(script) as page:
        port = int(page.rpartition(":")[2])
        listen = {each.pid for each in psutil.net_connections("tcp") if each.laddr.port == port and each.status == "LISTEN"}
        [server] = [each for each in map(psutil.Process, listen) if each.ppid() not in listen]  # the others are its children
        yield f"ws://127.0.0.1:{port}/_stcore/stream", server


@contextmanager
def serving_together(workers: int, port: int = 8700) -> Iterator[tuple[str, psutil.Process]]:
    """As `serving`: so many processes behind HAProxy."""
    with TemporaryDirectory() as folder:
        own = os.environ | {"WORKERS": str(workers), "PORT": str(port), "DATABASE_URL": f"sqlite:///{folder}/runs.sqlite",
                            "MEASURED_FOLDER": folder}
        process = subprocess.Popen([sys.executable, "-m", "deploy.serve"], cwd=harness.ROOT, env=own, stdout=subprocess.DEVNULL)
        try:
            for each in range(port, port + workers + 1):
                if not harness.answers(f"http://127.0.0.1:{each}/healthz", process):
                    raise RuntimeError("the server did not start")
            yield f"ws://127.0.0.1:{port}/_stcore/stream", psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_for_rest(process: psutil.Process) -> None:
    """Until the server has opened its pages and measured what classes ask for first: nobody comes in its first minute."""
    def used() -> float:
        return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))
    before, rested = used(), 0
    while rested < 5:
        time.sleep(1)
        now = used()
        before, rested = now, rested + 1 if now - before < 0.2 else 0


def compare_with_bare(app: str, counts: Iterable[int], turns: int) -> None:
    """Explore against the bare page, in turns."""
    with serving("benchmarks/bare.py") as (bare, _):
        first = [(at_once(app, 20, "explore")[0], at_once(bare, 20, "")[0]) for _ in range(2)][-1]  # both are warm by then
        print(f"Explore has {first[0].elements} elements, {first[0].bytes:,} bytes; the bare page {first[1].elements} and "
              f"{first[1].bytes:,}")
        for count in counts:
            times = [(max(rerun.seconds for rerun in at_once(app, count, "explore")),
                      max(rerun.seconds for rerun in at_once(bare, count, ""))) for _ in range(turns)]
            ours, theirs = (median(column) for column in zip(*times))
            print(f"  {count:4} at once: the last after {ours:6.3f} s ({count / ours:5.1f} pages a second), "
                  f"bare {theirs:6.3f} s: {ours / theirs:5.2f} times   (bar 1.5)", flush=True)


def new_link(app: str, count: int) -> None:
    alone = at_once(app, 1, *LESSON, depth=110, seed=3)[0].seconds
    many = at_once(app, count, *LESSON, depth=110, seed=4)
    last = max(rerun.seconds for rerun in many)
    print(f"New link: one alone {alone:.2f} s; {count} at once: the last after {last:.2f} s   (bar {2 * alone + 1.5:.2f} s)")
    say_errors(many)


def a_class(app: str, process: psutil.Process, count: int, seconds: float, think: float, pages: tuple[str, ...],
            wait: float) -> None:
    watch, begin = Watch(process), time.monotonic()
    found = run(lesson(app, count, seconds, think, pages, watch))
    print(f"Class of {count}, thinking {think:g} s, {seconds:g} s long: {len(found) / seconds:.1f} pages a second")
    reruns = [rerun for _, rerun in found]
    print("  without a measurement", told(rerun for rerun in reruns if not rerun.measured))
    print("  with a measurement   ", told(rerun for rerun in reruns if rerun.measured))
    say_errors(reruns)
    for start, stop in zip(range(0, int(seconds), 60), range(60, int(seconds) + 60, 60)):
        part = [(memory, threads) for moment, memory, threads in watch.seen if start <= moment - begin < stop]
        times = [rerun.seconds for moment, rerun in found if start <= moment - begin < stop]
        if part and times:
            print(f"  minute {start // 60 + 1:2}: {len(times) / 60:5.1f} a second, p95 {percentile(times, 0.95):6.3f} s, "
                  f"memory {median(memory for memory, _ in part):5.0f} MB, threads {max(threads for _, threads in part)}")
    time.sleep(wait)
    watch.look()
    print(f"  memory {wait:g} s after all have left: {watch.seen[-1][1]:.0f} MB; "
          f"before they came {watch.seen[0][1]:.0f} MB", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true", help="a minute in all")
    options.add_argument("--only", choices=("bare", "link", "class"), help="one part alone")
    options.add_argument("--workers", type=int, default=1, help="processes, behind HAProxy if there are several")
    options.add_argument("--students", type=int, default=50)
    options.add_argument("--seconds", type=float, default=180)
    options.add_argument("--think", type=float, default=2.0)
    options.add_argument("--wait", type=float, default=180, help="seconds after all have left")
    chosen = options.parse_args()
    with serving("app.py") if chosen.workers == 1 else serving_together(chosen.workers) as (app, process):
        wait_for_rest(process)
        if chosen.only in (None, "link"):
            new_link(app, 30)
        if chosen.only in (None, "bare"):
            compare_with_bare(app, (1, 20) if chosen.short else (1, 20, 50, 100), 7)
        if chosen.only in (None, "class"):
            a_class(app, process, 20 if chosen.short else chosen.students, 20 if chosen.short else chosen.seconds,
                    chosen.think, PAGES, 5 if chosen.short else chosen.wait)


if __name__ == "__main__":
    main()
