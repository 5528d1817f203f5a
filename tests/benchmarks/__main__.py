"""Runs the benchmarks one after another, each in a process of its own.

    python -m tests.benchmarks [--data ../shared/data] [--only answer,growth] [--quick]

Each prints its medians, spreads and ratios, and keeps them in tests/benchmarks/results/. --quick tries each
with little, keeps nothing, and says only whether it runs. Those that train for hours, or first make features
of all the labelled data, run where --only names them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.switch import CHROMIUM
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[2]
CLIP = "{data}/clips/video/03bSnISJMiM_1.mp4"


@dataclass(frozen=True)
class Benchmark:
    """How a script is run.

    arguments : {data} stands for the labelled data, {page} for a running page's address, {heard} for the
    words recognised in all clips
    quick : what --quick adds; None where it leaves the benchmark out
    long : takes hours
    """

    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    long: bool = False


BENCHMARKS = {
    "start": Benchmark(quick=("--repeats", "1")),
    "answer": Benchmark((CLIP,), ("--repeats", "1")),
    "switch": Benchmark(("{page}",), ("--switches", "3")),
    "beside_mmsa": Benchmark(quick=("--steps", "1", "--only", "lmf", "--no-shipped")),
    "fusion_speed": Benchmark(("--data", "{data}", "--skip-ranks"), ("--repeats", "1", "--steps", "2")),
    "training_speed": Benchmark(
        quick=("--methods", "lmf,late", "--utterances", "640", "--steps", "5", "--repeats", "1"),
    ),
    "extraction": Benchmark(("--data", "{data}"), ("--clips", "2")),
    "growth": Benchmark(
        quick=(
            *("--seconds", "1", "2", "--repeats", "1", "--callers", "1", "2", "--clips", "1"),
            *("--row", "1", "2", "--plot", "{results}/growth.svg"),
        )
    ),
    "many_callers": Benchmark(("{data}/clips",), ("--callers", "4", "--requests", "3", "--clips", "2")),
    "memory": Benchmark(("{data}/clips",), ("--requests", "8", "--first", "8")),
    "recordings": Benchmark(("{data}/clips",), ("--pairs", "1", "--minutes", "0.5")),
    "live": Benchmark(quick=("--seconds", "3")),
    "ray_scaling": Benchmark(quick=("--seconds", "0.1", "--requests", "4", "--replicas", "1", "2")),
    "faces_found": Benchmark(("--data", "{data}")),
    "vision_leak": Benchmark(("--data", "{data}"), ()),
    "recognition": Benchmark(("{heard}",)),
    "translation": Benchmark(quick=("--sentences", "1")),
    "imagined_faces": Benchmark(("--data", "{data}"), long=True),
    "accuracy": Benchmark(("--data", "{data}"), long=True),
    "missing": Benchmark(("--data", "{data}"), long=True),
    "paper_questions": Benchmark(("--data", "{data}"), long=True),
    "gap_map": Benchmark(("--data", "{data}"), long=True),
    "mla_ablation": Benchmark(("--data", "{data}"), long=True),
    "lrcmt_adapters": Benchmark(("--data", "{data}"), long=True),
    "lmf_emotions": Benchmark(("--data", "{data}"), long=True),
}


def obstacle(benchmark: Benchmark, data: Path) -> str:
    """Why it cannot run here, "" where it can."""
    wanted = " ".join(benchmark.arguments)
    if ("{data}" in wanted or "{heard}" in wanted) and not data.is_dir():
        return f"needs the labelled data, which is not in {data}; give --data"
    if "{page}" in wanted and not any(map(shutil.which, CHROMIUM)):
        return "needs Chromium"
    return ""


def run(name: str, benchmark: Benchmark, data: Path, quick: bool) -> int:
    """The exit code of the script."""
    template = (*benchmark.arguments, *(benchmark.quick or () if quick else ()))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = os.environ | ({"BENCHMARK_RESULTS": str(folder)} if quick else {})
        places = {"{data}": str(data), "{results}": str(folder)}
        if "{page}" in template:
            places["{page}"] = stack.enter_context(serving(folder)).url
        if "{heard}" in template:
            heard = places["{heard}"] = str(folder / "heard.csv")
            clips = str(data / "clips" / "manifest.csv")
            command = [sys.executable, "-m", "app", "transcribe", "--manifest", clips, "--out", heard]
            subprocess.run(command, cwd=ROOT, check=True)
        arguments = []
        for argument in template:
            for place, value in places.items():
                argument = argument.replace(place, value)
            arguments.append(argument)
        script = Path("tests", "benchmarks", f"{name}.py")
        return subprocess.run([sys.executable, script, *arguments], cwd=ROOT, env=environment).returncode


def main() -> int:
    """Prints what each found, then how each ended; 1 where one failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", default="", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    if unknown := set(only) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(BENCHMARKS)}")
    ends = {}
    for name, benchmark in BENCHMARKS.items():
        if name not in only and (only or benchmark.long):
            continue
        if options.quick and benchmark.quick is None:
            ends[name] = "left out: there is no quick way"
        elif reason := obstacle(benchmark, options.data):
            ends[name] = f"left out: {reason}"
        else:
            print(f"\n== {name}", flush=True)
            start = time.monotonic()
            code = run(name, benchmark, options.data.resolve(), options.quick)
            ends[name] = f"{'failed' if code else 'done'} in {time.monotonic() - start:.0f} s"
    print("\n" + "\n".join(f"{name:15} {end}" for name, end in ends.items()))
    return int(any(end.startswith("failed") for end in ends.values()))


if __name__ == "__main__":
    sys.exit(main())
