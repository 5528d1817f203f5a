"""More than one process: the answers of Ray's are those of one, also when some end."""

from __future__ import annotations

import csv
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own settings for pydantic
    ray = pytest.importorskip(
        "ray", reason="Ray is not installed: pip install -r app/deploy/requirements.txt"
    )
    from ray import serve

import app.tables as tables
from app.deploy import cluster_analyst
from app.deploy.ingress import build
from app.predict import predict_manifest
from app.rest.service import Refused
from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from models.features.files import load_features
from models.manifest import ManifestError
from models.training import extraction
from tests.serving import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SAID = ["i really liked it", "it was terrible", "it is a film", "what a lovely day"]
FREE_BOX = b"\0\0\0\x08free"  # an empty part of an mp4, with which it is another file of the same clip


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A Ray of our own: cores for the deployments and one task, sockets in a folder with a short name.

    Memory for one reader: Serve would start a second while the first is away, on the core of the task.
    """
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray-") as folder:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            "local",
            num_cpus=3,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=folder,
            _memory=6 << 30,
            _node_ip_address="127.0.0.1",
        )
        try:
            yield
        finally:
            serve.shutdown()
            ray.shutdown()


@pytest.fixture(scope="module")
def address(cluster) -> str:
    port = free_port()
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(build(Settings(device="cpu")))
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def here() -> Analyst:
    """An analyst of this process."""
    return Analyst(Settings(device="cpu"))


@pytest.fixture(scope="module")
def clip(example_clip, tmp_path_factory) -> Path:
    """An example of which no reading is stored."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    path.write_bytes(example_clip.read_bytes() + FREE_BOX)
    return path


@pytest.fixture
def manifest(clip, tmp_path) -> Path:
    """Three rows, of which the second has a bad file."""
    (tmp_path / "bad.mp4").write_text("no clip")
    rows = [
        ["file", "text", "score", "split"],
        [str(clip), "what a lovely day", "0.8", "train"],
        ["bad.mp4", "hello there", "0.1", "test"],
        ["", "it was terrible", "-0.6", "valid"],
    ]
    return write_rows(tmp_path / "manifest.csv", rows)


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def analyzed(address: str, clip: Path, **asked: str) -> httpx.Response:
    return httpx.post(f"{address}/v1/analyze", files={"clip": clip.open("rb")}, data=asked, timeout=120)


def test_rest_gives_what_an_analyst_gives(address, clip, here):
    response = analyzed(address, clip, method="mfm", modalities="text,vision")
    assert response.status_code == 200, response.text
    query = Query(clip, method="mfm", modalities=("text", "vision"))
    wanted = here.analyze(query, only_asked=True).to_json()
    assert {**response.json(), "timings_ms": None} == {**wanted, "timings_ms": None}
    assert all(response.json()["timings_ms"][stage] > 0 for stage in ("decode", "speech", "vision", "fusion"))


def test_a_page_reads_there_and_asks_here(address, clip, here):
    page = Analyst(Settings(device="cpu", serve=address), here.profile)
    for query in (Query(clip), Query(clip, text=SAID[1]), Query(clip, method="tfn", modalities=("audio",))):
        found, wanted = page.analyze(query, session="a"), here.analyze(query, session="b")
        assert {**found.to_json(), "timings_ms": None} == {**wanted.to_json(), "timings_ms": None}
        assert (found.crops == wanted.crops).all() and (found.log_mel == wanted.log_mel).all()
    assert page.analyze(Query(clip), session="a").timings_ms["decode"] == 0  # kept, as if read here


@pytest.mark.parametrize(
    ("content", "asked", "status", "code"),
    [
        (b"no clip", {}, 415, "not_media"),
        (None, {"face": "7"}, 400, "no_such_face"),
        (None, {"method": "no"}, 422, "unknown_method"),
        (None, {"modalities": "text", "text": ""}, 400, "nothing_used"),
    ],
)
def test_errors_come_with_their_code_through_every_process(
    address, clip, tmp_path, content, asked, status, code
):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip.read_bytes() if content is None else content)
    response = analyzed(address, path, **asked)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_page_says_so_when_nobody_reads_there(clip, here):
    page = Analyst(Settings(device="cpu", serve=f"http://127.0.0.1:{free_port()}"), here.profile)
    with pytest.raises(ValueError, match="machines that read clips do not answer"):
        page.analyze(Query(clip))


