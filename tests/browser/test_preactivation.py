"""Identity mappings in a real browser: what a student does."""


def test_ordering_and_depth(open_page):
    page = open_page("/preactivation")
    page.get_by_text("Five networks of 110 layers").wait_for()
    page.get_by_role("radio", name="(c)", exact=True).click()
    page.wait_for_url("**/preactivation?ordering=relu_before_addition")
    page.get_by_text("what is added is never negative").first.wait_for()
    page.get_by_role("radio", name="164", exact=True).click()
    page.wait_for_url("**/preactivation?depth=164&ordering=relu_before_addition")
    page.get_by_text("Five networks of 164 layers").wait_for()
    page.get_by_text("1·1·64·16").first.wait_for()
