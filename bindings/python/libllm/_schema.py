"""What json_schema= takes, as the text of a JSON Schema: text, a dict, a pydantic model, or a type of Python."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import importlib
import json
import types
import typing
import uuid
from collections.abc import Mapping
from typing import Any

from libllm._arguments import described

_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    decimal.Decimal: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    dict: {"type": "object"},
}
_EXPECTED = "a dict, JSON text, a pydantic model class, a dataclass, a TypedDict, or a type such as list[Person]"


def schema_text(value: Any) -> str | bytes:
    """A JSON Schema's text is taken as it is."""
    if isinstance(value, (str, bytes, bytearray)):
        return value if isinstance(value, str) else bytes(value)
    if not isinstance(value, (Mapping, bool)):
        value = _of_type(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"json_schema is not JSON: {error}") from None


def _plain(value: Any) -> Any:
    """Members of a schema that json does not know."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        raise TypeError(f"a {type(value).__name__}, expected a list")
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{described(value)} is among its members")


def _of_type(value: Any) -> dict[str, Any]:
    if hasattr(value, "model_json_schema"):
        make: Any = value.model_json_schema
        if not isinstance(value, type):
            raise TypeError(f"json_schema is an instance of {type(value).__name__}, expected the class itself")
        return _of_pydantic(make)
    if hasattr(value, "json_schema") and hasattr(value, "validate_python"):  # pydantic.TypeAdapter
        return _of_pydantic(value.json_schema)
    builder = _Builder()
    try:
        schema = builder.schema(value)
    except _IsPydantic:
        return _of_pydantic(importlib.import_module("pydantic").TypeAdapter(value).json_schema)
    return {**schema, "$defs": builder.defs} if builder.defs else schema


def _of_pydantic(make: Any) -> dict[str, Any]:
    schema: dict[str, Any] = make()
    return schema


class _IsPydantic(Exception):
    """A part of the type is pydantic's: it makes the whole schema."""


class _Builder:
    """Named types become $defs, so that they may hold themselves."""

    def __init__(self) -> None:
        self.defs: dict[str, Any] = {}
        self._names: dict[Any, str] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        try:
            simple = _SIMPLE.get(kind)
        except TypeError:  # not hashable
            simple = None
        if simple is not None:
            return dict(simple)
        if hasattr(kind, "model_json_schema") or hasattr(kind, "__is_pydantic_dataclass__"):
            raise _IsPydantic
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {"enum": [member.value for member in kind]}
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            return self._named(kind, self._dataclass)
        if typing.is_typeddict(kind):
            return self._named(kind, self._typed_dict)
        made = self._generic(kind, typing.get_origin(kind), typing.get_args(kind))
        if made is None:
            raise TypeError(f"json_schema is {described(kind)}, expected {_EXPECTED}")
        return made

    def _generic(self, kind: Any, origin: Any, args: tuple[Any, ...]) -> dict[str, Any] | None:
        if origin is typing.Literal:
            return {"enum": list(args)}
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.schema(arg) for arg in args]}
        if origin in (typing.Annotated, typing.Required, typing.NotRequired, typing.ClassVar):
            return self.schema(args[0])
        if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
            items = [self.schema(arg) for arg in args]
            return {"type": "array", "prefixItems": items, "minItems": len(args), "items": False}
        if origin in (list, tuple) or origin is not None and origin.__name__ in ("Sequence", "Iterable"):
            return {"type": "array", "items": self.schema(args[0])}
        if origin is dict or origin is not None and origin.__name__ in ("Mapping", "MutableMapping"):
            keys = {} if args[0] is str else {"propertyNames": self.schema(args[0])}
            return {"type": "object", "additionalProperties": self.schema(args[1]), **keys}
        return None

    def _named(self, kind: Any, make: Any) -> dict[str, Any]:
        if kind not in self._names:
            name, n = kind.__name__, 2
            while name in self.defs:
                name, n = f"{kind.__name__}{n}", n + 1
            self._names[kind], self.defs[name] = name, None
            self.defs[name] = make(kind)
        return {"$ref": f"#/$defs/{self._names[kind]}"}

    def _dataclass(self, kind: Any) -> dict[str, Any]:
        hints = typing.get_type_hints(kind, include_extras=True)
        fields = [field for field in dataclasses.fields(kind) if field.init]
        required = [
            field.name
            for field in fields
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
        return self._object({field.name: hints[field.name] for field in fields}, required)

    def _typed_dict(self, kind: Any) -> dict[str, Any]:
        hints = typing.get_type_hints(kind, include_extras=True)
        return self._object(hints, [name for name in hints if name in kind.__required_keys__])

    def _object(self, hints: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
        properties = {name: self.schema(hint) for name, hint in hints.items()}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
