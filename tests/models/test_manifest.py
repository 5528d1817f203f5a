"""CSVs as people write them: what is read, and what is said of one that cannot be."""

from __future__ import annotations

import pytest

from models.manifest import ManifestError, read_manifest, read_rows


@pytest.mark.parametrize(
    "header",
    ["file,text", "file, text", "File , TEXT", "\ufefffile,text", "note,file,text"],
)
def test_columns_are_known_however_the_header_is_written(tmp_path, header):
    path = tmp_path / "clips.csv"
    cells = ["x"] * header.startswith("note") + ["a.mp4", ' "well, fine" ']
    path.write_text(f"{header}\n{','.join(cells).rstrip()},\n\n , ,\n", encoding="utf-8")
    assert read_rows(path, ("file",), ("text",)) == [{"file": "a.mp4", "text": "well, fine"}]


def test_the_header_and_the_cells_keep_their_case(tmp_path):
    path = tmp_path / "clips.csv"
    path.write_text("File ,Note,note\na.mp4\n")
    header, (row,) = read_manifest(path, ("file",), ("text",))
    assert header == ["File", "Note", "note"]  # twice is no matter in a column that nobody reads
    assert row.cells == ["a.mp4", "", ""] and row.named == {"file": "a.mp4"} and not row.fault


@pytest.mark.parametrize("header", ["file,file", "file,text,Text"])
def test_a_column_that_is_there_twice_is_refused(tmp_path, header):
    path = tmp_path / "clips.csv"
    path.write_text(f"{header}\na,b,c\n")
    with pytest.raises(ManifestError, match=r"more than one column (file|text); rename all but one"):
        read_manifest(path, ("file",), ("text",))


def test_a_row_with_too_many_cells_has_a_fault(tmp_path):
    path = tmp_path / "clips.csv"
    path.write_text('file,text\na,"well, fine"\nb,well, fine\n')
    _, rows = read_manifest(path, ("file",), ("text",))
    assert [row.fault for row in rows] == [
        "",
        "it has 3 cells, the header 2; put a text with commas in double quotes",
    ]
    with pytest.raises(ManifestError, match=r"clips\.csv, row 2: it has 3 cells"):
        read_rows(path, ("file",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"path,text\na,b\n",
            "no column file; it must have file, .*commas between columns, and has path, text",
        ),
        (b"file;text\na;b\n", "has file;text"),
        (b"", "has none"),
        (b"file\n\xff\xfe.mp4\n", "not UTF-8"),
        (b'file\n"a.mp4\n', "line 2, is no CSV"),
    ],
)
def test_what_is_no_manifest_is_explained(tmp_path, content, message):
    path = tmp_path / "clips.csv"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        read_manifest(path, ("file",))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ManifestError, match=r"cannot read .*gone\.csv: No such file"):
        read_manifest(tmp_path / "gone.csv", ("file",))
