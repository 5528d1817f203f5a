"""A CSV that lists clips: what `predict`, `transcribe`, `extract` and `evaluate --heard` read."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


class ManifestError(ValueError):
    """A CSV that cannot be used: says what is wrong with it and what would work."""


@dataclass(frozen=True)
class Row:
    """One row, lines without content not counted.

    cells : without the spaces before them, as many as the header has columns, or more where there is a fault
    named : {column that was asked for: its cell, without the spaces around it}
    fault : why the cells belong to no columns, "" where they do
    """

    cells: list[str]
    named: dict[str, str]
    fault: str = ""


def read_manifest(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> tuple[list[str], list[Row]]:
    """Header, without the spaces around its names, and rows of a CSV in UTF-8.

    Cells that a row lacks at its end are empty; empty ones beyond the header's width do not count.

    needed, optional : columns to read, in lower case; the header may write them otherwise, with spaces around
    ManifestError for a file that cannot be read as a CSV, and for a column that is missing or there twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, strict=True, skipinitialspace=True)
            header, *rows = [cells for cells in lines if any(cell.strip() for cell in cells)] or [[]]
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise ManifestError(f"{path}, line {lines.line_num}, is no CSV: {error}") from error
    header = [name.strip() for name in header]
    names = [name.lower() for name in header]
    missing = [name for name in needed if name not in names]
    if missing:
        raise ManifestError(
            f"{path} has no column {' and no column '.join(missing)}; it must have {', '.join(needed)}, with "
            f"commas between columns, and has {', '.join(header) or 'none'}"
        )
    wanted = [name for name in (*needed, *optional) if name in names]
    twice = [name for name, count in Counter(names).items() if count > 1 and name in wanted]
    if twice:
        raise ManifestError(f"{path} has more than one column {twice[0]}; rename all but one")
    places = {name: names.index(name) for name in wanted}
    return header, [_row(cells, len(header), places) for cells in rows]


def read_rows(path: Path, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """{column: cell} of every row, see `read_manifest`; ManifestError also for a row with too many cells."""
    _, rows = read_manifest(path, needed, optional)
    for number, row in enumerate(rows, start=1):
        if row.fault:
            raise ManifestError(f"{path}, row {number}: {row.fault}")
    return [row.named for row in rows]


def _row(cells: list[str], width: int, places: dict[str, int]) -> Row:
    cells = cells + [""] * (width - len(cells))
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    named = {name: cells[place].strip() for name, place in places.items()}
    if len(cells) == width:
        return Row(cells, named)
    return Row(
        cells,
        named,
        f"it has {len(cells)} cells, the header {width}; put a text with commas in double quotes",
    )
