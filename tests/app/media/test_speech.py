"""Speech recognition: words with times, silence, several callers at once, and which engine is chosen."""

from __future__ import annotations

import csv
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from app.media.language import warn_if_not_english
from app.media.speech import Recogniser
from app.media.whisper import RecogniserError
from models.extractors.encoded_sound import encode_sound, load_encoder, packaged_encoder
from models.media.clip import SAMPLE_RATE
from models.media.decode import decode
from tests.made_up_voice import vowels
from tests.spoken import spoken as in_words

CLIPS = Path(__file__).resolve().parents[4] / "shared" / "data" / "clips"
needs_clips = pytest.mark.skipif(not CLIPS.exists(), reason="the labelled clips are not in ../shared/data")


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path, monkeypatch):
    """What this machine may have downloaded before does not choose the engine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    """The one of our packages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "nothing is here")
        recogniser = Recogniser()
        recogniser.load()
        return recogniser


def spoken(name: str) -> tuple[np.ndarray, list[str]]:
    """Sound and the transcript's words of a labelled clip."""
    with (CLIPS / "manifest.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["file"] == f"video/{name}.mp4")
    return decode(CLIPS / row["file"]).audio, row["text"].lower().split()


def silences() -> dict[str, np.ndarray]:
    noise = np.random.default_rng(0).normal(size=3 * SAMPLE_RATE).astype(np.float32)
    return {
        "zeros": np.zeros(2 * SAMPLE_RATE, np.float32),
        "hiss": 0.05 * noise,
        "faint hiss": 1e-4 * noise,
        "nothing": np.zeros(0, np.float32),
        "a click": np.ones(10, np.float32),
    }


@pytest.mark.parametrize("sound", silences())
def test_nobody_speaks(recogniser, sound):
    transcript = recogniser.transcribe(silences()[sound])
    assert (transcript.text, transcript.words, transcript.source) == ("", (), recogniser.name)


@needs_clips
@pytest.mark.shared
def test_words_of_a_clip_come_with_times_in_order(recogniser):
    audio, said = spoken("03bSnISJMiM_1")
    transcript = recogniser.transcribe(audio)
    heard = re.findall(r"[a-z']+", transcript.text.lower())
    assert len(set(heard) & set(said)) > len(set(said)) / 2
    assert transcript.text.split() == [word.text for word in transcript.words]
    assert re.fullmatch(r"[A-Za-z'.,?! -]+", transcript.text)
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(audio) / SAMPLE_RATE + 0.05


@needs_clips
@pytest.mark.shared
def test_times_count_from_the_start_of_the_clip_and_loudness_does_not_matter(recogniser):
    audio, _ = spoken("03bSnISJMiM_1")
    later = np.concatenate([np.zeros(2 * SAMPLE_RATE, np.float32), 0.1 * audio])
    plain, delayed = recogniser.transcribe(audio), recogniser.transcribe(later)
    assert delayed.text
    assert delayed.words[0].start - plain.words[0].start == pytest.approx(2, abs=0.5)


@needs_clips
@pytest.mark.shared
def test_callers_at_once_get_what_each_would_get_alone(recogniser):
    sounds = [spoken(f"03bSnISJMiM_{clip}")[0][: 2 * SAMPLE_RATE] for clip in (1, 2)]
    alone = [recogniser.transcribe(sound) for sound in sounds]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(recogniser.transcribe, sounds * 2))
    assert together == alone * 2


@needs_clips
@pytest.mark.shared
def test_states_that_were_heard_before_give_the_same_words(recogniser):
    audio, _ = spoken("03bSnISJMiM_1")
    encoded = encode_sound(packaged_encoder(), torch.from_numpy(audio))
    kept = tuple(window.for_words() for window in encoded)
    assert recogniser.transcribe(audio, kept) == recogniser.transcribe(audio)


@needs_clips
@pytest.mark.shared
def test_sound_longer_than_a_window_is_heard_to_its_end(recogniser):
    """What several clips say, one after the other; the same clip over and over would be taken for a slip."""
    names = [f"03bSnISJMiM_{number}" for number in range(1, 14)]
    audio = [spoken(name)[0] for name in names]
    seconds = np.cumsum([len(part) for part in audio]) / SAMPLE_RATE
    audio = audio[: int(np.searchsorted(seconds, 45)) + 1]
    apart = [recogniser.transcribe(part) for part in audio]
    transcript = recogniser.transcribe(np.concatenate(audio))
    assert len(transcript.words) == pytest.approx(sum(len(each.words) for each in apart), rel=0.2)
    assert transcript.words[-1].end == pytest.approx(seconds[len(audio) - 1], abs=3)


GERMAN = "Das war ein wunderbarer Film, ich habe jede Minute genossen."
FRENCH = "C'est la meilleure chanson que j'aie jamais entendue."


@pytest.mark.parametrize(
    ("language", "said", "original", "translated"),
    [("de", GERMAN, "wunderbarer", "wonderful"), ("fr", FRENCH, "meilleure chanson", "best")],
)
def test_another_language_is_recognised_and_translated(recogniser, language, said, original, translated):
    transcript = recogniser.transcribe(in_words(said, voice=language, pitch_range=50))
    assert transcript.language == language
    assert original in transcript.original and translated in transcript.text
    assert not warn_if_not_english(transcript.text)
    assert transcript.words == ()


