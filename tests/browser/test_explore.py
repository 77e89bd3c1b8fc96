"""Explore in a real browser: what a person does."""

import csv
import re

import pytest
from playwright.sync_api import expect

import lib
from tests.browser.harness import hold_back, settle


def total(page, label: str) -> str:
    """A total as a person reads it."""
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue").inner_text()


def shows(page, label: str, value: int) -> None:
    """Wait until a total has this value."""
    page.get_by_test_id("stMetric").filter(has_text=label).get_by_text(f"{value:,}", exact=True).wait_for()


def test_changing_cardinality_changes_totals_and_link(open_page):
    page = open_page("/explore?preset=resnext50_32x4d")
    shows(page, "Parameters", lib.analyze("resnext50_32x4d").params)
    page.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
    expected = lib.analyze("resnext50_32x4d", cardinality=31)
    shows(page, "Parameters", expected.params)
    shows(page, "MACs", expected.macs)
    page.wait_for_url(re.compile("cardinality=31"))
    page.go_back()
    shows(page, "Parameters", lib.analyze("resnext50_32x4d").params)


def test_quick_key_presses_all_count(open_page):
    page = open_page("/explore?preset=resnext50_32x4d")
    slider = page.get_by_role("slider", name="Cardinality C")
    for _ in range(8):
        slider.press("ArrowLeft")
    shows(page, "MACs", lib.analyze("resnext50_32x4d", cardinality=24).macs)


def test_a_shared_link_opens_elsewhere(open_page):
    page = open_page("/explore?preset=resnet50")
    page.get_by_text("Shortcuts", exact=True).click()
    plain = lib.analyze("resnet50", residual=False)
    shows(page, "Parameters", plain.params)
    page.wait_for_url(re.compile("residual=false"))
    elsewhere = open_page("/explore" + page.url.split("/explore")[1])
    shows(elsewhere, "Parameters", plain.params)
    shows(elsewhere, "Activation bytes", plain.activation_bytes)


def test_the_csv_holds_every_layer(open_page, tmp_path):
    page = open_page("/explore?preset=resnet18&num_classes=10")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "layers.csv")
    rows = list(csv.DictReader((tmp_path / "layers.csv").open()))
    analysis = lib.analyze("resnet18", num_classes=10)
    assert len(rows) == len(analysis.ops)
    assert sum(int(row["params"]) for row in rows) == analysis.params
    assert sum(int(row["macs"]) for row in rows) == analysis.macs


def link(page, target: str):
    return page.locator(f'.st-key-graph a[*|href="#{target}"]').first


def test_a_stage_opens_to_blocks_and_a_block_to_operations(open_page, tmp_path):
    page = open_page("/explore?preset=resnet152&view=graph")
    link(page, "open:stage:conv4_x").click()
    link(page, "open:block:layer3.1").wait_for()
    assert "×35" in link(page, "block:layer3.1").text_content()
    link(page, "open:block:layer3.1").click()
    link(page, "op:layer3.1.add").wait_for()
    link(page, "close:stage:conv4_x").click()
    link(page, "open:stage:conv4_x").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download SVG").click()
    assert "<svg" in download.value.path().read_text()[:200]


def test_a_fold_that_opens_before_the_address_has_changed_takes_no_knob_back(page, goto):
    late = hold_back(page, "cardinality=31")
    goto("/explore?preset=resnext50_32x4d&view=graph")
    page.get_by_role("slider", name="Cardinality C").press("ArrowLeft")
    expected = lib.analyze("resnext50_32x4d", cardinality=31).params
    shows(page, "Parameters", expected)
    link(page, "open:stage:conv4_x").click()
    link(page, "close:stage:conv4_x").wait_for()
    settle(page)
    assert late
    shows(page, "Parameters", expected)


def test_a_click_in_the_graph_selects_everywhere(open_page):
    page = open_page("/explore?preset=resnet50&view=graph")
    link(page, "op:conv1").click()
    page.get_by_text("conv1 › conv1").wait_for()
    page.wait_for_url(re.compile("select=op%3Aconv1|select=op:conv1"))
    assert "chosen" in link(page, "op:conv1").get_attribute("class")
    page.get_by_role("tab", name="Layers").click()
    settle(page)
    page.get_by_text("conv1 › conv1").wait_for()


def test_the_graph_can_be_used_by_keyboard(open_page):
    page = open_page("/explore?preset=resnet18&view=graph")
    link(page, "stage:conv3_x").focus()
    page.keyboard.press("Enter")
    page.get_by_text("conv3_x (stage)").wait_for()


def test_a_click_in_the_table_selects(open_page):
    page = open_page("/explore?preset=resnet50")
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 5.5)  # the fifth row: conv2_x › layer1.0 › conv1
    title = page.get_by_text("conv2_x › layer1.0 › conv1")
    title.wait_for()
    page.wait_for_url(re.compile("select="))
    settle(page)
    for said in (title, page.get_by_text("MACs 12,845,056"), page.get_by_text("Jump 4 px")):
        expect(said).to_be_in_viewport(ratio=1)  # 1280 × 800, nothing scrolled
    beside = page.locator("[class*=st-key-derivation_]").bounding_box()
    assert beside["x"] >= box["x"] + box["width"] and beside["y"] <= box["y"]  # beside the table, not below it


