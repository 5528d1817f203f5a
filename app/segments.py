"""`python -m app segments`: a recording utterance by utterance, on the terminal or into a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from app.service.analysis import as_displayed
from app.service.analyst import Analyst
from app.service.query import Query
from app.service.recordings.export import FORMATS
from app.service.recordings.segment import Segment, summarise
from app.service.recordings.speakers import with_speakers
from app.settings import Settings


def segments(args: argparse.Namespace, settings: Settings) -> None:
    """Prints or writes the utterances of one recording; see `app.predict.run` for what goes wrong."""
    modalities = tuple(name.strip() for name in args.modalities.split(",") if name.strip())
    query = Query(args.clip, args.audio, method=args.method, modalities=modalities)
    found = with_speakers(list(_told(Analyst(settings), query)))
    written = FORMATS[args.format](found) if args.format else describe(found)
    if args.out:
        Path(args.out).write_text(written, encoding="utf-8")
        print(f"{len(found)} utterances, written to {args.out}", file=sys.stderr)
    else:
        print(written.rstrip("\n"))


def _told(analyst: Analyst, query: Query) -> Iterator[Segment]:
    """The utterances, while a bar on stderr tells how many seconds are read."""
    with tqdm(unit="s", file=sys.stderr, bar_format="{l_bar}{bar}| {n:.0f} of {total} s") as bar:

        def progress(seconds: float, whole: float | None) -> None:
            bar.total = whole and round(whole)
            bar.update(seconds - bar.n)

        yield from analyst.segments(query, progress=progress, only_asked=True)


def describe(found: list[Segment]) -> str:
    """The utterances and what they come to, for a person to read."""
    lines = []
    for part in found:
        score = f"{as_displayed(part.analysis.score):+.1f}" if part.analysis else "   -"
        text = part.transcript.text or (part.why and f"({part.why})")
        lines.append(f"{_minutes(part.start)} {part.speaker_name:<2} {score}  {text}".rstrip())
    summary = summarise(found)
    if summary.mean is None or summary.highest is None or summary.lowest is None:
        return "\n".join(lines)
    lines += ["", f"mean {as_displayed(summary.mean):+.1f}"]
    if len(summary.by_speaker) > 1:
        lines += [f"  {name}: {as_displayed(mean):+.1f}" for name, mean in summary.by_speaker.items()]
    highest, lowest = found[summary.highest], found[summary.lowest]
    lines.append(f"most positive at {_minutes(highest.start)}, most negative at {_minutes(lowest.start)}")
    if summary.turns:
        lines.append("turns at " + ", ".join(_minutes(found[n].start) for n in sorted(summary.turns)))
    return "\n".join(lines)


def _minutes(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes:2d}:{second:02d}"
