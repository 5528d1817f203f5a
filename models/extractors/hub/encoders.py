"""Which encoders the profile `hub` reads with, where their files are, and how they get there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.hub import HubError, cached, fetch, is_path
from models.tensors import CheckpointError
from models.types import MODALITIES, Modality

VARIABLES = {modality: f"FUSEBOX_HUB_{modality.upper()}" for modality in MODALITIES}
DOWNLOADS = "FUSEBOX_ALLOW_DOWNLOADS"

# Each has a safetensors file at this commit and a licence that allows commercial use. The commits are those
# that other projects pin and name in public; they were not looked up on the hub itself.
DEFAULTS = {
    # MIT; Conneau et al., Unsupervised Cross-lingual Representation Learning at Scale, ACL 2020
    Modality.TEXT: "FacebookAI/xlm-roberta-base@e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
    # Apache-2.0; Baevski et al., wav2vec 2.0, NeurIPS 2020. WavLM's hub folder has a pickle alone.
    Modality.AUDIO: "facebook/wav2vec2-base-960h@22aad52d435eb6dbaf354bdad9b0da84ce7d6156",
    # Apache-2.0; Tschannen et al., SigLIP 2, arXiv:2502.14786. The picture tower alone is loaded. Its patches
    # are of 32 pixels: those of 16 take three times as long, and a crop of 48 pixels has no more to show.
    Modality.VISION: "google/siglip2-base-patch32-256@94dffa8cb1179de3e03f091dbc3917e5d5a9ae84",
}
MEGABYTES = {  # of the files that are fetched, about
    "FacebookAI/xlm-roberta-base": 1140,
    "facebook/wav2vec2-base-960h": 380,
    "google/siglip2-base-patch32-256": 1550,
}

WEIGHTS, SHARDS = "model.safetensors", "model.safetensors.index.json"
FILES = ["*.json", "*.txt", "*.model", "model*.safetensors"]  # that are fetched; no pickle, no code
# Beside the weights, what the states depend on. Others, such as a tokenizer's own settings, are rewritten by
# every version of transformers without a change of meaning.
READ_WITH = ("config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json")
NEEDS = (
    "config.json, model.safetensors and the files of its tokenizer or processor, as save_pretrained writes"
)


@dataclass(frozen=True)
class HubEncoders:
    """The encoders of the profile, each a name on the hub, `name@revision`, or a folder; "" for DEFAULTS.

    allow_downloads : whether files that are not on disk may be fetched; if False, no network is touched
    """

    text: str = ""
    audio: str = ""
    vision: str = ""
    allow_downloads: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> HubEncoders:
        """From FUSEBOX_HUB_TEXT, …_AUDIO, …_VISION and FUSEBOX_ALLOW_DOWNLOADS."""
        named = {str(m): environment.get(variable, "").strip() for m, variable in VARIABLES.items()}
        allowed = environment.get(DOWNLOADS, "").strip().lower() in ("1", "true", "yes", "on")
        return cls(**named, allow_downloads=allowed)

    def encoder(self, modality: Modality) -> Encoder:
        """The encoder of a modality."""
        wanted = getattr(self, str(modality)) or DEFAULTS[modality]
        name, _, revision = (wanted, "", "") if is_path(wanted) else wanted.partition("@")
        return Encoder(modality, name, revision)


@dataclass(frozen=True)
class Encoder:
    """One of them.

    name : on the hub, or a folder
    revision : a commit, branch or tag of the hub's; "" for its main branch, and for a folder
    """

    modality: Modality
    name: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name

    @property
    def megabytes(self) -> int | None:
        """About the size of what is fetched; None where that is not known."""
        return MEGABYTES.get(self.name)

    @property
    def size(self) -> str:
        """The same for a person."""
        return f"about {self.megabytes} MB" if self.megabytes else "of a size not known here"

    @property
    def remedy(self) -> str:
        """What brings the encoder to this disk."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return (
            f"set {DOWNLOADS}=1, or run `hf download {self.name}{revision}`, or set "
            f"{VARIABLES[self.modality]} to the folder of one that is here"
        )

    def on_disk(self) -> Path | None:
        """Its folder where all of it is here; None where it must be fetched. Touches no network.

        CheckpointError for a folder that holds no encoder, and for one whose weights are a pickle.
        """
        if is_path(self.name):
            folder = Path(self.name).expanduser()
            if not (folder / "config.json").is_file():
                raise CheckpointError(
                    f"there is no {self.modality} encoder in {folder}; a folder needs {NEEDS}"
                )
        else:
            folder = cached(self.name, self.revision or None)
            if folder is None or not (folder / "config.json").is_file():
                return None
        if weights_of(folder):
            return folder
        if is_path(self.name) or any(folder.glob("*.bin")):
            raise self._no_safetensors(folder)
        return None

    def folder(self, allow_downloads: bool) -> Path:
        """The same, fetched if need be and allowed.

        CheckpointError names the encoder, its size and what would bring it here, where it cannot be had.
        """
        found = self.on_disk()
        if found is not None:
            return found
        if not allow_downloads:
            raise CheckpointError(
                f"the {self.modality} encoder {self} ({self.size}) is not on this disk, and downloads are "
                f"not allowed; {self.remedy}"
            )
        try:
            folder = fetch(self.name, FILES, self.revision or None)
        except HubError as error:
            raise CheckpointError(
                f"the {self.modality} encoder {self} ({self.size}) cannot be fetched: {error}"
            ) from error
        if not weights_of(folder):
            raise self._no_safetensors(folder)
        return folder

    def _no_safetensors(self, folder: Path) -> CheckpointError:
        return CheckpointError(
            f"the {self.modality} encoder {self} has no whole {WEIGHTS} in {folder}, and weights of another "
            "format are not loaded; name an encoder that has one, or a revision of it that does, or write it "
            f"with save_pretrained to a folder and set {VARIABLES[self.modality]} to that"
        )


def weights_of(folder: Path) -> list[Path]:
    """The safetensors files of an encoder's weights; [] where some are not there."""
    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file() and (folder / SHARDS).is_file():
        try:
            index = json.loads((folder / SHARDS).read_text(encoding="utf-8"))
            names = sorted(set(index["weight_map"].values()))
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise CheckpointError(f"{folder / SHARDS} is damaged: {error}") from error
    files = [folder / name for name in names]
    return files if all(file.is_file() for file in files) else []


def fingerprint(folder: Path, *others: str) -> str:
    """First 16 hex digits of a SHA-256 of an encoder's weights and of what else its states depend on.

    The name and revision say no more than these do: a folder may be moved, and what is fetched by another
    name is the same encoder. others : what more to count
    """
    digest = hashlib.sha256()
    small = [file for name in READ_WITH if (file := folder / name).is_file()]
    for file in [*weights_of(folder), *small]:
        digest.update(f"{file.name} {_sha256(file)}\n".encode())
    digest.update("\n".join(others).encode())
    return digest.hexdigest()[:16]


def _sha256(file: Path) -> str:
    """Of a file's content, which the hub's cache names large files by: those need not be read."""
    stored = file.resolve()
    if stored.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", stored.name):
        return stored.name
    with stored.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
