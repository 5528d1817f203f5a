"""What replicas add, and what is lost when a process or a machine is killed under load.

    python tests/benchmarks/ray_scaling.py [--seconds 0.5] [--requests 12] [--replicas 1 2 4]

Requests go the way of `app.deploy`: decoding, reading and fusing, by reference, asked again as there.
Reading is simulated by a sleep, so that it scales past the cores of this machine; what is measured is what
the way costs. Then, halfway through the load, a replica's process is killed, or a machine: one of two raylets
with all of its replicas. The same for the rows of a manifest (`models.cluster`). Needs Ray.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["PYTHONPATH"] = str(ROOT)  # of the processes that Ray starts

import ray  # noqa: E402
from ray import serve  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from app.deploy.cluster_analyst import asked  # noqa: E402
from models.cluster import on_cluster  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402

QUICK = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}  # 3 s until a machine is gone
CALLERS = 3  # waiting for each replica


@serve.deployment(ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=100)
class Decoding:
    def decode(self, name: str) -> str:
        return name


@serve.deployment(ray_actor_options={"num_cpus": 1}, max_ongoing_requests=2)
class Reading:
    """Sleeps, for one request at a time while another waits, writes down what it has read, and says where."""

    def __init__(self, seconds: float, journal: Path):
        self.work, self.core = sleeper(seconds, journal), threading.Lock()

    def read(self, decoded: str) -> dict:
        place = {"pid": os.getpid(), "machine": ray.get_runtime_context().get_node_id()}
        with self.core:
            return {"name": self.work(decoded), **place}


@serve.deployment(ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=100)
class Fusing:
    def analyze(self, read: dict) -> dict:
        return read


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Root:
    def __init__(self, *parts):
        pass


def sleeper(seconds: float, journal: Path) -> Callable[[str], str]:
    """Takes so long, then writes down what it was given, and gives it back."""

    def work(name: str) -> str:
        time.sleep(seconds)
        with journal.open("a") as file:
            file.write(f"{name}\n")
        return name

    return work


def deploy(replicas: int, seconds: float, journal: Path) -> Callable[[str], dict]:
    """What asks readers that are ready, as `ClusterAnalyst` does."""
    reading = Reading.options(num_replicas=replicas).bind(seconds, journal)
    serve.run(Root.bind(Decoding.bind(), reading, Fusing.bind()))
    parts = [serve.get_deployment_handle(part.name, "default") for part in (Decoding, Reading, Fusing)]

    def requests(name: str) -> list:
        decoded = parts[0].decode.remote(name)
        read = parts[1].read.remote(decoded)
        return [decoded, read, parts[2].analyze.remote(read)]

    return lambda name: asked(lambda: requests(name), None)


def load(
    ask: Callable[[str], dict], requests: int, callers: int, halfway: Callable[[list[dict]], None]
) -> tuple[list[dict], float]:
    """The answers, and the seconds that all took.

    halfway : called with the answers so far as soon as half of them are there
    """
    names = [uuid.uuid4().hex for _ in range(requests)]
    start, answers = time.perf_counter(), []
    with ThreadPoolExecutor(callers) as pool:
        for future in as_completed([pool.submit(ask, name) for name in names]):
            answers.append(future.result())
            if len(answers) == requests // 2:
                halfway(answers)
    assert set(names) >= {answer["name"] for answer in answers}
    return answers, time.perf_counter() - start


def counted(names: list[str], requests: int, journal: Path) -> dict[str, int]:
    """How many were answered, lost, answered twice, and finished more than once."""
    worked = Counter(journal.read_text().split())
    return {
        "asked": requests,
        "answered": len(set(names)),
        "lost": requests - len(set(names)),
        "answered_twice": len(names) - len(set(names)),
        "finished_twice": sum(worked[name] - 1 for name in set(names)),
    }


def kill_process(answers: list[dict]) -> None:
    """The replica that answered last, at once."""
    os.kill(answers[-1]["pid"], 9)


def kill_machine(cluster: Cluster, node, answers: list) -> None:
    """The raylet, at once; its processes end with it."""
    cluster.remove_node(node, allow_graceful=False)


def rows_through(requests: int, seconds: float, journal: Path, kill: Callable[[], None]) -> list[str]:
    """The rows that a cluster gives back, of which a machine is killed when half are there."""
    names = [uuid.uuid4().hex for _ in range(requests)]
    given = []
    for index, found in on_cluster(partial(sleeper, seconds, journal), names):
        if found == names[index]:
            given.append(found)
        if len(given) == requests // 2:
            threading.Thread(target=kill).start()
    return given


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="of the simulated reading")
    parser.add_argument("--requests", type=int, default=12, help="a replica")
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    seconds, per_replica = options.seconds, options.requests
    rates, found = {}, {}
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="ray-") as short, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        head = {"num_cpus": 7, "temp_dir": short, "include_dashboard": False, "_system_config": QUICK}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        ray.init(cluster.address, log_to_driver=False)
        for replicas in options.replicas:
            ask = deploy(replicas, seconds, folder / "scaling.txt")
            load(ask, replicas, replicas, lambda answers: None)  # every part is awake
            requests = per_replica * replicas
            _, took = load(ask, requests, CALLERS * replicas, lambda answers: None)
            rates[replicas] = requests / took
            linear = rates[replicas] / (rates[options.replicas[0]] * replicas / options.replicas[0])
            print(f"{replicas} replicas: {rates[replicas]:.2f} requests a second, {linear:.3f} of linear")

        requests = 4 * per_replica
        journal = folder / "process.txt"
        answers, _ = load(deploy(4, seconds, journal), requests, 4 * CALLERS, kill_process)
        found["process_killed"] = counted([answer["name"] for answer in answers], requests, journal)

        serve.delete("default")
        node, journal = cluster.add_node(num_cpus=4), folder / "machine.txt"
        cluster.wait_for_nodes()
        kill = partial(kill_machine, cluster, node)
        answers, _ = load(deploy(4, seconds, journal), requests, 4 * CALLERS, kill)
        found["machine_killed"] = counted([answer["name"] for answer in answers], requests, journal)
        found["machine_killed"]["answered_by_it_before"] = sum(
            answer["machine"] == node.node_id for answer in answers
        )
        serve.shutdown()

        node = cluster.add_node(num_cpus=4)
        cluster.wait_for_nodes()
        kill = partial(kill_machine, cluster, node, [])
        given = rows_through(requests, seconds, folder / "rows.txt", kill)
        found["rows_machine_killed"] = counted(given, requests, folder / "rows.txt")
        ray.shutdown()
        cluster.shutdown()
    for what, counts in found.items():
        print(f"{what}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    first = options.replicas[0]
    keep_latest(
        {
            "seconds_of_work": seconds,
            "requests_per_second_by_replicas": rates,
            "of_linear": {n: rate / (rates[first] * n / first) for n, rate in rates.items()},
            **found,
        }
    )


if __name__ == "__main__":
    main()
