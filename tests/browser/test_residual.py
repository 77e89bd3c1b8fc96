"""Residual learning in a real browser: what a student does."""


def test_depth_option_and_shift(open_page):
    page = open_page("/residual?depth=20")
    page.get_by_text("plain-20 and ResNet-20").wait_for()
    page.get_by_role("slider", name="Layers").press("ArrowRight")
    page.wait_for_url("**/residual?depth=32")
    page.get_by_text("plain-32 and ResNet-32").wait_for()
    page.get_by_role("radio", name="C", exact=True).click()
    page.wait_for_url("**depth=32&shortcut=C")
    page.get_by_text("Residual, dotted shortcut (C)").wait_for()
    page.get_by_text("class PlainBasicBlock", exact=True).click()
    page.get_by_text("class PlainBasicBlock(BasicBlock)").wait_for()
