"""What measurements share: seeds, and which arguments a class asks for first."""

import torch

from lib.measuring import Choice, Measurement, seeded


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


def test_a_class_asks_for_the_start_and_for_one_control_moved():
    measurement = Measurement(print, (Choice((1, 2, 3), 2), Choice(("a", "b"), "a")))
    assert measurement.first_asked() == [(2, "a"), (1, "a"), (3, "a"), (2, "b")]
