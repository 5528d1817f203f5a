"""`python -m app` whose memory can be searched: python -m tests.searched_server FOLDER.

On SIGUSR1 it reads FOLDER/needles.json, a list of texts, and writes FOLDER/found.json: what Python's objects
hold of them, and what the analyst keeps. A visit ends AWAY_SECONDS after its page was closed.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.__main__ import main
from app.service.cache import SessionCache
from app.ui import presence
from tests.serving import Served

AWAY_SECONDS = 2.0  # s, a minute elsewhere
PATIENCE = 240.0  # s for a search


def search(folder: Path) -> None:
    """Write what is found."""
    needles = json.loads((folder / "needles.json").read_bytes())
    gc.unfreeze()  # what is frozen is not listed
    gc.collect()
    found = sorted({f"{type(holder).__name__}: {text[:300]!r}" for holder, text in holders(needles)})
    partial = folder / "partial.json"
    partial.write_text(json.dumps(found))
    partial.replace(folder / "found.json")


def holders(needles: list[str]) -> Iterator[tuple[object, str]]:
    """Objects that hold a text or bytes with a needle in it, and full caches."""
    mine, seen, ahead = needles, set(), gc.get_objects()
    while ahead:
        holder = ahead.pop()
        if holder is mine or holder is ahead or id(holder) in seen:
            continue
        seen.add(id(holder))
        if isinstance(holder, SessionCache) and len(holder):
            yield holder, f"{len(holder)} entries"
        for part in gc.get_referents(holder):
            if isinstance(part, str | bytes | bytearray):
                text = part if isinstance(part, str) else part.decode("latin1")
                if any(needle in text for needle in mine):
                    yield holder, text
            elif isinstance(part, tuple | dict) and not gc.is_tracked(part):  # of texts alone
                ahead.append(part)


def found_in(served: Served, folder: Path, needles: list[str]) -> list[str]:
    """What is found in the memory of a server of this kind."""
    (folder / "found.json").unlink(missing_ok=True)
    (folder / "needles.json").write_text(json.dumps(needles))
    os.kill(served.process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + PATIENCE
    while not (folder / "found.json").exists():
        assert time.monotonic() < deadline, "the server did not search"
        time.sleep(0.05)
    return json.loads((folder / "found.json").read_bytes())


if __name__ == "__main__":
    folder = Path(sys.argv.pop())
    presence.AWAY_SECONDS = AWAY_SECONDS
    signal.signal(signal.SIGUSR1, lambda *_: search(folder))
    sys.exit(main([]))
