"""`make serve`: HAProxy's configuration, and two processes behind it, of which one is killed under a person's page."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import sqlalchemy
import yaml
from playwright.sync_api import expect

from deploy import serve
from lib.lab import store
from tests.browser import harness
from tests.browser.test_connection import agree
from tests.lab.test_store import run

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def haproxy():
    """The path of HAProxy. Where there is none the test is skipped; in CI it fails."""
    return shutil.which("haproxy") or (pytest.fail if harness.in_ci() else pytest.skip)("needs HAProxy on the path")


def until(condition, seconds: float = 90):
    """What the condition gives, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (given := condition()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)
    return given


def free_ports(count: int) -> int:
    """The first of as many ports side by side that nobody uses."""
    for first in range(20_000 + os.getpid() % 10_000, 60_000, count):
        try:
            serve.refuse_taken(*range(first, first + count))
            return first
        except SystemExit:
            continue


@contextmanager
def started(command: list[str], end: int = signal.SIGTERM, **settings: str) -> Iterator[SimpleNamespace]:
    """A server and what it says. At the end it gets a signal, and must be gone with all that it has started."""
    with tempfile.NamedTemporaryFile("a+") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | settings)
        try:
            yield SimpleNamespace(process=process, says=lambda: Path(log.name).read_text())
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(end)
            _, left = psutil.wait_procs(family + [psutil.Process(process.pid)], 60)
            for each in left:
                each.kill()
            assert not left


# The configuration

@pytest.mark.parametrize("embed_in", [None, "", "https://course.example"])
@pytest.mark.parametrize("processes", ["here", "containers"])
def test_haproxy_accepts_its_configuration(haproxy, processes, embed_in, tmp_path):
    (tmp_path / "servers.cfg").write_text(serve.servers(range(8502, 8505)))
    second = tmp_path / "servers.cfg" if processes == "here" else ROOT / "deploy/containers.cfg"
    surroundings = {"PORT": "8501"} | ({"EMBED_IN": embed_in} if embed_in is not None else {})
    done = subprocess.run([haproxy, "-c", "-V", "-f", "deploy/haproxy.cfg", "-f", second], cwd=ROOT, env=surroundings,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr and "ALERT" not in done.stderr


@contextmanager
def in_front_of(haproxy: str, folder: Path, ports: range, **settings: str) -> Iterator[int]:
    """HAProxy with our configuration before whatever listens on these ports; its own port."""
    (folder / "servers.cfg").write_text(serve.servers(ports))
    port = free_ports(1)
    command = [haproxy, "-q", "-db", "-f", "deploy/haproxy.cfg", "-f", f"{folder}/servers.cfg"]
    with started(command, PORT=str(port), **settings):
        until(lambda: answers(port))
        yield port


def answers(port: int) -> int | None:
    """The status that comes back from there."""
    try:
        return ask(port).status
    except OSError:
        return None


def all_well(ports: Iterable[int]) -> bool:
    return all(answers(port) == 200 for port in ports)


def ask(port: int, path: str = "/healthz", **headers: str) -> http.client.HTTPResponse:
    """An answer, read. Underscores stand for the hyphens of headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.text = "" if answer.status == 101 else answer.read().decode()
    connection.close()
    return answer


ECHO = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"""


@pytest.fixture
def echo():
    """The port of a server that gives back the headers which it gets."""
    port = free_ports(1)
    with started([sys.executable, "-c", ECHO, str(port)]):
        until(lambda: answers(port))
        yield port


@pytest.mark.parametrize("embed_in, wanted", {
    "": {"HttpOnly", "SameSite=Lax"},
    "https://course.example": {"HttpOnly", "Secure", "SameSite=None", "Partitioned"}}.items())
def test_the_cookie_works_where_pages_are_shown(haproxy, echo, embed_in, wanted, tmp_path):
    with in_front_of(haproxy, tmp_path, range(echo, echo + 1), EMBED_IN=embed_in) as port:
        cookie, *attributes = ask(port).headers["Set-Cookie"].split("; ")
    assert cookie == f"PROCESS={echo}" and {each for each in attributes if not each.lower().startswith("path=")} == wanted


def test_the_app_is_told_who_asks_whatever_the_visitor_says(haproxy, echo, tmp_path):
    with in_front_of(haproxy, tmp_path, range(echo, echo + 1)) as port:
        told = ask(port, X_Forwarded_For="8.8.8.8", X_Forwarded_Proto="https", Cookie=f"PROCESS={echo}; a=b").text.lower()
    forwarded = sorted(re.findall("^x-forwarded-.*$", told, re.MULTILINE))
    assert forwarded == ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"]
    assert f"host: 127.0.0.1:{port}" in told and "process=" not in told and "a=b" in told


def test_while_no_process_is_there_a_sentence_says_so(haproxy, tmp_path):
    with in_front_of(haproxy, tmp_path, range(1, 2)) as port:
        answer = ask(port)
    assert answer.status == 503 and answer.headers["Refresh"] == "2" and answer.text.startswith("Backbone Lab starts.")


# The start

@pytest.mark.parametrize("name, value, words", [
    ("WORKERS", "0", "WORKERS must be a whole number from 1 to 64, not “0”."),
    ("WORKERS", "four", "WORKERS must be a whole number from 1 to 64, not “four”."),
    ("PORT", "70000", "PORT must be a whole number from 1 to 65000, not “70000”."),
    ("PATH", "/nowhere", "sudo apt-get install haproxy")])
def test_what_is_wrong_is_said_in_a_sentence(name, value, words, monkeypatch):
    monkeypatch.setattr(serve, "asked", lambda: ["2", "secret"])
    monkeypatch.setattr(serve, "supervise", lambda _: pytest.fail("it started"))
    if name != "PATH":
        monkeypatch.setattr(serve.shutil, "which", lambda _: "haproxy")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=re.escape(words)):
        serve.main()


