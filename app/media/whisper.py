"""Whisper (Radford et al. 2022): the base model that packages bring, or any from a folder on disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.service.analysis import Word
from models.hub import HubError, cached, fetch, is_path
from models.media.clip import SAMPLE_RATE
from models.tensors import CheckpointError

if TYPE_CHECKING:
    from models.extractors.encoded_sound import EncodedWindow

# Tried in this order where no name is set; English-only models hear English better than others of their size.
SIZES = ("small.en", "base.en", "small")  # hear English better than the packaged base
NAMES = tuple(f"openai/whisper-{size}" for size in SIZES)
FILES = ["*.json", "*.txt", "model.safetensors"]
VOCABULARY = ("config.json", "tokenizer.json", "vocabulary.json")  # files beside the packaged weights

# Whisper knows windows of 30 s alone. At the end of shorter ones it says the last words again and again,
# unless silence follows: some in the sound (`encoded_sound`), then its states, which are always the same.
SILENT_STATES = 250  # 5 s
TOGETHER = 4  # windows that are decoded as one batch: each token's weights are read once for all
REPEATED = 5  # tokens in a row that are not said twice in a window
TOKENS = 10  # a second of sound at the most, beside FEW; fast speech has six
FEW = 16
NO_SPEECH = 0.9  # probability above which a window has no words; short windows have higher ones than long
OPENING, CLOSING = (
    "\"'“¿([{-",
    "\"'.。,，!！?？:：”)]}、",
)  # punctuation that goes with the next, the last word

log = logging.getLogger(__name__)


class RecogniserError(RuntimeError):
    """A recogniser that was asked for cannot be loaded; the message says what its folder lacks."""


def find_weights(name: str, allow_downloads: bool) -> Path | None:
    """The folder of Whisper's weights, fetched if need be and allowed; None where they cannot be had.

    name : a folder, a name on the hub, or "" for the first of NAMES that is there
    Raises RecogniserError where `name` is a path without such a folder.
    """
    if name and is_path(name):
        folder = Path(name).expanduser()
        if not (folder / "config.json").is_file():
            raise RecogniserError(
                f"There is no Whisper in {folder}: {_NEEDS} "
                "Leave FUSEBOX_WHISPER empty to use the packaged one."
            )
        return folder
    wanted = (name,) if name else NAMES
    folder = next(filter(None, map(_cached, wanted)), None)
    if folder is None and allow_downloads:
        folder = _downloaded(wanted[0])
    if folder is None and name:
        why = "could not be fetched" if allow_downloads else "is not on disk, and downloads are not allowed"
        log.warning("%s %s: the packaged one is used instead", name, why)
    return folder


_NEEDS = (
    "a folder is needed with config.json, generation_config.json, preprocessor_config.json, tokenizer files "
    "and model.safetensors, as save_pretrained of the model and of its processor write it."
)


def _cached(name: str) -> Path | None:
    """The hub's cache folder of a model that is complete there, without touching the network."""
    folder = cached(name)
    return folder if folder and (folder / "model.safetensors").exists() else None


def _downloaded(name: str) -> Path | None:
    try:
        return fetch(name, FILES)
    except HubError as error:
        log.warning("cannot fetch %s: %s", name, error)
        return None


