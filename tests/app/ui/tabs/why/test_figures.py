"""Figures of traces that carry their numbers and names."""

from __future__ import annotations

import re

import numpy as np

from app.ui import words
from app.ui.tabs.why.figures import StepRow, picture, steps


def test_steps_carry_their_numbers_as_a_table():
    rows = [
        StepRow("Attention", {"text": np.array([0.2, 0.5]), "audio": np.array([0.8, 0.5])}, 1.0),
        StepRow("Gate", {"other": np.array([0.1, 0.9])}, 1.0),
    ]
    html = steps("A title", "", ["so", ""], rows, words.ENGLISH, in_words=True).chart
    assert "Attention, on average: Words 0.35, Voice 0.65" in html
    heads = re.findall(r'<th scope="col">(.*?)</th>', html)
    assert heads == ["Step", "Attention: Words", "Attention: Voice", "Gate"]
    assert re.findall(r"<td>(.*?)</td>", html) == ["0.20", "0.80", "0.10", "0.50", "0.50", "0.90"]
    assert html.count('type="radio"') == 3
    assert 'type="radio"' not in steps("t", "", ["−3"], rows[1:], words.ENGLISH, zoom=False).chart


def test_a_map_names_its_columns():
    html = picture(
        "t", "", np.ones((2, 3)), "text", ["a", "b"], ["", "so", "good"], "said", words.ENGLISH, in_words=True
    ).chart
    assert re.findall(r"<span>(.*?)</span>", html)[-2:] == ["so", "good"]
    assert 'alt="said"' in html
