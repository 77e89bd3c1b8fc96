"""The lesson on ResNeXt in a real browser: fewer paths."""


def test_moving_the_cardinality_changes_the_numbers_and_the_link(open_page):
    page = open_page("/resnext")
    page.get_by_text("70,144 weights").wait_for()
    page.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
    page.wait_for_url("**/resnext?cardinality=16")
    page.get_by_text("35,072 weights").wait_for()
    page.get_by_text("it is 93.8 %").wait_for()
    page.get_by_text("class PathsAdded", exact=True).click()
    page.get_by_text("class PathsAdded(nn.Module)").wait_for()


def test_the_network_opens_in_explore(open_page):
    page = open_page("/resnext?cardinality=8&width=14")
    page.get_by_role("link", name="Your network in Explore").click()
    page.wait_for_url("**/explore?*")
    page.get_by_test_id("stMain").get_by_text("25,603,016").first.wait_for()
