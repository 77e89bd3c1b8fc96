"""The lesson on batch normalisation: its numbers against torch's functions written out, and arithmetic by hand."""

import gzip
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lib
from lib.lessons.normalisation import evaluated, lite
from lib.lessons.normalisation.lite import Learnt, MeanAlone, SpreadAlone
from lib.lessons.normalisation.questions import has_learnt
from lib.lessons.normalisation.steps import LESSON
from lib.lessons.residual.signals import units
from lib.measuring import seeded
from lib.training.pictures import FILE
from lib.training.shipped import WEIGHTS


@cache
def digits() -> torch.Tensor:
    """All digits from the file, (1797, 1, 8, 8) from 0 to 1, in the order of their learning."""
    with gzip.open(FILE) as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    images = torch.from_numpy(rows[:, :64]).reshape(-1, 1, 8, 8) / 16
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


@cache
def convolved() -> torch.Tensor:
    with seeded(0):
        weight = lib.build("resnet20_cifar").conv1.weight.detach()
    return F.conv2d(digits()[:120].expand(-1, 3, -1, -1), weight, padding=1)


@pytest.mark.parametrize(("channel", "gamma", "beta"), [(1, 1.0, 0.0), (4, 0.5, 1.0), (16, 2.0, -1.0)])
def test_a_norm_is_arithmetic_on_a_channel(channel, gamma, beta):
    x = convolved()[:, channel - 1].double()
    cell = x[0].flatten().max()
    mean, variance = x.mean(), ((x - x.mean())**2).mean()
    question = LESSON.asked("signal", channel=channel, gamma=gamma, beta=beta)
    assert question.answer == pytest.approx(float((cell - mean) / (variance + 1e-5).sqrt() * gamma + beta), abs=1e-4)
    assert question.grade(str(float(gamma * (cell - mean) + beta))).slip.name == "not divided"
    shown = LESSON.shown("signal", channel=channel, gamma=gamma, beta=beta)
    assert shown.fields["numbers"] == f"{x.numel():,}"
    assert f"mean {mean:.2f} and deviation {variance.sqrt():.2f} before" in shown.picture.alt


@pytest.mark.parametrize(("units", "hidden"), [(20, 1), (20, 10), (100, 5)])
def test_parameters_of_norms(units, hidden):
    plain = (1 * units + units) + (hidden - 1) * (units * units + units) + (units + 1)
    question = LESSON.asked("counted", units=units, hidden=hidden)
    assert question.answer == plain + 2 * units * hidden
    assert question.grade(str(plain)).slip.name == "nothing"
    table = LESSON.shown("counted", units=units, hidden=hidden).picture.frame
    assert table["Parameters"].tolist() == [plain, plain + 2 * units * hidden, plain + units * hidden]
    assert table["Kept, not learnt"].tolist() == [0, *[hidden * (2 * units + 1)] * 2]


@pytest.mark.parametrize(("channel", "bias"), [(1, 2.0), (8, -1.0)])
def test_a_bias_gets_through_only_past_statistics_that_do_not_know_it(channel, bias):
    x = convolved()
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=1)  # torch keeps the unbiased variance
    kept = F.batch_norm(x + bias, mean, variance, training=False)[:, channel - 1].mean()
    own = F.batch_norm(x + bias, None, None, training=True)[:, channel - 1].mean()
    for training, expected in ((True, own), (False, kept)):
        question = LESSON.asked("bias", channel=channel, bias=bias, training=training)
        assert question.answer == pytest.approx(float(expected), abs=1e-3)
    assert float(own) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("momentum", "batches"), [(0.1, 5), (0.01, 20), (0.5, 1)])
def test_a_running_mean_by_hand(momentum, batches):
    running = 0.0
    for _batch in range(batches):
        running = (1 - momentum) * running + momentum * 100.0
    question = LESSON.asked("running", momentum=momentum, batches=batches)
    assert question.answer == pytest.approx(running, abs=0.01)
    assert f"{running:.1f} %" in LESSON.shown("running", momentum=momentum, batches=batches).picture.alt


# The trained network

@cache
def weights() -> dict[str, torch.Tensor]:
    with np.load(WEIGHTS / "residual.npz") as arrays:
        return {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files if name != "curve"}