def test_a_number_out_of_range_gets_a_visible_sentence(open_page):
    page = open_page("/explore?preset=resnet50")
    page.get_by_text("Image and classes").click()
    field = page.get_by_role("spinbutton", name="Classes")
    for typed in ("0", "99999999999999999999"):
        field.fill(typed)
        field.press("Enter")
        expect(page.get_by_text(f"num_classes = {int(float(typed))} is not possible: choose a whole number from 1 to 22000. "
                                "It stays at 1000.")).to_be_in_viewport()
        expect(field).to_have_value("1000")
    assert field.get_attribute("aria-invalid") is None
    shows(page, "Parameters", 25_557_032)
    page.get_by_text("Square", exact=True).click()
    for name, typed in (("Width, px", "640"), ("Height, px", "480")):
        page.get_by_role("spinbutton", name=name).fill(typed)
        page.get_by_role("spinbutton", name=name).press("Enter")
    shows(page, "MACs", lib.analyze("resnet50", input_size="480x640").macs)
    page.wait_for_url("**/explore?preset=resnet50&input_size=480x640")


def test_on_a_phone_the_totals_stay_in_sight_while_a_knob_moves(open_page):
    page = open_page("/explore?preset=resnext50_32x4d", viewport={"width": 390, "height": 844})
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("slider", name="Width per group").scroll_into_view_if_needed()
    page.get_by_role("slider", name="Width per group").press("ArrowRight")
    in_sight(page, page.locator(".st-key-knob_totals"), lib.analyze("resnext50_32x4d", base_width=5).params)


def in_sight(page, totals, params: int) -> None:
    """Wait until these totals hold the parameters, on the screen and with nothing before them."""
    total = totals.get_by_text(f"{params:,}", exact=True)
    total.wait_for()
    expect(total).to_be_in_viewport(ratio=1)
    assert total.evaluate("""total => { const { x, y, width, height } = total.getBoundingClientRect()
        return total.contains(document.elementFromPoint(x + width / 2, y + height / 2)) }""")


def test_a_click_in_the_treemap_selects(open_page):
    page = open_page("/explore?preset=vgg16&view=cost")
    page.locator(".st-key-treemap .slicetext", has_text="conv2_2").first.click(force=True)  # plotly lays a surface over the text
    page.get_by_text("conv2_x › conv2_2").wait_for()
    page.get_by_role("tab", name="Graph").click()
    assert "chosen" in link(page, "stage:conv2_x").get_attribute("class")


@pytest.mark.parametrize("path, words", [
    ("/explore?preset=nonsense", "There is no network"),
    ("/explore?preset=resnet50&width=9999", "choose a whole number from 8 to 256"),
    ("/explore?cardinality=<script>document.title='stolen'</script>", "There is no knob"),
    ("/explore?preset=![x](http://example.invalid/x.png)", "There is no network"),
    ("/explore?preset=alexnet&input_size=40", "features.12"),
])
def test_a_malformed_link_gets_a_plain_message(open_page, path, words):
    page = open_page(path)
    page.get_by_text(words).first.wait_for()
    shows(page, "Weight layers", 8 if "alexnet" in path else 50)
    assert page.title() != "stolen"


def test_a_network_is_found_by_what_people_type(open_page):
    page = open_page("/explore?preset=vgg16&width=32")
    preset = page.get_by_role("combobox", name="Preset")
    preset.fill("squeezenet")
    assert page.get_by_role("option").all_inner_texts() == ["Add: squeezenet"]  # nothing in the list is like it
    preset.press("Enter")
    page.get_by_text("There is no SqueezeNet in the catalogue").wait_for()
    assert page.url.endswith("preset=vgg16&width=32") and preset.input_value() == "vgg16"
    family = page.get_by_role("combobox", name="Family")
    family.fill("inception v1")
    page.get_by_role("option", name="GoogLeNet (Inception v1)").wait_for()
    family.press("Enter")
    shows(page, "Parameters", lib.analyze("googlenet").params)
    assert page.get_by_test_id("stAlert").count() == 0
    preset.fill("ResNet-20")
    preset.press("Enter")
    shows(page, "Parameters", lib.analyze("resnet20_cifar").params)
    page.wait_for_url("**/explore?preset=resnet20_cifar")


def test_coming_back_keeps_the_choice(open_page):
    page = open_page("/explore?preset=vgg16&depth=19")
    shows(page, "Weight layers", 19)
    page.get_by_text("FLOPs", exact=True).click()
    page.get_by_role("tab", name="Where the cost lives").click()
    page.get_by_text("activation memory", exact=True).click()
    page.wait_for_url(re.compile("view=cost&count=flops"))
    page.get_by_role("link", name="Atlas").first.click()
    page.get_by_role("heading", name="Backbone Lab").wait_for()
    page.get_by_role("link", name="Explore").first.click()
    page.get_by_role("heading", name="Explore").wait_for()
    settle(page)
    shows(page, "Weight layers", 19)
    page.wait_for_url(re.compile("depth=19&view=cost&count=flops"))
    shows(page, "FLOPs", 2 * lib.analyze("vgg16", depth=19).macs)
    assert page.get_by_role("radio", name="activation memory").is_checked()


def test_two_people_see_their_own_numbers(open_page):
    first, second = open_page("/explore?preset=resnet18"), open_page("/explore?preset=vgg16")
    first.get_by_text("Shortcuts", exact=True).click()
    shows(first, "Parameters", lib.analyze("resnet18", residual=False).params)
    shows(second, "Parameters", lib.analyze("vgg16").params)
