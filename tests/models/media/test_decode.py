"""Decoding: what browsers, phones and editors write becomes one kind of clip."""

from __future__ import annotations

import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from time import process_time

import av
import numpy as np
import pytest
from PIL import Image

from models.media.clip import SAMPLE_RATE, Clip, MediaError
from models.media.decode import decode

ROOT = Path(__file__).resolve().parents[3]
CLIPS = ROOT.parent / "shared" / "data" / "clips" / "video"

CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".mkv": ("libx264", "flac"),
    ".avi": ("mpeg4", "libmp3lame"),
    ".webm": ("libvpx", "libopus"),
    ".flv": ("libx264", "aac"),
}


def write_clip(
    path: Path,
    seconds: float = 1.0,
    size: tuple[int, int] = (64, 48),
    rate: int = 25,
    times: list[float] | None = None,
    picture: bool = True,
    sound_from: float | None = 0.0,
    rotation: int = 0,
    mirror: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip whose upper left quarter brightens from black to white, with a tone.

    times : time stamps of the frames, for a variable frame rate
    sound_from : seconds by which the tone starts after the picture; None for no sound
    """
    video_codec, audio_codec = CODECS[path.suffix]
    time_base = Fraction(1, 1000) if times else Fraction(1, rate)
    times = times or [n / rate for n in range(round(seconds * rate))]
    with av.open(str(path), "w", options=options or {}) as container:
        video = audio = None
        if picture:
            video = container.add_stream(video_codec, rate=rate, width=size[0], height=size[1])
            video.pix_fmt = "yuv420p" if not (size[0] | size[1]) & 1 else "yuv444p"
            video.codec_context.time_base = time_base
            if rotation or mirror:
                video.set_display_rotation(rotation, hflip=mirror)
        if sound_from is not None:
            audio = container.add_stream(audio_codec, rate=48_000, layout="stereo")
        if video:
            for time in times:
                frame = av.VideoFrame.from_ndarray(lit_quarter(size, time / max(times[-1], 1e-9)), "rgb24")
                frame.pts, frame.time_base = round(time / time_base), time_base
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if audio:
            for frame in tone(seconds - sound_from, sound_from):
                container.mux(audio.encode(frame))
            container.mux(audio.encode())
    return path


def lit_quarter(size: tuple[int, int], brightness: float) -> np.ndarray:
    """(H, W, 3) uint8, black but for the upper left quarter."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[: size[1] // 2, : size[0] // 2] = round(255 * min(brightness, 1.0))
    return picture


def disc(size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8, black but for a white disc of 200 pixels in the middle."""
    across, down = np.ogrid[: size[1], : size[0]]
    inside = (across - size[1] / 2) ** 2 + (down - size[0] / 2) ** 2 < 100**2
    return np.repeat(np.where(inside, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def tone(seconds: float, start: float, rate: int = 48_000) -> Iterator[av.AudioFrame]:
    """Stereo frames of 20 ms, 440 Hz at half of full scale."""
    samples = np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate).astype(np.float32) / 2
    for n in range(0, len(samples), 960):
        block = np.ascontiguousarray(np.stack([samples[n : n + 960]] * 2))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), n + round(start * rate)
        yield frame


def write_wav(path: Path, samples: np.ndarray, rate: int = SAMPLE_RATE) -> Path:
    """(n,) or (n, channels) int16."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype(np.int16).tobytes())
    return path


def quarters(frame: np.ndarray) -> list[list[int]]:
    """Mean brightness of the four quarters, rows from above."""
    grey = frame.mean(axis=2)
    rows, columns = grey.shape[0] // 2, grey.shape[1] // 2
    return [[round(q.mean()) for q in (r[:, :columns], r[:, columns:])] for r in (grey[:rows], grey[rows:])]


@pytest.mark.parametrize("suffix", CODECS)
def test_every_container_gives_the_same_clip(tmp_path, suffix):
    clip = decode(write_clip(tmp_path / f"clip{suffix}", seconds=2.0))
    assert clip.frames.shape[1:] == (48, 64, 3) and clip.frames.dtype == np.uint8
    # AVI knows no time stamps, only a count of frames, and its writer repeats the first.
    assert len(clip.frames) in ((10, 11) if suffix == ".avi" else (10,))
    lead_in = 1024 / 48_000 if suffix == ".flv" else 0  # of AAC, which FLV cannot tell from sound
    np.testing.assert_allclose(clip.frame_times, lead_in + np.arange(len(clip.frames)) * 0.2, atol=0.01)
    assert clip.audio.dtype == np.float32
    assert len(clip.audio) / SAMPLE_RATE == pytest.approx(2.0, abs=0.1)
    assert clip.duration == pytest.approx(2.0, abs=0.1)
    assert not clip.truncated
    middle = clip.audio[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)
    assert np.abs(np.fft.rfft(middle)).argmax() * SAMPLE_RATE / len(middle) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_browser_recording_without_duration(tmp_path, monkeypatch, codec):
    monkeypatch.setitem(CODECS, ".webm", (codec, "libopus"))
    path = write_clip(tmp_path / "recording.webm", seconds=1.4, options={"live": "1"})
    with av.open(str(path)) as container:
        assert container.duration is None and container.streams.video[0].frames == 0
    clip = decode(path)
    assert len(clip.frames) == 7
    assert clip.duration == pytest.approx(1.4, abs=0.1)


def test_variable_frame_rate_is_sampled_by_time(tmp_path):
    times = [0.0, 0.03, 0.06, 0.21, 0.22, 0.9, 0.91, 1.0, 1.5]
    clip = decode(write_clip(tmp_path / "clip.mkv", times=times, sound_from=None))
    np.testing.assert_allclose(clip.frame_times, [0.0, 0.21, 0.9, 1.0, 1.5], atol=2e-3)
    brightness = [quarters(frame)[0][0] for frame in clip.frames]
    np.testing.assert_allclose(brightness, 255 * clip.frame_times / 1.5, atol=6)


def test_slower_than_the_sampling_keeps_every_frame(tmp_path):
    clip = decode(write_clip(tmp_path / "clip.mp4", seconds=3.0, rate=2, sound_from=None))
    np.testing.assert_allclose(clip.frame_times, np.arange(6) / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("rotation", "shape", "lit"),
    [(0, (32, 64), (0, 0)), (90, (64, 32), (1, 0)), (180, (32, 64), (1, 1)), (-90, (64, 32), (0, 1))],
)
def test_rotation_is_honoured(tmp_path, rotation, shape, lit):
    clip = decode(write_clip(tmp_path / "phone.mp4", size=(64, 32), rotation=rotation))
    assert clip.frames.shape[1:3] == shape
    assert np.unravel_index(np.argmax(quarters(clip.frames[-1])), (2, 2)) == lit


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_mirrors_are_honoured(tmp_path, rotation):
    """As a picture that is turned first and mirrored then, left to right."""
    turned = decode(write_clip(tmp_path / "turned.mp4", size=(64, 32), rotation=rotation))
    clip = decode(write_clip(tmp_path / "selfie.mp4", size=(64, 32), rotation=rotation, mirror=True))
    np.testing.assert_array_equal(clip.frames, turned.frames[:, :, ::-1])


def test_each_frame_keeps_its_proportions_when_the_size_changes(tmp_path):
    """A phone that is turned while a browser records it."""
    path = tmp_path / "turned.webm"
    sizes = [(480, 270)] * 5 + [(270, 480)] * 5
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=5, width=480, height=270, pix_fmt="yuv420p")
        for first in (0, 5):
            encoder = av.CodecContext.create("libvpx", "w")
            encoder.width, encoder.height = sizes[first]
            encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 5), Fraction(5)
            packets = []
            for n in range(first, first + 5):
                frame = av.VideoFrame.from_ndarray(disc(sizes[n]), "rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = n, Fraction(1, 5)
                packets += encoder.encode(frame)
            for packet in [*packets, *encoder.encode()]:
                packet.stream = stream
                container.mux(packet)
    clip = decode(path)
    assert clip.frames.shape == (10, 480, 480, 3)
    for frame, (width, height) in zip(clip.frames, sizes, strict=True):
        lit = frame[:, :, 0] > 128
        across, down = np.ptp(np.flatnonzero(lit.any(0))), np.ptp(np.flatnonzero(lit.any(1)))
        assert across == pytest.approx(200, abs=6) and down == pytest.approx(200, abs=6)
        left, top = (480 - width) // 2, (480 - height) // 2
        assert lit[top : top + height, left : left + width].sum() == lit.sum()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((1280, 720), (270, 480)),
        ((720, 1280), (480, 270)),
        ((640, 480), (360, 480)),
        ((321, 241), (241, 321)),
        ((1001, 37), (18, 480)),
        ((16, 16), (16, 16)),
    ],
)
def test_large_frames_are_scaled_and_small_ones_are_not(tmp_path, size, shape):
    clip = decode(write_clip(tmp_path / "clip.mkv", seconds=0.4, size=size, sound_from=None))
    assert clip.frames.shape == (2, *shape, 3)


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = tmp_path / "dv.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, width=64, height=48)
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(lit_quarter((64, 48), 1), "rgb24")))
        container.mux(stream.encode())
    assert decode(path).frames.shape == (2, 48, 96, 3)


