"""A CSV of files -> the same rows with what is found in each, in this process or on a Ray cluster."""

from __future__ import annotations

import csv
import hashlib
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from app.kept_rows import Answered, KeptRows
from app.media.whisper import RecogniserError
from app.service.analyst import Analyst
from app.service.device import choose_device
from app.settings import Settings
from models.cluster import WorkerLost, on_cluster, start_ray
from models.manifest import ManifestError, Row, read_manifest
from models.tensors import CheckpointError

# an analyst, the named cells of a row, its file or None, and a session of its own -> the cells of its results
Answer = Callable[[Analyst, dict[str, str], Path | None, str], list[list[str]]]

log = logging.getLogger(__name__)


def answer_rows(
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

    A row with several results is written as often, one without any once, with empty cells.

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
            for cells in result or [[""] * len(columns)]:
                writer.writerow([*row.cells[: len(header)], *cells, error])
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
    asked = (answer.func.__name__, answer.args) if isinstance(answer, partial) else answer.__name__
    question = repr((settings, asked, folder))
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
