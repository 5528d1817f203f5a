"""A folder of its own for what visitors upload: nothing else lies in it, and it goes when its server ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import SettingsError

try:
    import fcntl
except ImportError:  # Windows: the folder of a server that was killed stays
    fcntl = None

PREFIX = "fusebox-uploads-"
LOCK = ".in-use"
VARIABLE = "GRADIO_TEMP_DIR"  # where Gradio keeps uploads; an operator may set it to the parent folder


@contextmanager
def own_folder() -> Iterator[Path]:
    """The folder of this server, which Gradio uses inside the block; both end together.

    It stands in the operator's GRADIO_TEMP_DIR, or else with the system's temporary files. Folders of servers
    that were killed before they could delete them are deleted first. SettingsError where none can be made.
    """
    given = os.environ.get(VARIABLE)
    parent = Path(given or tempfile.gettempdir()).resolve()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _delete_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise SettingsError(
            f"uploads cannot be kept in {parent} ({error.strerror}); "
            f"set {VARIABLE} to a folder that can be written"
        ) from error
    lock = (folder / f"{LOCK}-soon").open("w")
    _lock(lock)
    (folder / f"{LOCK}-soon").rename(folder / LOCK)  # locked before another server can find it
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if given is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = given
        lock.close()
        shutil.rmtree(folder, ignore_errors=True)


def _lock(file) -> bool:
    """True where nobody else holds the lock; a killed process holds none."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _delete_abandoned(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with path.open("w") as file:
                if _lock(file):
                    shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # of another user, or just being deleted by its owner
            continue
