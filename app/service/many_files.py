"""Many files, one after another, each analysed as a clip is; one that cannot be read holds up no other."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.service.analysis import FIGURES, Analysis, noted
from app.service.cache import Cancelled
from app.service.query import Query
from app.service.reader import Progress
from models.media.clip import InputError

if TYPE_CHECKING:
    from app.service.analyst import Analyst

COLUMNS = ("file", *FIGURES, "words", "notes", "error")
UNEXPECTED = ("unexpected", "could not be analysed; the reason is in the server's log", {})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileAnswer:
    """One file and what was found in it.

    name : as the visitor calls it; query : what is asked of it
    analysis : without pictures; failure : code, message and values of what was wrong with the file. Neither
    is there for a file that was not read yet.
    """

    name: str
    query: Query
    analysis: Analysis | None = None
    failure: tuple[str, str, dict] | None = None

    @property
    def read(self) -> bool:
        return self.analysis is not None or self.failure is not None

    def failed(self, error: InputError) -> FileAnswer:
        """The same file, with what was wrong with it."""
        # an exception itself would keep all that it has seen
        return replace(self, failure=(error.code, str(error), error.values))


def read_each(
    analyst: Analyst, files: Iterable[FileAnswer], *, session: str, progress: Progress
) -> Iterator[FileAnswer]:
    """The files with what was found in each, as soon as it is read; one that failed before stays so.

    progress : called before each stage of each file; may raise `Cancelled`
    """
    for file in files:
        if file.read:
            yield file
            continue
        try:
            analysis = analyst.analyze(file.query, session=session, progress=progress)
        except Cancelled:
            raise
        except InputError as error:
            yield file.failed(error)
        except Exception:
            log.exception("one of many files")
            yield replace(file, failure=UNEXPECTED)
        else:
            yield replace(file, analysis=analysis.without_pictures())


def to_csv(files: Sequence[FileAnswer]) -> str:
    """COLUMNS, a line a file that was read."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for file in files:
        if file.analysis:
            notes = noted(file.analysis.notices)
            heard = file.analysis.transcript.text
            writer.writerow({"file": file.name, **file.analysis.figures(), "words": heard, "notes": notes})
        elif file.failure:
            writer.writerow({"file": file.name, "error": file.failure[1]})
    return table.getvalue()
