"""Two people in two browsers: what one has measured the other sees, and does not remove."""

from playwright.sync_api import expect

from lib.web.visitor import COOKIE
from tests.browser.harness import SERVER_KEY, goto, settle


def select_newest(page) -> None:
    """Select the first of the stored runs: the box before it is drawn on a canvas."""
    table = page.locator("[class*=st-key-stored_table] .dvn-scroller").first
    expect(table).to_be_visible()
    settle(page)
    table.click(position={"x": 18, "y": 52})
    expect(page.get_by_role("button", name="Delete selected").first).to_be_visible()
    settle(page)


def delete(page, outcome: str) -> None:
    page.get_by_role("button", name="Delete selected").first.click()
    expect(page.get_by_test_id("stAlert").filter(has_text=outcome)).to_be_visible()


def type_key(page, typed: str) -> None:
    page.get_by_role("button", name="Server's key").first.click()
    key = page.get_by_role("textbox", name="Server's key")
    key.fill(typed)
    key.press("Enter")


def test_a_run_is_removed_in_its_own_browser_or_with_the_key(new_page):
    anna, ben = (new_page(locale=locale) for locale in ("en-GB", "en-IE"))
    goto(anna, "/timing?a=lenet5")  # the first page that this browser opens
    anna.locator(".st-key-run_latency button").first.click()
    expect(anna.locator(".st-key-latency_dots .js-plotly-plot")).to_be_visible(timeout=120_000)
    select_newest(goto(ben, "/timing?view=stored"))
    delete(ben, "Not deleted: Latency: lenet5")
    expect(ben.get_by_text("can be removed in the browser that has measured it")).to_be_visible()
    anna.get_by_role("tab", name="Stored runs").click()
    select_newest(anna)
    delete(anna, "Deleted: Latency: lenet5")
    anna.get_by_role("button", name="Undo the deletion").first.click()
    expect(anna.get_by_text("Put back: Latency: lenet5")).to_be_visible()
    type_key(ben, SERVER_KEY)
    expect(ben.get_by_text("This tab knows the server's key")).to_be_visible()
    settle(ben)
    delete(ben, "Deleted: Latency: lenet5")
    [mine], [other] = ([each for each in page.context.cookies() if each["name"] == COOKIE] for page in (anna, ben))
    assert mine["value"] != other["value"] and mine["httpOnly"] and mine["sameSite"] == "Lax"
    assert COOKIE not in anna.evaluate("document.cookie")
