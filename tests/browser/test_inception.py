"""The lesson on Inception in a real browser."""


def test_controls_rows_and_the_measurement(new_page):
    """The page is there, and its controls work, while the gradients are still being measured."""
    page = new_page()
    page.goto("/inception?batch_norm=true")
    page.get_by_text("2.37 times").wait_for()
    page.get_by_role("slider", name="5×5 reduction").press("ArrowRight")
    page.wait_for_url("**/inception?reduce5x5=24&batch_norm=true")
    page.get_by_text("1·1·192·24").first.wait_for()
    page.get_by_role("button", name="5b", exact=True).click()
    page.wait_for_url("**channels=832**")
    page.get_by_text("5·5·48·128").first.wait_for()
    page.get_by_role("radio", name="Gaussian").click()
    page.wait_for_url("**start=small**")
    page.get_by_text("The gradient of the first convolution").wait_for(timeout=120_000)
    page.get_by_text("class InceptionC", exact=True).wait_for(timeout=120_000)
