"""What a machine lacks for a moment is told as such at every door, and the next request is right."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest
import torch
from mcp import Client
from starlette.testclient import TestClient

from app.mcp_server import create as create_tools
from app.rest.admission import Places
from app.rest.service import create
from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from app.ui import words
from app.ui.controller import Controller
from app.ui.page_state import Visit
from models.checkpoint import fusion_path
from models.registry import FUSION_MODELS
from models.tensors import CheckpointError, load_tensors, save_tensors
from tests.asynchronous import finished

SAID = "i really liked it"
NO_CPU_MEMORY = "[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"
SHORT = {
    "GPU memory": (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB"), "no_memory"),
    "memory": (MemoryError(), "no_memory"),
    "memory of torch": (RuntimeError(NO_CPU_MEMORY), "no_memory"),
    "room on the disk": (OSError(errno.ENOSPC, "No space left on device"), "no_space"),
}


def fails_once(model: torch.nn.Module, error: Exception) -> None:
    """Lets the next call of a model end as a device does that has no room for its tensors."""

    def fail(*_) -> None:
        hook.remove()
        raise error

    hook = model.register_forward_pre_hook(fail)


@pytest.fixture
def rest(analyst) -> TestClient:
    return TestClient(create(analyst, Places(100, 2)))


@pytest.mark.parametrize(("error", "code"), SHORT.values(), ids=SHORT)
def test_what_is_short_is_told_at_every_door(analyst, rest, error, code):
    wanted = analyst.analyze(Query(text=SAID)).score
    model = analyst.checkpoint("lmf").model
    analyst.forget("")

    fails_once(model, error)
    refused = rest.post("/analyze", json={"text": SAID})
    assert (refused.status_code, refused.json()["code"]) == (503, code)
    assert refused.headers["retry-after"] and "a minute" in refused.json()["message"]

    fails_once(model, error)
    with pytest.raises(gr.Error, match="请过一分钟再试"):
        Controller(analyst).ask(Query(text=SAID), None, Visit("visitor", words.CHINESE))

    fails_once(model, error)

    async def asked():
        async with Client(create_tools(analyst, Places(1, 1).running)) as client:
            return await client.call_tool("analyze_words", {"text": SAID})

    assert code in finished(asked()).content[0].text

    assert rest.post("/analyze", json={"text": SAID}).json()["score"] == pytest.approx(wanted, abs=1e-4)


def test_what_else_goes_wrong_is_no_shortage(analyst):
    fails_once(analyst.checkpoint("lmf").model, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        analyst.analyze(Query(text=SAID))


def test_extractors_that_find_no_room_on_the_gpu(analyst, rest, write_clip, monkeypatch):
    """The call of a clip in which its voice fails; the next decodes and hears it anew."""
    hear, failures = analyst.profile.hear, [SHORT["GPU memory"][0]]

    def full_once(waveform):
        if failures:
            raise failures.pop()
        return hear(waveform)

    monkeypatch.setattr(analyst.profile, "hear", full_once)
    clip, form = write_clip(), {"text": SAID}
    refused = rest.post("/analyze", files={"clip": clip.open("rb")}, data=form)
    assert (refused.status_code, refused.json()["code"]) == (503, "no_memory")
    wanted = analyst.analyze(Query(clip, text=SAID)).score
    answer = rest.post("/analyze", files={"clip": clip.open("rb")}, data=form)
    assert answer.json()["score"] == pytest.approx(wanted, abs=1e-4)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def of_other_extractors(path: Path) -> None:
    tensors, meta = load_tensors(path)
    fingerprints = dict.fromkeys(meta["fingerprints"], "other")
    save_tensors(path, tensors, {**meta, "fingerprints": fingerprints})


def of_another_profile(path: Path) -> None:
    tensors, meta = load_tensors(path)
    save_tensors(path, tensors, {**meta, "profile": "hub"})


@pytest.mark.parametrize("damage", [Path.unlink, cut, of_other_extractors, of_another_profile])
def test_weights_that_cannot_be_used_are_told_until_they_can(
    checkpoints, profile, tmp_path, damage: Callable[[Path], None]
):
    root = tmp_path / "checkpoints"
    shutil.copytree(checkpoints, root)
    analyst = Analyst(Settings(device="cpu", checkpoints=root), profile)
    rest = TestClient(create(analyst, Places(100, 1)))
    for method in FUSION_MODELS:
        damage(fusion_path(method, root=root))
    for method in FUSION_MODELS:
        with pytest.raises(CheckpointError, match=str(fusion_path(method, root=root))):
            analyst.checkpoint(method)
    refused = rest.post("/analyze", json={"text": SAID})
    assert (refused.status_code, refused.json()["code"]) == (503, "no_weights")
    assert str(root) not in refused.text
    shutil.copytree(checkpoints, root, dirs_exist_ok=True)
    wanted = Analyst(Settings(device="cpu", checkpoints=checkpoints), profile)
    for method in FUSION_MODELS:
        answer = rest.post("/analyze", json={"text": SAID, "method": method})
        assert answer.json()["score"] == pytest.approx(
            wanted.analyze(Query(text=SAID, method=method)).score, abs=1e-4
        )
