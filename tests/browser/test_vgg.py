"""The lesson on AlexNet and VGG in a real browser."""


def test_controls_change_numbers_and_the_link(open_page):
    page = open_page("/vgg")
    page.get_by_text("49 times", exact=True).wait_for()
    page.get_by_role("slider", name="VGG width").press("ArrowRight")
    page.wait_for_url("**/vgg?width=128")
    page.get_by_text("50,176,000 weights against 1,024,000").wait_for()
    page.get_by_role("slider", name="Its image").press("ArrowLeft")
    page.wait_for_url("**/vgg?size=224&width=128")
    page.get_by_text("of the 714,188,480 multiply-adds").wait_for()
