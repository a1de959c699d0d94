"""Chat completions in the shape that clients of OpenAI's API expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, overload

from libllm._arguments import Kind, described
from libllm._json import as_mapping
from libllm._messages import Messages, as_messages
from libllm._openai import Reply, head_of, keywords_of, logprob_entries, logprob_entry, usage_of, wants_usage
from libllm._tools import Choice, Tools, as_tools, call_of, forced, schema_of
from libllm.errors import LlmError, OptionError, logger
from libllm.result import Completion, Event, Result, finish_reason_of

ResponseFormat = Annotated[
    Any,
    Kind(
        'a dict such as {"type": "json_object"}, or a class that describes the answer',
        lambda v: "" if isinstance(v, (Mapping, type)) else f" is {described(v)}",
    ),
]


@overload
def chat_completion(self: Any, messages: Messages, *, stream: Literal[True], **options: Any) -> Iterator[Reply]: ...


@overload
def chat_completion(
    self: Any, messages: Messages, *, stream: Literal[False] | None = None, **options: Any
) -> Reply: ...


@overload
def chat_completion(self: Any, messages: Messages, **options: Any) -> Reply | Iterator[Reply]: ...


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
    """chat() in the shape of OpenAI's chat.completions: a Reply, which is a dict with its members as attributes too, or
    with stream=True an iterator of chunks. Its parameters have the names they have there (n, temperature, top_p, stop,
    seed, max_tokens, ...), and None is as if one were not given; all of chat() are taken too. As there, temperature is
    1 unless given, and without a seed every call draws anew: the seed that was used is in the answer. tool_choice
    "required", or the name of a tool, forces a call of a tool; with "auto" the answer is the text that the model
    writes. model is what the answer calls the model. user, metadata and the like change nothing."""
    keywords = keywords_of(options)
    if keywords.pop("modalities", ["text"]) not in (["text"], ("text",)):
        raise OptionError(f"modalities is {options['modalities']!r:.60}, expected ['text']: only text is written")
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
    usage = wants_usage(stream, stream_options)
    shape = _Shape(self, head_of("chatcmpl", model, keywords["seed"]), bool(logprobs), bool(calls))
    if stream:
        return shape.chunks(self.chat_stream(conversation, **keywords), usage)
    return shape.whole(self.chat(conversation, **keywords))


# ---- what is asked ----


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


class _Shape:
    def __init__(self, model: Any, head: dict[str, Any], logprobs: bool, calls: bool):
        self.model, self.head, self.logprobs, self.calls = model, head, logprobs, calls

    def whole(self, result: Result) -> Reply:
        choices = [self._choice(completion) for completion in result]
        return Reply(self.head, object="chat.completion", choices=choices, usage=usage_of([result]))

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

    def chunks(self, stream: Any, usage: bool) -> Iterator[Reply]:
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
                yield self._chunk([], {"usage": usage_of([stream.result])})

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

    def _chunk(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> Reply:
        return Reply(self.head, object="chat.completion.chunk", choices=choices, **more)
