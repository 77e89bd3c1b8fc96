"""Why a time may not be believed, in sentences: for the pages, the command line and the lessons."""

from collections.abc import Sequence

from lib.load import Load
from lib.records import Timed
from lib.text import prose


def doubts(records: Sequence[Timed]) -> list[str]:
    """Why nothing may be concluded from some records, a sentence for each reason; empty if all are sound."""
    busy = [record for record in records if record.busy]
    scattered = [record for record in records if not record.busy and not record.sound]
    said = []
    if busy:
        worst = max(busy, key=lambda record: (record.load.others, record.load.missing))
        said = [disturbance(worst.load), *_fewer_threads(worst.load), _consequence(len(busy), len(records))]
    return said + ([prose("doubts", "Scatter", **_widest(scattered))] if scattered else [])


def remarks(records: Sequence[Timed]) -> list[str]:
    """What torch warns of where the records are sound: that their repetitions fluctuate."""
    fluctuating = [record for record in records if record.sound and record.spread.fluctuates]
    return [prose("doubts", "Fluctuation", **_widest(fluctuating))] if fluctuating else []


def disturbance(load: Load) -> str:
    """What disturbed a measurement."""
    if load.disturbed_by == "others":
        return prose("doubts", "Others", others=f"{load.others:.1f}", cores=load.cores)
    if load.disturbed_by == "gpu":
        return prose("doubts", "GPU", share=f"{load.gpu:.0%}")
    return prose("doubts", "Held back", share=f"{load.present:.0%}")


def _fewer_threads(load: Load) -> list[str]:
    """Where a run took fewer threads, because others took their cores: that it did."""
    return [prose("doubts", "Fewer threads", missing=load.missing)] if load.missing else []


def _consequence(busy: int, all: int) -> str:
    if busy == all:
        return prose("doubts", "No conclusion")
    return prose("doubts", "No conclusion from some", busy=busy, all=all)


def _widest(records: list[Timed]) -> dict[str, str]:
    """Which records, and how far the repetitions of the widest range."""
    widest = max(record.spread.fluctuation for record in records)
    names = list(dict.fromkeys(f"{record.label}, batch {record.batch}" for record in records))
    more = prose("doubts", "And others", count=len(names) - MOST_NAMED) if len(names) > MOST_NAMED else ""
    return {"names": "; ".join(names[:MOST_NAMED]) + more, "share": f"{widest:.0%}"}


MOST_NAMED = 4
"""Networks that a sentence names."""
