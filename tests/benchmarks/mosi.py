"""The CMU-MOSI sets of `../shared/data/benchmark` as features that ours and MMSA's methods both read.

Words become hidden states of all-MiniLM-L6-v2 as its package ships it: without the project's adapters, which
were trained on MOSI. Audio and vision are standardised on the training videos, for both sides.

The utterances' vision features know the labels of their training videos: a ridge on them, cross-validated by
video, correlates with the score by 0.70 within those videos, and by 0.08 within the test videos
(`vision_leak.py`). Training and validation with them teach a method to trust a modality that says nothing in
the test. The set "utterances" leaves them out, for both sides; "utterances-vision" keeps them, to show what
that does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from models.extractors.text import plain
from models.features.feature_set import FeatureSet
from models.features.utterances import Utterance
from models.tensors import load_tensors, save_tensors
from models.training.language_models import minilm_path
from models.types import MODALITIES, Modality

WIDTH = 384  # of MiniLM's states
STEPS = 50  # tokens that are read, as MMSA's MOSI; 1 % of the utterances have more
VALIDATION_VIDEOS = 10  # of the utterances' 62 training videos; MOSI's official split has as many
FOLDS = 5  # of the aligned set's ten videos
SET_NAMES = ("utterances", "aligned", "utterances-vision")


@cache
def load_set(name: str, data: Path, cache: Path, tokens: bool = False) -> list[FeatureSet]:
    """The folds of a set: one for the utterances, with its own split by video, five for "aligned".

    data : folder of the labelled data; cache : folder for the words' states, which are computed once
    tokens : in the aligned set too a text state for every token, with its id, instead of one for every word:
    for methods that run the language model themselves
    FileNotFoundError says what is missing.
    """
    if name not in SET_NAMES:
        raise ValueError(f"unknown set {name!r}; known are {', '.join(SET_NAMES)}")
    if name == "aligned":
        return _aligned(data, cache, tokens)
    return _utterances(data, cache, vision=name == "utterances-vision")


def _utterances(data: Path, cache: Path, vision: bool) -> list[FeatureSet]:
    """1,447 utterances of 62 videos to train on, ten videos of them for validation, 752 of 31 to test on."""
    file = _read(data, "mosi_utterance.npz")
    ids = token_ids(list(file["text"]))
    words = _cached(cache / "mosi-utterances", lambda: hidden_states(ids))
    videos = np.array([name.rsplit("_", 1)[0] for name in file["id"]])
    states = {Modality.TEXT: words, Modality.AUDIO: torch.from_numpy(file["audio_features"])[:, None]}
    if vision:
        states[Modality.VISION] = torch.from_numpy(file["vision_features"])[:, None]
    items = [
        Utterance({m: rows[i] for m, rows in states.items()}, float(score), "mosi", str(videos[i]), ids[i])
        for i, score in enumerate(file["score"])
    ]
    test = set(videos[file["split"] == "test"])
    training = sorted(set(videos) - test)
    validation = set(np.random.default_rng(0).choice(training, VALIDATION_VIDEOS, replace=False))
    dims = {m: file[f"{m}_features"].shape[1] for m in (Modality.AUDIO, Modality.VISION)}
    return [_split(items, {Modality.TEXT: WIDTH, **dims}, validation, test)]


def _aligned(data: Path, cache: Path, tokens: bool) -> list[FeatureSet]:
    """229 utterances with a voice and a face state a word; two of ten videos to test, two to validate on."""
    file = _read(data, "mosi_aligned_dev.npz")
    cuts = list(zip(file["offsets"][:-1], file["offsets"][1:], strict=True))
    sentences = [list(file["words"][start:end]) for start, end in cuts]
    if tokens:
        ids: list[Tensor | None] = token_ids([" ".join(sentence) for sentence in sentences])
        words = hidden_states(ids)
    else:
        ids = [None] * len(sentences)
        words = _cached(cache / "mosi-aligned", lambda: word_states(sentences))
    items = [
        Utterance(
            {
                Modality.TEXT: words[i],
                Modality.AUDIO: torch.from_numpy(file["audio"][start:end]),
                Modality.VISION: torch.from_numpy(file["vision"][start:end]),
            },
            float(file["score"][i]),
            "mosi",
            str(file["id"][i]).split("[")[0],
            ids[i],
        )
        for i, (start, end) in enumerate(cuts)
    ]
    videos = np.random.default_rng(0).permutation(sorted({item.group for item in items}))
    parts = np.array_split(videos, FOLDS)
    dims = {m: items[0].states[m].shape[1] for m in MODALITIES}
    return [_split(items, dims, set(parts[(k + 1) % FOLDS]), set(parts[k])) for k in range(FOLDS)]


def _split(
    items: list[Utterance], dims: dict[Modality, int], validation: set[str], test: set[str]
) -> FeatureSet:
    train = [item for item in items if item.group not in validation | test]
    scales = {m: _scale(train, m) for m in items[0].states if m is not Modality.TEXT}
    return FeatureSet(
        train=[_standardised(item, scales) for item in train],
        valid=[_standardised(item, scales) for item in items if item.group in validation],
        test=[_standardised(item, scales) for item in items if item.group in test],
        dims=dims,
    )


def _scale(items: list[Utterance], modality: Modality) -> tuple[Tensor, Tensor]:
    states = torch.cat([item.states[modality] for item in items])
    # a coordinate that never moved in training stays 0, whatever it does in the test
    deviation = states.std(0)
    return states.mean(0), torch.where(deviation > 1e-6, deviation, torch.inf)


def _standardised(item: Utterance, scales: dict[Modality, tuple[Tensor, Tensor]]) -> Utterance:
    states = dict(item.states)
    for modality, (mean, deviation) in scales.items():
        states[modality] = (states[modality] - mean) / deviation
    return replace(item, states=states)


def token_ids(texts: list[str]) -> list[Tensor]:
    """Ids (T,) of each text's tokens with [CLS] and [SEP], T at most `STEPS`."""
    batch = _tokenizer()([plain(text) for text in texts], truncation=True, max_length=STEPS)
    return [torch.tensor(row) for row in batch["input_ids"]]


