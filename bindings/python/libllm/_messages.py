"""Conversations as chat templates read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from typing import Annotated, Any

from libllm._arguments import Kind, described, is_text
from libllm._json import as_mapping, plain

WORDS = 'a text, which is one user\'s turn, or a list of messages ({"role": ..., "content": ...})'


def _fault(value: Any) -> str:
    if isinstance(value, str):
        return ""
    listed = isinstance(value, Iterable) and not isinstance(value, (Mapping, Set)) and not is_text(value)
    return "" if listed and as_mapping(value) is None else f" is {described(value)}"


Messages = Annotated[Any, Kind(WORDS, _fault)]


def as_messages(messages: Any) -> list[dict[str, Any]]:
    """Messages as plain values: text parts are one text, and what a tool is called with is an object."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    found = [_message(message, f"messages[{i}]") for i, message in enumerate(messages)]
    if not found:
        raise ValueError("messages is empty, expected at least one message")
    return found


def _message(message: Any, what: str) -> dict[str, Any]:
    members = as_mapping(message)
    if members is None:
        more = "; several conversations are a batch: generate([model.render(c) for c in conversations])"
        raise TypeError(
            f'{what} is {described(message)}, expected an object such as {{"role": ..., "content": ...}}'
            + (more if isinstance(message, list) else "")
        )
    found: dict[str, Any] = plain(members, what)
    if "role" not in found:
        raise ValueError(f'{what} has no role, expected one such as "user"; it has {", ".join(found) or "nothing"}')
    if not isinstance(found["role"], str):
        raise TypeError(f'{what}.role is {described(found["role"])}, expected a text such as "user"')
    if "content" in found:
        found["content"] = _content(found["content"], f"{what}.content")
    for call in found.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            function["arguments"] = _arguments(function["arguments"])
    return found


def _content(content: Any, what: str) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError(f"{what} is {described(content)}, expected a text or a list of text parts")
    return "\n".join(_part(part, f"{what}[{i}]") for i, part in enumerate(content))


def _part(part: Any, what: str) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, dict) else type(part).__name__
    found = part.get("text") if kind in ("text", "input_text", "output_text") else None
    if not isinstance(found, str):
        raise ValueError(f"{what} is a part of type {kind!r}, expected text: only texts are read")
    return found


def _arguments(text: str) -> Any:
    """OpenAI's API spells them as JSON; templates want the object."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text
