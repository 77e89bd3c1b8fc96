"""The lesson on AlexNet and VGG, against the lecture, the papers, torchvision, and torch built by hand."""

from math import prod

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.architecture import Impossible
from lib.lessons.vgg import alexnets, heads, networks, questions, stages
from lib.lessons.vgg.steps import LESSON
from lib.models.alexnet import AlexNet2012
from lib.models.vgg import VGG, kernels

shown, asked = LESSON.shown, LESSON.asked


def by_first_column(frame):
    return frame.set_index(frame.columns[0])


def meta(build):
    with torch.device("meta"):
        return build().eval()


def counted_macs(network: nn.Module, *shape: int) -> int:
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(*shape, device="meta"))
    return counter.get_total_flops() // 2


# Recomputed by hand from the lecture's layers: memory KiB, parameters, multiply-adds.
LECTURE = {"conv1": (784, 23_296, 72_855_552), "pool1": (182.25, 0, 0), "conv2": (546.75, 307_392, 223_948_800),
           "pool2": (126.75, 0, 0), "conv3": (253.5, 663_936, 112_140_288), "conv4": (169, 884_992, 149_520_384),
           "conv5": (169, 590_080, 99_680_256), "fc6": (16, 37_752_832, 37_748_736), "fc7": (16, 16_781_312, 16_777_216)}


def test_the_layers_are_the_lecture_s():
    layers = by_first_column(shown("trends").more[2].frame)
    for layer, expected in LECTURE.items():
        assert tuple(layers.loc[layer, ["Memory, KiB", "Parameters", "MACs"]]) == expected
    assert layers.loc["all", "Parameters"] == 61_100_840


def test_trends():
    convolutions = sum(macs for layer, (_, _, macs) in LECTURE.items() if "conv" in layer)
    because = asked("trends").because
    assert f"**{convolutions / 716_767_232:.0%}** of the 716,767,232" in because
    assert "61,100,840" in because and shown("trends").more[0].fields["memory"] == "2.28"


@pytest.mark.parametrize("network", ["alexnet", "vgg11", "vgg16", "vgg19"])
def test_convolutions_work_and_linear_layers_store_as_in_torchvision(network):
    theirs = meta(lambda: torchvision.models.get_model(network, weights=None))
    sums = {nn.Conv2d: [0, 0, 0], nn.Linear: [0, 0, 0]}

    def add(module, _input, output):
        macs = module.weight.numel() * prod(output.shape[2:])
        costs = (output.numel(), sum(each.numel() for each in module.parameters()), macs)
        sums[type(module)] = [before + cost for before, cost in zip(sums[type(module)], costs)]
    for module in theirs.modules():
        if type(module) in sums:
            module.register_forward_hook(add)
    theirs(torch.empty(1, 3, 224, 224, device="meta"))
    more = {name for name, one, other in zip(("memory", "params", "macs"), sums[nn.Conv2d], sums[nn.Linear]) if one > other}
    assert set(asked("trends", network=network, size=224).answer) == more
    parts = networks.parts(networks.analysis(network, input_size=224))
    assert [parts["convolutions"][each] for each in ("memory", "params", "macs")] == [
        4 * sums[nn.Conv2d][0], *sums[nn.Conv2d][1:]]


def test_the_network_of_2012_refuses_224_and_says_which_size_works():
    for part in (shown, asked):
        with pytest.raises(Impossible, match="227"):
            part("trends", network="alexnet_2012", size=224)


# Krizhevsky et al. 2012, Fig. 2, by hand: weights of a filter, filters, places.
ALEXNET_2012 = {"conv1": (11 * 11 * 3, 96, 55 * 55), "conv2": (5 * 5 * 48, 256, 27 * 27),
                "conv3": (3 * 3 * 256, 384, 13 * 13), "conv4": (3 * 3 * 192, 384, 13 * 13),
                "conv5": (3 * 3 * 192, 256, 13 * 13), "fc6": (256 * 6 * 6, 4096, 1), "fc7": (4096, 4096, 1),
                "fc8": (4096, 1000, 1)}