def test_without_sound(tmp_path):
    clip = decode(write_clip(tmp_path / "silent.mp4", sound_from=None))
    assert clip.audio is None and len(clip.frames) == 5


def test_without_picture(tmp_path):
    clip = decode(write_clip(tmp_path / "voice.mp4", picture=False))
    assert clip.frames is None and clip.frame_times is None
    assert clip.duration == pytest.approx(1, abs=0.1)


def test_one_picture_with_sound_is_a_clip(tmp_path):
    clip = decode(write_clip(tmp_path / "podcast.mp4", seconds=2.0, times=[0.0]))
    assert clip.frames.shape == (1, 48, 64, 3) and clip.frame_times.tolist() == [0.0]
    assert clip.duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "kind"),
    [
        ("photo.mp4", "libx264", "yuv420p", "MP4"),
        ("photo.gif", "gif", "rgb8", "GIF"),
        ("photo", "mjpeg", "yuvj420p", "one frame"),
    ],
)
def test_one_picture_without_sound_is_no_clip(tmp_path, name, codec, pixels, kind):
    path = tmp_path / name
    with av.open(str(path), "w", format=None if path.suffix else "matroska") as container:
        stream = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt=pixels)
        frame = av.VideoFrame.from_ndarray(lit_quarter((64, 48), 1), "rgb24").reformat(format=pixels)
        container.mux([*stream.encode(frame), *stream.encode()])
    with pytest.raises(MediaError, match=r"This is a picture .*, not a clip") as refused:
        decode(path)
    assert (refused.value.code, refused.value.values) == ("picture", {"kind": kind})