def word_states(sentences: list[list[str]]) -> list[Tensor]:
    """One state (words, 384) a word: the mean hidden state of its tokens."""
    batch = _tokenizer()(sentences, is_split_into_words=True)
    states = []
    for i, hidden in enumerate(hidden_states([torch.tensor(row) for row in batch["input_ids"]])):
        owners = batch.word_ids(i)
        tokens = [
            [at for at, owner in enumerate(owners) if owner == word] for word in range(len(sentences[i]))
        ]
        states.append(torch.stack([hidden[rows].mean(0) for rows in tokens]))
    return states


@torch.inference_mode()
def hidden_states(ids: list[Tensor]) -> list[Tensor]:
    """(T, 384) of token ids (T,); rows of one length share a batch, so that nothing is padded."""
    encoder = AutoModel.from_pretrained(minilm_path(), local_files_only=True).eval()
    by_length: dict[int, list[int]] = {}
    for i, row in enumerate(ids):
        by_length.setdefault(len(row), []).append(i)
    states: list[Tensor] = [torch.empty(0)] * len(ids)
    for rows in tqdm(by_length.values(), desc="words"):
        hidden = encoder(input_ids=torch.stack([ids[i] for i in rows])).last_hidden_state
        for i, state in zip(rows, hidden, strict=True):
            states[i] = state.clone()
    return states


def _tokenizer():
    return AutoTokenizer.from_pretrained(minilm_path(), local_files_only=True)


def _cached(path: Path, compute) -> list[Tensor]:
    path = path.with_suffix(".safetensors")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, {str(i): states for i, states in enumerate(compute())}, {})
    tensors = load_tensors(path)[0]
    return [tensors[str(i)] for i in range(len(tensors))]


def _read(data: Path, name: str) -> dict[str, np.ndarray]:
    path = data / "benchmark" / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; give the folder of the labelled data with --data")
    with np.load(path) as file:
        return dict(file)
