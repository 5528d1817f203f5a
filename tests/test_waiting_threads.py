"""How torch's threads wait for each other is said before torch is loaded, whatever is imported first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT

STARTS = {
    "a file of the service": ["-c", "import app.service.device"],
    "a file of the models": ["-c", "import models.tensors"],
    "the command line": ["-m", "app", "predict", "--text", "I loved it."],
    "the page": ["-m", "app"],
    "training": ["-m", "models", "train", "lmf", "--data", "features.npz"],
    "shipping": ["-m", "models.shipped", "measure", "clips", "--show"],
    "tests": ["-m", "pytest", "-s", "--collect-only", "--quiet", "tests/app", "tests/models"],
}
# stands in for torch, and tells what that would find
STAND_IN = "import os, sys; print(*map(os.environ.get, {names})); sys.stdout.flush(); os._exit(0)"
NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


@pytest.fixture
def found(tmp_path: Path):
    """What torch finds in the environment when it is loaded first, of a Python with these arguments."""
    (tmp_path / "torch.py").write_text(STAND_IN.format(names=NAMES))

    def run(arguments: list[str], **environment: str) -> list[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
        path = os.pathsep.join((str(tmp_path), str(ROOT)))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": path, **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()

    return run


@pytest.mark.parametrize("arguments", STARTS.values(), ids=STARTS)
def test_threads_do_not_wait_awake_for_long(found, arguments):
    assert found(arguments) == ["1000", "None"]


def test_what_a_user_says_of_it_holds(found):
    assert found(STARTS["the command line"], GOMP_SPINCOUNT="7") == ["7", "None"]
    assert found(STARTS["the command line"], OMP_WAIT_POLICY="ACTIVE") == ["None", "ACTIVE"]
