"""Measurements for pages: kept, one at a time, and to be stopped."""

import time
from threading import Thread

import pytest
import torch

from lib.measuring import seeded
from lib.ui.measuring import measured

running, most, runs = 0, 0, []


def slow(name: str, seed: int, progress) -> str:
    """Takes a moment, and remembers how many ran at once."""
    global running, most
    running += 1
    most = max(most, running)
    runs.append((name, seed))
    time.sleep(0.05)
    progress(1.0)
    running -= 1
    return f"{name} {seed}"


def stopped(seed: int, progress) -> None:
    """As if a person had moved a control meanwhile."""
    raise KeyboardInterrupt


def test_one_at_a_time_and_kept():
    threads = [Thread(target=measured, args=("", slow, "a", seed)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and sorted(runs) == [("a", seed) for seed in range(5)]
    assert measured("", slow, "a", 3) == "a 3"
    assert len(runs) == 5


def test_one_that_is_stopped_leaves_the_way_free_and_is_not_kept():
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            measured("", stopped, 0)
    assert measured("", slow, "after", 0) == "after 0"


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
