"""Measuring on the machines of a Ray cluster, one run at a time per device, also between several web servers.

Every run is a Ray task pinned to its node. It asks Ray for what must be its own: one GPU, or all CPUs of the node.
Ray itself is imported only once RAY_ADDRESS names a cluster.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import torch
from pydantic import BaseModel

import lib
from lib.architecture import Impossible
from lib.devices import Device, devices
from lib import limits
from lib.lab.jobs import Job, run
from lib.lab.worker import PATIENCE, TICK, WorkerLost
from lib.timing import Step
from lib.training.race import Begun

JOIN_SECONDS = 30
"""Seconds in which the head of a cluster must have answered."""

SURVEY_SECONDS = 180
"""Seconds in which a node must have said what devices it has; at first it unpacks our code and imports PyTorch."""


class Cluster:
    """A Ray cluster that this process has joined. Raises `Impossible`, in one sentence, if that cannot be.

    Nodes bear the names of their hosts; a second node on a host is "host (node 2)". A node that was started again gets
    the name that it had.
    """

    def __init__(self, address: str):
        _join(address)
        self.address = address
        self.names: dict[str, str] = {}
        self.lock = Lock()

    def nodes(self) -> dict[str, dict[str, Any]]:
        """The nodes that are alive and offer CPUs or GPUs, by name, as `ray.nodes()` describes them."""
        import ray
        alive = {node["NodeID"]: node for node in ray.nodes()
                 if node["Alive"] and (_amount(node, "CPU") or _amount(node, "GPU"))}
        with self.lock:
            self.names = {id: name for id, name in self.names.items() if id in alive}
            for id in sorted(alive.keys() - self.names.keys()):
                host = alive[id]["NodeManagerHostname"]
                names = [host, *(f"{host} (node {number})" for number in range(2, len(alive) + 2))]
                self.names[id] = next(name for name in names if name not in self.names.values())
            return {self.names[id]: node for id, node in alive.items()}

    def workers(self) -> tuple[list[RayWorker], dict[str, str]]:
        """A worker for each device of each node, and why nodes and kinds are missing."""
        import ray
        nodes, asked = self.nodes(), {}
        for name, node in nodes.items():
            ends = min(1, _amount(node, "GPU"))  # the process, after this one call: naming a GPU takes memory of it
            survey = ray.remote(num_cpus=0, max_retries=1, max_calls=ends)(devices)
            asked[name] = survey.options(scheduling_strategy=_on(node)).remote()
        found, absent = [], {}
        for name, answer in sorted(asked.items()):
            try:
                found += [_offered(device, name, nodes[name]) for device in ray.get(answer, timeout=SURVEY_SECONDS)
                          if _wish(device.id, nodes[name])]
            except ray.exceptions.RayError as error:
                absent[name] = f"The node {name} does not say what devices it has: {_last_line(error)}."
        if not any(device.id.startswith("cuda") for device in found):
            absent["CUDA"] = f"The Ray cluster at {self.address} has no CUDA device."
        return [RayWorker(self, device) for device in found], absent


class RayWorker:
    """A worker on a node of a Ray cluster, whose processes Ray starts."""

    cold = False

    def __init__(self, cluster: Cluster, device: Device):
        self.cluster, self.device, self.name = cluster, device, device.name

    def steps(self, job: Job) -> Iterator[Step | None]:
        import ray
        stream, running = self._submit(job), True
        try:
            yield Step(0.0, f"Waiting for {self.device.name} on {self.device.host}")
            while True:
                if not ray.wait([stream], timeout=TICK)[0]:
                    yield None
                    continue
                answer = next(stream, None)
                message = "" if answer is None else ray.get(answer)
                if isinstance(message, Step):
                    yield message
                    continue
                running = False
                if message:
                    raise Impossible(message)
                return
        except ray.exceptions.RayTaskError as error:
            running = False
            raise Impossible(f"The measurement failed on {self._place}: {_last_line(error)}.") from None
        except ray.exceptions.RayError:
            running = False
            raise WorkerLost(f"the measuring process on {self._place} was killed, perhaps for lack of memory, or its machine "
                             "has left the Ray cluster") from None
        finally:
            if running:
                _stop(stream)

    def _submit(self, job: Job) -> Any:
        """Ask Ray to run the job on the device's node; its steps come in a stream."""
        import ray
        try:
            _reach(self.cluster.address)
        except OSError:
            raise WorkerLost(f"the head of the Ray cluster, {self.cluster.address}, does not answer") from None
        node = self.cluster.nodes().get(self.device.host)
        if node is None:
            raise WorkerLost(f"{self.device.host} has left the Ray cluster")
        task = ray.remote(num_returns="streaming", max_retries=0)(measure)
        return task.options(**_wish(self.device.id, node), scheduling_strategy=_on(node)).remote(job, self.device)

    @property
    def _place(self) -> str:
        return f"{self.device.name} of {self.device.host}"

    def close(self) -> None:
        """Nothing is held between runs: Ray keeps the processes."""


