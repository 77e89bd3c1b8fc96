"""The clock: statistics, memory, protocol, against hand-made cases and torch's own means."""

import json
import sys
import weakref

import numpy as np
import psutil
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import lib
from lib import __main__ as cli
from lib import timing
from lib.analysis.liveness import peak_activation_bytes
from lib.devices import absences, devices
from lib.lab.jobs import Job, needed_bytes, run
from lib.timing import Clock, Contender, Network, Setting, Spread, Step, allocations, found, measure, peak_increase, warm_up

MB = 1 << 20
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: there is none on this machine")


@pytest.mark.parametrize("times", [[3.0], [1.0, 2.0], list(np.random.default_rng(0).gamma(2, 3, 37))])
def test_the_spread_is_numpys(times):
    spread = Spread.of(times)
    assert (spread.p10, spread.median, spread.p90) == pytest.approx(tuple(np.percentile(times, [10, 50, 90])))


def test_allocations_are_those_that_were_made():
    def work():
        first = torch.empty(3 * MB, dtype=torch.uint8)
        second = torch.empty(5 * MB, dtype=torch.uint8)
        del first
        return torch.empty(MB, dtype=torch.uint8), second
    assert [size for size in allocations(work) if size > 0] == [3 * MB, 5 * MB, MB]
    assert peak_increase(work, "cpu")[0] == 8 * MB