def test_a_replica_that_is_killed_loses_no_request(address, clip, here):
    names = [actor["name"] for actor in ray.util.list_named_actors(all_namespaces=True)]
    (reading,) = (name for name in names if "#Reading#" in name)
    with ThreadPoolExecutor(len(SAID)) as pool:
        asked = [pool.submit(analyzed, address, clip, text=said) for said in SAID]
        while not any(future.done() for future in asked):  # one is answered, others are at work
            pass
        ray.kill(ray.get_actor(reading, namespace="serve"))
        responses = [future.result() for future in asked]
    assert [response.status_code for response in responses] == [200] * len(SAID)
    wanted = [here.analyze(Query(clip, text=said)).score for said in SAID]
    assert [response.json()["score"] for response in responses] == pytest.approx(wanted, abs=1e-3)


class NeverTaken:
    """A request that Serve has forgotten."""

    def result(self, timeout_s: float) -> str:
        raise TimeoutError


class Taken:
    def result(self, timeout_s: float) -> str:
        return "answer"


def test_a_request_that_no_replica_takes_is_asked_again_and_given_up_at_last(monkeypatch):
    monkeypatch.setattr(cluster_analyst, "TAKEN_SECONDS", 0.0)
    requests = iter([[NeverTaken()], [NeverTaken()], [Taken()]])
    assert cluster_analyst.asked(lambda: next(requests), None) == "answer"
    with pytest.raises(Refused, match="ask again in a minute"):
        cluster_analyst.asked(lambda: [NeverTaken()], None)


def interrupted(after: int, on_cluster):
    """The same, ended by Ctrl-C after so many results."""

    def some(make, items, gpu=False):
        for done, result in enumerate(on_cluster(make, items, gpu)):
            if done == after:
                raise KeyboardInterrupt
            yield result

    return some


def test_a_table_is_the_same_and_an_interrupted_one_goes_on(manifest, here, tmp_path, monkeypatch):
    predict_manifest(here, manifest, tmp_path / "here.csv", Query())
    out, on_cluster, asked = tmp_path / "there.csv", tables.on_cluster, []
    monkeypatch.setattr(tables, "on_cluster", interrupted(2, on_cluster))
    with pytest.raises(KeyboardInterrupt):
        predict_manifest(here, manifest, out, Query(), ray=True)

    def counting(make, items, gpu=False):
        asked.extend(items)
        return on_cluster(make, items, gpu)

    monkeypatch.setattr(tables, "on_cluster", counting)
    predict_manifest(here, manifest, out, Query(), ray=True)
    assert out.read_text() == (tmp_path / "here.csv").read_text()
    assert len(asked) < 3  # what was done is not done again; the bad file may be
    assert not out.with_name("there.csv.rows").exists()


def test_features_are_the_same_and_a_bad_file_is_told_when_the_rest_is_done(manifest, tmp_path):
    with pytest.raises(ManifestError, match=r"row 2: .*bad.mp4 cannot be decoded"):
        extraction.extract_features(manifest, tmp_path / "there.npz", ray=True)
    rows = list(csv.reader(manifest.open(encoding="utf-8")))
    assert len(list((tmp_path / "there.npz.parts").iterdir())) == 2  # the rows that can be read
    rows[2][0] = ""  # its words alone
    write_rows(manifest, rows)
    there = extraction.extract_features(manifest, tmp_path / "there.npz", ray=True)
    here = extraction.extract_features(manifest, tmp_path / "here.npz")
    assert there.transcripts == here.transcripts and there.names == here.names
    for split in ("train", "valid", "test"):
        (found,), (wanted,) = there[split], here[split]
        assert found.states.keys() == wanted.states.keys()
        assert all((found.states[m] - wanted.states[m]).abs().max() < 1e-4 for m in wanted.states)
    assert load_features(tmp_path / "there.npz").dims == here.dims