def through(images: torch.Tensor, training: bool) -> torch.Tensor:
    """Two blocks a stage, written out."""
    found = weights()

    def normalised(x, name):
        mean, variance = (None, None) if training else (found[f"{name}.running_mean"], found[f"{name}.running_var"])
        return F.batch_norm(x, mean, variance, found[f"{name}.weight"], found[f"{name}.bias"], training)
    x = normalised(F.conv2d(images, found["conv1.weight"], padding=1), "bn1").relu()
    for stage in (1, 2, 3):
        for block in (0, 1):
            path, stride = f"layer{stage}.{block}", 2 if (stage, block) in {(2, 0), (3, 0)} else 1
            y = normalised(F.conv2d(x, found[f"{path}.conv1.weight"], stride=stride, padding=1), f"{path}.bn1").relu()
            y = normalised(F.conv2d(y, found[f"{path}.conv2.weight"], padding=1), f"{path}.bn2")
            around = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
            x = (y + around).relu()
    return x.mean((2, 3)) @ found["fc.weight"].T + found["fc.bias"]


def unseen() -> torch.Tensor:
    training = digits()[:1437]
    return ((digits()[1437:] - training.mean()) / training.std()).expand(-1, 3, -1, -1)


@pytest.mark.parametrize(("picture", "mates"), [(1, 3), (4, 15)])
def test_scores_among_others_and_alone(picture, mates):
    one, others = unseen()[picture - 1:picture], unseen()[120:]
    found = evaluated.scores(picture, mates)
    for shown, start in zip(found[:2], (0, mates)):
        expected = through(torch.cat((one, others[start:start + mates])), True)[0]
        assert torch.allclose(torch.tensor(shown), expected, atol=1e-3)
    assert torch.allclose(torch.tensor(found.evaluation), through(one, False)[0], atol=1e-3)
    assert LESSON.asked("batchmates", picture=picture, mates=mates).answer == {"evaluation", "bare"}
    assert "Expected more than 1 value per channel" in evaluated.refusal()


def test_a_norm_merged_into_its_convolution_by_hand():
    found, images = weights(), unseen()[:20]
    factor = found["bn1.weight"] / (found["bn1.running_var"] + 1e-5).sqrt()
    bias = found["bn1.bias"] - found["bn1.running_mean"] * factor
    merged = F.conv2d(images, found["conv1.weight"] * factor.view(-1, 1, 1, 1), bias, padding=1)
    apart = F.batch_norm(F.conv2d(images, found["conv1.weight"], padding=1), *(
        found[f"bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")), False)
    assert torch.allclose(merged, apart, atol=1e-5)
    assert [LESSON.asked("folded", merged=channel).answer for channel in range(1, 9)] == pytest.approx(bias.tolist(), abs=1e-5)


# Depth

@pytest.mark.parametrize(("residual", "expected"), [(False, "shrinks"), (True, "grows")])
def test_signals_without_norms_written_out(residual, expected):
    with seeded(1):
        images, _labels = torch.randn(4, 3, 32, 32), torch.randint(10, (4,))
        network = lib.build("resnet20_cifar", residual=residual)
    signals, x = [], F.conv2d(images, network.conv1.weight, padding=1).relu()
    with torch.no_grad():
        for block in units(network):
            stride = block.conv1.stride[0]
            y = F.conv2d(F.conv2d(x, block.conv1.weight, stride=stride, padding=1).relu(), block.conv2.weight, padding=1)
            around = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
            x = (y + around if residual else y).relu()
            signals.append(x.square().mean().sqrt().item())
    question = LESSON.asked("start", depth=20, residual=residual, seed=1)
    assert question.answer == expected
    ratio = signals[-1] / signals[0]
    assert question.fields["bare_signal"] == (f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2g}")


def test_parts_of_a_norm():
    x = torch.randn(8, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 2
    mean, spread = MeanAlone(3)(x), SpreadAlone(3)(x)
    assert torch.allclose(mean, x - x.mean((0, 2, 3), keepdim=True), atol=1e-5)
    assert torch.allclose(spread, F.batch_norm(x, torch.zeros(3), x.var((0, 2, 3), correction=0), training=False), atol=1e-4)
    assert torch.allclose(lite.without_scale(3)(x), F.batch_norm(x, None, None, training=True), atol=1e-5)


def test_networks_of_which_norms_are_missing():
    norms = {variant: sum(isinstance(module, torch.nn.BatchNorm2d) for module in lite.network(variant, 0).modules())
             for variant in lite.NAMES}
    assert norms == {"whole": 13, "every second": 7, "fixed": 13, "spread": 1, "mean": 1}
    fixed = dict(lite.network("fixed", 0).named_parameters())
    assert not [name for name in fixed if name.startswith("layer") and ".bn" in name]


def test_who_has_learnt_is_read_from_the_errors():
    found = tuple(Learnt(variant, (90.0, error)) for variant, error in zip(lite.NAMES, (1.0, 19.9, 2.0, 20.1, 88.0)))
    assert has_learnt(seed=0, found=found).answer == {"every second", "fixed"}
