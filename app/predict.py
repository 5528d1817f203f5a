"""`python -m app predict` and `transcribe`: one clip, or every row of a CSV, on the terminal."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from app.kept_rows import Answered, KeptRows
from app.media.language import CODES
from app.media.whisper import RecogniserError
from app.segments import segments
from app.service.analysis import Analysis, Notice, Transcript, as_displayed, noted
from app.service.analyst import Analyst
from app.service.device import choose_device
from app.service.notices import READ_IN_PART, WITHIN, cut_at
from app.service.query import Query
from app.settings import Settings
from models.cluster import WorkerLost, on_cluster, start_ray
from models.manifest import ManifestError, Row, read_manifest
from models.tensors import CheckpointError

SCORED = ("score", "label", "lo", "hi", "notes")
HEARD = ("words", "notes")
NAMES = {"text": "words", "audio": "voice", "vision": "face"}
GAUGE_STEPS = 10  # characters a point of the scale

# an analyst, the named cells of a row, its clip or None, and a session of its own -> its results
Answer = Callable[[Analyst, dict[str, str], Path | None, str], list[str]]

log = logging.getLogger(__name__)


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
    modalities = tuple(name.strip() for name in args.modalities.split(",") if name.strip())
    query = Query(args.clip, args.audio, args.text, args.method, modalities, args.face, args.start, args.end)
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
    _answer_rows(analyst, manifest, ("text",), out, SCORED, partial(_score, query), "scored", ray)


def transcribe_manifest(analyst: Analyst, manifest: Path, out: Path) -> None:
    """Writes the rows of a CSV with the recognised `words` of every `file`, `notes` and `error`; see above.

    No words are an answer too; why there are none goes to stderr.
    """
    _answer_rows(analyst, manifest, (), out, HEARD, _hear, "transcribed")


def _score(
    query: Query, analyst: Analyst, row: dict[str, str], video: Path | None, session: str
) -> list[str]:
    asked = replace(query, video=video, text=row.get("text") or None)
    analysis = analyst.analyze(asked, session=session, only_asked=True)
    value, low, high = (f"{number:.4f}" for number in (analysis.score, *analysis.interval))
    return [value, analysis.label, low, high, noted(analysis.notices)]


def _hear(analyst: Analyst, row: dict[str, str], video: Path | None, session: str) -> list[str]:
    if video is None:
        raise ManifestError("The row has no file.")
    transcript, notices = analyst.transcribe(video=video, session=session)
    if not transcript.text:
        tqdm.write(f"{video.name}: {no_words(notices)}", file=sys.stderr)
    return [transcript.text, noted(notices)]


def _answer_rows(
    analyst: Analyst,
    manifest: Path,
    optional: tuple[str, ...],
    out: Path,
    columns: tuple[str, ...],
    answer: Answer,
    done: str,
    ray: bool = False,
) -> None:
    """Writes the rows of `manifest` with what `answer` gives for each in `columns`, and `error`.

    optional : columns that `answer` reads beside `file`, where they are there
    done : what was done with a row that has an answer, for the last line
    ray : whether a cluster answers them; `answer` then travels to other processes
    """
    header, rows = read_manifest(manifest, ("file",), optional)
    if out.resolve() == manifest.resolve():
        raise ManifestError(f"--out would overwrite {manifest.name}; give it another name")
    kept = KeptRows(out.with_name(out.name + ".rows"))
    if ray:
        start_ray()  # or say why not, before anything is written
        answers = _on_cluster(analyst.settings, rows, manifest.parent, answer, kept)
    else:
        answers = (_tried(analyst, answer, manifest.parent, numbered) for numbered in enumerate(rows))
    results = (*columns, "error")
    try:
        file = out.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"cannot write {out}: {error.strerror}") from error
    with file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_kept_names(header, results), *results])
        failed = 0
        told = tqdm(answers, unit="clip", total=len(rows), file=sys.stderr)
        for row, (result, error) in zip(rows, told, strict=True):
            failed += bool(error)
            writer.writerow([*row.cells[: len(header)], *(result or [""] * len(columns)), error])
            file.flush()  # an interrupted run keeps what it has
    if ray:
        kept.remove()
    print(f"{len(rows) - failed} of {len(rows)} rows {done}, written to {out}", file=sys.stderr)


def _on_cluster(
    settings: Settings, rows: list[Row], folder: Path, answer: Answer, kept: KeptRows
) -> Iterator[Answered]:
    """What `_tried` gives for each row, in their order, from processes of a cluster or from what was kept."""
    folder = folder.absolute()
    # of the GPUs the one that Ray lends
    settings = replace(settings, device=choose_device(settings.device).partition(":")[0])
    question = repr((settings, answer.args if isinstance(answer, partial) else (), folder))
    weights = sorted(path for root in settings.weights_folders for path in root.rglob("*.safetensors"))
    question += repr([_stamp(path) for path in weights])
    keys = [_key(question, row, folder) for row in rows]
    answers = {n: found for n, key in enumerate(keys) if (found := kept.find(key))}
    todo = [n for n in range(len(rows)) if n not in answers]
    make = partial(_RowAnswers, settings, answer, folder)
    coming = on_cluster(make, [(n, rows[n]) for n in todo], settings.device == "cuda")
    for number in range(len(rows)):
        while number not in answers:
            index, found = next(coming)
            if isinstance(found, WorkerLost):
                found = [], f"could not be analysed ({found})"
            elif isinstance(found, Exception):
                raise found
            answers[todo[index]] = found
            kept.keep(keys[todo[index]], found)
        yield answers.pop(number)


class _RowAnswers:
    """Numbered rows by an analyst of its own, in a process of a cluster."""

    def __init__(self, settings: Settings, answer: Answer, folder: Path):
        self._analyst, self._answer, self._folder = Analyst(settings), answer, folder

    def __call__(self, numbered: tuple[int, Row]) -> Answered:
        return _tried(self._analyst, self._answer, self._folder, numbered)


def _key(question: str, row: Row, folder: Path) -> str:
    """What a row's results depend on: the question, its cells, and its file as it stands."""
    content = question + repr((row.named, _stamp(folder / row.named["file"])))
    return hashlib.sha256(content.encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes with a file; None where there is none."""
    return (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None


def _tried(analyst: Analyst, answer: Answer, folder: Path, numbered: tuple[int, Row]) -> Answered:
    """What is said of one row, or nothing and why, whatever happens to it."""
    number, row = numbered
    if row.fault:
        return [], row.fault
    session, file = str(number), row.named["file"]
    try:
        return answer(analyst, row.named, folder / file if file else None, session), ""
    except (CheckpointError, RecogniserError):  # would be the same for every row
        raise
    except ValueError as error:
        return [], str(error)
    except Exception as error:  # one bad clip must not stop the rest
        log.exception("row %s", session)
        return [], f"could not be analysed ({type(error).__name__}: {error})"
    finally:
        analyst.forget(session)


def _kept_names(header: list[str], results: tuple[str, ...]) -> list[str]:
    """The header, in which a column named like a result, in any case, becomes `given_<name>`."""
    taken = {*header, *results}
    names = []
    for name in header:
        if name.lower() in results:
            while name in taken:
                name = f"given_{name}"
            taken.add(name)
        names.append(name)
    return names
