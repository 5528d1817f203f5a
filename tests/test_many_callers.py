"""Sixteen callers at once, at every door: none fails, and each score is that of the clip alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crowd import OFFERED, as_new, crowd, differing
from tests.serving import serving

CALLERS, REQUESTS = 16, 3


@pytest.mark.slow
def test_none_of_many_callers_fails_or_gets_anothers_score(repository_root: Path, tmp_path: Path):
    examples = repository_root / "assets" / "examples"
    # copies, for the examples answer from stored readings
    clips = [as_new(examples / f"{name}.mp4", tmp_path) for name in ("brave", "plain", "delight")]
    with serving(tmp_path, **OFFERED) as served:
        outcome = crowd(served.url, clips, CALLERS, REQUESTS, tmp_path)
        assert not outcome.failures and outcome.requests == CALLERS * REQUESTS
        assert "Traceback" not in served.log.read_text()
    with serving(tmp_path) as served:
        assert not differing(outcome, served.url)
