"""What was computed for a clip, kept by content, bounded in bytes, gone with its session."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.media.clip import MediaError

DIGESTS_BYTES = 1_000_000  # of digests, 64 bytes each


class Cancelled(Exception):
    """Whoever asked for a computation no longer wants it."""


@dataclass
class _Entry:
    value: Any
    size: int  # bytes
    sessions: set[str]


@dataclass
class _Pending:
    result: Future
    sessions: set[str]


class SessionCache:
    """Least-recently-used cache whose entries belong to the sessions that asked for them.

    capacity : bytes; a value larger than that is returned and not kept
    Thread-safe. A value is computed once, however many threads ask for its key meanwhile.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._pending: dict[Hashable, _Pending] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, session: str, compute: Callable[[], Any]) -> Any:
        """The value of `key`, from `compute` where it is not kept.

        Threads that ask while it is being computed wait, and get the same value or the same exception; where
        it was cancelled, one of them computes it.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                entry.sessions.add(session)
                return entry.value
            pending = self._pending.get(key)
            if pending is not None:
                pending.sessions.add(session)
            else:
                mine = self._pending[key] = _Pending(Future(), {session})
        if pending is not None:
            try:
                return pending.result.result()
            except Cancelled:
                return self.get(key, session, compute)
        try:
            value = compute()
        except BaseException as error:
            with self._lock:
                del self._pending[key]
            mine.result.set_exception(error)
            raise
        with self._lock:
            del self._pending[key]
            self._keep(key, _Entry(value, nbytes(value), mine.sessions))
        mine.result.set_result(value)
        return value

    def holds(self, key: Hashable) -> bool:
        """True where the value of `key` is kept now."""
        return key in self._entries

    def forget(self, session: str) -> None:
        """Drop what only `session` asked for, also what is still being computed for it."""
        with self._lock:
            for pending in self._pending.values():
                pending.sessions.discard(session)
            for key, entry in list(self._entries.items()):
                entry.sessions.discard(session)
                if not entry.sessions:
                    self._drop(key)

    @property
    def bytes(self) -> int:
        """Bytes held now, at most `capacity`."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        if not entry.sessions or entry.size > self.capacity:
            return
        self._entries[key] = entry
        self._bytes += entry.size
        while self._bytes > self.capacity:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._entries.pop(key).size


def nbytes(value: Any) -> int:
    """Bytes of the arrays, tensors and strings inside nested dataclasses, mappings and sequences."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, str | bytes):
        return len(value)
    if is_dataclass(value):
        return sum(nbytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return sum(nbytes(item) for pair in value.items() for item in pair)
    if isinstance(value, list | tuple):
        return sum(map(nbytes, value))
    return 8


class FileDigests:
    """SHA-256 of files; one unchanged (same path, inode, size and time) is not read again in its session."""

    def __init__(self) -> None:
        self._known = SessionCache(DIGESTS_BYTES)

    def of(self, path: Path, session: str) -> str:
        """Hex digest of the file's bytes; MediaError where there is no such file."""
        if not path.is_file():
            raise MediaError("missing", f"There is no file {path.name}.", name=path.name)
        stat = path.stat()

        def compute() -> str:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

        return self._known.get((str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns), session, compute)

    def forget(self, session: str) -> None:
        """Drop the digests that only `session` asked for."""
        self._known.forget(session)
