"""Random plans against the same networks built by hand: what is analysed has the parameters, multiply-adds, shape, outputs and
fields of torch's own network, and what is refused is refused by torch at the same row.

More of them: `PLANS=20000 SEED=7 pytest tests/plan/test_random.py`.
"""

import os
import random

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import lib
from lib.analysis import Analysis
from lib.architecture import Impossible
from lib.meta import on_meta
from lib.plan.growing import grow
from lib.plan.language import lines, read
from lib.trace import record
from tests.engine.test_receptive_field import positive
from tests.plan.byhand import ByHand, Description, Fails, Stricter, draw_plan

PLANS, SEED, PARTS = int(os.environ.get("PLANS", 2000)), int(os.environ.get("SEED", 0)), 4


@pytest.fixture(autouse=True)
def one_thread():
    """Such small maps take longer with several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def plans(part: int) -> list[Description]:
    return [draw_plan(random.Random(f"{SEED} {number}")) for number in range(part, PLANS, PARTS)]


class Counter(TorchDispatchMode):
    """torch's flop counter without its list of modules, which takes most of its time."""

    flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **kwargs or {})
        if func._overloadpacket in flop_registry:
            self.flops += flop_registry[func._overloadpacket](*args, **kwargs or {}, out_val=result)
        return result


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_plans_are_what_torch_makes_of_them(part):
    equal, refused, stricter, nothing = 0, 0, 0, 0
    for number, plan in enumerate(plans(part)):
        hand, picture = ByHand(), torch.randn(1, plan.channels, *plan.sides)
        try:
            with Counter() as counter:
                output = hand.run(plan, picture)
        except Fails as failure:
            assert_refused(plan, hand, failure, thoroughly=number % 3 == 0)
            refused, stricter = refused + 1, stricter + isinstance(failure, Stricter)
            continue
        if not hand.operations:
            with pytest.raises(Impossible, match="computes nothing yet"):
                lib.analyze("own", plan=plan.text)
            nothing += 1
            continue
        analysis = lib.analyze("own", plan=plan.text)
        assert analysis.params == sum(parameter.numel() for parameter in hand.parameters), plan.text
        assert analysis.macs == counter.flops // 2, plan.text
        assert analysis.ops[-1].out_shapes == (tuple(output.shape),) and not analysis.unknown, plan.text
        if number % 8 == 0:
            assert_outputs(analysis, hand, picture, output)
        equal += 1
    assert equal > 0.5 * PLANS / PARTS and refused > 0.15 * PLANS / PARTS and 0 < stricter < refused and nothing


def assert_refused(plan: Description, hand: ByHand, failure: Fails, thoroughly: bool) -> None:
    """At the row where torch's network ends, in one sentence. What was built before stands, and runs."""
    with on_meta():
        grown = grow(read(plan.text))
    end = grown.refused
    assert end.place == failure.place, (plan.text, failure, str(end))
    assert str(end).endswith(".") and "\n" not in str(end)
    if isinstance(failure, Stricter):
        assert failure.says in str(end), plan.text
    assert sum(p.numel() for p in grown.model.parameters()) == sum(p.numel() for p in hand.parameters), plan.text
    record(grown.model, (1, plan.channels, *plan.sides))
    if thoroughly:
        assert_says_the_line(plan, end.place)


def assert_says_the_line(plan: Description, place: tuple[int, ...]) -> None:
    with pytest.raises(Impossible) as raised:
        lib.analyze("own", plan=plan.text)
    number = next(number for number, line in enumerate(lines(read(plan.text)), 1) if line.place == place)
    assert f"line {number} (" in str(raised.value).lower() and "\n" not in str(raised.value), plan.text


def assert_outputs(analysis: Analysis, hand: ByHand, picture: torch.Tensor, expected: torch.Tensor) -> None:
    """With the same weights."""
    ours = lib.build("own", plan=analysis.knobs.plan).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), hand.state, strict=True)))
    with torch.no_grad():
        torch.testing.assert_close(ours(picture), expected, rtol=1e-4, atol=1e-5)


class Positive(ByHand):
    """With positive weights, and means for maxima: what an output sees is what its gradient reaches."""

    def prepared(self, module: nn.Module) -> nn.Module:
        return positive(nn.Sequential(module))


@pytest.mark.parametrize("part", range(2))
def test_fields_are_the_extent_of_the_gradient(part):
    exact = unequal = 0
    for number in range(part, PLANS // 10, 2):
        plan = draw_plan(random.Random(f"{SEED} {number} field"), regular=True)
        if not plan.rows or not (ops := measured(plan)):
            continue
        image = torch.ones(1, plan.channels, *plan.sides, dtype=torch.float64, requires_grad=True)
        output, field = Positive().rows(plan.rows, image, ()), ops[-1].field
        height, width = output.shape[2:]
        for row, column in {(0, width - 1), (height // 2, width // 2), (height - 1, 0)}:
            [gradient] = torch.autograd.grad(output[0, :, row, column].sum(), image, retain_graph=True)
            hit = gradient[0].sum(0) > 0
            seen = tuple((places.nonzero().min().item(), places.nonzero().max().item()) if places.any() else None
                         for places in (hit.any(1), hit.any(0)))
            spans = field.vertical.span(row), field.horizontal.span(column)
            if None in seen:  # nothing but padding
                assert any(first < 0 or last >= side for (first, last), side in zip(spans, plan.sides)), (plan.text, row,
                    column)
                continue
            if all(first >= 0 and last < side for (first, last), side in zip(spans, plan.sides)):
                assert seen == spans, (plan.text, row, column)
                exact += 1
            else:  # at the border, where a window with gaps may miss the last pixels of what it spans
                assert all(span[0] <= found[0] and found[1] <= span[1] for span, found in zip(spans, seen)), (plan.text, row,
                    column)
            unequal += not field.is_regular
    assert exact > PLANS // 80 and unequal > PLANS // 800


def measured(plan: Description) -> tuple:
    try:
        return lib.analyze("own", plan=plan.text).ops
    except Impossible:
        return ()
