"""Chat completions in the shape that clients of OpenAI's API expect."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from libllm import native as _native
from libllm._arguments import Kind, described
from libllm._json import as_mapping
from libllm._messages import Messages, as_messages
from libllm._tools import Choice, Tools, as_tools, call_of, forced, schema_of
from libllm.errors import LlmError, OptionError, logger
from libllm.result import Completion, Event, Result, finish_reason_of

# Parameters of OpenAI's API that change no answer: who asks, who pays, what is kept.
WITHOUT_EFFECT = (
    "user metadata store service_tier safety_identifier prompt_cache_key prompt_cache_retention prediction "
    "parallel_tool_calls timeout extra_headers extra_query"
).split()
# Those that would change it, and what to do instead.
REFUSED = {
    "functions": "use tools=",
    "function_call": "use tool_choice=",
    "audio": "only text is written",
    "web_search_options": "nothing is searched",
    "verbosity": "say it in a message",
    "extra_body": "give its members as keywords",
}

ResponseFormat = Annotated[
    Any,
    Kind(
        'a dict such as {"type": "json_object"}, or a class that describes the answer',
        lambda v: "" if isinstance(v, (Mapping, type)) else f" is {described(v)}",
    ),
]


def chat_completion(
    self: Any,
    messages: Messages,
    *,
    model: str | None = None,
    stream: bool | None = None,
    stream_options: Mapping[str, Any] | None = None,
    logprobs: bool | None = None,
    top_logprobs: int | None = None,
    response_format: ResponseFormat = None,
    max_completion_tokens: int | None = None,
    tools: Tools = None,
    tool_choice: Choice = None,
    **options: Any,
) -> Any:
    """chat() in the shape of OpenAI's chat.completions: a dict, or with stream=True an iterator of chunks. Its
    parameters have the names they have there (n, temperature, top_p, stop, seed, max_tokens, ...), and None is as if
    one were not given; all of chat() are taken too. As there, temperature is 1 unless given, and without a seed every
    call draws anew: the seed that was used is in the answer. tool_choice "required", or the name of a tool, forces a
    call of a tool; with "auto" the answer is the text that the model writes."""
    keywords = _keywords(options)
    if max_completion_tokens is not None:
        keywords["max_tokens"] = max_completion_tokens
    if top_logprobs and not logprobs:
        raise OptionError("top_logprobs is given without logprobs=True")
    if logprobs:
        keywords["n_logprobs"] = top_logprobs or 0
    if response_format is not None:
        keywords |= constraint(response_format)
    conversation = [_as_system(message) for message in as_messages(messages)]
    calls = add_tools(self, conversation, keywords, tools, tool_choice)
    usage = _wants_usage(stream, stream_options)
    head = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": model or "libllm",
        "system_fingerprint": f"libllm-{_native.llm_version_text()}",
        "seed": keywords["seed"],
    }
    shape = _Shape(self, head, bool(logprobs), bool(calls))
    if stream:
        return shape.chunks(self.chat_stream(conversation, **keywords), usage)
    return shape.whole(self.chat(conversation, **keywords))


# ---- what is asked ----


def _keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of chat(), with what OpenAI's API does where nothing is said."""
    keywords = {name: value for name, value in options.items() if value is not None and name not in WITHOUT_EFFECT}
    for name in keywords.keys() & REFUSED.keys():
        raise OptionError(f"{name} is not supported: {REFUSED[name]}")
    if keywords.pop("modalities", ["text"]) not in (["text"], ("text",)):
        raise OptionError(f"modalities is {options['modalities']!r:.60}, expected ['text']: only text is written")
    keywords.setdefault("temperature", 1.0)
    keywords.setdefault("seed", secrets.randbits(63))
    return keywords


def _wants_usage(stream: Any, stream_options: Mapping[str, Any] | None) -> bool:
    if stream_options is None:
        return False
    for name in stream_options:
        if name not in ("include_usage", "include_obfuscation"):
            raise OptionError(f'stream_options has "{name}", expected include_usage')
    if not stream:
        raise OptionError("stream_options is given without stream=True")
    return bool(stream_options.get("include_usage"))


def constraint(form: Any) -> dict[str, Any]:
    """What response_format asks for, as a keyword of chat()."""
    if isinstance(form, type):
        return {"json_schema": form}
    kind = form.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"json_schema": form.get("schema") or {"type": "object"}}
    if kind != "json_schema":
        raise ValueError(f"response_format is of type text, json_object or json_schema, not {kind!r}")
    inner = as_mapping(form.get("json_schema"))
    if inner is None or inner.get("schema") is None:
        raise ValueError(
            'response_format of type json_schema has no schema, expected {"type": "json_schema", "json_schema": '
            '{"name": ..., "schema": {...}}}'
        )
    return {"json_schema": inner["schema"]}


def add_tools(
    model: Any, conversation: list[dict[str, Any]], keywords: dict[str, Any], tools: Any, choice: Any
) -> list[dict[str, Any]]:
    """Tells the template of the tools, and forces a call where the choice does. Gives the tools of which one must be
    called."""
    given = as_tools(tools or ())
    if not given:
        if choice not in (None, "none", "auto"):
            raise ValueError(f"tool_choice is {choice!r:.60} without tools")
        return []
    if choice == "none":
        return []
    keywords["variables"] = {**(keywords.get("variables") or {}), "tools": given}
    calls = forced(given, choice)
    if calls:
        for name in ("json_schema", "grammar", "regex", "choices"):
            if name in keywords:
                raise OptionError(f"tool_choice {choice!r:.60} forces a call, but {name} asks for another text")
        keywords["json_schema"] = schema_of(calls)
    else:
        _warn_unread(model, conversation, keywords)
    return calls


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    """Templates call "system" what OpenAI's API calls "developer"."""
    return {**message, "role": "system"} if message["role"] == "developer" else message


