"""Extractors on a Space that lends its GPU for single calls (ZeroGPU); imported nowhere else.

The fusion stays on the CPU, so that switches and other methods use none of a visitor's share of the GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import spaces  # pyright: ignore[reportMissingImports] (a Space brings it)

from models.extractors.encoded_sound import packaged_encoder
from models.extractors.face_tracking import FaceTrack
from models.extractors.local_profile import LocalProfile
from models.extractors.profile import Profile
from models.media.clip import SAMPLE_RATE

DEVICE = "cuda"
CALLS = ("read", "hear", "embed_faces")  # of a profile; faces are found on the CPU
LEAST = 5.0  # s: a process begins, the weights move
PER_SECOND = 0.1  # s for a second of sound or film

_calls: dict[str, Callable] = {}


def seconds(call: str, given: Any, *more: Any) -> float:
    """How long a call may take, in s, by the length of the sound or film; what is beyond is ended."""
    length = 0.0
    if isinstance(given, np.ndarray):
        length = len(given) / SAMPLE_RATE
    elif isinstance(given, FaceTrack):
        length = float(given.times[-1] - given.times[0])
    return LEAST + PER_SECOND * length


@spaces.GPU(duration=seconds)
def extract(call: str, *given: Any) -> Any:
    """A call of the profile, in a process that has the GPU as long as it takes."""
    return _calls[call](*given)


def lend_to(profile: Profile) -> None:
    """Let a profile, whose weights are said to be on DEVICE, make its calls where the GPU is."""
    if isinstance(profile, LocalProfile):
        packaged_encoder(DEVICE)  # here, not in a process that ends with its call
        weights = profile.language_model
        profile.language_model = lambda: {name: tensor.cpu() for name, tensor in weights().items()}
    for name in CALLS:
        _calls[name] = getattr(profile, name)
        setattr(profile, name, partial(extract, name))
