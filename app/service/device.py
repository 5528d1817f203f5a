"""Which device computes, and with how many threads."""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch

M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3  # glibc's malloc.h
HEAPS = 2  # that all threads share
LARGE = 8 << 20  # bytes from which a free block is given back at once; with 1 MB clips take 20 % longer
CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # "<microseconds> <period>" or "max <period>"


def lends_gpu() -> bool:
    """Whether the host lends its GPU for single calls, see `zero_gpu`."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def choose_device(wanted: str) -> str:
    """`auto`, `cpu`, `cuda` or `cuda:N` -> a torch device; ValueError where that GPU is not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() and not lends_gpu() else "cpu"
    if wanted.startswith("cuda"):
        index = int(wanted.partition(":")[2] or 0)
        if index >= torch.cuda.device_count():
            raise ValueError(
                f"FUSEBOX_DEVICE is {wanted!r}, but this machine has {torch.cuda.device_count()} CUDA "
                "devices that torch can use; give auto or cpu"
            )
    return wanted


def usable_cores() -> int:
    """Cores this process may use: its affinity and the container's quota, which torch overlooks."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    if CGROUP_QUOTA.exists():
        quota, period = CGROUP_QUOTA.read_text().split()
        if quota != "max":
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def limit_threads() -> None:
    """As many torch threads as usable cores, unless OMP_NUM_THREADS says otherwise."""
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(usable_cores())


def limit_heaps() -> None:
    """Few heaps for all threads, and no large blocks in them, where the C library is glibc.

    It would give every thread one of its own, each of which keeps what the largest clip took: memory that a
    server never gets back.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(M_ARENA_MAX, HEAPS)
        mallopt(M_MMAP_THRESHOLD, LARGE)


def release_heaps() -> None:
    """Give back what loading left free between the weights, where the C library is glibc."""
    malloc_trim = _glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _glibc(function: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
