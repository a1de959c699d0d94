"""What the calls in the shape of OpenAI's API have in common: their defaults, their answers as objects, their usage."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from libllm import _options
from libllm import native as _native
from libllm._peers import ATTRIBUTES, WITHOUT_EFFECT, missing
from libllm.errors import OptionError
from libllm.result import Completion, Result

# Members that OpenAI's client has as None where an answer lacks them.
OPTIONAL = frozenset(
    "content role tool_calls function_call refusal audio annotations reasoning_content logprobs usage "
    "finish_reason".split()
)


class Reply(dict[str, Any]):
    """A dict whose members are attributes too: reply["choices"][0]["message"]["content"], as llama-cpp-python gives it,
    and reply.choices[0].message.content, as OpenAI's client does."""

    def __init__(self, members: Mapping[str, Any] = {}, /, **more: Any):
        super().__init__({name: _of(value) for name, value in {**members, **more}.items()})

    if not TYPE_CHECKING:  # any name, but what its members are is known when it runs only

        def __getattr__(self, name: str) -> Any:
            if name in self:
                return self[name]
            if name in OPTIONAL:
                return None
            error = missing(self, "Reply", name)
            raise (
                error
                if name in ATTRIBUTES["Reply"]
                else AttributeError(
                    f"there is no {name!r} in the reply, which has {', '.join(self)}", name=name, obj=self
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """Made of plain dicts."""
        return {name: _plain(value) for name, value in self.items()}


def _of(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Reply(value)
    return [_of(item) for item in value] if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Reply):
        return value.to_dict()
    return [_plain(item) for item in value] if isinstance(value, list) else value


def keywords_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of generate() and chat(), with what OpenAI's API does where nothing is said: temperature 1, and draws of
    their own for each call."""
    keywords = {name: value for name, value in options.items() if value is not None and name not in WITHOUT_EFFECT}
    keywords.setdefault("temperature", 1.0)
    if keywords.setdefault("seed", _options.RANDOM) == _options.RANDOM:
        keywords["seed"] = secrets.randbits(53)
    return keywords


def head_of(kind: str, model: str | None, seed: int) -> dict[str, Any]:
    """What every answer begins with."""
    return {
        "id": f"{kind}-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": model or "libllm",
        "system_fingerprint": f"libllm-{_native.llm_version_text()}",
        "seed": seed,
    }


def wants_usage(stream: Any, stream_options: Mapping[str, Any] | None) -> bool:
    """Whether a stream shall end with its usage."""
    if stream_options is None:
        return False
    for name in stream_options:
        if name not in ("include_usage", "include_obfuscation"):
            raise OptionError(f'stream_options has "{name}", expected include_usage')
    if not stream:
        raise OptionError("stream_options is given without stream=True")
    return bool(stream_options.get("include_usage"))


def usage_of(results: Iterable[Result]) -> dict[str, Any]:
    """Of all requests of a call."""
    stats = [result.stats for result in results]
    prompt, written = sum(s.n_prompt_tokens for s in stats), sum(s.n_tokens for s in stats)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": sum(s.n_cached_tokens for s in stats)},
    }


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
