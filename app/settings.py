"""Everything an operator can set: one frozen dataclass, read from FUSEBOX_* once, at start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from app.accounts import NOBODY, Accounts

if TYPE_CHECKING:
    from models.extractors.hub.encoders import HubEncoders

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "FUSEBOX_"
PROFILES = ("local", "hub")  # keys of `registry.EXTRACTORS`, whose import takes a second


class SettingsError(ValueError):
    """A FUSEBOX_* variable that cannot be used: names it, its value, and what would work."""


@dataclass(frozen=True)
class Settings:
    """Field `max_mb` is the variable FUSEBOX_MAX_MB, and so on; an empty variable means the default."""

    host: str = "127.0.0.1"  # address the page listens on; 0.0.0.0 for every network
    port: int = 7860  # TCP port of the page
    device: str = "auto"  # auto (the GPU when there is one), cpu, cuda or cuda:N
    checkpoints: Path = ROOT / "checkpoints"  # folder with <profile>/<method>.safetensors
    weights: Path | None = None  # folder of one's own <profile>/<method>.safetensors, used before those
    profile: str = "local"  # whose extractors: local (they ship), or hub (encoders of transformers)
    hub_text: str = ""  # of the profile hub: name, name@revision or folder; empty: XLM-R base
    hub_audio: str = ""  # the same; empty: wav2vec 2.0 base
    hub_vision: str = ""  # the same; empty: SigLIP 2 base
    whisper: str = ""  # another Whisper's folder or hub name; empty: a local copy, else base
    allow_downloads: bool = False  # may weights be fetched from the hub?
    max_mb: int = 200  # MB (10^6 bytes), largest file accepted
    max_seconds: float = 120.0  # s, longer clips are cut
    max_minutes: float = 60.0  # min, of a recording read utterance by utterance; what is longer is cut
    max_files: int = 50  # files that one table of the page reads
    cache_mb: int = 64  # MB (10^6 bytes) of features kept for clips already seen
    max_waiting: int = 100  # requests that may wait in the queue; more are told to come back later
    max_per_visitor: int = 0  # questions that one visitor may ask in a minute; 0: any number
    proxies: int = 0  # before the page, each adding to X-Forwarded-For; 0: nobody's word is taken on who asks
    decode_seconds: float = 60.0  # s, time limit of the decoding child process
    decode_memory_mb: int = 4096  # MB (10^6 bytes), memory limit of the decoding child process
    serve: str = ""  # http://host:8000 of `app.deploy.serve`, whose machines read the clips; empty: this one
    log: str = "text"  # text: warnings, plain; json: an object a line, with every call
    login: Accounts = NOBODY  # user:password, or a file of such lines; empty: nobody has to log in
    mcp: bool = False  # offer tools at /mcp? On 127.0.0.1 they open paths: a proxy must say that it is one

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings from FUSEBOX_* variables; SettingsError for a value that cannot be used."""
        values = {}
        for variable, name in cls.variables().items():
            text = environment.get(variable, "").strip()
            if text:
                values[name] = _READERS[name](variable, text)
        return cls(**values)

    @property
    def weights_folders(self) -> tuple[Path, ...]:
        """Where methods' weights are looked for, in this order."""
        return (self.weights, self.checkpoints) if self.weights else (self.checkpoints,)

    def hub_encoders(self) -> HubEncoders:
        """The encoders of the profile `hub`, whether it is in use or not."""
        from models.extractors.hub.encoders import HubEncoders  # with torch

        return HubEncoders(self.hub_text, self.hub_audio, self.hub_vision, self.allow_downloads)

    @classmethod
    def variables(cls) -> dict[str, str]:
        """{variable: field} for every setting."""
        return {f"{PREFIX}{field.name.upper()}": field.name for field in fields(cls)}


def _number(kind: type, low: float, high: float, unit: str) -> Callable[[str, str], float]:
    def read(variable: str, text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise SettingsError(f"{variable} is {text!r}; give {unit} from {low:g} to {high:g}") from None
        return value

    return read


def _switch(variable: str, text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise SettingsError(f"{variable} is {text!r}; give 1 (yes) or 0 (no)")
    return words[text.lower()]


def _device(variable: str, text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text.lower()):
        raise SettingsError(f"{variable} is {text!r}; give auto, cpu, cuda or cuda:0")
    return text.lower()


def _folder(variable: str, text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_dir():
        raise SettingsError(
            f"{variable} is {text!r}, which is not a folder; give the one of <profile>/<method>.safetensors"
        )
    return path.resolve()


def _one_of(*known: str) -> Callable[[str, str], str]:
    def read(variable: str, text: str) -> str:
        if text.lower() not in known:
            raise SettingsError(f"{variable} is {text!r}; give {' or '.join(known)}")
        return text.lower()

    return read


def _address(variable: str, text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/?", text):
        raise SettingsError(f"{variable} is {text!r}; give an address such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _accounts(variable: str, text: str) -> Accounts:
    try:
        path = Path(text).expanduser()
        return Accounts.of(path.read_text(encoding="utf-8").splitlines() if path.is_file() else [text])
    except (ValueError, OSError, RuntimeError):  # the last for an unknown ~user
        # what was given is not repeated: it may be a password
        needed = "give user:password, or the name of a file of such lines that can be read"
        raise SettingsError(f"{variable} has no account; {needed}") from None


def _text(variable: str, text: str) -> str:
    return text


_READERS: dict[str, Callable] = {
    "host": _text,
    "port": _number(int, 1, 65_535, "a port number"),
    "device": _device,
    "checkpoints": _folder,
    "weights": _folder,
    "profile": _one_of(*PROFILES),
    "hub_text": _text,
    "hub_audio": _text,
    "hub_vision": _text,
    "whisper": _text,
    "allow_downloads": _switch,
    "max_mb": _number(int, 1, 100_000, "whole megabytes"),
    "max_seconds": _number(float, 1, 3600, "seconds"),
    "max_minutes": _number(float, 1, 600, "minutes"),
    "max_files": _number(int, 1, 1000, "a number of files"),
    "cache_mb": _number(int, 0, 1_000_000, "whole megabytes"),
    "max_waiting": _number(int, 1, 100_000, "a number of requests"),
    "max_per_visitor": _number(int, 0, 100_000, "a number of questions"),
    "proxies": _number(int, 0, 10, "a number of proxies"),
    "decode_seconds": _number(float, 1, 3600, "seconds"),
    "decode_memory_mb": _number(int, 256, 1_000_000, "whole megabytes"),
    "log": _one_of("text", "json"),
    "serve": _address,
    "login": _accounts,
    "mcp": _switch,
}
