"""Pickles of numpy arrays, read without running what else may be in them.

A pickle may call what it names, and set the state of what it made. numpy trusts such a state: an object dtype
whose flags deny that it holds objects turns an array's bytes into pointers. So a pickle gets no dtype of
numpy's here, only a note of what it asks for, and numpy builds the dtype from that.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from models.features.feature_set import DataError

DTYPE = re.compile(r"[biufcmMSUO][0-9]{0,9}")  # kind, and bytes (characters of U), as numpy writes it
DAMAGE = EOFError, BufferError, LookupError, AttributeError, TypeError, ValueError, OverflowError
numpy_scalar: Any = np.float32(1).__reduce__()[0]  # numpy 1 and 2 have it in different modules


def _text(value: str | bytes) -> str:
    """A string as Python 3 has it; Python 2's are bytes."""
    return value.decode("ascii") if isinstance(value, bytes) else value


class Dtype:
    """What a pickle says of a dtype; `built` is numpy's own, of that kind, size and byte order."""

    __slots__ = ("built",)

    def __init__(self, code: str | bytes, *_: Any) -> None:
        code = _text(code)
        if not DTYPE.fullmatch(code):
            raise pickle.UnpicklingError(f"it has values of numpy's kind {code!r}, not numbers or text")
        self.built = np.dtype(object if code[0] == "O" else code)

    def __setstate__(self, state: tuple) -> None:
        """(version, byte order, ...), and the unit of a time; flags and sizes are not believed."""
        order = _text(state[1])
        if self.built.kind in "mM":
            unit, count = state[8][1][:2]
            if _text(unit) != "generic":
                self.built = np.dtype(f"{self.built.kind}8[{int(count)}{_text(unit)}]")
        if order in ("<", ">"):
            self.built = self.built.newbyteorder(order)


def _built(dtype: Any) -> np.dtype:
    if type(dtype) is not Dtype:
        raise pickle.UnpicklingError(f"it has an array whose dtype is {type(dtype).__name__}")
    return dtype.built


class Array(np.ndarray):
    """An array from a pickle; its values stay where they were read to."""

    __slots__ = ()

    def __setstate__(self, state: tuple) -> None:
        """(version, shape, dtype, Fortran order, values): bytes, or a list where they are objects."""
        version, shape, dtype, fortran, values = state
        dtype = _built(dtype)
        if type(values) is not (list if dtype.hasobject else bytes):
            raise pickle.UnpicklingError(f"it has {type(values).__name__} as the values of an {dtype} array")
        size = 1 if dtype.hasobject else dtype.itemsize
        if any(type(n) is not int or n < 0 for n in shape) or math.prod(shape) * size != len(values):
            raise pickle.UnpicklingError(f"it has {len(values)} bytes or objects for {dtype} {shape}")
        if self.size:
            raise pickle.UnpicklingError("it fills an array twice")
        state = version, shape, dtype, bool(fortran), values
        super().__setstate__(state)  # pyright: ignore[reportArgumentType] (its stub wants a bool of numpy)


def _reconstruct(*_: Any) -> Array:
    """An empty array, whose state comes next."""
    return Array(0, np.int8)


def _scalar(dtype: Dtype, value: bytes) -> np.generic:
    if _built(dtype).hasobject or type(value) is not bytes:
        raise pickle.UnpicklingError(f"it has a number or text of {_built(dtype)} in {type(value).__name__}")
    return numpy_scalar(dtype.built, value)


def _frombuffer(
    buffer: bytes | bytearray, dtype: Dtype, shape: tuple, order: Any, axes: tuple | None = None
) -> np.ndarray:
    """An array of protocol 5, which lies in the buffer; numpy refuses objects there."""
    if type(buffer) not in (bytes, bytearray):
        raise pickle.UnpicklingError(f"it has an array whose values are {type(buffer).__name__}")
    array = np.frombuffer(buffer, _built(dtype))
    if axes is None or order != "K":
        return array.reshape(shape, order=order)
    return array.reshape(shape).transpose(axes)


