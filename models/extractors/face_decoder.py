"""Emotions, and the looks of a person who does not exist -> a picture: imagined faces are shown so."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.extractors.vision import EMOTIONS, FACE_SIZE

CHANNELS = (32, 96)  # at a half and at a quarter of the picture's size


class _Modulated(nn.Module):
    """A residual block whose features the emotions scale and shift (FiLM; Perez et al., AAAI 2018)."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.modulation = nn.Linear(len(EMOTIONS), 2 * channels)

    def forward(self, x: Tensor, emotions: Tensor) -> Tensor:
        scale, shift = self.modulation(emotions)[:, :, None, None].chunk(2, 1)
        return x + self.second(F.relu(self.norm(self.first(x)) * (1 + scale) + shift))


class FaceDecoder(nn.Module):
    """Probabilities of the emotions (n, 8) and looks (n, 32) -> grey faces (n, 1, 48, 48), about in [0, 1].

    A state says which expression a face shows, and not whose it is. Looks are the rest: coordinates with mean
    0 and variance 1 along the principal components of what the emotions of real faces leave over (eigenfaces;
    Turk and Pentland, 1991). Drawn from a normal distribution they are nobody's. What is linear in both is a
    blurred face; a convolutional network sharpens it and makes it show the expression.
    """

    looks = 32

    def __init__(self):
        super().__init__()
        half, quarter = CHANNELS
        self.linear = nn.Linear(len(EMOTIONS) + self.looks, FACE_SIZE**2, bias=False)
        self.enter = nn.Conv2d(4, half, 3, 1, 1)
        self.reduce = nn.Conv2d(half, quarter, 4, 2, 1)
        self.norm = nn.BatchNorm2d(quarter)
        self.coarse = nn.ModuleList([_Modulated(quarter) for _ in range(3)])
        self.enlarge = nn.Conv2d(quarter + half, half, 3, 1, 1)
        self.fine = nn.ModuleList([_Modulated(half) for _ in range(2)])
        self.leave = nn.Conv2d(half, 4, 3, 1, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)  # training starts from the blurred face

    def forward(self, emotions: Tensor, looks: Tensor) -> Tensor:
        blurred = self.linear(torch.cat([emotions, looks], 1)).view(-1, 1, FACE_SIZE, FACE_SIZE)
        half = F.leaky_relu(self.enter(F.pixel_unshuffle(blurred - 0.5, 2)), 0.2)
        quarter = F.leaky_relu(self.norm(self.reduce(half)), 0.2)
        for block in self.coarse:
            quarter = block(quarter, emotions)
        half = self.enlarge(torch.cat([F.interpolate(quarter, scale_factor=2), half], 1))
        for block in self.fine:
            half = block(half, emotions)
        return (blurred + F.pixel_shuffle(self.leave(F.relu(half)), 2)).float()
