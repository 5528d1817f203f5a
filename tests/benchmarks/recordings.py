"""Long recordings: are they cut where one utterance ends, who speaks, and does each score as it does alone?

    python tests/benchmarks/recordings.py [CLIPS] [--pairs 3] [--minutes 10]

Recordings are joined from the labelled clips of 2 to 15 s in CLIPS, two speakers taking turns: one a pair of
the six speakers on whom no constant of `app/service/recordings` was chosen, and one of the first pair
that is as long as --minutes, its clips said again and again, for time and memory. A cut or an end counts as
found within 0.5 s. Scores are compared where both ends of a clip were found.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.service.analyst import Analyst  # noqa: E402
from app.service.query import Query  # noqa: E402
from app.service.recordings.segment import Segment  # noqa: E402
from app.service.recordings.speakers import with_speakers  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402
from tests.joined import Said, alternating, join, seconds_of  # noqa: E402
from tests.serving import resident  # noqa: E402

PAIRS = (
    ("2iD-tVS8NPw", "8qrpnFRGt2A"),
    ("8OtFthrtaJM", "9J25DZhivz8"),
    ("6_0THN4chvY", "9c67fiY0wGQ"),
)
SHORTEST, LONGEST = 2.0, 15.0  # s of a clip
NEAR = 0.5  # s


def in_turn(clips: Path, pair: tuple[str, str]) -> list[tuple[str, Path]]:
    """(speaker, clip), as many of each speaker."""
    turns = alternating(clips, pair, SHORTEST, LONGEST)
    fewest = min(Counter(speaker for speaker, _ in turns).values())
    return turns[: 2 * fewest]


def judged(said: Sequence[Said], found: Sequence[Segment], alone: dict[Path, float]) -> dict[str, float]:
    """How what was found agrees with what is known."""
    joins, cuts = [part.start for part in said[1:]], [part.start for part in found[1:]]
    truth = [max(said, key=lambda one: min(one.end, part.end) - max(one.start, part.start)) for part in found]
    speakers = [part.speaker for part in found]
    names = {
        number: Counter(one.speaker for one, who in zip(truth, speakers, strict=True) if who == number)
        for number in {*speakers} - {None}
    }
    right = [
        who is not None and names[who].most_common(1)[0][0] == one.speaker
        for one, who in zip(truth, speakers, strict=True)
    ]
    differences = [
        abs(part.analysis.score - alone[one.file])
        for one in said
        for part in found
        if part.analysis and abs(part.start - one.start) <= NEAR and abs(part.end - one.end) <= NEAR
    ]
    return {
        "clips": len(said),
        "utterances": len(found),
        "joins_found": _share(min(abs(join - at) for at in cuts) <= NEAR for join in joins),
        "cuts_at_joins": _share(min(abs(join - at) for join in joins) <= NEAR for at in cuts),
        "speakers": len(names),
        "right_speaker": _share(right),
        "clips_found_whole": len(differences) / len(said),
        "mean_difference": statistics.mean(differences),
        "median_difference": statistics.median(differences),
    }


def _share(flags) -> float:
    flags = list(flags)
    return sum(flags) / max(1, len(flags))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ROOT.parent / "shared" / "data" / "clips"
    parser.add_argument("clips", type=Path, nargs="?", default=default, help="folder of manifest.csv")
    parser.add_argument("--pairs", type=int, default=len(PAIRS), help="of speakers")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the recording that is timed")
    options = parser.parse_args()
    analyst = Analyst()
    analyst.prepare()
    analyst.speakers()
    figures: dict = {"pairs": {}}
    with tempfile.TemporaryDirectory() as folder:
        for pair in PAIRS[: options.pairs]:
            turns = in_turn(options.clips, pair)
            alone = {file: analyst.analyze(Query(file), session="alone").score for _, file in turns}
            recording = Path(folder) / "pair.mp4"
            said = join(turns, recording)
            for kind, query in (("film", Query(recording)), ("sound", Query(None, recording))):
                found = with_speakers(analyst.segments(query, session="pair"))
                figures["pairs"][f"{pair[0]} {pair[1]}, {kind}"] = judged(said, found, alone)
                print(pair, kind, figures["pairs"][f"{pair[0]} {pair[1]}, {kind}"], flush=True)
            analyst.forget("alone")
            analyst.forget("pair")
        films = [told for name, told in figures["pairs"].items() if name.endswith("film")]
        for name in ("joins_found", "cuts_at_joins", "right_speaker", "mean_difference"):
            figures[name] = statistics.mean(told[name] for told in films)
        figures |= timed(analyst, options.clips, options.minutes, Path(folder) / "long.mp4")
    print({name: value for name, value in figures.items() if name != "pairs"})
    keep_latest(figures)


def timed(analyst: Analyst, clips: Path, minutes: float, recording: Path) -> dict[str, float]:
    """Time and memory of one long recording."""
    turns = in_turn(clips, PAIRS[0])
    count = round(60 * minutes / statistics.mean(seconds_of(file) for _, file in turns))
    said = join(list(islice(cycle(turns), count)), recording)
    began, first, memory = time.perf_counter(), 0.0, []
    for number, _ in enumerate(analyst.segments(Query(recording), session="long")):
        first = first if number else time.perf_counter() - began
        memory.append(resident())
    taken, length = time.perf_counter() - began, said[-1].end
    analyst.forget("long")
    return {
        "seconds": length,
        "time_by_length": taken / length,
        "seconds_to_first": first,
        "memory_at_a_quarter_mb": memory[len(memory) // 4],
        "memory_at_the_end_by_a_quarter": memory[-1] / memory[len(memory) // 4],
    }


if __name__ == "__main__":
    main()