def test_an_avif_is_no_clip(tmp_path):
    # by Pillow: FFmpeg's encoder, SVT-AV1, gives the whole process a real-time priority
    path = tmp_path / "photo.avif"
    Image.new("RGB", (64, 48), "white").save(path, codec="aom")
    with pytest.raises(MediaError) as refused:
        decode(path)
    assert refused.value.values == {"kind": "AVIF"}


def test_a_photo_of_a_phone_is_named(tmp_path):
    path = write_clip(tmp_path / "photo.heic.mp4", seconds=0.04, sound_from=None)
    stored = path.read_bytes()
    path.write_bytes(stored[:8] + b"heic" + stored[12:])
    with pytest.raises(MediaError, match=r"a picture \(HEIC\)"):
        decode(path)


def test_sound_that_starts_later_stays_in_step_with_the_picture(tmp_path):
    clip = decode(write_clip(tmp_path / "late.mkv", seconds=2.0, sound_from=0.7))
    onset = np.flatnonzero(np.abs(clip.audio) > 0.1)[0] / SAMPLE_RATE
    assert onset == pytest.approx(0.7, abs=0.02)
    assert clip.frame_times[0] == 0.0


def test_a_hole_in_the_sound_is_silence(tmp_path):
    path = tmp_path / "hole.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=48_000, layout="stereo")
        for frame in [*tone(0.5, 0.0), *tone(0.5, 1.5)]:
            frame.pts = round(frame.pts)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = decode(path)
    assert clip.duration == pytest.approx(2.0, abs=0.05)
    loud = np.abs(clip.audio).reshape(-1, 1600)[:20].max(axis=1) > 0.1
    assert loud[[1, 3, 16, 18]].all() and not loud[[7, 10, 13]].any()


