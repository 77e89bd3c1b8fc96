"""The clock: statistics, memory, protocol, against hand-made cases and torch's own means."""

import csv
import gc
import json
import subprocess
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
from lib.allocated import allocations, peak_increase
from lib.analysis.liveness import peak_activation_bytes
from lib.devices import absences, devices
from lib.digits import figures_of_sum, measurement, text
from lib.lab.jobs import Job, needed_bytes, run
from lib.records import Network, Setting, Spread
from lib.timing import Clock, Contender, Step, found, measure, warm_up
from tests.engine.records import BUSY, QUIET, latency

MB = 1 << 20


@pytest.mark.parametrize("times", [[3.0], [1.0, 2.0], list(np.random.default_rng(0).gamma(2, 3, 37)),
                                   list(np.random.default_rng(1).normal(118, 3, 40)), [0.0312, 0.0317, 0.0311, 0.0312, 0.0313]])
def test_the_spread_is_numpys_with_the_digits_that_it_bears(times):
    """The unit of the last figure is the power of ten nearest to the uncertainty of the median: between a third and three
    times of it. What torch estimates is that uncertainty in whole powers of ten."""
    spread, exact = Spread.of(times), np.percentile(times, [10, 50, 90])
    assert [spread.p10, spread.median, spread.p90] == [float(f"{value:.{spread.figures}g}") for value in exact]
    middle = np.sort(times)[len(times) // 4: -(-3 * len(times) // 4)]
    unsure = 1.645 * np.std(middle) / np.sqrt(len(middle))
    if len(times) < 4:
        assert spread.figures == 1
    else:
        unit = 10.0 ** (np.floor(np.log10(exact[1])) - spread.figures + 1)
        assert unsure / 3.2 < unit < 3.2 * unsure
        assert measurement(times).significant_figures == max(1, int(np.floor(np.log10(exact[1] / unsure))))


def test_digits_are_those_of_the_repetitions():
    rng = np.random.default_rng(2)
    assert [Spread.of(list(rng.normal(24.5, sigma, 100))).figures for sigma in (0.001, 0.05, 0.5, 5)] == [4, 4, 3, 2]
    assert Spread.of(list(rng.normal(65, 4, 34))).median in (64, 65, 66)
    assert [text(value, figures) for value, figures in ((24.0, 3), (1234.5, 2), (0.0123, 2), (137.254, 1), (0, 2))] == [
        "24.0", "1,200", "0.012", "100", "0"]
    assert figures_of_sum([1.0, 1.0, 100.0], [1, 1, 4]) == 3 and figures_of_sum([0.5] * 100, [1] * 100) == 2


def test_fluctuation_is_what_torch_warns_of():
    rng = np.random.default_rng(3)
    for sigma in (0.5, 3, 9):
        times = list(rng.normal(24.5, sigma, 200))
        spread, torchs = Spread.of(times), measurement(times)
        assert spread.fluctuates == torchs.has_warnings and spread.scattered == (not torchs.meets_confidence(0.25))


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
    images_a_second, borne = 2e3 / np.median(one.repetitions_ms), one.latency_ms.figures
    assert one.throughput == float(f"{images_a_second:.{borne}g}")
    assert one.flop_per_second == float(f"{2 * lib.analyze('lenet5').macs * images_a_second:.{borne}g}")


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


@pytest.mark.parametrize("others, threads", [(0.0, 2), (0.4, 2), (0.9, 1), (1.8, 1)])
def test_threads_are_as_many_as_are_free(monkeypatch, others, threads):
    """On two cores; who asks for two threads gets them."""
    monkeypatch.setattr(timing, "cores", lambda: 2)
    monkeypatch.setattr(timing, "LOOK", 0)
    monkeypatch.setattr(timing.Watch, "load", lambda self: BUSY.model_copy(update={"others": others}))
    for asked, expected in ((0, threads), (2, 2)):
        with timing.arithmetic(Setting(threads=2)), timing.arithmetic(Setting(threads=asked)) as around:
            around.look()
            assert torch.get_num_threads() == expected and around.missing == 2 - expected


def test_a_compiled_network_keeps_the_threads_it_was_compiled_with_and_says_so(monkeypatch):
    """Others take a core while the network is compiled and leave it afterwards; no second look counts anew."""
    seen = iter([BUSY.model_copy(update={"others": 1.0})])
    look = timing.Watch.load
    monkeypatch.setattr(timing, "cores", lambda: 2)
    monkeypatch.setattr(timing, "LOOK", 0)
    monkeypatch.setattr(timing.Watch, "load", lambda self, *own, **more: next(seen, None) or look(self, *own, **more))
    monkeypatch.setattr(torch, "compile", lambda model: model)
    with timing.arithmetic(Setting(threads=2)):
        [latency] = found(measure((Network(preset="lenet5"),), Setting(mode="compile"), 0.01))
    assert latency.load.missing == 1 and latency.environment["threads"] == 1 and latency.busy


@pytest.mark.parametrize("mode", ["eager", "compile"])
def test_what_was_done_to_build_a_network_counts_for_no_work_of_others(monkeypatch, mode):
    """A GPU's driver cannot tell the two apart: it reports how much was done in the last second."""
    built = []
    monkeypatch.setattr(timing, "work_of_others", lambda device: 0.9 if built else 0.02)
    monkeypatch.setattr(timing, "Contender", lambda *network: built.append(network) or Contender(*network))
    monkeypatch.setattr(torch, "compile", lambda model: model)
    monkeypatch.setattr(timing, "_left", {})
    [first] = found(measure((Network(preset="lenet5"),), Setting(mode=mode, threads=1), 0.01))
    [second] = found(measure((Network(preset="lenet5"),), Setting(mode=mode, threads=1), 0.01))
    assert built and first.load.gpu == 0.02 and second.load.gpu is None


def test_what_was_changed_in_torch_is_put_back():
    before = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    steps = measure((Network(preset="lenet5"),), Setting(threads=1), 1)
    next(steps), next(steps)
    assert torch.get_num_threads() == 1 and not torch.backends.cudnn.allow_tf32 and not gc.isenabled()
    steps.close()
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == before and gc.isenabled()


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


def test_what_runs_out_of_memory_gives_it_back_with_its_sentence(monkeypatch):
    """The error holds the frames in which it came up, and these hold the tensors: both are gone with the refusal."""
    held = []

    def hungry(networks, setting, seconds):
        tensor = torch.zeros(MB)
        held.append(weakref.ref(tensor))
        yield Step(0.5, "Building")
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    monkeypatch.setattr(timing, "measure", hungry)
    with pytest.raises(lib.Impossible, match="cpu ran out of memory with lenet5 at batch 8 .* Lower the batch") as refused:
        found(run(Job(kind="latency", networks=(Network(preset="lenet5"),), setting=Setting(batch=8))))
    assert held[0]() is None and refused.value.__context__ is None


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
                          "environment", "load"} <= result.keys()
    assert (result["preset"], result["device"], result["batch"], result["changed"]) == ("lenet5", "cpu", 3, {"num_classes": 7})
    assert result["latency_ms"]["p10"] <= result["latency_ms"]["median"] <= result["latency_ms"]["p90"]


