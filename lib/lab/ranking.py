"""Which of some networks is faster, as far as their repetitions tell."""

from collections.abc import Sequence

from lib.records import Latency


def places(latencies: Sequence[Latency]) -> list[str]:
    """The place of each among all of one batch size: `1`, or `2 to 3` where the repetitions do not tell.

    A network is faster than another if nine of ten of its repetitions are shorter than nine of ten of the other's.
    Nothing follows from times that are not sound: then all places are empty, as they are for a single network.
    """
    batches = {latency.batch for latency in latencies}
    if len(latencies) < 2 or len(batches) > 1 or not all(latency.sound for latency in latencies):
        return [""] * len(latencies)
    return [_place(own, latencies) for own in latencies]


def _place(own: Latency, latencies: Sequence[Latency]) -> str:
    best = 1 + sum(_faster(other, own) for other in latencies)
    worst = len(latencies) - sum(_faster(own, other) for other in latencies)
    return str(best) if best == worst else f"{best} to {worst}"


def _faster(one: Latency, other: Latency) -> bool:
    return one.latency_ms.p90 < other.latency_ms.p10