class PackagedWhisper:
    """Whisper base from its packages: the encoder in torch, the decoder in eight bits by CTranslate2.

    device : of the encoder
    language : two letters, of the words
    """

    name = "whisper"

    def __init__(self, device: str = "cpu", language: str = "en") -> None:
        # Here, for these take seconds to import, and a Whisper from disk needs none of them.
        import faster_whisper
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        from models.extractors.encoded_sound import packaged_encoder, silent_states
        from models.extractors.whisper_encoder import REMEDY, weights_folder

        try:
            self._encoder = packaged_encoder(device)
            self._silence = silent_states(self._encoder).load()
            with weights_folder(VOCABULARY) as folder:
                self._model = faster_whisper.WhisperModel(
                    str(folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=1,  # two took longer for a token than one
                )
        except CheckpointError as error:
            raise RecogniserError(str(error)) from error
        except Exception as error:  # a broken file may fail in any parser
            raise RecogniserError(f"The packaged Whisper cannot be loaded ({error}); {REMEDY}") from error
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer, multilingual=True, task="transcribe", language=language
        )
        self._suppressed = get_suppressed_tokens(self._tokenizer, (-1,))

    def words(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None
    ) -> tuple[str, list[Word]]:
        """Text and timed words of (n,) float32 sound at 16 kHz, the same ones for the same sound.

        encoded : the sound by `encode_sound`, where that is known
        """
        import torch

        from models.extractors.encoded_sound import encode_sound

        if encoded is None:
            sound = torch.from_numpy(np.asarray(audio, np.float32))
            encoded = tuple(window.for_words() for window in encode_sound(self._encoder, sound))
        heard = [
            (window.start, word)
            for first in range(0, len(encoded), TOGETHER)
            for window, words in self._decode(encoded[first : first + TOGETHER])
            for word in words
        ]
        words = [
            Word(word["word"].strip(), float(start + word["start"]), float(start + word["end"]))
            for start, word in heard
        ]
        return "".join(word["word"] for _, word in heard).strip(), words

    def _decode(self, windows: Sequence[EncodedWindow]) -> Iterator[tuple[EncodedWindow, list[dict]]]:
        """Each window with its words, which have their start and end in seconds from its beginning."""
        import ctranslate2
        import torch

        from models.extractors.encoded_sound import FRAMES

        sounds = [window.states[-1].float() for window in windows]
        length = min(len(self._silence), max(map(len, sounds)) + SILENT_STATES)
        batch = torch.stack([torch.cat([sound, self._silence[len(sound) : length]]) for sound in sounds])
        seconds = [window.frames / FRAMES for window in windows]
        results = self._model.model.generate(
            ctranslate2.StorageView.from_array(batch.numpy()),
            [self._tokenizer.sot_sequence] * len(windows),
            beam_size=1,  # five heard no better on 58 clips, in half as much time again
            max_length=min(self._model.max_length, _most_tokens(max(seconds))),
            no_repeat_ngram_size=REPEATED,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )
        for window, states, end, result in zip(windows, batch, seconds, results, strict=True):
            if result.no_speech_prob > NO_SPEECH:
                continue
            tokens = result.sequences_ids[0][: _most_tokens(end)]
            segments: list[Any] = [[{"seek": 0, "start": 0.0, "end": end, "tokens": tokens}]]
            self._model.add_word_timestamps(
                segments,
                self._tokenizer,
                ctranslate2.StorageView.from_array(states[None].numpy()),
                window.frames,
                OPENING,
                CLOSING,
                last_speech_timestamp=0.0,
            )
            words = segments[0][0]["words"]
            while words and words[-1]["end"] <= words[-1]["start"]:  # said after the end of the sound
                words.pop()
            yield window, words


def _most_tokens(seconds: float) -> int:
    return FEW + round(TOKENS * seconds)


class Whisper:
    """One Whisper model through transformers, in half precision on a GPU."""

    name = "whisper"

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        # Here, for transformers takes seconds to import and a service without Whisper need not wait for it.
        import torch
        import transformers

        dtype = torch.float16 if torch.device(device).type == "cuda" else torch.float32
        load = {"pretrained_model_name_or_path": folder, "local_files_only": True}
        try:
            model = transformers.WhisperForConditionalGeneration.from_pretrained(**load, dtype=dtype)
            processor = transformers.WhisperProcessor.from_pretrained(**load)
        except Exception as error:  # a broken file may fail in any parser: json, safetensors, tokenizers
            raise RecogniserError(
                f"The Whisper in {folder} cannot be loaded ({error}); {_NEEDS} "
                "Leave FUSEBOX_WHISPER empty to use the packaged one."
            ) from error
        if not hasattr(model.generation_config, "no_timestamps_token_id"):
            raise RecogniserError(
                f"The Whisper in {folder} has no generation_config.json of Whisper's own kind; take the one "
                "of the model that it was trained from. Or leave FUSEBOX_WHISPER empty."
            )
        self._pipeline = transformers.AutomaticSpeechRecognitionPipeline(
            model=model.eval(),
            tokenizer=processor.tokenizer,
            feature_extractor=processor.feature_extractor,
            device=torch.device(device),
        )
        # Word times come from the attention heads that the model's authors found to follow the sound.
        self._word_times = getattr(model.generation_config, "alignment_heads", None) is not None

    def words(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None
    ) -> tuple[str, list[Word]]:
        """Text and timed words of (n,) float32 sound at 16 kHz, of any length.

        encoded : not used, for these are another Whisper's states
        """
        timestamps = "word" if self._word_times else True  # sound longer than 30 s needs one or the other
        heard = self._pipeline({"raw": audio, "sampling_rate": SAMPLE_RATE}, return_timestamps=timestamps)
        result = cast(dict[str, Any], heard)  # typed as a list, which it is for a list of sounds
        duration = len(audio) / SAMPLE_RATE
        words = []
        for chunk in result["chunks"] if self._word_times else ():
            start, end = chunk["timestamp"]
            start = 0.0 if start is None else float(start)
            words.append(Word(chunk["text"].strip(), start, duration if end is None else float(end)))
        return result["text"].strip(), words
