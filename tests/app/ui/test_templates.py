"""Templates escape what they are given, and are found from anywhere."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from app.ui import templates, words
from app.ui.templates import TEMPLATES, fill

HOSTILE = 'so <b>good</b> & "fine"\n  it\'s'


def test_what_is_filled_in_is_escaped_and_keeps_its_lines():
    drawn = fill("sentiment.notices", words.ENGLISH, told=[HOSTILE])
    escaped = "so &lt;b&gt;good&lt;/b&gt; &amp; &#34;fine&#34;\n  it&#39;s"
    assert drawn == f'<ul class="fb-notices"><li>{escaped}</li></ul>'


def test_what_is_drawn_already_is_not_escaped_again():
    inner = fill("charts.small", words.ENGLISH, text="<")
    drawn = fill("imagined.tab", words.ENGLISH, everything=True, blocks=[inner], recovered=None)
    assert '<p class="fb-small">&lt;</p>' in drawn and "&amp;" not in drawn


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError):
        fill("charts.small", words.ENGLISH)


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
@pytest.mark.parametrize("file", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_every_template_is_found_from_any_folder(file, language, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    templates._environment.cache_clear()
    assert templates._environment(language).get_template(file).module
