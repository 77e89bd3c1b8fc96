"""The lesson on residual learning: what its steps show and ask, against plain torch, torchvision and arithmetic by hand."""

from functools import cache

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import lib
from lib.lessons.content import Table
from lib.lessons.residual import questions
from lib.lessons.residual.blocks import biased
from lib.lessons.residual.family import family_table, options
from lib.lessons.residual.identities import errors
from lib.lessons.residual.published import cifar_table, printed_table
from lib.lessons.residual.signals import correlation_table, first_stage, gradient_table, signal_table
from lib.lessons.residual.steps import LESSON
from lib.lessons.residual.sums import two_ways
from lib.measuring import name_of, seeded
from lib.models.resnet import BasicBlock


@cache
def measure(function, arguments):
    return function(*arguments)


def run(measured, arguments):
    return measure(measured.function, arguments)


def show(step: str, **values):
    return LESSON.step(step).show(LESSON.defaults | values, run)


def ask(step: str, **values):
    return LESSON.step(step).ask(LESSON.defaults | values, run)


def starts(depth: int, shortcut: str, seed: int = 0):
    return run(questions.STARTS, (depth, shortcut, seed))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# What shortcuts cost

def projection(incoming: int, outgoing: int) -> int:
    layers = nn.Sequential(nn.Conv2d(incoming, outgoing, 1, bias=False), nn.BatchNorm2d(outgoing))
    return sum(weight.numel() for weight in layers.parameters())


@pytest.mark.parametrize(("depth", "blocks"), [(20, 3), (56, 9), (110, 18)])
def test_more_parameters_are_those_of_the_projections(depth, blocks):
    where_shapes_change = projection(16, 32) + projection(32, 64)
    everywhere = where_shapes_change + blocks * projection(16, 16) + (blocks - 1) * (projection(32, 32) + projection(64, 64))
    asked = [ask("plain", depth=depth, shortcut=option) for option in "ABC"]
    assert [question.answer for question in asked] == [0, where_shapes_change, everywhere]
    assert where_shapes_change == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert asked[0].grade("0").right and not asked[0].grade(str(where_shapes_change)).right
    assert asked[1].grade(str(16 * 32 + 32 * 64)).slip.name == "norms forgotten"
    assert asked[2].grade(str(where_shapes_change)).slip.name == "only where the shape changes"
    assert asked[1].because.count(f"= {where_shapes_change:,}") == 1


def test_same_parameters_at_the_same_depth():
    content = show("plain", depth=56, shortcut="A")
    assert content.fields["plain_params"] == content.fields["residual_params"] == "853,018"
    assert content.fields["plain_macs"] == content.fields["residual_macs"] == "125,485,696"
    assert show("plain", shortcut="B").fields["more"] == f"{sum(2 * c * c + 4 * c for c in (16, 32)):,}"


def test_a_norm_takes_a_bias_away():
    rows = biased().to_dict("records")
    assert [row["After the norm, training"] for row in rows] == ["0.00", "0.00"]
    moved = float(rows[1]["After the convolution"]) - float(rows[0]["After the convolution"])
    assert moved == pytest.approx(2, abs=0.02)
    assert float(rows[1]["After the norm, statistics kept from bias 0"]) > 1


# Degradation

def test_published_errors():
    assert printed_table().values.tolist() == [["plain", "27.94", "28.54"], ["residual", "27.88", "25.03"]]
    assert cifar_table().values.tolist() == [["error, %", "8.75", "7.51", "7.17", "6.97", "6.43", "7.93"]]
    question = ask("degradation")
    assert question.answer == ("resnet34", "resnet18", "plain18", "plain34")
    assert question.grade(["resnet34", "resnet18", "plain34", "plain18"]).slip.name == "shortcuts first"
    assert ask("deepest").answer == "overfits"
    assert "7.93 %" in ask("deepest").because and "training error near zero" in ask("deepest").solution.lower()


def test_the_picture_before_the_answer_does_not_hold_the_deepest_network():
    content = show("deepest")
    assert "1202" in content.picture.alt and "1202" not in content.before.alt
    assert "Validation" in show("degradation").picture.title


# The deeper network contains the shallower

def through(kernel: float, residual: bool) -> float:
    """A block of one channel by hand, on a number that is not negative: both 3x3 kernels hold `kernel` in the middle."""
    x = 0.75
    f = kernel * max(0.0, kernel * x)
    return max(0.0, f + x if residual else f) / x