def _latin1(text: str, encoding: str) -> bytes:
    """What protocol 2 calls to rebuild bytes; the one encoding it uses."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """What protocol 2 calls for bytes of which there are none, as in an empty array."""
    return b""


def _ndarray(*_: Any) -> None:
    """The class that `_reconstruct` is given; no pickle of numpy's calls it."""
    raise pickle.UnpicklingError("it makes an array without values")


class Global:
    """A function that a pickle may call and not change."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes a function")


def _array_globals() -> dict[tuple[str, str], Global]:
    """All that a pickle of plain containers and numpy arrays refers to, under numpy 1's and 2's names."""
    allowed = {
        ("numpy", "ndarray"): Global(_ndarray),
        ("numpy", "dtype"): Global(Dtype),
        ("_codecs", "encode"): Global(_latin1),
        ("__builtin__", "bytes"): Global(_no_bytes),
    }
    for package in ("numpy.core", "numpy._core"):
        allowed[f"{package}.multiarray", "_reconstruct"] = Global(_reconstruct)
        allowed[f"{package}.multiarray", "scalar"] = Global(_scalar)
        allowed[f"{package}.numeric", "_frombuffer"] = Global(_frombuffer)
    return allowed


# objects of classes, sets, and what refers to something outside the file
UNNEEDED = {
    *(pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4),
    *(pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.PERSID, pickle.BINPERSID),
    *(pickle.NEXT_BUFFER, pickle.READONLY_BUFFER),
}


def _checks_keys(load: Callable[[Any], None], keys: slice) -> Callable[[Any], None]:
    """What fills a dict from the stack, whose `keys` must be plain: a tuple's hash may take for ever."""

    def checked(unpickler: Any) -> None:
        for key in unpickler.stack[keys]:
            if type(key) not in (str, bytes, int):
                raise pickle.UnpicklingError(f"it has a {type(key).__name__} as the key of a dict")
        load(unpickler)

    return checked


def _loaders() -> dict[int, Callable[[Any], None]]:
    """{opcode: what carries it out}, of those that features need."""
    known = pickle._Unpickler.dispatch  # pyright: ignore[reportAttributeAccessIssue] (not in its stub)
    needed = {code: load for code, load in known.items() if bytes([code]) not in UNNEEDED}
    needed[pickle.SETITEM[0]] = _checks_keys(known[pickle.SETITEM[0]], slice(-2, -1))
    for code in (pickle.SETITEMS[0], pickle.DICT[0]):
        needed[code] = _checks_keys(known[code], slice(0, None, 2))
    return needed


class NumpyUnpickler(pickle._Unpickler):  # pyright: ignore[reportAttributeAccessIssue]
    """Reads containers, numbers, strings and numpy arrays; any other global is refused by name.

    Python's own, since that in C makes a list as long as any number in the file says before it looks further.
    """

    allowed = _array_globals()
    dispatch = _loaders()

    def find_class(self, module: str, name: str) -> Any:
        """What stands for the function or class a pickle asks for; UnpicklingError where nothing does."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it refers to {module}.{name}, which only a pickle with code in it needs; features are "
                "numpy arrays, strings and numbers in dicts and lists"
            ) from None


def load_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays; DataError for any other, naming what it refers to.

    The strings of Python 2 are bytes, and a dtype that stands on its own is a `Dtype`. Memory: what the
    content takes, since arrays are read into their place.
    """
    try:
        with Path(path).open("rb") as file:
            # bytes: the strings of Python 2 may be text in any encoding, or the values of an array
            return NumpyUnpickler(file, encoding="bytes").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path} is not read: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except DAMAGE as error:
        raise DataError(f"{path} is damaged or no pickle: {error}") from error
    except MemoryError as error:
        raise DataError(f"{path} is damaged or larger than this machine's memory") from error
