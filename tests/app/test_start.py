"""The page and an answer to words wait for nothing that they do not need."""

from __future__ import annotations

import subprocess
import sys

from tests.serving import ROOT

START = """
import sys
from app.service.analyst import Analyst
from app.service.query import Query
from app.settings import Settings
from app.ui import page

analyst = Analyst(Settings())
page.create_demo(analyst)
analyst.analyze(Query(text="I loved it."))
print(*sys.modules)
"""
# seconds each: torch's compiler, speech recognition, a larger Whisper's library, training
UNNEEDED = {"torch._dynamo", "faster_whisper", "ctranslate2", "transformers", "sklearn", "torchvision"}


def test_words_are_answered_without_what_only_others_need():
    command = [sys.executable, "-c", START]
    modules = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "gradio" in modules
    assert not UNNEEDED & set(modules)
