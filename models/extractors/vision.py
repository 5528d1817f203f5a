"""Face crops -> states, read from what a small residual network embeds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.extractors.valence import FERPLUS_VALENCE

FACE_SIZE = 48  # pixels, as FER2013
WIDTHS = (32, 64, 160)  # channels of the encoder's stages
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
VALENCE = len(EMOTIONS)  # the state's coordinate


class _Residual(nn.Module):
    """Two 3 x 3 convolutions with a shortcut (He et al., CVPR 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class FaceEncoder(nn.Module):
    """Grey faces (n, 1, 48, 48) in [0, 1] -> states (n, 10).

    A state is the probabilities of the 8 FER+ emotions, the valence in [-3, 3] expected under them, and the
    same less its mean over the person's faces. The embedding stays out: with a dozen speakers to learn from,
    a fusion model takes who somebody is for what they feel.

    widths : channels of the stages, of two residual blocks each, every one at half the size of that before
    pooled : whether the first stage sees 24 x 24 pixels
    """

    embedded = 64
    dim = len(EMOTIONS) + 2
    valence: Tensor  # (8,) of each emotion

    def __init__(self, widths: tuple[int, ...] = WIDTHS, pooled: bool = True):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2) if pooled else nn.Identity(),
        )
        stages: list[nn.Module] = []
        for inputs, outputs in zip((widths[0], *widths), widths, strict=False):
            stages += [_Residual(inputs, outputs, 1 if not stages else 2), _Residual(outputs, outputs, 1)]
        self.stages = nn.Sequential(*stages)
        self.embed = nn.Linear(widths[-1], self.embedded)
        self.head = nn.Linear(self.embedded, len(EMOTIONS))
        # kept with the weights, since the states depend on it
        self.register_buffer("valence", torch.tensor([FERPLUS_VALENCE[emotion] for emotion in EMOTIONS]))

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings (n, 64) of faces (n, 1, 48, 48), whatever their brightness and contrast."""
        mean = faces.mean((2, 3), keepdim=True)
        std = faces.std((2, 3), keepdim=True).clamp_min(0.02)
        return self.embed(self.stages(self.stem((faces - mean) / std)).mean((2, 3)))

    def states(self, faces: Tensor) -> Tensor:
        """States (n, 10) of one person's faces in order."""
        read = self.readings(faces)
        return torch.cat([read, read[:, VALENCE:] - read[:, VALENCE:].mean()], dim=1)

    def readings(self, faces: Tensor) -> Tensor:
        """(n, 9) emotions and valence, from the mean embedding of each face and its mirror image."""
        embedding = (self(faces) + self(faces.flip(3))) / 2
        probabilities = self.head(embedding).softmax(1)
        return torch.cat([probabilities, (probabilities @ self.valence)[:, None]], dim=1)
