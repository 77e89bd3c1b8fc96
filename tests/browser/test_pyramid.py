"""Feature pyramid in a real browser."""


def test_a_student_turns_the_controls(open_page):
    page = open_page("/pyramid")
    page.get_by_text("85.0 times").wait_for()
    page.get_by_role("slider", name="Images of the image pyramid").press("ArrowLeft")
    page.wait_for_url("**/pyramid?scales=3")
    page.get_by_text("21.0 times").wait_for()
    page.get_by_role("radio", name="P5").click()
    page.wait_for_url("**level=P5**")
    page.get_by_text("White lines are the cells of P5, 32 pixels wide").wait_for()
    page.get_by_text("This pyramid in Explore").click()
    page.wait_for_url("**/explore?**preset=resnet50_fpn**")
