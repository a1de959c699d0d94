"""Chat completions in the shape that clients of OpenAI's API expect."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from libllm.result import Completion, Result

FINISH = {"length": "length", "context": "length"}  # all others: "stop"


def chat_completion(
    self: Any,
    messages: Any,
    *,
    model: str = "libllm",
    stream: bool = False,
    logprobs: bool = False,
    top_logprobs: int = 0,
    response_format: dict[str, Any] | None = None,
    logit_bias: dict[Any, float] | None = None,
    max_completion_tokens: int | None = None,
    tools: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Any:
    """chat() in the shape of OpenAI's chat.completions: a dict, or with stream=True an iterator of chunks. Its
    parameters have their names of there (n, temperature, top_p, stop, seed, max_tokens, ...); all of chat() are taken
    too."""
    options.setdefault("temperature", 1.0)
    if max_completion_tokens is not None:
        options["max_tokens"] = max_completion_tokens
    if logprobs:
        options["n_logprobs"] = top_logprobs
    if logit_bias:
        options["logit_bias"] = {int(token): bias for token, bias in logit_bias.items()}
    if tools:
        options["variables"] = {**(options.get("variables") or {}), "tools": tools}
    kind = (response_format or {}).get("type", "text")
    if kind == "json_schema":
        options["json_schema"] = response_format["json_schema"]["schema"]  # type: ignore[index]
    elif kind == "json_object":
        options["json_schema"] = {"type": "object"}
    elif kind != "text":
        raise ValueError(f"response_format is of type text, json_object or json_schema, not {kind!r}")
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
    if stream:
        return _chunks(self.chat_stream(messages, **options), head)
    return {**head, "object": "chat.completion", **_whole(self, self.chat(messages, **options), logprobs)}


def _whole(model: Any, result: Result, logprobs: bool) -> dict[str, Any]:
    choices = [
        {
            "index": completion.index,
            "message": {"role": "assistant", "content": completion.text},
            "finish_reason": FINISH.get(completion.finish, "stop"),
            "logprobs": {"content": _logprobs(model, completion)} if logprobs else None,
        }
        for completion in result
    ]
    stats = result.stats
    usage = {
        "prompt_tokens": stats.n_prompt_tokens,
        "completion_tokens": stats.n_tokens,
        "total_tokens": stats.n_prompt_tokens + stats.n_tokens,
        "prompt_tokens_details": {"cached_tokens": stats.n_cached_tokens},
    }
    return {"choices": choices, "usage": usage}


def _logprobs(model: Any, completion: Completion) -> list[dict[str, Any]]:
    def entry(token: int, logprob: float) -> dict[str, Any]:
        text = model.detokenize([token], keep_prefix=True)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    top_ids, top = completion.top_ids, completion.top_logprobs
    n_top = (top.shape or (0, 0))[1]
    return [
        {
            **entry(token, logprob),
            "top_logprobs": [entry(top_ids[i, k], top[i, k]) for k in range(n_top)],
        }
        for i, (token, logprob) in enumerate(zip(completion.ids, completion.logprobs))
    ]


def _chunks(stream: Any, head: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with stream:
        for event in stream.events():
            delta = {"role": "assistant", "content": event.text} if event.text else {}
            reason = None if event.finish == "none" else FINISH.get(event.finish, "stop")
            if delta or reason:
                choice = {"index": event.index, "delta": delta, "finish_reason": reason}
                yield {**head, "object": "chat.completion.chunk", "choices": [choice]}
