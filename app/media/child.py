"""What the decoding child process does: confines itself, decodes one file, leaves the clip in a folder.

It imports numpy and PyAV and nothing larger, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
from av.subtitles import codeccontext, stream  # noqa: F401  (PyAV imports them with the first file: too late)

from app.fault import way_to
from app.media.confinement import leave_files, leave_network
from models.media import decode as _decode  # noqa: F401  (imported before the fork server forks)
from models.media.clip import Clip, MediaError


def do(job: dict) -> None:
    """Bound this process, and leave what `run` gives in the job's folder as `result.json`."""
    module, function = job["target"].split(":")
    target = getattr(import_module(module), function)  # while this process may still read modules
    limit_resources(job["memory"], job["cpu_seconds"], job["file_size"])
    os.chdir(job["folder"])
    leave_files(Path(job["path"]), Path(job["folder"]))
    Path("result.json").write_text(json.dumps(run(job, target)))


def run(job: dict, decode: Callable[..., Clip]) -> dict:
    """Decode `job["path"]` into `job["folder"]`; the JSON-able result that `guard` reads."""
    try:
        clip = decode(Path(job["path"]), job["max_seconds"], job["max_frames"], **job["options"])
        return _save(clip, Path(job["folder"]))
    except MediaError as error:
        return {"failure": "media", "code": error.code, "text": str(error), "values": error.values}
    except MemoryError:
        return {"failure": "memory"}
    except Exception as error:
        return {"failure": "error", "traceback": way_to(error)}


def limit_resources(memory: int, cpu_seconds: int, file_size: int) -> None:
    """Bound this process: bytes of address space, processor seconds, bytes of a written file.

    Where the system knows no such limit (Windows; address space on macOS), the clock in `guard` remains.
    """
    try:
        import resource
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_CORE: 0,
    }
    for kind, soft in wanted.items():
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError) as error:
            print(f"this system does not limit resource {kind}: {error}", file=sys.stderr)


def _save(clip: Clip, folder: Path) -> dict:
    arrays = {"frames": clip.frames, "frame_times": clip.frame_times, "audio": clip.audio}
    present = {name: array for name, array in arrays.items() if array is not None}
    for name, array in present.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    kept = {name: getattr(clip, name) for name in ("duration", "truncated", "damaged", "whole")}
    return {"arrays": list(present), **kept}


if __name__ == "__main__":
    leave_network()
    do(json.loads(sys.argv[1]))