def _warn_unread(model: Any, conversation: list[dict[str, Any]], keywords: Mapping[str, Any]) -> None:
    template, variables = keywords.get("template"), dict(keywords["variables"])
    with_tools = model.render(conversation, template=template, variables=variables).text
    del variables["tools"]
    try:
        without = model.render(conversation, template=template, variables=variables).text
    except LlmError:  # it cannot do without them
        return
    if without == with_tools:
        logger.warning("the chat template does not read tools: the model is not told of them")


# ---- what is answered ----


def logprob_entry(model: Any, token: int, logprob: float, top: Iterable[tuple[int, float]] = ()) -> dict[str, Any]:
    """A token with its log-probability and its alternatives."""

    def one(token: int, logprob: float) -> dict[str, Any]:
        text = model.detokenize([token], keep_prefix=True)
        part = "\ufffd" in text  # of a character: no text of its own
        return {"token": text, "logprob": logprob, "bytes": None if part else list(text.encode())}

    return {**one(token, logprob), "top_logprobs": [one(*other) for other in top]}


def logprob_entries(model: Any, completion: Completion) -> list[dict[str, Any]]:
    """Those of a completion."""
    top_ids: Any = completion.top_ids.tolist()  # rows
    top: Any = completion.top_logprobs.tolist()
    rows = [list(zip(*row)) for row in zip(top_ids, top)] or [[]] * len(completion.ids)
    tokens = zip(completion.ids.tolist(), completion.logprobs.tolist(), rows)
    return [logprob_entry(model, token, logprob, top) for token, logprob, top in tokens]


class _Shape:
    def __init__(self, model: Any, head: dict[str, Any], logprobs: bool, calls: bool):
        self.model, self.head, self.logprobs, self.calls = model, head, logprobs, calls

    def whole(self, result: Result) -> dict[str, Any]:
        choices = [self._choice(completion) for completion in result]
        return {**self.head, "object": "chat.completion", "choices": choices, "usage": usage_of(result)}

    def _choice(self, completion: Completion) -> dict[str, Any]:
        message, reason = self._message(completion.text, completion.finish)
        return {
            "index": completion.index,
            "message": {"role": "assistant", **message},
            "finish_reason": reason,
            "logprobs": {"content": logprob_entries(self.model, completion)} if self.logprobs else None,
        }

    def _message(self, text: str, finish: str) -> tuple[dict[str, Any], str]:
        """The message, or what is left of it, and why it ended."""
        reason = finish_reason_of(finish)
        call = call_of(text) if self.calls else None
        if call is None:
            return {"content": text}, reason
        function = {"name": call.name, "arguments": call.arguments}
        entry = {"id": call.id, "type": "function", "function": function}
        return {"content": None, "tool_calls": [entry]}, "tool_calls"

    # ---- pieces ----

    def chunks(self, stream: Any, usage: bool) -> Iterator[dict[str, Any]]:
        texts: dict[int, str] = {}
        entries: dict[int, list[dict[str, Any]]] = {}
        with stream:
            for event in stream.events():
                if event.logprob is not None:
                    entry = logprob_entry(self.model, event.token, event.logprob, event.top)
                    entries.setdefault(event.index, []).append(entry)
                if event.text or event.finish != "none":
                    choice = self._delta(event, texts, entries)
                    if choice is not None:
                        yield self._chunk([choice], {"usage": None} if usage else {})
            if usage:
                yield self._chunk([], {"usage": usage_of(stream.result)})

    def _delta(
        self, event: Event, texts: dict[int, str], entries: dict[int, list[dict[str, Any]]]
    ) -> dict[str, Any] | None:
        """A piece of a choice. A call that is forced comes whole."""
        first = event.index not in texts
        delta: dict[str, Any] = {"content": event.text} if event.text else {}
        reason = None if event.finish == "none" else finish_reason_of(event.finish)
        texts[event.index] = texts.get(event.index, "") + event.text
        if self.calls:
            if reason is None:
                return None
            delta, reason = self._message(texts[event.index], event.finish)
            for i, call in enumerate(delta.get("tool_calls", ())):
                call["index"] = i
            first = True
        role = {"role": "assistant"} if first else {}
        logprobs = {"content": entries.pop(event.index, [])} if self.logprobs else None
        return {"index": event.index, "delta": role | delta, "finish_reason": reason, "logprobs": logprobs}

    def _chunk(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> dict[str, Any]:
        return {**self.head, "object": "chat.completion.chunk", "choices": choices, **more}


def usage_of(result: Result) -> dict[str, Any]:
    stats = result.stats
    return {
        "prompt_tokens": stats.n_prompt_tokens,
        "completion_tokens": stats.n_tokens,
        "total_tokens": stats.n_prompt_tokens + stats.n_tokens,
        "prompt_tokens_details": {"cached_tokens": stats.n_cached_tokens},
    }
