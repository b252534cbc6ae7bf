"""Facts to JSON and back: frozen dataclasses with tuples, mappings and Optional fields.

JSON knows no infinity and no NaN, so such floats travel as the words "inf", "-inf" and "nan".
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any


def to_json(value: Any) -> Any:
    """Plain JSON data for a fact. Anything unknown becomes its ``str``."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def from_json(kind: Any, data: Any) -> Any:
    """The fact of type ``kind`` that ``to_json`` wrote as ``data``; unknown fields are passed over.

    Raises TypeError or ValueError where the data does not fit (needs Python 3.10 for ``X | None`` annotations).
    """
    if data is None or kind is Any:
        return data
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, getattr(types, "UnionType", typing.Union)):
        return from_json(next(a for a in arguments if a is not type(None)), data)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(from_json(arguments[0], item) for item in data)
        return tuple(from_json(k, item) for k, item in zip(arguments, data))
    if origin is not None and issubclass(origin, Mapping):
        return {key: from_json(arguments[1], item) for key, item in data.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{key: from_json(hints[key], item) for key, item in data.items() if key in hints})
    if kind is float:
        return float(data)
    return data
