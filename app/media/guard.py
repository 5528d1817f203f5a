"""Decoding in a child process, so that no file can crash, fill or hang the service."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.media.fork_server import AVAILABLE, ROOT, ForkServer
from app.temporary import temporary_folder
from models.media.clip import FRAME_RATE, MAX_SECONDS, SAMPLE_RATE, Clip, MediaError
from models.media.decode import MAX_FRAMES
from models.media.picture import LONGER_SIDE

MB = 1_000_000  # bytes

LINK_ATTEMPTS = 10

# What the child needs to start. The rest stays here: a file must not get at tokens or keys.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG")

log = logging.getLogger(__name__)

fork_server = ForkServer()


@dataclass(frozen=True)
class DecodeLimits:
    """What decoding one clip may cost; `app.settings` sets the first four by the same names."""

    max_mb: float = 200  # MB, file size, checked before anything is opened
    max_seconds: float = MAX_SECONDS  # s of the clip; what is longer is cut, not refused
    decode_seconds: float = 60.0  # s on the clock
    decode_memory_mb: float = 4096  # MB of address space, where the system can limit it
    max_frames: int = MAX_FRAMES  # frames decoded, kept or not

    @property
    def cpu_seconds(self) -> int:
        """Processor seconds: two decoding threads for as long as the clock allows."""
        return max(1, round(2 * self.decode_seconds))


def decode_guarded(
    path: Path | str,
    limits: DecodeLimits = DecodeLimits(),
    *,
    start: float = 0.0,
    unneeded: Iterable[str] = (),
    target: str = "models.media.decode:decode",
) -> Clip:
    """Decode a file in a child process of its own; whatever the file does there, this process goes on.

    start : seconds of the file that are left out
    unneeded : "picture" or "sound", for a stream that is not decoded
    target : "module:function" that the child calls with (path, max_seconds, max_frames) and by name, where
        they are given, `start` and False for what is unneeded
    Raises MediaError, in plain words, for every failure: too large, too slow, too much memory, not media.
    """
    path = Path(path).resolve()
    check_size(path, limits)
    options: dict = dict.fromkeys(unneeded, False)
    if start:
        options["start"] = start
    with temporary_folder("fusebox-") as folder:
        left = folder / "left"
        left.mkdir()
        returncode, in_time = _run_child(_held(path, folder), left, limits, target, options)
        if not in_time or returncode == -getattr(signal, "SIGXCPU", 0):
            raise _too_slow(limits)
        return _read(left, returncode, limits)


def check_size(path: Path, limits: DecodeLimits) -> None:
    """MediaError for a file larger than `limits.max_mb`, before anything reads it."""
    size = path.stat().st_size / MB if path.is_file() else 0  # the child explains what else may be wrong
    if size > limits.max_mb:
        raise too_large(size, limits.max_mb)


def too_large(size: float, most: float) -> MediaError:
    """Why a file of `size` MB is not opened, where it may have `most`."""
    return MediaError(
        "too_large",
        f"The file has {size:.1f} MB; at most {most:g} MB can be analysed. Cut it or export it smaller.",
        size=round(size, 1),
        limit=most,
    )


def _held(path: Path, folder: Path) -> Path:
    """A second name of the file, in `folder`, for a child that may read no other.

    An upload of the same content is moved to the same path, and would be another file. Where the system gives
    no second name, as across disks, the file is read by its own.
    """
    name = folder / path.name
    for _ in range(LINK_ATTEMPTS):
        try:
            name.hardlink_to(path)
            return name
        except FileNotFoundError:  # moved there just now
            continue
        except OSError:
            break
    return path


def _run_child(
    path: Path, folder: Path, limits: DecodeLimits, target: str, options: dict
) -> tuple[int, bool]:
    """(return code, whether it ended in time). What the child prints goes nowhere."""
    job = {
        "path": str(path),
        "folder": str(folder),
        "target": target,
        "options": options,
        "max_seconds": limits.max_seconds,
        "max_frames": limits.max_frames,
        "memory": round(limits.decode_memory_mb * MB),
        "cpu_seconds": limits.cpu_seconds,
        "file_size": _largest_result(limits),
    }
    if AVAILABLE:
        return fork_server.run(job, limits.decode_seconds, _environment())
    return _start_child(job, limits.decode_seconds)


def prepare_decoding() -> None:
    """Start what the first file would otherwise wait for."""
    if AVAILABLE:
        fork_server.start(_environment())


def _start_child(job: dict, seconds: float) -> tuple[int, bool]:
    """The same as `ForkServer.run` by a Python of its own, for systems that cannot fork."""
    child = subprocess.Popen(
        [sys.executable, "-m", "app.media.child", json.dumps(job)],
        cwd=job["folder"],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    # A timer and a plain wait: Popen.wait(timeout) polls, and would add up to 50 ms to every clip.
    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        return child.wait(), not late.is_set()
    finally:
        timer.cancel()
        child.kill()
        child.wait()


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    # OpenBLAS would start a thread, with its stack, for every core.
    return {**inherited, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _largest_result(limits: DecodeLimits) -> int:
    """Bytes of the largest file that an honest child writes."""
    frames = (limits.max_seconds * FRAME_RATE + 2) * LONGER_SIDE**2 * 3
    samples = (limits.max_seconds + 1) * SAMPLE_RATE * 4
    return round(max(frames, samples)) + MB


def _read(folder: Path, returncode: int, limits: DecodeLimits) -> Clip:
    """The child's clip, checked against what a Clip may be; MediaError for its failure."""
    failure: MediaError
    try:
        result = json.loads((folder / "result.json").read_bytes())
        kind = result.get("failure")
        if kind is None and returncode == 0:
            return _load_clip(folder, result, limits)
        if kind == "media":
            failure = MediaError(result["code"], result["text"], **result["values"])
        elif kind == "memory":
            failure = _too_much_memory(limits)
        else:
            log.error("decoding failed in the child:\n%s", result.get("traceback"))
            failure = _crashed(returncode)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        log.warning("the decoding child left no usable result (return code %d): %s", returncode, error)
        # The kernel ends a process by SIGKILL when the machine itself has no memory left.
        killed = returncode == -getattr(signal, "SIGKILL", 0)
        failure = _too_much_memory(limits) if killed else _crashed(returncode)
    if failure.code == "decoder_crashed" and not _has_room(folder):
        raise no_space() from failure
    raise failure