@pytest.mark.parametrize("layer", alexnets.LAYERS)
def test_units_weights_and_connections_are_those_of_the_paper(layer):
    read, filters, places = ALEXNET_2012[layer]
    question = asked("units", layer=layer)
    assert question.answer == read * filters * places
    assert question.fields["units"] == f"{filters * places:,}" and question.fields["weights"] == f"{read * filters:,}"
    assert f"= {read * filters * places:,}" in shown("units", layer=layer).picture.text


def test_units_sum_to_the_neurons_of_the_paper_s_layers():
    table = by_first_column(alexnets.count_table())
    assert table.loc["all", "Units"] == 659_272 and table.loc["all", "Connections (MACs)"] == 724_406_816
    assert table.loc["fc6", "Connections of a weight"] == 1 and table.loc["conv1", "Connections of a weight"] == 3025


def test_groups_of_alexnet_are_a_known_slip():
    slips = {slip.name: slip.answer for slip in asked("units", layer="conv2").slips}
    assert slips["groups forgotten"] == 2 * 223_948_800 and slips["one place"] == 307_200


@pytest.mark.parametrize("size, side", [(227, 6), (224, 5), (195, 5), (259, 7)])
def test_the_last_map_is_that_of_torch_itself(size, side):
    features = meta(AlexNet2012).features
    assert features(torch.empty(1, 3, size, size, device="meta")).shape[-1] == side
    assert questions.last_map(size=size).answer == side


def test_fc6_fits_227_alone():
    fits = {size: by_first_column(shown("which_alexnet", size=size).picture.frame)["AlexNet of 2012"]
            for size in (224, 227)}
    assert fits[227]["numbers for fc6"] == fits[227]["fc6 takes"] == "9,216"
    assert fits[224]["numbers for fc6"] == "6,400"
    assert next(slip for slip in asked("which_alexnet", size=224).slips if slip.name == "border of 2014").answer == 6


def test_zfnet():
    zfnet = by_first_column(alexnets.zf_table())["zfnet"]
    assert by_first_column(alexnets.zf_table()).loc["parameters", "alexnet_2012"] == "60,965,224"
    assert zfnet["conv1"] == "96 of 7×7/2 → 110×110"


def zfnet_by_hand(filters: tuple[int, int, int]) -> nn.Sequential:
    """Zeiler, Fergus 2013, Fig. 3, without what costs nothing."""
    third, fourth, fifth = filters
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2, 1), nn.MaxPool2d(3, 2, 1), nn.Conv2d(96, 256, 5, 2), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(256, third, 3, padding=1), nn.Conv2d(third, fourth, 3, padding=1), nn.Conv2d(fourth, fifth, 3, padding=1),
        nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(fifth * 36, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000))


@pytest.mark.parametrize("later, filters", [("zfnet", (384, 384, 256)), ("zfnet_512", (512, 1024, 512))])
def test_what_grows_from_alexnet_to_zfnet(later, filters):
    network = meta(lambda: zfnet_by_hand(filters))
    numbers, maps = 0, torch.empty(1, 3, 224, 224, device="meta")
    for layer in network:
        maps = layer(maps)
        numbers += 0 if isinstance(layer, nn.Flatten) else maps.numel()
    numbers += 96 * 55 * 55 + 256 * 13 * 13  # the two normalisations
    numbers += 36 * filters[-1]  # adaptive pooling, which hands the 6x6 map on
    before = (55 * 55 * 96 * 2 + 27 * 27 * (96 + 256 * 2) + 13 * 13 * (256 + 384 * 2 + 256) + 36 * 256 + 2 * 4096 + 1000)
    times = {"memory": numbers / before, "params": sum(each.numel() for each in network.parameters()) / 60_965_224,
             "macs": counted_macs(network, 1, 3, 224, 224) / 724_406_816}
    question = asked("zfnet", later=later)
    assert list(question.answer) == sorted(times, key=times.get)
    assert alexnets.growths(later) == pytest.approx(times)


