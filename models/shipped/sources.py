"""States of all labelled data, from extractors that did not train on them, kept in a local cache.

The rules of `../shared/data/README.md` in code: the adapters never saw the clips' videos, and a tenth of
MOSEI's training videos is kept for the fusion models; voices are cross-fitted by actor; the faces are
FER+'s validation split, which the face encoder never saw; what a voice adds to the words of a clip is said by
a map that learned from other speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from models.extractors.audio import BEYOND_WORDS, ENCODED, Voice, VoiceHead, log_mel, voice_of
from models.extractors.encoded_sound import encode_sound, packaged_encoder
from models.extractors.local_profile import LocalProfile
from models.extractors.profile import fingerprint
from models.extractors.readers import Read, TextArousal
from models.features.utterances import Utterance
from models.media.decode import decode
from models.shipped import face_encoder, voice_head
from models.shipped.sound_augmentation import altered
from models.shipped.text_encoder import MOSI_REPEATS, load_transcripts
from models.shipped.voice_head import Heard
from models.tensors import CHECKPOINTS, load_strictly, load_tensors, save_tensors
from models.types import Modality

SHIPPED_FOLD = 0  # RAVDESS actors of this fold are in no shipped weight
COPIES = 5  # of RAVDESS that the voice head learns from: as recorded, and in other conditions
BEYOND_SPREAD = 1.0  # standard deviation of what acted voices are said to add to the words, in stage one
NOTHING_HEARD = Voice(torch.zeros(0, ENCODED), torch.zeros(0), torch.zeros(0, 2))
VALIDATION_SHARE = 0.1  # of transcripts' videos and faces, for calibration and model selection


@dataclass(frozen=True)
class Sources:
    """Everything a fusion model can learn from, before speakers are held out.

    clips : 287 CMU-MOSI segments of 12 speakers, see `clips_without`; text : transcripts; faces, test_faces :
    FER+ validation and test split; beyond_words : {speaker: (T,) of each clip's voice}, what a map that saw
    neither this speaker nor the clip's own says; text_arousal : reads the arousal of words; language_model :
    gives the profile's weights of it, for methods that run it themselves
    """

    clips: list[Utterance]
    beyond_words: dict[str, list[Tensor]]
    text: list[Utterance]
    text_validation: list[Utterance]
    faces: list[Utterance]
    faces_validation: list[Utterance]
    test_faces: list[Utterance]
    text_arousal: Read
    language_model: Callable[[], dict[str, Tensor]] | None = None

    @cached_property
    def text_arousal_rank(self) -> Callable[[Utterance], float]:
        """What ranks the arousal of an utterance's words, in [0, 1], among transcripts as good or as bad.

        Words of a strong sentiment are mostly aroused: only what a score leaves over, taken to be Gaussian,
        is a thing of its own.
        """

        def read(item: Utterance) -> float:
            return float(self.text_arousal(item.states[Modality.TEXT]))

        scores = np.array([item.target for item in self.text])
        arousals = np.array([read(item) for item in self.text])
        expected = np.polyfit(scores, arousals, 2)
        deviation = float((arousals - np.polyval(expected, scores)).std())
        left_over = NormalDist(0.0, max(deviation, 1e-9))
        return lambda item: left_over.cdf(read(item) - float(np.polyval(expected, item.target)))

    def clips_without(self, speaker: str) -> list[Utterance]:
        """All clips, in whose states nothing comes from the labels of `speaker`, nor of a clip's own speaker.

        `clips` themselves are without the labels of their own speaker only.
        """
        return [
            clip if Modality.AUDIO not in clip.states else _with_beyond_words(clip, values)
            for clip, values in zip(self.clips, self.beyond_words[speaker], strict=True)
        ]


@dataclass(frozen=True)
class Speech:
    """RAVDESS with the actors of one fold unseen.

    train, validation : words and cross-fitted voices of the other folds' actors (validation: two of them)
    test : the unseen actors, through an encoder that heard none of them
    """

    train: list[Utterance]
    validation: list[Utterance]
    test: list[Utterance]


def load_sources(data: Path, profile: LocalProfile, cache: Path, checkpoints: Path = CHECKPOINTS) -> Sources:
    """All sources but speech; checkpoints : where the profile's extractors are.

    States are computed once per fingerprint of the extractors; after a change of the code that computes them,
    delete `cache`.
    """
    manifest = pd.read_csv(data / "clips" / "manifest.csv")
    texts, heard = manifest["text"].tolist(), heard_clips(data, cache)
    words = _cached(
        cache / f"clip-words-{profile.fingerprints['text']}", lambda: _text_states(texts, profile)
    )
    crops = _cached(
        cache / f"clip-faces-{fingerprint(profile.face_detector.path)}", lambda: _clip_faces(data, profile)
    )
    clip_faces = _cached(
        cache / f"clip-face-states-{profile.fingerprints['vision']}",
        lambda: {i: _states_of_face(profile, own) for i, own in crops.items()},
    )
    clip_ids = _token_ids(texts, profile)
    clip_items = []
    for i, (score, video) in enumerate(zip(manifest["score"], manifest["video"], strict=True)):
        states = {Modality.TEXT: words[str(i)]}
        if len(heard[i][0]):
            states[Modality.AUDIO] = voice_head.voice_states(profile.voice, [heard[i]])[0]
        if str(i) in clip_faces:
            states[Modality.VISION] = clip_faces[str(i)]
        clip_items.append(Utterance(states, score, "clips", video, clip_ids[i]))
    marks = "-".join(profile.fingerprints[m] for m in (Modality.AUDIO, Modality.TEXT))
    beyond_words = _by_speaker(
        _cached(
            cache / f"clip-beyond-words-{marks}",
            lambda: beyond_words_without(profile.voice, clip_items, heard),
        )
    )
    clip_items = [
        clip if Modality.AUDIO not in clip.states else _with_beyond_words(clip, beyond_words[clip.group][i])
        for i, clip in enumerate(clip_items)
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
        _face_items(data, profile, cache, split) for split in (face_encoder.VALID, face_encoder.TEST)
    )
    cut = int(len(faces) * VALIDATION_SHARE)
    repeats = np.where(rows["source"] == "mosi", MOSI_REPEATS, 1)
    return Sources(
        clips=clip_items,
        beyond_words=beyond_words,
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
        text_arousal=TextArousal.load(checkpoints / profile.name / "extractors"),
        language_model=profile.language_model,
    )


def with_words(clips: list[Utterance], texts: list[str], profile: LocalProfile) -> list[Utterance]:
    """The same utterances with other words; without any where a text is empty."""
    embedded = zip(profile.embed_text(texts), _token_ids(texts, profile), strict=True)
    changed = []
    for clip, text, (states, ids) in zip(clips, texts, embedded, strict=True):
        others = {m: own for m, own in clip.states.items() if m is not Modality.TEXT}
        words = {Modality.TEXT: states} if text.strip() else {}
        changed.append(replace(clip, states={**words, **others}, ids=ids if words else None))
    return changed


def load_speech_fold(data: Path, profile: LocalProfile, cache: Path, fold: int) -> Speech:
    """RAVDESS with the actors of `fold` (0 … 3) held out.

    Each training actor's voice comes from a head trained without him or her and without the test actors, so
    its states are as good, and as bad, as those of a new voice. What an acted voice adds to the words is
    drawn at random, and added to the target: stage one teaches what the coordinate means without any clip.
    What a test voice adds comes from the profile's own map, which learned from no actor.
    """
    states, heard = cross_fitted_voices(data, cache, fold), heard_speech(data, cache)
    rng = np.random.default_rng(fold)
    manifest = pd.read_csv(data / "speech" / "manifest.csv")
    folds = voice_head.speech_folds(manifest["speaker"])
    sentences = sorted(set(manifest["text"]))
    words = dict(zip(sentences, profile.embed_text(sentences), strict=True))
    ids = dict(zip(sentences, _token_ids(sentences, profile), strict=True))
    items: dict[str, list[Utterance]] = {"train": [], "validation": [], "test": []}
    validation_fold = (fold + 1) % voice_head.FOLDS
    validation = set(sorted(set(manifest["speaker"][folds == validation_fold]))[:2])
    columns = (manifest[name] for name in ("text", "emotion", "intensity", "speaker"))
    for i, (text, emotion, intensity, speaker) in enumerate(zip(*columns, strict=True)):
        kind = "test" if folds[i] == fold else "validation" if speaker in validation else "train"
        item = Utterance(
            {Modality.TEXT: words[text], Modality.AUDIO: states[str(i)]},
            voice_head.ravdess_valence(emotion, intensity),
            "speech",
            speaker,
            ids[text],
        )
        if kind == "test":
            own = voice_head.voice_states(profile.voice, [heard[i]])[0]
            item = _with_beyond_words(item, own[:, BEYOND_WORDS])
        else:
            added = rng.normal(0, BEYOND_SPREAD)
            item = _with_beyond_words(item, torch.full((len(states[str(i)]),), added))
            item = replace(item, target=float(np.clip(item.target + added, -3, 3)))
        items[kind].append(item)
    return Speech(**items)


def cross_fitted_voices(data: Path, cache: Path, fold: int) -> dict[str, Tensor]:
    """{row of RAVDESS's manifest: states (T, 12)}, from a head without its fold and without `fold`.

    They add nothing to the words.
    """
    return _cached(cache / f"voice-states-{fold}", lambda: _speech_states(data, cache, fold))


def voice_copy(data: Path, held_out: tuple[int, ...], cache: Path) -> VoiceHead:
    """The voice head trained without the actors of the folds `held_out`, from the cache if it is there."""
    path = cache / f"voice-head-{''.join(map(str, held_out))}.safetensors"
    head = VoiceHead()
    if path.is_file():
        load_strictly(head.state_dict(), load_tensors(path)[0], path)
        return head.eval().requires_grad_(False)
    speech = voice_head.load_speech(data)
    rows = np.flatnonzero(~speech["fold"].isin(held_out))
    copies = (heard_speech(data, cache, copy) for copy in range(COPIES))
    head = voice_head.train_voice_head(speech.iloc[rows], [[copy[i] for i in rows] for copy in copies])
    save_tensors(path, head.state_dict(), {"held_out": held_out})
    return head


def heard_speech(data: Path, cache: Path, copy: int = 0) -> list[Heard]:
    """RAVDESS's voices by Whisper's encoder, in the order of the manifest; a copy above 0 is `altered`."""

    def waveform(row: int, file: str) -> Tensor:
        recorded = voice_head.load_waveform(data / "speech" / file)
        return altered(recorded, np.random.default_rng([copy, row])) if copy else recorded

    files = pd.read_csv(data / "speech" / "manifest.csv")["file"]
    waveforms = (waveform(i, file) for i, file in enumerate(files))
    return _heard(cache / f"whisper-base-speech-{copy}", waveforms, coarse=copy > 0)


def heard_clips(data: Path, cache: Path) -> list[Heard]:
    """The clips' voices by Whisper's encoder, in the order of the manifest; no rows where there is none."""

    def waveform(file: str) -> Tensor:
        sound = decode(data / "clips" / file, picture=False).audio
        return torch.from_numpy(np.zeros(0, np.float32) if sound is None else sound)

    files = pd.read_csv(data / "clips" / "manifest.csv")["file"]
    return _heard(cache / "whisper-base-clips", map(waveform, files))


def _heard(path: Path, waveforms: Iterable[Tensor], coarse: bool = False) -> list[Heard]:
    """coarse : in bfloat16, for what is altered anyway: several times as quick where a core computes in it"""

    def compute() -> dict[str, Tensor]:
        encoder, tensors = packaged_encoder(), {}
        for i, waveform in enumerate(tqdm(waveforms, desc=path.name, mininterval=20)):
            with torch.autocast("cpu", torch.bfloat16, enabled=coarse):
                windows = encode_sound(encoder, waveform)
            voice = voice_of(windows, log_mel(waveform)) if windows else NOTHING_HEARD
            tensors |= {f"{i}.encoded": voice.encoded.half(), f"{i}.loudness": voice.loudness.float()}
        return tensors

    tensors = _cached(path, compute)
    return [(tensors[f"{i}.encoded"], tensors[f"{i}.loudness"]) for i in range(len(tensors) // 2)]


def beyond_words_without(head: VoiceHead, clips: list[Utterance], heard: list[Heard]) -> dict[str, Tensor]:
    """What each clip's voice adds to its words, by maps that saw neither some speaker nor the clip's own.

    Returns {"<speaker>.<clip>": (T,)}; the words' scores are of a text encoder that saw none of them.
    """
    voiced = [i for i, (encoded, _) in enumerate(heard) if len(encoded)]
    inputs = voice_head.mean_windows(head, [heard[i] for i in voiced])
    groups = np.array([clips[i].group for i in voiced])
    left_over = np.array([left_by_words(clips[i]) for i in voiced])
    speakers = sorted(set(groups))
    maps = {}
    for first, one in enumerate(speakers):
        for other in speakers[first:]:
            training = ~np.isin(groups, [one, other])
            fitted = voice_head.fit_beyond_words(inputs[torch.from_numpy(training)], left_over[training])
            maps[one, other] = maps[other, one] = fitted
    said = {f"{speaker}.{i}": torch.zeros(0) for speaker in speakers for i in range(len(clips))}
    for i in voiced:
        windows = head.windows(heard[i][0].float())[:, :ENCODED]
        for speaker in speakers:
            weight, bias = maps[speaker, clips[i].group]
            said[f"{speaker}.{i}"] = windows @ weight[0] + bias
    return said


def _by_speaker(said: dict[str, Tensor]) -> dict[str, list[Tensor]]:
    """{speaker: (T,) of each clip} of what `beyond_words_without` gives."""
    speakers = {key.rsplit(".", 1)[0] for key in said}
    clips = len(said) // len(speakers)
    return {speaker: [said[f"{speaker}.{i}"] for i in range(clips)] for speaker in speakers}


def left_by_words(clip: Utterance) -> float:
    """A clip's label less the score of its words."""
    return clip.target - float(clip.states[Modality.TEXT][:, -1].mean())


def _with_beyond_words(item: Utterance, values: Tensor) -> Utterance:
    voice = item.states[Modality.AUDIO].clone()
    voice[:, BEYOND_WORDS] = values
    return replace(item, states={**item.states, Modality.AUDIO: voice})


def _speech_states(data: Path, cache: Path, fold: int) -> dict[str, Tensor]:
    folds = voice_head.load_speech(data)["fold"]
    heard = heard_speech(data, cache)
    states = {}
    for other in range(voice_head.FOLDS):
        head = voice_copy(data, tuple(sorted({fold, other})), cache)
        rows = np.flatnonzero(folds == other)
        for i, row in zip(rows, voice_head.voice_states(head, [heard[i] for i in rows]), strict=True):
            states[str(i)] = row
    return states


def _clip_faces(data: Path, profile: LocalProfile) -> dict[str, Tensor]:
    """{row of the manifest: crops (n, 1, 48, 48) uint8 of the face that speaks}."""
    crops = {}
    for i, file in enumerate(tqdm(pd.read_csv(data / "clips" / "manifest.csv")["file"], desc="faces")):
        clip = decode(data / "clips" / file)
        tracks, speaking = profile.find_faces(clip.frames, clip.frame_times, clip.audio)
        if tracks:
            crops[str(i)] = torch.from_numpy(tracks[speaking or 0].crops)[:, None]
    return crops


@torch.inference_mode()
def _states_of_face(profile: LocalProfile, crops: Tensor) -> Tensor:
    """States (n, 10) of one person's crops (n, 1, 48, 48) uint8."""
    return profile.face.states(crops.float() / 255).clone()


def _text_states(texts: list[str], profile: LocalProfile) -> dict[str, Tensor]:
    return {str(i): states for i, states in enumerate(profile.embed_text(texts))}


def _token_ids(texts: list[str], profile: LocalProfile) -> list[Tensor]:
    ids, lengths = profile.text.tokenize(texts)
    return [row[:length].clone() for row, length in zip(ids, lengths.tolist(), strict=True)]


def _face_items(data: Path, profile: LocalProfile, cache: Path, split: int) -> list[Utterance]:
    images, votes, _ = face_encoder.load_faces(data, split)
    valence = votes @ profile.face.valence
    states = _cached(
        cache / f"faces-{split}-{profile.fingerprints['vision']}",
        lambda: {"states": face_encoder.embed_faces(profile.face, images)},
    )["states"]
    return [
        Utterance({Modality.VISION: state[None]}, float(target), "faces", f"face{i}")
        for i, (state, target) in enumerate(zip(states, valence, strict=True))
    ]


def _cached(path: Path, compute) -> dict[str, Tensor]:
    path = path.with_suffix(".safetensors")
    if not path.is_file():
        save_tensors(path, compute(), {})
    return load_tensors(path)[0]
