"""Training of the face encoder, on faces made up here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.extractors.vision import EMOTIONS, FACE_SIZE, FaceEncoder
from models.shipped.face_encoder import TEST, augmented, embed_faces, fit_faces, load_faces

SMALL = (4, 8, 8)  # channels


def made_up_faces(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces (n, 1, 48, 48) uint8 of grey noise, light below where they are happy, above where sad; votes."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(60, 120, (n, 1, FACE_SIZE, FACE_SIZE), dtype=torch.uint8, generator=generator)
    happy = torch.arange(n) % 2 == 0
    images[happy, :, FACE_SIZE // 2 :] += 100
    images[~happy, :, : FACE_SIZE // 2] += 100
    votes = torch.zeros(n, len(EMOTIONS))
    votes[happy, EMOTIONS.index("happiness")] = 1
    votes[~happy, EMOTIONS.index("sadness")] = 1
    return images, votes


def _right(encoder: FaceEncoder) -> float:
    images, votes = made_up_faces(64, seed=1)
    states = embed_faces(encoder, images)
    return float((states[:, : len(EMOTIONS)].argmax(1) == votes.argmax(1)).float().mean())


def test_an_encoder_learns_from_votes_and_from_a_teacher():
    short = {"batch_size": 16, "decay": 0.8}  # a thousand steps' average is for long trainings
    torch.manual_seed(0)
    images, votes = made_up_faces(128, seed=0)
    teacher = fit_faces(FaceEncoder(SMALL, pooled=False), images, votes, 5, 0, **short)
    assert _right(teacher) > 0.9
    unknown = torch.full_like(votes, 1 / len(EMOTIONS))  # all that the pupil learns is its teacher's
    pupil = fit_faces(FaceEncoder(SMALL), images, unknown, 5, 0, [teacher], **short)
    assert _right(pupil) > 0.9
    untaught = fit_faces(FaceEncoder(SMALL), images, unknown, 5, 0, **short)
    assert _right(untaught) < 0.75


def test_augmented_faces_differ_and_stay_grey_levels():
    torch.manual_seed(0)
    face = torch.rand(1, 1, FACE_SIZE, FACE_SIZE).repeat(32, 1, 1, 1)
    varied = augmented(face)
    assert varied.shape == face.shape
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert (varied.std(0) > 0.05).float().mean() > 0.9


def test_faces_that_most_agree_on_are_told(tmp_path):
    votes = np.array(
        [
            [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],  # neutral, but for a single vote
            [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # half and half
            [3, 0, 0, 3, 2, 0, 0, 0, 2, 0],  # no emotion has half of the votes
            [2, 0, 0, 0, 0, 0, 0, 0, 8, 0],  # unknown: left out
        ]
    )
    images = np.zeros((len(votes), FACE_SIZE, FACE_SIZE), np.uint8)
    (tmp_path / "faces").mkdir()
    np.savez(tmp_path / "faces" / "ferplus.npz", images=images, votes=votes, split=np.full(len(votes), TEST))
    faces, shares, agreed = load_faces(tmp_path, TEST)
    assert faces.shape == (3, 1, FACE_SIZE, FACE_SIZE)
    assert agreed.tolist() == [True, False, False]
    assert shares[0].tolist() == pytest.approx([1] + [0] * 7)
    assert shares[2].tolist() == pytest.approx([3 / 8, 0, 0, 3 / 8, 2 / 8, 0, 0, 0])
