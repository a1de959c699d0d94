"""Tools that a model may call: what its chat template is told, and how a call is forced and read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from libllm._arguments import Kind, described
from libllm._json import as_mapping, plain

_ONE = '{"type": "function", "function": {"name": ..., "parameters": ...}}'


def _tools_fault(value: Any) -> str:
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        return f" is {described(value)}"
    wrong = ((i, x) for i, x in enumerate(value) if as_mapping(x) is None) if isinstance(value, Sequence) else ()
    return next((f"[{i}] is {described(x)}" for i, x in wrong), "")


Tools = Annotated[Any, Kind(f"a list of tools, {_ONE}", _tools_fault)]
Choice = Annotated[
    Any,
    Kind(
        '"auto", "none", "required", or {"type": "function", "function": {"name": ...}}',
        lambda v: "" if isinstance(v, str) or as_mapping(v) is not None else f" is {described(v)}",
    ),
]


def as_tools(tools: Any) -> list[dict[str, Any]]:
    """As plain values."""
    found: list[dict[str, Any]] = plain(list(tools), "tools")
    for i, tool in enumerate(found):
        function = tool.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise ValueError(f"tools[{i}] is {json.dumps(tool):.60}, expected {_ONE}")
    return found


def forced(tools: list[dict[str, Any]], choice: Any) -> list[dict[str, Any]]:
    """Those of the tools of which one must be called; none if the model is free."""
    if choice in (None, "auto", "none"):
        return []
    if choice in ("required", "any"):
        return tools
    members = as_mapping(choice)
    function = as_mapping((members or {}).get("function"))
    name = choice if members is None else (function or {}).get("name")
    chosen = [tool for tool in tools if tool["function"]["name"] == name]
    if not chosen:
        names = ", ".join(tool["function"]["name"] for tool in tools)
        raise ValueError(f'tool_choice is {choice!r:.80}, expected "auto", "none", "required" or one of {names}')
    return chosen


def schema_of(tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a call of one of the tools looks like: {"name": ..., "arguments": ...}."""
    definitions: dict[str, Any] = {}
    calls = []
    for i, tool in enumerate(tools):
        given = tool["function"].get("parameters") or {"type": "object"}
        inner = {f"tool{i}.{name}": _moved(d, i) for name, d in _definitions(given).items()}
        definitions |= inner
        outer = {key: value for key, value in given.items() if key not in ("$defs", "definitions")}
        properties = {"name": {"const": tool["function"]["name"]}, "arguments": _moved(outer, i)}
        call: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
        calls.append({**call, "additionalProperties": False})
    schema = calls[0] if len(calls) == 1 else {"anyOf": calls}
    return {**schema, "$defs": definitions} if definitions else schema


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema.get("definitions", {}), **schema.get("$defs", {})}


def _moved(value: Any, index: int) -> Any:
    """A schema whose references point to where the definitions of tool `index` are now."""
    if isinstance(value, list):
        return [_moved(item, index) for item in value]
    if not isinstance(value, dict):
        return value
    out = {key: _moved(item, index) for key, item in value.items()}
    reference = out.get("$ref")
    if isinstance(reference, str):
        for root in ("#/$defs/", "#/definitions/"):
            if reference.startswith(root):
                out["$ref"] = f"#/$defs/tool{index}.{reference.removeprefix(root)}"
    return out


class Call(NamedTuple):
    """name, and the arguments as JSON, spelled as the model did."""

    id: str
    name: str
    arguments: str


def call_of(text: str) -> Call | None:
    """The call that a text of schema_of() is; None if it was cut off."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    spelled = text[text.index('"arguments"') + len('"arguments"') :].lstrip().removeprefix(":").strip()
    return Call(f"call_{uuid.uuid4().hex[:24]}", value["name"], spelled.removesuffix("}").strip())
