"""The faces and voices that MFM imagines from words: what one reads in them, and how sharp faces are.

    python tests/benchmarks/imagined_faces.py

On triples of held-out transcripts, actors and FER+ test faces that match in the words' label and in arousal.
Each imagined face is seen through the drawn stand-in and through the face decoder, on a face of nobody, both
exaggerated as on the page. Sharpness is variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of 48 x 48
crops, the median, beside that of the real faces.
`agrees` is how often the valence that the face encoder reads in the picture has the label's side, less what
it reads where nothing good or bad is imagined; it saw neither kind in training. `named` is how
often a judge, fitted to real states of other people, names of the face or voice as performed the family that
the label has (good, neutral, bad), `chance` what the same names dealt out at random would reach, `real` how
often of the triples' real ones, whose valence is about the label. `apart` is
the difference in grey levels, of 255, of what a very good and a very bad sentence give.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from sklearn.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.service.imputation_rendering import exaggerated  # noqa: E402
from models.checkpoint import Checkpoint, load_fusion  # noqa: E402
from models.extractors.face_tracking import crop  # noqa: E402
from models.extractors.local_profile import LocalProfile  # noqa: E402
from models.extractors.rendering import Renderer  # noqa: E402
from models.extractors.stand_in import stand_ins  # noqa: E402
from models.extractors.vision import VALENCE  # noqa: E402
from models.features.utterances import Utterance, collate  # noqa: E402
from models.fusion.alignment import align  # noqa: E402
from models.shipped.face_encoder import TEST, load_faces  # noqa: E402
from models.shipped.reconstruction import NEUTRAL, family, judges, matched_triples  # noqa: E402
from models.shipped.sources import SHIPPED_FOLD, load_sources, load_speech_fold  # noqa: E402
from models.types import MODALITIES, Modality  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402

ITEMS = 300
SENTENCES = (
    "I loved every minute of it, what a wonderful film.",
    "I hated every minute of it, a horrible film.",
)


@torch.inference_mode()
def imagined_states(checkpoint: Checkpoint, modality: Modality, items: list[Utterance]) -> torch.Tensor:
    """States (n, d) from the words alone, as the page performs them."""
    model = checkpoint.model
    features, _ = collate(items, model.dims)
    aligned = align(model.normalised(features), model.steps)
    kept = torch.tensor([[m is Modality.TEXT for m in MODALITIES]]).expand(len(items), 3)
    draws = model.raw(modality, model.imagine(aligned, kept)[modality])
    mask = aligned.mask()[..., None]
    means = (draws * mask).sum(2) / mask.sum(1)  # (draws, n, d)
    return exaggerated(checkpoint, modality, means).mean(0)


def named(judge: Pipeline, performed: torch.Tensor, targets: np.ndarray) -> tuple[float, float]:
    """How often the judge names of performed states (n, d) the family of scores (n,), and by chance."""
    says, true = judge.predict(performed.numpy()), family(targets, NEUTRAL["label"])
    chance = sum((says == side).mean() * (true == side).mean() for side in (-1, 0, 1))
    return float((says == true).mean()), float(chance)


def cropped_faces(profile: LocalProfile, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops (m, 48, 48) of the faces found in pictures (n, size, size, 3), and in which (n,) one was."""
    found = profile.face_detector.detect_all(pictures)
    seen = np.array([len(faces.scores) > 0 for faces in found])
    crops = [crop(pictures[i, ..., 0], found[i].landmarks[0]) for i in np.flatnonzero(seen)]
    return np.stack(crops), seen


@torch.inference_mode()
def valence(profile: LocalProfile, faces: np.ndarray) -> np.ndarray:
    """What the face encoder reads in faces (n, 48, 48)."""
    return profile.face.readings(torch.from_numpy(faces)[:, None].float() / 255)[:, VALENCE].numpy()


def sharpness(faces: np.ndarray) -> float:
    return float(np.median([cv2.Laplacian(face.astype(np.float64), cv2.CV_64F).var() for face in faces]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache")
    options = parser.parse_args()
    profile = LocalProfile.load()
    renderer = Renderer.load(profile)
    checkpoint = load_fusion("mfm")
    middle = torch.tensor(checkpoint.meta.training["imagined_middle"][str(Modality.VISION)])
    sources = load_sources(options.data, profile, options.cache)
    speech = load_speech_fold(options.data, profile, options.cache, SHIPPED_FOLD)
    everything = matched_triples(sources, speech)
    triples = [item for item in everything if item.target != 0][:ITEMS]
    positive = np.array([item.target > 0 for item in triples])

    shown = imagined_states(checkpoint, Modality.VISION, triples)
    drawn = stand_ins(shown)
    decoded = np.stack([renderer.face(state, number) for number, state in enumerate(shown)])
    cropped, seen = cropped_faces(profile, drawn)
    real = load_faces(options.data, TEST)[0][:ITEMS, 0].numpy()
    plain = np.stack([renderer.face(middle, number) for number in range(len(shown))])

    def agrees(faces: np.ndarray, neutral: np.ndarray, good: np.ndarray) -> float:
        return float(((valence(profile, faces) > valence(profile, neutral)) == good).mean())

    words = [
        Utterance({Modality.TEXT: states}, 0.0, "text", "x") for states in profile.embed_text(list(SENTENCES))
    ]
    shown = imagined_states(checkpoint, Modality.VISION, words)
    good, bad = stand_ins(shown).astype(float)
    decoded_good, decoded_bad = (renderer.face(state, 0).astype(float) for state in shown)
    figures = {
        "items": len(triples),
        "sharpness of the stand-in": sharpness(cropped) / sharpness(real),
        "sharpness of the decoder": sharpness(decoded) / sharpness(real),
        "stand-in agrees": agrees(
            cropped, cropped_faces(profile, stand_ins(middle[None]))[0], positive[seen]
        ),
        "decoder agrees": agrees(decoded, plain, positive),
        "stand-ins apart": float(np.abs(good - bad).mean()),
        "decoded apart": float(np.abs(decoded_good - decoded_bad).mean()),
    }
    targets, judged = np.array([item.target for item in everything]), judges(sources, speech).families
    for modality, what in ((Modality.VISION, "face"), (Modality.AUDIO, "voice")):
        performed = imagined_states(checkpoint, modality, everything)
        figures[f"{what} named"], figures[f"{what}: chance"] = named(judged[modality], performed, targets)
        real = torch.stack([item.states[modality].mean(0) for item in everything])
        figures[f"real {what} named"] = named(judged[modality], real, targets)[0]
    for name, value in figures.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
    keep_latest(figures)


if __name__ == "__main__":
    main()
