"""Stores the states that every start would otherwise make."""

from __future__ import annotations

from pathlib import Path

from models.extractors.encoded_sound import attended_silence, packaged_encoder, silent_states
from models.extractors.local_profile import LocalProfile
from models.extractors.phrases import phrase_states


def store_states(checkpoints: Path) -> None:
    """Write those of the phrase bank and those of silence, beside the extractors that they were made with."""
    phrase_states(LocalProfile.load(root=checkpoints), checkpoints / "local" / "extractors").store()
    for stored in (silent_states, attended_silence):
        stored(packaged_encoder()).store()