@pytest.mark.parametrize("kernel, layers", [(5, 2), (7, 3), (11, 5)])
def test_stacks_of_3x3_are_plain_torch_s_and_see_as_much(kernel, layers):
    stack = nn.Sequential(*(nn.Conv2d(32, 32, 3, bias=False) for _ in range(layers)))
    assert asked("rules", width=32, kernel=kernel).answer == sum(layer.weight.numel() for layer in stack)
    image = torch.zeros(1, 32, 15, 15, requires_grad=True)
    stack(image)[0, :, 7 - layers, 7 - layers].sum().backward()
    assert image.grad[0].abs().sum(dim=0).nonzero().unique().numel() == kernel
    table = by_first_column(stages.kernel_table(32))
    assert table.loc[f"one {kernel}×{kernel}", "Weights"] == f"{nn.Conv2d(32, 32, kernel, bias=False).weight.numel():,}"
    assert table.loc[f"{layers} of 3×3", "Sees, cells"] == kernel


def test_memory_of_three_convolutions_is_near_what_the_notes_print():
    question = asked("memory", width=64, image=224)
    assert question.answer == 3 * 64 * 224 * 224 * 4 * 2 / 1024**2 == 73.5
    assert question.grade("73.5").right and question.grade("36.75").slip.name == "gradients forgotten"
    assert question.grade("77.07").slip.name == "millions of bytes"
    outputs, maps = 0, torch.empty(1, 3, 56, 56)
    for channels in (3, 16, 16):
        maps = nn.Conv2d(channels, 16, 3, padding=1)(maps)
        outputs += maps.numel() * maps.element_size()
    assert asked("memory", width=16, image=56).answer * 1024**2 == 2 * outputs


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_layers_that_a_summary_by_blocks_hides(depth):
    theirs = meta(lambda: torchvision.models.get_model(f"vgg{depth}", weights=None))
    convolutions = sum(isinstance(module, nn.Conv2d) for module in theirs.modules())
    blocks = sum(isinstance(module, nn.MaxPool2d) for module in theirs.modules())
    assert asked("layers", depth=depth).answer == convolutions - blocks
    table = by_first_column(shown("layers", depth=depth).picture.frame)
    assert table.loc["head", "Parameters"] == f"{sum(each.numel() for each in theirs.classifier.parameters()):,}"


def test_where_the_slides_slip():
    slides = by_first_column(shown("slides").more[1].frame)
    assert slides.loc["VGG-16, G MACs", "Exact"] == "15.47" and slides.loc["VGG-16, G MACs", "Why"].endswith("13.62")
    assert slides.loc["VGG-16, convolution outputs, MiB", "Why"].endswith("48.6")
    assert slides.loc["AlexNet, conv4, M MACs", "Exact"] == "149.5"
    assert "unverified" in {origin.kind for origin in shown("slides").picture.origin}


def test_the_forgotten_convolution():
    """A layer of stage 3 makes 9·256²·56² multiply-adds, as those of stages 1, 2 and 4 do; it puts out 256·56² numbers."""
    assert all(9 * channels**2 * side**2 == 9 * 256**2 * 56**2 for channels, side in ((64, 224), (128, 112), (512, 28)))
    sums = {}
    for place, stage in enumerate(("conv1_x", "conv2_x", "conv3_x", "conv4_x", "conv5_x")):
        depths = [2, 2, 3, 3, 3]
        depths[place] -= 1
        network = meta(lambda: VGG(kernels(tuple(depths))))
        outputs = []
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _module, _input, output: outputs.append(4 * output.numel()))
        macs = counted_macs(network, 1, 3, 224, 224)
        sums[stage] = (round(macs / 10**9, 1), round(sum(outputs) / 2**20, 1))
    assert [stage for stage, found in sums.items() if found == (13.6, 48.6)] == ["conv3_x"] == list(asked("slides").answer)
    assert asked("slides").grade("conv2_x").slip.name == "MACs alone"
    assert asked("slides").grade("conv5_x").slip.name == "parameters alone"


@pytest.mark.parametrize("growth, share", [(1, 100 / (1 + 1 / 4 + 1 / 16 + 1 / 64 + 1 / 256)), (2, 20), (4, 100 / 341)])
def test_where_the_work_is_done(growth, share):
    macs = [counted_macs(meta(lambda: nn.Conv2d(8 * growth**step, 8 * growth**step, 3, padding=1, bias=False)),
                         1, 8 * growth**step, 224 >> step, 224 >> step) for step in range(5)]
    assert asked("why", growth=growth).answer == pytest.approx(share) == pytest.approx(100 * macs[0] / sum(macs))


