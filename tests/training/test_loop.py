"""The loop against what torch's own pieces give when they are written out here."""

from itertools import islice

import pytest
import torch
import torch.nn.functional as F

import lib
from lib.records import Network, Setting
from lib.training.fair import at_best, at_rates, best_rates
from lib.training.loop import Training, augmented, chance, outputs, shuffled_batches
from lib.training.pictures import digits
from lib.training.race import Begun, Finished, Glimpse, build, first_block, fitting, prepared, race
from lib.training.recipe import Recipe
from lib.training.records import Curve, Entrant, Epoch
from lib.training.recorded import RECORDED, entrant
from lib.training.shipped import of_race

PICTURES = {"digits": digits()}
TINY = Network(preset="resnet20_cifar", changed={"n": 1, "width": 4})
SOME = Recipe(epochs=2, warm_up=1, learning_rate=0.05, weight_decay=1e-3, batch=300)


def run(*entrants, states={}):
    """The curves of entrants, and the last state of each."""
    curves, last = {}, {}
    for step in race(entrants, PICTURES, Setting(threads=1), states):
        if isinstance(step.found, Begun):
            curves[step.found.entrant] = []
        elif isinstance(step.found, Finished):
            curves[step.found.entrant].append(step.found.epoch)
            last[step.found.entrant] = step.found.state
    return curves, last


def told(epochs):
    """Without the seconds, which no seed decides."""
    return [epoch.model_dump(exclude={"seconds"}) for epoch in epochs]


def test_steps_are_torchs_written_out():
    """In double precision, as deep networks with norms blow up what is rounded."""
    one, data = Entrant(network=TINY, recipe=SOME, seed=3), digits()
    analysis = fitting(TINY, data)
    seen = data.images[:data.training].double()
    images = ((data.images.double() - seen.mean()) / seen.std()).repeat(1, 3, 1, 1)
    model, learner = (build(analysis, one).double() for _ in range(2))
    watched = [weight for name, weight in learner.named_parameters() if name.startswith("layer1.0.")]
    training = Training(learner, images, data.labels, data.training, SOME, 3, watched)
    velocity = {name: torch.zeros_like(weight) for name, weight in model.named_parameters()}
    for epoch in range(2):
        order = torch.randperm(1437, generator=torch.Generator().manual_seed((3 * 10**6 + epoch) * 10**6))
        batches, losses, wrong, norms = [order[first:first + 300] for first in range(0, 1437, 300)], 0.0, 0, []
        model.train()
        for step, batch in enumerate(batches, 1):
            scores = model(images[batch])
            loss = F.cross_entropy(scores, data.labels[batch])
            weights = dict(model.named_parameters())
            gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values()))))
            norms.append(sum(gradient.square().sum() for name, gradient in gradients.items()
                             if name.startswith("layer1.0.")).sqrt().item())
            rate = 0.05 * min(1, epoch + step / len(batches))
            with torch.no_grad():
                for name, weight in weights.items():
                    velocity[name] = 0.9 * velocity[name] + gradients[name] + 1e-3 * weight
                    weight -= rate * velocity[name]
            losses += len(batch) * loss.item()
            wrong += (scores.argmax(1) != data.labels[batch]).sum().item()
        model.eval()
        with torch.no_grad():
            missed = (model(images[1437:]).argmax(1) != data.labels[1437:]).double().mean().item()
        *_, (share, found) = training.epoch()
        assert share == 1.0 and training.done == epoch + 1
        assert found.train_loss == pytest.approx(losses / 1437, rel=1e-4)  # five digits are kept
        assert found.gradient_norm == pytest.approx(sum(norms) / len(norms), rel=1e-4)
        assert found.train_error == pytest.approx(100 * wrong / 1437, abs=1e-3)
        assert found.test_error == pytest.approx(100 * missed, abs=1e-3)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(learner.state_dict()[name], tensor, rtol=1e-9, atol=1e-9)


def test_the_same_seed_gives_the_same_curve_also_beside_others_and_after_a_pause():
    dropout = Network(preset="vgg11_bn", changed={"width": 8, "hidden": 16, "depths": (1, 1, 1, 1, 1)})
    one = Entrant(network=dropout, recipe=SOME.model_copy(update={"augmentation": "shift"}), seed=1)
    other = Entrant(network=TINY, recipe=SOME, seed=1)
    alone, _ = run(one)
    beside, _ = run(other, one)
    assert told(alone[0]) == told(beside[1])
    half, states = run(one.model_copy(update={"recipe": one.recipe.model_copy(update={"epochs": 1})}))
    rest, _ = run(one, states={0: states[0]})
    assert told(half[0] + rest[0]) == told(alone[0])
    another, _ = run(one.model_copy(update={"seed": 2}))
    assert told(another[0]) != told(alone[0])


