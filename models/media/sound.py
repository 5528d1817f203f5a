"""Audio frames -> 16 kHz mono."""

from __future__ import annotations

import math

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from models.media.clip import SAMPLE_RATE, MediaError

MAX_GAP = 0.2  # s; a larger hole in the sound is filled with silence
CANCELLED = 0.1  # of the energy that a mix of unrelated channels would have: about -10 dB
LOUDER = 4.0  # times the energy, 6 dB, at which another channel takes over
MEMORY = 1.0  # s over which the channels' energies are compared


class Sound:
    """16 kHz mono; holes in the sound become silence, so that it stays in step with the picture."""

    def __init__(self) -> None:
        self.end = -math.inf  # s, of the last sample given
        self._start = 0.0  # s, of the first
        self._given = (0, 0)  # channels and Hz of the last frame
        self._setup: tuple | None = None
        self._resampler: AudioResampler | None = None
        self._blocks: list[np.ndarray] = []
        self._channels = Channels()

    def add(self, frame: av.AudioFrame, time: float, joined: bool = False) -> None:
        """One decoded frame at `time` seconds; MediaError for sound that cannot be converted.

        joined : the first of another recording, placed to the sample: silence before it, or its start cut
        """
        self._given = (frame.layout.nb_channels, frame.sample_rate)
        if not frame.sample_rate:
            raise _not_converted(*self._given)
        if self.end == -math.inf:
            self._start = self.end = time
        seconds = frame.samples / frame.sample_rate
        gap = time - self.end if joined or time - self.end > MAX_GAP else 0.0
        try:
            frame = self._channels.mixed(frame)
            setup = (frame.format.name, frame.layout.name, frame.sample_rate)
            if gap or setup != self._setup or self._resampler is None:
                self._flush()
                self._place(gap)
                # Mono 16-bit lets libswresample normalise the downmix: the result stays in [-1, 1].
                self._resampler, self._setup = AudioResampler("s16", "mono", SAMPLE_RATE), setup
            self._resample(frame, self._resampler)
        except (FFmpegError, ValueError) as error:
            raise _not_converted(*self._given) from error
        self.end += gap + seconds

    def collect(self, origin: float, max_seconds: float) -> np.ndarray | None:
        """(n,) float32 in [-1, 1] from `origin` on, at most `max_seconds`, or None without a sample.

        MediaError for sound that cannot be converted.
        """
        try:
            self._flush()
        except (FFmpegError, ValueError) as error:
            raise _not_converted(*self._given) from error
        if not any(map(len, self._blocks)):
            return None
        late = round((self._start - origin) * SAMPLE_RATE)
        samples = np.concatenate([np.zeros(max(0, late), np.int16), *self._blocks])[max(0, -late) :]
        samples = samples[: round(max_seconds * SAMPLE_RATE)]
        return samples.astype(np.float32) / 32768

    def _place(self, gap: float) -> None:
        """Silence of `gap` seconds, or that much less of the end where it is negative."""
        if gap >= 0:
            self._blocks.append(np.zeros(round(gap * SAMPLE_RATE), np.int16))
            return
        surplus = round(-gap * SAMPLE_RATE)
        while surplus > 0 and self._blocks:
            last = self._blocks.pop()
            if len(last) > surplus:
                self._blocks.append(last[: len(last) - surplus])
            surplus -= len(last)

    def _resample(self, frame: av.AudioFrame, resampler: AudioResampler) -> None:
        frame.pts = None  # the filter graph inside would complain about stamps that jump
        try:
            blocks = resampler.resample(frame)
        except (FFmpegError, ValueError):
            if frame.layout.nb_channels == 1:
                raise
            self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)  # a layout that it cannot mix
            blocks = self._resampler.resample(_mono(_samples(frame).mean(0), frame.sample_rate))
            self._setup = None
        self._blocks += [block.to_ndarray()[0] for block in blocks]

    def _flush(self) -> None:
        if self._resampler is not None:
            self._blocks += [block.to_ndarray()[0] for block in self._resampler.resample(None)]


class Channels:
    """Decides, frame by frame, how the channels become one.

    libswresample mixes by the layout. Where more than two channels have none, the mean is taken. Where the
    channels cancel each other, as a left channel and its inverse do, the loudest stands for all; it stays
    until another is clearly louder, since each change from a channel to its inverse is heard as a click.
    """

    def __init__(self) -> None:
        self._mix, self._each = 0.0, np.zeros(0)  # energies, fading over MEMORY
        self._chosen: int | None = None  # the channel that stands for all

    def mixed(self, frame: av.AudioFrame) -> av.AudioFrame:
        """The frame itself, for libswresample to mix, or a mono one in its place."""
        channels = frame.layout.nb_channels
        if channels == 1:
            return frame
        samples = _samples(frame)
        mean = samples.mean(0)
        if len(self._each) != channels:
            self._mix, self._each, self._chosen = 0.0, np.zeros(channels), None
        fade = np.exp(-frame.samples / (MEMORY * frame.sample_rate))
        self._mix = fade * self._mix + float(np.square(mean).sum())
        self._each = fade * self._each + np.square(samples).sum(1)
        if self._mix < CANCELLED * self._each.mean() / channels:
            loudest = int(self._each.argmax())
            if self._chosen is None or self._each[loudest] > LOUDER * self._each[self._chosen]:
                self._chosen = loudest
            return _mono(samples[self._chosen], frame.sample_rate)
        has_layout = not frame.layout.name.endswith("channels")  # FFmpeg names none "20 channels"
        return frame if has_layout or channels == 2 else _mono(mean, frame.sample_rate)


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """(channels, n) float32 of a frame, full scale 1."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128) / 128
    scale = 2 ** (8 * array.itemsize - 1) if np.issubdtype(array.dtype, np.integer) else 1
    return array.astype(np.float32) / np.float32(scale)


def _mono(samples: np.ndarray, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), "flt", "mono")
    frame.sample_rate = rate
    return frame


def _not_converted(channels: int, rate: int) -> MediaError:
    return MediaError(
        "sound_not_converted",
        f"The sound of this file ({channels} channels, {rate} Hz) cannot be converted. Export it again with "
        "one or two channels at 48000 Hz, for example as mp4 or wav.",
        channels=channels,
        rate=rate,
    )
