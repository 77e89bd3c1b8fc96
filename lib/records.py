"""What is asked of a clock and what it has found: plain, frozen records, to be kept and carried in files."""

from __future__ import annotations

from hashlib import blake2b
from statistics import median, quantiles
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from lib import catalog
from lib.analysis import Analysis, analyze_knobs
from lib.architecture import Declared, ImageSize
from lib.digits import MOST_FIGURES, figures, measurement, rounded, unit
from lib.load import Load
from lib.quantities import (Batch, Bytes, Changed, Count, Line, Macs, Milliseconds, Params, PassTime, PerSecond, Share, Text)

MOST_BATCH = 256


class Setting(Declared):
    """How networks are run. Fields are controls, link, command line and protocol at once."""

    device: Line = Field("cpu", title="Device", description="Where the network runs.")
    batch: int = Field(1, ge=1, le=MOST_BATCH, title="Batch", description="Images in one pass.")
    dtype: Literal["float32", "tf32", "bfloat16", "float16"] = Field(
        "float32", title="Numbers", description="How weights and activations are stored and multiplied.")
    mode: Literal["eager", "compile", "cuda_graph"] = Field(
        "eager", title="Run as", description="Operation by operation (eager), compiled by torch.compile, or recorded once "
        "and replayed as a CUDA graph.")
    channels_last: bool = Field(False, title="Channels last", description="Memory in the order N, H, W, C.")
    threads: int = Field(0, ge=0, le=256, title="Threads",
                         description="CPU threads; 0 takes as many as other programs leave free.")
    flush_l2: bool = Field(False, title="Flush the L2 cache",
                           description="Overwrite the GPU's cache before every repetition, as if other work came between.")


def named(preset: str, changed: dict[str, Any]) -> str:
    """A network in one line: `resnet50 depth=34`."""
    return preset + "".join(f" {name}={_brief(value)}" for name, value in changed.items())


LONGEST_VALUE = 40
"""Letters of a knob's value in the name of a network. A plan is longer."""


def _brief(value: Any) -> str:
    """A value in few letters; of a long one its beginning, and a mark that no other has."""
    text = str(value)
    mark = blake2b(text.encode(), digest_size=3).hexdigest()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE // 2]}… (#{mark})"


class Network(BaseModel):
    """A preset with some of its knobs changed."""

    model_config = ConfigDict(frozen=True)

    preset: Line
    changed: Changed = {}

    def __hash__(self) -> int:
        return hash((self.preset, str(sorted(self.changed.items()))))

    @classmethod
    def of(cls, analysis: Analysis) -> Network:
        """The network of an analysis: its preset, and the knobs that are not the preset's."""
        usual = catalog.configure(analysis.preset, {})
        return cls(preset=analysis.preset,
                   changed={name: value for name, value in analysis.knobs if value != getattr(usual, name)})

    @property
    def label(self) -> str:
        return named(self.preset, self.changed)

    def analysis(self) -> Analysis:
        """What one pass on one image costs. Raises `Impossible` for wrong names, values and sizes."""
        preset = catalog.find(self.preset)
        return analyze_knobs(preset, catalog.get(preset), catalog.configure(preset, self.changed))


class Spread(BaseModel):
    """The middle of the repetitions, and the 10th and 90th of a hundred; milliseconds, with the significant `figures` that
    the median bears. `fluctuation` is the range of the middle half as a share of the median.
    """

    model_config = ConfigDict(frozen=True)

    median: Milliseconds
    p10: Milliseconds
    p90: Milliseconds
    figures: int = Field(MOST_FIGURES, ge=1, le=MOST_FIGURES)
    fluctuation: Share = 0.0

    @classmethod
    def of(cls, times: list[float] | tuple[float, ...], more: int = 0) -> Spread:
        """What `times` come to, with so many figures `more`: those that are added up later need one."""
        tenths = quantiles(times, n=10, method="inclusive") if len(times) > 1 else [times[0]] * 9
        borne, whole = figures(times), measurement(times)
        return cls(**{name: rounded(value, borne + more) for name, value in
                      (("median", median(times)), ("p10", tenths[0]), ("p90", tenths[-1]))},
                   figures=borne, fluctuation=rounded(whole.iqr / whole.median, 2))

    @property
    def unsure(self) -> float:
        """About how much the median is unsure by, as a share of it."""
        return unit(self.median, self.figures) / self.median

    @property
    def fluctuates(self) -> bool:
        """As much as torch's Measurement warns of."""
        return self.fluctuation >= FLUCTUATING

    @property
    def scattered(self) -> bool:
        """So much that nothing follows from the median: Measurement "suggests significant environmental influence"."""
        return self.fluctuation >= SCATTERED


FLUCTUATING, SCATTERED = 0.1, 0.25
"""Ranges of the middle half, as shares of the median, from which on `Measurement` warns, and warns loudly."""


def _takes_time(spread: Spread) -> Spread:
    if not min(spread.median, spread.p10, spread.p90) > 0:
        raise ValueError("a whole pass takes more than 0 ms")
    return spread


PassSpread = Annotated[Spread, AfterValidator(_takes_time)]
"""Of whole passes; an operation may be too short for the clock."""


class Protocol(BaseModel):
    """How a time was taken: repetitions before the first that counts, whether they had become stable, and so on."""

    model_config = ConfigDict(frozen=True)

    clock: Line
    synchronised: Line
    warm_up: Count
    stable: bool
    repetitions: Count
    threads_asked: Count = 0
    interleaved_with: tuple[Text, ...] = ()
    mode: Line = "eager"
    channels_last: bool = False
    flush_l2: bool = False


class Measured(BaseModel):
    """What every record says of where it comes from: network, device, setting, and the environment then."""

    model_config = ConfigDict(frozen=True)

    preset: Line
    changed: Changed = {}
    device: Line
    batch: Batch
    dtype: Line
    input_size: ImageSize
    environment: dict[Line, Line | Count]

    @property
    def label(self) -> str:
        return named(self.preset, self.changed)


class Timed(Measured):
    """A record of a clock, with what ran beside it. `load` is None in records from before anybody looked."""

    load: Load | None = None

    @property
    def spread(self) -> Spread:
        """The time of a pass."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether other programs disturbed the measurement."""
        return self.load is not None and self.load.busy

    @property
    def sound(self) -> bool:
        """Whether anything follows from these times: nothing disturbed them, and the repetitions agree."""
        return not self.busy and not self.spread.scattered


class Latency(Timed):
    """The time of one network at one batch size. Throughput is in images a second, `macs` are those of one image.

    `flop_per_second` counts two FLOPs for a MAC and nothing else. `peak_memory_bytes` are weights, image, and the most
    that lay in the device's memory beside them during a pass, as `memory_source` read it; None if nothing read it.
    """

    kind: Literal["latency"] = "latency"
    macs: Macs
    params: Params
    latency_ms: PassSpread
    throughput: PerSecond
    flop_per_second: PerSecond
    peak_memory_bytes: Bytes | None
    memory_source: Line
    protocol: Protocol
    repetitions_ms: tuple[PassTime, ...] = Field(min_length=1)

    @property
    def spread(self) -> Spread:
        return self.latency_ms

    @model_validator(mode="after")
    def digits_of_older_records(self) -> Self:
        """Records from before digits were counted hold more of them than their repetitions bear."""
        if "figures" not in self.latency_ms.model_fields_set:
            object.__setattr__(self, "latency_ms", Spread.of(self.repetitions_ms))
        return self
