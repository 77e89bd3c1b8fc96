"""Train, as a person uses it: predict, run, watch, pause, go on, stop, open the link again, replay."""

import time

from playwright.sync_api import expect

QUICK = "a=resnet20_cifar&a.n=1&a.width=4&b=plain20_cifar&b.n=1&b.width=4&batch=480"
LARGE = ".st-key-train_chart_large .js-plotly-plot"


def points(page) -> int:
    """How many points the large chart shows."""
    return page.locator(LARGE).last.evaluate("chart => (chart.data ?? []).reduce((sum, line) => sum + (line.x?.length ?? 0), 0)")


def see(locator) -> None:
    """It comes, however busy the machine is."""
    expect(locator).to_be_visible(timeout=120_000)


def until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)


def button(page, name: str):
    return page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).first


def test_predict_run_watch_pause_go_on_stop_and_open_again(open_page):
    page = open_page(f"/train?{QUICK}&epochs=40")
    expect(page.locator(LARGE)).to_have_count(0)  # nothing is shown before the guess
    page.get_by_text("plain20_cifar n=1 width=4").last.click()
    page.get_by_placeholder("a number (points)").fill("12")
    button(page, "That is my guess").click()
    see(page.locator(LARGE).last)  # empty axes, so that the first points find their chart drawn
    assert points(page) == 0
    button(page, "Run").click()
    see(button(page, "Pause"))
    until(lambda: points(page) > 1)
    button(page, "Pause").click()
    see(page.get_by_text("Paused after"))
    before = points(page)
    button(page, "Go on").click()
    until(lambda: points(page) > before)
    button(page, "Stop").click()
    see(page.get_by_text("Stopped."))
    again = open_page(page.url)
    button(again, "Go on without a guess").click()
    see(again.get_by_text("Paused after"))
    button(again, "Go on").click()
    see(button(again, "Replay"))


def test_a_class_opens_one_link_and_sees_a_replay(open_page):
    page = open_page(f"/train?{QUICK}&epochs=4&seed=1&predict=false")
    button(page, "Run").click()
    see(button(page, "Replay"))
    other = open_page(page.url, extra_http_headers={"X-Browser": "a student"})
    see(other.get_by_text("The same settings and the same seed give the same curves."))
    see(button(other, "Replay"))  # it ends by itself
    until(lambda: points(other) == points(page) == 8)


def test_on_a_phone_in_the_dark_and_before_a_class(open_page):
    phone = open_page("/train?a=plain20_cifar&b=resnet20_cifar&predict=false", viewport={"width": 390, "height": 844})
    see(phone.locator(LARGE).last)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    dark = open_page("/train?a=plain20_cifar&b=resnet20_cifar&predict=false&present=true", color_scheme="dark",
                     viewport={"width": 1366, "height": 768})
    see(dark.locator(LARGE).last)
    tick, chart = dark.locator(f"{LARGE} .xtick text"), dark.locator(LARGE).last  # drawn again and again in a replay
    until(lambda: tick.last.evaluate("text => parseFloat(getComputedStyle(text).fontSize)") >= 20)
    until(lambda: 0 < chart.evaluate("chart => chart.getBoundingClientRect().bottom") <= 768)