def test_a_port_in_use_is_named():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {port} cannot be used: .* needs the ports {port} to {port}"):
            serve.refuse_taken(port)


def test_what_the_app_refuses_is_said_once(haproxy):
    done = subprocess.run([sys.executable, "-m", "deploy.serve"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          env=os.environ | {"TIMING_LIMITS": "/nowhere/timing.toml"})
    assert done.stderr == "/nowhere/timing.toml cannot be read: No such file or directory.\n"
    assert done.returncode == 1 and done.stdout == ""


# Two processes

@pytest.fixture(scope="module")
def two(haproxy):
    """`make serve` with two processes that answer."""
    port = free_ports(3)
    with started([sys.executable, "-m", "deploy.serve"], signal.SIGINT, PORT=str(port), WORKERS="2") as server:
        until(lambda: server.process.poll() is not None or all_well(range(port, port + 3)), 150)
        assert server.process.poll() is None, server.says()
        server.port, server.address = port, f"http://127.0.0.1:{port}"
        yield server


def process_at(server, port: int) -> psutil.Process | None:
    """The process of the app that serves this port."""
    return next((child for child in psutil.Process(server.process.pid).children()
                 if f"--server.port={port}" in child.cmdline()), None)


HANDSHAKE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
             "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.mark.slow
def test_a_cookie_leads_to_the_same_process_and_no_cookie_to_either(two):
    given = set()
    until(lambda: len(given) == 2 or given.add(ask(two.port).headers["Set-Cookie"].partition(";")[0]), 20)  # both are seen
    assert given == {f"PROCESS={two.port + 1}", f"PROCESS={two.port + 2}"}
    for cookie in given:  # a process that is not the cookie's would be named in a new one
        assert not any(ask(two.port, Cookie=cookie).headers["Set-Cookie"] for _ in range(10))
        answer = ask(two.port, "/_stcore/stream", Cookie=cookie, Origin=two.address, **HANDSHAKE)
        assert answer.status == 101 and not answer.headers["Set-Cookie"]


@pytest.mark.slow
def test_a_page_of_another_site_gets_no_websocket(two):
    assert ask(two.port, "/_stcore/stream", Origin="https://elsewhere.example", **HANDSHAKE).status == 403


@pytest.mark.slow
def test_the_processes_share_a_secret_and_the_folder_of_turns(two):
    names = ("STREAMLIT_SERVER_COOKIE_SECRET", "TURNS_FOLDER")
    one, other = ([process_at(two, two.port + number).environ()[name] for name in names] for number in (1, 2))
    assert one == other and len(one[0]) == 64 and Path(one[1]).is_dir()


def test_streamlit_reads_the_secret_there():
    ask_for_it = "from streamlit.web.server.server_util import get_cookie_secret; print(get_cookie_secret())"
    done = subprocess.run([sys.executable, "-c", ask_for_it], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"STREAMLIT_SERVER_COOKIE_SECRET": "a secret"})
    assert done.stdout == "a secret\n"


