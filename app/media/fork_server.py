"""A small process that has imported the decoder and forks a child for every file (Linux).

A new Python needs a fifth of a second of a core to import numpy and PyAV; a fork needs milliseconds. The
server opens no file itself, and has no network: each child is limited, decodes one file and ends
(`app.media.child`).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from app.media import child  # and with it the decoder, for all that are forked
from app.media.confinement import leave_network

ROOT = Path(__file__).resolve().parents[2]
AVAILABLE = sys.platform == "linux"
MESSAGE = 1 << 16  # bytes that a job may have
PR_SET_PDEATHSIG = 1  # of Linux's prctl
GRACE = 5.0  # s after a job's own limit until its process counts as lost


class ForkServer:
    """Runs jobs, each in a process of its own; starts at the first one, and again after it was killed.

    May be used from any thread. The server ends with this process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._environment: Mapping[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def run(self, job: dict, seconds: float, environment: Mapping[str, str]) -> tuple[int, bool]:
        """(return code, whether it ended within `seconds`) of a job; see `app.media.child.run`.

        environment : all that the child sees of this process's
        """
        message = json.dumps({**job, "seconds": seconds}).encode()
        for _ in range(2):  # a server that was killed has not begun, or its child went with it
            mine, theirs = socket.socketpair()
            with mine:
                mine.settimeout(seconds + GRACE)
                with theirs:
                    self._send(message, theirs, environment)
                try:
                    answer = mine.recv(MESSAGE)
                except TimeoutError:
                    return -signal.SIGKILL, False
            if answer:
                result = json.loads(answer)
                return result["returncode"], not result["late"]
        return -signal.SIGKILL, True

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the server where it does not run, or runs with another environment."""
        with self._lock:
            self._start(environment)

    def close(self) -> None:
        """End the server; jobs that are being done are done to their end."""
        with self._lock:
            self._close()

    def _send(self, message: bytes, answer: socket.socket, environment: Mapping[str, str]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._start(environment), [message], [answer.fileno()])
            except OSError:  # it was killed a moment ago
                self._close()
                socket.send_fds(self._start(environment), [message], [answer.fileno()])

    def _start(self, environment: Mapping[str, str]) -> socket.socket:
        """Where the server takes jobs."""
        running = self._process is not None and self._process.poll() is None
        if self._control and running and self._environment == environment:
            return self._control
        self._close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.media.fork_server"],
                cwd=ROOT,
                env=dict(environment),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._environment = dict(environment)
        return self._control

    def _close(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


def serve(control: socket.socket) -> None:
    """Fork for every job until `control` is closed: a process that waits, and one that does it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks what became of those that wait
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE, 1)
        if not message:
            return
        [answer] = descriptors
        if os.fork() == 0:
            control.close()
            job = json.loads(message)
            os.write(answer, json.dumps(_wait_for(job, answer)).encode())
            os._exit(0)
        os.close(answer)


def _wait_for(job: dict, answer: int) -> dict:
    """What became of a job in a forked process that is killed after the job's seconds."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answer)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # whoever limits its time may be killed
        try:
            child.do(job)
            os._exit(0)
        finally:
            os._exit(1)
    late = False

    def stop(*_) -> None:
        nonlocal late
        late = True
        os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, job["seconds"])
    status = os.waitpid(pid, 0)[1]
    return {"returncode": os.waitstatus_to_exitcode(status), "late": late}


if __name__ == "__main__":
    with socket.socket(fileno=os.dup(0)) as jobs:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what is forked must not read jobs
        leave_network()  # once, for all that are forked
        serve(jobs)
