"""How long an answer takes: the first one for a clip, and every switch after it.

    python tests/benchmarks/answer.py CLIP [--repeats 5]

Prints milliseconds by stage, and ratios that hold on any machine: how much quicker a switched modality and
another method answer than a new clip, and how a clip without speech recognition compares with its decoding
alone; and how long all methods take for every subset. A process is warmed up as the page is, on another clip,
before timing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.service.analyst import Analyst  # noqa: E402
from app.service.comparison import compare  # noqa: E402
from app.service.query import Query  # noqa: E402
from app.settings import Settings  # noqa: E402
from models.media.decode import decode  # noqa: E402
from models.registry import FUSION_MODELS  # noqa: E402
from models.types import MODALITIES  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402

OTHERS = ("tfn", "lrcmt")  # methods: one like most, and the one that runs a language model
WARM_UP = ROOT / "assets" / "examples" / "astronaut.mp4"


def milliseconds(action) -> tuple[float, object]:
    """(time, result) of one call."""
    start = time.perf_counter()
    result = action()
    return 1000 * (time.perf_counter() - start), result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    loading, analyst = milliseconds(lambda: Analyst(Settings.from_environment()))
    with tempfile.TemporaryDirectory() as folder:
        unknown = Path(folder) / WARM_UP.name  # an empty box at its end: no stored reading answers for it
        unknown.write_bytes(WARM_UP.read_bytes() + b"\0\0\0\x08free")
        warming, _ = milliseconds(lambda: analyst.analyze(Query(video=unknown)))
    print(f"loading and a first clip  {loading + warming:8.0f} ms")

    first, switched, others = [], [], {method: [] for method in OTHERS}
    for repeat in range(options.repeats):
        analyst.forget(f"{repeat - 1}")
        session = f"{repeat}"
        took, analysis = milliseconds(lambda s=session: analyst.analyze(Query(video=options.clip), session=s))
        first.append(took)
        for off in MODALITIES:
            on = [m for m in MODALITIES if m != off]
            call = lambda s=session, m=on: analyst.analyze(Query(video=options.clip, modalities=m), session=s)  # noqa: E731
            switched.append(milliseconds(call)[0])
        for method, times in others.items():
            call = lambda s=session, m=method: analyst.analyze(Query(video=options.clip, method=m), session=s)  # noqa: E731
            times.append(milliseconds(call)[0])
    for stage, took in analysis.timings_ms.items():
        print(f"  of which {stage:15} {took:8.0f} ms")
    answer = statistics.median(first)
    utterance, _, used = analyst.open(Query(video=options.clip), session=session)
    compared = lambda: compare(utterance, used, analyst.checkpoint, FUSION_MODELS)  # noqa: E731
    all_methods = statistics.median(milliseconds(compared)[0] for _ in range(options.repeats + 1))
    bare = statistics.median(milliseconds(lambda: decode(options.clip))[0] for _ in range(options.repeats))
    print(f"a new clip                {answer:8.0f} ms (median of {options.repeats})")
    without_speech = (answer - analysis.timings_ms["speech"]) / bare
    print(f"without speech            {without_speech:8.1f} times bare decoding, {bare:.0f} ms")
    print(f"{len(FUSION_MODELS)} methods x 7 subsets  {all_methods:8.0f} ms")
    figures = {"bare decoding": bare, "all methods, all subsets": all_methods}
    figures |= {"a new clip": answer, "stages": analysis.timings_ms}
    for name, times in {"a switched modality": switched, **others}.items():
        median = figures[name] = statistics.median(times)
        print(f"{name:25} {median:8.1f} ms, {answer / median:.0f} times quicker")
    keep_latest({"milliseconds": figures})


if __name__ == "__main__":
    main()
