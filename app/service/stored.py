"""What our example clips gave when they were read, kept beside them, so that they answer at once.

    python -m app.service.stored

reads every example again and writes `assets/examples/stored/`: pictures, sound and states; the fusion, which
takes milliseconds, always runs. A file made with other extractor weights, or of another clip, is not used.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.service.analysis import Notice
from app.service.material import Material
from models.types import Features, Modality

if TYPE_CHECKING:  # imported where it is needed: transformers takes seconds
    from models.extractors.profile import Extraction

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
FULL_SCALE = 32767  # of the sound, kept in 16 bits


class StoredMaterial:
    """The stored readings of a folder, found by the contents of the clip; tensors are read when asked for."""

    def __init__(self, folder: Path = EXAMPLES / "stored"):
        self._files = {}
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                meta = json.loads(file.metadata()["meta"])
            self._files[tuple(meta["key"])] = (path, meta)

    def find(self, key: tuple[str, str], fingerprints: Callable[[], dict[str, str]]) -> Material | None:
        """The material of a clip and of a separate sound, by their digests ("" for none); None if not kept.

        fingerprints : gives those of the extractors in use, asked for only where something is kept
        """
        path, meta = self._files.get(key, (None, {}))
        if path is None or meta["fingerprints"] != _of_files(fingerprints()):
            return None
        kept = load_file(path)
        wave = kept["waveform"].numpy().astype(np.float32) / FULL_SCALE if "waveform" in kept else None
        notices = tuple(Notice(**notice) for notice in meta["notices"])
        return Material(wave, *_extractions(kept), notices)


def store(material: Material, key: tuple[str, str], fingerprints: dict[str, str], path: Path) -> None:
    """Write what a clip gave, under the digests of its files."""
    kept: dict[str, Tensor] = {}
    if material.waveform is not None:
        kept["waveform"] = torch.from_numpy((material.waveform * FULL_SCALE).round().astype(np.int16))
    if material.voice is not None:
        kept["log_mel"] = torch.from_numpy(material.voice.log_mel)
        kept |= _states(material.voice, Modality.AUDIO)
    if material.face is not None and material.face.faces is not None:
        kept["crops"] = torch.from_numpy(material.face.faces.crops)
        kept["crop_times"] = torch.from_numpy(material.face.faces.times)
        kept |= _states(material.face, Modality.VISION)
    meta = {
        "key": key,
        "fingerprints": _of_files(fingerprints),
        "notices": [asdict(notice) for notice in material.notices],
    }
    path.parent.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in kept.items()}, path, {"meta": json.dumps(meta)})


def _of_files(fingerprints: dict[str, str]) -> dict[str, str]:
    """Of the extractors that read files; words are always read anew."""
    return {str(m): fingerprints[m] for m in (Modality.AUDIO, Modality.VISION)}


def _states(extraction: Extraction, modality: Modality) -> dict[str, Tensor]:
    sequence = extraction.features[modality]
    if not sequence.present[0]:
        return {}
    return {str(modality): sequence.values[0], f"{modality}_times": sequence.times[0]}


def _extractions(kept: dict[str, Tensor]) -> tuple[Extraction | None, Extraction | None]:
    """Of the voice and of the face, each alone, as `Profile.extract` gives them."""
    from models.extractors.profile import Extraction, FaceTrack, Profile, one_sequence

    def only(wanted: Modality) -> Features:
        sequences = {str(m): one_sequence(None, dim) for m, dim in Profile.dims.items()}
        if str(wanted) in kept:
            states, times = kept[str(wanted)], kept[f"{wanted}_times"]
            sequences[str(wanted)] = one_sequence(states, Profile.dims[wanted], times=times)
        return Features(**sequences)

    voice = face = None
    if "log_mel" in kept:
        voice = Extraction(only(Modality.AUDIO), kept["log_mel"].numpy(), None, [], {})
    if "crops" in kept:
        track = FaceTrack(kept["crops"].numpy(), kept["crop_times"].numpy())
        face = Extraction(only(Modality.VISION), None, track, [], {})
    return voice, face


def main() -> None:
    """Read every example again and store what it gave."""
    from app.service.reader import Reader
    from app.settings import Settings

    with tempfile.TemporaryDirectory() as empty:
        reader = Reader(Settings(), "cpu", stored=StoredMaterial(Path(empty)))
        for entry in json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8")):
            clip = EXAMPLES / entry["file"]
            files = (None, clip) if clip.suffix == ".mp3" else (clip, None)
            key, material = reader.material(*files)
            target = EXAMPLES / "stored" / f"{clip.stem}.safetensors"
            store(material, key, reader.fingerprints, target)
            print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
