"""A running server whose parts fail while it answers: who asks is told or answered, and the next one too."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.crowd import as_new
from tests.processes import lineage
from tests.serving import Served, serving

MB = 1_000_000  # bytes
DISK = 200 * MB  # of the server's temporary files; Whisper's weights are joined there
MOUNTED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = f'mount -t tmpfs -o size={DISK} tmpfs "$0" && exec "$@"'
PATIENCE = 120  # s
CHILDREN = ("fork server", "who waits", "decoder")  # each one's parent stands before it

pytestmark = pytest.mark.slow


def mounts() -> bool:
    """Whether a user may have a file system of his own here."""
    command = [*MOUNTED, "mount -t tmpfs tmpfs /mnt"]
    return (
        shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0
    )


@dataclass(frozen=True)
class Server:
    """A server whose temporary files are on a small disk of its own, seen from here as `disk`."""

    served: Served
    disk: Path
    clips: Path
    score: float  # of the example that all ask about

    def clip(self) -> Path:
        """The example as a file that nobody has asked about."""
        return as_new(self.clips / "plain.mp4", self.clips)

    def rest(self, clip: Path | None = None) -> httpx.Response:
        clip = clip or self.clip()
        with clip.open("rb") as file:
            return httpx.post(f"{self.served.url}v1/analyze", files={"clip": file}, timeout=PATIENCE)

    def page(self) -> float:
        """The score by the page's endpoint."""
        client = Client(self.served.url, verbose=False)
        return client.predict(clip=handle_file(self.clip()), api_name="/analyze")["score"]

    def answers_right(self) -> bool:
        """Whether both doors give the example's score now."""
        scores = self.rest().json()["score"], self.page()
        return scores == pytest.approx((self.score,) * 2, abs=1e-4)

    def fill(self, left: int = 0) -> Path:
        """A file that takes all room on the disk but so many bytes."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MB))
            except OSError:
                file.truncate(file.tell() - left)
        return filler


@pytest.fixture(scope="module")
def server(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not mounts():
        pytest.skip("this system gives no user a file system of his own, which could be full")
    folder = tmp_path_factory.mktemp("faults")
    disk, clips = folder / "disk", folder / "clips"
    disk.mkdir()
    clips.mkdir()
    shutil.copy(repository_root / "assets" / "examples" / "plain.mp4", clips)
    with serving(folder, within=(*MOUNTED, MOUNT, str(disk)), GRADIO_TEMP_DIR=str(disk / "up")) as served:
        seen = Path(f"/proc/{served.process.pid}/root{disk}")
        first = Server(served, seen, clips, 0.0)
        yield Server(served, seen, clips, first.rest().json()["score"])


def test_a_full_disk_is_told_and_what_needs_none_is_answered(server):
    filler = server.fill()
    refused = server.rest()
    assert (refused.status_code, refused.json()["code"]) == (503, "no_space")
    assert refused.headers["retry-after"]
    with server.clip().open("rb") as file:
        upload = httpx.post(f"{server.served.url}gradio_api/upload", files={"files": file})
    assert upload.status_code == 503 and "no room left" in upload.text and "磁盘" in upload.text
    words = httpx.post(f"{server.served.url}v1/analyze", json={"text": "I love it."}, timeout=PATIENCE)
    assert words.status_code == 200
    filler.unlink()
    assert server.answers_right()


def test_a_disk_with_room_for_an_upload_but_not_for_its_frames_is_told(server):
    clip = server.clip()
    filler = server.fill(left=5 * clip.stat().st_size)  # as it comes, and copied by each door
    refused = server.rest(clip)
    assert (refused.status_code, refused.json()["code"]) == (503, "no_space")
    with pytest.raises(AppError, match="no_space"):
        server.page()
    filler.unlink()
    assert server.answers_right()


def test_temporary_files_that_somebody_deleted_are_no_end(server):
    shutil.rmtree(server.disk / "up")
    assert server.answers_right()


@pytest.mark.parametrize("victim", CHILDREN)
def test_a_process_that_is_killed_while_it_decodes(server, victim):
    """The decoder's end is told, as the system ends what takes too much memory; others are made anew."""
    answer = None
    while answer is None:
        answer = killed_meanwhile(server, CHILDREN.index(victim))
    if victim == "decoder":
        assert (answer.status_code, answer.json()["code"]) == (400, "too_much_memory")
    else:
        assert answer.json()["score"] == pytest.approx(server.score, abs=1e-4)
    assert server.answers_right()
    assert len(lineage(server.served.process.pid, len(CHILDREN))) == 1  # the fork server


def killed_meanwhile(server: Server, victim: int) -> httpx.Response | None:
    """What a request got whose process was killed; None where it was done before."""
    answers, killed = [], False
    asking = threading.Thread(target=lambda: answers.append(server.rest()))
    asking.start()
    while asking.is_alive() and not killed:
        family = lineage(server.served.process.pid, len(CHILDREN))
        if len(family) == len(CHILDREN):
            with contextlib.suppress(ProcessLookupError):  # it ended a moment ago
                os.kill(family[victim], signal.SIGKILL)
                killed = True
        sleep(0.001)
    asking.join()
    return answers[0] if killed else None