def test_glimpses_come_before_the_epoch_ends():
    one = Entrant(network=TINY, recipe=SOME.model_copy(update={"epochs": 1}))
    found = [step.found for step in race([one], PICTURES, Setting(threads=1)) if step.found]
    assert [type(each) for each in found[:2]] == [Begun, Glimpse] and found[1].at < 0.5
    assert found[1].epoch.test_error is None and 0 < found[1].epoch.train_loss < 10


def test_shares_grow_to_one():
    shares = [step.share for step in race([Entrant(network=TINY, recipe=SOME)], PICTURES, Setting(threads=1))]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_loss_that_is_no_number_ends_the_entrant_and_not_the_others():
    wild = Entrant(network=Network(preset="resnet20_cifar", changed={"batch_norm": False}),
                   recipe=SOME.model_copy(update={"learning_rate": 10.0, "warm_up": 0, "epochs": 3}))
    curves, _ = run(wild, Entrant(network=TINY, recipe=SOME))
    assert curves[0][-1].train_loss is None and len(curves[0]) < 3 and len(curves[1]) == 2


def test_the_order_is_the_same_for_all_networks_and_every_picture_comes_once():
    batches = shuffled_batches(1437, 120, seed=4, epoch=2)
    assert [len(batch) for batch in batches] == [120] * 11 + [117]
    assert sorted(torch.cat(batches).tolist()) == list(range(1437))
    assert torch.equal(torch.cat(batches), torch.cat(shuffled_batches(1437, 120, 4, 2)))
    assert not torch.equal(torch.cat(batches), torch.cat(shuffled_batches(1437, 120, 4, 3)))
    assert [len(batch) for batch in shuffled_batches(250, 120, 0, 0)] == [120, 120]  # ten are too few for a batch


def test_every_step_has_a_chance_of_its_own():
    numbers = [chance(seed, epoch, step) for seed in range(3) for epoch in range(50) for step in range(50)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("schedule, torchs", [
    ("constant", lambda optimiser: torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)),
    ("steps", lambda optimiser: torch.optim.lr_scheduler.MultiStepLR(optimiser, [10, 15])),
    ("cosine", lambda optimiser: torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 20)),
])
def test_schedules_are_torchs(schedule, torchs):
    recipe = Recipe(epochs=20, warm_up=0, learning_rate=0.2, schedule=schedule)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    scheduler = torchs(optimiser)
    for epoch in range(20):
        assert recipe.rate(epoch) == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()


def test_warm_up_grows_by_the_step():
    recipe = Recipe(warm_up=2, learning_rate=0.4)
    assert [round(recipe.rate(at), 6) for at in (0.5, 1, 2, 3)] == [0.1, 0.2, 0.4, 0.4]


def test_auxiliary_classifiers_count_three_tenths():
    network = Network(preset="googlenet_2014", changed={"width": 25, "auxiliary": True})
    one = Entrant(network=network, recipe=Recipe(batch=64, learning_rate=0.01))
    training, _ = prepared(one, PICTURES["digits"], "cpu")
    share, epoch = next(training.epoch())
    torch.manual_seed(chance(0, 0, 1))
    fresh, _ = prepared(one, PICTURES["digits"], "cpu")
    batch = shuffled_batches(1437, 64, 0, 0)[0]
    torch.manual_seed(chance(0, 0, 1))
    main, deep, middle = (F.cross_entropy(scores, fresh.labels[batch]) for scores in fresh.model.train()(fresh.images[batch]))
    assert epoch.train_loss == pytest.approx((main + 0.3 * (deep + middle)).item(), rel=1e-3)


