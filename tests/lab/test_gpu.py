"""The lab on a GPU: layers, memory, and what does not fit. Needs a CUDA GPU and nothing that `benchmarks/gpu.py` does not."""

import pytest
import torch

from lib.architecture import Impossible
from lib.devices import devices
from lib.lab import layers, training
from lib.lab.jobs import Job, needed_bytes, run
from lib.lab.worker import LocalWorker
from lib.records import Network, Setting
from lib.timing import found
from lib.training.race import Finished
from lib.training.recipe import Recipe
from lib.training.records import Entrant

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: there is none on this machine")


@pytest.mark.parametrize("preset, batch", [("resnet50", 32), ("googlenet", 8), ("seresnet50", 1)])
def test_the_layers_add_up_to_a_pass_that_lies_ready(preset, batch):
    setting = Setting(device="cuda:0", batch=batch)
    [record] = found(layers.measure(Network(preset=preset), setting, 0.3))
    assert record.adds_up or record.reason == "events", "how much the events take is known only roughly"
    assert record.ready_ms.median < 1.05 * record.whole_ms.median


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_real_step(dtype):
    network, setting = Network(preset="resnet50"), Setting(device="cuda:0", batch=32, dtype=dtype)
    record, = found(training.measure(network, setting))
    assert record.ratio == pytest.approx(1, abs=0.05)
    assert record.peak_bytes["adam"] <= training.needed_bytes(network, setting)


def test_a_pass_holds_about_what_is_computed():
    job = Job(kind="latency", networks=(Network(preset="resnet50"),), setting=Setting(device="cuda:0", batch=64))
    [latency] = found(run(job))
    assert latency.peak_memory_bytes == pytest.approx(needed_bytes(job, job.setting), rel=0.35)


def test_what_runs_out_of_memory_says_so_and_gives_the_memory_back():
    """torch may have a hundredth of the card, though all of it is free: the count before the run cannot know."""
    job = Job(kind="latency", networks=(Network(preset="vgg16"),), setting=Setting(device="cuda:0", batch=256))
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved(0)
    torch.cuda.set_per_process_memory_fraction(0.01, 0)
    try:
        with pytest.raises(Impossible, match="cuda:0 ran out of memory with vgg16 at batch 256.*Lower the batch") as refused:
            found(run(job))
        assert torch.cuda.memory_reserved(0) <= before + (32 << 20), "while the refusal is still held"
        assert refused.value.__context__ is None
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)


def test_a_process_of_its_own_measures_on_the_gpu():
    worker = LocalWorker(next(device for device in devices() if device.id == "cuda:0"))
    job = Job(kind="latency", networks=(Network(preset="resnet18"),), setting=Setting(device="cuda:0"))
    try:
        [latency] = [step.found for step in worker.steps(job) if step and step.found]
    finally:
        worker.close()
    assert latency.device == "cuda:0" and latency.latency_ms.median < 100


def test_a_race_on_the_gpu_gives_the_same_curve_twice():
    entrants = tuple(Entrant(network=Network(preset=preset), recipe=Recipe(epochs=2)) for preset in ("plain20_cifar", "resnet20_cifar"))
    job = Job(kind="race", networks=tuple(entrant.network for entrant in entrants), entrants=entrants,
              setting=Setting(device="cuda:0"))
    first, again = ([each.epoch.model_dump(exclude={"seconds"}) for each in found(run(job)) if isinstance(each, Finished)]
                    for _ in range(2))
    assert len(first) == 4 and first == again and first[-1]["train_error"] < 90
