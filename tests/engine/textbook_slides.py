"""What the checks of the lecture's slides, and of CS231n's notes, must find."""

import torch
import torchvision
from torch import nn

from tests.engine.textbook_sources import EXPECTED, convolutions, counted, expect, kib, layers, macs, params, theirs

SLIDE = {"conv1": ("features.0", 784, 23, 73), "pool1": ("features.2", 182, 0, 0), "conv2": ("features.3", 547, 307, 224),
         "pool2": ("features.5", 127, 0, 0), "conv3": ("features.6", 254, 664, 112), "conv4": ("features.8", 169, 885, 145),
         "conv5": ("features.10", 169, 590, 100), "pool5": ("features.12", 36, 0, 0), "flatten": ("avgpool", 36, 0, 0),
         "fc6": ("classifier.1", 16, 37749, 38), "fc7": ("classifier.4", 16, 16777, 17), "fc8": ("classifier.6", 4, 4096, 4)}
"""The AlexNet table as it is commonly printed, with the layer's path in torchvision's network."""

for name, (path, *_) in SLIDE.items():
    EXPECTED[f"alexnet-{name}"] = lambda path=path: [
        kib(layer := layers("alexnet", 227)[path]), params(layer[0]) / 1e3, macs(layer) / 1e6]


def sums(name: str, size: int = 224) -> tuple[float, int, int]:
    """MiB of the convolutions' outputs, parameters, multiply-adds."""
    return (sum(map(kib, convolutions(name, size))) / 1024, params(theirs(name)), sum(map(macs, layers(name, size).values())))


@expect("alexnet-sums")
def alexnet_sums():
    memory, count, cost = sums("alexnet", 227)
    return [memory, count / 1e6, cost / 1e9]


@expect("vgg-sums")
def vgg_sums():
    memory, _, cost = sums("vgg16")
    return [cost / 1e9, memory]


@expect("vgg-parameters")
def vgg_parameters():
    return [sums("vgg16")[1] / 1e6]


@expect("vgg-ratios")
def vgg_ratios():
    return [large / small for large, small in zip(sums("vgg16"), sums("alexnet", 227))]


@expect("vgg-224-28")
def vgg_224_28():
    seven = convolutions("vgg16")[:7]
    return [sum(map(kib, seven)) / 1024, sum(params(layer[0]) for layer in seven) / 1e6, sum(map(macs, seven)) / 1e6]


@expect("googlenet-224-28")
def googlenet_224_28():
    memory = 4 * (64 * 112**2 + 64 * 56**2 + 64 * 56**2 + 192 * 56**2 + 192 * 28**2) / 2**20
    weights, biases = (7 * 7 * 3 * 64, 64 * 64, 9 * 64 * 192), (64, 64, 192)
    cost = weights[0] * 112**2 + (weights[1] + weights[2]) * 56**2
    pooling = 9 * (64 * 56**2 + 192 * 28**2)
    return [memory, (sum(weights) + sum(biases)) / 1e3, cost / 1e6, (cost + pooling) / 1e6]


@expect("block-costs")
def block_costs():
    return [9 + 9, 4 + 9 + 4, (8 * 64 * 4 + 9 * 4 * 4) * 56 * 56 * 32]


@expect("resnet-costs")
def resnet_costs():
    with torch.device("meta"):
        original = torchvision.models.resnet50()
    for block in (original.layer2[0], original.layer3[0], original.layer4[0]):
        block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    return [counted(theirs("resnet34")) / 1e9, counted(original) / 1e9]


@expect("two-threes")
def two_threes():
    return [5 * 5, 5 * 5, 2 * 3 * 3, 2 * 3 * 3]


@expect("vgg-memory")
def vgg_memory():
    """torchvision's layers: the notes list the image, convolutions, poolings and linear layers."""
    found = layers("vgg16").values()
    bytes_of = {kind: sum(round(1024 * kib(layer)) for layer in found if isinstance(layer[0], kind))
                for kind in (nn.Conv2d, nn.MaxPool2d, nn.Linear, nn.ReLU, nn.AdaptiveAvgPool2d)}
    image, pooling, relus = 4 * 3 * 224 * 224, bytes_of[nn.AdaptiveAvgPool2d], bytes_of[nn.ReLU]
    total = image + bytes_of[nn.Conv2d] + bytes_of[nn.MaxPool2d] + bytes_of[nn.Linear]
    assert all(layer[0].inplace for layer in found if isinstance(layer[0], nn.ReLU))
    return [total / 4e6, total / 1e6, total / 2**20, (96.0, 96e6 / 2**20), 22, total, image, pooling, total - image + pooling,
            total - image + pooling, (total + relus) / 1e6]
