"""The lesson on identity mappings: what its steps show and ask, against plain torch, arithmetic and the paper."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lib
from lib.lessons.preactivation.courses import at_both_depths, measure
from lib.lessons.preactivation.orderings import NAMES, preset
from lib.lessons.preactivation.steps import LESSON
from lib.measuring import seeded
from lib.models.resnet_v2 import UNITS

TABLE_2 = {"(a)": ("6.61", "5.93"), "(b)": ("8.17", "6.50"), "(c)": ("7.84", "6.14"), "(d)": ("6.71", "5.91"),
           "(e)": ("6.37", "5.46")}
"""He et al. 2016, Table 2."""
BY_LETTER = {name[1]: ordering for ordering, name in NAMES.items()}

courses = cache(measure)


def run(measured, arguments):
    if measured.function is at_both_depths:
        return {depth: courses(depth, *arguments) for depth in ("110", "164")}
    return courses(*arguments)


def show(step: str, **values):
    return LESSON.step(step).show(LESSON.defaults | values, run)


def ask(step: str, **values):
    return LESSON.step(step).ask(LESSON.defaults | values, run)


def pixels() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, 3, 32, 32), torch.randint(10, (2,))


@cache
def by_torch(depth: str, ordering: str) -> tuple[float, float]:
    """The signal's root mean square after the last unit, and how many times as large the gradient is after the first."""
    with seeded(0):
        images, labels = pixels()
        network = lib.build(preset(depth, ordering)).train()
    seen = {}

    def keep(name):
        def hook(_module, _inputs, output):
            output.retain_grad()
            seen[name] = output
            return output.clone()
        return hook

    network.layer1[0].register_forward_hook(keep("first"))
    network.layer3[-1].register_forward_hook(keep("last"))
    F.cross_entropy(network(images), labels).backward()
    return (seen["last"].square().mean().sqrt().item(), (seen["first"].grad.norm() / seen["last"].grad.norm()).item())


def test_all_orderings_weigh_the_same():
    two, bottleneck = (2 * 9 * 16 * 16, 2 * (16 + 16)), (2 * 64 * 16 + 9 * 16 * 16, 2 * (16 + 16 + 64))
    for depth, (weights, norms) in (("110", two), ("164", bottleneck)):
        table = show("units", depth=depth).more[2].frame
        assert table["Weights"].tolist() == [weights] * 5
        assert table["Parameters with norms"].tolist() == [weights + norms] * 5
        assert len(set(table["MACs"])) == len(set(table["Other operations"])) == 1
    assert list(show("units", ordering="relu_only").picture.blocks) == [NAMES["original"], NAMES["relu_only"]]
    assert list(show("units").more[1].blocks) == list(NAMES.values())


@pytest.mark.parametrize("ordering", UNITS)
@pytest.mark.parametrize("depth", ["110", "164"])
def test_on_the_sum(depth, ordering):
    """With a branch of zeros a unit does to x what stands on the sum."""
    unit = UNITS[ordering](16, 4 if depth == "164" else 16, bottleneck=depth == "164").train()
    for convolution in unit.convs:
        nn.init.zeros_(convolution.weight)
    x = torch.randn(2, 16, 4, 4) + 3 * torch.randn(16, 1, 1)
    y = unit(x.clone())
    answer = ("nothing" if torch.equal(y, x) else "relu" if torch.equal(y, x.relu()) else
              "norm_relu" if torch.allclose(y, F.batch_norm(x, None, None, training=True).relu(), atol=1e-5) else "?")
    assert ask("units", depth=depth, ordering=ordering).answer == answer


def test_shortcut_line():
    assert {NAMES[ordering][1]: set(ask("code", ordering=ordering).answer) for ordering in UNITS} == {
        "a": {"5"}, "b": {"5"}, "c": {"4"}, "d": {"2"}, "e": {"2"}}
    question = ask("code")
    assert "2  shortcut = self.downsample(f if self.first" in question.words
    assert "isinstance(self.downsample, nn.Conv2d)" in question.because
    assert question.grade("5").slip.name == "sum" and question.grade("4").slip.name == "branch"


