"""Pickles of numpy arrays, read without running what else may be in them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from models.training.datasets import DataError


def _latin1(text: str, encoding: str) -> bytes:
    """What protocol 2 calls to rebuild bytes; the one encoding it uses."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _array_globals() -> dict[tuple[str, str], Any]:
    """All that a pickle of plain containers and numpy arrays refers to, under numpy 1's and 2's names."""
    reduced = {np.zeros(1).__reduce__()[0], np.float32(1).__reduce__()[0], np.zeros(1).__reduce_ex__(5)[0]}
    allowed: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _latin1,
    }
    for function in reduced:  # _reconstruct, scalar and _frombuffer
        for package in ("numpy.core", "numpy._core"):
            module = function.__module__.replace("numpy._core", package)
            allowed[module, function.__name__] = function
    return allowed


class NumpyUnpickler(pickle.Unpickler):
    """Reads containers, numbers, strings and numpy arrays; any other global is refused by name."""

    allowed = _array_globals()

    def find_class(self, module: str, name: str) -> Any:
        """The function or class a pickle asks for; UnpicklingError for all but numpy's own."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it refers to {module}.{name}, which only a pickle with code in it needs; features are "
                "numpy arrays, strings and numbers in dicts and lists"
            ) from None


def load_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays; DataError for any other, naming what it refers to.

    The strings of Python 2 are bytes. Memory: what the content takes, since arrays are read into their place.
    """
    try:
        with Path(path).open("rb") as file:
            # bytes: the strings of Python 2 may be text in any encoding, or the values of an array
            return NumpyUnpickler(file, encoding="bytes").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path} is not read: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except (EOFError, IndexError, KeyError, AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path} is damaged or no pickle: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path} is damaged or larger than this machine's memory") from error
