"""The drawn stand-in of an imagined face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from models.extractors.face_tracking import crop
from models.extractors.local_profile import LocalProfile
from models.extractors.stand_in import EXPRESSIONS, MOST_FRAMES, expressions, performance, stand_ins
from models.extractors.vision import EMOTIONS, VALENCE, FaceEncoder


def states(*mixtures: dict[str, float]) -> torch.Tensor:
    """States (T, 10) with the given probabilities; valence stays 0."""
    made = torch.zeros(len(mixtures), FaceEncoder.dim)
    for row, mixture in zip(made, mixtures, strict=True):
        for emotion, probability in mixture.items():
            row[EMOTIONS.index(emotion)] = probability
    return made


PURE = states(*({emotion: 1.0} for emotion in EMOTIONS))


def decoded(webp: bytes) -> cv2.Animation:
    done, animation = cv2.imdecodeanimation(np.frombuffer(webp, np.uint8)[None])
    assert done
    return animation


@pytest.mark.parametrize("size", [24, 96])
def test_a_picture_a_step_in_the_asked_size_and_without_colour(size):
    drawn = stand_ins(PURE[:3], size)
    assert drawn.shape == (3, size, size, 3) and drawn.dtype == np.uint8
    assert (drawn == drawn[..., :1]).all()


def test_a_pure_state_is_the_emotion_s_own_expression_and_a_mixture_the_mean():
    assert [vars(e) for e in expressions(PURE)] == [
        pytest.approx(vars(EXPRESSIONS[emotion]), abs=1e-6) for emotion in EMOTIONS
    ]
    (mixed,) = expressions(states({"neutral": 0.6, "happiness": 0.4}))
    assert mixed.smile == pytest.approx(0.4 * EXPRESSIONS["happiness"].smile, abs=1e-6)


def test_happiness_lifts_the_corners_of_the_mouth_and_sadness_drops_them():
    happy, sad, neutral = expressions(
        states(*({"neutral": 0.6, e: 0.4} for e in ("happiness", "sadness")), {"neutral": 1})
    )
    assert happy.smile - neutral.smile > 0.3 and sad.smile - neutral.smile < -0.3
    assert sad.brow_slant > 0.3 > happy.brow_slant


def test_no_two_emotions_look_alike():
    pictures = stand_ins(PURE, 96).astype(float)
    for i, one in enumerate(pictures):
        assert all(np.abs(one - other).max() > 60 for other in pictures[:i])


def test_imagined_states_need_not_be_probabilities():
    noise = torch.randn(4, FaceEncoder.dim, generator=torch.Generator().manual_seed(0))
    assert stand_ins(noise, 48).std((1, 2, 3)).min() > 5
    beyond = states({"happiness": 2.0, "anger": -1.0}, dict.fromkeys(EMOTIONS, -1.0))
    assert np.array_equal(stand_ins(beyond, 48), stand_ins(states({"happiness": 1}, {"neutral": 1}), 48))
    assert beyond.min() == -1  # what is given stays as it is
    # what is less than absent makes room for nothing but the neutral face
    (exaggerated,) = expressions(states({"neutral": 0.7, "happiness": 0.5, "sadness": -0.2}))
    (even,) = expressions(states({"neutral": 0.5, "happiness": 0.5}))
    assert exaggerated == even


@pytest.mark.parametrize(("seconds", "frames"), [(1.5, 12), (9.0, MOST_FRAMES)])
def test_a_performance_has_the_promised_frames_and_length_and_loops(seconds, frames):
    animation = decoded(performance(states({"neutral": 1}, {"happiness": 1}), seconds, 64))
    assert len(animation.frames) == frames and animation.frames[0].shape[:2] == (64, 64)
    assert np.sum(animation.durations) == pytest.approx(1000 * seconds, abs=1)
    assert animation.loop_count == 0


def test_a_long_utterance_is_played_faster_and_evenly():
    durations = np.ravel(decoded(performance(PURE[:2], 60.0, 24)).durations)
    assert durations.sum() == pytest.approx(10_000, abs=1) and durations.max() < 1000


def test_a_performance_moves_from_the_first_expression_to_the_last():
    first, last = stand_ins(PURE[:2], 96).astype(float)
    frames = decoded(performance(PURE[:2], 2.0, 96)).frames
    begins, ends = (frame[..., :3].astype(float) for frame in (frames[0], frames[-1]))
    assert np.abs(begins - first).mean() < np.abs(begins - last).mean()
    assert np.abs(ends - last).mean() < np.abs(ends - first).mean()


def test_the_eyes_blink_now_and_then_and_briefly():
    animation = decoded(performance(PURE[:1], 6.0, 96))
    brief, second, *others = np.argsort(animation.durations, axis=None, kind="stable")
    durations = np.ravel(animation.durations)
    assert durations[second] < durations[others].min()
    left_pupil = [frame[37:42, 31:35, 0].mean() for frame in animation.frames]
    assert set(np.argsort(left_pupil)[-2:]) == {brief, second}  # the lid is brighter than the pupil
    assert left_pupil[brief] > left_pupil[brief - 1] + 50


def test_the_same_states_are_drawn_the_same():
    assert np.array_equal(stand_ins(PURE[:2], 48), stand_ins(PURE[:2], 48))
    assert performance(PURE[:2], 1.0, 48) == performance(PURE[:2], 1.0, 48)


def test_the_face_encoder_reads_the_happy_stand_in_as_the_most_pleasant():
    profile = LocalProfile.load()
    pictures = stand_ins(PURE)
    faces = profile.face_detector.detect_all(pictures)
    crops = [crop(p[..., 0], found.landmarks[0]) for p, found in zip(pictures, faces, strict=True)]
    with torch.inference_mode():
        readings = profile.face.readings(torch.from_numpy(np.stack(crops))[:, None].float() / 255)
    valence = dict(zip(EMOTIONS, readings[:, VALENCE].tolist(), strict=True))
    assert valence["happiness"] > 1 + max(valence["sadness"], valence["anger"])
    assert valence["sadness"] < valence["neutral"]
