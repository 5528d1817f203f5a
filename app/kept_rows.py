"""Rows of a table that were answered before an interrupted run ended, in a file beside its results."""

from __future__ import annotations

import json
from pathlib import Path

# the cells of each of a row's results and "", or none and what was wrong
Answered = tuple[list[list[str]], str]


class KeptRows:
    """Results by the key of what they are of; written one by one, in any order, and there after a kill.

    path : the file; it need not be there
    """

    def __init__(self, path: Path):
        self._path = path
        self._found: dict[str, list[list[str]]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(line)

    def find(self, key: str) -> Answered | None:
        """What was kept under this key."""
        return (self._found[key], "") if key in self._found else None

    def keep(self, key: str, answered: Answered) -> None:
        """Only results: what went wrong is tried again."""
        result, error = answered
        if not error:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{json.dumps([key, result])}")  # after a line that a kill cut off

    def remove(self) -> None:
        """All of them, once they stand in the table."""
        self._path.unlink(missing_ok=True)

    def _take(self, line: str) -> None:
        try:
            key, result = json.loads(line)
        except ValueError:  # empty, or cut off
            return
        self._found[key] = result
