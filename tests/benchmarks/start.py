"""How long the start takes, and what the server needs in memory once it has answered.

    python tests/benchmarks/start.py [--clip CLIP] [--repeats 3]

Each repeat starts the server (until the page answers, until words are answered, memory a while later), and
`python -m app predict` of one clip, one after the other. Prints medians, the spread, and the ratio to the
import of torch and Gradio in an empty Python, which no start can do without.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gradio_client import Client

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.results import keep_latest  # noqa: E402
from tests.serving import serving  # noqa: E402

CLIP = ROOT / "assets" / "examples" / "brave.mp4"
MAPPED = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")  # begins the lines of a mapping; its file ends it
CUDA = ("libcu", "libnv", "libnccl", "libtorch_cuda", "libc10_cuda")
SETTLED = 15.0  # s after the first answer, when everything is loaded
EMPTY_BOX = b"\0\0\0\x08free"  # at the end of a film: no stored reading answers for it


def seconds(*arguments: str) -> float:
    """How long a Python with these arguments runs, to its very end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def for_gpus(pid: int) -> float:
    """Resident MB of a process in the libraries of CUDA, which torch for Linux loads without a GPU, too."""
    kilobytes, name = 0, ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if MAPPED.match(line):
            name = line.rpartition("/")[2]
        elif line.startswith("Rss:") and name.startswith(CUDA):
            kilobytes += int(line.split()[1])
    return kilobytes / 1000


def serve() -> dict[str, float]:
    """Seconds until the page and the first words are answered, MB of memory then and a while later."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), every=0.02) as served:
        page = time.perf_counter() - start
        Client(served.url, verbose=False).predict(text="I loved it.", api_name="/analyze")
        words, memory = time.perf_counter() - start, served.memory
        time.sleep(SETTLED)
        return {
            "page up, s": page,
            "first answer to words, s": words,
            "memory then, MB": memory,
            "memory, all loaded, MB": served.memory,
            "of it libraries for GPUs, MB": for_gpus(served.process.pid),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        unknown = Path(folder) / options.clip.name
        unknown.write_bytes(options.clip.read_bytes() + EMPTY_BOX)
        repeats = [
            {
                "import torch, s": seconds("-c", "import torch"),
                "import gradio, s": seconds("-c", "import gradio"),
                "predict one clip, s": seconds("-m", "app", "predict", str(unknown)),
                **serve(),
            }
            for _ in range(options.repeats)
        ]
    figures = {}
    for name in repeats[0]:
        values = [repeat[name] for repeat in repeats]
        median = statistics.median(values)
        figures[name] = {"median": median, "from": min(values), "to": max(values)}
        print(f"{name:26} {median:8.2f}   from {min(values):.2f} to {max(values):.2f}")
    torch, gradio = (figures[f"import {name}, s"]["median"] for name in ("torch", "gradio"))
    ratios = {
        "page up / imports": figures["page up, s"]["median"] / (torch + gradio),
        "first answer to words / imports": figures["first answer to words, s"]["median"] / (torch + gradio),
        "predict / import of torch": figures["predict one clip, s"]["median"] / torch,
    }
    for name, ratio in ratios.items():
        print(f"{name:32} {ratio:.2f}")
    keep_latest({"repeats": options.repeats, **figures, "ratios": ratios})


if __name__ == "__main__":
    main()
