"""A decoding child reads its one file and reaches nothing else: really tried from in there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from app import doctor
from app.media import confinement, guard
from app.media.confinement import in_force
from app.media.guard import DecodeLimits, decode_guarded, fork_server
from app.settings import Settings
from models.media.clip import MediaError

PATIENT = DecodeLimits(decode_seconds=200)  # also on a machine that is busy with something else

STRANGER = """
import os, signal, socket
from pathlib import Path
from models.media.clip import MediaError

def tell(attempt):
    try:
        raise MediaError("told", f"done: {attempt()}")
    except OSError as error:
        raise MediaError("told", f"refused: {error.strerror}")

def read_its_file(path, max_seconds, max_frames):
    tell(lambda: path.read_text())

def read_another(path, max_seconds, max_frames):
    other = path.read_text()
    tell(lambda: Path(other).read_text())

def list_its_folder(path, max_seconds, max_frames):
    tell(lambda: os.listdir(path.parent))

def change_its_file(path, max_seconds, max_frames):
    tell(lambda: path.write_text("changed"))

def delete_its_file(path, max_seconds, max_frames):
    tell(lambda: path.unlink())

def start_a_program(path, max_seconds, max_frames):
    tell(lambda: os.execv("/bin/sh", ["sh", "-c", "exit 0"]))

def connect(path, max_seconds, max_frames):
    tell(lambda: socket.create_connection(("127.0.0.1", int(path.read_text())), timeout=5))

def send(path, max_seconds, max_frames):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        tell(lambda: sender.sendto(b"hello", ("127.0.0.1", int(path.read_text()))))

def stop_another(path, max_seconds, max_frames):
    tell(lambda: os.kill(int(path.read_text()), signal.SIGTERM))
"""


@pytest.fixture(scope="module")
def files_can_be_left() -> None:
    if not in_force()["files"]:
        pytest.skip("this system has no Landlock")


@pytest.fixture(scope="module")
def network_can_be_left() -> None:
    if not in_force()["network"]:
        pytest.skip("this system gives no network namespace")


@pytest.fixture(params=[True, False], ids=["forked", "started"])
def tried(request, tmp_path, monkeypatch):
    """tried(what, content="hello") -> what became of it in the child of a file of this content."""
    if request.param and not guard.AVAILABLE:
        pytest.skip("this system cannot fork")
    monkeypatch.setattr(guard, "AVAILABLE", request.param)
    (tmp_path / "stranger.py").write_text(STRANGER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path = tmp_path / "upload.mp4"

    def run(what: str, content: object = "hello") -> str:
        path.write_text(str(content))
        with pytest.raises(MediaError) as told:
            decode_guarded(path, PATIENT, target=f"stranger:{what}")
        assert told.value.code == "told", told.value
        assert path.read_text() == str(content)
        return str(told.value)

    yield run
    fork_server.close()


def test_it_reads_its_one_file(tried):
    assert tried("read_its_file") == "done: hello"


def test_it_reads_no_other_file(tried, files_can_be_left, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("of somebody else")
    assert tried("read_another", canary) == "refused: Permission denied"


@pytest.mark.parametrize("what", ["list_its_folder", "change_its_file", "delete_its_file", "start_a_program"])
def test_it_lists_changes_and_starts_nothing(tried, files_can_be_left, what):
    assert tried(what) == "refused: Permission denied"


def test_it_stops_no_process(tried, files_can_be_left):
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 12):
        pytest.skip("this kernel's Landlock knows no signals")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert tried("stop_another", other.pid).startswith("refused")
        other.communicate(b"\n")
    assert other.returncode == 0


def test_it_calls_nobody(tried, network_can_be_left):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        assert tried("connect", listener.getsockname()[1]).startswith("refused")
        with pytest.raises(TimeoutError):
            listener.accept()


def test_it_sends_nothing(tried, network_can_be_left):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)
        assert tried("send", listener.getsockname()[1]).startswith("refused")
        with pytest.raises(TimeoutError):
            listener.recv(10)


@pytest.mark.parametrize("given", [True, False])
def test_the_doctor_tells_what_is_in_force(monkeypatch, given):
    monkeypatch.setattr(confinement, "in_force", lambda: {"network": given, "files": given})
    told = {finding.subject: finding for finding in doctor.decoding(Settings())}
    assert told["network"].ok is told["files"].ok is given
    assert "60 s" in told["memory and time"].state
    assert not any(finding.required and not finding.ok for finding in told.values())
