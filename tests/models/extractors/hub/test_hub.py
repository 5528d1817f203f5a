"""The profile `hub` over tiny encoders of transformers' own classes: no network, no trained weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.extractors.face_tracking import FaceTrack
from models.extractors.hub.encoders import DEFAULTS, HubEncoders, fingerprint
from models.extractors.hub.profile import HubProfile
from models.media.clip import SAMPLE_RATE, Word
from models.registry import load_profile
from models.tensors import CheckpointError
from models.types import MODALITIES, Modality
from tests.tiny_encoders import write_encoders

TEXT, AUDIO, VISION = MODALITIES
REVISION = "0123456789" * 4


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> HubEncoders:
    return write_encoders(tmp_path_factory.mktemp("encoders"))


@pytest.fixture(scope="module")
def profile(encoders) -> HubProfile:
    return HubProfile.load(encoders=encoders)


@pytest.fixture
def no_network(monkeypatch) -> None:
    def refuse(*_):
        pytest.fail("the network was touched")  # which nothing catches

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub."""
    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return cache


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 0.1 * random.standard_normal(round(seconds * SAMPLE_RATE), np.float32)


def claim_another_layer(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))


def keep_in_cache(cache: Path, name: str, folder: Path) -> None:
    """The files of a folder in the hub's cache, as a download of REVISION leaves them."""
    model = cache / f"models--{name.replace('/', '--')}"
    snapshot = model / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (model / "blobs").mkdir()
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(REVISION)
    for file in folder.iterdir():
        content = file.read_bytes()
        large = file.suffix == ".safetensors"
        blob = model / "blobs" / (hashlib.sha256 if large else hashlib.sha1)(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / file.name).symlink_to(blob)


def test_words_have_states_tokens_and_times(profile):
    timed = [Word("it", 0.5, 0.7), Word("was", 0.7, 1.0), Word("good", 1.2, 1.5)]
    words = profile.read("it  was good", timed)
    sequence = words.sequence
    count = len(words.tokens)
    assert sequence.values.shape == (1, count, profile.dims[TEXT])
    assert sequence.ids.shape == (1, count)
    assert (words.tokens[0], words.tokens[-1]) == ("<s>", "</s>")
    said = ["it  was good"[start:end] for start, end in words.token_spans]
    assert all(piece == piece.lstrip() or not piece.strip() for piece in said)  # no space before a word
    assert "".join("".join(said).split()).endswith("wasgood")
    assert sequence.times[0, 0].tolist() == pytest.approx([0.5, 0.7])
    assert sequence.times[0, -1].tolist() == pytest.approx([1.2, 1.5])
    assert sequence.times[0, 1:-1, 0].diff().min() >= 0
    again = profile.read_tokens(sequence.ids, sequence.lengths)
    torch.testing.assert_close(again, sequence.values, atol=1e-5, rtol=1e-5)


