"""Visitors and callers who have left take no memory with them; `benchmarks/memory.py` asks for longer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crowd import Caller, Question, Visitor
from tests.serving import serving

FIRST, MORE = 5, 30  # visits; Gradio alone would keep 20 MB of them


def visit(url: str) -> None:
    """One visitor and one program ask about words, and go."""
    visitor = Visitor(url)
    visitor.set("input-tab", "text")
    visitor.set("words", "I love it.")
    visitor.fire("analyse", "click")
    visitor.fire("depth-compare", "select")
    asked = Question(None, "I love it.")
    assert abs(Caller(url).score(asked, None) - visitor.score()) < 0.051
    visitor.leave()


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
@pytest.mark.slow
def test_who_has_left_takes_no_memory(tmp_path: Path):
    with serving(tmp_path) as served:
        for _ in range(FIRST):
            visit(served.url)
        before = served.memory
        for _ in range(MORE):
            visit(served.url)
        assert served.memory < before + 10  # MB
