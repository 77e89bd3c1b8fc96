"""A connection that is lost and comes back: it is said, and afterwards knobs, numbers and link agree."""

import re

import pytest
from playwright.sync_api import expect

import lib
from tests.browser import harness
from tests.browser.line import line_to
from tests.browser.test_explore import shows


@pytest.fixture
def line(server):
    with line_to(server) as line:
        yield line


@pytest.fixture
def page(browser, line):
    """Explore over the line. The browser's own errors about the lost line are no fault of the page."""
    page = harness.goto(harness.new_page(browser, line.address), "/explore?preset=resnext50_32x4d")
    yield page
    page.context.close()


def agree(page, cardinality: int) -> None:
    """Wait until knob, numbers and link say this."""
    expect(page.get_by_role("slider", name="Cardinality C")).to_have_value(str(cardinality))
    shows(page, "Parameters", lib.analyze("resnext50_32x4d", cardinality=cardinality).params)
    page.wait_for_url(re.compile(f"cardinality={cardinality}$"))


def test_a_knob_that_moved_while_the_line_was_silent_counts_when_it_is_back(page, line):
    note = page.get_by_text("No connection to the server.")
    expect(note).to_be_hidden()
    for way, cardinality in (("up", 31), ("down", 30)):  # the move is lost, or the answer to it
        line.silent = {way}
        page.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
        page.wait_for_timeout(300)
        line.cut()
        expect(note).to_be_visible()
        expect(page.get_by_role("slider", name="Cardinality C")).to_be_disabled()
        line.mend()
        agree(page, cardinality)
        expect(note).to_be_hidden()
        harness.settle(page)


def test_a_browser_without_a_network_says_so(page):
    page.context.set_offline(True)
    expect(page.get_by_text("No connection to the server.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("No connection to the server.")).to_be_hidden()


def test_a_network_that_went_before_the_page_listened_is_said(page):
    page.add_init_script("Object.defineProperty(navigator, 'onLine', {value: false})")
    page.route("**/healthz", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("No connection to the server.")).to_be_visible()
    page.unroute("**/healthz")
    expect(page.get_by_text("No connection to the server.")).to_be_hidden()
