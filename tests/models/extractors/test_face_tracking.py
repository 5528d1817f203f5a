"""Faces found, followed and aligned, and which of them speaks, in clips made of the examples."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.extractors.face_detection import FaceDetector, Faces
from models.extractors.face_tracking import CANONICAL, FaceTrack, track_faces
from models.extractors.speaking_face import speaking_face
from models.media.clip import FRAME_RATE, SAMPLE_RATE, Clip
from models.media.decode import decode
from models.tensors import CHECKPOINTS, CheckpointError

EXAMPLES = Path(__file__).resolve().parents[3] / "assets" / "examples"


@cache
def example(name: str) -> Clip:
    return decode(EXAMPLES / f"{name}.mp4")


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(CHECKPOINTS / "local" / "extractors" / "face_detector.onnx")


@pytest.fixture(scope="module")
def follow(detector):
    """follow(frames): the tracks of frames 0.2 s apart."""

    def follow(frames: np.ndarray) -> tuple[FaceTrack, ...]:
        return track_faces(frames, np.arange(len(frames)) / FRAME_RATE, detector.detect_film(frames))

    return follow


def side_by_side(left: str, right: str, count: int = 20) -> np.ndarray:
    return np.concatenate([example(left).frames[:count], example(right).frames[:count]], axis=2)


def alike(track: FaceTrack, other: FaceTrack) -> float:
    n = min(len(track.crops), len(other.crops))
    return float(np.corrcoef(track.crops[:n].mean(0).ravel(), other.crops[:n].mean(0).ravel())[0, 1])


@pytest.mark.parametrize("change", ["none", "small", "dark", "turned"])
def test_a_photographed_face_is_found_with_its_eyes_where_they_are(detector, change):
    frame = example("astronaut").frames[0]
    height, width = frame.shape[:2]
    matrix = {
        "small": np.float32([[0.4, 0, 20], [0, 0.4, 30]]),
        "turned": np.float32(cv2.getRotationMatrix2D((width / 2, height / 2), 25, 1)),
    }.get(change, np.float32([[1, 0, 0], [0, 1, 0]]))
    seen = cv2.warpAffine(frame, matrix, (width, height)) // (3 if change == "dark" else 1)
    (plain,), (moved,) = detector.detect(frame).landmarks, detector.detect(seen).landmarks
    where = plain @ matrix[:, :2].T + matrix[:, 2]
    eyes = np.linalg.norm(where[1] - where[0])
    assert np.abs(moved - where).max() < 0.2 * eyes


@pytest.mark.parametrize("shape", [(270, 480), (480, 270), (90, 160), (8, 300), (1, 1)])
def test_noise_of_any_shape_has_no_face(detector, follow, shape):
    frames = np.random.default_rng(0).integers(0, 255, (3, *shape, 3), np.uint8)
    assert not len(detector.detect(frames[0]).scores)
    assert follow(frames) == ()


def test_a_missing_or_damaged_detector_is_named(tmp_path):
    for content in (None, b"damaged"):
        if content:
            (tmp_path / "face_detector.onnx").write_bytes(content)
        with pytest.raises(CheckpointError, match=r"face_detector\.onnx"):
            FaceDetector(tmp_path / "face_detector.onnx")


def test_what_is_found_depends_on_nothing_else(detector):
    frames = [*example("astronaut").frames[:3], *np.rot90(example("brave").frames[:3], axes=(1, 2))]
    alone = [detector.detect(frame) for frame in frames]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(detector.detect, 6 * frames))
    for ours, theirs in zip(together, 6 * alone, strict=True):
        np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)


@pytest.mark.parametrize("angle", [-20, 0, 20])
def test_crops_are_level_with_the_eyes_in_their_place(detector, follow, angle):
    frame = example("astronaut").frames[0]
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    (track,) = follow(cv2.warpAffine(frame, turn, (width, height))[None])
    large = cv2.resize(track.crops[0], (192, 192), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 64, 64, 64, 64, cv2.BORDER_REPLICATE)
    (found,) = detector.detect(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB)).landmarks
    assert np.abs((found - 64) / 4 - CANONICAL)[:2].max() < 3


def test_two_faces_are_two_tracks_that_do_not_swap(follow):
    frames = side_by_side("astronaut", "brave")
    tracks = follow(frames)
    alone = [follow(example(name).frames[:20])[0] for name in ("astronaut", "brave")]
    assert [len(track.times) for track in tracks] == [20, 20]
    matched = [max((0, 1), key=lambda i: alike(track, alone[i])) for track in tracks]
    assert sorted(matched) == [0, 1]
    for track, i in zip(tracks, matched, strict=True):
        for start in range(0, 20, 5):
            part = FaceTrack(track.crops[start : start + 5], track.times[start : start + 5])
            assert alike(part, alone[i]) > alike(part, alone[1 - i])


def test_a_short_gap_is_filled_and_a_long_one_is_not(detector):
    frames = np.repeat(example("astronaut").frames[:1], 20, axis=0)
    times, found = np.arange(20) / FRAME_RATE, detector.detect_film(frames)
    nothing = Faces(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))
    for lost, kept in ((range(5, 8), 20), (range(5, 15), 10)):
        seen = [nothing if i in lost else faces for i, faces in enumerate(found)]
        (track,) = track_faces(frames, times, seen)
        assert len(track.times) == kept


def test_one_face_before_and_after_a_cut_is_one_track(follow):
    frames = example("astronaut").frames[:16].copy()
    frames[8:] = np.roll(frames[8:], 180, axis=2)
    (track,) = follow(frames)
    assert len(track.times) == 16


@pytest.mark.parametrize("cut", [None, 7, 8])
def test_a_film_has_the_faces_that_a_look_at_each_frame_finds(detector, cut):
    frames = example("astronaut").frames[:16].copy()
    if cut:
        frames[cut:] = np.roll(frames[cut:], 180, axis=2)
    for film, look in zip(detector.detect_film(frames), detector.detect_all(frames), strict=True):
        eyes = np.linalg.norm(look.landmarks[0, 1] - look.landmarks[0, 0])
        assert np.abs(film.landmarks - look.landmarks).mean() < 0.05 * eyes


@pytest.mark.parametrize("left, right", [("astronaut", "brave"), ("brave", "astronaut")])
def test_the_face_that_moves_with_the_sound_speaks(follow, left, right):
    tracks = follow(side_by_side(left, right))
    mover = max((0, 1), key=lambda i: alike(tracks[i], follow(example("brave").frames[:20])[0]))
    voice = example("brave").audio[: int(20 / FRAME_RATE * SAMPLE_RATE)]
    assert speaking_face(tracks, voice) == mover
    assert speaking_face(tracks, None) is None
    assert speaking_face(tracks, np.zeros_like(voice)) is None


def test_of_two_moving_mouths_the_one_with_the_sound_speaks(follow):
    tracks = follow(side_by_side("delight", "brave"))
    mover = max((0, 1), key=lambda i: alike(tracks[i], follow(example("brave").frames[:20])[0]))
    assert speaking_face(tracks, example("brave").audio) == mover


def test_still_pictures_leave_no_clear_speaker(follow):
    frames = np.repeat(side_by_side("astronaut", "brave", 1), 12, axis=0)
    tracks = follow(frames)
    assert len(tracks) == 2
    assert speaking_face(tracks, example("brave").audio) is None
