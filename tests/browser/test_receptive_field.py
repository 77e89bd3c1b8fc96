"""The lesson on receptive fields in a real browser: a student goes through the stages and down the chain."""


def test_stage_and_depth_change_the_fields(open_page):
    page = open_page("/receptive-field")
    page.get_by_text("99 px", exact=True).first.wait_for()
    page.get_by_role("slider", name="Stage").press("ArrowLeft")
    page.wait_for_url("**/receptive-field?stage=2")
    page.get_by_text("43 px", exact=True).first.wait_for()
    page.get_by_role("slider", name="Blocks in the chain").press("ArrowRight")
    page.wait_for_url("**/receptive-field?stage=2&depth=7")
    page.get_by_text("29 px", exact=True).first.wait_for()
    page.get_by_text("half of the gradient").first.wait_for()
