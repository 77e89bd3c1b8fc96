"""Inception: counts against the paper's Table 1, torchvision and plain torch; gradients against the summed loss's."""

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.googlenet import Inception

import lib
from lib.architecture import Impossible
from lib.lessons.inception import classifiers, kernels, networks, questions, stems
from lib.lessons.inception.modules import CHANNELS, FILTERS, FIRST, FIRST_CHANNELS, FIRST_SIZE, SIZES
from lib.lessons.inception.steps import LESSON
from lib.text import prose

# Szegedy et al. 2014, Table 1: filters 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, projection.
TABLE_1 = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
           "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
           "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}
MEGA_OPERATIONS = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}
"""The same table, million operations. The row 5a does not follow from its filters."""

show, ask = LESSON.shown, LESSON.asked


def slips(question) -> dict:
    return {slip.name: slip.answer for slip in question.slips}


def weights(*layers: tuple) -> int:
    """Weights of plain convolutions, each given by its channels in, filters and kernel."""
    return sum(nn.Conv2d(*layer, bias=False, device="meta").weight.numel() for layer in layers)


def macs(model: nn.Module, *shape: int) -> int:
    """By torch's own counter, without memory."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta").eval()(torch.empty(shape, device="meta"))
    return counter.get_total_flops() // 2


# The module

def test_module_3a_is_plain_torch_s():
    frame = show("module").more[0].frame
    naive = [weights((192, 64, 1)), weights((192, 128, 3)), weights((192, 32, 5)), 0]
    reduced = [naive[0], weights((192, 96, 1), (96, 128, 3)), weights((192, 16, 1), (16, 32, 5)), weights((192, 32, 1))]
    for suffix, expected in (("naive", naive), ("reduced", reduced)):
        assert list(frame[f"Weights, {suffix}"]) == [*expected, sum(expected)]
        assert list(frame[f"MACs, {suffix}"]) == [28 * 28 * count for count in (*expected, sum(expected))]
    assert list(frame["Channels out, reduced"]) == [64, 128, 32, 32, 256]
    assert list(frame["Channels out, naive"]) == [64, 128, 32, 192, 416]


def test_rows_of_table_1_cost_what_the_paper_says():
    assert {row: tuple(networks.filters(row)) for row in networks.rows()} == TABLE_1
    for row, mega in MEGA_OPERATIONS.items():
        assert show("module", row=row).more[0].frame["MACs, reduced"].iloc[-1] / 1e6 == pytest.approx(mega, abs=1)


def test_old_links_and_the_buttons_of_the_rows_find_their_values():
    assert (FIRST_CHANNELS, FIRST_SIZE) == tuple(networks.rows()["3a"][name] for name in ("channels", "size"))
    assert LESSON.defaults | networks.rows()["3a"] == LESSON.defaults
    assert FIRST == TABLE_1["3a"]
    for step in ("side_by_side", "five_by_five", "three_by_three"):
        assert list(LESSON.step(step).settings) == list(TABLE_1)
        for setting in LESSON.step(step).settings.values():
            assert all(value in LESSON.knobs[name].values for name, value in setting.items())
    assert set(FILTERS) | {"channels", "size"} <= {name for step in LESSON.steps for name in step.controls}
    assert 832 in CHANNELS and 7 in SIZES


def test_channels_that_go_out_are_those_of_torchvision_s_module():
    question = ask("side_by_side", n1x1=128, n3x3=192, n5x5=96, projection=64)
    theirs = Inception(192, 128, 96, 192, 16, 96, 64).to("meta")
    assert question.answer == theirs(torch.empty(2, 192, 28, 28, device="meta")).shape[1] == 480
    assert slips(question)["pooling passes all"] == 128 + 192 + 96 + 192


@pytest.mark.parametrize("channels, reduction, filters, size", [(192, 16, 32, 28), (832, 48, 128, 7), (64, 96, 16, 56)])
def test_the_5x5_branch_is_what_torch_counts(channels, reduction, filters, size):
    question = ask("five_by_five", channels=channels, reduce5x5=reduction, n5x5=filters, size=size)
    branch = nn.Sequential(nn.Conv2d(channels, reduction, 1), nn.Conv2d(reduction, filters, 5, padding=2))
    alone = nn.Conv2d(channels, filters, 5, padding=2)
    assert question.answer * 1e6 == pytest.approx(macs(branch, 1, channels, size, size))
    assert slips(question)["without the reduction"] * 1e6 == pytest.approx(macs(alone, 1, channels, size, size))
    assert question.grade(f"{question.answer:.2f} million").right


@pytest.mark.parametrize("channels, filters", [(192, 128), (832, 384), (64, 64), (512, 208)])
def test_a_wider_reduction_than_the_break_even_is_dearer(channels, filters):
    widest = int(ask("three_by_three", channels=channels, n3x3=filters).answer)
    alone = weights((channels, filters, 3))
    assert weights((channels, widest, 1), (widest, filters, 3)) <= alone
    assert weights((channels, widest + 1, 1), (widest + 1, filters, 3)) > alone
    assert widest < channels


@pytest.mark.parametrize("row, channels, times", [("3a", 192, 2.37), ("4a", 480, 4.17), ("5b", 832, 4.06)])
def test_what_a_module_saves(row, channels, times):
    question = ask("module", row=row)
    n1x1, reduce3x3, n3x3, reduce5x5, n5x5, projection = TABLE_1[row]
    naive = weights((channels, n1x1, 1), (channels, n3x3, 3), (channels, n5x5, 5))
    reduced = weights((channels, n1x1, 1), (channels, reduce3x3, 1), (reduce3x3, n3x3, 3), (channels, reduce5x5, 1),
                      (reduce5x5, n5x5, 5), (channels, projection, 1))
    assert question.answer == pytest.approx(naive / reduced) == pytest.approx(times, abs=0.005)
    assert slips(question)["5×5 branch alone"] == pytest.approx(
        weights((channels, n5x5, 5)) / weights((channels, reduce5x5, 1), (reduce5x5, n5x5, 5)))


def test_naive_modules_only_grow():
    channels, before = 192, 0
    for row, (n1x1, _, n3x3, _, n5x5, _) in TABLE_1.items():
        channels += n1x1 + n3x3 + n5x5
        assert ask("growth", row=row).answer == channels > before
        before = channels
    assert channels == 4944
    table = show("growth").more[1].frame
    assert list(table["with projections (GoogLeNet)"]) == [256, 480, 512, 512, 512, 528, 832, 832, 1024]
    words = prose("inception", "growth, whole networks", **networks.growth_fields())
    assert "6,998,552" in words and "13.9 times as many" in words


# The stem, the poolings, the smallest image

def test_the_stem():
    table = stems.stem_table().set_index("Quantity")
    assert list(table["GoogLeNet"]) == ["6.12", "7.46", "124,416", "478"]
    assert list(table["VGG-16"])[2:] == ["1,735,488", "9,335"]
    words = prose("inception", "stem, slides", **stems.stem_fields())
    assert "two convolutions in stage 3 (7485 million)" in words and "481 if the comparisons" in words
    assert {origin.kind for element in show("stem").more if hasattr(element, "frame")
            for origin in (element.origin if isinstance(element.origin, tuple) else (element.origin,))
            } == {"computed", "unverified"}


def test_the_first_layers_in_order():
    layers = [(nn.Conv2d(3, 64, 7, 2, 3), 3, 224), (nn.Conv2d(64, 64, 1), 64, 56),
              (nn.Conv2d(64, 192, 3, padding=1), 64, 56), (nn.Conv2d(3, 64, 3, padding=1), 3, 224),
              (nn.Conv2d(64, 64, 3, padding=1), 64, 224)]
    costs = {str(index): macs(layer, 1, channels, size, size) for index, (layer, channels, size) in enumerate(layers)}
    sizes = {str(index): layer.weight.numel() for index, (layer, *_) in enumerate(layers)}
    question = ask("stem")
    assert question.answer == tuple(sorted(costs, key=costs.get))
    assert slips(question)["by weights"] == tuple(sorted(sizes, key=sizes.get))
    assert [op.macs for op in stems.first_layers().values()] == list(costs.values())
    assert "7×7/2, 3→64, at 112×112" in question.options["0"]


@pytest.mark.parametrize("pool, channels, size", [(1, 64, 112), (2, 192, 56), (3, 480, 28), (4, 832, 14)])
def test_what_a_strided_convolution_changes(pool, channels, size):
    pooling, convolution = nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(channels, channels, 3, 2, padding=1, bias=False)
    shapes = {layer(torch.empty(1, channels, size, size)).shape for layer in (pooling, convolution)}
    assert len(shapes) == 1
    question = ask("poolings", pool=pool)
    assert question.answer == {"weights", "macs", "reads"}
    assert question.fields["weights"] == f"{convolution.weight.numel():,}"
    assert question.fields["macs"] == f"{macs(convolution, 1, channels, size, size):,}"
    image = torch.randn(1, 4, 9, 9, requires_grad=True)
    for layer, read in ((pooling, 1), (nn.Conv2d(4, 4, 3, 2, 1), 4)):
        gradient, = torch.autograd.grad(layer(image)[0, 0].sum(), image)
        assert (gradient.abs().sum((0, 2, 3)) > 0).sum() == read


def test_the_smallest_image_is_taken_and_one_that_is_a_pixel_smaller_is_not():
    torchvisions = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False).eval()
    models = {"googlenet": torchvisions, "googlenet_2014": lib.build("googlenet_2014").eval(),
              "bn_inception": lib.build("bn_inception").eval()}
    for version, smallest in (("googlenet_2014", 31), ("googlenet", 15), ("bn_inception", 7)):
        question = ask("smallest_image", version=version)
        assert question.answer == smallest
        with torch.no_grad():
            assert models[version](torch.randn(1, 3, smallest, smallest)).shape == (1, 1000)
            with pytest.raises(RuntimeError):
                models[version](torch.randn(1, 3, smallest - 1, smallest - 1))
    frame = show("smallest_image", version="googlenet").picture.frame
    assert list(frame["15 pixels"]) == [15, 8, 4, 2, 1, 1] and list(frame["14 pixels"])[-1] == 0


def test_rivals_in_order():
    with torch.device("meta"):
        models = {"googlenet_2014": lib.build("googlenet_2014"), "googlenet_naive": lib.build("googlenet_naive"),
                  "alexnet": torchvision.models.alexnet(), "vgg16": torchvision.models.vgg16()}
    params = {name: sum(each.numel() for each in model.parameters()) for name, model in models.items()}
    costs = {name: macs(model, 1, 3, 224, 224) for name, model in models.items()}
    assert ask("rivals", quantity="params").answer == tuple(sorted(params, key=params.get))
    assert ask("rivals", quantity="macs").answer == tuple(sorted(costs, key=costs.get))
    fields = ask("rivals").fields
    assert fields["fewer"] == f"{params['alexnet'] / params['googlenet_2014']:.1f}" == "8.7"
    assert fields["more"] == f"{costs['googlenet_2014'] / costs['alexnet']:.2f}" == "2.22"


# Kernels taken apart

@pytest.mark.parametrize("kernel, form, percent", [
    (5, "stack", 100 * 18 / 25), (7, "stack", 100 * 27 / 49), (3, "pair", 200 / 3), (5, "pair", 40), (7, "pair", 200 / 7)])
def test_weights_of_a_kernel_taken_apart(kernel, form, percent):
    parts = [(8, 8, 3)] * (kernel // 2) if form == "stack" else [(8, 8, (1, kernel)), (8, 8, (kernel, 1))]
    assert 100 * weights(*parts) / weights((8, 8, kernel)) == pytest.approx(percent)
    assert ask("factors", kernel=kernel, form=form).answer == pytest.approx(percent)
    assert slips(ask("factors", kernel=7, form="stack"))["two for three"] == pytest.approx(100 * 18 / 49)


def test_every_form_of_a_kernel_sees_as_much():
    table = kernels.factor_table()
    assert list(table["Sees, cells"]) == [3, 3, 3, 5, 5, 5, 7, 7, 7]
    with pytest.raises(Impossible):
        ask("factors", kernel=3, form="stack")
    assert show("factors", kernel=3, form="stack").picture.alt.count("100.0 %") == 2
    fields = kernels.double_fields()
    assert fields["field"] == fields["field_single"] and "2,032,600,064" == fields["double"]


# The auxiliary classifiers

def losses_of(start: str = "he", batch_norm: bool = False, seed: int = 3):
    """A fresh network, and its three losses, as the lesson says that it measures."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = lib.build("googlenet_2014", batch_norm=batch_norm, auxiliary=True)
        classifiers.initialize(model, start)
        images, labels = torch.randn(4, 3, 64, 64), torch.randint(1000, (4,))
    for module in model.train().modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model, [nn.CrossEntropyLoss()(logits, labels) for logits in model(images)]


