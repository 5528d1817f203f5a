"""Sound: frames that cannot become 16 kHz mono are refused in plain words, whatever step they fail in."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler

from models.media.clip import MediaError
from models.media.sound import Sound


def frame_of(channels: int, rate: int) -> av.AudioFrame:
    """20 ms at 48 kHz."""
    layout = "mono" if channels == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(np.zeros((channels, 960), np.float32), "fltp", layout)
    frame.sample_rate = rate
    return frame


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_without_a_rate_is_refused(channels):
    """As damaged headers have it."""
    with pytest.raises(MediaError, match=rf"\({channels} channels, 0 Hz\) cannot be converted") as refused:
        Sound().add(frame_of(channels, rate=0), 0.0)
    assert refused.value.code == "sound_not_converted"


def test_sound_whose_last_samples_cannot_be_converted_is_refused(monkeypatch):
    class Resampler:
        def __init__(self, *target):
            self.whole = AudioResampler(*target)

        def resample(self, frame):
            if frame is None:
                raise av.error.InvalidDataError(1094995529, "Invalid data found when processing input")
            return self.whole.resample(frame)

    monkeypatch.setattr("models.media.sound.AudioResampler", Resampler)
    sound = Sound()
    sound.add(frame_of(2, rate=44_100), 0.0)
    with pytest.raises(MediaError, match=r"\(2 channels, 44100 Hz\) cannot be converted") as refused:
        sound.collect(0.0, 60.0)
    assert refused.value.code == "sound_not_converted"
