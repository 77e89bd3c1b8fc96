"""DenseNets away from their presets: torchvision at the same settings, and section 3 written with functions alone."""

import random

import pytest
import torch
import torch.nn.functional as F
from torchvision.models import DenseNet

import lib
from lib.architecture import Impossible
from lib.models.densenet import BasicDenseLayer, DenseBlock, DenseLayer, Transition
from tests.engine.test_against_timm import assert_same_outputs
from tests.engine.test_against_torchvision import empty, macs_by_torch, randomise, with_weights_of


@pytest.mark.parametrize("seed", range(4))
def test_random_densenets(seed):
    """Also in train mode, where the batch's own statistics count."""
    draw = random.Random(seed)
    depths = tuple(draw.randint(1, 5) for _ in range(4))
    growth, width, classes = draw.randrange(4, 49, 4), draw.randrange(8, 97, 8), draw.randint(1, 2000)

    def make():
        return DenseNet(growth, depths, width, num_classes=classes)

    knobs = {"depths": depths, "growth": growth, "width": width, "num_classes": classes}
    theirs = empty(make)
    analysis = lib.analyze("densenet121", input_size=96, **knobs)
    assert analysis.params == sum(p.numel() for p in theirs.parameters())
    with torch.device("meta"):
        assert analysis.macs == macs_by_torch(make(), (1, 3, 96, 96))
    assert_same_outputs(with_weights_of(theirs, "densenet121", **knobs), theirs, 96)


@pytest.mark.parametrize("kind, parts", [(BasicDenseLayer, (("norm1", "conv1"),)),
                                         (DenseLayer, (("norm1", "conv1"), ("norm2", "conv2")))])
def test_a_layer_reads_all_layers_before_it(kind, parts):
    """x_l = H([x_0, ..., x_{l-1}]), the list kept as a list."""
    with torch.no_grad():
        block = randomise(DenseBlock(6, 3, growth=4, layer=kind))
        state, features = block.state_dict(), [torch.randn(2, 6, 9, 8)]
        for number in (1, 2, 3):
            x = torch.cat(features, 1)
            for norm, conv in parts:
                name = f"denselayer{number}"
                scales = [state[f"{name}.{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
                kernel = state[f"{name}.{conv}.weight"]
                x = F.conv2d(F.batch_norm(x, *scales).relu(), kernel, padding=kernel.shape[-1] // 2)
            features.append(x)
        assert block.out_channels == 6 + 3 * 4
        torch.testing.assert_close(block(features[0]), torch.cat(features, 1))


@pytest.mark.parametrize("channels, compression, kept", [(256, 50, 128), (255, 50, 127), (70, 30, 21), (64, 100, 64)])
def test_compression_keeps_a_share_rounded_down(channels, compression, kept):
    transition = Transition(channels, compression)
    assert transition(torch.randn(1, channels, 5, 4)).shape == (1, kept, 2, 2)
    assert transition.out_channels == kept


@pytest.mark.parametrize("depth", [121, 161, 169, 201])
def test_the_name_counts_the_weight_layers(depth):
    """Without bottlenecks each layer has one convolution less; neither changes how many channels there are."""
    usual, plain = (lib.analyze("densenet121", depth=depth, bottleneck=each) for each in (True, False))
    assert usual.weight_layers == depth == lib.analyze(f"densenet{depth}").weight_layers
    assert plain.weight_layers == depth - sum(usual.knobs.depths)
    assert plain.last_map.out_shapes == usual.last_map.out_shapes


def test_what_follows_the_depth_and_the_growth_rate():
    assert lib.analyze("densenet121", depth=161).params == lib.analyze("densenet161").params
    assert lib.analyze("densenet161", growth=16).knobs.width == 32


def test_a_transition_keeps_a_channel_at_least():
    """(8 + 4) / 10 leaves one channel, and (1 + 4) / 10 none."""
    with pytest.raises(Impossible, match="transition2 would keep 10 % of 5 channels") as raised:
        lib.analyze("densenet121", width=8, growth=4, depths="1,1,1,1", compression=10)
    lib.analyze("densenet121", width=8, growth=4, depths="1,1,1,1", compression=raised.value.fixes["compression"][0])
