"""Fusebox in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# uvicorn takes them where they are; they come with Ray, and a user of the page has neither
NOT_THE_USERS = ("uvloop", "httptools")
START_SECONDS = 240  # loading torch and the weights on a busy machine


@dataclass(frozen=True)
class Served:
    """A running server: where it answers, its process, and what it has printed."""

    url: str
    process: subprocess.Popen
    log: Path

    @property
    def memory(self) -> float:
        """Resident MB of the process (Linux)."""
        return resident(self.process.pid)


@contextmanager
def serving(
    folder: Path,
    every: float = 0.3,
    command: tuple[str, ...] = ("-m", "app"),
    within: tuple[str, ...] = (),
    **environment: str,
) -> Iterator[Served]:
    """`python -m app`, or another command, on a free port until the context ends.

    Uploads and log go to `folder`.
    every : seconds between looks whether it answers
    within : a command that becomes the one that is appended to it
    """
    port, hiding = free_port(), folder / "hiding"
    hiding.mkdir(exist_ok=True)
    for package in NOT_THE_USERS:
        (hiding / f"{package}.py").write_text("raise ImportError")
    settings = {
        "FUSEBOX_HOST": "127.0.0.1",
        "FUSEBOX_PORT": str(port),
        "FUSEBOX_ALLOW_DOWNLOADS": "0",
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "PYTHONPATH": os.pathsep.join((str(hiding), str(ROOT))),
        **environment,
    }
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*within, sys.executable, *command],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=file,
            stderr=file,
        )
    served = Served(f"http://127.0.0.1:{port}/", process, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(served.url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the page did not start:\n{log.read_text()}")
            time.sleep(every)
        yield served
    finally:
        process.terminate()
        process.wait(20)


def resident(process: int | str = "self") -> float:
    """Resident MB of a process (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1000


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(url: str) -> bool:
    """True where a server answers at `url`."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False
