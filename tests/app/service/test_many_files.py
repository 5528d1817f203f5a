"""Many files, one after another: what is wrong with one is said of it alone."""

from __future__ import annotations

import csv
import io

import pytest

from app.service.cache import Cancelled
from app.service.many_files import COLUMNS, FileAnswer, read_each, to_csv
from app.service.query import Query
from app.ui import words
from app.ui.many_files import FileTable, draw


@pytest.fixture
def files(write_clip, tmp_path) -> list[FileAnswer]:
    """A film, a text that is called one, a film that is not there, and a voice."""
    broken = tmp_path / "broken.mp4"
    broken.write_text("not a film")
    return [
        FileAnswer("first <b>one</b>.mp4", Query(video=str(write_clip()), text="so good")),
        FileAnswer("broken.mp4", Query(video=str(broken), text="so good")),
        FileAnswer("gone.mp4", Query(video=str(tmp_path / "gone.mp4"), text="so good")),
        FileAnswer("voice.wav", Query(audio=str(write_clip(brightness=None)), text="so good")),
    ]


def test_a_file_that_cannot_be_read_holds_up_no_other_and_says_why(analyst, files):
    answers = list(read_each(analyst, files, session="visit", progress=lambda stage: None))
    assert [answer.analysis is not None for answer in answers] == [True, False, False, True]
    assert all(answer.read for answer in answers)
    assert "gone.mp4" in answers[2].failure[1]
    assert answers[0].analysis.crops is None and answers[0].analysis.log_mel is None

    rows = list(csv.DictReader(io.StringIO(to_csv(answers))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["file"] for row in rows] == [file.name for file in files]
    assert float(rows[0]["score"]) == pytest.approx(answers[0].analysis.score, abs=1e-4)
    assert rows[1]["score"] == "" and rows[1]["error"] == answers[1].failure[1]

    for language in words.BOTH:
        page = draw(FileTable(tuple(answers)), language)
        assert "first &lt;b&gt;one&lt;/b&gt;.mp4" in page and "<b>one" not in page
        assert page.count("data-file=") == 2 and page.count("fb-failed") == 2
        assert words.error(*answers[2].failure, language) in page


def test_what_was_read_before_a_stop_stays(analyst, files):
    read = []

    def stop(stage):
        if read:
            raise Cancelled

    with pytest.raises(Cancelled):
        for answer in read_each(analyst, files, session="visit", progress=stop):
            read.append(answer)
    table = FileTable((*read, *files[len(read) :]), left_out=7)
    assert [answer.name for answer in read] == [files[0].name, files[1].name][: len(read)]
    page = draw(table, words.ENGLISH)
    assert f"{len(read)} of 4 were read" in page and "the other 7" in page
