"""Many items on all machines of a Ray cluster; without one, on the cores of this machine.

Ray is optional: `pip install -r app/deploy/requirements.txt`. RAY_ADDRESS names a cluster that is there. Each
of its machines needs this project at the same place, and sees files under the same names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT = 256  # items at once: many more than a cluster has cores
TRIES = 3  # of an item whose process or machine ends while it is worked on


class ClusterError(ValueError):
    """There is no Ray, or no cluster where it was said to be."""


class WorkerLost(ValueError):
    """The process that worked on an item ended, each time that it was tried."""


def start_ray() -> None:
    """Join the cluster at RAY_ADDRESS, else start one of this machine alone, on 127.0.0.1; nobody is told.

    ClusterError where Ray is not installed or there is no cluster at RAY_ADDRESS.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ModuleNotFoundError as error:
        text = "Ray is not installed; install it with `pip install -r app/deploy/requirements.txt`."
        raise ClusterError(text) from error
    if ray.is_initialized():
        return
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        ray.init("local", include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    try:
        ray.init(address, **quiet)
    except (ConnectionError, RuntimeError) as error:
        text = f"No Ray cluster answers at RAY_ADDRESS={address}; start one with `ray start --head`."
        raise ClusterError(text) from error


def on_cluster(
    make: Callable[[], Callable[[T], R]], items: Sequence[T], gpu: bool = False
) -> Iterator[tuple[int, R | Exception]]:
    """(index, what the work gives for that item), once for every item, as they come.

    make : loads what the work needs, once a process, and gives the work, a function without side effects: an
    item whose process ends is worked on again, TRIES times in all. Both travel to other processes
    gpu : whether an item needs a GPU beside its core
    An exception of the work is given in the place of its result, as is WorkerLost.
    """
    start_ray()
    import ray
    from ray.exceptions import RayError, RayTaskError

    task = ray.remote(num_cpus=1, num_gpus=int(gpu), max_retries=TRIES - 1)(_work)
    made = ray.put(make)
    waiting = iter(enumerate(items))
    running: dict[ray.ObjectRef, int] = {}
    while True:
        for index, item in waiting:
            running[task.remote([made], item)] = index
            if len(running) >= IN_FLIGHT:
                break
        if not running:
            return
        (ref,), _ = ray.wait(list(running), num_returns=1)
        index = running.pop(ref)
        try:
            yield index, ray.get(ref)
        except RayTaskError as error:
            yield index, error.cause
        except RayError as error:
            text = f"the process that worked on it ended, {TRIES} times ({type(error).__name__})"
            yield index, WorkerLost(text)


def _work(made: list, item: object) -> object:
    """In a process of the cluster, which stays for the next item; in a list a reference stays one."""
    return _made(made[0])(item)


@cache
def _made(make: Any) -> Callable:
    """Loaded once a process."""
    import ray

    loaded: Any = ray.get(make)
    return loaded()
