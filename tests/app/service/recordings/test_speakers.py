"""Speakers and faces of a recording: numbered as they come, and a listener's face does not count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.service.analysis import SubsetAnswer
from app.service.recordings.speakers import with_face, with_speakers
from tests.app.service.recordings.test_export import segment

VOICES = np.eye(256)[:2]
FACES = np.random.default_rng(0).integers(0, 255, (2, 48, 48)).astype(np.uint8)


def heard(start: float, voice: int | None, face: int | None, seconds: float = 4.0):
    """An utterance with one of VOICES and one of FACES; without the face its score is 0.5, with it 1."""
    part = segment(start, start + seconds, 1.0, speaker=None)
    whole = replace(part.analysis, subsets={"text+audio": SubsetAnswer(0.5, (0.0, 1.0))})
    return replace(
        part,
        analysis=whole,
        whole=whole,
        voice=None if voice is None else VOICES[voice],
        portrait=None if face is None else FACES[face],
    )


def test_numbers_follow_who_comes_first_and_nobody_has_none():
    found = with_speakers([heard(0, 1, 1), heard(4, 0, 0), heard(8, None, None), heard(12, 1, 1)])
    assert [part.speaker for part in found] == [1, 2, None, 1]
    assert [part.face for part in found] == [1, 2, None, 1]
    assert with_speakers([]) == []


def test_a_listeners_face_does_not_count():
    found = with_speakers([heard(0, 0, 0), heard(4, 1, 1), heard(8, 0, 1, 2.0), heard(10, 1, 1)])
    assert [part.off_screen for part in found] == [False, False, True, False]
    off = found[2].analysis
    assert (off.score, off.interval, off.label) == (0.5, (0.0, 1.0), "weakly positive")
    assert off.modalities["vision"].weight is None and not off.modalities["vision"].used
    assert sum(part.weight for part in off.modalities.values() if part.weight) == pytest.approx(1)
    assert [notice.code for notice in off.notices][-1] == "off_screen"
    assert tuple(off.query.modalities) == ("text", "audio")


def test_one_camera_on_one_person_counts_whoever_speaks():
    found = with_speakers([heard(0, 0, 0), heard(4, 0, 0), heard(8, 1, None)])
    assert not any(part.off_screen for part in found)


def test_what_a_visitor_corrects_can_be_taken_back():
    one = with_speakers([heard(0, 0, 0)])[0]
    without = with_face(one, counts=False)
    assert (without.off_screen, without.analysis.score) == (True, 0.5)
    assert with_face(without, counts=True) == one