@pytest.mark.slow
def test_a_process_that_is_killed_costs_a_reconnect_and_others_nothing(two, browser):
    pages = [harness.goto(harness.new_page(browser, two.address), "/explore?preset=resnext50_32x4d") for _ in range(2)]
    mine, other = (int(next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "PROCESS"))
                   for page in pages)
    assert {mine, other} == {two.port + 1, two.port + 2}
    page, neighbour = pages
    page.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
    agree(page, 31)
    killed = process_at(two, mine)
    neighbour.evaluate("""() => new MutationObserver(() => window.noticed = true).observe(
        document.querySelector('[data-testid=stApp]'), {attributeFilter: ['data-test-connection-state']})""")
    with page.expect_websocket():
        killed.kill()
    harness.settle(page)
    assert {cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "PROCESS"} == {str(other)}
    agree(page, 31)
    expect(page.get_by_text("No connection to the server.")).to_be_hidden()
    for each, cardinality in ((page, 30), (neighbour, 31)):
        each.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
        agree(each, cardinality)
        assert not each.get_by_test_id("stException").count() and not each.get_by_role("dialog").count()
    assert not neighbour.evaluate("window.noticed")
    until(lambda: all_well([mine]))
    assert process_at(two, mine).pid != killed.pid
    for each in pages:
        each.context.close()


@pytest.mark.skipif(sys.platform != "linux", reason="copies this process, with all that it has imported")
def test_processes_keep_runs_in_one_new_file(tmp_path, monkeypatch, nothing_shipped):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'runs.sqlite'}")
    runs = [run(days=day) for day in range(20)]
    context = get_context("fork")
    at_once = context.Barrier(4)

    def keep(mine):
        at_once.wait()
        for each in mine:
            store.keep(each)
    processes = [context.Process(target=keep, args=(runs[number::4],)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert {row.id for row in store.runs()} == {each.id for each in runs}


# The containers, as far as they can be held without Docker

def compose() -> dict:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_the_image_copies_what_exists_and_the_proxy_finds_its_port():
    image = (ROOT / "deploy/Dockerfile").read_text()
    copied = [source for line in re.findall(r"^COPY (.*) \S+$", image, re.MULTILINE) for source in line.split()]
    assert {"app.py", "lib", "pages", ".streamlit", "requirements-server.txt"} <= set(copied)
    assert all((ROOT / source).exists() for source in copied)
    name, port = re.search(r"server-template app 1-\d+ (\w+):(\d+)", (ROOT / "deploy/containers.cfg").read_text()).groups()
    assert name in compose() and compose()[name]["build"]["dockerfile"] == "deploy/Dockerfile"
    assert f"EXPOSE {port}\n" in image and f"--server.port={port}" in image and f":{port}/healthz" in image


def test_the_proxy_has_what_its_configuration_asks_for():
    proxy = compose()["haproxy"]
    mounted = dict(volume.split(":")[1::-1] for volume in proxy["volumes"])
    for file in re.findall(r"-f (\S+)", proxy["command"]):
        assert (ROOT / mounted[file]).is_file()
    assert set(re.findall(r"\$\{(\w+)\}", (ROOT / "deploy/haproxy.cfg").read_text())) == set(proxy["environment"])
    assert proxy["ports"] == [f"${{PORT:-8501}}:{proxy['environment']['PORT']}"]


def test_the_processes_find_the_database_and_each_other():
    app, database = compose()["app"], compose()["database"]["environment"]
    url = sqlalchemy.make_url(app["environment"]["DATABASE_URL"].replace("${POSTGRES_PASSWORD}", "password"))
    assert (url.drivername, url.host) == ("postgresql", "database")
    assert (url.username, url.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    assert app["volumes"] == [f"turns:{app['environment']['TURNS_FOLDER']}", f"measured:{app['environment']['MEASURED_FOLDER']}"]
    assert f"--owner=lab {app['environment']['TURNS_FOLDER']}" in (ROOT / "deploy/Dockerfile").read_text()


def test_every_setting_is_explained():
    settings = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text())) - {"POSTGRES_PASSWORD"}
    settings |= {"RAY_ADDRESS", "TIMING_LIMITS", "OMP_WAIT_POLICY", "TURNS_FOLDER", "DATABASE_URL"}
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/server.md").read_text(), re.MULTILINE)
    assert settings <= set(table)
