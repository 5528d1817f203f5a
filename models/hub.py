"""Models of the Hugging Face hub: found in its cache on this disk, or fetched where that is allowed."""

from __future__ import annotations

from pathlib import Path

ANSWER_SECONDS = 5.0  # s that the hub has to answer before it counts as unreachable


class HubError(Exception):
    """A model that the hub does not give; the message says why."""


def is_path(name: str) -> bool:
    """True for a folder on disk, there or not; False for a name on the hub, such as `openai/whisper-base`."""
    path = Path(name).expanduser()
    return path.exists() or path.is_absolute() or name.startswith((".", "~"))


def cached(name: str, revision: str | None = None) -> Path | None:
    """The cache's folder of a model, which may lack files; None without one. Touches no network.

    revision : a commit, branch or tag; None for the main branch
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def fetch(name: str, patterns: list[str], revision: str | None = None) -> Path:
    """The same with the files of these patterns, from the network; HubError where it does not give them."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        # or the download would wait for its many retries
        HfApi().model_info(name, revision=revision, timeout=ANSWER_SECONDS)
        folder = snapshot_download(
            name, revision=revision, allow_patterns=patterns, etag_timeout=ANSWER_SECONDS
        )
    except Exception as error:  # the hub, its HTTP client and the disk all raise classes of their own
        raise HubError(str(error)) from error
    return Path(folder)