def test_states_do_not_depend_on_the_batch(profile):
    short, long = (profile.read(text).sequence for text in ("bad", "what a good day it was"))
    ids = torch.nn.utils.rnn.pad_sequence([short.ids[0], long.ids[0]], batch_first=True)
    both = profile.read_tokens(ids, torch.cat([short.lengths, long.lengths]))
    torch.testing.assert_close(both[0, : short.lengths[0]], short.values[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(both[1], long.values[0], atol=1e-5, rtol=1e-5)


def test_a_long_transcript_is_read_to_its_end_and_cut_where_it_is_too_long(profile):
    good, bad = (profile.read("it was so " * 8 + end).sequence.values[0] for end in ("good", "bad"))
    assert len(good) > 32 - 2  # more than the positions that the encoder knows
    assert (good[-3] - bad[-3]).abs().max() > 0.1
    assert profile.read("so good " * 400).sequence.values.shape[1] == profile.max_tokens


@pytest.mark.parametrize("nothing", ["", "?!", "🙂"])
def test_no_words_are_absent(profile, nothing):
    assert not profile.read(nothing).sequence.present[0]


def test_a_voice_has_five_states_a_second_between_its_silent_ends(profile):
    silence = np.zeros(SAMPLE_RATE, np.float32)
    heard = profile.hear(np.concatenate([silence, noise(3), silence]))
    times = heard.sequence.times[0]
    assert heard.sequence.values.shape == (1, len(times), profile.dims[AUDIO])
    assert times[0, 0] == pytest.approx(1, abs=0.1) and times[-1, 1] == pytest.approx(4, abs=0.1)
    torch.testing.assert_close(times[1:, 0], times[:-1, 1])
    assert 14 <= len(times) <= 16
    assert heard.log_mel.shape[0] == 80 and heard.encoded is None


@pytest.mark.parametrize(
    "sound", [None, np.zeros(0, np.float32), np.zeros(SAMPLE_RATE, np.float32), noise(0.1)]
)
def test_what_cannot_be_heard_is_absent(profile, sound):
    assert not profile.hear(sound).sequence.present[0]


def test_a_long_sound_is_read_in_windows_that_join(profile, monkeypatch):
    """States are those of 10 s with a second around them, wherever the window stands in the sound."""
    speech, sound, lengths = profile._speech, noise(25), []
    real = speech._read

    def spy(sounds):
        lengths.append(sounds.shape[1] / SAMPLE_RATE)
        return real(sounds)

    monkeypatch.setattr(speech, "_read", spy)
    states, times = speech.states(sound)
    assert lengths == [11, 12, 6]
    assert len(states) == 125
    torch.testing.assert_close(times[:, 0], 0.2 * torch.arange(125), atol=1e-5, rtol=0)
    begin, _ = speech.states(sound[: 11 * SAMPLE_RATE])
    end, _ = speech.states(sound[19 * SAMPLE_RATE :])
    torch.testing.assert_close(states[:50], begin[:50], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(states[100:], end[5:], atol=1e-5, rtol=1e-4)


def test_windows_read_at_once_give_the_same(profile, monkeypatch):
    states, _ = profile._speech.states(noise(45))
    monkeypatch.setattr(profile._speech, "_together", 4)  # as on a GPU
    torch.testing.assert_close(profile._speech.states(noise(45))[0], states, atol=1e-5, rtol=1e-4)


def test_every_crop_of_a_face_has_a_state_and_its_time(profile):
    crops = np.random.default_rng(0).integers(0, 256, (40, 48, 48), np.uint8)
    sequence = profile.embed_faces(FaceTrack(crops, np.arange(40) / 5))
    assert sequence.values.shape == (1, 40, profile.dims[VISION])
    assert sequence.times[0, :, 0].tolist() == pytest.approx([i / 5 - 0.1 for i in range(40)], abs=1e-5)
    alone = profile.embed_faces(FaceTrack(crops[35:36], np.array([7.0])))
    torch.testing.assert_close(sequence.values[0, 35], alone.values[0, 0], atol=1e-5, rtol=1e-4)


def test_the_language_model_is_none_that_a_method_could_run(profile):
    with pytest.raises(CheckpointError, match="'hub' has no language model"):
        profile.language_model()


def test_fingerprints_follow_the_content(encoders, profile, tmp_path):
    assert HubProfile.load(encoders=encoders).fingerprints == profile.fingerprints
    moved = shutil.copytree(encoders.text, tmp_path / "elsewhere")
    same = HubProfile.load(encoders=replace(encoders, text=str(moved)))
    assert same.fingerprints == profile.fingerprints
    other = write_encoders(tmp_path, seed=1)
    mixed = HubProfile.load(encoders=replace(encoders, audio=other.audio)).fingerprints
    assert [m for m in MODALITIES if mixed[m] != profile.fingerprints[m]] == [AUDIO]
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}))
    assert fingerprint(moved) != fingerprint(Path(encoders.text))


