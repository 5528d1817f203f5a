"""Makes the speaker encoder that ships: the weights of the package Resemblyzer, in half precision."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from models.extractors.speaker import SpeakerEncoder
from models.tensors import save_tensors

SOURCE = "Resemblyzer 0.1.4"
PUBLISHED = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"  # SHA-256 of pretrained.pt

CARD = f"""---
license: apache-2.0
---
# Speaker encoder: who speaks in a long recording

The voice encoder of [Resemblyzer](https://github.com/resemble-ai/Resemblyzer) (Apache License 2.0), an
implementation of GE2E (Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018):
three LSTM layers over 40 mel energies, an embedding of 256 for 1.6 s of sound. Changed as follows: half
precision, without the optimiser's state. Nothing was trained here.

Published weights: `resemblyzer/pretrained.pt` of {SOURCE}, SHA-256 `{PUBLISHED}`.

Made by `python -m models.shipped ship-speaker pretrained.pt`. It tells the speakers of one recording apart,
not who a person is, and nothing of it is kept. What it gets wrong: `python tests/benchmarks/recordings.py`.
"""


def ship_speaker(source: Path, folder: Path) -> None:
    """Write weights and card into `folder` from the published `pretrained.pt`.

    ValueError where it is not the one that was published, FileNotFoundError where it is missing.
    """
    if hashlib.sha256(source.read_bytes()).hexdigest() != PUBLISHED:
        raise ValueError(f"{source} is not the pretrained.pt of {SOURCE}")
    published = torch.load(source, map_location="cpu", weights_only=True)["model_state"]
    kept = {name: published[name].half() for name in SpeakerEncoder().state_dict()}
    save_tensors(folder / "speaker.safetensors", kept, {"source": SOURCE, "sha256": PUBLISHED})
    (folder / "speaker.md").write_text(CARD, encoding="utf-8")
