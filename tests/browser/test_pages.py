"""Every page in a real browser: light and dark, wide and narrow."""

import pytest

PAGES = ["/", "/explore", "/explore?view=cost", "/explore?view=field", "/explore?view=graph", "/explore?view=code",
         "/bottleneck"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 390)])
def test_a_page_opens_and_fits(open_page, path, scheme, width):
    page = open_page(path, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_text("encountered an error").count() == 0


def test_the_lesson_s_controls_work(open_page):
    page = open_page("/bottleneck")
    page.get_by_text("16.94 times").wait_for()
    page.get_by_role("slider", name="Bottleneck width").press("ArrowRight")
    page.wait_for_url("**/bottleneck?inner=128")
    page.get_by_text("1·1·256·128").first.wait_for()
    page.get_by_text("class Bottleneck", exact=True).click()
    page.get_by_text("class Bottleneck(nn.Module)").wait_for()
