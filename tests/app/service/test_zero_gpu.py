"""On a Space that lends its GPU: the extractors alone ask for it, in processes that keep nothing."""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import sys
import types
from collections.abc import Callable

import numpy as np
import pytest
import torch

from app.service import device
from app.service.analyst import Analyst
from app.service.query import Query
from app.service.stored import StoredUtterances
from models.extractors.face_tracking import FaceTrack

SAID = "i really liked it"


@pytest.fixture
def host(monkeypatch) -> list[tuple[str, float]]:
    """As a host lends it: a decorated call runs in a process of its own, what goes in and out is pickled.

    Gives the calls that were made, with the seconds each asked for.
    """
    asked: list[tuple[str, float]] = []

    def lent(duration: Callable) -> Callable:
        def decorate(task: Callable) -> Callable:
            def call(*given):
                asked.append((given[0], duration(*given)))
                ends, begins = multiprocessing.Pipe(duplex=False)

                def work():
                    torch.set_num_threads(1)
                    begins.send_bytes(pickle.dumps(task(*given)))

                process = multiprocessing.get_context("fork").Process(target=work)
                process.start()
                assert ends.poll(60), "the call did not come back"
                answer = pickle.loads(ends.recv_bytes())
                process.join()
                return answer

            return call

        return decorate

    spaces = types.ModuleType("spaces")
    spaces.GPU = lent
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu = importlib.import_module("app.service.zero_gpu")
    monkeypatch.setattr(zero_gpu, "DEVICE", "cpu")
    yield asked
    del sys.modules["app.service.zero_gpu"]


def test_only_extractors_ask_for_it_and_the_answer_is_the_same(host, monkeypatch, example_clip):
    clip = example_clip
    lent = Analyst(stored=StoredUtterances(clip.parent / "none"))  # else the example is not read at all
    answer = lent.analyze(Query(clip, None, SAID, "lmf"))
    calls = {call for call, _ in host}
    assert calls == {"read", "hear", "embed_faces"}
    before = len(host)
    lent.analyze(Query(clip, None, SAID, "mla"))
    lent.analyze(Query(clip, None, SAID, "lmf", ("text",)))
    assert len(host) == before  # other methods and switches cost no visitor's share
    monkeypatch.delenv("SPACES_ZERO_GPU")
    expected = Analyst().analyze(Query(clip, None, SAID, "lmf"))
    assert answer.score == pytest.approx(expected.score, abs=1e-3)  # it is stored in half precision


def test_a_longer_clip_asks_for_longer(host):
    seconds = importlib.import_module("app.service.zero_gpu").seconds
    short, long = (seconds("hear", np.zeros(16_000 * length, np.float32)) for length in (2, 120))
    assert seconds("read", "words") <= short < long <= 30
    track = FaceTrack(np.zeros((2, 48, 48), np.uint8), np.array([1.0, 61.0]))
    assert seconds("embed_faces", track) == pytest.approx(seconds("hear", np.zeros(16_000 * 60)))


def test_the_fusion_stays_on_the_cpu_there_and_nothing_changes_elsewhere(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.choose_device("auto") == "cuda"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert device.choose_device("auto") == "cpu"
    assert "app.service.zero_gpu" not in sys.modules