def test_the_tables_of_the_five_orderings():
    """As the paper's Fig. 4, its appendix and section 4.2 have them."""
    reads = show("code").picture.frame.set_index("The shortcut reads")
    assert list(reads.iloc[0]) == ["x"] * 5 and list(reads.iloc[1]) == [*"xxxx", "f"]
    outside = show("ends").picture.frame.set_index("Outside the units")
    assert list(outside.iloc[0]) == ["norm, ReLU"] * 3 + ["norm", "–"]
    assert list(outside.iloc[1]) == ["–"] * 3 + ["ReLU", "norm, ReLU"]


def test_a_projecting_shortcut_of_e_reads_what_is_activated():
    reads = {}
    for ordering, unit in UNITS.items():
        made = unit(8, 4, stride=2).eval()
        first = made.downsample if isinstance(made.downsample, nn.Conv2d) else made.downsample[0]
        first.register_forward_hook(lambda _module, inputs, _output, ordering=ordering: reads.update({ordering: inputs[0]}))
        made(-torch.rand(1, 8, 4, 4))
    assert [ordering for ordering, x in reads.items() if (x >= 0).all()] == ["full"]


@pytest.mark.parametrize(("depth", "seed"), [("110", 0), ("110", 3), ("164", 0)])
def test_only_where_nothing_acts_on_the_sum_it_holds(depth, seed):
    question = ask("sums", depth=depth, seed=seed)
    assert question.answer == {BY_LETTER[letter] for letter in "cde"}
    assert question.grade(["relu_only", "full"]).slip.name == "pre-activation alone"
    off = show("sums", depth=depth, seed=seed).more[0].frame["Sum is off by"].tolist()
    assert [text == "0" for text in off] == [False, False, True, True, True]


def test_the_sum_of_c_by_hand():
    """Two units, their branches written out: the second's output is the first's and what the second added."""
    one, two = (UNITS["relu_before_addition"](8, 8, bottleneck=False).train() for _ in range(2))
    x = torch.randn(2, 8, 6, 6)

    def added(unit, x):
        x = F.relu(unit.norms[0](unit.convs[0](x)))
        return F.relu(unit.norms[1](unit.convs[1](x)))
    torch.testing.assert_close(two(one(x)), x + added(one, x) + added(two, one(x)))
    assert (added(two, one(x)) >= 0).all()


@pytest.mark.parametrize(("scale", "slope", "chain", "answer"), [
    (0.9, 0.0, 10, 0.3486784401), (1.0, 0.0, 54, 1.0), (1.0, 0.1, 2, 1.21), (0.5, 0.1, 5, 0.07776), (1.1, -0.1, 10, 1.0),
    (0.9, 0.2, 2, 1.21)])
def test_gradient_back(scale, slope, chain, answer):
    question = ask("shortcut", scale=scale, slope=slope, chain=chain)
    assert question.answer == pytest.approx(answer) == pytest.approx((scale + slope)**chain)
    if slope:
        assert question.grade(f"{slope**chain}").slip.name == "shortcut forgotten"
    assert "0.9^54 = 0.003" in question.because and f"it is {1.1**54:.0f}" in question.because


def test_the_branch_of_c_is_never_negative_and_its_signal_grows_most():
    for seed in (0, 3):
        shares = [ask("branch", ordering=ordering, seed=seed).answer for ordering in UNITS]
        assert shares[2] == 0 and all(45 < share < 55 for share in shares[:2] + shares[3:])
        table = show("signal", seed=seed).more[0].frame
        last = [float(signal) for signal in table["After the last"]]
        assert last[2] == max(last) and last[1] < 1
        assert ask("signal", seed=seed).answer == "relu_before_addition"
    assert ask("branch", ordering="relu_before_addition").grade("50 %").slip.name == "half"
    assert ask("branch").grade("0").slip.name == "never negative"


