"""Records made by hand, for tests of what follows from them."""

from lib.load import Load
from lib.records import Latency, Protocol, Spread

QUIET = Load(seconds=1.0, cores=8, own=8.0, others=0.0, needed=8, present=1.0)
BUSY = QUIET.model_copy(update={"others": 4.0, "present": 0.6})


def latency(preset="resnet18", ms=1.0, macs=10**9, batch=1, throughput=None, figures=3, fluctuation=0.01, load=QUIET, p10=None,
            p90=None, device="cpu", **changed) -> Latency:
    """A time as it would have been kept."""
    spread = Spread(median=ms, p10=p10 or ms, p90=p90 or ms, figures=figures, fluctuation=fluctuation)
    return Latency(
        preset=preset, changed=changed, device=device, batch=batch, dtype="float32", input_size=224, macs=macs, params=1,
        latency_ms=spread, throughput=throughput or 1e3 * batch / ms, flop_per_second=2e3 * macs * batch / ms,
        peak_memory_bytes=None, memory_source="nobody", load=load, repetitions_ms=(ms,) * 10,
        environment={"device_name": "A CPU", "host": "here", "threads": 8, "cores": 8, "torch": "2", "date": "today"},
        protocol=Protocol(clock="a clock", synchronised="waits", warm_up=10, stable=True, repetitions=10))
