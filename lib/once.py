"""Once for all: what is dear is computed by the first who asks, and kept for all who ask the same.

    @once
    def family_table() -> pd.DataFrame: ...

Whoever asks meanwhile waits for the one who computes, and gets the same. All that is kept lies in one place and has a bound
in bytes; what nobody has asked for longest goes first. Results are shared, so nobody may change one.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from hashlib import blake2b
from operator import attrgetter
from sys import getsizeof
from threading import Condition
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache, cached

from lib.architecture import Impossible

Result = TypeVar("Result")

MOST_BYTES = 50_000_000
"""Of everything that is kept, about."""

PICKLED, OPERATION = 6, 1100
"""A result takes about so many times the bytes of its pickled form, or so many bytes for each operation of a network."""


@dataclass(frozen=True)
class _Kept:
    """A result, or why there is none, and about how many bytes it takes."""

    result: Any
    bytes: int


_kept: LRUCache = LRUCache(MOST_BYTES, getsizeof=attrgetter("bytes"))
_changed = Condition()


def once(function: Callable[..., Result]) -> Callable[..., Result]:
    """Let a function compute once for each set of arguments.

    Arguments count by what they hold; those of classes without equality (`eq=False`) by which one they are. `Impossible` is
    kept as well; another one is raised each time, as a raised error holds on to whoever was running. With
    `keep(result, *arguments)` such a function keeps a result that came another way.
    """
    @cached(_kept, key=partial(_key, function), condition=_changed)
    def outcome(*arguments: Any, **named: Any) -> _Kept:
        try:
            result = function(*arguments, **named)
        except Impossible as error:
            return _Kept(Impossible(str(error), error.fixes), 1000)
        return _Kept(result, _in_memory(result))

    @wraps(function)
    def kept(*arguments: Any, **named: Any) -> Result:
        found = outcome(*arguments, **named).result
        if isinstance(found, Impossible):
            raise Impossible(str(found), found.fixes)
        return found

    def keep(result: Result, *arguments: Any, **named: Any) -> None:
        with _changed, suppress(ValueError):  # a result larger than all that may be kept
            _kept[_key(function, *arguments, **named)] = _Kept(result, _in_memory(result))
    kept.keep = keep
    return kept


def _in_memory(result: Any) -> int:
    """About how many bytes a result takes."""
    if isinstance(result, (str, bytes)):
        return getsizeof(result)
    if hasattr(result, "tobytes"):  # an array, a picture
        return len(result.tobytes())
    if hasattr(result, "ops"):
        return OPERATION * len(result.ops)
    try:
        return PICKLED * len(pickle.dumps(result))
    except (pickle.PicklingError, AttributeError, TypeError):  # it holds a function, or a lock
        return getsizeof(result)


def forget() -> None:
    """Let go of everything that is kept."""
    with _changed:
        _kept.clear()


def _key(function: Callable, *arguments: Any, **named: Any) -> Hashable:
    return function, _frozen(arguments), _frozen(named)


def _frozen(value: Any) -> Hashable:
    """A stand-in for a value that is equal where the value is, and can be a key."""
    if isinstance(value, (list, tuple)):
        return type(value), *map(_frozen, value)
    if isinstance(value, Mapping):
        return type(value), *((name, _frozen(each)) for name, each in value.items())
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, _digest(value.tobytes())
    if isinstance(value, bytes):
        return bytes, _digest(value)
    try:
        hash(value)
    except TypeError:
        return type(value), _digest(pickle.dumps(value))
    return type(value), value  # 1, 1.0 and True are equal, and not the same to whoever shows them


def _digest(content: bytes) -> bytes:
    """A key is small, also where a person brings a file of megabytes."""
    return blake2b(content, digest_size=16).digest()
