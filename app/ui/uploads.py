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

from gradio.processing_utils import save_bytes_to_cache

from app.service.query import File
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
    """Sessions by the files that are theirs: what was read is kept no longer than those files.

    forget : told of every session that is over, or of whose files one is gone
    delete : deletes the files of a session that is over, but for those that another has too
    """

    def __init__(self, forget: Callable[[str], None], delete: Callable[[set[Path]], None]):
        self._forget, self._delete = forget, delete
        self._files: dict[str, set[Path]] = {}
        self._looking = False
        self._lock = threading.Lock()

    def keep(self, session: str, *files: File) -> None:
        """The session has given or was given these files; None for one that there is not."""
        given = {Path(file) for file in files if file}
        with self._lock:
            self._files.setdefault(session, set()).update(given)
            self._look_later()

    def hand_out(self, session: str, content: bytes, name: str, folder: str) -> str:
        """The path of a new file in a folder of Gradio's, for the session to take; it goes with that."""
        path = save_bytes_to_cache(content, name, folder)
        self.keep(session, path)
        return path

    def end(self, session: str) -> None:
        """The session is over."""
        with self._lock:
            files = self._files.pop(session, set())
            self._delete(files.difference(*self._files.values()))
        self._forget(session)

    @contextmanager
    def call(self, *files: str | None) -> Iterator[str]:
        """The session of a call: that of all calls about the same uploads; without any, one of its own."""
        given = [file for file in files if file]
        session = "|".join(given) or f"call-{uuid.uuid4()}"
        try:
            yield session
        finally:
            if given:
                self.keep(session, *given)
            else:
                self._forget(session)

    def sweep(self) -> None:
        """Forget what was read for sessions of which a file is no longer there."""
        with self._lock:
            gone = {s: {file for file in files if not file.is_file()} for s, files in self._files.items()}
            for session, files in gone.items():
                self._files[session] -= files
                if not self._files[session]:
                    del self._files[session]
            self._looking = False
            self._look_later()
        for session, files in gone.items():
            if files:
                self._forget(session)

    def _look_later(self) -> None:
        if self._files and not self._looking:
            self._looking = True
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
    before, tempfile.tempdir = tempfile.tempdir, str(folder)  # decoded frames go with it too
    try:
        yield folder
    finally:
        tempfile.tempdir = before
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
