"""`python -m app predict` and `transcribe`: one clip, or every row of a CSV, on the terminal."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from app.media.language import CODES
from app.media.whisper import RecogniserError
from app.segments import segments
from app.service.analysis import Analysis, Notice, Transcript, as_displayed, noted
from app.service.analyst import Analyst
from app.service.notices import READ_IN_PART, WITHIN, cut_at
from app.service.query import Query
from app.settings import Settings
from app.tables import answer_rows
from models.manifest import ManifestError
from models.tensors import CheckpointError

SCORED = ("score", "label", "lo", "hi", "notes")
HEARD = ("words", "notes")
NAMES = {"text": "words", "audio": "voice", "vision": "face"}
GAUGE_STEPS = 10  # characters a point of the scale


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Runs the command; exit code 0 done, 1 weights missing or damaged, 2 input that cannot be used."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a transcript may hold what the terminal cannot show
    try:
        {"predict": predict, "segments": segments, "transcribe": transcribe}[args.command](args, settings)
    except (CheckpointError, RecogniserError) as error:
        print(error, file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def predict(args: argparse.Namespace, settings: Settings) -> None:
    """Prints the analysis of one clip, or writes the scores of a CSV's rows."""
    query = Query(
        args.clip, args.audio, args.text, args.method, args.modalities, args.face, args.start, args.end
    )
    analyst = Analyst(settings)
    if args.manifest:
        predict_manifest(analyst, Path(args.manifest), Path(args.out), query, args.ray)
        return
    analysis = analyst.analyze(query, only_asked=True)
    print(json.dumps(analysis.to_json(), indent=2) if args.json else describe(analysis))


def transcribe(args: argparse.Namespace, settings: Settings) -> None:
    """Prints the words of one clip, or writes those of a CSV's rows."""
    analyst = Analyst(settings)
    if args.manifest:
        transcribe_manifest(analyst, Path(args.manifest), Path(args.out))
        return
    transcript, notices = analyst.transcribe(video=args.clip)
    print(transcript.text)
    if transcript.original:
        print(said(transcript), file=sys.stderr)
    for notice in notices:
        if notice.code in READ_IN_PART:
            print(notice.text, file=sys.stderr)
    if not transcript.text:
        print(no_words(notices), file=sys.stderr)


def no_words(notices: Iterable[Notice]) -> str:
    """Why an empty transcript is empty."""
    codes = {notice.code.removesuffix(WITHIN) for notice in notices}
    seconds = cut_at(notices)
    within = "" if seconds is None else f" in the first {seconds:g} seconds"
    if "no_sound" in codes:
        return f"There is no sound{within}."
    if "nobody_speaks" in codes:
        return f"Nobody speaks in the sound{within}."
    return f"No words were recognised in the sound{within}."


def said(transcript: Transcript) -> str:
    """What was said before it was translated."""
    return f'translated from {CODES[transcript.language]}: "{transcript.original}"'


def describe(analysis: Analysis) -> str:
    """An analysis for a person to read, in ASCII but for the transcript."""
    low, high = analysis.interval
    within = f"80 % interval {as_displayed(low):+.1f} to {as_displayed(high):+.1f}"
    lines = [
        f"{as_displayed(analysis.score):+.1f}  {analysis.label}   {within}   {analysis.method}",
        f"-3 {gauge(analysis)} +3",
        "",
        "         sure   weight  alone   changes the score by",
    ]
    for modality, part in analysis.modalities.items():
        cells = (
            f"{max(part.probabilities):.2f}" if part.probabilities else "",
            f"{part.weight:.2f}" if part.weight is not None else "",
            f"{as_displayed(part.score):+.1f}" if part.score is not None else "",
            f"{part.occlusion:.2f}" if part.occlusion is not None else "",
        )
        state = "" if part.used else "off" if part.present is None else "absent"
        lines.append("{:<8} {:<6} {:<7} {:<7} {}{}".format(NAMES[modality], *cells, state).rstrip())
    if not analysis.certain:
        lines.append("how sure each one is stays unknown: mla is not trained for these extractors")
    transcript = analysis.transcript
    lines += ["", f'words ({transcript.source}): "{transcript.text}"' if transcript.text else "no words"]
    if transcript.original:
        lines.append(said(transcript))
    if analysis.faces and analysis.faces.count > 1:
        lines.append(f"face {analysis.faces.used} of {analysis.faces.count}")
    lines += [f"note: {notice.text}" for notice in analysis.notices]
    return "\n".join(lines)


def gauge(analysis: Analysis) -> str:
    """The scale from -3 to +3 with the interval in brackets and the score as an o."""

    def column(score: float) -> int:
        return round((score + 3) * GAUGE_STEPS)

    low, high = map(column, analysis.interval)
    cells = ["+" if i % GAUGE_STEPS == 0 else "-" for i in range(6 * GAUGE_STEPS + 1)]
    cells[low : high + 1] = "=" * (high + 1 - low)
    cells[low], cells[high], cells[column(analysis.score)] = "[", "]", "o"
    return "".join(cells)


def predict_manifest(analyst: Analyst, manifest: Path, out: Path, query: Query, ray: bool = False) -> None:
    """Scores every row of a CSV with a column `file` (relative to the CSV) and maybe `text`, as `query` asks.

    Writes the same rows with `score`, `label`, `lo`, `hi`, `notes` (what the page would tell: limits, damage,
    what is not there) and `error`; a column that already has one of these names stays as `given_<name>`. An
    empty `text` cell leaves the words to speech recognition. A row that cannot be scored says why in `error`.
    ray : whether all machines of a Ray cluster score the rows, each with an analyst of the same settings, see
    `models.cluster`; rows that are done are kept in `<out>.rows` until all are, so that an interrupted run
    continues
    Raises ManifestError for a CSV that cannot be read or a place that cannot be written, CheckpointError for
    weights that are missing.
    """
    answer_rows(analyst, manifest, ("text",), out, SCORED, partial(_score, query), "scored", ray)


def transcribe_manifest(analyst: Analyst, manifest: Path, out: Path) -> None:
    """Writes the rows of a CSV with the recognised `words` of every `file`, `notes` and `error`; see above.

    No words are an answer too; why there are none goes to stderr.
    """
    answer_rows(analyst, manifest, (), out, HEARD, _hear, "transcribed")


def _score(
    query: Query, analyst: Analyst, row: dict[str, str], video: Path | None, session: str
) -> list[list[str]]:
    asked = replace(query, video=video, text=row.get("text") or None)
    analysis = analyst.analyze(asked, session=session, only_asked=True)
    value, low, high = (f"{number:.4f}" for number in (analysis.score, *analysis.interval))
    return [[value, analysis.label, low, high, noted(analysis.notices)]]


def _hear(analyst: Analyst, row: dict[str, str], video: Path | None, session: str) -> list[list[str]]:
    if video is None:
        raise ManifestError("The row has no file.")
    transcript, notices = analyst.transcribe(video=video, session=session)
    if not transcript.text:
        tqdm.write(f"{video.name}: {no_words(notices)}", file=sys.stderr)
    return [[transcript.text, noted(notices)]]
