"""Trains the extractors of the `local` profile, and writes weights and card of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from models.extractors.local_profile import (
    LocalProfile,
    extractor_fingerprints,
    load_face_encoder,
    load_text_encoder,
)
from models.shipped import (
    face_decoder,
    face_encoder,
    melody,
    text_arousal,
    text_encoder,
    voice_decoder,
    voice_head,
)
from models.shipped.cards import write_extractor_card
from models.shipped.out_of_distribution import evaluate_detector, fit_detector
from models.shipped.sources import (
    SHIPPED_FOLD,
    cross_fitted_voices,
    heard_clips,
    heard_speech,
    load_sources,
    load_speech_fold,
    voice_copy,
)
from models.tensors import save_tensors
from models.training.commands import device_of


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
        about["fingerprints"] = extractor_fingerprints(folder)
    for name, named in tensors.items():
        halved = {key: value.half() if value.is_floating_point() else value for key, value in named.items()}
        save_tensors(folder / f"{name}.safetensors", halved, about)
    write_extractor_card(folder / f"{which}.md", which, figures)


def _train_text(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = text_encoder.train_text_encoder(data)
    return {"text": encoder.trained()}, text_encoder.evaluate_text_encoder(encoder, data)


def _train_text_arousal(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = load_text_encoder(checkpoints / "local" / "extractors")
    fitted = text_arousal.train_text_arousal(encoder, data)
    return {"text_arousal": fitted.state_dict()}, text_arousal.evaluate_text_arousal(fitted, encoder, data)


def _train_audio(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """The shipped head is the one without the actors of SHIPPED_FOLD; the others measure the recipe.

    Its map of what a voice adds to the words learned from all clips, and is measured on speakers left out.
    """
    speech, heard = voice_head.load_speech(data), heard_speech(data, cache)
    figures = {}
    for fold in range(voice_head.FOLDS):
        rows = np.flatnonzero(speech["fold"] == fold)
        figures[f"fold {fold}"] = voice_head.evaluate_voice_head(
            voice_copy(data, (fold,), cache), speech.iloc[rows], [heard[i] for i in rows]
        )
    shipped = voice_copy(data, (SHIPPED_FOLD,), cache)
    manifest = pd.read_csv(data / "clips" / "manifest.csv")
    encoder = load_text_encoder(checkpoints / "local" / "extractors")
    words = text_encoder.score_transcripts(encoder, manifest["text"].tolist())
    heard_in_clips = heard_clips(data, cache)
    voiced = [i for i, (encoded, _) in enumerate(heard_in_clips) if len(encoded)]
    inputs = voice_head.mean_windows(shipped, [heard_in_clips[i] for i in voiced])
    labels, speakers, words = (
        column[voiced] for column in (manifest["score"].to_numpy(), manifest["video"].to_numpy(), words)
    )
    with torch.no_grad():
        for parameter, value in zip(
            shipped.beyond_words.parameters(),
            voice_head.fit_beyond_words(inputs, labels - words),
            strict=True,
        ):
            parameter.copy_(value)
    figures["clips"] = voice_head.evaluate_beyond_words(inputs, words, labels, speakers)
    return {"audio": shipped.state_dict()}, figures


def _train_vision(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = face_encoder.train_face_encoder(data, device=device_of("auto"))
    return {"vision": encoder.state_dict()}, face_encoder.evaluate_face_encoder(encoder, data)


def _train_face_decoder(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    encoder = load_face_encoder(checkpoints / "local" / "extractors")
    decoder = face_decoder.train_face_decoder(encoder, data, device=device_of("auto"))
    return {"face_decoder": decoder.state_dict()}, face_decoder.evaluate_face_decoder(encoder, decoder, data)


def _train_voice_decoder(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """Learns from cross-fitted states: as good, and as bad, as those of a new voice."""
    speech, profile = voice_head.load_speech(data), LocalProfile.load(root=checkpoints)
    states = cross_fitted_voices(data, cache, SHIPPED_FOLD)
    mels = [voice_decoder.prepare(voice_head.load_waveform(data / "speech" / f)) for f in speech["file"]]
    training, held_out = (
        np.flatnonzero(rows) for rows in (speech["fold"] != SHIPPED_FOLD, speech["fold"] == SHIPPED_FOLD)
    )
    decoder = voice_decoder.train_voice_decoder(
        [mels[i] for i in training], [states[str(i)] for i in training]
    )
    mean = torch.cat([mels[i] for i in training], dim=1).mean(1)
    figures = voice_decoder.evaluate_voice_decoder(
        profile, decoder, [mels[i] for i in held_out], [states[str(i)] for i in held_out], mean
    )
    return {"voice_decoder": decoder.state_dict()}, figures


def _train_melody(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """Learns from cross-fitted states, as the voice decoder does."""
    speech = voice_head.load_speech(data)
    melodies = melody.speech_melodies(data, cache, speech)
    states = cross_fitted_voices(data, cache, SHIPPED_FOLD)
    training, held_out = (
        np.flatnonzero(rows) for rows in (speech["fold"] != SHIPPED_FOLD, speech["fold"] == SHIPPED_FOLD)
    )
    decoder = melody.train_melody_decoder([melodies[i] for i in training], [states[str(i)] for i in training])
    figures = melody.evaluate_melody_decoder(
        decoder,
        [melodies[i] for i in held_out],
        [states[str(i)] for i in held_out],
        speech["emotion"].iloc[held_out].tolist(),
    )
    return {"melody": decoder.state_dict()}, figures


def _train_out_of_distribution(data: Path, cache: Path, checkpoints: Path) -> tuple[dict, dict]:
    """No extractor: what the states of the others look like on the data that fusion models learn from."""
    profile = LocalProfile.load(root=checkpoints)
    sources = load_sources(data, profile, cache, checkpoints)
    speech = load_speech_fold(data, profile, cache, SHIPPED_FOLD)
    fitted = fit_detector(sources, speech)
    return {"out_of_distribution": fitted.state_dict()}, evaluate_detector(fitted, sources, speech)


EXTRACTORS = {
    "text": _train_text,
    "text_arousal": _train_text_arousal,
    "audio": _train_audio,
    "vision": _train_vision,
    "face_decoder": _train_face_decoder,
    "voice_decoder": _train_voice_decoder,
    "melody": _train_melody,
    "out_of_distribution": _train_out_of_distribution,
}
