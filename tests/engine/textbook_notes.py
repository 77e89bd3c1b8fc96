"""What the checks of the notes and articles must find."""

from collections import Counter

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models import AlexNet_Weights, Inception_V3_Weights, ResNet50_Weights, VGG16_Weights
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.vgg import cfgs

from tests.engine.textbook_sources import convolutions, counted, expect, in_timm, layers, macs, params, theirs

PAIR, SMALL = 2 * 9 * 256 * 256, 256 * 64 + 9 * 64 * 64 + 64 * 256
"""Weights of two 3x3 convolutions of 256 channels, and of the bottleneck 256, 64, 256."""


@expect("bottleneck-percent")
def bottleneck_percent():
    return [100 * SMALL / PAIR, 100 * (SMALL * 56 * 56) / (PAIR * 14 * 14), 100 * SMALL / (2 * 9 * 64 * 64)]


@expect("fig-5-left")
def fig_5():
    return [PAIR / SMALL, layers("resnet34")["layer1.0.conv1"][0].out_channels, (PAIR * 14 * 14) / (SMALL * 56 * 56)]


@expect("relu-count")
def relu_count():
    counts = []
    for block in (BasicBlock(256, 256), Bottleneck(256, 64)):
        calls = []
        block.relu.register_forward_hook(lambda *_: calls.append(1))
        block(torch.zeros(2, 256, 4, 4))
        counts += [len(calls) - 1, len(calls)]
    return counts


@expect("one-stride")
def one_stride():
    return [sum(getattr(module, "stride", 1) == (2, 2) for module in getattr(theirs("resnet50"), f"layer{i}").modules())
            for i in (1, 2, 3, 4)]


@expect("constant-time")
def constant_time():
    return [macs(convolutions("vgg16")[index]) / 1e6 for index in (3, 5, 8)]


@expect("same-cost")
def same_cost():
    found = [macs(layer) for layer in convolutions("vgg16")]
    return [100 * found[index] / found[1] for index in (3, 5, 8, 0, 2, 10)]


@expect("resnet-c-saves")
def resnet_c():
    seven, threes = 112**2 * 7 * 7 * 3 * 64, 112**2 * 9 * (3 * 32 + 32 * 32 + 32 * 64)
    network = counted(theirs("resnet50"))
    return [(threes / 1e9, seven / 1e9), ((network - seven + threes) / 1e9, network / 1e9), 49 / 9]


@expect("inception-v2-stem")
def inception_stem():
    kernel = convolutions("inception_v3", 299)[0][0].kernel_size
    return ["{}×{}".format(*kernel), "7×7"]  # BN-Inception: Ioffe, Szegedy 2015, Fig. 5


@expect("tweaks-b-d")
def tweaks():
    block, (pool, conv, _) = theirs("resnet50").layer2[0], in_timm("resnet50d").layer2[0].downsample
    in_torchvision = ", ".join(str(layer.stride[0]) for layer in (block.conv1, block.conv2, block.conv3))
    assert isinstance(pool, nn.AvgPool2d) and isinstance(conv, nn.Conv2d)
    return ["2, 1, 1", in_torchvision, f"avg_pool2d of stride {pool.stride}, conv2d of stride {conv.stride[0]}", 75]


@expect("negative-output")
def negative_output():
    return [lambda number: number < 0, 0.0]  # a ReLU's output begins at 0, a normalised map's does not


@expect("add-or-cat")
def add_or_cat():
    block = torchvision.models.resnext50_32x4d(weights=None).layer1[1].eval()
    x = torch.randn(1, 128, 7, 7)
    with torch.no_grad():
        paths = [block.conv2(torch.cat([x[:, :4 * i] * 0, x[:, 4 * i:4 * i + 4], x[:, 4 * i + 4:] * 0], 1)) for i in range(32)]
        apart = sum(block.conv3(path) for path in paths)
        difference = (block.conv3(block.conv2(x)) - apart).abs().max() / apart.abs().max()
    return [float(difference), "add", "add"]


