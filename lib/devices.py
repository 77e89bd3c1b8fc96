"""What this machine can measure on, what it cannot do and why, and the environment that a result belongs to.

`python -m lib devices` prints it. Asking a GPU for its name takes some memory of it, so the web server leaves the
asking to a process of its own.
"""

import os
import platform
import shutil
import socket
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

import psutil
import torch
from cpuinfo import get_cpu_info
from pydantic import BaseModel, ConfigDict
from torch import nn

from lib.load import allowed

DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""How numbers are stored, by the name of the choice: TF32 stores float32 and multiplies with 10 bits of mantissa."""


class Device(BaseModel):
    """One device: `id` as torch names it, its name, its memory in bytes (of a CPU: that of the machine), its CPU cores.

    `refused` says of what it cannot do why: `{"dtype=tf32": "…"}`.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    memory_bytes: int
    cores: int
    host: str
    refused: dict[str, str] = {}

    @property
    def key(self) -> str:
        """The device's name among those of several machines."""
        return f"{self.id}@{self.host}"

    def why_not(self, choice: str, value: object) -> str:
        """Why this value of a choice is impossible here; empty if it is possible."""
        return self.refused.get(f"{choice}={str(value).lower()}", "")


def devices() -> tuple[Device, ...]:
    """The CPU, each CUDA GPU, and Apple's GPU, as far as they are here."""
    found = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(Device(id=id, name=device_name(id), memory_bytes=memory_bytes(id), cores=cores(), host=socket.gethostname(),
                        refused=refusals(id)) for id in found)


def absences() -> dict[str, str]:
    """Why kinds of devices are missing."""
    missing = {}
    if not torch.cuda.device_count():
        built = "this PyTorch was built without CUDA" if not torch.backends.cuda.is_built() else "PyTorch finds no NVIDIA GPU"
        missing["CUDA"] = f"There is no CUDA device: {built}."
    if not torch.backends.mps.is_available():
        missing["MPS"] = "There is no MPS device: that is the GPU of a Mac with Apple silicon."
    return missing


def cores() -> int:
    """CPU cores that this process may use; two threads of one core count once."""
    logical = len(allowed())
    return min(psutil.cpu_count(logical=False) or logical, logical)


def device_name(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return _cpu_name() if device == "cpu" else f"Apple GPU of {_cpu_name()}"


@cache
def _cpu_name() -> str:
    return get_cpu_info().get("brand_raw") or platform.processor() or platform.machine()


def memory_bytes(device: str) -> int:
    """Bytes the device has in all; of a CPU in a container, the container's limit."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_properties(device).total_memory
    return min(psutil.virtual_memory().total, *(limit for limit, _ in _containers()))


def free_bytes(device: str) -> int:
    """Bytes that are free on the device now; of a CPU in a container, what its limit leaves."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    return min(psutil.virtual_memory().available, *(max(0, limit - used) for limit, used in _containers()))


CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def _containers() -> list[tuple[int, int]]:
    """The limit and the use, in bytes, of every Linux control group that this process is in, as container and service
    managers set them; files that were read and could be dropped again are no use. Ends with one that limits nothing."""
    return [*_limited_groups(CGROUPS / "memory", "memory", "limit_in_bytes", "usage_in_bytes", "total_inactive_file"),
            *_limited_groups(CGROUPS, "", "max", "current", "inactive_file"), (1 << 62, 0)]


def _limited_groups(root: Path, controller: str, limit: str, used: str, droppable: str) -> Iterator[tuple[int, int]]:
    """The same for the groups of one version, each around the one before: version 1 names its controller, 2 none."""
    with suppress(OSError):
        lines = [line.split(":", 2) for line in MEMBERSHIP.read_text().splitlines()]
        inner = root / next((group for _, names, group in lines if controller in names.split(",")), "/").lstrip("/")
        for group in (inner, *inner.parents[:len(inner.relative_to(root).parts)]):
            with suppress(OSError, ValueError):  # the outermost group of version 2 has no such files, and "max" is no number
                numbers = [int((group / f"memory.{name}").read_text()) for name in (limit, used)]
                kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
                yield numbers[0], numbers[1] - int(kept[droppable])


def refusals(device: str) -> dict[str, str]:
    """What the device cannot do, and why: numbers are tried out, the rest follows from what it is."""
    kind = device.partition(":")[0]
    refused = {}
    if kind != "cuda":
        refused["mode=cuda_graph"] = "CUDA graphs need an NVIDIA GPU."
        refused["flush_l2=true"] = "Flushing the L2 cache is for NVIDIA GPUs."
    if kind != "cpu":
        refused["threads"] = "Threads are a matter of the CPU."
    if kind != "cuda" or torch.cuda.get_device_capability(device) < (8, 0):
        refused["dtype=tf32"] = "TF32 exists on NVIDIA GPUs since Ampere (2020)."
    for dtype in ("bfloat16", "float16"):
        if reason := _fails(device, DTYPES[dtype]):
            refused[f"dtype={dtype}"] = f"A convolution in {dtype} fails here: {reason}."
    if reason := _compiler_lacks(kind):
        refused["mode=compile"] = reason
    return refused


def _fails(device: str, dtype: torch.dtype) -> str:
    """Why a small convolution in `dtype` fails; empty if it runs."""
    try:
        with torch.inference_mode():
            net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))
            net.eval().to(device, dtype)(torch.zeros(1, 3, 8, 8, device=device, dtype=dtype))
    except (RuntimeError, TypeError) as error:
        return str(error).splitlines()[0].rstrip(".")
    return ""


def _compiler_lacks(kind: str) -> str:
    """What `torch.compile` misses for this kind of device; empty if it has all."""
    compiler = next(filter(shutil.which, ("g++", "c++", "clang++")), None)
    if kind == "cpu" and not compiler:
        return "torch.compile needs a C++ compiler, such as g++."
    if kind == "cpu" and not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "torch.compile needs Python's header files (Debian: python3-dev)."
    if kind == "cuda":
        from torch.utils._triton import has_triton
        if not has_triton():
            return "torch.compile needs Triton for this GPU."
    return ""


def work_of_others(device: str) -> float | None:
    """The share of the last second, 0 to 1, in which a GPU that this process leaves alone has worked. None if unknown."""
    if not device.startswith("cuda"):
        return None
    with suppress(Exception):  # whatever the driver's own library has against it, the answer is unknown
        return torch.cuda.utilization(device) / 100
    return None


@cache
def _driver() -> str:
    from torch.utils import collect_env
    return collect_env.get_nvidia_driver_version(collect_env.run) or "unknown"


def environment(device: str, dtype: str) -> dict[str, str | int]:
    """All that a time depends on besides the network: to be kept with every result."""
    facts: dict[str, str | int] = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"), "host": socket.gethostname(), "device": device,
        "device_name": device_name(device), "dtype": dtype, "torch": torch.__version__, "python": platform.python_version(),
        "system": platform.platform(), "cpu": _cpu_name(), "cores": cores(), "threads": torch.get_num_threads(),
        "waiting_threads": os.environ.get("OMP_WAIT_POLICY", "library's choice")}
    if device.startswith("cuda"):
        facts |= {"driver": _driver(), "cuda": torch.version.cuda or "unknown", "cudnn": str(torch.backends.cudnn.version())}
    return facts
