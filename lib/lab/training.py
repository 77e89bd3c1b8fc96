"""The memory of training, measured: one real step on the device, beside what `lib.analysis.saved` computes for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from lib.allocated import allocations, peak_increase
from lib.analysis import Analysis
from lib.analysis.saved import OPTIMISERS, budget, held, loss_of
from lib.devices import environment
from lib.quantities import Bytes, Line
from lib.records import Measured, Network, Setting
from lib.timing import Step, Steps, arithmetic, build, images, place


class TrainingMemory(Measured):
    """What training a network held in a device's memory, in bytes.

    `computed_bytes` is what autograd should save for backward, `held_bytes` how much more the device held after the
    forward pass than before it, as `held_source` read it. By the name of the optimiser: `state_bytes` are the tensors that
    it keeps and `computed_state_bytes` those that it should; `total_bytes` is the computed sum of all parts of a step and
    `peak_bytes` the most that the step held, weights, images and state included, as `peak_source` read it. None if
    nothing on this device reads it.
    """

    kind: Literal["training"] = "training"
    computed_bytes: Bytes = Field(ge=1)
    held_bytes: Bytes | None
    held_source: Line
    state_bytes: dict[Line, Bytes]
    computed_state_bytes: dict[Line, Bytes]
    total_bytes: dict[Line, Bytes]
    peak_bytes: dict[Line, Bytes | None]
    peak_source: Line

    @property
    def ratio(self) -> float | None:
        """What the device held over what was computed."""
        return None if self.held_bytes is None else self.held_bytes / self.computed_bytes


MAKE = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=1e-3),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=1e-3, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=1e-3),
}
"""The optimisers of `OPTIMISERS`, as PyTorch has them."""


class Trainee:
    """A network on the device in train mode, with images and labels; it always runs eagerly."""

    def __init__(self, analysis: Analysis, setting: Setting):
        self.device, self.images = setting.device, images(analysis, setting)
        self.labels = torch.zeros(setting.batch, dtype=torch.int64, device=setting.device)
        self.model = place(build(analysis, setting.device), setting).train()

    def forward(self) -> Tensor:
        return loss_of(self.model(self.images), self.labels)

    def step(self, optimiser: torch.optim.Optimizer) -> None:
        self.forward().backward()
        optimiser.step()

    def measure_step(self, name: str) -> tuple[int, int | None, str]:
        """Bytes of the optimiser's state, the most that a step in the middle of training holds, and who read that peak.

        The gradients must be there: a first update makes the state.
        """
        optimiser = MAKE[name](self.model.parameters())
        optimiser.step()
        state = sum(kept.nbytes for each in optimiser.state.values() for kept in each.values() if isinstance(kept, Tensor))
        optimiser.zero_grad(set_to_none=True)
        more, source = peak_increase(lambda: self.step(optimiser), self.device)
        before = sum(tensor.nbytes for tensor in (*self.model.parameters(), *self.model.buffers(), self.images))
        return state, None if more is None else before + state + more, source


def held_increase(work: Callable[[], object], device: str) -> tuple[int | None, str]:
    """Bytes that `work` leaves behind in the device's memory while its result lives, and who read that."""
    kept = []
    if device == "cpu":
        return sum(allocations(lambda: kept.append(work()))), "every allocation of torch on the CPU, by its profiler"
    if device == "mps":
        synchronize, allocated = torch.mps.synchronize, torch.mps.current_allocated_memory
    else:
        synchronize, allocated = lambda: torch.cuda.synchronize(device), lambda: torch.cuda.memory_allocated(device)
    synchronize()
    before = allocated()
    kept.append(work())
    synchronize()
    return allocated() - before, "torch's allocator on the device, before and after"


def measure(network: Network, setting: Setting) -> Steps:
    """Train for a few steps with each optimiser; finds one `TrainingMemory`.

    A step that is not measured comes first: libraries take some memory once and keep it. Raises `Impossible` as
    `budget` does, and what torch raises where the device cannot go on.
    """
    analysis = network.analysis()
    expected = {name: budget(analysis.preset, analysis.knobs, setting.dtype, setting.batch, name) for name in OPTIMISERS}
    with arithmetic(setting):
        yield Step(0.0, f"Building {network.label}")
        trainee = Trainee(analysis, setting)
        yield Step(0.05, f"A first step of {network.label}, batch {setting.batch}")
        trainee.forward().backward()
        yield Step(0.2, f"Forward: what {network.label} keeps for backward")
        kept, held_source = held_increase(trainee.forward, setting.device)
        states, peaks = {}, {}
        for index, name in enumerate(OPTIMISERS):
            yield Step(0.3 + 0.7 * index / len(OPTIMISERS), f"A whole step of {network.label} with {name}")
            states[name], peaks[name], peak_source = trainee.measure_step(name)
        yield Step(1.0, f"Measured {network.label}", TrainingMemory(
            preset=network.preset, changed=network.changed, device=setting.device, batch=setting.batch, dtype=setting.dtype,
            input_size=analysis.knobs.input_size, computed_bytes=expected["sgd"].saved,
            held_bytes=kept, held_source=held_source, state_bytes=states,
            computed_state_bytes={name: parts.optimiser for name, parts in expected.items()},
            total_bytes={name: parts.total for name, parts in expected.items()}, peak_bytes=peaks, peak_source=peak_source,
            environment=environment(setting.device, setting.dtype)))


def needed_bytes(network: Network, setting: Setting) -> int:
    """Bytes that `measure` holds at its height, with Adam, the hungriest. That is when backward has just begun, with the
    gradients of the largest activation beside all that was saved, or the update, whose terms Adam writes down for up to
    all weights at once. Raises `Impossible` as `held` does."""
    analysis = network.analysis()
    step = held(analysis.preset, analysis.knobs, setting.dtype, setting.batch)
    fixed = step.weights + (1 + OPTIMISERS["adam"]) * step.trained + step.images
    return fixed + max(step.saved + 2 * step.largest, 2 * step.trained)
