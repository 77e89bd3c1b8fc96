"""Build in a real browser: what a person does."""

import re
import subprocess
import sys

import lib
from lib.plan.language import lines, read
from lib.plan.standing import standing
from tests.browser.harness import settle
from tests.browser.test_explore import shows, total


class Person:
    """Somebody at the page, who counts what they do."""

    def __init__(self, page):
        self.page, self.done = page, 0

    def add(self, spoken: str) -> None:
        """A row picked from the list by its name, or typed."""
        rows = self.page.get_by_role("option").count()
        box = self.page.get_by_role("combobox", name="Add a row")
        box.click()
        box.press_sequentially(spoken)
        box.press("Enter")
        self.row(rows + (1 if "{" not in spoken else 0)).wait_for()
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


def plan_of(page) -> str:
    """The rows as they stand in the list."""
    return "\n".join(text.split("\n")[0] for text in page.locator(".row .text").all_inner_texts())


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
    page.get_by_role("slider", name="Channels").press("Home")
    person.did()
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