def test_distances_of_the_first_lenet_are_turned_into_scores():
    model = lib.build("lenet5_1998").eval()
    images = torch.randn(4, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(outputs(model, images)[0].argmax(1), model(images).argmin(1))


def test_pictures_are_moved_by_an_eighth_and_mirrored():
    torch.manual_seed(0)
    images = torch.randn(50, 3, 16, 16)
    low = images.min()
    moved = augmented(images, "shift and mirror")
    kinds = set()
    for before, after in zip(images, moved):
        padded = F.pad(before, (2, 2, 2, 2), value=low)
        found = [(flipped, y, x) for y in range(5) for x in range(5) for flipped in (False, True)
                 if torch.equal(after.flip(-1) if flipped else after, padded[:, y:y + 16, x:x + 16])]
        assert len(found) == 1
        kinds.add(found[0])
    assert {flipped for flipped, _, _ in kinds} == {False, True} and len(kinds) > 20
    assert augmented(images, "none") is images


@pytest.mark.parametrize("preset, changed, block, size", [
    ("plain56_cifar", {}, "layer1.0", 8), ("resnetv2_110_cifar", {}, "layer1.0", 8), ("lenet5", {}, "c1", 32),
    ("vgg11", {"width": 16}, "features.0", 32), ("googlenet_2014", {"width": 25}, "conv2", 32),
    ("seresnet18", {"width": 8, "input_size": 48}, "layer1.0", 48), ("alexnet", {}, "features.0", 63)])
def test_the_first_block_and_the_size_of_the_pictures(preset, changed, block, size):
    analysis = fitting(Network(preset=preset, changed=changed), digits())
    assert (first_block(analysis), analysis.knobs.input_size, analysis.knobs.num_classes) == (block, size, 10)


def test_a_pyramid_cannot_be_trained():
    with pytest.raises(lib.Impossible, match="feature maps, not scores"):
        fitting(Network(preset="resnet50_fpn"), digits())


@pytest.mark.parametrize("start, deviation", [("torch", (1 / (3 * 72)) ** 0.5), ("xavier", (2 / (9 * 16)) ** 0.5)])
def test_other_initial_weights(start, deviation):
    network = Network(preset="resnet20_cifar", changed={"n": 1, "width": 8})
    one = Entrant(network=network, recipe=Recipe(start=start))
    weight = build(fitting(network, digits()), one).layer1[0].conv1.weight
    assert weight.std().item() == pytest.approx(deviation, rel=0.1)  # uniform: its bound over the root of 3


def test_a_fair_race_takes_the_rate_with_the_lowest_training_loss():
    def curve(entrant, loss):
        epoch = Epoch.of(loss, 10.0, 1.0, 1.0, 10.0)
        return Curve(preset="a", seed=entrant.seed, settings=entrant.recipe, input_size=8, taken="2026-01-01T00:00:00Z",
                     environment={}, epochs=(epoch,))
    entrants = [each for seed in (0, 1) for each in at_rates(Entrant(network=TINY, recipe=SOME, seed=seed), (0.1, 0.01, 1.0))]
    losses = dict(zip(entrants, [0.5, 0.3, None, 0.1, 0.4, 0.0]))
    curves = {entrant: curve(entrant, loss) for entrant, loss in losses.items()}
    assert best_rates(curves) == {TINY: 0.1}  # 0.3 in the mean, against 0.35; one of 1.0 was lost
    assert [entrant.recipe.learning_rate for entrant in at_best(curves)] == [0.1, 0.1]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_races_are_whole(name):
    curves = of_race(name)
    asked = RECORDED[name].entrants()
    assert [(curve.preset, curve.changed, curve.seed, curve.settings.learning_rate) for curve in curves] and len(curves) == len(asked)
    assert {Entrant(network=Network(preset=curve.preset, changed=curve.changed), recipe=curve.settings, seed=curve.seed).key()
            for curve in curves} == {one.key() for one in asked}
    assert all(curve.over and curve.environment["torch"] and curve.environment["device_name"] for curve in curves)


def test_a_short_race_lies_within_the_band_of_its_recorded_seeds():
    recorded = [curve for curve in of_race("depth") if curve.preset == "resnet20_cifar"]
    recipe = recorded[0].settings.model_copy(update={"epochs": 3})
    curves, _ = run(Entrant(network=Network(preset="resnet20_cifar"), recipe=recipe, seed=0))
    for number, epoch in enumerate(curves[0]):
        for quantity in ("train_loss", "train_error"):
            band = [getattr(curve.epochs[number], quantity) for curve in recorded]
            room = max(band) - min(band)
            assert min(band) - room / 2 <= getattr(epoch, quantity) <= max(band) + room / 2


def test_an_entrants_rate_is_what_suits_it():
    assert entrant(Network(preset="plain20_cifar")).recipe.learning_rate == 0.1
    assert entrant(Network(preset="plain20_cifar", changed={"batch_norm": False})).recipe.learning_rate == 0.01
    assert entrant(Network(preset="lenet5")).recipe.learning_rate == 0.1


def test_training_stands_in_train_mode_and_tests_without(monkeypatch):
    training, _ = prepared(Entrant(network=TINY, recipe=SOME), PICTURES["digits"], "cpu")
    modes = []
    training.model.register_forward_hook(lambda model, *_: modes.append(model.training))
    list(islice(Training.epoch(training), 100))
    assert modes[:5] == [True] * 5 and modes[5:] == [False]