def test_without_translation_the_words_are_those_that_were_said(recogniser):
    transcript = recogniser.transcribe(in_words(GERMAN, voice="de", pitch_range=50), None, False)
    assert (transcript.language, transcript.original) == ("de", "")
    assert "wunderbarer" in transcript.text
    assert transcript.text.split() == [word.text for word in transcript.words]


def test_english_stays_as_it_is_said(recogniser):
    transcript = recogniser.transcribe(in_words("The film was boring and far too long.", pitch_range=50))
    assert transcript.text == "The film was boring and far too long."
    assert transcript.words and not transcript.language and not transcript.original


@needs_clips
@pytest.mark.shared
def test_english_that_sounds_like_another_language_stays_english(recogniser):
    """Whisper says of this clip that it is Turkish, at 0.92; but it makes no likelier words of that."""
    transcript = recogniser.transcribe(spoken("03bSnISJMiM_3")[0])
    assert transcript.text and transcript.words and not transcript.language


def test_without_weights_and_without_downloads_the_network_is_not_touched(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert Recogniser().name == "whisper"
    assert Recogniser("openai/whisper-base.en").name == "whisper"


def test_an_unreachable_hub_leaves_what_is_here(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("socket.socket.connect", unreachable)
    assert Recogniser("openai/whisper-base.en", allow_downloads=True).name == "whisper"


@pytest.fixture(scope="module")
def whisper_folder(tmp_path_factory) -> Path:
    """A complete Whisper of a few thousand random weights: real files, meaningless words."""
    folder = tmp_path_factory.mktemp("whisper")
    letters = [chr(code) for code in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    letters += [chr(256 + n) for n in range(256 - len(letters))]
    (folder / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(letters)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.WhisperTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), unk_token="<|endoftext|>"
    )
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>"]
    special += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.add_tokens([f"<|{step * 0.02:.2f}|>" for step in range(1501)], special_tokens=False)
    start, end, bare = tokenizer.convert_tokens_to_ids(
        ["<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"]
    )
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=64,
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    torch.manual_seed(0)
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        is_multilingual=False,
        no_timestamps_token_id=bare,
        prev_sot_token_id=tokenizer.convert_tokens_to_ids("<|startofprev|>"),
        alignment_heads=[[0, 0], [0, 1]],
        max_length=32,
        max_initial_timestamp_index=50,
    )
    model.save_pretrained(folder)
    transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("seconds", [3, 41], ids=["short", "longer than one window"])
def test_whisper_from_a_folder(whisper_folder, seconds):
    recogniser = Recogniser(str(whisper_folder))
    assert recogniser.name == "whisper"
    transcript = recogniser.transcribe(vowels(seconds))
    assert transcript.source == "whisper"
    assert transcript.words
    spelled = "".join(word.text for word in transcript.words)
    assert "".join(transcript.text.split()) == "".join(spelled.split())
    assert all(0 <= word.start <= word.end for word in transcript.words)


def test_music_has_no_words():
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * note * time) for note in (220, 277, 330, 440)) / 10
    assert Recogniser().transcribe(chord.astype(np.float32)).text == ""


@pytest.mark.parametrize("damage", ["missing", "cut off"])
def test_a_package_that_is_not_whole(tmp_path, monkeypatch, damage):
    """Without a file, or with a damaged one, it says how to put it right."""
    module = tmp_path / "half_installed" / "__init__.py"
    (module.parent / "data").mkdir(parents=True)
    module.touch()
    if damage == "cut off":
        for number in (1, 2):
            (module.parent / "data" / f"model.bin.part{number}").write_bytes(b"\6\0\0\0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("models.extractors.whisper_encoder.PACKAGES", ("half_installed",) * 2)
    load_encoder.cache_clear()
    with pytest.raises(RecogniserError, match="pip install --force-reinstall"):
        Recogniser().load()


def test_whisper_is_not_asked_about_silence(whisper_folder):
    assert Recogniser(str(whisper_folder)).transcribe(silences()["zeros"]).text == ""


def test_a_folder_without_whisper_is_named(tmp_path):
    with pytest.raises(RecogniserError, match=r"config\.json"):
        Recogniser(str(tmp_path)).transcribe(vowels(1))
    with pytest.raises(RecogniserError, match="no Whisper in"):
        Recogniser(str(tmp_path / "absent")).transcribe(vowels(1))


def test_a_broken_whisper_is_named(whisper_folder, tmp_path):
    for file in whisper_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(RecogniserError, match="cannot be loaded"):
        Recogniser(str(tmp_path)).transcribe(vowels(1))


def test_an_engine_that_fails_in_a_clip_hears_the_next(recogniser, example_clip):
    """By CTranslate2's own error, of a decoder whose weights are away."""
    sound = decode(example_clip).audio
    wanted = recogniser.transcribe(sound)
    decoder = recogniser._engine._model.model
    while decoder.model_is_loaded:  # it stays while the last batch is being put away
        decoder.unload_model()
    with pytest.raises(RuntimeError, match="unload"):
        recogniser.transcribe(sound)
    assert wanted.text and recogniser.transcribe(sound) == wanted
