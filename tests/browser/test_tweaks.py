"""The lesson on ResNet's tweaks in a real browser: switching B on."""


def test_switching_b_changes_the_picture_and_the_link(open_page):
    page = open_page("/tweaks")
    page.get_by_text("the block as a whole 48 of 64 (75.0 %)").wait_for()
    page.get_by_test_id("stCheckbox").filter(has_text="B: stride in the 3×3").locator("label").first.click()
    page.wait_for_url("**/tweaks?b=true")
    page.get_by_text("the block as a whole 0 of 64 (0.0 %)").wait_for()
    page.get_by_text("4,089,184,256").first.wait_for()
    page.get_by_text("def pooled_projection", exact=True).click()
    page.get_by_text("takes over the stride").first.wait_for()


def test_the_network_opens_in_explore(open_page):
    page = open_page("/tweaks?b=true&c=true")
    page.get_by_role("link", name="The network with your switches in Explore").click()
    page.wait_for_url("**/explore?*")
    page.get_by_test_id("stMain").get_by_text("4,328,824,832").first.wait_for()
