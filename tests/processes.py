"""The processes that a process has started (Linux)."""

from __future__ import annotations

import contextlib
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Their numbers, in the order of their start."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found += map(int, listed.read_text().split())
    return found


def lineage(pid: int, most: int) -> list[int]:
    """The first child, its first child, and so on, `most` of them or as many as there are."""
    found: list[int] = []
    while len(found) < most and (children := children_of(found[-1] if found else pid)):
        found.append(children[0])
    return found
