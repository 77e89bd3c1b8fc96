"""The textbook page in a real browser: what a student does."""

from playwright.sync_api import expect

from tests.conftest import settle


def answer(within, verdict: str) -> None:
    """Judge the statement that is asked there."""
    within.get_by_text(verdict, exact=True).click()
    within.get_by_role("button", name="Answer", exact=True).click()


def test_the_quiz_the_list_and_the_way_on(open_page):
    page = open_page("/textbook?view=quiz&document=versions")
    card = page.locator(".st-key-textbook_card")
    expect(page.get_by_text("Card 1 of 6 · Answered 0 of 6")).to_be_visible()
    answer(card, "Holds")
    card.get_by_role("cell", name="152", exact=True).wait_for()
    expect(card.get_by_text("You said Holds. It is Wrong.")).to_be_visible()
    expect(page.get_by_text("Answered 1 of 6, 0 right at the first try · Wrong: 1")).to_be_visible()
    kept = page.evaluate("JSON.parse(localStorage.getItem('backbone_lab.progress')).questions")
    assert kept == {"textbook.resnet-153": "shown"}

    page.get_by_role("button", name="Next", exact=True).click()
    page.wait_for_url("**/textbook?view=quiz&document=versions&card=fifty-convolutions")
    answer(card, "Imprecise")
    expect(card.get_by_text("Imprecise. Right.")).to_be_visible()
    page.go_back()  # to the card before, which is answered
    expect(card.get_by_text("You said Holds. It is Wrong.")).to_be_visible()
    settle(page)

    page.get_by_role("button", name="Which cards").click()
    page.get_by_role("combobox", name="Lesson").click()
    page.get_by_role("option", name="Identity mappings").click()
    page.wait_for_url("**/textbook?view=quiz&document=versions&topic=preactivation")
    expect(page.get_by_text("Card 1 of 2")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("radio", name="List").or_(page.get_by_role("button", name="List")).first.click()
    page.wait_for_url("**/textbook?document=versions&topic=preactivation")
    settle(page)
    box = page.get_by_test_id("stExpander").nth(0)
    answer(box, "Wrong")
    expect(box.get_by_text("You said Wrong. It is Imprecise.")).to_be_visible()
    expect(page.get_by_text("Answered 1 of 2, 0 right at the first try · Imprecise: 1")).to_be_visible()
    settle(page)
    assert page.evaluate("JSON.parse(localStorage.getItem('backbone_lab.progress')).questions") == {
        "textbook.resnet-153": "shown", "textbook.fifty-convolutions": "first", "textbook.relu-only-worse": "shown"}
    box.get_by_role("link", name="Lesson: Identity mappings").click()
    page.wait_for_url("**/preactivation**")
