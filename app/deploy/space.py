"""What a hosted Gradio Space runs: the page of `python -m app`, open to the network."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # A Space starts this file, so Python looks for modules in its folder and not in the project's.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("FUSEBOX_HOST", "0.0.0.0")  # a Space's proxy reaches the page from outside
    os.environ.setdefault("FUSEBOX_PROXIES", "1")  # and says whom it was reached by
    os.environ.setdefault("FUSEBOX_MCP", "1")
    if os.environ.get("SPACES_ZERO_GPU"):
        import app.service.zero_gpu  # noqa: F401  before all else: the host looks for what wants its GPU
    runpy.run_module("app", run_name="__main__", alter_sys=True)
