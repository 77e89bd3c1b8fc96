"""Build in a real browser: what a person does."""

import re
import subprocess
import sys

from playwright.sync_api import expect

import lib
from tests.browser.harness import settle
from tests.browser.test_explore import shows, total


class Person:
    """Somebody at the page, who counts what they do."""

    def __init__(self, page):
        self.page, self.done = page, 0

    def add(self, spoken: str) -> None:
        """A row picked from the list by its name, or typed."""
        rows = self.page.locator(".row").count()
        box = self.page.get_by_role("combobox", name="Add a row")
        box.fill(spoken)
        box.press("Enter")
        self.row(rows + 1).wait_for()
        self.did()

    def row(self, number: int):
        return self.page.locator(f"#plan-line-{number - 1}")

    def type(self, label: str, value: str) -> None:
        field = self.page.get_by_test_id("stNumberInput").filter(has_text=label).locator("input")
        field.fill(value)
        field.press("Enter")
        self.did()

    def choose(self, label: str, value: str) -> None:
        box = self.page.get_by_role("combobox", name=label, exact=True)
        box.fill(value)
        box.press("Enter")
        self.did()

    def did(self) -> None:
        settle(self.page)
        self.done += 1


def empty(page, image: str = "image 3 32x32") -> Person:
    """Somebody before an empty plan."""
    page.get_by_role("button", name="Begin with").click()
    page.get_by_role("button", name="An empty plan").click()
    settle(page)
    page.keyboard.press("Escape")
    person = Person(page)
    person.row(1).click()
    settle(page)
    return person


def test_from_an_empty_plan_to_lenet_in_under_twenty_actions(open_page):
    page = open_page("/build")
    person = empty(page)
    person.type("Channels", "1")
    person.add("Convolution")
    person.type("Channels", "6")
    person.choose("Kernel", "5")
    person.choose("Padding", "0")
    for channels in ("16", "120"):
        person.add("tanh")
        person.add("avgpool")
        person.add("conv")
        person.type("Channels", channels)
    for kind in ("tanh", "flatten", "linear"):
        person.add(kind)
    person.type("Units", "84")
    person.add("tanh")
    person.add("linear")
    lenet = lib.analyze("lenet5")
    shows(page, "Parameters", lenet.params)
    shows(page, "MACs", lenet.macs)
    assert person.done < 20, person.done


def cells(page, number: int) -> list[str]:
    """What the list says of a row: output, parameters, MACs, field."""
    return [text.strip() for text in page.locator(f"#plan-line-{number - 1} .cell").all_inner_texts()]


TASKS = {
    "Coursera: 63 x 63 x 16, 32 filters of 7 x 7, stride 2": (
        "image 16 63x63", ["conv 32 7x7 stride=2"], ["32×29×29", f"{7 * 7 * 16 * 32 + 32:,}"]),
    "Coursera: 100 filters of 5 x 5 on RGB": ("image 3 64x64", ["conv 100 5x5"], ["100×60×60", "7,600"]),
    "Prince 10.11: 5 with stride 2, 3, 5 with dilation 2": (
        "image 1 64x64", ["conv 1 5x5 stride=2", "conv 1 3x3", "conv 1 5x5 dilation=2"], ["1×20×20", "26", f"{25 * 400:,}", "25"]),
    "D2L: a NiN block": ("image 3 224x224", ["conv 96 11x11 stride=4", "relu", "conv 96 1x1", "relu"], ["96×54×54", "0", "0", "11"]),
    "Prince 11.6: batch normalisation in an MLP": (
        "image 1 1x8", ["flatten", "linear 30", "batchnorm", "relu"], ["30 numbers", "0", "0", "all"]),
    "Prince 11.8: 512-128-128-512": (
        "image 512 14x14", ["conv 128 1x1", "conv 128 3x3 padding=same", "conv 512 1x1"], ["512×14×14", f"{128 * 512 + 512:,}"]),
    "D2L: a dense block": ("image 64 56x56", ["dense 6"], ["256×56×56"]),
}


def test_tasks_of_courses(open_page):
    page = open_page("/build?beside=text")
    for image, rows, expected in TASKS.values():
        page.get_by_role("textbox", name="Plan").fill(image)
        page.get_by_role("textbox", name="Plan").press("Control+Enter")
        expect(page.locator(".row")).to_have_count(1)
        person = Person(page)
        for row in rows:
            person.add(row)
        assert cells(page, len(rows) + 1)[:len(expected)] == expected


def test_geron_and_a_dilated_lenet(open_page):
    """Strided 100-200-400 on 200 x 300 pictures; LeNet whose first layer has dilation 2 sees 18 pixels after its second."""
    page = open_page("/build?plan=image 3 200x300;conv 100 3x3 stride=2 padding=same;conv 200 3x3 stride=2 padding=same")
    Person(page).add("conv 400 3x3 stride=2 padding=same")
    shows(page, "Parameters", 903_400)
    page.get_by_role("button", name="Begin with").click()
    box = page.get_by_role("combobox", name="A network of the catalogue")
    box.fill("lenet5")
    box.press("Enter")
    page.keyboard.press("Escape")
    person = Person(page)
    person.row(13).wait_for()
    person.row(2).click()
    settle(page)
    person.choose("Dilation", "2")
    assert cells(page, 5)[3] == "18"


def test_a_row_that_does_not_fit_is_said_at_the_row_and_mended(open_page):
    page = open_page("/build?plan=image 3 8x8;conv 8 3x3;conv 8 7x7;relu")
    person = Person(page)
    assert "8×6×6" in person.row(3).inner_text() and cells(page, 2)[1] == "224"
    page.get_by_role("button", name="padding=same", exact=True).click()
    settle(page)
    shows(page, "Parameters", lib.analyze("own", plan="image 3 8x8;conv 8 3x3;conv 8 7x7 padding=same;relu").params)
    person.row(4).click()
    rows = page.get_by_role("listbox", name="Rows of the plan")
    for key in ("Alt+ArrowUp", "Alt+ArrowUp"):  # as quickly as that: both count
        rows.press(key)
    expect(person.row(2)).to_contain_text("relu")
    rows.press("Control+z")
    expect(person.row(3)).to_contain_text("relu")
    rows.press("Delete")
    expect(page.locator(".row")).to_have_count(3)


def test_the_link_opens_elsewhere_and_the_file_runs(open_page, tmp_path):
    rows = ";".join(["conv 8 3x3 padding=same", "batchnorm", "relu"] * 40)
    page = open_page(f"/build?plan=image 3 32x32;{rows};globalpool;flatten&below=code")
    Person(page).add("linear 7")
    page.wait_for_url(re.compile("plan=z"))
    params = lib.analyze("own", plan=f"image 3 32x32;{rows};globalpool;flatten;linear 7").params
    shows(page, "Parameters", params)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download network.py").click()
    download.value.save_as(tmp_path / "network.py")
    done = subprocess.run([sys.executable, "-I", "network.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == f"{params:,} parameters, output (1, 7)\n" and not done.stderr
    elsewhere = open_page("/build" + page.url.split("/build")[1], viewport={"width": 390, "height": 844})
    shows(elsewhere, "Parameters", params)
    assert elsewhere.evaluate("document.documentElement.scrollWidth") <= 390
    person = Person(elsewhere)
    person.row(2).click()
    person.type("Channels", "12")
    assert total(elsewhere, "Parameters") != f"{params:,}" and "12×32×32" in person.row(2).inner_text()
