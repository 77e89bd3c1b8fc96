"""Our rules for the ways of counting against what the installed tools print for the same networks."""

import pytest
import torch
import torchinfo
import torchvision
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

import lib
from lib.analysis.conventions import CONVENTIONS
from lib.meta import on_meta

PLAIN, BIASES, TORCHINFO, FVCORE, EVERYTHING, DOUBLED = CONVENTIONS
RECORDED = {"torchvision": 4_089_184_256, "flop_counter": 8_178_368_512, "fvcore": 4_111_512_576,
            "torchinfo": 4_089_238_376, "ptflops": 4_132_436_968}
"""What the tools printed for torchvision's ResNet-50 at 224 px: torch 2.14.1, fvcore 0.1.5, torchinfo 1.8.0, ptflops 0.7.5."""
NETWORKS = {  # with biases and without, groups, gates, branches, global pooling of every kind, resizing, parameters beside layers
    "resnet18": 64, "resnext50_32x4d": 64, "seresnet50": 64, "skresnext50_32x4d": 64, "resnest50d": 64, "vgg16": 32,
    "vgg16_bn": 32, "alexnet_2012": 227, "googlenet_2014": 64, "inception_v3": 96, "mobilenetv1_100": 64, "mobilenet_v2": 64,
    "shufflenet_g3": 64, "shufflenet_v2_x1_0": 64, "resnet20_cifar": 32, "resnet50_fpn": 64, "lenet5_1998": 32}


@pytest.mark.parametrize("preset", NETWORKS)
def test_flop_counter_and_torchinfo_to_the_last_operation(preset):
    analysis = lib.analyze(preset, input_size=NETWORKS[preset])
    with on_meta():
        model = lib.catalog.presets()[preset].build(analysis.knobs).eval()
    image = torch.empty(analysis.input_shape, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    assert DOUBLED.total(analysis) == counter.get_total_flops() == 2 * PLAIN.total(analysis)
    assert TORCHINFO.total(analysis) == torchinfo.summary(model, input_data=image, device="meta", verbose=0).total_mult_adds


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("preset", ["resnet18", "vgg16_bn", "seresnet50", "mobilenet_v2", "shufflenet_v2_x1_0", "resnet50_fpn",
                                    "lenet5_1998"])
def test_fvcore_to_the_last_operation(preset):
    """fvcore cannot run on the meta device: the network gets memory, but no initial weights, as none are looked at."""
    analysis = lib.analyze(preset, input_size=32)
    with on_meta():
        model = lib.catalog.presets()[preset].build(analysis.knobs).eval()
    counted = FlopCountAnalysis(model.to_empty(device="cpu"), torch.zeros(analysis.input_shape))
    counted.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    assert FVCORE.total(analysis) == counted.total()
    parts = FVCORE.count(analysis)
    assert parts["normalisation"] == counted.by_operator()["batch_norm"]
    assert parts["pooling"] == counted.by_operator()["adaptive_avg_pool2d"]


def test_resnet50_as_the_tools_were_seen_to_print_it():
    analysis = lib.analyze("resnet50")
    assert PLAIN.total(analysis) == RECORDED["torchvision"]
    assert DOUBLED.total(analysis) == RECORDED["flop_counter"]
    assert FVCORE.total(analysis) == RECORDED["fvcore"]
    assert TORCHINFO.total(analysis) == RECORDED["torchinfo"]
    assert 0.99 < RECORDED["ptflops"] / EVERYTHING.total(analysis) < 1.01  # its own rules, not ours: near, not equal


@pytest.mark.parametrize("preset, weights", [
    ("resnet18", torchvision.models.ResNet18_Weights), ("resnet50", torchvision.models.ResNet50_Weights),
    ("vgg16", torchvision.models.VGG16_Weights), ("vgg16_bn", torchvision.models.VGG16_BN_Weights),
    ("mobilenet_v2", torchvision.models.MobileNet_V2_Weights), ("resnext50_32x4d", torchvision.models.ResNeXt50_32X4D_Weights),
    ("shufflenet_v2_x1_0", torchvision.models.ShuffleNet_V2_X1_0_Weights)])
def test_torchvision_s_gflops_are_multiply_adds(preset, weights):
    printed = weights.IMAGENET1K_V1.meta["_ops"]
    assert abs(PLAIN.total(lib.analyze(preset)) / 10**9 - printed) < 0.0011  # it cuts off, or rounds, at 0.001


def test_vgg_16_by_hand():
    """13 convolutions and 3 linear layers, none normalised: torchinfo's number is multiply-adds and biases."""
    maps = [(64, 224)] * 2 + [(128, 112)] * 2 + [(256, 56)] * 3 + [(512, 28)] * 3 + [(512, 14)] * 3
    biases = sum(channels * size * size for channels, size in maps) + 4096 + 4096 + 1000
    analysis = lib.analyze("vgg16")
    assert BIASES.total(analysis) - PLAIN.total(analysis) == biases == 13_556_712
    assert TORCHINFO.total(analysis) == BIASES.total(analysis)
    rest = EVERYTHING.count(analysis)
    assert rest["activations"] == biases - 1000
    pools = [(64, 224), (128, 112), (256, 56), (512, 28), (512, 14)]  # windows of 2x2, side by side: each input once
    assert rest["pooling"] == sum(channels * size * size for channels, size in pools) + 512 * 7 * 7
