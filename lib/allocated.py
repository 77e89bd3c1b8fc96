"""The memory that a piece of work takes on a device, as torch itself counts it."""

import json
import os
import tempfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler reports its own start and end on stderr otherwise


def peak_increase(work: Callable[[], object], device: str) -> tuple[int | None, str]:
    """The most bytes that one call of `work` held at once beyond those before it, and who read that.

    On CUDA torch's allocator knows; on the CPU torch's profiler writes down every allocation (what oneDNN takes for itself
    is not among them); on MPS nothing does.
    """
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before, "peak of torch's CUDA allocator"
    if device == "cpu":
        return max(accumulate(allocations(work), initial=0)), "every allocation of torch on the CPU, by its profiler"
    return None, "not measured on this device"


def allocations(work: Callable[[], object]) -> list[int]:
    """Bytes that torch takes on the CPU (positive) and gives back (negative) during one call of `work`, in order."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    taken = [event for event in events if event.get("name") == "[memory]" and event["args"]["Device Type"] == 0]
    return [event["args"]["Bytes"] for event in sorted(taken, key=lambda event: event["ts"])]
