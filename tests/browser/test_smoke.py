"""Every page by its link in a real browser: it stands, asks nobody else for anything, and fits a phone."""

import urllib.request

import pytest

from tests.browser import harness

PAGES = {"/": "Backbone Lab", "/explore": "Explore", "/compare": "Compare", "/timing": "Timing", "/train": "Train", "/inside": "What it sees",
         "/textbook": "The textbook, checked", "/bottleneck": "Bottleneck"}
"""Of the lessons one: tests/browser/test_steps.py goes over all steps of all."""
NARROW = {"width": 390, "height": 844}


@pytest.mark.parametrize("path", PAGES)
def test_opens_by_its_link_in_light_and_dark_and_fits_a_phone(open_page, path):
    page = open_page(path, color_scheme="light")
    assert page.locator("h1").inner_text() == PAGES[path]
    assert page.get_by_role("dialog").count() == 0
    assert background(page) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    harness.settle(page)
    assert background(page) == "rgb(14, 17, 23)"
    assert_plotly_comes_with_charts_alone(page)
    page.set_viewport_size(NARROW)
    assert_fits(page)


def assert_plotly_comes_with_charts_alone(page):
    """It is a third of all that a lesson loads."""
    charts = page.get_by_test_id("stPlotlyChart").count()
    if charts:
        page.locator(".js-plotly-plot").first.wait_for()
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert len(loaded) > 20 and any("PlotlyChart" in name for name in loaded) == (charts > 0)


def background(page) -> str:
    return page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")


@pytest.mark.parametrize("view", ["cost", "training", "field", "graph", "code"])
def test_views_of_explore_fit_a_phone(open_page, view):
    assert_fits(open_page(f"/explore?view={view}", viewport=NARROW))


def assert_fits(page):
    """Nothing of the page lies beside a phone's screen, once all has taken its new width."""
    page.wait_for_function("""most => Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]
                                               .map(element => element.scrollWidth)) <= most""", arg=NARROW["width"])


def test_says_that_it_is_healthy(server):
    with urllib.request.urlopen(f"{server}/healthz") as answer:
        assert (answer.status, answer.read()) == (200, b"ok")