def test_what_is_in_the_hubs_cache_is_used_by_name_without_the_network(encoders, hub_cache, no_network):
    for modality in MODALITIES:
        keep_in_cache(hub_cache, f"me/{modality}", Path(getattr(encoders, modality)))
    named = HubEncoders(f"me/text@{REVISION}", "me/audio", "me/vision")
    found = load_profile("hub", encoders=named)
    assert found.fingerprints == HubProfile.load(encoders=encoders).fingerprints


def test_large_files_of_the_cache_are_known_by_their_names(encoders, hub_cache):
    keep_in_cache(hub_cache, "me/text", Path(encoders.text))
    before = fingerprint(HubEncoders("me/text").encoder(TEXT).on_disk())
    weights = next(hub_cache.rglob("model.safetensors")).resolve()
    weights.write_bytes(b"not read")
    assert fingerprint(HubEncoders("me/text").encoder(TEXT).on_disk()) == before


def test_a_missing_encoder_is_named_with_size_and_remedy_and_never_fetched_unasked(hub_cache, no_network):
    with pytest.raises(CheckpointError) as error:
        load_profile("hub", encoders=HubEncoders())
    name, revision = DEFAULTS[TEXT].split("@")
    told = str(error.value)
    assert f"the text encoder {DEFAULTS[TEXT]} (about 1140 MB) is not on this disk" in told
    assert f"`hf download {name} --revision {revision}`" in told
    assert "FUSEBOX_ALLOW_DOWNLOADS=1" in told and "FUSEBOX_HUB_TEXT" in told


def test_where_the_hub_cannot_be_reached_the_error_says_so(hub_cache, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to the hub")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    with pytest.raises(CheckpointError, match=r"\(of a size not known here\) cannot be fetched"):
        load_profile("hub", encoders=HubEncoders("me/text", allow_downloads=True))


def test_the_environment_names_the_encoders(tmp_path):
    variables = {"AUDIO": "me/audio@v2", "VISION": str(tmp_path)}
    named = HubEncoders.from_environment(
        {f"FUSEBOX_HUB_{m}": name for m, name in variables.items()} | {"FUSEBOX_ALLOW_DOWNLOADS": "1"}
    )
    assert named.allow_downloads
    assert str(named.encoder(TEXT)) == DEFAULTS[TEXT]
    audio, vision = named.encoder(AUDIO), named.encoder(VISION)
    assert (audio.name, audio.revision) == ("me/audio", "v2")
    assert (vision.name, vision.revision) == (str(tmp_path), "")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda folder: (folder / "config.json").unlink(), "there is no text encoder in"),
        (
            lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
            "no whole model.safetensors .* weights of another format are not loaded",
        ),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"damaged"), "cannot be used for words"),
        (
            claim_another_layer,
            "lacks 16 of the weights of a XLMRobertaModel, such as encoder.layer.2",
        ),
        (lambda folder: (folder / "tokenizer.json").unlink(), "cannot be used for words|no fast tokenizer"),
    ],
    ids=["no config", "a pickle", "damaged", "incomplete", "no tokenizer"],
)
def test_an_unfit_folder_is_refused_in_plain_words(encoders, tmp_path, no_network, spoil, complaint):
    folder = shutil.copytree(encoders.text, tmp_path / "spoilt")
    spoil(folder)
    with pytest.raises(CheckpointError, match=complaint):
        HubProfile.load(encoders=replace(encoders, text=str(folder)))


@pytest.mark.parametrize(
    ("modality", "other", "complaint"),
    [(AUDIO, TEXT, "for the voice|16 kHz"), (VISION, AUDIO, "for the face"), (TEXT, VISION, "for words")],
)
def test_an_encoder_of_another_modality_is_refused(
    encoders, no_network, modality: Modality, other, complaint
):
    with pytest.raises(CheckpointError, match=complaint):
        HubProfile.load(encoders=replace(encoders, **{str(modality): getattr(encoders, other)}))