def test_what_the_classifiers_reach_is_where_their_gradient_is():
    model, (_main, *auxiliary) = losses_of()
    sum(auxiliary).backward()
    heard = {part for part in classifiers.PARTS if any(each.grad is not None and each.grad.any()
                                                       for each in model.get_submodule(part).parameters())}
    assert heard == {part for part, reached in classifiers.reached().items() if reached}
    question = ask("auxiliary")
    assert set(question.answer) == heard & set(question.options)
    assert question.options["inception4d"] == "4d" and not question.grade(["inception4a", "inception4d"]).right


def test_the_classifiers_parameters():
    added = sum(512 * 128 + 128 + extra + 2048 * 1024 + 1024 + 1024 * 1000 + 1000 for extra in (0, 16 * 128))
    assert classifiers.auxiliary_fields()["added"] == f"{added:,}"


@pytest.mark.parametrize("values", [{"start": "he", "batch_norm": True, "seed": 3, "auxiliary": "1"},
                                    {"start": "xavier", "batch_norm": False, "seed": 0, "auxiliary": "0.3"}])
def test_gradients_are_those_of_the_summed_loss(values):
    weight = float(values["auxiliary"])
    model, (main, *auxiliary) = losses_of(values["start"], values["batch_norm"], values["seed"])
    shown = show("gradients", **values).more[0].frame.set_index("Part").loc["conv1"]
    norms = []
    for column, loss in (("Main loss alone", main), ("With auxiliary losses", main + weight * sum(auxiliary))):
        gradient, = torch.autograd.grad(loss, model.conv1.conv.weight, retain_graph=True)
        norms.append(gradient.norm().item())
        assert float(shown[column]) == pytest.approx(norms[-1], rel=0.01)
    ratio = norms[1] / norms[0]
    assert ask("gradients", **values).answer == ("hardly" if ratio < 1.2 else "some" if ratio < 10 else "many")


def test_classifiers_help_below_them_only():
    found = classifiers.gradients("small", False, 0)
    ratios = {part.part: part.ratio(0.3) for part in found.parts}
    assert min(ratios[part] for part in ("conv1", "inception3a", "inception4a")) > 100
    assert {ratios[part] for part in ("inception4e", "inception5a", "inception5b")} == {1.0}
    assert questions.help_at_conv1(start="small", batch_norm=False, auxiliary="0.3", seed=0).answer == "many"
    assert questions.help_at_conv1(start="small", batch_norm=True, auxiliary="0.3", seed=0).answer == "hardly"
