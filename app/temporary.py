"""Folders for what a request leaves on disk while it is answered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is there for the context, with the other temporary files.

    Where somebody tidied up the place of all temporary files, it is made again: a server outlives that.
    """
    Path(tempfile.gettempdir()).mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
