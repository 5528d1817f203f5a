"""Face crops -> states: a picture encoder of `transformers`, one state a crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.hub.loading import LOAD, load_model, precision, usable
from models.extractors.vision import FACE_SIZE

TOGETHER = 32  # crops that are read at once


class PictureEncoder:
    """SigLIP, CLIP, DINOv2, ViT and their kin; stateless.

    dim : width of a state
    """

    def __init__(self, folder: Path, device: str):
        """CheckpointError for what is no encoder of pictures."""
        from transformers import AutoImageProcessor

        with usable("the face", folder):
            self._prepare = AutoImageProcessor.from_pretrained(folder, **LOAD)
            self._model, self._pools = load_model(folder, device, picture=True)
            self._device = device
            self.dim = self.states(np.zeros((1, FACE_SIZE, FACE_SIZE), np.uint8)).shape[1]

    @torch.inference_mode()
    def states(self, crops: np.ndarray) -> Tensor:
        """States (n, d) of at least one grey crop (n, 48, 48) uint8: what the encoder's own head pools.

        The mean over the patches where its head was not trained with it.
        """
        parts = range(0, len(crops), TOGETHER)
        return torch.cat([self._read(crops[first : first + TOGETHER]) for first in parts])

    def _read(self, crops: np.ndarray) -> Tensor:
        pictures = [np.repeat(crop[..., None], 3, axis=2) for crop in crops]
        prepared = self._prepare(images=pictures, return_tensors="pt").to(self._device)
        with precision(self._device):
            read = self._model(**prepared)
        pooled = getattr(read, "pooler_output", None) if self._pools else None
        states = read.last_hidden_state.mean(1) if pooled is None else pooled.flatten(1)
        return states.float().cpu()