def test_full_pre_activation_by_hand():
    with seeded(0):
        images, labels = pixels()
        network = lib.build("resnetv2_110_cifar").train()
    first, *others = (unit for stage in (network.layer1, network.layer2, network.layer3) for unit in stage)
    x = F.relu(first.norms[0](network.conv1(images)))  # the appendix: before the two ways part
    branch = first.convs[1](F.relu(first.norms[1](first.convs[0](x))))
    x = start = x + branch
    start.retain_grad()
    negative = [(branch < 0).float().mean()]
    for unit in others:
        branch = unit.convs[0](F.relu(unit.norms[0](x)))
        branch = unit.convs[1](F.relu(unit.norms[1](branch)))
        negative.append((branch < 0).float().mean())
        if branch.shape != x.shape:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))
        x = x + branch
    norm = network.closing[0]
    F.cross_entropy(network.fc(F.relu(norm(x)).mean((2, 3))), labels).backward()
    assert ask("branch").answer == pytest.approx(100 * torch.stack(negative).mean().item(), abs=0.1)
    row = show("gradient").more[0].frame.set_index("Ordering").loc[NAMES["full"]]
    assert float(row["After the first"]) == pytest.approx(start.grad.norm().item(), rel=0.02)
    assert len(negative) == 54
    assert show("signal").more[0].frame["After the last"].iloc[4] == f"{x.square().mean().sqrt():.2f}"


def test_largest_signal():
    signals = {ordering: by_torch("110", ordering)[0] for ordering in UNITS}
    assert ask("signal").answer == max(signals, key=signals.get)
    assert ask("signal", depth="164").answer == "relu_before_addition"


def test_no_gradient_vanishes():
    for ordering in UNITS:
        assert by_torch("110", ordering)[1] > 2 and ask("gradient", ordering=ordering).answer == "grows"
        assert ask("gradient", depth="164", ordering=ordering).answer == "grows"


def test_grows_less():
    some = ("original", "bn_after_addition")  # the two that change most
    less = {ordering for ordering in some if by_torch("164", ordering)[1] < by_torch("110", ordering)[1]}
    assert ask("deeper").answer == less == {"bn_after_addition"}
    assert ask("deeper").grade(["none"]).slip.name == "deeper is always more"
    assert LESSON.step("deeper").controls == ["seed"]


def test_the_paper_s_errors():
    shown = show("errors").more[0].frame
    assert {row["Ordering"][:3]: (row["110 layers, %"], row["164 layers, %"]) for _, row in shown.iterrows()} == TABLE_2
    table_3 = [["110", "6.61", "6.37"], ["164", "5.93", "5.46"], ["1001", "7.61", "4.92"]]
    assert show("thousand").more[0].frame.values.tolist() == table_3
    assert ask("thousand").answer == "full" and 7.61 > 5.93 and 4.92 < 5.46


@pytest.mark.parametrize(("depth", "order"), [("110", "eadcb"), ("164", "edacb")])
def test_order_of_errors(depth, order):
    question = ask("errors", depth=depth)
    assert question.answer == tuple(BY_LETTER[letter] for letter in order)
    assert order == "".join(sorted("abcde", key=lambda letter: float(TABLE_2[f"({letter})"][depth == "164"])))
    swapped = order.translate(str.maketrans("ad", "da"))
    assert question.grade([BY_LETTER[letter] for letter in swapped]).slip.name == "a and d"


@pytest.mark.parametrize("ordering", UNITS)
def test_norm_outside(ordering):
    network = lib.build(preset("110", ordering))
    outside = {name.partition(".")[0] for name, module in network.named_modules()
               if isinstance(module, nn.BatchNorm2d) and not name.startswith("layer")}
    question = ask("ends", ordering=ordering)
    assert question.answer == {{"opening": "stem", "closing": "end"}[name] for name in outside}
    wrong = "end" if "stem" in question.answer else "stem"
    assert question.grade(wrong).slip.name == ("as in (e)" if wrong == "end" else "as in 2015")


def test_every_kind_draws():
    for step in LESSON.steps:
        if not step.measured:
            for level in (1, 2, 3):
                question = step.asks.draw(5, level)
                assert question.words and question.because and question.hint
