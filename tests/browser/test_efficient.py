"""Efficient networks in a real browser: what a student does."""


def test_fewer_channels_and_no_shuffle(open_page):
    page = open_page("/efficient")
    page.get_by_text("57,802,752").first.wait_for()
    page.get_by_role("slider", name="Output channels").press("ArrowLeft")
    page.wait_for_url("**/efficient?outputs=64")
    page.get_by_text("28,901,376").first.wait_for()
    page.get_by_test_id("stCheckbox").filter(has_text="Channel shuffle").locator("label").first.click()
    page.wait_for_url("**/efficient?outputs=64&shuffle=false")
    page.get_by_text("def channel_shuffle", exact=True).click()
    page.get_by_text("def channel_shuffle(x: Tensor, groups: int)").wait_for()


def test_why_tools_disagree_is_a_link_away(open_page):
    page = open_page("/explore?preset=resnet50")
    page.get_by_role("tab", name="Why tools disagree").click()
    page.wait_for_url("**view=tools")
    page.get_by_text("4,111,512,576").first.wait_for()
    page.get_by_text("8,178,368,512").first.wait_for()