@pytest.mark.parametrize(("filling", "kernel"), [("zeros", 0.0), ("identity", 1.0)])
def test_the_added_blocks_by_hand(filling, kernel):
    same = {"plain": through(kernel, False) == 1, "residual": through(kernel, True) == 1}
    question = ask("contained", filling=filling)
    assert same == {"plain": question.answer == "plain", "residual": question.answer == "residual"}


def test_random_blocks_change_the_outputs():
    assert ask("contained", filling="random").answer == "neither"
    plain, residual = run(questions.DEEPENED, ("identity", 0))
    assert plain.off < 1e-3 and residual.off > 1
    residual = run(questions.DEEPENED, ("zeros", 0))[1]
    with seeded(0):
        images = torch.randn(4, 3, 32, 32)
        network = lib.build("resnet20_cifar").eval()
    assert torch.equal(network(images).detach().flatten(), torch.tensor(residual.shallow))
    assert residual.shallow == residual.deep


# The identity

@pytest.mark.parametrize("shift", LESSON.knobs["shift"].values)
def test_zero_weights_are_the_identity_with_caveats(shift):
    numbers = torch.arange(-20, 21) / 10
    table = errors(shift).iloc[:, 1:].values.tolist()
    cut = F.relu(numbers + shift)
    wrong = [f"{(cut - numbers)[chosen].abs().max():.2f}" for chosen in (numbers >= 0, numbers < 0)]
    assert table[1] == table[2] == wrong
    assert table[3] == ["0.00", "0.00"]
    assert table[0] == [f"{(max(shift, 0) - numbers)[chosen].abs().max():.2f}" for chosen in (numbers >= 0, numbers < 0)]
    right = {"full"} | ({"residual", "gamma"} if shift == 0 else set())
    assert ask("identity", shift=shift).answer == right


# What a sum does

@pytest.mark.parametrize(("slope", "blocks", "gradient"), [
    (0.1, 4, 1.4641), (0.5, 2, 2.25), (-0.5, 3, 0.125), (1.0, 8, 256), (-0.1, 1, 0.9)])
def test_the_chain_rule_by_hand(slope, blocks, gradient):
    question = ask("backwards", slope=slope, blocks=blocks)
    assert question.answer == pytest.approx(gradient)
    assert question.grade(f"(1 + {slope})^{blocks}").right


def test_the_way_back_through_a_real_block_is_identity_and_branch():
    assert float(two_ways()["Norm"].iloc[-1]) < 1e-4 * float(two_ways()["Norm"].iloc[-2])
    with seeded(1):
        block, x = BasicBlock(2, 2).eval().double(), torch.rand(1, 2, 3, 3, dtype=torch.float64) + 5
    whole, branch = (torch.autograd.functional.jacobian(function, x).reshape(18, 18) for function in (block, block.residual))
    assert (block(x) > 0).all()
    assert torch.allclose(whole, torch.eye(18, dtype=torch.float64) + branch)


@pytest.mark.parametrize(("norms", "blocks", "variance"), [
    (False, 1, 2), (False, 4, 16), (False, 8, 256), (True, 1, 2), (True, 4, 5), (True, 8, 9)])
def test_variances_add(norms, blocks, variance):
    question = ask("sums", norms=norms, blocks=blocks)
    assert question.answer == variance and question.grade(str(variance)).right
    signals = torch.randn(1 + blocks, 100_000, generator=torch.Generator().manual_seed(0))
    x = signals[0]
    for f in signals[1:]:
        x = x + (f if norms else f * x.std())
    assert x.var() == pytest.approx(variance, rel=0.03)


def test_the_stack_behaves_as_derived():
    found = [run(questions.VARIANCES, (norms, seed)) for norms in (False, True) for seed in range(4)]
    without, with_norms = (torch.tensor(half).mean(0) for half in (found[:4], found[4:]))
    assert without[4].item() == pytest.approx(16, rel=0.35) and with_norms[8].item() == pytest.approx(9, rel=0.1)
    with seeded(2):
        lib_stack = nn.Sequential(*(nn.Conv2d(96, 96, 3, padding=1, bias=False) for _ in range(2)))
        for convolution in lib_stack:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        x = torch.randn(1, 96, 32, 32)
    branch = lib_stack[1](F.relu(lib_stack[0](F.relu(x))))
    assert branch.var().item() == pytest.approx(1, rel=0.3)


