"""What benchmarks found: finished runs, so that none is repeated, and the latest figures to compare with."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from jinja2 import Template

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "benchmark"
LATEST = Path(os.environ.get("BENCHMARK_RESULTS", Path(__file__).parent / "results"))
METRICS = ("mae", "corr", "acc7", "acc2_non0", "acc2_has0", "f1_non0", "f1_has0")  # that the tables show


def shown(figures: dict[str, float]) -> dict[str, float]:
    """The figures of METRICS."""
    return {metric: figures[metric] for metric in METRICS}


def options_of_runs(description: str | None, out: str, seeds: int, epochs: int) -> argparse.ArgumentParser:
    """A parser with what every benchmark that trains over seeds takes; `out` names its file of results."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=seeds, help="how many, from 0")
    parser.add_argument("--epochs", type=int, default=epochs, help="at most, of our methods")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=CACHE / out)
    return parser


def keep_latest(figures: dict[str, Any], device: str = "cpu") -> None:
    """Write what the running benchmark found, and how, to `results/<its name>.json` (`_cuda` on a GPU)."""
    script = Path(sys.argv[0])
    found = {
        "command": " ".join(["python", f"tests/benchmarks/{script.name}", *sys.argv[1:]]),
        "date": datetime.now().astimezone().date().isoformat(),
        "machine": _machine(device),
        "figures": figures,
    }
    suffix = "" if device == "cpu" else "_cuda"
    path = LATEST / f"{script.stem}{suffix}.json"
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def draw(template: str, path: Path, **content: Any) -> None:
    """Write a picture, from a template beside the benchmarks."""
    drawn = Template((Path(__file__).parent / template).read_text(encoding="utf-8")).render(content)
    path.write_text(drawn, encoding="utf-8")


def _machine(device: str) -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.is_file() else []
    name = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())
    gpu = f", {torch.cuda.get_device_name()}" if device != "cpu" else ""
    return (
        f"{name}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, torch {torch.__version__}"
    )


class Results:
    """A file of runs that several processes may share.

    A run is known by its key: a JSON-able dict of everything that decides its outcome.
    """

    def __init__(self, path: Path):
        self.path = path

    def find(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The line of a run, key and result; None where it is not done."""
        wanted = json.loads(json.dumps(key))  # as the file would give it back
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        return next((line for line in map(json.loads, lines) if wanted.items() <= line.items()), None)

    def line(
        self, key: dict[str, Any], title: str, run: Callable[[], dict[str, Any]], train: bool
    ) -> dict[str, Any] | None:
        """`find_or_run`, told by its title, where `train`; else only `find`."""
        if not train:
            return self.find(key)
        line = self.find_or_run(key, run)
        print(f"{title}: {line['seconds']} s", file=sys.stderr, flush=True)
        return line

    def find_or_run(self, key: dict[str, Any], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The line of a run, which is run now and written where it is not done."""
        line = self.find(key)
        if line is None:
            line = {**key, **run()}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")  # in one write: lines of two processes do not mix
        return line