def test_a_growth_of_one_leaves_the_work_where_the_maps_are_large():
    ladder = by_first_column(shown("why", growth=1).more[1].frame)
    assert ladder.loc["112×112", "MACs (× the first)"].endswith("(0.25)")


def test_the_rule_and_its_exceptions():
    content = shown("breaks")
    costs = by_first_column(content.more[0].frame)
    for layer in ("conv1_2", "conv2_2", "conv3_2", "conv3_3", "conv4_2"):
        assert costs.loc[layer, "MACs"] == 1_849_688_064
    assert list(costs.loc[["conv1_1", "conv3_1", "conv5_1"], "Of a full layer"]) == ["4.7%", "50.0%", "25.0%"]
    assert (content.fields["count"], content.fields["all"]) == (6, 13)


@pytest.mark.parametrize("depth", [11, 16])
def test_what_a_doubled_width_changes(depth):
    def macs(width: int) -> dict[str, int]:
        """Multiply-adds of layers by hand: kernel, channels in and out, places."""
        return {"full": 9 * width * width * 224**2, "image": 9 * 3 * width * 224**2,
                "first": 9 * width * 2 * width * 112**2, "fifth": 9 * (8 * width)**2 * 14**2}
    before, after = macs(32), macs(64)
    changed = {name for name in before if name != "full" and before[name] / before["full"] != after[name] / after["full"]}
    question = asked("breaks", depth=depth, width=32)
    assert set(question.answer) == changed | {"full"} and question.fields["times"] == "4"


@pytest.mark.parametrize("pixels, outcome", [(16, "map"), (32, "linear"), (84, "linear"), (224, "runs")])
def test_a_vgg_without_adaptive_pooling(pixels, outcome):
    """As torch itself says of torchvision's layers, put together without their pooling."""
    theirs = meta(lambda: torchvision.models.vgg11(weights=None))
    maps, found = None, "runs"
    try:
        maps = theirs.features(torch.empty(1, 3, pixels, pixels, device="meta"))
    except RuntimeError:
        found = "map"
    if maps is not None and maps.flatten(1).shape[1] != theirs.classifier[0].in_features:
        found = "linear"
    question = questions.smaller_image(depth=11, pixels=pixels)
    assert question.answer == found == outcome
    if outcome == "linear":
        assert "stops: fc6 expects 25088" in shown("small", depth=11, pixels=pixels).picture.text


def test_small_images_cost_less_but_store_as_much():
    table = by_first_column(heads.image_table(16))
    theirs = meta(lambda: torchvision.models.vgg16(weights=None))
    for image in (56, 84):
        macs = counted_macs(theirs, 1, 3, image, image)
        assert table.loc[f"{image} × {image}", "MACs (of those at 224)"].startswith(f"{macs:,} ")
        assert table.loc[f"{image} × {image}", "Parameters"] == "138,357,544"


def test_heads_are_torchvision_s_and_plain_torch_s():
    theirs = meta(lambda: torchvision.models.vgg11(weights=None, num_classes=100)).classifier
    own = sum(layer.weight.numel() for layer in theirs if isinstance(layer, nn.Linear))
    question = asked("head", depth=11, classes=100, ending="own")
    assert f"{own:,}" in question.because and question.answer == own / (512 * 100)
    table = by_first_column(shown("head", depth=11, classes=100).more[0].frame)
    assert table.loc["Flatten, one linear layer", "Weights"] == f"{512 * 49 * 100:,}"


def test_the_flattened_head_is_49_times_the_averaged_one_whatever_the_classes_and_channels():
    for classes in (10, 100, 1000):
        for width in (16, 64, 128):
            assert asked("head", classes=classes, width=width).answer == 49
    own = {classes: asked("head", classes=classes, ending="own").answer for classes in (10, 1000)}
    assert own[10] > 90 * own[1000] and own[1000] == pytest.approx(241.47, abs=0.01)


def test_old_links_still_open():
    knobs = {"network": "alexnet", "size": 227, "depth": 16, "width": 64, "growth": 2, "classes": 1000}
    assert {name: LESSON.defaults[name] for name in knobs} == knobs
    steps = {step.id for step in LESSON.steps}
    assert {"trends", "slides", "zfnet", "rules", "why", "breaks", "head", "try", "code"} == set(LESSON.anchors)
    assert set(LESSON.anchors.values()) <= steps