# Before training

def test_gradients_are_those_of_a_backward_pass_by_hand():
    with seeded(0):
        images, labels = torch.randn(4, 3, 32, 32), torch.randint(10, (4,))
        torch.randn(2, 2, 3, 32, 32)
        network = lib.build("plain56_cifar")
    x = F.relu(network.bn1(network.conv1(images)))
    first = network.layer1[0](x)
    first.retain_grad()
    last = network.layer3(network.layer2(network.layer1[1:](first)))
    last.retain_grad()
    F.cross_entropy(network.fc(last.mean((2, 3))), labels).backward()
    row = gradient_table(starts(56, "A")).set_index("Network").loc["plain-56"]
    assert float(row["At the first"]) == pytest.approx(first.grad.norm().item(), rel=0.02)
    assert float(row["Gradient at the last block"]) == pytest.approx(last.grad.norm().item(), rel=0.02)
    signal = last.square().mean().sqrt()
    assert signal_table(starts(56, "A")).set_index("Network").loc["plain-56"]["After the last"] == f"{signal:.2f}"
    assert ask("start").answer == pytest.approx(signal.item(), rel=1e-4)
    assert first.grad.norm() > last.grad.norm() and ask("gradients").answer == "plain_grows"


@pytest.mark.parametrize(("depth", "shortcut"), [(20, "B"), (32, "C"), (44, "A")])
def test_a_plain_signal_is_half_a_normal_number(depth, shortcut):
    question = ask("start", depth=depth, shortcut=shortcut)
    assert question.grade("0.71").right and question.grade("0.5").slip.name == "root forgotten"
    assert question.grade("1").slip.name == "ReLU forgotten"
    numbers = torch.randn(100_000, generator=torch.Generator().manual_seed(0)).relu()
    assert numbers.square().mean().sqrt() == pytest.approx(question.answer, rel=0.03)
    assert numbers.mean() == pytest.approx(dict(question.slip_values)["mean"], rel=0.02)
    assert f"plain-{depth}" in show("gradients", depth=depth, shortcut=shortcut).picture.alt


def test_the_first_stage_adds_one_variance_a_block():
    table = first_stage("A", starts(56, "A"))
    assert list(table["Sum, derived"]) == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]
    squares = [float(value) for value in table["Behind the ReLU, measured"]]
    assert squares == sorted(squares) and 6 < squares[-1] < 9.5
    assert list(first_stage("C", starts(32, "C"))["Sum, derived"]) == [2] * 5


@pytest.mark.parametrize("seed", [1, 2])
def test_what_holds_for_every_seed(seed):
    """Plain gradients grow much more towards the first block and are less alike."""
    plain, residual = starts(56, "A", seed)
    assert plain.gradients[0] > 50 * residual.gradients[0]
    close = correlation_table((plain, residual)).iloc[0]
    assert abs(float(close["plain-56"])) < 0.2 < 0.6 < float(close["ResNet-56"])
    assert ask("gradients", seed=seed).answer == "plain_grows"
    assert ask("shattering", seed=seed, angle=0.5).answer == "residual"


def test_gradients_at_two_images_by_hand():
    with seeded(0):
        torch.randn(4, 3, 32, 32), torch.randint(10, (4,))
        first, second = torch.randn(2, 2, 3, 32, 32)
        network = lib.build("resnet20_cifar")
    starts(20, "A")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with seeded(0):
        network(torch.randn(4, 3, 32, 32))  # the norms keep the statistics of the batch that went through before
    angle = torch.tensor(1.0).deg2rad()
    gradients = []
    for images in (first, angle.cos() * first + angle.sin() * second):
        images = images.clone().requires_grad_()
        network.eval()(images)[:, 0].sum().backward()
        gradients.append(images.grad.flatten(1))
    expected = F.cosine_similarity(*gradients).mean().item()
    found = starts(20, "A")[1].correlations[1]
    assert found == pytest.approx(expected, abs=0.01)
    assert ask("shattering", depth=20).answer in ("both", "residual") and expected > 0.5


def test_projections_everywhere_do_not_resist():
    assert ask("shattering", depth=56, shortcut="C", angle=0.5).answer == "neither"
    assert all(abs(value) < 0.3 for value in starts(56, "C")[1].correlations)


