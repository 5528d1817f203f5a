"""A folder of its own for what visitors upload: nothing else lies in it, and it goes when its server ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import SettingsError

try:
    import fcntl
except ImportError:  # Windows: the folder of a server that was killed stays
    fcntl = None

SWEEP_SECONDS = 60.0  # s between two looks for uploads that are gone
PREFIX = "fusebox-uploads-"
LOCK = ".in-use"
VARIABLE = "GRADIO_TEMP_DIR"  # where Gradio keeps uploads; an operator may set it to the parent folder


class UploadSessions:
    """Sessions of calls by the files that they are about: what was read is kept while those files are.

    forget : told of every session that is over
    """

    def __init__(self, forget: Callable[[str], None]):
        self._forget = forget
        self._files: dict[str, list[Path]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def of(self, *files: str | None) -> Iterator[str]:
        """The session of a call about uploads; without any, it ends with the call."""
        given = [Path(file) for file in files if file]
        session = "|".join(map(str, given)) or f"call-{uuid.uuid4()}"
        if given:
            with self._lock:
                if not self._files:
                    self._look_later()
                self._files[session] = given
        try:
            yield session
        finally:
            if not given:
                self._forget(session)

    def sweep(self) -> None:
        """End the sessions of which a file is no longer there."""
        with self._lock:
            gone = [s for s, files in self._files.items() if not all(file.is_file() for file in files)]
            for session in gone:
                del self._files[session]
            if self._files:
                self._look_later()
        for session in gone:
            self._forget(session)

    def _look_later(self) -> None:
        timer = threading.Timer(SWEEP_SECONDS, self.sweep)
        timer.daemon = True
        timer.start()


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
