"""The lessons in a real browser: what a student does."""

from playwright.sync_api import expect

from tests.conftest import settle


def test_pages_come_back_as_they_were_left(open_page):
    """A lesson, the Atlas and Timing, one after the other on one page."""
    page = open_page("/convolution")
    page.get_by_role("slider", name="Kernel K").press("ArrowRight")
    page.wait_for_url("**/convolution?kernel=4")
    page.get_by_role("link", name="Atlas").first.click()
    page.get_by_text("All networks", exact=True).click()
    page.wait_for_url("**/?view=networks")
    page.get_by_role("link", name="Timing").first.click()
    page.get_by_role("tab", name="Memory of training").click()
    page.get_by_text("Adam", exact=True).click()
    page.wait_for_url("**view=memory")
    settle(page)
    page.get_by_role("link", name="Atlas").first.click()
    page.wait_for_url("**/?view=networks")
    page.get_by_role("link", name="Timing").first.click()
    page.wait_for_url("**view=memory")
    expect(page.get_by_role("radio", name="Adam")).to_be_checked()
    page.get_by_role("link", name="Atlas").first.click()
    page.get_by_role("link", name="Read a first lesson").click()
    page.wait_for_url("**/convolution?kernel=4")
    expect(page.get_by_role("slider", name="Kernel K")).to_have_value("3")
