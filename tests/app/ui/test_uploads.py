"""Uploads go after their time and at the server's end; what the page itself shows stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from app.service.analyst import Analyst
from app.settings import Settings, SettingsError
from app.ui import page, uploads
from app.ui.uploads import VARIABLE, UploadSessions, own_folder

BOUNDARY = "of-one-file"
HOLD = """
import sys
from app.ui.uploads import own_folder
with own_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def fetch(url: str) -> int:
    """Status of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def upload(url: str, content: bytes) -> str:
    """The path that the server gives a file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="clip.mp4"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}gradio_api/upload", body, headers)) as answer:
        return json.load(answer)[0]


def pictures(url: str) -> list[str]:
    """Addresses of the files that a newly opened page shows."""
    with urllib.request.urlopen(f"{url}config", timeout=30) as answer:
        config = json.load(answer)
    found = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            if value.get("path") and str(value.get("url")).startswith(url):
                found.append(value["url"])
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(config["components"])
    return found


def test_only_uploads_are_deleted(monkeypatch, tmp_path):
    monkeypatch.setattr(page, "HOUR", 0.2)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    settings = Settings()
    with own_folder() as folder:
        demo = page.create_demo(Analyst(settings))
        options = {**page.launch_options(settings), "server_port": None, "prevent_thread_lock": True}
        demo.launch(**options, quiet=True)
        try:
            url = demo.local_url
            posters = pictures(url)
            assert len(posters) >= 8
            given = Path(upload(url, b"a clip of a visitor"))
            assert given.is_file()
            assert given.is_relative_to(folder)
            time.sleep(2.5)  # ten clean-ups
            assert [fetch(picture) for picture in pictures(url)] == [200] * len(posters)
            assert not given.exists()
        finally:
            demo.close()
    assert not folder.exists()


def test_each_server_has_its_own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with own_folder() as mine:
        (mine / "clip.mp4").write_bytes(b"of a visitor")
        assert os.environ[VARIABLE] == str(mine)
        monkeypatch.setenv(VARIABLE, str(tmp_path))  # as another process would have it
        with own_folder() as other:
            assert other != mine
            (other / "clip.mp4").write_bytes(b"of another visitor")
        assert not other.exists()
        assert (mine / "clip.mp4").read_bytes() == b"of a visitor"
        monkeypatch.setenv(VARIABLE, str(mine))
    assert not mine.exists()
    assert os.environ[VARIABLE] == str(tmp_path)


@pytest.mark.skipif(uploads.fcntl is None, reason="needs file locks")
def test_the_folder_of_a_killed_server_is_deleted_by_the_next(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    server = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    folder = Path(server.stdout.readline().strip())
    (folder / "clip.mp4").write_bytes(b"of a visitor")
    with own_folder():
        assert folder.is_dir()  # its server still runs
    server.send_signal(signal.SIGKILL)
    server.communicate()
    assert (folder / "clip.mp4").is_file()
    with own_folder():
        assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="set GRADIO_TEMP_DIR to a folder that"), own_folder():
        pass


def test_what_a_call_read_is_kept_as_long_as_its_upload(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "SWEEP_SECONDS", 0.02)
    clip, ended = tmp_path / "clip.mp4", []
    clip.write_bytes(b"film")
    sessions = UploadSessions(ended.append, lambda files: None)
    with sessions.call(str(clip), None) as first:
        pass
    with sessions.call(str(clip), None) as again:
        pass
    with sessions.call(None, None) as words_only:
        pass
    time.sleep(0.2)
    assert again == first != words_only
    assert ended == [words_only]
    clip.unlink()
    time.sleep(0.5)
    assert ended == [words_only, first]


def test_what_was_read_for_a_visitor_goes_with_the_upload(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "SWEEP_SECONDS", 0.02)
    old, new, forgotten = tmp_path / "old.mp4", tmp_path / "new.mp4", []
    sessions = UploadSessions(forgotten.append, lambda files: None)
    for clip in (old, new):
        clip.write_bytes(b"film")
        sessions.keep("visitor", str(clip), None)
    old.unlink()
    time.sleep(0.3)
    assert forgotten == ["visitor"]
    new.unlink()
    time.sleep(0.3)
    assert forgotten == ["visitor", "visitor"]
    sessions.end("visitor")
    assert forgotten == ["visitor"] * 3


def test_decoded_frames_lie_in_the_servers_folder_too():
    with own_folder() as folder, tempfile.TemporaryDirectory() as decoded:
        assert Path(decoded).parent == folder
