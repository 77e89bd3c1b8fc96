"""The lesson on convolution in a real browser: a student moves the kernel and changes the layer."""


def test_the_kernel_moves_and_the_output_changes(open_page):
    page = open_page("/convolution")
    page.get_by_text("output[1, 2]").wait_for()
    page.get_by_role("slider", name="Output row").press("ArrowRight")
    page.wait_for_url("**/convolution?row=2")
    page.get_by_text("output[2, 2]").wait_for()
    page.get_by_role("slider", name="Stride S").press("ArrowLeft")
    page.wait_for_url("**/convolution?stride=1&row=2")
    page.get_by_text("7×7", exact=True).first.wait_for()


def test_what_cannot_be_gets_a_sentence(open_page):
    page = open_page("/convolution?kernel=5&dilation=3&size=4&padding=0")
    page.get_by_text("The kernel reaches over 13 cells").first.wait_for()
    page.get_by_text("A linear layer is a convolution").wait_for()
