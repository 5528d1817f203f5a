"""States of all labelled data, from extractors that did not train on them, kept in a local cache.

The rules of `../shared/data/README.md` in code: the adapters never saw the clips' videos, and a tenth of
MOSEI's training videos is kept for the fusion models; voices are cross-fitted by actor; the faces are
FER+'s validation split, which the face encoder never saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from models.extractors.audio import VoiceEncoder
from models.extractors.profile import Profile
from models.extractors.valence import FERPLUS_VALENCE
from models.extractors.vision import EMOTIONS
from models.features.utterances import Utterance
from models.media.decode import decode
from models.shipped import face_encoder, voice_encoder
from models.shipped.text_encoder import MOSI_REPEATS, load_transcripts
from models.tensors import load_strictly, load_tensors, save_tensors
from models.types import Modality

SHIPPED_FOLD = 0  # RAVDESS actors of this fold are in no shipped weight
VALIDATION_SHARE = 0.1  # of transcripts' videos and faces, for calibration and model selection


@dataclass(frozen=True)
class Sources:
    """Everything a fusion model can learn from, before speakers are held out.

    clips : 287 CMU-MOSI segments of 12 speakers; text : transcripts; faces, test_faces : FER+ validation
    and test split; language_model : gives the profile's weights of it, for methods that run it themselves
    """

    clips: list[Utterance]
    text: list[Utterance]
    text_validation: list[Utterance]
    faces: list[Utterance]
    faces_validation: list[Utterance]
    test_faces: list[Utterance]
    language_model: Callable[[], dict[str, Tensor]] | None = None


@dataclass(frozen=True)
class Speech:
    """RAVDESS with the actors of one fold unseen.

    train, validation : words and cross-fitted voices of the other folds' actors (validation: two of them)
    test : the unseen actors, through an encoder that heard none of them
    """

    train: list[Utterance]
    validation: list[Utterance]
    test: list[Utterance]


def load_sources(data: Path, profile: Profile, cache: Path) -> Sources:
    """All sources but speech; states are computed once per fingerprint of the extractors."""
    clips = _cached(
        cache / f"clips-{'-'.join(profile.fingerprints.values())}", lambda: _clip_states(data, profile)
    )
    manifest = pd.read_csv(data / "clips" / "manifest.csv")
    clip_ids = _token_ids(manifest["text"].tolist(), profile)
    clip_items = [
        Utterance(
            {m: clips[f"{i}.{m}"] for m in Modality if f"{i}.{m}" in clips},
            score,
            "clips",
            video,
            clip_ids[i],
        )
        for i, (score, video) in enumerate(zip(manifest["score"], manifest["video"], strict=True))
    ]
    rows = load_transcripts(data)
    rows = rows.loc[rows["split"].isin(["fusion", "valid"]) & rows["score"].notna() & rows["text"].notna()]
    rows = rows.reset_index(drop=True)
    text = _cached(
        cache / f"text-{profile.fingerprints[Modality.TEXT]}",
        lambda: _text_states(rows["text"].tolist(), profile),
    )
    text_ids = _token_ids(rows["text"].tolist(), profile)
    text_items = [
        Utterance({Modality.TEXT: text[str(i)]}, score, "text", video, text_ids[i])
        for i, (score, video) in enumerate(zip(rows["score"], rows["video"], strict=True))
    ]
    videos = sorted(set(rows["video"]))
    held_out = set(
        np.random.default_rng(0).choice(videos, int(VALIDATION_SHARE * len(videos)), replace=False)
    )
    faces, test_faces = (
        _face_items(data, profile, split) for split in (face_encoder.VALID, face_encoder.TEST)
    )
    cut = int(len(faces) * VALIDATION_SHARE)
    repeats = np.where(rows["source"] == "mosi", MOSI_REPEATS, 1)
    return Sources(
        clips=clip_items,
        text=[
            item
            for item, count in zip(text_items, repeats, strict=True)
            if item.group not in held_out
            for _ in range(count)
        ],
        text_validation=[item for item in text_items if item.group in held_out],
        faces=faces[cut:],
        faces_validation=faces[:cut],
        test_faces=test_faces,
        language_model=profile.language_model,
    )


def with_words(clips: list[Utterance], texts: list[str], profile: Profile) -> list[Utterance]:
    """The same utterances with other words; without any where a text is empty."""
    embedded = zip(profile.embed_text(texts), _token_ids(texts, profile), strict=True)
    changed = []
    for clip, text, (states, ids) in zip(clips, texts, embedded, strict=True):
        others = {m: own for m, own in clip.states.items() if m is not Modality.TEXT}
        words = {Modality.TEXT: states} if text.strip() else {}
        changed.append(replace(clip, states={**words, **others}, ids=ids if words else None))
    return changed


def load_speech_fold(data: Path, profile: Profile, cache: Path, fold: int) -> Speech:
    """RAVDESS with the actors of `fold` (0 … 3) held out.

    Each training actor's voice comes from an encoder trained without him or her and without the test
    actors, so its states are as good, and as bad, as those of a new voice.
    """
    states = cross_fitted_voices(data, cache, fold)
    manifest = pd.read_csv(data / "speech" / "manifest.csv")
    folds = voice_encoder.speech_folds(manifest["speaker"])
    sentences = sorted(set(manifest["text"]))
    words = dict(zip(sentences, profile.embed_text(sentences), strict=True))
    ids = dict(zip(sentences, _token_ids(sentences, profile), strict=True))
    items: dict[str, list[Utterance]] = {"train": [], "validation": [], "test": []}
    validation_fold = (fold + 1) % voice_encoder.FOLDS
    validation = set(sorted(set(manifest["speaker"][folds == validation_fold]))[:2])
    columns = (manifest[name] for name in ("text", "emotion", "intensity", "speaker"))
    for i, (text, emotion, intensity, speaker) in enumerate(zip(*columns, strict=True)):
        item = Utterance(
            {Modality.TEXT: words[text], Modality.AUDIO: states[str(i)]},
            voice_encoder.ravdess_valence(emotion, intensity),
            "speech",
            speaker,
            ids[text],
        )
        kind = "test" if folds[i] == fold else "validation" if speaker in validation else "train"
        items[kind].append(item)
    return Speech(**items)


def cross_fitted_voices(data: Path, cache: Path, fold: int) -> dict[str, Tensor]:
    """{row of RAVDESS's manifest: states (T, 11)}, from an encoder without its fold and without `fold`."""
    return _cached(cache / f"speech-{fold}", lambda: _speech_states(data, cache, fold))


def voice_copy(speech: pd.DataFrame, held_out: tuple[int, ...], cache: Path) -> VoiceEncoder:
    """The voice encoder trained without the actors of the folds `held_out`, from the cache if it is there."""
    path = cache / f"voice-{''.join(map(str, held_out))}.safetensors"
    encoder = VoiceEncoder()
    if path.is_file():
        load_strictly(encoder.state_dict(), load_tensors(path)[0], path)
        return encoder.eval()
    encoder = voice_encoder.train_voice_encoder(speech.loc[~speech["fold"].isin(held_out)])
    save_tensors(path, encoder.state_dict(), {"held_out": held_out})
    return encoder


def _speech_states(data: Path, cache: Path, fold: int) -> dict[str, Tensor]:
    speech = voice_encoder.load_speech(data)
    states = {}
    for other in range(voice_encoder.FOLDS):
        encoder = voice_copy(speech, tuple(sorted({fold, other})), cache)
        rows = np.flatnonzero(speech["fold"] == other)
        mels = speech["mel"].iloc[rows].tolist()
        for i, row in zip(rows, voice_encoder.voice_states(encoder, mels), strict=True):
            states[str(i)] = row
    return states


def _clip_states(data: Path, profile: Profile) -> dict[str, Tensor]:
    manifest = pd.read_csv(data / "clips" / "manifest.csv")
    states = {}
    listed = list(zip(manifest["file"], manifest["text"], strict=True))
    for i, (file, text) in enumerate(tqdm(listed, desc="clips")):
        features = profile.features(decode(data / "clips" / file), text)
        for modality, sequence in features:
            if sequence.present[0]:
                states[f"{i}.{modality}"] = sequence.values[0]
    return states


def _text_states(texts: list[str], profile: Profile) -> dict[str, Tensor]:
    return {str(i): states for i, states in enumerate(profile.embed_text(texts))}


def _token_ids(texts: list[str], profile: Profile) -> list[Tensor]:
    ids, lengths = profile.text.tokenize(texts)
    return [row[:length].clone() for row, length in zip(ids, lengths.tolist(), strict=True)]


def _face_items(data: Path, profile: Profile, split: int) -> list[Utterance]:
    images, votes = face_encoder.load_faces(data, split)
    valence = votes @ torch.tensor([FERPLUS_VALENCE[emotion] for emotion in EMOTIONS])
    embeddings = face_encoder.embed_faces(profile.face, images)
    return [
        Utterance({Modality.VISION: embedding[None]}, float(target), "faces", f"face{i}")
        for i, (embedding, target) in enumerate(zip(embeddings, valence, strict=True))
    ]


def _cached(path: Path, compute) -> dict[str, Tensor]:
    path = path.with_suffix(".safetensors")
    if not path.is_file():
        save_tensors(path, compute(), {})
    return load_tensors(path)[0]
