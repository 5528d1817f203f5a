"""Whisper (Radford et al. 2022): the base model that packages bring, or any from a folder on disk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from app.media.language import CODES, warn_if_not_english
from app.service.analysis import Transcript, Word
from models.hub import HubError, cached, fetch, is_path
from models.media.clip import SAMPLE_RATE
from models.tensors import CheckpointError

if TYPE_CHECKING:
    from ctranslate2 import StorageView
    from faster_whisper.tokenizer import Tokenizer
    from torch import Tensor

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
BEAMS = 5  # of a translation; words were heard no better with five on 58 clips, in half as much time again
NO_SPEECH = 0.9  # probability above which a window has no words; short windows have higher ones than long
# Words that look English are taken for it unasked above this mean log probability; below, another language is
# tried that has the probability LIKELY. Below are 9 of 50 English clips of five speakers, and all but 3 of 28
# telephone prompts in French and Spanish.
DOUBTFUL, LIKELY = -0.6, 0.5
OTHER_LANGUAGES = tuple(code for code in CODES if code != "en")
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


@dataclass(frozen=True)
class _Decoded:
    """What the decoder makes of one window.

    states : (T, 512) of the last layer, with the silence that follows; tokens : of the words
    score : mean log probability of the tokens
    """

    window: EncodedWindow
    states: Tensor
    tokens: list[int]
    score: float


class PackagedWhisper:
    """Whisper base from its packages: the encoder in torch, the decoder in eight bits by CTranslate2.

    Sound is decoded as English; where that looks doubtful and another language likely, once more in that
    one, and where that makes likelier words, once as their translation.
    device : of the encoder
    """

    name = "whisper"

    def __init__(self, device: str = "cpu") -> None:
        # Here, for these take seconds to import, and a Whisper from disk needs none of them.
        import faster_whisper
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
        self._english = self._tokenizer("en")
        self._suppressed = get_suppressed_tokens(self._english, (-1,))

    def transcribe(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None, translate: bool = True
    ) -> Transcript:
        """Text and timed words of (n,) float32 sound at 16 kHz, the same ones for the same sound.

        encoded : the sound by `encode_sound`, where that is known
        translate : whether speech in another language is translated; a translation has no timed words
        """
        import torch

        from models.extractors.encoded_sound import encode_sound

        if encoded is None:
            sound = torch.from_numpy(np.asarray(audio, np.float32))
            encoded = tuple(window.for_words() for window in encode_sound(self._encoder, sound))
        decoded = self._decode(encoded, self._english)
        language = self._other_language(decoded)
        if not language:
            return self._timed(decoded, self._english)
        tokenizer = self._tokenizer(language)
        as_said = self._decode(encoded, tokenizer)
        if _score(as_said) <= _score(decoded):
            return self._timed(decoded, self._english)
        original = self._timed(as_said, tokenizer, language)
        if not translate:
            return original
        translator = self._tokenizer(language, "translate")
        text = _text(self._decode(encoded, translator, BEAMS), translator)
        return Transcript(text, self.name, (), language, original.text)

    def _tokenizer(self, language: str, task: str = "transcribe") -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(self._model.hf_tokenizer, multilingual=True, task=task, language=language)

    def _decode(
        self, windows: Sequence[EncodedWindow], tokenizer: Tokenizer, beams: int = 1
    ) -> list[_Decoded]:
        """The windows in which somebody speaks."""
        import ctranslate2
        import torch

        decoded = []
        for first in range(0, len(windows), TOGETHER):
            together = windows[first : first + TOGETHER]
            sounds = [window.states[-1].float() for window in together]
            length = min(len(self._silence), max(map(len, sounds)) + SILENT_STATES)
            batch = torch.stack([torch.cat([sound, self._silence[len(sound) : length]]) for sound in sounds])
            results = self._model.model.generate(
                ctranslate2.StorageView.from_array(batch.numpy()),
                [tokenizer.sot_sequence] * len(together),
                beam_size=beams,
                max_length=min(self._model.max_length, max(map(_most_tokens, together))),
                no_repeat_ngram_size=REPEATED,
                return_no_speech_prob=True,
                return_scores=True,
                suppress_tokens=self._suppressed,
            )
            for window, states, result in zip(together, batch, results, strict=True):
                if result.no_speech_prob <= NO_SPEECH:
                    tokens = result.sequences_ids[0][: _most_tokens(window)]
                    decoded.append(_Decoded(window, states, tokens, result.scores[0]))
        return decoded

    def _other_language(self, decoded: Sequence[_Decoded]) -> str:
        """Two letters of the likely language of what was decoded as English; "" where that looks right."""
        if _score(decoded) > DOUBTFUL and not warn_if_not_english(_text(decoded, self._english)):
            return ""
        found = [dict(self._model.model.detect_language(_view(part.states))[0]) for part in decoded]
        probabilities = {code: np.mean([each[f"<|{code}|>"] for each in found]) for code in OTHER_LANGUAGES}
        likeliest = max(probabilities, key=probabilities.__getitem__)
        return likeliest if probabilities[likeliest] >= LIKELY else ""

    def _timed(self, decoded: Sequence[_Decoded], tokenizer: Tokenizer, language: str = "") -> Transcript:
        """The words as they were said, with their times."""
        heard = [(part.window.start, word) for part in decoded for word in self._words(part, tokenizer)]
        words = (
            Word(word["word"].strip(), float(start + word["start"]), float(start + word["end"]))
            for start, word in heard
        )
        text = "".join(word["word"] for _, word in heard).strip()
        return Transcript(text, self.name, tuple(words), language)

    def _words(self, decoded: _Decoded, tokenizer: Tokenizer) -> list[dict]:
        """The words of a window, which have their start and end in seconds from its beginning."""
        segment = {"seek": 0, "start": 0.0, "end": decoded.window.seconds, "tokens": decoded.tokens}
        segments: list[Any] = [[segment]]
        self._model.add_word_timestamps(
            segments,
            tokenizer,
            _view(decoded.states),
            decoded.window.frames,
            OPENING,
            CLOSING,
            last_speech_timestamp=0.0,
        )
        words = segments[0][0]["words"]
        while words and words[-1]["end"] <= words[-1]["start"]:  # said after the end of the sound
            words.pop()
        return words


def _score(decoded: Sequence[_Decoded]) -> float:
    """Mean log probability of all tokens; 0 without any."""
    lengths = [len(part.tokens) for part in decoded]
    return float(np.average([part.score for part in decoded], weights=lengths)) if any(lengths) else 0.0


def _text(decoded: Sequence[_Decoded], tokenizer: Tokenizer) -> str:
    return " ".join(tokenizer.decode(part.tokens).strip() for part in decoded)


def _view(states: Tensor) -> StorageView:
    """States (T, 512) as CTranslate2 takes them."""
    from ctranslate2 import StorageView

    return StorageView.from_array(states[None].numpy())


def _most_tokens(window: EncodedWindow) -> int:
    return FEW + round(TOKENS * window.seconds)


class Whisper:
    """One Whisper model through transformers, in half precision on a GPU.

    One that is not for English alone transcribes what it hears in the language that it hears; nothing is
    translated or marked.
    """

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

    def transcribe(
        self, audio: np.ndarray, encoded: tuple[EncodedWindow, ...] | None = None, translate: bool = True
    ) -> Transcript:
        """Text and timed words of (n,) float32 sound at 16 kHz, of any length.

        encoded, translate : not used; the first are another Whisper's states
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
        return Transcript(result["text"].strip(), self.name, tuple(words))
