"""Times against MACs, on records made by hand, and traits of traces against a census of the real modules."""

import pytest
import torch
from torch import nn

from lib.lab import against_macs
from lib.lab.against_macs import Saturation, Traits, Typical, batches, curves, outliers, rates, reasons, saturation
from lib.models.senet import SqueezeExcitation
from lib.records import Latency, Network, Spread
from lib.timing import build


def latency(preset="resnet18", ms=1.0, macs=10**9, batch=1, throughput=1.0, **changed) -> Latency:
    return Latency.model_construct(preset=preset, changed=changed, latency_ms=Spread(median=ms, p10=ms, p90=ms), macs=macs,
                                   batch=batch, throughput=throughput)


def swept(**throughputs) -> list[Latency]:
    """Times of one network: `b8=100` is a throughput of 100 at batch 8."""
    return [latency(batch=int(name[1:]), throughput=value) for name, value in throughputs.items()]


def test_the_rate_counts_the_macs_of_the_whole_batch():
    assert against_macs.ms_per_gmac(latency(ms=12.0, macs=2 * 10**9, batch=3)) == 2.0


def test_rates_stand_beside_the_median_of_all_and_the_last_time_of_a_network_counts():
    times = [latency("lenet5", ms=99.0), latency("resnet18", ms=1.0), latency("vgg16", ms=4.0), latency("lenet5", ms=2.0)]
    assert [(rate.latency.preset, rate.ms_per_gmac, rate.factor) for rate in rates(times)] == [
        ("vgg16", 4.0, 2.0), ("lenet5", 2.0, 1.0), ("resnet18", 1.0, 0.5)]
    assert against_macs.common(rates(times)) == 2.0


def test_networks_with_other_knobs_are_others():
    assert len(rates([latency(), latency(input_size=64)])) == 2


def test_nothing_timed_has_no_rates():
    assert rates([]) == [] and outliers([]) == []


def test_families_are_named_by_their_median():
    times = [latency("resnet18", 1.0), latency("resnet34", 1.0), latency("resnet50", 1.0), latency("resnet101", 1.1),
             latency("mobilenet_v2", 3.0), latency("mobilenet_v2_050", 5.0), latency("mobilenet_v2_075", 1.0),
             latency("vgg16", 0.4), latency("googlenet", 1.9)]
    found = outliers(rates(times))
    assert [(outlier.family.id, outlier.factor, outlier.networks) for outlier in found] == [
        ("mobilenet_v2", 3.0, 3), ("vgg", 0.4, 1)]
    assert found[0].middle.latency.preset == "mobilenet_v2"
    assert "depthwise" in found[0].reasons and "gates" not in found[0].reasons


def traits(macs=1000, operations=10, depthwise=0.0, grouped=0.0, gates=0, activation_bytes=1000, weight_bytes=0) -> Traits:
    return Traits(macs, operations, depthwise, grouped, gates, activation_bytes, weight_bytes)


def test_reasons():
    usual = Typical(bytes_per_mac=1.0, macs_per_operation=100)
    assert reasons(traits(), usual, 1, slow=True) == reasons(traits(), usual, 1, slow=False) == ()
    assert reasons(traits(depthwise=0.1, grouped=0.2, gates=3), usual, 1, slow=True) == ("depthwise", "grouped", "gates")
    assert reasons(traits(operations=20, activation_bytes=2000), usual, 1, slow=True) == ("bytes", "small")
    assert reasons(traits(operations=5, activation_bytes=500, gates=1), usual, 1, slow=False) == ("few_bytes", "large")
    assert reasons(traits(operations=5, activation_bytes=500), usual, 1, slow=True) == ()


def test_a_batch_reads_the_weights_once():
    heavy = traits(macs=100, activation_bytes=200, weight_bytes=800)
    assert heavy.bytes_per_mac(1) == 10.0
    assert heavy.bytes_per_mac(8) == 3.0


def census(network: Network) -> dict[str, int]:
    """MACs of the real convolutions and linear layers, by what hooks see of them as the network runs."""
    counted = {"depthwise": 0, "grouped": 0, "other": 0}

    def count(layer, given, result):
        if isinstance(layer, nn.Linear):
            counted["other"] += result.numel() * layer.in_features
            return
        name = "other" if layer.groups == 1 else "depthwise" if layer.weight.shape[1] == 1 else "grouped"
        counted[name] += result.numel() * layer.weight[0].numel()
    analysis = network.analysis()
    net = build(analysis)
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.inference_mode():
        net(torch.zeros(analysis.input_shape))
    return counted


@pytest.mark.parametrize("preset, group", [("mobilenet_v2_050", "depthwise"), ("shufflenet_g3_x0_5", "depthwise"),
                                           ("resnext50_32x4d", "grouped"), ("resnet18", "plain")])
def test_shares_are_those_of_the_real_layers(preset, group):
    network = Network(preset=preset, changed={"input_size": 64})
    found, counted = Traits.of(network.analysis()), census(network)
    total = sum(counted.values())
    assert found.macs == total and found.group == group
    assert found.depthwise == pytest.approx(counted["depthwise"] / total, abs=1e-12)
    assert found.grouped == pytest.approx(counted["grouped"] / total, abs=1e-12)


def test_gates_are_the_real_ones():
    analysis = Network(preset="seresnet18").analysis()
    blocks = sum(isinstance(module, SqueezeExcitation) for module in build(analysis).modules())
    assert Traits.of(analysis).gates == blocks == 8
    assert against_macs.traits("resnet18", {}).gates == 0


@pytest.mark.parametrize("preset, blocks", [("skresnet18", 8), ("resnest14d", 4)])
def test_weighted_sums_of_branches_are_gates(preset, blocks):
    assert against_macs.traits(preset, {}).gates == blocks


def test_the_smallest_batch_that_gives_nearly_all_saturates():
    assert saturation(swept(b1=10, b2=40, b4=94, b8=95, b16=100, b32=99)) == Saturation(8, 100, 16, 32)


def test_a_throughput_that_still_rises_at_the_largest_batch_has_not_saturated():
    assert saturation(swept(b1=10, b2=20, b4=40)) == Saturation(None, 40, 4, 4)
    assert saturation(swept(b1=10, b2=39, b4=40)) == Saturation(2, 40, 4, 4)
    assert saturation(swept(b1=10)).batch is None


def test_a_device_may_be_saturated_at_once():
    assert saturation(swept(b1=100, b2=101, b4=99)).batch == 1


def test_curves_are_sorted_by_batch():
    found = curves([latency(batch=4), latency("vgg16", batch=1), latency(batch=1)])
    assert {name: [time.batch for time in curve] for name, curve in found.items()} == {"resnet18": [1, 4], "vgg16": [1]}


def test_batches():
    assert batches(1) == (1,)
    assert batches(8) == (1, 2, 4, 8)
    assert batches(12) == (1, 2, 4, 8, 12)
