"""Every page by its link in a real browser: it stands, asks nobody else for anything, and fits a phone."""

import urllib.request

import pytest

from tests.browser import harness

PAGES = {"/": "Backbone Lab", "/explore": "Explore", "/compare": "Compare", "/bottleneck": "Bottleneck"}
NARROW = {"width": 390, "height": 844}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_opens_by_its_link(open_page, path, scheme):
    page = open_page(path, color_scheme=scheme)
    assert page.locator("h1").inner_text() == PAGES[path]
    assert page.get_by_role("dialog").count() == 0
    background = page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 17, 23)"}[scheme]


@pytest.mark.parametrize("path", [*PAGES, *(f"/explore?view={view}" for view in ("cost", "field", "graph", "code"))])
def test_fits_a_phone(open_page, path):
    page = open_page(path, viewport=NARROW)
    widths = page.evaluate("""() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
                                    .map(element => element.scrollWidth)""")
    assert max(widths) <= NARROW["width"]


def test_first_link_after_a_start_is_not_lost(browser):
    """With `pages/` beside the entry script, Streamlit says "Page not found" to the first one who opens a deep link."""
    with harness.serve() as address:
        page = harness.goto(harness.new_page(browser, address), "/bottleneck?inner=32")
        assert page.locator("h1").inner_text() == "Bottleneck"
        assert page.get_by_role("dialog").count() == 0
        assert page.url == f"{address}/bottleneck?inner=32"
        page.context.close()


def test_says_that_it_is_healthy(server):
    with urllib.request.urlopen(f"{server}/healthz") as answer:
        assert (answer.status, answer.read()) == (200, b"ok")