class Census(TorchDispatchMode):
    """The most bytes of living storages that operations have made: by weak references, without an allocator."""

    def __init__(self):
        super().__init__()
        self.living, self.peak = {}, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **kwargs or {})
        self.living = {key: refs for key, refs in self.living.items() if any(ref() is not None for ref, _ in refs)}
        known = {leaf.untyped_storage()._cdata for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in known - self.living.keys():
                storage = tensor.untyped_storage()
                self.living.setdefault(storage._cdata, []).append((weakref.ref(tensor), storage.nbytes()))
        self.peak = max(self.peak, sum(refs[0][1] for refs in self.living.values()))
        return result


@pytest.mark.parametrize("preset", ["vgg11", "resnet18", "resnet50", "googlenet", "mobilenet_v2", "seresnet18"])
def test_the_peak_of_activations_is_that_of_living_tensors(preset):
    analysis = lib.analyze(preset)
    model = lib.build(preset).eval()
    image = torch.zeros(analysis.input_shape)
    with torch.no_grad(), Census() as census:
        model(image)
    assert census.peak / 1.2 <= peak_activation_bytes(analysis.ops) <= census.peak


def test_measured_memory_holds_what_must_be_there():
    """Weights, image, and at least the activations that live at once; oneDNN's reordered weights come on top."""
    [latency] = found(measure((Network(preset="resnet18"),), Setting(), 0.05))
    analysis = lib.analyze("resnet18")
    least = 4 * analysis.params + 4 * 3 * 224 * 224 + peak_activation_bytes(analysis.ops)
    assert least <= latency.peak_memory_bytes <= 2 * least


def test_networks_take_turns():
    networks = (Network(preset="lenet5"), Network(preset="lenet5", changed={"num_classes": 7}))
    steps = [step for step in measure(networks, Setting(batch=2), 0.02)]
    turns = [step.doing for step in steps if step.doing.startswith("Repetition")]
    first, second = turns[0::2], turns[1::2]
    assert all("lenet5 num_classes=7" not in text for text in first) and all("num_classes=7" in text for text in second)
    shares = [step.share for step in steps]
    assert shares == sorted(shares) and shares[-1] == 1
    one, other = (step.found for step in steps if step.found)
    assert one.protocol.interleaved_with == (other.label,) and len(one.repetitions_ms) == one.protocol.repetitions >= 10
    assert one.throughput == pytest.approx(2e3 / np.median(one.repetitions_ms))
    assert one.flop_per_second == pytest.approx(2 * lib.analyze("lenet5").macs * one.throughput)


def test_warming_up_ends_when_times_agree_or_time_is_over():
    class Fake:
        def __init__(self, times):
            self.times = iter(times)

        def milliseconds(self, work):
            return next(self.times)
    times = []
    assert list(warm_up(None, Fake([9, 8, 7, 6, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), 10, times))[-1] and len(times) < 15
    times = []
    assert not any(warm_up(None, Fake(2.0 ** np.arange(30)), 0.5, times)) and sum(times[:-1]) < 500 <= sum(times)


def test_what_was_changed_in_torch_is_put_back():
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    steps = measure((Network(preset="lenet5"),), Setting(threads=1), 1)
    next(steps), next(steps)
    assert torch.get_num_threads() == 1 and not torch.backends.cudnn.allow_tf32
    steps.close()
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == before


@pytest.mark.parametrize("setting", [Setting(dtype="bfloat16"), Setting(dtype="float16"), Setting(channels_last=True)])
def test_contenders_are_what_the_setting_says(setting):
    contender = Contender(Network(preset="resnet18", changed={"input_size": 64}), setting)
    out = contender()
    assert out.dtype == timing.DTYPES[setting.dtype] and out.shape == (1, 1000)
    assert contender.image.is_contiguous(memory_format=torch.channels_last) == setting.channels_last
    same = lib.build("resnet18").eval()
    same.load_state_dict({name: value.float() for name, value in contender.model.state_dict().items()})
    with torch.inference_mode():
        torch.testing.assert_close(same(contender.image.float().contiguous()), out.float(), rtol=0.1, atol=0.05)


@pytest.mark.slow
def test_a_compiled_network_gives_the_same():
    if reason := devices()[0].why_not("mode", "compile"):
        pytest.skip(reason)
    contender = Contender(Network(preset="lenet5"), Setting(mode="compile"))
    with torch.inference_mode():
        torch.testing.assert_close(contender(), contender.eager())


def test_what_cannot_fit_is_refused_before_anything_is_built():
    job = Job(kind="latency", networks=(Network(preset="vgg16", changed={"input_size": 640}),), setting=Setting(batch=256))
    assert needed_bytes(job, job.setting) > 50e9
    with pytest.raises(lib.Impossible, match="needs about .* GB; cpu has .* GB free.*Lower the batch"):
        found(run(job))


def test_several_batches_are_measured_smallest_first():
    job = Job(kind="latency", networks=(Network(preset="lenet5"),), batches=(4, 1))
    steps = list(run(job))
    assert [step.found.batch for step in steps if step.found] == [1, 4]
    assert [step.share for step in steps] == sorted(step.share for step in steps)


def test_devices_and_what_is_missing():
    cpu = devices()[0]
    assert cpu.id == "cpu" and cpu.name and 1e9 < cpu.memory_bytes < 1e14 and cpu.why_not("dtype", "tf32")
    assert not cpu.why_not("dtype", "float32") and not cpu.why_not("channels_last", True)
    assert len(devices()) == 1 + torch.cuda.device_count() + torch.backends.mps.is_available()
    assert ("CUDA" in absences()) == (torch.cuda.device_count() == 0)


CGROUPS = {"2": ("0::/app.slice/app.service", "", "max", "current", "inactive_file"),
           "1": ("5:cpu:/other\n4:memory:/app.slice/app.service\n0::/", "memory", "limit_in_bytes", "usage_in_bytes",
                 "total_inactive_file")}


@pytest.mark.parametrize("version", CGROUPS)
def test_memory_is_what_the_tightest_control_group_leaves(version, tmp_path, monkeypatch):
    member, root, limit, used, droppable = CGROUPS[version]
    monkeypatch.setattr(lib.devices, "CGROUPS", tmp_path)
    monkeypatch.setattr(lib.devices, "MEMBERSHIP", tmp_path / "membership")
    (tmp_path / "membership").write_text(member + "\n")
    service = tmp_path / root / "app.slice" / "app.service"
    service.mkdir(parents=True)
    for group, numbers in {service: ("max" if version == "2" else 1 << 62, 70_000), service.parent: (100_000, 80_000)}.items():
        (group / f"memory.{limit}").write_text(f"{numbers[0]}\n")
        (group / f"memory.{used}").write_text(f"{numbers[1]}\n")
        (group / "memory.stat").write_text(f"anon 5\n{droppable} 30000\n")
    assert lib.devices.memory_bytes("cpu") == 100_000 and lib.devices.free_bytes("cpu") == 50_000
    (tmp_path / "membership").write_text("0::/elsewhere\n")  # a container that sees the names of its host
    assert lib.devices.memory_bytes("cpu") == psutil.virtual_memory().total


def shell(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["lib", *arguments])
    code = cli.main()
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_line(capsys, monkeypatch):
    code, out, _ = shell(capsys, monkeypatch, "time", "lenet5", "--device", "cpu", "--batch", "3", "--set",
                         "num_classes=7", "--json")
    result = json.loads(out)
    assert code == 0 and {"preset", "device", "batch", "dtype", "latency_ms", "throughput", "peak_memory_bytes", "protocol",
                          "environment"} <= result.keys()
    assert (result["preset"], result["device"], result["batch"], result["changed"]) == ("lenet5", "cpu", 3, {"num_classes": 7})
    assert result["latency_ms"]["p10"] <= result["latency_ms"]["median"] <= result["latency_ms"]["p90"]
    code, out, _ = shell(capsys, monkeypatch, "time", "lenet5")
    assert code == 0 and "images/s" in out


@pytest.mark.parametrize("arguments, words", [
    (["--batch", "999"], "from 1 to 256"), (["--device", "tpu"], "There is no device “tpu”"), (["--dtype", "tf32"], "Ampere"),
    (["--dtype", "float8"], "bfloat16"), (["--set", "depth"], "NAME=VALUE"), (["--set", "depth=3"], "There is no knob")])
def test_bad_values_get_one_plain_line(capsys, monkeypatch, arguments, words):
    code, out, error = shell(capsys, monkeypatch, "time", "lenet5", *arguments)
    if words == "Ampere" and torch.cuda.is_available():
        return
    assert code == 2 and not out and words in error and len(error.splitlines()) == 1


def test_a_step_says_what_it_does():
    assert Step(0.5, "x").found is None and Clock(Setting()).milliseconds(lambda: None) >= 0


@needs_gpu
def test_a_gpu_is_timed_by_its_events_and_measured_by_its_allocator():
    [latency] = found(measure((Network(preset="resnet18"),), Setting(device="cuda:0", batch=8, flush_l2=True), 0.5))
    assert latency.protocol.clock == "torch.cuda.Event" and "driver" in latency.environment
    assert latency.peak_memory_bytes > 4 * lib.analyze("resnet18").params


@needs_gpu
def test_a_cuda_graph_gives_the_same():
    contender = Contender(Network(preset="resnet18"), Setting(device="cuda:0", mode="cuda_graph"))
    contender()
    torch.cuda.synchronize()


@needs_gpu
def test_medians_are_those_of_triton():
    do_bench = pytest.importorskip("triton.testing").do_bench
    setting = Setting(device="cuda:0", batch=32, flush_l2=True)
    [latency] = found(measure((Network(preset="resnet50"),), setting, 2))
    assert latency.latency_ms.median == pytest.approx(
        do_bench(Contender(Network(preset="resnet50"), setting), return_mode="median"), rel=0.03)
