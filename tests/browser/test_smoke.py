"""Every page by its link in a real browser: it stands, asks nobody else for anything, and fits a phone."""

import urllib.request

import pytest

from tests.browser import harness

PAGES = {"/": "Backbone Lab", "/explore": "Explore", "/compare": "Compare", "/timing": "Timing",
         "/textbook": "The textbook, checked",
         "/convolution": "Convolution", "/receptive-field": "Receptive field", "/vgg": "AlexNet to VGG",
         "/inception": "Inception", "/residual": "Residual learning", "/bottleneck": "Bottleneck", "/tweaks": "ResNet tweaks",
         "/preactivation": "Identity mappings", "/resnext": "ResNeXt", "/attention": "Attention in channels",
         "/pyramid": "Feature pyramid", "/efficient": "Efficient networks"}
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
    page.set_viewport_size(NARROW)
    assert_fits(page)


def test_plotly_comes_with_the_first_chart(page, goto):
    """It is a third of all that a lesson loads."""
    loaded = []
    page.on("request", lambda request: loaded.append("PlotlyChart" in request.url))
    goto("/explore")
    assert len(loaded) > 20 and not any(loaded)
    goto("/residual")
    page.locator(".js-plotly-plot").first.wait_for()
    assert any(loaded)


def background(page) -> str:
    return page.get_by_test_id("stApp").evaluate("app => getComputedStyle(app).backgroundColor")


@pytest.mark.parametrize("view", ["cost", "field", "graph", "code"])
def test_views_of_explore_fit_a_phone(open_page, view):
    assert_fits(open_page(f"/explore?view={view}", viewport=NARROW))


def assert_fits(page):
    """Nothing of the page lies beside a phone's screen, once all has taken its new width."""
    page.wait_for_function("""most => Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]
                                               .map(element => element.scrollWidth)) <= most""", arg=NARROW["width"])


@pytest.mark.slow
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
