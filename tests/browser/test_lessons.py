"""The lessons in a real browser: what a student does."""


def test_the_lesson_s_controls_work(open_page):
    page = open_page("/bottleneck")
    page.get_by_text("16.94 times").wait_for()
    page.get_by_role("slider", name="Bottleneck width").press("ArrowRight")
    page.wait_for_url("**/bottleneck?inner=128")
    page.get_by_text("1·1·256·128").first.wait_for()
    page.get_by_text("class Bottleneck", exact=True).click()
    page.get_by_text("class Bottleneck(nn.Module)").wait_for()
