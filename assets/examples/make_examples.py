"""Makes the example clips: drawn people, synthetic voices, and one photo in the public domain.

    pip install -r requirements.txt scikit-image     # scikit-image carries the photo
    apt-get install flite                            # the voices
    python -m assets.examples.make_examples [NAME ...]

Writes the clips, a poster for each, and index.json beside this file; without names, all of them. The same
versions of flite and PyAV write the same bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from assets.examples.performance import FRAME_RATE, perform
from assets.examples.script import SCRIPT, Example, Voice
from models.drawing.portrait import render

HERE = Path(__file__).parent
WIDTH, HEIGHT = 640, 360
LEAD, TAIL = 0.35, 0.55  # seconds of silence before and after the words
SILENT_SECONDS = 4.0
VOICE_COLOUR = (230, 126, 34)  # orange stands for the voice on the page


def speak(text: str, voice: Voice) -> tuple[np.ndarray, int]:
    """`text` in flite's `voice`, with silence around it: (n,) float32 in [-1, 1] and its rate in Hz."""
    settings = {
        "duration_stretch": voice.stretch,
        "int_f0_target_mean": voice.pitch,
        "int_f0_target_stddev": voice.pitch_range,
    }
    options = [part for name, value in settings.items() for part in ("--setf", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice.name, *options, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path)) as file:  # 16 bits, mono
            rate, samples = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    speech = samples.astype(np.float32) / 32768
    speech *= 10 ** (voice.level / 20) / np.abs(speech).max()
    return np.pad(speech, (int(LEAD * rate), int(TAIL * rate))), rate


def zoom_on_astronaut(seconds: float) -> Iterator[np.ndarray]:
    """Frames (360, 640, 3) of a slow zoom on the face of NASA's portrait of Eileen Collins."""
    from skimage import data

    photo = data.astronaut()
    face_x, face_y = 222, 128  # pixels of the 512 x 512 photo
    count = round(seconds * FRAME_RATE)
    for index in range(count):
        width = 400 - 90 * index / count
        height = width * HEIGHT / WIDTH
        scale = WIDTH / width
        left = min(max(face_x - width / 2, 0), 512 - width)
        top = min(max(face_y - height / 2, 0), 512 - height)
        matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
        yield cv2.warpAffine(photo, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)


def waveform_picture(speech: np.ndarray) -> np.ndarray:
    """A poster (360, 640, 3) for a clip that is only a voice: its loudness as bars."""
    picture = np.full((HEIGHT, WIDTH, 3), (250, 246, 240), np.uint8)
    bars = np.array([np.sqrt(np.mean(part**2)) for part in np.array_split(speech, 56)])
    for index, level in enumerate(bars / bars.max()):
        x, half = 44 + 10 * index, int(4 + 110 * level)
        cv2.line(picture, (x, HEIGHT // 2 - half), (x, HEIGHT // 2 + half), VOICE_COLOUR, 5, cv2.LINE_AA)
    return picture


def write_clip(path: Path, frames: list[np.ndarray], speech: np.ndarray | None, rate: int) -> None:
    """H.264 and AAC in mp4, or MP3 where there are no frames."""
    options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if frames else {})
    with av.open(str(path), "w", options=options) as file:
        video = audio = None
        if frames:
            coding = {"crf": "24", "preset": "slow", "threads": "1"}  # threads change the bytes
            video = file.add_stream("libx264", rate=FRAME_RATE, options=coding)
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        if speech is not None:
            audio = file.add_stream("aac" if frames else "libmp3lame", rate=rate)
            audio.layout, audio.bit_rate = "mono", 56_000
            file.mux(_encoded_speech(audio, speech, rate))
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            file.mux(video.encode(frame))
        for stream in filter(None, (video, audio)):
            file.mux(stream.encode())


def _encoded_speech(stream: av.AudioStream, speech: np.ndarray, rate: int) -> Iterator[av.Packet]:
    for start in range(0, len(speech), 1024):
        block = (speech[start : start + 1024] * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield from stream.encode(frame)


def make(example: Example) -> None:
    """Writes the clip of `example` and its poster."""
    speech, rate = speak(example.spoken, example.voice) if example.voice else (None, 16_000)
    seconds = SILENT_SECONDS if speech is None else len(speech) / rate
    frames: list[np.ndarray] = []
    if example.person:
        poses = perform(example.expression, seconds, speech, rate, seed=example.person.seed)
        frames = [render(example.person, expression, pose, WIDTH, HEIGHT) for expression, pose in poses]
    elif example.photo:
        frames = list(zoom_on_astronaut(seconds))
    write_clip(HERE / example.file, frames, speech, rate)
    picture = frames[int(0.55 * len(frames))] if frames else waveform_picture(speech)
    poster = cv2.resize(picture, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    cv2.imwrite(
        str(HERE / example.poster), cv2.cvtColor(poster, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 86]
    )


def main(names: list[str]) -> None:
    """Makes the examples called `names`, or all, and the index of all."""
    unknown = set(names) - {example.name for example in SCRIPT}
    if unknown:
        sys.exit(f"no such example: {', '.join(sorted(unknown))}; known: {', '.join(e.name for e in SCRIPT)}")
    for example in SCRIPT:
        if not names or example.name in names:
            make(example)
            print(example.file, (HERE / example.file).stat().st_size // 1024, "KiB")
    index = [example.entry() for example in SCRIPT]
    (HERE / "index.json").write_text(json.dumps(index, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
