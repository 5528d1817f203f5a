"""Training of the decoder of faces, on faces made up here."""

from __future__ import annotations

import torch

from models.extractors.face_decoder import FaceDecoder
from models.extractors.vision import FaceEncoder
from models.shipped.face_decoder import evened, fit_decoder
from models.shipped.face_encoder import fit_faces
from tests.models.shipped.test_face_encoder import SMALL, made_up_faces


def test_a_decoder_draws_what_is_asked_for_on_different_looks():
    torch.manual_seed(0)
    images, emotions = made_up_faces(256, seed=0)
    judge = fit_faces(FaceEncoder(SMALL), images, emotions, 5, 0, batch_size=16, decay=0.8)
    decoder = fit_decoder(images, emotions, judge, 2, 0, batch_size=32)
    looks = torch.randn(64, FaceDecoder.looks)
    with torch.inference_mode():
        happy, sad = (decoder(emotions[which].expand(64, -1), looks) for which in (0, 1))
        named = [judge.head(judge(faces)).argmax(1) for faces in (happy, sad)]
    for says, which in zip(named, (0, 1), strict=True):
        assert (says == emotions[which].argmax()).float().mean() > 0.9
    assert happy.std(0).mean() > 0.02
    assert decoder.leave.weight.abs().max() > 0  # not the blurred faces that it starts from
    real = evened(images)
    assert abs(float(happy.mean() - real.mean())) < 0.1


def test_evened_faces_are_as_bright_and_as_rich_in_contrast():
    dark, bright = torch.zeros(2, 1, 48, 48, dtype=torch.uint8)
    dark[:, ::2], bright[:, ::2] = 20, 200
    even = evened(torch.stack([dark, bright]))
    torch.testing.assert_close(even[0], even[1], atol=0.02, rtol=0)
