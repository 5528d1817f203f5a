"""What our example clips gave when they were read, kept beside them, so that they answer at once.

Pictures, sound and states; the fusion, which takes milliseconds, always runs. A file made with other
extractor weights, or of another clip, is not used. `python -m app.service.store_examples` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.service.analysis import Notice, Transcript
from app.service.utterance import NO_WORDS, Utterance
from models.media.clip import Word
from models.types import MODALITIES, Features, Modality, Sequence

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
FULL_SCALE = 32767  # of the sound, kept in 16 bits


class StoredUtterances:
    """The stored readings of a folder, found by the contents of the clip; tensors are read when asked for."""

    def __init__(self, folder: Path = EXAMPLES / "stored", dims: dict[Modality, int] | None = None):
        self._dims = dims
        self._files = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                meta = json.loads(file.metadata()["meta"])
            self._files[tuple(meta["key"])] = (path, meta)

    def find(self, key: tuple[str, str], fingerprints: Callable[[], dict[str, str]]) -> Utterance | None:
        """What a clip and a separate sound gave, by their digests ("" for none); None if not kept.

        fingerprints : gives those of the extractors in use, asked for only where something is kept
        """
        path, meta = self._files.get(key, (None, {}))
        if path is None or meta["fingerprints"] != _of_files(fingerprints()):
            return None
        from models.extractors.face_tracking import FaceTrack
        from models.extractors.local_profile import LocalProfile  # takes seconds

        kept, dims = load_file(path), self._dims or LocalProfile.dims

        def sequence(modality: Modality) -> Sequence:
            return Sequence.single(kept.get(modality), dims[modality], times=kept.get(f"{modality}_times"))

        def track(number: int) -> FaceTrack:
            return FaceTrack(kept[f"crops_{number}"].numpy(), kept[f"crop_times_{number}"].numpy())

        return Utterance(
            features=Features(**{m: sequence(m) for m in MODALITIES}),
            notices=tuple(Notice(**notice) for notice in meta["notices"]),
            transcript=_transcript(meta["transcript"]) if "transcript" in meta else NO_WORDS,
            waveform=kept["waveform"].numpy().astype(np.float32) / FULL_SCALE if "waveform" in kept else None,
            log_mel=kept["log_mel"].numpy() if "log_mel" in kept else None,
            face_tracks=tuple(track(number) for number in range(meta["faces"])),
            speaking=meta["speaking"],
            speech=meta.get("speech", True),
        )


def _transcript(kept: dict) -> Transcript:
    return Transcript(**{**kept, "words": tuple(Word(**word) for word in kept["words"])})


def store(utterance: Utterance, key: tuple[str, str], fingerprints: dict[str, str], path: Path) -> None:
    """Write what a clip gave and the words that were heard in it, without their states, under its digests."""
    kept: dict[str, Tensor] = {}
    if utterance.waveform is not None:
        kept["waveform"] = torch.from_numpy((utterance.waveform * FULL_SCALE).round().astype(np.int16))
    if utterance.log_mel is not None:
        kept["log_mel"] = torch.from_numpy(utterance.log_mel)
    for number, track in enumerate(utterance.face_tracks):
        kept[f"crops_{number}"] = torch.from_numpy(track.crops)
        kept[f"crop_times_{number}"] = torch.from_numpy(track.times)
    for modality, sequence in utterance.features:
        if sequence.present[0]:
            assert sequence.times is not None  # of files alone: voice and face
            kept[modality], kept[f"{modality}_times"] = sequence.values[0], sequence.times[0]
    meta = {
        "key": key,
        "fingerprints": _of_files(fingerprints),
        "faces": len(utterance.face_tracks),
        "speaking": utterance.speaking,
        "notices": [asdict(notice) for notice in utterance.notices],
        "speech": utterance.speech,
        "transcript": asdict(utterance.transcript),
    }
    path.parent.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in kept.items()}, path, {"meta": json.dumps(meta)})


def _of_files(fingerprints: dict[str, str]) -> dict[str, str]:
    """Of the extractors that read files; words are always read anew."""
    return {str(m): fingerprints[m] for m in (Modality.AUDIO, Modality.VISION)}
