"""Attention in channels in a real browser."""

from tests.browser.harness import settle


def test_a_student_turns_the_controls_and_brings_a_picture(open_page, tmp_path):
    page = open_page("/attention?strength=1")
    page.get_by_text("= 2 groups").wait_for()
    page.get_by_role("slider", name="Cardinality of ResNeSt").press("ArrowRight")
    page.wait_for_url("**/attention?*cardinality=2*")
    page.get_by_text("= 4 groups").wait_for()
    page.get_by_text("boat", exact=True).click()
    page.wait_for_url("**picture=boat**")
    address = settle(page).url
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture")
    page.locator("input[type=file]").set_input_files(notes)
    page.get_by_text("This file is not a picture that can be read").wait_for()
    assert page.url == address
