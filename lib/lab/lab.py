"""The one timing lab of a web server: the devices of the Ray cluster that RAY_ADDRESS names, or this machine's own."""

import logging
import os
from concurrent.futures import Future
from subprocess import SubprocessError
from threading import Lock, Thread

from lib.architecture import Impossible
from lib.lab.cluster import Cluster
from lib.lab.queue import Lab
from lib.lab.worker import LocalWorker, local_devices

_lock = Lock()
_asked: Future[Lab] | None = None


def lab() -> Lab:
    """The lab; the first call waits for the devices to name themselves.

    Raises `Impossible` if timing.toml is not right.
    """
    return start().result()


def ready() -> bool:
    """Whether `lab()` would answer at once."""
    return start().done()


def start() -> Future[Lab]:
    """Begin to ask for the devices, in a thread of its own, unless that has begun; does not wait."""
    global _asked
    with _lock:
        if _asked is None:
            _asked = Future()
            Thread(target=_answer, args=(_asked,), daemon=True, name="timing lab").start()
        return _asked


def _answer(asked: Future[Lab]) -> None:
    try:
        asked.set_result(open_lab(os.environ.get("RAY_ADDRESS", "")))
    except BaseException as error:
        asked.set_exception(error)


def open_lab(ray_address: str = "") -> Lab:
    """A lab of the cluster's devices; of this machine's where there is no cluster or it cannot be reached."""
    absent = {}
    if ray_address:
        try:
            return cluster_lab(ray_address)
        except Impossible as refused:
            absent["Ray"] = f"{refused} These are the devices of the web server."
        except Exception:
            logging.exception("the Ray cluster failed")
            absent["Ray"] = f"The Ray cluster at {ray_address} failed. These are the devices of the web server."
    try:
        here, missing = local_devices()
    except (OSError, SubprocessError, ValueError) as error:
        logging.exception("the devices did not name themselves")
        return Lab([], absent | {"Devices": f"This machine's devices did not name themselves: {error}."})
    return Lab([LocalWorker(device) for device in here], absent | missing)


def cluster_lab(address: str) -> Lab:
    """A lab of a Ray cluster's devices. Raises `Impossible` if it cannot be joined or offers none."""
    workers, absent = Cluster(address).workers()
    if not workers:
        raise Impossible(f"The Ray cluster at {address} offers no CPU and no GPU.")
    return Lab(workers, absent)
