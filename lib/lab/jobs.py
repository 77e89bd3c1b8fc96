"""What can be asked of a device. `run` is the one function that a worker process and a Ray task both run."""

from __future__ import annotations

import gc
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from lib import timing
from lib.analysis.liveness import peak_activation_bytes
from lib.architecture import Impossible
from lib.devices import DTYPES, free_bytes
from lib.lab import layers, training
from lib.limits import limits
from lib.records import Network, Setting
from lib.timing import Steps
from lib.training.pictures import Pictures, load
from lib.training.race import fitting, race, warm_up
from lib.training.records import Entrant


class Job(BaseModel):
    """`latency`: the networks at each of `batches`. `layers`: the first network, layer by layer. `training`: the memory
    of one training step of the first network. `race`: `entrants` trained side by side, those that have one from their state
    in `states`. `warm`: nothing but what comes before the first of these. `background` jobs let others go first."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["latency", "layers", "training", "race", "warm"]
    networks: tuple[Network, ...]
    setting: Setting = Setting()
    batches: tuple[int, ...] = ()
    entrants: tuple[Entrant, ...] = ()
    states: dict[int, bytes] = {}
    background: bool = False

    def settings(self) -> tuple[Setting, ...]:
        """One setting for each batch size, the smallest first."""
        batches = sorted(self.batches or (self.setting.batch,))
        return tuple(self.setting.model_copy(update={"batch": batch}) for batch in batches)


def run(job: Job) -> Steps:
    """The steps of a job, in this process. Raises `Impossible`, in plain words, for what cannot be or does not fit."""
    settings, refused = job.settings(), ""
    setting = settings[0]
    try:
        for index, setting in enumerate(settings):
            for step in _measure(job, setting):
                yield timing.Step((index + step.share) / len(settings), step.doing, step.found)
            tidy()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        refused = ran_out(job, setting)
    finally:
        tidy()
    if refused:  # the error is gone by now, and with it all that it held in memory
        raise Impossible(refused)


def _measure(job: Job, setting: Setting) -> Steps:
    if job.kind == "warm":
        return warm_up()
    refuse_what_cannot_fit(job, setting)
    if job.kind == "race":
        return race(job.entrants, {entrant.recipe.data: pictures_of(entrant) for entrant in job.entrants}, setting, job.states)
    if job.kind == "layers":
        return layers.measure(job.networks[0], setting, limits().seconds_per_network)
    if job.kind == "training":
        return training.measure(job.networks[0], setting)
    return timing.measure(job.networks, setting, limits().seconds_per_network)


def pictures_of(entrant: Entrant) -> Pictures:
    """What an entrant learns from. Raises `Impossible` where it is not there."""
    return load(entrant.recipe.data, limits().pictures, limits().most_pictures)


def tidy() -> None:
    """Give back what the last networks held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """torch says it on a GPU with an error of its own, on the CPU with words."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
        words in str(error)
        for words in ("can't allocate memory", "bad_alloc", "not enough memory", "could not create a memory"))


def needed_bytes(job: Job, setting: Setting) -> int:
    """Bytes that a job holds at its height: the weights of all its networks, and the activations of the hungriest.

    A training step holds every activation and the gradients as well.
    """
    size = DTYPES[setting.dtype].itemsize
    if job.kind == "training":
        return training.needed_bytes(job.networks[0], setting)
    if job.kind == "race":
        return races_bytes(job)
    analyses = [network.analysis() for network in job.networks]
    images = [setting.batch * size * torch.Size(analysis.input_shape).numel() for analysis in analyses]
    return size * sum(analysis.params for analysis in analyses) + sum(images) + setting.batch * max(
        peak_activation_bytes(analysis.ops, size) for analysis in analyses)


def races_bytes(job: Job) -> int:
    """Bytes that a race holds at most: of each entrant the pictures, and weights, gradients and momenta; of the hungriest, all
    outputs of a batch twice, as backward needs them."""
    analyses = [(fitting(entrant.network, pictures_of(entrant)), entrant) for entrant in job.entrants]
    fixed = sum(3 * 4 * analysis.params + 4 * len(pictures_of(entrant).images) * torch.Size(analysis.input_shape).numel()
                for analysis, entrant in analyses)
    return fixed + max(2 * entrant.recipe.batch * analysis.activation_bytes for analysis, entrant in analyses)


def refuse_what_cannot_fit(job: Job, setting: Setting) -> None:
    """Raises `Impossible` if the job needs more than its share of what is free on the device."""
    if needed_bytes(job, setting) > limits().memory_share * free_bytes(setting.device):
        raise Impossible(too_large(job, setting))


def too_large(job: Job, setting: Setting) -> str:
    """What needs how much, what is free, and what to lower."""
    return (f"{' and '.join(network.label for network in job.networks)} at batch {setting.batch} in {setting.dtype} "
            f"needs about {gigabytes(needed_bytes(job, setting))}; {setting.device} has "
            f"{gigabytes(free_bytes(setting.device))} free, of which one run may take "
            f"{limits().memory_share:.0%}. Lower the batch or the input size.")


def ran_out(job: Job, setting: Setting) -> str:
    """What did not fit after all, and what to lower."""
    return (f"{setting.device} ran out of memory with {' and '.join(network.label for network in job.networks)} at batch "
            f"{setting.batch} in {setting.dtype}, which by our count needs about {gigabytes(needed_bytes(job, setting))}: "
            "libraries take some for themselves, and other programs may hold a part. Lower the batch or the input size.")


def gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
