"""Against a real Ray cluster of two nodes on this machine, each with one CPU; without one where it matters."""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
import torch

from lib.architecture import Impossible
from lib.devices import Device
from lib.lab import cluster as clusters
from lib.lab import lab as labs
from lib.lab.jobs import Job
from lib.limits import FILE, limits
from lib.lab.queue import Lab, Ticket
from lib.lab.worker import LocalWorker
from lib.records import Latency, Network, Setting
from lib.training.race import Begun, Finished
from lib.training.recipe import Recipe
from lib.training.records import Entrant

pytestmark = [pytest.mark.slow,
              pytest.mark.timeout(400)]  # every node imports PyTorch anew, on cores that other tests use as well

SHORT = Job(kind="latency", networks=(Network(preset="lenet5"), Network(preset="resnet18", changed={"input_size": 64})))
LONG = Job(kind="latency", networks=(Network(preset="resnet18"),), batches=tuple(range(1, 65)))  # begins soon, lasts minutes


@pytest.fixture(scope="module")
def short_limits(tmp_path_factory):
    """Limits of a server of its own: no time for repetitions beyond the ten that there always are."""
    path = tmp_path_factory.mktemp("limits") / "short.toml"
    path.write_text(FILE.read_text(encoding="utf-8").replace("seconds_per_network = 2.0", "seconds_per_network = 0.001"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIMING_LIMITS", str(path))
        limits.cache_clear()
        yield
    limits.cache_clear()


@pytest.fixture(scope="module")
def nodes(short_limits):
    """Ray's cluster: a head and one more node."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-server.txt")
    from ray.cluster_utils import Cluster
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20, include_dashboard=False)
        cluster.add_node(num_cpus=1, num_gpus=torch.cuda.device_count(), object_store_memory=80 << 20)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(scope="module")
def lab(nodes):
    lab = labs.open_lab(nodes.address)
    assert "Ray" not in lab.absent, lab.absent
    return lab


@pytest.fixture
def first(lab):
    return lab.lines[f"cpu@{socket.gethostname()}"]


def wait_for(condition):
    """Time enough for a busy machine; what is tested is that it comes, not when."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def measuring(ticket):
    """Whether the task itself has spoken."""
    return ticket.step.share > 0


def node_of(nodes, line):
    """Ray's node that a line's device belongs to."""
    id = line.worker.cluster.nodes()[line.worker.device.host]["NodeID"]
    return next(node for node in nodes.list_all_nodes() if node.node_id == id)


def measuring_process(nodes, line):
    """The process in which a node measures, by the title that Ray gives it."""
    raylet = psutil.Process(node_of(nodes, line).all_processes["raylet"][0].process.pid)
    process, = (child for child in raylet.children(recursive=True) if child.cmdline()[:1] == ["ray::measure"])
    return process


def test_each_node_offers_its_cpu_under_a_name_of_its_own(lab):
    host = socket.gethostname()
    cpus = {key: line.worker.device for key, line in lab.lines.items() if key.startswith("cpu")}
    assert set(cpus) == {f"cpu@{host}", f"cpu@{host} (node 2)"}
    assert all(device.cores == 1 and device.memory_bytes <= psutil.virtual_memory().total for device in cpus.values())
    assert ("CUDA" in lab.absent) == (not torch.cuda.is_available())


def test_both_nodes_measure_at_once(lab):
    tickets = {key: lab.join(key, Ticket(SHORT)) for key in lab.lines if key.startswith("cpu")}
    together = False

    def over():
        nonlocal together
        together |= all(measuring(ticket) and not ticket.over for ticket in tickets.values())
        return all(ticket.over for ticket in tickets.values())
    wait_for(over)
    assert len(tickets) == 2
    for key, ticket in tickets.items():
        assert (ticket.state, ticket.message) == ("done", "")
        assert [type(record) for record in ticket.found] == [Latency, Latency]
        assert [record.preset for record in ticket.found] == ["lenet5", "resnet18"]
        for record in ticket.found:
            assert record.protocol.repetitions == len(record.repetitions_ms) == 10, "the limits of this server hold there"
            facts = record.environment
            assert f"{facts['device']}@{facts['host']}" == key and record.device == "cpu"
            assert facts["threads"] == 1, "the node's CPUs, whatever this process uses"
            assert (facts["torch"], facts["python"]) == (torch.__version__, platform.python_version())
            assert all(time > 0 for time in record.repetitions_ms)


def test_networks_learn_on_a_node(first):
    device, entrant = first.worker.device, Entrant(network=Network(preset="lenet5"), recipe=Recipe(epochs=1))
    job = Job(kind="race", networks=(entrant.network,), entrants=(entrant,), setting=Setting(threads=device.cores))
    found = [step.found for step in first.worker.steps(job) if step and step.found]
    assert type(found[0]) is Begun and type(found[-1]) is Finished and 0 < found[-1].epoch.train_error < 100
    assert (found[0].curve.environment["host"], found[0].curve.environment["threads"]) == (device.host, 1)


def test_a_device_takes_one_run_at_a_time_also_of_two_servers(first):
    one, other = first.worker.steps(LONG), clusters.RayWorker(first.worker.cluster, first.worker.device).steps(SHORT)
    while not (step := next(one)) or not step.share:
        pass
    assert next(other).doing == f"Waiting for {first.worker.device.name} on {socket.gethostname()}"
    for _ in range(5):
        assert next(other) is None
        next(one)
    one.close()
    assert [step.found.preset for step in other if step and step.found] == ["lenet5", "resnet18"]


def test_a_run_stops_and_the_next_begins(nodes, lab, first):
    ticket, following = (lab.join(first.worker.device.key, Ticket(job)) for job in (LONG, SHORT))
    wait_for(lambda: measuring(ticket))
    process = measuring_process(nodes, first)
    ticket.stop()
    wait_for(lambda: following.over)
    assert (ticket.state, ticket.message) == ("stopped", "Stopped.")
    assert following.state == "done" and len(following.found) == 2
    assert process.is_running(), "it was interrupted, not killed"


def test_a_killed_process_is_a_lost_run_and_the_line_goes_on(nodes, lab, first):
    ticket, following = (lab.join(first.worker.device.key, Ticket(job)) for job in (LONG, SHORT))
    wait_for(lambda: measuring(ticket))
    os.kill(measuring_process(nodes, first).pid, signal.SIGKILL)
    wait_for(lambda: following.over)
    assert ticket.state == "lost"
    assert first.worker.device.host in ticket.message and first.worker.device.name in ticket.message
    assert following.state == "done" and len(following.found) == 2


@pytest.mark.parametrize("job, words", [
    (Job(kind="latency", networks=(Network(preset="resnt18"),)), "There is no network “resnt18”; did you mean resnet18?"),
    (Job(kind="latency", networks=(Network(preset="vgg16", changed={"input_size": 640}),), batches=(256,)), "Lower the batch"),
    (Job(kind="latency", networks=(Network(preset="lenet5"),), setting=Setting(device="cuda:99")), "measurement failed on")])
def test_what_cannot_be_is_said_in_a_sentence(lab, first, job, words):
    ticket = lab.join(first.worker.device.key, Ticket(job))
    wait_for(lambda: ticket.over)
    assert ticket.state == "failed" and words in ticket.message and "Traceback" not in ticket.message


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: Ray lends one that is there")
def test_a_gpu_says_which_one_it_was(lab):
    key = next(key for key in lab.lines if key.startswith("cuda:0"))
    ticket = lab.join(key, Ticket(SHORT.model_copy(update={"setting": Setting(device="cuda:0")})))
    wait_for(lambda: ticket.over)
    assert ticket.state == "done", ticket.message
    command = ["nvidia-smi", "--query-gpu=uuid,name", "--format=csv,noheader"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    facts = ticket.found[0].environment
    assert f"GPU-{facts['gpu']}, {facts['device_name']}" in listed.stdout.splitlines()


def test_a_node_that_goes_is_reported_and_may_come_back(nodes, lab):
    line = next(line for line in lab.lines.values() if not node_of(nodes, line).is_head())
    key, host, cluster = line.worker.device.key, line.worker.device.host, line.worker.cluster
    ticket = lab.join(key, Ticket(LONG))
    wait_for(lambda: measuring(ticket))
    nodes.remove_node(node_of(nodes, line))
    wait_for(lambda: ticket.over)
    assert ticket.state == "lost" and host in ticket.message and "has left the Ray cluster" in ticket.message
    wait_for(lambda: host not in cluster.nodes())
    again = lab.join(key, Ticket(SHORT))
    wait_for(lambda: again.over)
    assert (again.state, again.message) == ("lost", f"The run was lost: {host} has left the Ray cluster. It can be run again.")
    nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
    wait_for(lambda: host in cluster.nodes())


def test_what_a_gpu_task_sees_is_given_its_true_name(monkeypatch):
    ray = pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-server.txt")
    monkeypatch.setattr(ray, "get_gpu_ids", lambda: [3])
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(name="H100", uuid="4d-2"))
    device = Device(id="cuda:1", name="H100", memory_bytes=1, cores=1, host="lab1 (node 2)")
    here, seen = clusters._as_seen_here(Job(kind="latency", networks=(), setting=Setting(device="cuda:1", batch=4)), device)
    assert (here.setting.device, here.setting.batch) == ("cuda:0", 4)
    assert seen == {"device": "cuda:3", "host": "lab1 (node 2)", "gpu": "4d-2"}
    with pytest.raises(Impossible, match="Ray gave a H100 instead of the T4 on lab1"):
        clusters._as_seen_here(here, device.model_copy(update={"name": "T4"}))


@pytest.mark.parametrize("address, words", [
    ("nonsense", "must name host and port"), ("ray://lab1:10001", "must name host and port"),
    ("127.0.0.1:1", "The Ray cluster at 127.0.0.1:1 cannot be reached: Connection refused.")])
def test_an_address_that_leads_nowhere_leaves_this_machine(monkeypatch, address, words):
    pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-server.txt")
    here = Device(id="cpu", name="this CPU", memory_bytes=1, cores=1, host="here")
    monkeypatch.setattr(labs, "local_devices", lambda: ((here,), {"MPS": "There is none."}))
    lab = labs.open_lab(address)
    assert words in lab.absent["Ray"] and "\n" not in lab.absent["Ray"] and lab.absent["MPS"] == "There is none."
    assert [type(line.worker) for line in lab.lines.values()] == [LocalWorker] and list(lab.lines) == ["cpu@here"]


def test_what_is_no_ray_cluster_is_not_waited_for(monkeypatch):
    pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-server.txt")
    monkeypatch.setattr(clusters, "JOIN_SECONDS", 3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        with pytest.raises(Impossible, match="does not answer as the head of a Ray cluster"):
            clusters.Cluster(f"127.0.0.1:{other.getsockname()[1]}")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Impossible, match="pip install -r requirements-server.txt"):
        clusters.Cluster("127.0.0.1:1")


def test_without_an_address_ray_is_never_imported():
    code = ("import sys; from lib.lab import lab; lab.local_devices = lambda: ((), {'MPS': 'none'}); print(lab.lab().absent);"
            "print(any(name.partition('.')[0] == 'ray' for name in sys.modules))")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["{'MPS': 'none'}", "False"]


def test_there_is_one_lab_however_many_ask(monkeypatch):
    made = []
    monkeypatch.setattr(labs, "_asked", None)
    monkeypatch.setattr(labs, "open_lab", lambda address: made.append(address) or time.sleep(0.1) or Lab([]))
    monkeypatch.setenv("RAY_ADDRESS", "lab1:6379")
    assert not labs.ready(), "asking does not wait"
    with ThreadPoolExecutor(8) as pool:
        labs_seen = set(pool.map(lambda _: labs.lab(), range(8)))
    assert len(labs_seen) == 1 and made == ["lab1:6379"] and labs.ready()


def test_a_lab_that_cannot_be_made_says_so_to_all(monkeypatch):
    def wrong(address):
        raise ValueError("timing.toml: devices: Field required")
    monkeypatch.setattr(labs, "_asked", None)
    monkeypatch.setattr(labs, "open_lab", wrong)
    for _ in range(2):
        with pytest.raises(ValueError, match="devices: Field required"):
            labs.lab()
