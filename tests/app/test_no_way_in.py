"""No caller has the server open, fetch or write what is not an upload: page, REST, tools."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.serving import Served, serving

SECRET = "a-secret-of-this-machine"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(folder) -> Iterator[Served]:
    with serving(folder, FUSEBOX_MCP="1") as running:
        yield running


@pytest.fixture(scope="module")
def inside() -> Iterator[tuple[str, list[str]]]:
    """A server that only this machine reaches, and the paths that it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


@pytest.fixture(scope="module")
def secret(folder) -> Path:
    """A clip outside the folder of the uploads."""
    path = folder / "secret.mp4"
    path.write_text(SECRET)
    return path


@pytest.fixture(scope="module")
def given(served, folder, secret, inside) -> list[dict]:
    """What a file field may hold that is no upload."""
    address, _ = inside
    (uploads,) = (folder / "uploads").glob("fusebox-uploads-*")
    link = uploads / "link" / "clip.mp4"
    link.parent.mkdir()
    link.symlink_to(secret)
    upload = {"files": ("clip.mp4", b"film")}
    (uploaded,) = httpx.post(f"{served.url}gradio_api/upload", files=upload).json()
    paths = [
        "http://169.254.169.254/latest/meta-data/",
        f"{address}/clip.mp4",
        f"{address.upper()}/clip.mp4",
        f"http://127.1:{address.rsplit(':')[-1]}/clip.mp4",
        "https://example.org/clip.mp4",
        "file:///etc/passwd",
        f"file://{secret}",
        "ftp://127.0.0.1/clip.mp4",
        "gopher://127.0.0.1:25/_",
        "data:video/mp4;base64,AAAA",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        str(secret),
        f"{uploads}/../../secret.mp4",
        f"{uploaded}/../../../../secret.mp4",
        "../../../../../../../../etc/passwd",
        str(link),
        "\0",
        "a" * 10_000,
    ]
    meta = {"_type": "gradio.FileData"}
    return [
        *({"path": path, "meta": meta} for path in paths),
        *({"path": path, "url": path, "meta": meta} for path in paths),
        *(
            {"path": path, "url": path, "orig_name": "x.mp4", "is_stream": True, "meta": meta}
            for path in paths
        ),
        {"path": uploaded, "url": f"{address}/url", "meta": meta},
        {"path": uploaded, "orig_name": f"../../../{secret.name}", "meta": meta},
        *({"path": path} for path in paths),
        *({"url": path, "meta": meta} for path in paths),
        *paths,
    ]


def asked_of_the_page(served: Served, file: object) -> str:
    """All that `/analyze` says of a file."""
    posted = httpx.post(f"{served.url}gradio_api/call/v2/analyze", json={"clip": file}, timeout=60)
    if not posted.is_success:
        return posted.text
    return httpx.get(f"{served.url}gradio_api/call/v2/analyze/{posted.json()['event_id']}", timeout=60).text


def test_no_file_field_of_the_page_opens_or_fetches_what_is_no_upload(served, given, inside, secret):
    for file in given:
        told = asked_of_the_page(served, file)
        assert SECRET not in told and "root:" not in told, file
        assert '"score"' not in told and "Traceback" not in told, file
    assert inside[1] == []
    assert secret.read_text() == SECRET
    assert "Traceback" not in served.log.read_text()


def test_no_event_of_the_page_does(served, given, inside, folder):
    config = httpx.get(f"{served.url}config").json()
    files = {part["id"] for part in config["components"] if part["type"] in ("video", "audio", "file")}
    events = [
        e for e in config["dependencies"] if e["backend_fn"] and files & {*e["inputs"]} and not e["queue"]
    ]
    assert events
    for event in events:
        for file in given:
            data = [file if i in files else None for i in event["inputs"]]
            asked = {"data": data, "fn_index": event["id"], "session_hash": "x"}
            answer = httpx.post(f"{served.url}gradio_api/run/predict", json=asked, timeout=60)
            assert SECRET not in answer.text
    assert inside[1] == []


def test_no_file_is_served_that_is_no_upload(served, given, inside):
    paths = {file["path"] for file in given if isinstance(file, dict) and "path" in file}
    for path in paths:
        if "\0" in path or len(path) > 5000 or (Path(path).name == "clip.mp4" and "fusebox-uploads" in path):
            continue  # no address; and what is an upload, or stands for one
        for route in ("file=", "file/", "proxy="):
            answer = httpx.get(f"{served.url}gradio_api/{route}{path}", timeout=20)
            assert answer.status_code in (403, 404, 405), (route, path, answer.status_code)
            assert SECRET not in answer.text
    assert inside[1] == []


@pytest.mark.parametrize("clip", ["http://169.254.169.254/", "file:///etc/passwd", "/etc/passwd"])
def test_rest_opens_no_path_and_no_address(served, clip):
    form = httpx.post(f"{served.url}v1/analyze", data={"clip": clip}, files={"x": ("", b"")})
    body = httpx.post(f"{served.url}v1/analyze", json={"clip": clip, "text": "x"})
    assert (form.status_code, body.status_code) == (422, 422)


def test_tools_fetch_nothing(served, given, inside):
    accepted = {"accept": "application/json, text/event-stream"}
    for clip in {file for file in given if isinstance(file, str)}:
        call = {"name": "transcribe", "arguments": {"clip": clip}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        for proxied in ({}, {"x-forwarded-for": "203.0.113.7"}):
            told = httpx.post(f"{served.url}mcp", json=body, headers=accepted | proxied, timeout=60).json()
            assert told["result"]["isError"], clip
            assert SECRET not in json.dumps(told) and "root:" not in json.dumps(told)
    assert inside[1] == []


@pytest.mark.parametrize(
    "name", ["../../../../escaped.mp4", "/tmp/escaped.mp4", "..\\escaped.mp4", "....//escaped"]
)
def test_an_upload_s_name_steers_it_nowhere(served, folder, name):
    (path,) = httpx.post(f"{served.url}gradio_api/upload", files={"files": (name, b"film")}).json()
    (uploads,) = (folder / "uploads").glob("fusebox-uploads-*")
    assert Path(path).resolve().is_relative_to(uploads)
    rest = httpx.post(f"{served.url}v1/analyze", files={"clip": (name, b"film")})
    assert rest.status_code == 415
    assert [file for file in folder.parent.rglob("escaped*") if not file.is_relative_to(uploads)] == []


def test_an_uploaded_page_is_not_shown_as_one(served):
    for name in ("page.html", "picture.svg", "page.xhtml", "script.js"):
        film = {"files": (name, b"<script>alert(1)</script>")}
        (path,) = httpx.post(f"{served.url}gradio_api/upload", files=film).json()
        shown = httpx.get(f"{served.url}gradio_api/file={path}")
        assert shown.headers["content-disposition"].startswith("attachment")
        assert shown.headers["content-type"] == "application/octet-stream"
        assert shown.headers["x-content-type-options"] == "nosniff"


def test_nobody_s_page_is_kept_in_a_file(served):
    for path in ("deep_link?session_hash=x", "vibe-code", "process_recording", "dev/reload"):
        assert httpx.get(f"{served.url}gradio_api/{path}").status_code in (403, 404, 405)
