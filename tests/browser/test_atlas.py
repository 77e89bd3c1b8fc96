"""The Atlas in a real browser: what a person clicks."""

import re

import pytest

import lib
from tests.browser.test_explore import shows
from tests.conftest import settle


def opened(page, preset: str) -> None:
    """Wait until Explore shows this network."""
    page.wait_for_url(re.compile(rf"/explore\?preset={preset}\b"))
    page.get_by_role("heading", name="Explore").wait_for()
    shows(page, "Parameters", lib.analyze(preset).params)


def click_point(page, key: str, name: str) -> None:
    """Click in the middle of the bubble that has this name."""
    plot = page.locator(f'[class*="st-key-{key}"] .js-plotly-plot').first
    plot.scroll_into_view_if_needed()
    place = plot.evaluate("""(plot, name) => {
        const trace = plot.data.at(-1), at = trace.text.findIndex((text) => text == name)
        const { xaxis: x, yaxis: y } = plot._fullLayout, box = plot.getBoundingClientRect()
        return [box.left + x._offset + x.l2p(x.d2l(trace.x[at])), box.top + y._offset + y.l2p(y.d2l(trace.y[at]))]
    }""", name)
    page.mouse.move(*place)
    page.mouse.click(*place)


def texts(page, frame: str) -> dict[str, float]:
    """The words of a picture that are not hidden, with the height of their letters in pixels of the screen."""
    return page.locator(frame).evaluate("""(frame) => {
        const words = [...frame.querySelectorAll("svg text")].filter((text) => text.getClientRects().length && text.textContent)
        return Object.fromEntries(words.map((text) => [text.textContent,
            parseFloat(getComputedStyle(text).fontSize) * Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b)]))
    }""")


@pytest.mark.parametrize("width, height", [(1366, 768), (390, 844)])
def test_the_first_screen_says_what_this_is_and_where_to_begin(open_page, width, height):
    page = open_page("/", viewport={"width": width, "height": height})
    page.locator(".js-plotly-plot .point").first.wait_for()
    for link in page.locator(".st-key-begin a").all():
        box = link.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    assert page.locator(".st-key-begin a").count() == 4
    for choice in page.locator(".st-key-atlas_view").get_by_role("radio").all():
        assert 0 <= choice.bounding_box()["x"] <= width - 20
    chart = page.locator(".js-plotly-plot").first.bounding_box()
    assert chart["x"] + chart["width"] <= width
    assert (height - chart["y"]) / chart["height"] > 0.6


@pytest.mark.parametrize("view, picture", [("accuracy", '[class*="st-key-chart"] .js-plotly-plot'),
                                           ("lineage", ".st-key-lineage .frame"), ("timeline", ".js-plotly-plot"),
                                           ("winners", ".js-plotly-plot")])
def test_the_words_of_pictures_can_be_read_on_a_projector(open_page, view, picture):
    page = open_page(f"/?view={view}", viewport={"width": 1366, "height": 768})
    page.locator(f"{picture} svg text").first.wait_for()
    settle(page)
    words = texts(page, f"{picture} >> nth=0")
    assert len(words) > 8
    assert not {word: size for word, size in words.items() if size < 11.99}
    shown = page.locator(picture).first.bounding_box()
    assert (768 - shown["y"]) / shown["height"] > 0.6


def test_a_bubble_leads_to_explore(open_page):
    page = open_page("/?view=lineage")
    page.get_by_role("radio", name="Accuracy and cost").click()
    page.wait_for_url(re.compile("/$"))
    page.locator('[class*="st-key-chart"] .textpoint').first.wait_for()
    page.get_by_role("radio", name="torchvision 224").click()
    page.wait_for_url(re.compile("protocol=torchvision"))
    page.locator(".textpoint", has_text="alexnet").first.wait_for()
    settle(page)
    click_point(page, "chart", "alexnet")
    opened(page, "alexnet")
    page.go_back()
    page.get_by_role("heading", name="Backbone Lab").wait_for()
    settle(page)
    assert page.get_by_role("radio", name="torchvision 224").is_checked()
    assert page.get_by_test_id("stAlert").count() == 0


def test_a_network_of_the_lineage_leads_to_explore(open_page):
    page = open_page("/?view=lineage")
    page.locator('.st-key-lineage a[*|href="#vgg19"]').first.click()
    opened(page, "vgg19")


def test_a_family_of_the_timeline_leads_to_explore(open_page):
    page = open_page("/?view=timeline")
    page.locator(".st-key-timeline .point").first.wait_for()
    settle(page)
    click_point(page, "timeline", "2014")
    page.wait_for_url(re.compile(r"/explore\?preset="))
    page.get_by_role("heading", name="Explore").wait_for()


def test_a_link_opens_its_view(open_page):
    page = open_page("/?view=winners")
    page.get_by_text("Clarifai").first.wait_for()
    assert page.get_by_role("radio", name="ILSVRC winners").is_checked()


def test_a_malformed_link_gets_a_plain_message(open_page):
    page = open_page("/?view=<img src=x onerror=document.title='stolen'>")
    page.get_by_text("is not possible: choose one of accuracy").wait_for()
    assert page.title() != "stolen"