def test_with_option_a_both_start_from_the_same_weights():
    networks = []
    for residual in (False, True):
        with seeded(1):
            networks.append(lib.build("resnet56_cifar", n=3, residual=residual))
    assert all(torch.equal(*pair) for pair in zip(*(network.parameters() for network in networks), strict=True))


# Shortcuts, and the family

CASES = {("A", 64, 1): "identity", ("A", 128, 1): "padding", ("A", 64, 2): "padding", ("A", 128, 2): "padding",
         ("B", 64, 1): "identity", ("B", 128, 1): "projection", ("B", 64, 2): "strided", ("B", 128, 2): "strided",
         ("C", 64, 1): "projection", ("C", 128, 1): "projection", ("C", 64, 2): "strided", ("C", 128, 2): "strided"}


@pytest.mark.parametrize(("case", "way"), CASES.items())
def test_the_cases_of_the_shortcut(case, way):
    shortcut, outgoing, stride = case
    question = ask("shortcuts", shortcut=shortcut, outgoing=outgoing, stride=stride)
    assert question.answer == way
    block, = show("shortcuts", shortcut=shortcut, outgoing=outgoing, stride=stride).picture.blocks.values()
    branch = 9 * 64 * outgoing + 9 * outgoing * outgoing + 4 * outgoing
    assert block.params == branch + (64 * outgoing + 2 * outgoing if way in ("projection", "strided") else 0)


def test_published_errors_and_parameters_of_the_options():
    shown = options().set_index("Option")
    assert list(shown["Top-1 error, %"]) == ["25.03", "24.52", "24.19"]
    assert list(shown["Top-5 error, %"]) == ["7.76", "7.46", "7.40"]
    assert list(shown["Parameters"])[:2] == ["21,623,848", "21,797,672"]
    assert list(shown["Projections"]) == [0, 3, 16]


@cache
def by_torchvision(depth: int) -> nn.Module:
    with torch.device("meta"):
        return getattr(torchvision.models, f"resnet{depth}")(weights=None)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_convolutions_are_those_of_torchvision_s_tree(depth):
    network = by_torchvision(depth)
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    question = ask("count", resnet=depth)
    assert question.answer == len(convolutions) and question.grade(str(len(convolutions))).right
    assert question.grade(str(depth)).slip.name == "path"
    assert sum("downsample" not in name for name in convolutions) + 1 == depth
    assert f"= {depth} weight layers" in question.because


def test_the_family_is_torchvision_s():
    shown = family_table().set_index("Network")
    assert list(shown["Table 1, 10⁹"]) == ["1.8", "3.6", "3.8", "7.6", "11.3"]
    for depth in (18, 34, 50, 101, 152):
        network, row = by_torchvision(depth), shown.loc[f"ResNet-{depth}"]
        assert row["Parameters"] == f"{sum(weight.numel() for weight in network.parameters()):,}"
        dotted = sum(name.endswith("downsample") for name, _ in network.named_modules())
        blocks = sum(len(getattr(network, f"layer{stage}")) for stage in (1, 2, 3, 4))
        assert (row["Dotted"], row["Solid"]) == (dotted, blocks - dotted)
        assert row["Weight layers"].endswith(f"= {depth}")


# All steps

def test_every_kind_draws_its_values():
    for step in LESSON.steps:
        kind = step.asks
        assert kind.name == name_of(kind.compute) and kind.lesson == "residual"
        question = kind.draw(0, level=1)
        assert question.words and question.hint and question.because and all(slip.hint for slip in question.slips)


def test_old_anchors_and_controls_are_there():
    steps = {step.id for step in LESSON.steps}
    for anchor in ("plain", "degradation", "identity", "start", "shattering", "shortcuts", "count", "try", "code"):
        assert LESSON.anchors.get(anchor, anchor) in steps
    old = {"depth": 56, "shortcut": "A", "shift": 0.0, "seed": 0}
    assert old.items() <= LESSON.defaults.items()


def test_every_cost_says_at_which_size():
    tables = [element for step in ("plain", "count") for element in show(step).more if isinstance(element, Table)]
    costs = [table for table in tables if "MACs" in table.frame]
    details = [str(table.origin) for table in costs]
    assert len(costs) == 2 and all(size in detail for size, detail in zip(("32 × 32", "224 × 224"), details))
