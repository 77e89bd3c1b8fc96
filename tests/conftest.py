"""A running app and a browser for the tests that need them."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.find import find

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def server():
    """The address of the app, run as a person runs it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/healthz", process)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, process: subprocess.Popen) -> None:
    for _ in range(240):
        assert process.poll() is None, "the app ended while starting"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
    raise TimeoutError(f"{url} did not answer within a minute")


@pytest.fixture(scope="session")
def chromium():
    """A browser. Where there is none the test is skipped, in CI it fails."""
    path = find()
    if not path:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chrome or Chromium found; see tests/browser/find.py")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, server):
    """`open_page(path, **context)` opens a page of the app and waits until it is there.

    At the end no page may have thrown, shown a traceback, or asked another host for anything.
    """
    opened, errors, foreign = [], [], []

    def open(path: str, **context):
        page = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True} | context).new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: foreign.append(request.url) if request.url.startswith("http")
                and not request.url.startswith(server) else None)
        page.goto(server + path)
        settle(page)
        opened.append(page)
        return page

    yield open
    for page in opened:
        assert page.get_by_test_id("stException").count() == 0
        page.context.close()
    assert not errors
    assert not foreign


def settle(page) -> None:
    """Wait until the script has run and its heading stands."""
    page.wait_for_selector("h1")
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(250)
