"""Values of Python as JSON. What JSON cannot say is refused by its place."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Mapping
from typing import Any

from libllm._arguments import described


def as_json(value: Any, what: str) -> str | bytes:
    """JSON of a value: objects are mappings, dataclasses or pydantic models. A text is JSON already."""
    if isinstance(value, (str, bytes, bytearray)):
        return value if isinstance(value, str) else bytes(value)
    return json.dumps(plain(value, what), ensure_ascii=False, allow_nan=False)


def plain(value: Any, what: str) -> Any:
    """The same value made of dict, list, str, int, float, bool and None alone."""
    try:
        return _plain(value, what)
    except RecursionError:
        raise ValueError(f"{what} is nested too deep, or contains itself") from None


def as_mapping(value: Any) -> Mapping[Any, Any] | None:
    """The members of what is an object; None: it is none."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump") and not isinstance(value, type):  # pydantic
        members: Mapping[Any, Any] = value.model_dump(exclude_none=True)
        return members
    return None


def _plain(value: Any, what: str) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, what)
    if isinstance(value, str):
        return _text(str(value), what)
    if hasattr(value, "__index__"):
        return int(value)
    if isinstance(value, float) or hasattr(value, "dtype") and hasattr(value, "__float__"):
        return _number(float(value), what)
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{what}[{i}]") for i, item in enumerate(value)]
    members = as_mapping(value)
    if members is None:
        raise TypeError(
            f"{what} is {described(value)}, expected what JSON can say: text, numbers, True, False, None, lists, and "
            "objects (dict, dataclass or pydantic model)"
        )
    return {_key(key, what): _plain(item, f"{what}.{key}") for key, item in members.items()}


def _key(key: Any, what: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if not isinstance(key, (str, int, float)):
        raise TypeError(f"{what} has the key {described(key)}, expected str")
    return _text(key, f"a key of {what}") if isinstance(key, str) else json.dumps(key)


def _number(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{what} is {value}, expected a finite number: JSON has no other")
    return value


def _text(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        error.reason = f"{what} has a lone surrogate there, which is half of a character"
        raise
    return text
