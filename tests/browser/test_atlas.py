"""The Atlas in a real browser: what a person clicks."""

import re

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


def test_a_bubble_leads_to_explore(open_page):
    page = open_page("/")
    page.get_by_role("radio", name="Accuracy and cost").click()
    page.wait_for_url("**/?view=accuracy")
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
    page = open_page("/")
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
    page.get_by_text("is not possible: choose one of timeline").wait_for()
    assert page.title() != "stolen"
