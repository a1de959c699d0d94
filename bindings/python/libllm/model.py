"""Models: load one, and ask it to generate, score and embed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from libllm import _options
from libllm import native as _native
from libllm._handle import Handle, snapshot
from libllm._run import Turns, interruptible
from libllm.errors import Cancelled
from libllm.result import Completion, Event, Result
from libllm.stream import Stream


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes, bytearray))


def _is_many(prompts: Any) -> bool:
    """A list of prompts, not one prompt as text, ids or a filled prompt."""
    if _is_text(prompts) or hasattr(prompts, "ids") or isinstance(prompts, memoryview) or hasattr(prompts, "dtype"):
        return False
    if hasattr(prompts, "typecode"):  # array.array
        return False
    first = next(iter(prompts), None) if isinstance(prompts, Sequence) else None
    return first is None or not hasattr(first, "__index__")


class Model(Handle):
    """A model with an engine: Model("m.gguf", n_ctx=4096, n_threads=2).

    Keywords are the options of the groups "model" and "engine". Threads may share it: they take turns, and what one
    computes advances the requests of all."""

    def __init__(self, path: str | os.PathLike, *, progress: Callable[[float], Any] | None = None, **options: Any):
        load, make = _options.split(options, "model", "engine")
        failure: list[BaseException] = []
        stopped: list[bool] = []

        def report(done: float) -> int:
            try:
                if progress is not None:
                    progress(done)
            except BaseException as error:
                failure.append(error)
            return -1 if failure or stopped else 0

        load.raw.set_progress(report)
        self._turns = Turns()

        def open_it() -> tuple[Any, Any]:
            model = _native.llm_model_load(None, os.fsencode(path), load.raw)
            return model, _native.llm_engine_create(model, make.raw)

        try:
            self._model, engine = interruptible(open_it, lambda: stopped.append(True))
        except Cancelled:
            if failure:
                raise failure[0] from None
            raise
        super().__init__(engine)

    # ---- tokens ----

    @property
    def _tokenizer(self) -> Any:
        self._raw
        return _native.llm_model_get_tokenizer(self._model)

    def tokenize(self, text: str | bytes, *, add_special: bool = True, parse_special: bool = False) -> memoryview:
        """Ids of a text, int32 [n]."""
        flags = add_special * _native.LLM_ENCODE_ADD_SPECIAL | parse_special * _native.LLM_ENCODE_PARSE_SPECIAL
        return _native.llm_tokenizer_encode(self._tokenizer, text, flags)

    def detokenize(self, ids: Any, *, skip_special: bool = False, keep_prefix: bool = False) -> str:
        """The text of ids."""
        flags = skip_special * _native.LLM_DECODE_SKIP_SPECIAL | keep_prefix * _native.LLM_DECODE_KEEP_PREFIX
        return _native.llm_tokenizer_decode(self._tokenizer, ids, flags)

    # ---- generation ----

    def _generate_options(self, keywords: dict[str, Any]) -> _options.Options:
        stop = keywords.pop("stop", None)
        stop_tokens = keywords.pop("stop_tokens", None)
        logit_bias = keywords.pop("logit_bias", None)
        (options,) = _options.split(keywords, "generate")
        if stop is not None:
            options.raw.set_stop_strings([stop] if _is_text(stop) else stop)
        if stop_tokens is not None:
            options.raw.set_stop_tokens(stop_tokens)
        if logit_bias is not None:
            options.raw.set_logit_bias(logit_bias)
        return options

    def _submit(self, prompt: Any, options: _options.Options) -> Any:
        if _is_text(prompt):
            return _native.llm_request_submit(self._raw, prompt, options.raw)
        ids = getattr(prompt, "ids", prompt)
        return _native.llm_request_submit_tokens(self._raw, ids, options.raw)

    def generate(self, prompts: Any, **options: Any) -> Any:
        """Completes one prompt (a Result) or a list of prompts (a list of Results), computed in one batch.

        A prompt is a text, token ids, or what chat() and fill() render. Keywords: the options of the group "generate",
        and stop (a text or several), stop_tokens, logit_bias ({id: bias})."""
        many = _is_many(prompts)
        shared = self._generate_options(options)
        engine = self._raw
        requests = [self._submit(prompt, shared) for prompt in (prompts if many else [prompts])]

        def cancel() -> None:
            for request in requests:
                _native.llm_request_cancel(request)

        waiting = list(requests)

        def done() -> bool:
            while waiting and _native.llm_request_done(waiting[-1]):
                waiting.pop()
            return not waiting

        interruptible(lambda: self._turns.step_until(engine, done), cancel)
        results = [self._result(request) for request in requests]
        return results if many else results[0]

    @staticmethod
    def _result(request: Any) -> Result:
        _native.llm_request_status(request)
        return Result(_native.llm_request_result(request))

    def stream(self, prompt: Any, **options: Any) -> Stream:
        """Completes one prompt piece by piece: for piece in model.stream("Once", max_tokens=64). Keywords as generate()."""
        return Stream(self._submit(prompt, self._generate_options(options)), self._raw, self._turns)

    # ---- scoring ----

    def score(self, prompts: Any, continuations: Any = None, **options: Any) -> Any:
        """Log-probabilities of continuations after prompts: score(prompt, continuation) gives one Completion,
        score([(prompt, continuation), ...]) a list. Keywords: add_special, parse_special, n_logprobs."""
        single = continuations is not None
        shared = self._generate_options(options)
        items = [(prompts, continuations)] if single else prompts
        engine = self._raw
        result = Result(
            interruptible(lambda: self._turns.alone(lambda: _native.llm_score(engine, items, shared.raw)), lambda: None)
        )
        return result[0] if single else list(result)

    def embed(self, texts: Any, *, pooling: str = "mean", normalize: bool = True) -> memoryview:
        """One row per text, float32 [n, n_embd]; pooling "mean" or "last"."""
        kinds = {"mean": _native.LLM_POOL_MEAN, "last": _native.LLM_POOL_LAST}
        if pooling not in kinds:
            raise ValueError(f'pooling is "mean" or "last", not {pooling!r}')
        items = [texts] if _is_text(texts) else texts
        engine, model = self._raw, self._model

        def compute() -> memoryview:
            return _native.embed(engine, model, items, kinds[pooling], int(normalize))

        return interruptible(lambda: self._turns.alone(compute), lambda: None)

    # ---- what it is ----

    @property
    def info(self) -> SimpleNamespace:
        """Architecture and sizes: the members of llm_model_info."""
        self._raw
        return snapshot(_native.llm_model_get_info(self._model))
