"""The app and a browser as a person has them: for the tests, the pictures and the page benchmark."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
SERVER_KEY = "the key of whoever runs this server"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PROBES = ("/_stcore/health", "/_stcore/host-config")
"""Streamlit asks for these below a deep link first, is told 404, and finds them at the root."""
REFUSALS = """document.addEventListener('securitypolicyviolation', refused =>
    console.error('refused by the policy:', refused.effectiveDirective, refused.blockedURI.slice(0, 200)))"""
"""Said in the console even where the page's own script catches what follows."""
logs: dict[str, IO[str]] = {}
"""What the servers that run have printed, by their address."""


@contextmanager
def serve(script: str = "app.py") -> Iterator[str]:
    """The app, or another script, on a free port of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}", "--server.headless=true"]
    with tempfile.TemporaryFile("w+") as log, tempfile.TemporaryDirectory() as folder:
        own = {"MEASURED_FOLDER": f"{folder}/measured"} | os.environ | {
            "DATABASE_URL": f"sqlite:///{folder}/runs.sqlite",  # not the runs of whoever works here
            "STREAMLIT_SERVER_COOKIE_SECRET": "tests", "SERVER_KEY": SERVER_KEY}
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=own)
        logs[address] = log
        try:
            if not answers(f"{address}/_stcore/health", process):
                raise RuntimeError(f"the app did not start:\n{printed(address)}")
            yield address
        finally:
            del logs[address]
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def printed(address: str) -> str:
    """The last that this server has printed."""
    logs[address].seek(0)
    return logs[address].read()[-4000:]


def answers(url: str, process: subprocess.Popen, seconds: float = 90) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.2)
    return False


@contextmanager
def launch(path: str) -> Iterator[Browser]:
    """The browser at this path, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def new_context(browser: Browser, address: str, **context) -> BrowserContext:
    """A browser that nobody has used, where a path such as /explore leads to the app."""
    options = {"base_url": address, "viewport": {"width": 1280, "height": 800}}
    opened = browser.new_context(**options | context)
    opened.set_default_timeout(30_000)
    return opened


def new_page(browser: Browser, address: str, **context) -> Page:
    """An empty page in a context of its own."""
    return new_context(browser, address, **context).new_page()


def watch(page: Page, address: str) -> list[str]:
    """What goes wrong on this page from now on: errors of its scripts, errors in the console, requests to other hosts, and
    what the server's policy for contents does not allow."""
    wrong: list[str] = []

    def console(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not (url.endswith(PROBES) and "404" in message.text):
            wrong.append(f"console: {message.text} {url}")

    page.add_init_script(REFUSALS)
    page.on("console", console)
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    page.on("request", lambda request: wrong.append(f"asked another host: {request.url}")
            if request.url.startswith(("http:", "https:")) and not request.url.startswith(address) else None)
    return wrong


def hold_back(page: Page, part: str) -> list[bytes]:
    """From its next opening on, a page is not told of an address with this part in it, as where that is still on its way;
    gives what is held back."""
    held: list[bytes] = []

    def pass_on(line) -> None:
        server = line.connect_to_server()
        line.on_message(server.send)
        server.on_message(lambda message: held.append(message) if part.encode() in message and len(message) < 300
                          else line.send(message))
    page.route_web_socket(re.compile("_stcore/stream"), pass_on)
    return held


def goto(page: Page, path: str) -> Page:
    """Open a page of the app by its link, and wait until it is there."""
    page.goto(path)
    page.locator("h1").first.wait_for()
    return settle(page)


def settle(page: Page) -> Page:
    """Wait until the script has not run, and nothing on the page is being replaced, for a quarter of a second.

    Charts and tables may still be loading their code: wait for what is to be read as well.
    """
    page.evaluate("window.busyAt = performance.now()")
    page.wait_for_function("""() => {
        const app = document.querySelector('[data-testid=stApp]').dataset
        const quiet = app.testScriptState === 'notRunning' && app.testConnectionState === 'CONNECTED'
            && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
        if (!quiet) window.busyAt = performance.now()
        return performance.now() - window.busyAt > 250
    }""")
    return page


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}
