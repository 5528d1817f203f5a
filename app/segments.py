"""`python -m app segments`: a recording utterance by utterance, on the terminal or into a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from app.service.analysis import as_displayed
from app.service.analyst import Analyst
from app.service.query import Query
from app.service.recordings.export import COLUMNS, FORMATS
from app.service.recordings.segment import Segment, summarise
from app.service.recordings.segment import row as table_row
from app.service.recordings.speakers import with_speakers
from app.settings import Settings
from app.tables import answer_rows
from models.manifest import ManifestError


def segments(args: argparse.Namespace, settings: Settings) -> None:
    """Prints or writes the utterances of one recording, or writes those of a CSV's rows.

    See `app.predict.run` for what goes wrong.
    """
    query = Query(args.clip, args.audio, method=args.method, modalities=args.modalities)
    if args.manifest:
        segments_manifest(Analyst(settings), Path(args.manifest), Path(args.out), query, args.ray)
        return
    found = with_speakers(_told(Analyst(settings), query))
    written = FORMATS[args.format](found) if args.format else describe(found)
    if args.out:
        Path(args.out).write_text(written, encoding="utf-8")
        print(f"{len(found)} utterances, written to {args.out}", file=sys.stderr)
    else:
        print(written.rstrip("\n"))


def segments_manifest(analyst: Analyst, manifest: Path, out: Path, query: Query, ray: bool = False) -> None:
    """Reads every recording of a CSV with a column `file`, relative to the CSV, as `query` asks.

    Writes the CSV's row again for each utterance, with COLUMNS and `error`; see
    `app.predict.predict_manifest` for `ray`, for names that are taken and for what is raised.
    """
    answer_rows(analyst, manifest, (), out, COLUMNS, partial(_cells, query), "read", ray)


def _cells(
    query: Query, analyst: Analyst, row: dict[str, str], file: Path | None, session: str
) -> list[list[str]]:
    if file is None:
        raise ManifestError("The row has no file.")
    asked = replace(query, video=file)
    found = with_speakers(analyst.segments(asked, session=session, only_asked=True))
    cells = [table_row(part) for part in found]
    return [["" if each[name] is None else str(each[name]) for name in COLUMNS] for each in cells]


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
