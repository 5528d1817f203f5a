"""Trains the extractors of the `local` profile, and writes weights and card of each."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from models.extractors.profile import Profile, fingerprint
from models.shipped import face_encoder, text_encoder, voice_decoder, voice_encoder
from models.shipped.cards import write_extractor_card
from models.shipped.out_of_distribution import evaluate_detector, fit_detector
from models.shipped.sources import (
    SHIPPED_FOLD,
    cross_fitted_voices,
    load_sources,
    load_speech_fold,
    voice_copy,
)
from models.tensors import save_tensors
from models.types import LANGUAGE_MODEL, MODALITIES


def train_extractor(which: str, data: Path, cache: Path, checkpoints: Path) -> dict:
    """Train one of EXTRACTORS on `data`; returns its held-out figures, also on its card."""
    tensors, figures = EXTRACTORS[which](data, cache, checkpoints)
    save_extractor(which, tensors, figures, checkpoints)
    return figures


def save_extractor(
    which: str, tensors: dict[str, dict[str, Tensor]], figures: dict, checkpoints: Path
) -> None:
    """Write {file stem: tensors} of an extractor, in float16, and its card.

    Figures stay out of the files: a fingerprint is of the weights alone.
    """
    folder = checkpoints / "local" / "extractors"
    about: dict = {"extractor": which}
    if which == "out_of_distribution":  # it fits the states of these extractors only
        about["fingerprints"] = {str(m): fingerprint(folder / f"{m}.safetensors") for m in MODALITIES}
    for name, named in tensors.items():
        halved = {key: value.half() if value.is_floating_point() else value for key, value in named.items()}
        save_tensors(folder / f"{name}.safetensors", halved, about)
    write_extractor_card(folder / f"{which}.md", which, figures)


def _train_text(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = text_encoder.train_text_encoder(data)
    return {"text": encoder.trained()}, text_encoder.evaluate_text_encoder(encoder, data)


def _train_language_model(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """What LRCMT runs: no extractor, but trained and measured as the text encoder is."""
    encoder = text_encoder.train_large_text_encoder(data)
    return {LANGUAGE_MODEL: encoder.trained()}, text_encoder.evaluate_text_encoder(encoder, data)


def _train_audio(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """The shipped copy is the one without the actors of SHIPPED_FOLD; the others measure the recipe."""
    speech = voice_encoder.load_speech(data)
    figures = {}
    for fold in range(voice_encoder.FOLDS):
        encoder = voice_copy(speech, (fold,), cache)
        figures[f"fold {fold}"] = voice_encoder.evaluate_voice_encoder(
            encoder, speech.loc[speech["fold"] == fold]
        )
    shipped = voice_copy(speech, (SHIPPED_FOLD,), cache)
    return {"audio": shipped.state_dict()}, figures


def _train_vision(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = face_encoder.train_face_encoder(data)
    decoder = face_encoder.train_face_decoder(encoder, data)
    with torch.inference_mode():
        figures = face_encoder.evaluate_face_encoder(encoder, decoder, data)
    return {"vision": encoder.state_dict(), "vision_decoder": decoder.state_dict()}, figures


def _train_voice_decoder(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """Learns from cross-fitted states: as good, and as bad, as those of a new voice."""
    speech = voice_encoder.load_speech(data)
    states = cross_fitted_voices(data, cache, SHIPPED_FOLD)
    encoder = voice_copy(speech, (SHIPPED_FOLD,), cache)
    training = speech[speech["fold"] != SHIPPED_FOLD]
    mels = training["mel"].tolist()
    decoder = voice_decoder.train_voice_decoder(encoder, mels, [states[str(row)] for row in training.index])
    mean = torch.cat(mels, dim=1).mean(1)
    held_out = speech.loc[speech["fold"] == SHIPPED_FOLD, "mel"].tolist()
    figures = voice_decoder.evaluate_voice_decoder(encoder, decoder, held_out, mean)
    return {"voice_decoder": decoder.state_dict()}, figures


def _train_out_of_distribution(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """No extractor: what the states of the others look like on the data that fusion models learn from."""
    profile = Profile.load("local", root=checkpoints)
    sources = load_sources(data, profile, cache)
    speech = load_speech_fold(data, profile, cache, SHIPPED_FOLD)
    fitted = fit_detector(sources, speech)
    return {"out_of_distribution": fitted.state_dict()}, evaluate_detector(fitted, sources, speech)


EXTRACTORS = {
    "text": _train_text,
    LANGUAGE_MODEL: _train_language_model,
    "audio": _train_audio,
    "vision": _train_vision,
    "voice_decoder": _train_voice_decoder,
    "out_of_distribution": _train_out_of_distribution,
}
