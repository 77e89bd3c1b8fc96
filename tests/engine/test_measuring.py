"""What measurements share: seeds, and which arguments a class asks for first."""

import torch

from lib.lessons.knobs import Knob
from lib.lessons.lesson import Lesson
from lib.measuring import Measured, resolve, seeded, values_of


def test_random_numbers_follow_from_the_seed_and_others_are_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(2)[1]
    torch.manual_seed(7)
    torch.rand(1)
    with seeded(3):
        first = torch.rand(4)
    assert torch.rand(1) == expected
    with seeded(3):
        assert torch.equal(torch.rand(4), first)


def run_both(size: int, form: str, progress=None) -> str:
    return f"{size} {form}"


RAN = Measured(run_both, "Running")


def step(size: int, colour: str, ran: str = RAN):
    return size, colour, ran


def test_a_class_asks_for_the_start_and_for_one_control_moved():
    lesson = Lesson("none", {"size": Knob("", (1, 2, 3), 2, ""), "form": Knob("", ("a", "b"), "a", "")}, (), 1, ())
    assert lesson.first_asked(RAN) == [(2, "a"), (1, "a"), (3, "a"), (2, "b")]


def test_what_is_measured_is_found_by_the_names_of_its_arguments():
    assert values_of(step) == ["size", "colour", "form"]
    values = {"form": "b", "size": 3, "colour": "red", "seed": 1}
    assert resolve(step, values, lambda measured, arguments: measured.function(*arguments)) == (3, "red", "3 b")
    assert resolve(step, values | {"ran": "known"}, None) == (3, "red", "known")
