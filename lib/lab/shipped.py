"""Runs that come with the app: what to show for networks that nobody has measured here yet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lib.lab import store
from lib.lab.store import Run
from lib.records import Latency, Network, Setting

MANY = 20
"""Networks from which on a run is one of the catalogue."""


@cache
def runs(kind: str) -> tuple[Run, ...]:
    """All of one kind, those of GPUs first."""
    found = [row.run() for row in store.shipped().values() if row.kind == kind]
    return tuple(sorted(found, key=lambda run: (not run.device.startswith("cuda"), run.device_name, run.taken)))


def catalogues() -> list[Run]:
    """Runs over many networks, at one batch each: those of GPUs first, with the largest batch, which keeps them busy."""
    found = [run for run in runs("latency") if len(run.networks) >= MANY]
    return sorted(found, key=lambda run: (run.device == "cpu", -run.setting.batch))


def sweeps() -> list[Run]:
    """Runs over several batches."""
    return [run for run in runs("latency") if len({latency.batch for latency in run.found}) > 1]


def of_network(kind: str, network: Network) -> list[Run]:
    """Runs of a kind about one network."""
    return [run for run in runs(kind) if run.networks == (network,)]


def nearest(networks: Sequence[Network], setting: Setting) -> list[tuple[Run, list[Latency]]]:
    """For each device the time of each network that was run most as `setting` says, as far as there is one, and a run
    that it comes from."""
    found: dict[str, dict[str, Latency]] = {}
    from_run = {}
    for run in runs("latency"):
        from_run.setdefault(run.device_name, run)
        own = found.setdefault(run.device_name, {})
        for latency in run.found:
            if Network(preset=latency.preset, changed=latency.changed) in networks:
                own[latency.label] = max(own.get(latency.label, latency), latency, key=lambda each: _likeness(each, setting))
    return [(from_run[device], [own[network.label] for network in networks if network.label in own])
            for device, own in found.items() if own]


def _likeness(latency: Latency, setting: Setting) -> tuple:
    """The larger, the more alike. The way to run comes before the numbers, and these before the batch."""
    ran, wanted = latency.protocol, setting
    return (ran.mode == wanted.mode, ran.mode == "eager", latency.dtype == wanted.dtype,
            ran.channels_last == wanted.channels_last, -abs(latency.batch.bit_length() - wanted.batch.bit_length()),
            latency.sound)


def how(latency: Latency) -> str:
    """How a network was run, in one line: `batch 32, bfloat16, eager, channels last`."""
    ran = latency.protocol
    return ", ".join([f"batch {latency.batch}", latency.dtype, ran.mode, *["channels last"] * ran.channels_last])


def way(run: Run) -> str:
    """How a whole run was taken, in one line."""
    batches = sorted({record.batch for record in run.found})
    text = str(batches[0]) if len(batches) == 1 else f"{batches[0]} to {batches[-1]}"
    setting = run.setting
    return ", ".join([f"batch {text}", setting.dtype, setting.mode, *["channels last"] * setting.channels_last])
