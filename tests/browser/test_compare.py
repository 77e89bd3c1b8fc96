"""Compare in a real browser: a knob, a third network, a link to send, the way to Explore."""

import re

from playwright.sync_api import expect

import lib
from tests.browser.harness import hold_back, settle
from tests.browser.test_explore import in_sight


def table(page, row: str):
    return page.get_by_role("table").first.get_by_role("row", name=row)


def turn_classes(page) -> None:
    """Ten classes in the open box of knobs, where they lie folded under their heading."""
    page.get_by_text("Image and classes").click()
    page.get_by_role("spinbutton", name="Classes").fill("10")
    page.get_by_role("spinbutton", name="Classes").press("Enter")


def test_a_teacher_builds_a_comparison_and_sends_it(open_page, new_page):
    page = open_page("/compare")
    page.get_by_role("button", name="Knobs").nth(1).click()
    settle(page)
    turn_classes(page)
    page.wait_for_url(re.compile(r"b\.num_classes=10"))
    page.keyboard.press("Escape")
    expected = lib.analyze("resnext50_32x4d", num_classes=10).params
    table(page, "Parameters").get_by_text(f"{expected:,}").wait_for()
    page.get_by_role("button", name="Add a network").click()
    page.wait_for_url(re.compile(r"c=vgg16"))
    table(page, "Parameters").get_by_text("138,357,544").wait_for()
    settle(page)

    student = open_page(page.url.split("/", 3)[3].join(["/", ""]))
    table(student, "Parameters").get_by_text(f"{expected:,}").wait_for()
    table(student, "Parameters").get_by_text("138,357,544").wait_for()
    student.get_by_role("link", name="Explore").nth(2).click()
    student.wait_for_url(re.compile(r"/explore\?preset=resnext50_32x4d&num_classes=10"))
    student.get_by_role("heading", name="Explore").wait_for()
    student.go_back()
    table(student, "Parameters").get_by_text(f"{expected:,}").wait_for()


def test_comes_back_as_it_was_left_and_shows_the_totals_beside_a_knob(open_page):
    page = open_page("/compare", viewport={"width": 390, "height": 844})
    page.get_by_text("activation memory", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Knobs").first.click()
    settle(page)
    turn_classes(page)
    in_sight(page, page.locator(".st-key-a_knob_totals"), lib.analyze("resnet50", num_classes=10).params)
    page.keyboard.press("Escape")
    page.get_by_test_id("stMain").get_by_role("link", name="Explore").first.click()
    page.get_by_role("heading", name="Explore").wait_for()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Compare").click()
    page.get_by_role("heading", name="Compare").wait_for()
    page.wait_for_url("**/compare?a=resnet50&a.num_classes=10&b=resnext50_32x4d")
    expect(page.get_by_role("radio", name="activation memory")).to_be_checked()


def test_a_box_that_closes_before_the_address_has_changed_takes_nothing_back(page, goto):
    """What closes it may still send the address of a moment ago, where the answer with the new one is on its way."""
    late = hold_back(page, "a.num_classes=10")
    goto("/compare")
    page.get_by_role("button", name="Knobs").first.click()
    settle(page)
    turn_classes(page)
    expected = lib.analyze("resnet50", num_classes=10).params
    in_sight(page, page.locator(".st-key-a_knob_totals"), expected)
    page.keyboard.press("Escape")
    settle(page)
    assert late and "num_classes" not in page.url
    table(page, "Parameters").get_by_text(f"{expected:,}").wait_for()


def test_bars_and_fields_are_drawn_for_every_network(open_page):
    page = open_page("/compare?a=resnet50&b=vgg16&c=inception_v3")
    for key, traces in (("bars_chart", 3), ("fields_chart", 5)):  # two sizes of images beside the three networks
        plot = page.locator(f'[class*="st-key-{key}"] .js-plotly-plot')
        plot.locator(".main-svg").first.wait_for()
        assert plot.evaluate("plot => plot.data.length") == traces
