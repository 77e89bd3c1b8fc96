"""The clock on a GPU: its events, its modes, its numbers. Needs a CUDA GPU and nothing that `benchmarks/gpu.py` does not."""

from contextlib import contextmanager

import pytest
import torch

import lib
from lib.devices import devices
from lib.records import Network, Setting
from lib.timing import Contender, arithmetic, build, found, measure

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: there is none on this machine")
RESNET18 = Network(preset="resnet18")


@contextmanager
def contender(network=RESNET18, **setting):
    """A network on the GPU; inside, torch multiplies as the setting says."""
    setting = Setting(device="cuda:0", **setting)
    torch.manual_seed(0)
    with arithmetic(setting), torch.inference_mode():
        yield Contender(network, setting)


def test_the_gpu_names_itself_and_what_it_cannot_do():
    gpu = next(device for device in devices() if device.id == "cuda:0")
    assert gpu.name == torch.cuda.get_device_name(0) and gpu.memory_bytes > 1 << 30
    assert not gpu.why_not("dtype", "float16") and not gpu.why_not("mode", "cuda_graph") and gpu.why_not("threads", 4) == ""
    assert bool(gpu.why_not("dtype", "tf32")) == (torch.cuda.get_device_capability(0) < (8, 0))


def test_a_gpu_is_timed_by_its_events_and_measured_by_its_allocator():
    [latency] = found(measure((RESNET18,), Setting(device="cuda:0", batch=8, flush_l2=True), 0.5))
    assert latency.protocol.clock == "torch.cuda.Event" and latency.environment["driver"] != "unknown"
    assert latency.load.needed == 1 and latency.load.present > 0.5
    assert 4 * lib.analyze("resnet18").params < latency.peak_memory_bytes < 1e9


def test_a_cuda_graph_gives_the_same():
    with contender(mode="cuda_graph", batch=4) as graph:
        torch.testing.assert_close(graph(), graph.eager(), rtol=1e-4, atol=1e-4)
        graph.image.copy_(torch.randn_like(graph.image))  # the graph reads what lies there now
        torch.testing.assert_close(graph(), graph.eager(), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_compiled_network_gives_the_same():
    with contender(Network(preset="lenet5"), mode="compile", batch=4) as compiled:
        torch.testing.assert_close(compiled(), compiled.eager(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype, close", [("float32", 1e-4), ("tf32", 1e-2), ("bfloat16", 0.1), ("float16", 1e-2)])
def test_numbers_are_those_of_the_setting(dtype, close):
    """Against float64 on the CPU, relative to the largest output: nearer the more bits of mantissa are multiplied."""
    with contender(dtype=dtype, channels_last=dtype != "float32", batch=2) as gpu:
        out = gpu().double().cpu()
        exact = build(gpu.analysis).double()
        exact.load_state_dict({name: value.double().cpu() for name, value in gpu.model.state_dict().items()})
        true = exact(gpu.image.double().cpu().contiguous())
    assert (out - true).abs().max() < close * true.abs().max()


def test_weights_that_a_gpu_draws_are_drawn_as_on_the_cpu():
    analysis = lib.analyze("resnet18")
    for (name, here), there in zip(build(analysis).named_parameters(), build(analysis, "cuda:0").parameters()):
        assert there.is_cuda and there.shape == here.shape
        assert there.std().item() == pytest.approx(here.std().item(), rel=0.1, abs=1e-6), name


def test_medians_are_those_of_triton():
    do_bench, network = pytest.importorskip("triton.testing").do_bench, Network(preset="resnet50")
    setting = Setting(device="cuda:0", batch=32, flush_l2=True)
    [latency] = found(measure((network,), setting, 1))
    with arithmetic(setting):
        assert latency.latency_ms.median == pytest.approx(do_bench(Contender(network, setting), return_mode="median"), rel=0.03)
