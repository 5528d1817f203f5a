"""Faces of people who do not exist, by the shipped decoder."""

from __future__ import annotations

import numpy as np
import torch

from models.extractors.local_profile import LocalProfile
from models.extractors.rendering import Renderer
from models.extractors.vision import EMOTIONS, VALENCE
from models.types import Modality


def test_faces_of_nobody_show_what_is_asked():
    """To the encoder, which took no part in the decoder's training; each person stays the same."""
    profile = LocalProfile.load()
    renderer, people, valences = Renderer.load(profile), range(40), []
    for emotion in ("happiness", "sadness", "anger"):
        state = torch.zeros(profile.dims[Modality.VISION])
        state[EMOTIONS.index(emotion)] = 1
        drawn = np.stack([renderer.face(state, whose) for whose in people])
        assert drawn.shape == (40, 48, 48) and drawn.dtype == np.uint8
        assert np.array_equal(drawn[7], renderer.face(state, 7))
        assert drawn.std(0).mean() > 20  # grey levels from person to person
        read = profile.face.readings(torch.from_numpy(drawn)[:, None].float() / 255)
        valences.append(read[:, VALENCE].mean())
    assert valences[0] > 1 and max(valences[1:]) < 0
