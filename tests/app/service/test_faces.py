"""Several faces in one clip: which is used, and choosing another."""

import numpy as np
import pytest
import torch

from app.service.calls import Call
from app.service.query import AnalysisError, Query
from models.extractors.face_tracking import FaceTrack
from tests.app.conftest import TinyProfile

SAID = "i really liked it"


class TwoFaces(TinyProfile):
    """Sees two faces, the second of which speaks; a face's states follow the brightness of its crops."""

    def find_faces(self, frames, times, waveform):
        self._note("vision", frames is not None)
        if frames is None:
            return (), None
        tracks = tuple(
            FaceTrack(np.full((4, 48, 48), grey, np.uint8), np.arange(4) / 5) for grey in (60, 200)
        )
        return tracks, None if waveform is None else 1


@pytest.fixture
def profile() -> TinyProfile:
    return TwoFaces()


def test_the_speaking_face_is_used_unless_another_is_asked_for(analyst, write_clip, decoded):
    clip = write_clip()
    asked = [Query(video=clip, text=SAID, face=face) for face in (None, 1, 2)]
    speaking, first, second = (analyst.analyze(query) for query in asked)
    assert (speaking.faces.count, speaking.faces.used, speaking.faces.speaking) == (2, 2, 2)
    assert (first.faces.used, second.faces.used) == (1, 2)
    assert first.score != speaking.score == second.score
    assert first.crops.mean() == 60 and second.crops.mean() == 200
    assert first.to_json()["faces"] == {"count": 2, "used": 1, "speaking": 2}
    assert len(decoded) == 1
    assert analyst.profile.extracted.count("vision") == 1


def test_a_face_does_not_depend_on_which_modalities_are_asked_for(analyst, write_clip):
    clip = write_clip()
    alone = analyst.analyze(Query(video=clip, modalities=("vision",)), only_asked=True)
    assert alone.faces.used == 2
    assert alone.modalities["audio"].present is None


def test_without_sound_the_most_prominent_face_is_used(analyst, write_clip):
    analysis = analyst.analyze(Query(video=write_clip(200, None), text=SAID))
    assert (analysis.faces.used, analysis.faces.speaking) == (1, None)


def test_deeper_looks_are_about_the_chosen_face(analyst, write_clip):
    clip = write_clip()
    first, second = (analyst.open(Query(video=clip, text=SAID, face=face))[0] for face in (1, 2))
    assert first.faces is first.face_tracks[0] and second.faces is second.face_tracks[1]
    assert not torch.equal(first.features.vision.values, second.features.vision.values)


def test_a_face_that_is_not_there_is_told(analyst, write_clip):
    clip = write_clip()
    for query, code in (
        (Query(video=clip, face=3), "no_such_face"),
        (Query(audio=write_clip(None), face=1), "no_such_face_of_none"),
    ):
        with pytest.raises(AnalysisError) as raised:
            analyst.analyze(query)
        assert raised.value.code == code


@pytest.mark.parametrize("face", [0, -1, 1.5, True, "one", float("nan"), float("inf")])
def test_what_is_no_number_of_a_face_is_told(face):
    with pytest.raises(AnalysisError) as raised:
        Query(text=SAID, face=face)
    assert raised.value.code == "no_face_number"


def test_calls_repeat_the_choice():
    call = Call(Query(video="a.mp4", face=2))
    assert "face=2," in call.python() and '"face": 2' in call.curl() and "--face 2" in call.command()
    plain = Call(Query(video="a.mp4"))
    assert not any("face" in text for text in (plain.python(), plain.curl(), plain.command()))
