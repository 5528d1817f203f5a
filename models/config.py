"""Settings of the methods: frozen dataclasses that checkpoints keep as JSON, and that are read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Config:
    """Settings of a method or of one of its parts; `asdict` of it is what its JSON holds.

    A field is an int, a float, one of some strings (Literal), a tuple of these, another Config, or one of
    several Configs whose fields have different names.
    """

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            known, value = get_args(kind), getattr(self, name)
            if get_origin(kind) is Literal and value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")

    @classmethod
    def from_json(cls, values: Any, key: str = "config") -> Self:
        """The settings that parsed JSON holds; ValueError names a key that is unknown, missing or ill-typed.

        key : where `values` stand in the file
        """
        kinds = get_type_hints(cls)
        if not isinstance(values, dict):
            raise ValueError(f"{key} must have the keys {', '.join(kinds)}; got {values!r}")
        if wrong := sorted(kinds.keys() ^ values.keys()):
            raise ValueError(f"{key} lacks or does not know {', '.join(wrong)}")
        return cls(**{name: _typed(kind, values[name], f"{key}.{name}") for name, kind in kinds.items()})


@dataclass(frozen=True)
class ModalityWidths(Config):
    """A width, or a number of units, for each modality."""

    text: int
    audio: int
    vision: int

    def __getitem__(self, modality: str) -> int:
        """That of a modality."""
        return getattr(self, modality)


@dataclass(frozen=True)
class ModalityFactors(Config):
    """A factor of the loss of each modality, at least 0."""

    text: float = 0.5
    audio: float = 0.5
    vision: float = 0.5

    def __getitem__(self, modality: str) -> float:
        """That of a modality."""
        return getattr(self, modality)


def _typed(kind: Any, value: Any, key: str) -> Any:
    """The value that JSON gives as one of `kind`, the type of a Config's field."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        keys = value.keys() if isinstance(value, dict) else ()
        kind = next((one for one in inner if get_type_hints(one).keys() == keys), inner[0])
    if isinstance(kind, type) and issubclass(kind, Config):
        return kind.from_json(value, key)
    if origin is tuple and isinstance(value, list):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            parts = zip(kinds, value, strict=True)
            return tuple(_typed(one, part, f"{key}[{i}]") for i, (one, part) in enumerate(parts))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is (str if origin is Literal else kind):
        return value
    raise ValueError(f"{key} must be {kind.__name__ if isinstance(kind, type) else kind}; got {value!r}")
