"""`python -m tests.benchmarks` knows every benchmark; clips made for one have the length asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.media.decode import decode
from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.growth import of_length


def test_one_command_runs_every_benchmark():
    folder = Path(__file__).parent
    scripts = {
        path.stem for path in folder.glob("[!_]*.py") if "\ndef main(" in path.read_text(encoding="utf-8")
    }
    assert set(BENCHMARKS) == scripts


@pytest.mark.parametrize("seconds", [1.0, 13.0])
def test_an_example_is_cut_or_repeated(tmp_path, seconds):
    clip = decode(of_length(seconds, tmp_path))
    assert clip.duration == pytest.approx(seconds, abs=0.1)
    assert clip.frames is not None and len(clip.frames) == pytest.approx(5 * seconds, abs=1)
    assert not clip.damaged
