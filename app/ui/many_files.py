"""Many files drawn as one table: score, interval, label, certainty, words and notes, a row a file."""

from __future__ import annotations

from dataclasses import dataclass

from app.service.many_files import UNEXPECTED, FileAnswer
from app.ui import words
from app.ui.sentiment_panel import TOLD_ELSEWHERE
from app.ui.templates import fill


@dataclass(frozen=True)
class FileTable:
    """What a visitor's table shows.

    files : those that are read, or will be; left_out : how many more were given than are read
    reading : more is to come
    """

    files: tuple[FileAnswer, ...] = ()
    left_out: int = 0
    reading: bool = False

    @property
    def any_read(self) -> bool:
        return any(file.read for file in self.files)


def draw(table: FileTable, language: str) -> str:
    """The table as HTML."""
    files, reading, left_out = table.files, table.reading, table.left_out
    if not files:
        return ""
    done, count = sum(file.read for file in files), len(files)
    told = []
    if reading:
        current = next((file.name for file in files if not file.read), "")
        told.append(words.say("many_progress", language, done=done, count=count, name=current))
    elif done < count:
        told.append(words.say("many_stopped", language, done=done, count=count))
    if left_out:
        told.append(words.say("many_left_out", language, count=count, left=left_out))
    rows = [(n, file, _notes(file, language)) for n, file in enumerate(files) if file.read]
    share = done / count if reading else None
    return fill("many.table", language, rows=rows, told=" ".join(told), share=share)


def _notes(file: FileAnswer, language: str) -> str:
    if file.failure == UNEXPECTED:
        return words.say("error_unexpected", language)
    if file.failure:
        return words.error(*file.failure, language)
    notices = file.analysis.notices if file.analysis else ()
    return " ".join(words.notice(notice, language) for notice in notices if notice.code not in TOLD_ELSEWHERE)