def _has_room(folder: Path) -> bool:
    """False where the disk is full, or somebody deleted the folder: that is no fault of the file's."""
    return folder.is_dir() and shutil.disk_usage(folder).free >= MB


def _load_clip(folder: Path, result: dict, limits: DecodeLimits) -> Clip:
    arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in result["arrays"]}
    frames, times, audio = (arrays.get(name) for name in ("frames", "frame_times", "audio"))
    duration = float(result["duration"])
    sound = audio is None or (
        audio.dtype == np.float32 and audio.ndim == 1 and bool(np.isfinite(audio).all())
    )
    picture = (frames is None and times is None) or (
        frames is not None
        and times is not None
        and frames.dtype == np.uint8
        and frames.ndim == 4
        and frames.shape[3] == 3
        and max(frames.shape[1:3]) <= LONGER_SIDE
        and times.shape == frames.shape[:1]
    )
    if not (sound and picture and 0 <= duration <= limits.max_seconds):
        raise ValueError("its arrays are not those of a clip")
    whole = None if result["whole"] is None else float(result["whole"])
    return Clip(frames, times, audio, duration, bool(result["truncated"]), bool(result["damaged"]), whole)


def no_space() -> MediaError:
    """Nothing can be written beside the uploads."""
    text = "This server has no room left for temporary files; try again in a minute."
    return MediaError("no_space", text)


def _too_slow(limits: DecodeLimits) -> MediaError:
    return MediaError(
        "too_slow",
        f"The file could not be decoded within {limits.decode_seconds:g} seconds. "
        "Try a shorter clip, or export it smaller, for example as 720p mp4.",
        limit=limits.decode_seconds,
    )


def _too_much_memory(limits: DecodeLimits) -> MediaError:
    return MediaError(
        "too_much_memory",
        f"Decoding the file takes more than the {limits.decode_memory_mb:g} MB of memory it may use. "
        "Export it with a smaller picture, for example as 720p mp4.",
        limit=limits.decode_memory_mb,
    )


def _crashed(returncode: int) -> MediaError:
    log.warning("the decoding child ended with return code %d", returncode)
    return MediaError(
        "decoder_crashed",
        "The file made the decoder fail: it is damaged, or no ordinary clip. "
        "Exporting it again as mp4 may help.",
    )
