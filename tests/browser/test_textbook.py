"""The textbook page in a real browser: what a student does."""

from tests.conftest import settle


def test_choosing_opening_and_following(open_page):
    page = open_page("/textbook")
    page.get_by_text("13.62", exact=True).wait_for()
    page.get_by_role("radio", name="Wrong").or_(page.get_by_role("button", name="Wrong")).first.click()
    page.wait_for_url("**/textbook?verdict=wrong")
    settle(page)
    page.get_by_text("The family reaches from ResNet-18 to ResNet-153.").click()
    page.get_by_role("cell", name="152", exact=True).wait_for()
    settle(page)
    page.get_by_role("link", name="resnet152 in Explore").click()
    page.wait_for_url("**/explore?preset=resnet152")


def test_the_first_card_is_open_and_leads_to_its_lesson(open_page):
    page = open_page("/textbook?document=lecture&verdict=wrong&topic=vgg")
    page.get_by_role("cell", name="3, 4, 5", exact=True).wait_for()
    page.get_by_role("link", name="Lesson: AlexNet to VGG").click()
    page.wait_for_url("**/vgg")
