"""A running app and a browser, for the tests that need them.

`open_page("/explore", color_scheme="dark")` opens a link on a fresh page; `page` and `goto(path)` do the same in two
steps. At the end of the test, nothing may have gone wrong on any of its pages.
"""

import gc
import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import Timeout

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: workers share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in the app: threads wait asleep
os.environ.setdefault("TIMING_LIMITS", str(Path(__file__).parent / "data" / "timing.toml"))  # short runs
os.environ.setdefault("MEASURED_FOLDER", tempfile.mkdtemp())  # shared by all processes of the tests
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/runs.sqlite")

from tests.browser import harness  # noqa: E402
from tests.browser.find import find  # noqa: E402
from tests.browser.harness import settle  # noqa: E402, F401  for the tests

frozen = 0


def pytest_runtest_setup():
    """As the app when it is warm: take from the garbage collector what was imported, which is most of what it walks."""
    global frozen
    if len(sys.modules) > frozen + 100:
        gc.collect()
        gc.freeze()
        frozen = len(sys.modules)


@pytest.fixture
def nothing_shipped(monkeypatch, tmp_path_factory):
    """As if no runs came with the app."""
    from lib.lab import shipped, store
    monkeypatch.setattr(store, "SHIPPED", tmp_path_factory.mktemp("shipped"))
    for kept in (store.shipped, shipped.runs):
        kept.cache_clear()
    yield
    for kept in (store.shipped, shipped.runs):
        kept.cache_clear()


@pytest.fixture(scope="session")
def server():
    """The address of the app, run as a person runs it. It measures what a page asks for, and nothing beforehand: the tests
    hold the lock of the server that would do so for all, as that takes a minute of the processors that they work on."""
    from lib.lab.lessons import preparing
    lock = preparing()
    with suppress(Timeout):  # held by the other half of the tests
        lock.acquire(blocking=False)
    with harness.serve() as address:
        yield address
    lock.release()


@pytest.fixture(scope="session")
def browser():
    """A browser. Where there is none the test is skipped; in CI it fails."""
    path = find()
    if not path:
        (pytest.fail if harness.in_ci() else pytest.skip)(
            "no Chrome or Chromium found; name one in CHROME, or: python tests/browser/find.py --install")
    with harness.launch(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def contexts():
    """Browser contexts by their options. The pages of one share the code of the app that they have loaded, no more."""
    return {}


@pytest.fixture
def new_page(browser, server, contexts):
    """`new_page(**context)`: an empty page, watched; the options are those of Playwright's `new_context`."""
    watched = []

    def new(**options):
        wanted = json.dumps(options, sort_keys=True)
        if wanted not in contexts:
            contexts[wanted] = harness.new_context(browser, server, **options)
        page = contexts[wanted].new_page()
        watched.append((page, harness.watch(page, server)))
        return page

    yield new
    wrong = [problem for _, problems in watched for problem in problems]
    for page, _ in watched:
        if not page.is_closed():
            wrong += [f"exception shown on {page.url}: {shown}" for shown in page.get_by_test_id("stException").all_inner_texts()]
            if page.url.startswith(server):
                page.evaluate("localStorage.clear()")
            page.close()
    assert not wrong, "\n".join([*wrong, harness.printed(server)])


@pytest.fixture
def open_page(new_page):
    """`open_page(path, **context)`: a page of the app, opened by its link and complete."""
    return lambda path, **context: harness.goto(new_page(**context), path)


@pytest.fixture
def page(new_page):
    """An empty page, 1280 x 800."""
    return new_page()


@pytest.fixture
def goto(page):
    """`goto(path)`: opens a link in `page` and waits until it is there."""
    return lambda path: harness.goto(page, path)