def test_several_networks_are_timed_in_turns(capsys, monkeypatch):
    code, out, _ = shell(capsys, monkeypatch, "time", "lenet5", "resnet20_cifar", "--set", "num_classes=7", "--csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0 and [row["preset"] for row in rows] == ["lenet5", "resnet20_cifar"]
    assert rows[0]["protocol_interleaved_with"] == "('resnet20_cifar num_classes=7',)"
    assert {row["machine"] for row in rows} <= {"quiet", "busy", "scattered"} and {"load_others", "figures"} <= rows[0].keys()


@pytest.mark.parametrize("load, words", [(QUIET, "place "), (BUSY, "Other programs used 4.0 of 8 cores during this run.")])
def test_the_command_line_says_what_to_think_of_its_times(capsys, monkeypatch, load, words):
    """The digits of the times, who was faster on a quiet machine, and on a busy one why nobody can tell."""
    records = [latency(ms=24.5, figures=3, load=load), latency("vgg16", ms=137.254, figures=2, load=load)]
    monkeypatch.setattr(cli, "run", lambda job: iter([Step(1.0, "", record) for record in records]))
    code, out, _ = shell(capsys, monkeypatch, "time", "resnet18", "vgg16")
    assert code == 0 and "24.5 ms (10th to 90th percentile 24.5 to 24.5)" in out and "140 ms" in out and "137" not in out
    assert words in out and ("place" in out) == (load is QUIET)


@pytest.mark.slow
def test_the_profiler_says_nothing_on_stderr():
    done = subprocess.run([sys.executable, "-m", "lib", "time", "lenet5"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


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