def write_flashes(path: Path, starts: list[tuple[float, float]]) -> Path:
    """Parts of 2 s in which the picture turns white and a tone is heard from the middle on.

    starts : the stamps at which picture and sound of each part begin
    """
    codec, sound_codec = CODECS.get(path.suffix, ("libx264", "aac"))
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt="yuv420p")
        video.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream(sound_codec, rate=48_000, layout="stereo")
        for seen, heard in starts:
            silent = np.zeros((2, 960), np.float32)
            for n, frame in enumerate(tone(2.0, heard)):
                if n % 2 == 0:
                    white = np.full((48, 64, 3), 255 * (n >= 50), np.uint8)
                    picture = av.VideoFrame.from_ndarray(white, "rgb24")
                    picture.pts, picture.time_base = round(1000 * (seen + n / 50)), Fraction(1, 1000)
                    container.mux(video.encode(picture))
                if n < 50:
                    muted = av.AudioFrame.from_ndarray(silent, "fltp", "stereo")
                    muted.sample_rate, muted.time_base, muted.pts = 48_000, frame.time_base, frame.pts
                    frame = muted
                container.mux(audio.encode(frame))
        container.mux([*video.encode(), *audio.encode()])
    return path


def onsets(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Seconds at which the picture turns white, and at which the tone begins."""
    white = clip.frames.mean((1, 2, 3)) > 128
    blocks = len(clip.audio) // 800
    loud = np.abs(clip.audio[: 800 * blocks]).reshape(blocks, 800).max(1) > 0.1
    rises = [np.flatnonzero(np.diff(on.astype(int)) == 1) + 1 for on in (white, loud)]
    return clip.frame_times[rises[0]], rises[1] * 0.05


@pytest.mark.parametrize("suffix", [".webm", ".ts"])
def test_recordings_joined_byte_by_byte_follow_each_other_in_step(tmp_path, suffix):
    part = write_flashes(tmp_path / f"part{suffix}", [(0.0, 0.0)]).read_bytes()
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(part * 2)
    clip = decode(path)
    assert clip.duration == pytest.approx(4, abs=0.15) and len(clip.frames) == pytest.approx(20, abs=1)
    seen, heard = onsets(clip)
    np.testing.assert_allclose(seen, [1, 3], atol=0.25)
    np.testing.assert_allclose(heard, seen, atol=0.2)
    assert not (clip.truncated or clip.damaged)
    path.write_bytes(part * 3)
    clip = decode(path)
    assert clip.duration == pytest.approx(6, abs=0.2) or clip.damaged  # FFmpeg reads no third of such webm


@pytest.mark.parametrize(
    "starts",
    [
        [(3600.0, 3600.0)],
        [(0.0, 0.0), (3602.0, 3602.0)],
        [(50.0, 50.0), (72.0, 72.0), (5000.0, 5000.0)],
        [(0.0, 0.0), (7200.0, 3602.0)],
    ],
    ids=["shifted", "an hour later", "twice", "each by its own"],
)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_jumps_of_the_time_stamps_are_no_time(tmp_path, suffix, starts):
    clip = decode(write_flashes(tmp_path / f"clip{suffix}", starts))
    assert not (clip.truncated or clip.damaged)
    assert clip.duration == pytest.approx(2 * len(starts), abs=0.2)
    seen, heard = onsets(clip)
    np.testing.assert_allclose(seen, 1 + 2 * np.arange(len(starts)), atol=0.25)
    np.testing.assert_allclose(heard, seen, atol=0.2)


def test_a_pause_of_the_sound_while_the_picture_goes_on_is_silence(tmp_path):
    path = tmp_path / "pause.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=5, width=64, height=48, pix_fmt="yuv420p")
        audio = container.add_stream("pcm_f32le", rate=48_000, layout="stereo")
        blocks = {round(n * 0.02, 2): block for n, block in enumerate(tone(32.0, 0.0))}
        for n in range(160):
            container.mux(video.encode(av.VideoFrame.from_ndarray(lit_quarter((64, 48), 1), "rgb24")))
            for time in (round(n / 5 + k * 0.02, 2) for k in range(10)):
                if not 1 <= time < 31:
                    container.mux(audio.encode(blocks[time]))
        container.mux([*video.encode(), *audio.encode()])
    clip = decode(path)
    assert clip.duration == pytest.approx(32, abs=0.1) and len(clip.frames) == 160
    loud = np.abs(clip.audio[: 32 * SAMPLE_RATE]).reshape(32, SAMPLE_RATE).max(1) > 0.1
    assert loud.nonzero()[0].tolist() == [0, 31]


@pytest.mark.parametrize("share", [-1.0, -0.8])
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_channels_that_cancel_are_heard(tmp_path, kind, share):
    """One wire of a microphone is often the other way round."""
    tone_440 = np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE) / 2
    path = write_wav(tmp_path / "a.wav", 32_000 * np.stack([tone_440, share * tone_440], axis=1))
    if kind == "mp3":
        path = tmp_path / "a.mp3"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="stereo")
            both = np.stack([tone_440, share * tone_440]).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(both, "fltp", "stereo")
            frame.sample_rate = SAMPLE_RATE
            container.mux([*stream.encode(frame), *stream.encode()])
    middle = decode(path).audio[SAMPLE_RATE // 2 : SAMPLE_RATE]
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


def test_channels_that_cancel_are_heard_without_clicks(tmp_path):
    """Where now the one is a little louder and now its inverse, the sign of the sound stays."""
    times = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    wave_440 = np.sin(2 * np.pi * 440 * times)
    louder = np.where(times % 2 < 1, 0.5, 0.4)
    both = np.stack([louder * wave_440, (louder - 0.9) * wave_440], axis=1)
    heard = decode(write_wav(tmp_path / "a.wav", 32_000 * both)).audio
    assert (heard * wave_440 > -0.01).all()


def test_of_channels_that_cancel_the_one_that_is_spoken_into_is_heard(tmp_path):
    """Two microphones, each with its inverse, one after the other."""
    wave_440 = np.sin(2 * np.pi * 440 * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE) / 2
    first = np.repeat([1.0, 0.0], 2 * SAMPLE_RATE)
    pairs = [first * wave_440, -first * wave_440, (1 - first) * wave_440, (first - 1) * wave_440]
    heard = decode(write_wav(tmp_path / "a.wav", 32_000 * np.stack(pairs, axis=1))).audio
    for seconds in (slice(0, SAMPLE_RATE), slice(-SAMPLE_RATE, None)):
        assert np.abs(heard[seconds]).max() == pytest.approx(0.5, abs=0.05)


def test_unlike_channels_are_mixed_as_ever(tmp_path):
    left, right = 8_000 * np.random.default_rng(0).normal(size=(2, SAMPLE_RATE)).clip(-3, 3)
    clip = decode(write_wav(tmp_path / "a.wav", np.stack([left, right], axis=1)))
    np.testing.assert_allclose(clip.audio, (left + right) / 2 / 32768, atol=1e-3)


@pytest.mark.parametrize("channels", [3, 6, 20, 40])
def test_channels_without_a_layout_are_averaged(tmp_path, channels):
    """Whatever a layout guessed from their number would leave out."""
    tones = np.stack([n * np.sin(np.arange(SAMPLE_RATE) / 5) for n in range(channels)], axis=1)
    clip = decode(write_wav(tmp_path / "a.wav", 500 * tones))
    expected = 500 * (channels - 1) / 2 * np.sin(np.arange(SAMPLE_RATE) / 5) / 32768
    np.testing.assert_allclose(clip.audio, expected, atol=1e-3)


def test_sound_that_cannot_be_converted_is_refused_in_plain_words(tmp_path):
    path = write_wav(tmp_path / "a.wav", np.ones(SAMPLE_RATE), rate=2_147_483_647)
    with pytest.raises(MediaError, match=r"\(1 channels, 2147483647 Hz\) cannot be converted") as refused:
        decode(path)
    assert refused.value.code == "sound_not_converted"


@pytest.mark.parametrize(("channels", "rate"), [(1, 16_000), (2, 44_100), (6, 48_000), (3, 8_000)])
def test_any_rate_and_channels_become_16_khz_mono(tmp_path, channels, rate):
    wave_440 = 32_000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    clip = decode(write_wav(tmp_path / "tone.wav", np.stack([wave_440] * channels, axis=1), rate))
    assert clip.frames is None
    assert len(clip.audio) == pytest.approx(SAMPLE_RATE, abs=2)
    assert 0.8 < np.abs(clip.audio).max() <= 1.0


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp3", "libmp3lame"), ("a.ogg", "libopus"), ("a.flac", "flac"), ("a.m4a", "aac")]
)
def test_audio_files(tmp_path, name, codec):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        for frame in tone(1.0, 0.0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = decode(path)
    assert clip.frames is None
    assert len(clip.audio) / SAMPLE_RATE == pytest.approx(1, abs=0.1)


def test_cover_art_is_not_a_picture(tmp_path):
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=48_000, layout="stereo")
        cover = container.add_stream("mjpeg", rate=1, width=64, height=48, pix_fmt="yuvj420p")
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(lit_quarter((64, 48), 1), "rgb24").reformat(format="yuvj420p")
        container.mux([*cover.encode(frame), *cover.encode()])
        for block in tone(0.5, 0.0):
            container.mux(stream.encode(block))
        container.mux(stream.encode())
    clip = decode(path)
    assert clip.frames is None and clip.audio is not None


def test_longer_clips_are_cut(tmp_path):
    path = write_clip(tmp_path / "long.mp4", seconds=3.0)
    clip = decode(path, max_seconds=1.0)
    assert clip.truncated and clip.duration == 1.0
    assert clip.frame_times.max() < 1.0 and len(clip.frames) == 5
    assert len(clip.audio) == SAMPLE_RATE
    whole = decode(path, max_seconds=3.0)
    assert not whole.truncated and len(whole.frames) == 15
    pause = write_clip(tmp_path / "pause.mkv", times=[0.0, 0.5, 9.0], sound_from=None)
    assert decode(pause, max_seconds=2.0).truncated


def test_damaged_packets_are_skipped_and_told(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", seconds=4.0, options={"movflags": "faststart"})
    assert not decode(path).damaged
    damaged = bytearray(path.read_bytes())
    for position in np.random.default_rng(0).integers(len(damaged) // 2, len(damaged), 200):
        damaged[position] ^= 0xFF
    path.write_bytes(damaged)
    clip = decode(path)
    assert len(clip.frames) >= 8 and clip.audio is not None
    assert clip.damaged


def test_padding_at_the_end_is_no_damage(tmp_path):
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=SAMPLE_RATE)
        tone = np.sin(np.arange(SAMPLE_RATE) / 20)[None].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux([*stream.encode(frame), *stream.encode()])
    path.write_bytes(path.read_bytes() + bytes(1000))
    assert not decode(path).damaged


def flv_tag(kind: int, content: bytes) -> bytes:
    """A tag of an FLV file at the time 0."""
    head = bytes([kind]) + len(content).to_bytes(3, "big") + bytes(7)
    return head + content + struct.pack(">I", len(head) + len(content))


@pytest.mark.parametrize("behind", [bytes(16), b"end of file.\n", flv_tag(0x29, b"")])
def test_what_follows_the_last_tag_of_an_flv_is_no_damage(tmp_path, behind):
    """Servers pad such recordings with zeros; tags with 0x20 in their kind are encrypted."""
    path = write_clip(tmp_path / "clip.flv", seconds=2.0)
    stored = path.read_bytes()
    assert not decode(path).damaged
    path.write_bytes(stored + behind)
    clip = decode(path)
    assert not clip.damaged and clip.duration == pytest.approx(2, abs=0.1)
    path.write_bytes(stored * 2)
    assert decode(path).damaged  # the second recording is not read


SOUNDS = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".ogg": "libopus", ".flac": "flac", ".aiff": "pcm_s16be"}
FILMS = {
    ".webm": {},
    "live.webm": {"live": "1"},
    ".mkv": {},
    ".avi": {},
    ".flv": {},
    ".mp4": {"movflags": "faststart"},
    "live.mp4": {"movflags": "frag_keyframe+empty_moov"},
}


@pytest.mark.parametrize("name", [*SOUNDS, *FILMS])
def test_a_recording_that_broke_off_says_so(tmp_path, name):
    path = tmp_path / f"clip{name}"
    if name in FILMS:
        write_clip(path, seconds=4.0, options=FILMS[name])
    else:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(SOUNDS[name], rate=48_000, layout="stereo")
            for frame in tone(4.0, 0.0):
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    assert not decode(path).damaged
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    clip = decode(path)
    assert clip.damaged and 0 < len(clip.audio) < 3.4 * SAMPLE_RATE
    cut = decode(path, max_seconds=1.0)
    assert cut.truncated and not cut.damaged  # the end was not asked for


def test_a_header_that_was_never_completed_promises_nothing(tmp_path):
    """What a recorder writes that cannot go back to the start of its file."""
    path = write_wav(tmp_path / "piped.wav", np.ones(SAMPLE_RATE))
    stored = path.read_bytes()
    for size in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"):
        path.write_bytes(stored[:4] + size + stored[8:40] + size + stored[44:])
        clip = decode(path)
        assert len(clip.audio) == SAMPLE_RATE and not clip.damaged


def test_a_second_recording_that_is_not_read_is_told(tmp_path):
    wav = write_wav(tmp_path / "a.wav", np.ones(SAMPLE_RATE))
    wav.write_bytes(2 * wav.read_bytes())
    film = write_clip(tmp_path / "a.mp4")
    film.write_bytes(2 * film.read_bytes())
    assert decode(wav).damaged and decode(film).damaged


def playlist(tmp_path: Path) -> bytes:
    """What FFmpeg would follow to another file of this machine."""
    secret = write_wav(tmp_path / "secret.wav", np.ones(SAMPLE_RATE))
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode()


def subtitles_only(tmp_path: Path) -> bytes:
    path = tmp_path / "subtitles.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ass")
        stream.codec_context.subtitle_header = b"[Script Info]\n"
        packet = av.Packet(b"0,0,Default,,0,0,0,,hello")
        packet.stream, packet.pts, packet.dts, packet.duration = stream, 0, 0, 1000
        container.mux(packet)
    return path.read_bytes()


def seldom_codec(tmp_path: Path) -> bytes:
    """A film as one capture card of long ago wrote it."""
    path = tmp_path / "asus.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("asv1", rate=5, width=64, height=48, pix_fmt="yuv420p")
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(lit_quarter((64, 48), 1), "rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path.read_bytes()


UNREADABLE = {
    "text": ("clip.mp4", lambda folder: b"I really liked it.\n" * 50, "not_media"),
    "empty": ("clip.mp4", lambda folder: b"", "empty"),
    "picture": ("face.png", lambda folder: b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
    "photo named mp4": ("photo.mp4", lambda folder: b"\xff\xd8\xff\xe0" + bytes(100), "picture"),
    "random bytes": ("clip.webm", lambda folder: np.random.default_rng(0).bytes(50_000), "not_media"),
    "playlist": ("clip.mp4", playlist, "not_media"),
    "subtitles only": ("clip.mkv", subtitles_only, "no_streams"),
    "codec that is not on the list": ("clip.avi", seldom_codec, "no_streams"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_clip_is_refused_in_plain_words(tmp_path, kind):
    name, content, code = UNREADABLE[kind]
    path = tmp_path / name
    path.write_bytes(content(tmp_path))
    with pytest.raises(MediaError, match="mp4, webm, mov, mkv or avi") as refused:
        decode(path)
    assert refused.value.code == code
    assert "Error" not in str(refused.value) and str(tmp_path) not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"no file absent\.mp4"):
        decode(tmp_path / "absent.mp4")


def test_too_many_frames_are_refused(tmp_path):
    with pytest.raises(MediaError, match="more than 20 frames"):
        decode(write_clip(tmp_path / "clip.mp4"), max_frames=20)


def test_decoding_is_fast_and_needs_no_torch(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", seconds=5.0, size=(640, 360), rate=30)
    decode(path)
    start = process_time()
    decode(path)
    assert process_time() - start < 1.5  # 0.15 s on an idle core; this only catches decoding gone quadratic
    script = "import sys, models.media.decode; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


@pytest.mark.shared
@pytest.mark.skipif(not CLIPS.exists(), reason="the labelled clips are not in ../shared/data")
@pytest.mark.parametrize("name", ["03bSnISJMiM_1", "03bSnISJMiM_10", "03bSnISJMiM_11"])
def test_real_clips(name):
    clip = decode(CLIPS / f"{name}.mp4")
    assert clip.frames.shape[1:] == (270, 480, 3)
    assert len(clip.frames) == pytest.approx(clip.duration * 5, abs=1)
    assert len(clip.audio) == pytest.approx(clip.duration * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    assert clip.frames.std() > 10 and np.abs(clip.audio).max() > 0.01


def beside_and_alone(path: Path) -> tuple[Clip, Clip, Clip]:
    """The clip whole, its sound alone, its picture alone."""
    return decode(path), decode(path, picture=False), decode(path, sound=False)


def assert_alike(whole: Clip, heard: Clip, seen: Clip) -> None:
    assert heard.frames is None and seen.audio is None
    np.testing.assert_array_equal(heard.audio, whole.audio)
    np.testing.assert_array_equal(seen.frames, whole.frames)
    np.testing.assert_allclose(seen.frame_times, whole.frame_times, atol=1e-6)
    for clip in (heard, seen):
        assert clip.duration == pytest.approx(whole.duration, abs=0.1)
        assert (clip.truncated, clip.damaged) == (whole.truncated, whole.damaged)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("late", ["picture", "sound"])
def test_a_stream_alone_is_what_it_is_beside_the_other(tmp_path, late, suffix):
    sound_from, times = (0.7, None) if late == "sound" else (0.0, [0.6 + n / 25 for n in range(25)])
    path = write_clip(tmp_path / f"late{suffix}", seconds=2.0, sound_from=sound_from, times=times)
    assert_alike(*beside_and_alone(path))


def test_a_pause_of_the_picture_is_one_without_the_sound_too(tmp_path):
    times = [*(n / 5 for n in range(10)), *(30 + n / 5 for n in range(10))]
    path = write_clip(tmp_path / "pause.mkv", seconds=32.0, times=times)
    whole, heard, seen = beside_and_alone(path)
    assert seen.frame_times[-1] > 30
    assert_alike(whole, heard, seen)


def test_an_example_gives_each_stream_alone_as_beside_the_other(example_clip):
    assert_alike(*beside_and_alone(example_clip))


def test_the_number_of_threads_changes_nothing(example_clip):
    by_one, by_two = (decode(example_clip, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(by_one.frames, by_two.frames)
    np.testing.assert_array_equal(by_one.audio, by_two.audio)
