"""Completions and embeddings in the shape that clients of OpenAI's API and of llama-cpp-python expect."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Literal, overload

from libllm._arguments import PromptsLike, Texts, as_list, is_many, is_text
from libllm._openai import Reply, head_of, keywords_of, logprob_entries, logprob_entry, usage_of, wants_usage
from libllm.errors import OptionError
from libllm.result import Completion, Event, Result, finish_reason_of


@overload
def create_completion(self: Any, prompt: PromptsLike, *, stream: Literal[True], **options: Any) -> Iterator[Reply]: ...


@overload
def create_completion(
    self: Any, prompt: PromptsLike, *, stream: Literal[False] | None = None, **options: Any
) -> Reply: ...


@overload
def create_completion(self: Any, prompt: PromptsLike, **options: Any) -> Reply | Iterator[Reply]: ...


def create_completion(
    self: Any,
    prompt: PromptsLike,
    *,
    model: str | None = None,
    max_tokens: int | None = 16,
    logprobs: int | None = None,
    echo: bool | None = None,
    stream: bool | None = None,
    stream_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """generate() in the shape of OpenAI's completions and llama-cpp-python's: a Reply, which is a dict with its members
    as attributes, or with stream=True an iterator of chunks. Its parameters have the names they have
    there, and all of generate() are taken. As there, max_tokens is 16 unless given (None: until the context is full),
    temperature is 1, and without a seed every call draws anew: the seed that was used is in the answer. echo: the text
    begins with the prompt. model is what the answer calls the model."""
    keywords = keywords_of({**options, "max_tokens": max_tokens})
    if logprobs is not None:
        if echo:
            raise OptionError("echo=True with logprobs: score() gives the log-probabilities of a given text")
        keywords["n_logprobs"] = logprobs
    prompt = as_list(prompt)
    prompts = list(prompt) if is_many(prompt) else [prompt]
    usage = wants_usage(stream, stream_options)
    opened = [_text_of(self, one) if echo else "" for one in prompts]
    shape = _Shape(self, head_of("cmpl", model, keywords["seed"]), logprobs is not None)
    if not stream:
        return shape.whole(self.generate(prompts, **keywords), opened)
    if len(prompts) != 1:
        raise OptionError(f"stream=True is given with {len(prompts)} prompts, expected one")
    return shape.chunks(self.stream(prompts[0], **keywords), opened[0], usage)


def _text_of(model: Any, prompt: Any) -> str:
    if is_text(prompt):
        return prompt if isinstance(prompt, str) else bytes(prompt).decode(errors="replace")
    return str(prompt.text if hasattr(prompt, "text") else model.detokenize(prompt, skip_special=True))


class _Logprobs:
    """Those of one completion as OpenAI's completions have them, piece by piece."""

    def __init__(self, model: Any):
        self._decoder = model.tokenizer.decoder(keep_prefix=True)
        self._offset = 0  # characters of the text before the next token

    def take(self, ids: list[int], entries: list[dict[str, Any]]) -> dict[str, list[Any]]:
        offsets = []
        for token in ids:
            offsets.append(self._offset)
            self._offset += len(self._decoder.push(token))
        return {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [{o["token"]: o["logprob"] for o in reversed(e["top_logprobs"])} for e in entries],
            "text_offset": offsets,
        }


class _Shape:
    def __init__(self, model: Any, head: dict[str, Any], logprobs: bool):
        self.model, self.head, self.logprobs = model, {**head, "object": "text_completion"}, logprobs

    def whole(self, results: list[Result], opened: list[str]) -> Reply:
        found = [(begin, completion) for result, begin in zip(results, opened) for completion in result]
        choices = [self._choice(i, begin, completion) for i, (begin, completion) in enumerate(found)]
        return Reply(self.head, choices=choices, usage=usage_of(results))

    def _choice(self, index: int, begin: str, completion: Completion) -> dict[str, Any]:
        logprobs = None
        if self.logprobs:
            entries = logprob_entries(self.model, completion)
            logprobs = _Logprobs(self.model).take(completion.ids.tolist(), entries)
        return {
            "text": begin + completion.text,
            "index": index,
            "logprobs": logprobs,
            "finish_reason": completion.finish_reason,
        }

    def chunks(self, stream: Any, begin: str, usage: bool) -> Iterator[Reply]:
        logprobs: dict[int, _Logprobs] = {}
        waiting: dict[int, list[Event]] = {}
        begun: set[int] = set()
        more = {"usage": None} if usage else {}
        with stream:
            for event in stream.events():
                if event.logprob is not None:
                    waiting.setdefault(event.index, []).append(event)
                if not event.text and event.finish == "none":
                    continue
                choice = {"text": event.text, "index": event.index, "logprobs": None, "finish_reason": None}
                if event.index not in begun:
                    begun.add(event.index)
                    choice["text"] = begin + event.text
                if event.finish != "none":
                    choice["finish_reason"] = finish_reason_of(event.finish)
                if self.logprobs:
                    taker = logprobs.setdefault(event.index, _Logprobs(self.model))
                    choice["logprobs"] = self._taken(taker, waiting.pop(event.index, []))
                yield Reply(self.head, choices=[choice], **more)
            if usage:
                yield Reply(self.head, choices=[], usage=usage_of([stream.result]))

    def _taken(self, taker: _Logprobs, events: list[Event]) -> dict[str, list[Any]]:
        entries = [logprob_entry(self.model, e.token, e.logprob or 0.0, e.top) for e in events]
        return taker.take([event.token for event in events], entries)


def create_embedding(
    self: Any,
    input: Texts,
    *,
    model: str | None = None,
    encoding_format: str | None = None,
    dimensions: int | None = None,
    pooling: str = "file",
    normalize: bool = True,
    user: str | None = None,
) -> Reply:
    """embed() in the shape of OpenAI's embeddings: a Reply, which is a dict with its members as attributes too.
    encoding_format "base64" gives each vector as base64 of its bytes (float32). dimensions can only be the model's own.
    model is what the answer calls the model; user changes nothing."""
    texts = [input] if is_text(input) else list(as_list(input))
    if encoding_format not in (None, "float", "base64"):
        raise OptionError(f'encoding_format is {encoding_format!r:.40}, expected "float" or "base64"')
    if dimensions not in (None, self.info.n_embd):
        raise OptionError(f"dimensions is {dimensions}, expected {self.info.n_embd}, those of the model")
    rows: Any = self.embed(texts, pooling=pooling, normalize=normalize)
    if encoding_format == "base64":
        wide, data = rows.strides[0], rows.tobytes()
        vectors: Any = [base64.b64encode(data[i * wide :][:wide]).decode() for i in range(len(texts))]
    else:
        vectors = rows.tolist()
    n_tokens = sum(len(self.tokenize(text)) for text in texts)
    return Reply(
        object="list",
        data=[{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)],
        model=model or "libllm",
        usage={"prompt_tokens": n_tokens, "total_tokens": n_tokens},
    )