@expect("sknet-z")
def sknet_z():
    return [max(256 // 16, 32), max(256 // 16, 32), max(1024 // 16, 32)]


@expect("resnest-free")
def resnest():
    split, plain = in_timm("resnest50d"), in_timm("resnet50d")
    return [(counted(split) / 1e9, counted(plain) / 1e9), (params(split) / 1e6, params(plain) / 1e6)]


@expect("kernel-not-map")
def kernel_not_map():
    module, _, (_, channels, height, width) = layers("resnet34")["layer1.0.conv1"]
    return [f"{height}×{width}×{channels}", "×".join(map(str, module.weight.shape))]


@expect("dotted")
def dotted():
    shortcuts = [module for path, module in theirs("resnet34").named_modules() if path.endswith("downsample")]
    return [sum(map(params, shortcuts)), 0, shortcuts[0][0].stride[0]]


@expect("deep-bottleneck")
def deep_bottleneck():
    words = {BasicBlock: "two 3×3", Bottleneck: "bottleneck"}
    assert 110 == 6 * 18 + 2  # He et al. 2015, section 4.2: pairs of 3x3, 6n + 2 layers
    return [words[type(theirs(name).layer1[1])] for name in ("resnet34", "resnet50")] + ["two 3×3"]


@expect("ten-percent")
def ten_percent():
    return [26.172 - 16.422, 26.172 - 15.315]


@expect("output-size")
def output_size():
    return [len(nn.Conv2d(1, 1, 11, 4, 2)(torch.zeros(1, 224, 224))[0]),
            len(nn.Conv2d(1, 1, 3, 1, 2, dilation=2)(torch.zeros(1, 56, 56))[0])]


@expect("kernel-shape")
def kernel_shape():
    image = torch.zeros(1, 64, 3, 3)
    assert F.conv2d(image, torch.zeros(128, 64, 3, 3)).shape == F.conv2d(image, torch.zeros(128, 2, 3, 3), groups=32).shape
    return [128 * 64 * 3 * 3, "128×64×3×3", "128×2×3×3"]


@expect("any-size")
def any_size():
    weights = (ResNet50_Weights.IMAGENET1K_V1, VGG16_Weights.IMAGENET1K_V1, AlexNet_Weights.IMAGENET1K_V1,
               Inception_V3_Weights.IMAGENET1K_V1)
    return [weight.meta["min_size"][0] for weight in weights]


@expect("one-by-one-why")
def one_by_one():
    return [1, 100 * (192 * 16 + 25 * 16 * 32) / (25 * 192 * 32)]  # Szegedy et al. 2014, Table 1, row 3a


@expect("auxiliary-loss")
def auxiliary_loss():
    return [0.3, (0.3 + 0.3) / (1 + 0.3 + 0.3), 0.3 / (1 + 0.3 + 0.3)]


@expect("inception-v2-mix")
def inception_mix():
    oblong = [layer for path, layer in layers("inception_v3", 299).items()
              if isinstance(layer[0], nn.Conv2d) and len(set(layer[0].kernel_size)) == 2]
    return [0, 3 + 8 * (1 + 2 + 3 + 1) + 2 * (2 + 3), 0, len(oblong)]  # Fig. 5: a stem, 8 modules, 2 that stride


@expect("four-bottlenecks")
def four_bottlenecks():
    blocks = [module for module in theirs("resnet50").modules() if isinstance(module, Bottleneck)]
    return [len(blocks), len(blocks), sum(block.downsample is not None for block in blocks), 4]


@expect("fpn-levels")
def fpn():
    pyramid = torchvision.ops.FeaturePyramidNetwork([256, 512, 1024, 2048], 256)
    return [f"C2 to C{1 + len(pyramid.inner_blocks)}", len(pyramid.layer_blocks)]


def on_the_way(name: str) -> Counter:
    """Convolutions and linear layers that are on no shortcut."""
    return Counter(type(module) for path, module in theirs(name).named_modules() if "downsample" not in path)


@expect("resnet-153")
def resnet_153():
    return [on_the_way("resnet152")[nn.Conv2d] + on_the_way("resnet152")[nn.Linear]]


@expect("fifty-convolutions")
def fifty():
    return [on_the_way("resnet50")[nn.Conv2d] + 1, on_the_way("resnet50")[nn.Conv2d], len(convolutions("resnet50"))]


@expect("resnext-wider")
def resnext_wider():
    plain, grouped = theirs("resnet50").layer1[1], theirs("resnext50_32x4d").layer1[1]
    weights = [sum(getattr(block, f"conv{i}").weight.numel() for i in (1, 2, 3)) for block in (grouped, plain)]
    return [(grouped.conv2.out_channels, plain.conv2.out_channels), (grouped.conv2.weight.shape[1], 64),
            (grouped.conv3.out_channels, plain.conv3.out_channels), (weights[0], weights[1])]


@expect("relu-only-worse")
def relu_only():
    return [(6.71, 6.61), (5.91, 5.93)]  # He et al. 2016, Table 2


@expect("v2-frame")
def v2_frame():
    assert isinstance(in_timm("resnetv2_50").norm, nn.BatchNorm2d)
    return ["batch_norm, relu, conv2d", "batch_norm, relu, adaptive_avg_pool2d, flatten, linear"]


@expect("winner-2014")
def winner_2014():
    return ["GoogLeNet", 6.656, "VGG (7 networks), 7.325"]


@expect("winner-2013")
def winner_2013():
    return ["Clarifai", 11.743]


def vgg_stages(letter: str) -> list[list[int]]:
    """torchvision's list of a configuration, cut at its poolings."""
    stages = [[]]
    for item in cfgs[letter][:-1]:
        stages.append([]) if item == "M" else stages[-1].append(item)
    return stages


@expect("vgg-stages")
def vgg_depths():
    d, e = vgg_stages("D"), vgg_stages("E")
    return [len(d[2]), sum(map(len, d)) + 3, ", ".join(str(i) for i, stage in enumerate(e, 1) if len(stage) == 4)]


@expect("doubling")
def doubling():
    return [stage[0] for stage in vgg_stages("D")][1:]


@expect("which-alexnet")
def which_alexnet():
    first = theirs("alexnet").features[0]
    return [first.out_channels, first.padding[0], 96, 0]  # the network of 2012: its Fig. 2, and Caffe's deploy.prototxt


@expect("one-flop")
def one_flop():
    return [112 * 112 * 64 * 7 * 7 * 3, 2 * 112 * 112 * 64 * 7 * 7 * 3]


@expect("first-block")
def first_block():
    ends = [layers("resnet50")[f"layer{i}.0.conv1"][1][-1] for i in (1, 2, 3, 4)]
    return list(zip(ends, [layers("resnet50")[f"layer{i}.0.conv3"][2][-1] for i in (1, 2, 3, 4)]))


@expect("same-stem")
def same_stem():
    first = theirs("resnet50").conv1
    return [f"{first.kernel_size[0]}×{first.kernel_size[1]}, stride {first.stride[0]}", layers("resnet50")["maxpool"][2][-1]]


@expect("zero-block")
def zero_block():
    block = BasicBlock(16, 16).eval()
    for weight in (block.conv1.weight, block.conv2.weight):
        nn.init.zeros_(weight)
    x = torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        assert torch.equal(block(x.abs()), x.abs()) and not torch.equal(block(x), x)
    return [0.0, lambda number: number > 0, 1.0]