def measure(job: Job, device: Device) -> Iterator[Step | str]:
    """The Ray task: the steps of a job, the last perhaps a text that says why it failed.

    Of the steps that find nothing only a few a second are sent, so that sending does not disturb the measuring.
    """
    torch.set_num_threads(device.cores)  # Ray would set the CPUs that were asked for: none for a GPU
    sent = 0.0
    try:
        here, seen = _as_seen_here(job, device)
        with closing(run(here)) as steps:
            for step in steps:
                if step.found is not None or time.monotonic() - sent > TICK:
                    sent = time.monotonic()
                    yield Step(step.share, step.doing, step.found and _signed(step.found, seen))
    except Impossible as refused:
        yield str(refused)
    except Exception as error:
        logging.exception("a measurement failed")
        yield f"The measurement failed on {device.name} of {device.host}: {_last_line(error)}."


def _as_seen_here(job: Job, device: Device) -> tuple[Job, dict[str, str]]:
    """The job as this task must run it, and what its results are to say of the place.

    Ray chooses among the free GPUs of the node and shows the task that one alone, as cuda:0. Results bear the number
    that Ray has for it and the identity that NVIDIA gave it. Raises `Impossible` if it is another model than asked for.
    """
    if not device.id.startswith("cuda"):
        return job, {"device": device.id, "host": device.host}
    import ray
    given = torch.cuda.get_device_properties("cuda:0")
    if given.name != device.name:
        raise Impossible(f"Ray gave a {given.name} instead of the {device.name} on {device.host}: on a node whose GPUs differ "
                         "no one can be asked for. Start one Ray node for each model, with CUDA_VISIBLE_DEVICES.")
    setting = job.setting.model_copy(update={"device": "cuda:0"})
    return (job.model_copy(update={"setting": setting}),
            {"device": f"cuda:{ray.get_gpu_ids()[0]}", "host": device.host, "gpu": str(given.uuid)})


def _signed(found: Any, seen: dict[str, str]) -> Any:
    """A record with the node's name, and the GPU that it really was, instead of what the task sees."""
    if isinstance(found, Begun):
        return replace(found, curve=_signed(found.curve, seen))
    if not isinstance(found, BaseModel):
        return found
    signed = {"device": seen["device"], "environment": getattr(found, "environment", {}) | seen}
    return found.model_copy(update={name: value for name, value in signed.items() if name in type(found).model_fields})


def _stop(stream: Any) -> None:
    """Interrupt a task, which ends its repetition; end its process if that takes too long."""
    import ray
    for force in (False, True):
        try:
            ray.cancel(stream, force=force)
            if ray.wait([stream.completed()], timeout=PATIENCE)[0]:
                return
        except ray.exceptions.RayError:
            return  # the node is gone, and the task with it


def _join(address: str) -> None:
    """Make this process a driver of the cluster, with our code and limits for its tasks."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise Impossible(f"RAY_ADDRESS must name host and port of the cluster's head, such as lab1:6379, not “{address[:60]}”.")
    # Without this, Ray ends the process, which is the web server, a minute after the head is gone.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(10 ** 9))
    try:
        import ray
    except ImportError:
        raise Impossible("RAY_ADDRESS is set, but Ray is not installed: pip install -r requirements-server.txt.") from None
    try:
        _reach(address)
        # Ray's own try waits for minutes, or without end, where something else listens: a process can be left.
        subprocess.run([sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address], capture_output=True,
                       timeout=JOIN_SECONDS, check=True)
        with TemporaryDirectory() as folder:
            ray.init(address, runtime_env=_code(Path(folder)), configure_logging=False, logging_level="error",
                     log_to_driver=False)
    except OSError as error:
        raise Impossible(f"The Ray cluster at {address} cannot be reached: {error.strerror or error}.") from None
    except subprocess.SubprocessError:
        raise Impossible(f"What listens at {address} does not answer as the head of a Ray cluster.") from None
    except Exception as error:
        raise Impossible(f"The Ray cluster at {address} cannot be joined: {' '.join(str(error).split())[:300]}") from None


def _reach(address: str) -> None:
    """Raises OSError if nothing listens there; Ray itself would wait for it without end."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


def _code(folder: Path) -> dict[str, Any]:
    """Ray's runtime environment: `lib` and this server's limits, laid into `folder`, are all that the tasks need of us.

    A survey of a node must see its GPUs though it asks for none.
    """
    source = Path(lib.__file__).parent
    shutil.copytree(source, folder / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(os.environ.get("TIMING_LIMITS", limits.FILE), folder / "timing.toml")
    return {"working_dir": str(folder),
            "env_vars": {"TIMING_LIMITS": "timing.toml", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}}


def _amount(node: dict[str, Any], resource: str) -> int:
    """How many whole CPUs or GPUs a node offers to Ray."""
    return int(node["Resources"].get(resource, 0))


def _wish(device: str, node: dict[str, Any]) -> dict[str, int]:
    """What a run on a device asks Ray for; empty if the node does not offer the device to Ray."""
    kind, _, index = device.partition(":")
    if kind == "cuda":
        return {"num_gpus": 1, "num_cpus": 0} if int(index) < _amount(node, "GPU") else {}
    return {"num_cpus": _amount(node, "CPU")} if _amount(node, "CPU") else {}


def _offered(device: Device, host: str, node: dict[str, Any]) -> Device:
    """A device of a node, with the node's name for a host; of its CPU no more cores than Ray may give."""
    cores = min(device.cores, _amount(node, "CPU") or device.cores)
    return device.model_copy(update={"host": host, "cores": cores})


def _on(node: dict[str, Any]) -> Any:
    """Pins a task to a node."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
    return NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)


def _last_line(error: BaseException) -> str:
    """What went wrong, without the traceback that Ray puts before it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip().rstrip(".")[:200]
