"""Once for all: who asks meanwhile waits and gets the same, refusals are kept, and what is kept has a bound."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pandas as pd
import pytest

from lib import once as place
from lib.architecture import Impossible
from lib.once import forget, once


def test_thirty_who_ask_at_once_get_one_result():
    calls, together, begun, go = [], Barrier(30), Event(), Event()

    @once
    def dear(number: int) -> object:
        calls.append(number)
        begun.set()
        assert go.wait(20)
        return object()

    def ask(student: int) -> object:
        together.wait(20)
        return dear(7)

    with ThreadPoolExecutor(30) as class_:
        asked = [class_.submit(ask, student) for student in range(30)]
        assert begun.wait(20)
        go.set()
        found = {id(each.result(20)) for each in asked}
    assert calls == [7] and len(found) == 1


def test_another_may_compute_meanwhile():
    first_begun, second_done = Event(), Event()

    @once
    def dear(number: int) -> int:
        if number == 1:
            first_begun.set()
            assert second_done.wait(20)
        return number

    with ThreadPoolExecutor(1) as other:
        slow = other.submit(dear, 1)
        assert first_begun.wait(20)
        assert dear(2) == 2
        second_done.set()
        assert slow.result(20) == 1


def test_one_who_fails_takes_nothing_from_those_who_wait():
    """A page that is left ends with an exception of Streamlit's."""
    begun, go, calls = Event(), Event(), []

    @once
    def dear() -> str:
        calls.append(1)
        if len(calls) == 1:
            begun.set()
            assert go.wait(20)
            raise RuntimeError("left")
        return "found"

    with ThreadPoolExecutor(2) as two:
        leaves = two.submit(dear)
        assert begun.wait(20)
        waits = two.submit(dear)
        go.set()
        assert isinstance(leaves.exception(20), RuntimeError)
        assert waits.result(20) == "found"


def test_refusals_are_kept_and_raised_anew():
    calls = []

    @once
    def dear() -> None:
        calls.append(1)
        raise Impossible("cannot be", {"size": (3,)})

    with pytest.raises(Impossible, match="cannot be") as first:
        dear()
    with pytest.raises(Impossible, match="cannot be") as second:
        dear()
    assert len(calls) == 1 and first.value is not second.value and second.value.fixes == {"size": (3,)}


@pytest.mark.parametrize("one, same, other", [
    ([1, 2], [1, 2], [2, 1]), ({"a": [1]}, {"a": [1]}, {"a": [2]}), (np.arange(3), np.arange(3), np.arange(3.0)),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})), (1, 1, True), ((1,), (1,), [1]),
    (b"x" * 9, b"x" * 9, b"y" * 9)], ids=str)
def test_arguments_count_by_what_they_hold(one, same, other):
    @once
    def dear(value: object) -> object:
        return object()
    assert dear(one) is dear(same) is not dear(other)


def test_what_is_kept_has_a_bound(monkeypatch):
    forget()
    monkeypatch.setattr(place._kept, "_Cache__maxsize", 10_000_000)

    @once
    def dear(number: int) -> bytes:
        return bytes(100_000)
    for number in range(50):
        dear(number)
    assert 1_000_000 < place._kept.currsize <= 10_000_000
    forget()
    assert place._kept.currsize == 0
