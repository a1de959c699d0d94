"""Models: load one, and ask it to generate, score, embed and answer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from libllm import _display, _options
from libllm import native as _native
from libllm._arguments import (
    Biases,
    Ids,
    Path,
    PromptLike,
    PromptsLike,
    Scored,
    Text,
    TextList,
    Texts,
    as_list,
    check,
    checked,
    is_many,
    is_text,
)
from libllm._handle import Handle, snapshot
from libllm._json import as_json, plain
from libllm._messages import Messages, as_messages
from libllm._paths import expanded, opening
from libllm._peers import missing
from libllm._progress import Progress, Report, by_parts
from libllm._run import Turns, interruptible
from libllm._schema import schema_text
from libllm.chat_completion import chat_completion
from libllm.completion import create_completion, create_embedding
from libllm.errors import LlmError, StateError
from libllm.grammar import Grammar
from libllm.keywords import (
    AskKeywords,
    ChatKeywords,
    EngineKeywords,
    GenerateKeywords,
    ModelKeywords,
    QuantizeKeywords,
    ScoreKeywords,
    TemplateKeywords,
)
from libllm.prompt import Answer, Filled, Prompt, Question, as_query
from libllm.records import EngineMemory, ModelInfo, TensorInfo
from libllm.result import Completion, Result
from libllm.runtime import Runtime, default
from libllm.sequence import Sequence
from libllm.stream import AsyncStream, Stream
from libllm.template import Rendering, Template
from libllm.token_ids import TokenIds
from libllm.tokenizer import Tokenizer

if TYPE_CHECKING:
    OnePrompt = str | bytes | TokenIds | memoryview[int] | list[int] | Rendering | Filled
    ManyPrompts = list[str] | list[bytes] | list[TokenIds] | list[list[int]] | list[Rendering] | list[Filled]
POOLINGS = {"file": -1, "mean": 0, "last": 1, "first": 2}  # LLM_POOL_*
# Keywords of generate() that are not rows of the option table, and what they may be.
_EXTRAS: dict[str, Any] = {
    "stop": Texts,
    "stop_tokens": Ids,
    "logit_bias": Biases,
    "grammar": Text | Grammar,
    "json_schema": Any,
    "regex": Text | Grammar,
    "choices": TextList | Grammar,
}
_CONSTRAINTS = {"json_schema": "json_schema", "regex": "regex", "choices": "choices", "grammar": "gbnf"}


def _listed(prompts: Any) -> tuple[Any, bool]:
    """The prompts of a call, and whether they are several. What can be read only once is read and checked here."""
    prompts = as_list(prompts)
    if is_many(prompts) and not isinstance(prompts, (list, tuple)):
        prompts = list(prompts)
        check(PromptsLike, "prompts", prompts)
    return (prompts, True) if is_many(prompts) else ([prompts], False)


class _Batch:
    """Requests of one call."""

    def __init__(self, model: Model, prompts: Iterable[Any], options: _options.Options, report: Report | None = None):
        self.engine, self.turns = model._raw, model._turns
        self.requests: list[Any] = []
        for prompt in prompts:
            self.requests.append(self._submit(prompt, options))
        self._open = list(self.requests)
        self._report = report

    def _submit(self, prompt: Any, options: _options.Options) -> Any:
        try:
            if is_text(prompt):
                return _native.llm_request_submit(self.engine, prompt, options.raw)
            return _native.llm_request_submit_tokens(self.engine, getattr(prompt, "ids", prompt), options.raw)
        except LlmError as error:
            if self.requests:
                error.args = (f"prompts[{len(self.requests)}]: {error}",)
            raise

    def _done(self) -> bool:
        n_open = len(self._open)
        if self._report is not None:  # looks at all of them, not only at the last
            self._open = [request for request in self._open if not _native.llm_request_done(request)]
            if len(self._open) < n_open:
                self._report.tell(1 - len(self._open) / len(self.requests))
        while self._open and _native.llm_request_done(self._open[-1]):
            self._open.pop()
        return not self._open

    def compute(self) -> None:
        try:
            self.turns.step_until(self.engine, self._done)
        except BaseException:  # of who is told of its progress
            self.cancel()
            raise

    async def wait(self) -> None:
        await self.turns.wait_until(self.engine, self._done, self.cancel)

    def cancel(self) -> None:
        for request in self.requests:
            _native.llm_request_cancel(request)

    def results(self) -> list[Result]:
        for request in self.requests:
            _native.llm_request_status(request)
        return [Result(_native.llm_request_result(request)) for request in self.requests]


@checked
class Model(Handle):
    """A model with an engine: Model("m.gguf", n_ctx=4096, n_threads=2).

    Threads may share it: they take turns, and what one computes advances the requests of all. path is where it came
    from. With tokenizer_only=True there are no weights and nothing to compute. progress=True shows a bar (tqdm) while
    it loads; a function gets the share that is done."""

    def __init__(
        self,
        path: Path,
        *,
        runtime: Runtime | None = None,
        progress: Progress | None = None,
        **options: Unpack[ModelKeywords],
    ):
        load, make = _options.split(options, "model", "engine")
        root = (runtime or default())._raw
        self.path = expanded(path)
        name = os.fsencode(self.path)
        report = Report(progress, os.path.basename(os.fsdecode(name)))
        load.raw.set_progress(report)

        def open_it() -> tuple[Any, Any]:
            model = _native.llm_model_load(root, name, load.raw)
            engine = None if load.raw.tokenizer_only else _native.llm_engine_create(model, make.raw)
            return engine, model

        self._root = root
        self._turns = Turns()
        self._grammars: dict[tuple[str, str], Grammar] = {}
        self._made_with = make
        with opening(self.path):
            held = report.run(open_it, wait=False)
        super().__init__(*held)  # what is left of it after Ctrl-C frees itself

    @property
    def _raw(self) -> Any:
        engine = self._raw_at(0)
        if engine is None:
            raise StateError("the Model was loaded with tokenizer_only: it has no weights to compute with")
        return engine

    @property
    def _model(self) -> Any:
        return self._raw_at(1)

    def close(self) -> None:
        super().close()
        self._grammars = {}

    # ---- what it is ----

    @property
    def info(self) -> ModelInfo:
        """Architecture and sizes: the members of llm_model_info."""
        info = _native.llm_model_get_info(self._model)
        return snapshot(info, ModelInfo, dtype=_native.llm_dtype_name(info.dtype))

    @property
    def meta(self) -> dict[str, str]:
        """Metadata of the file as text."""
        model = self._model
        return dict(_native.llm_model_get_meta(model, i) for i in range(_native.llm_model_meta_count(model)))

    @property
    def tensors(self) -> list[TensorInfo]:
        """Stored tensors: name, dtype, n_dims, shape, n_bytes."""
        model = self._model
        found = (_native.llm_model_get_tensor(model, i) for i in range(self.info.n_tensors))
        return [snapshot(one, TensorInfo, dtype=_native.llm_dtype_name(one.dtype)) for one in found]

    def estimate(self, **options: Unpack[EngineKeywords]) -> EngineMemory:
        """Bytes that an engine with these options (group "engine") would take beyond the model's file."""
        (shared,) = _options.split(options, "engine")
        return snapshot(_native.llm_engine_estimate(self._model, shared.raw), EngineMemory)

    @property
    def n_ctx(self) -> int:
        """Most tokens of one sequence, prompt included."""
        return int(_native.llm_engine_estimate(self._model, self._made_with.raw).n_ctx)

    @classmethod
    def from_pretrained(cls, path: Path, **options: Any) -> Self:
        """Model(path, ...), as other libraries spell it. path is a folder or file on this machine: nothing is
        downloaded."""
        return cls(path, **options)

    def _repr_html_(self) -> str | None:
        if self.closed:
            return None
        info = self.info
        rows = [
            ("file", os.fsdecode(self.path)),
            ("family", f"{info.arch}, {info.n_layers} layers of width {info.n_embd}"),
            ("weights", f"{info.n_params:,} in {info.n_bytes:,} bytes, mostly {info.dtype}"),
            ("context", f"{self.n_ctx:,} tokens (trained for {info.n_ctx_train:,})"),
            ("vocabulary", f"{info.n_vocab:,} tokens"),
            ("back end", info.backend),
        ]
        return _display.table(rows)

    def __repr__(self) -> str:
        return f"<Model {self.info.arch}, {self.info.n_params} parameters>" if not self.closed else "<Model, closed>"

    # ---- tokens ----

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer, which may outlive it."""
        raw = _native.llm_model_get_tokenizer(self._model)
        if raw is None:
            raise StateError("the model has no tokenizer")
        return Tokenizer._of(raw)

    def tokenize(self, text: Text, *, add_special: bool = True, parse_special: bool = False) -> TokenIds:
        """Ids of a text, int32 [n]."""
        return self.tokenizer.encode(text, add_special=add_special, parse_special=parse_special)

    def detokenize(self, ids: Ids, *, skip_special: bool = False, keep_prefix: bool = False) -> str:
        """The text of ids."""
        return self.tokenizer.decode(ids, skip_special=skip_special, keep_prefix=keep_prefix)

    # ---- generation ----

    def _grammar(self, kind: str, source: Any) -> Grammar:
        """Made once for the last sources: it learns about the vocabulary."""
        if isinstance(source, Grammar):
            return source
        if kind == "json_schema":
            source = schema_text(source)  # two classes may have one name
        elif kind == "choices":
            source = list(as_list(source))  # an array shows only its ends
        key = (kind, repr(source))
        if key not in self._grammars:
            if len(self._grammars) >= 16:
                self._grammars.pop(next(iter(self._grammars)))
            self._grammars[key] = Grammar(self, **{kind: source})
        return self._grammars[key]

    def _split(self, given: Mapping[str, Any], *groups: str) -> list[_options.Options]:
        """Option structures; "generate" must be the last group, and takes what is no row of the table."""
        keywords = dict(given)
        extra = {name: keywords.pop(name, None) for name in _EXTRAS}
        for name, value in extra.items():
            if value is not None:
                check(_EXTRAS[name], f"option {name}", value)
        structures = list(_options.split(keywords, *groups, beside=_EXTRAS))
        raw = structures[-1].raw
        if (stop := extra["stop"]) is not None:
            raw.set_stop_strings([stop] if is_text(stop) else as_list(stop))
        if extra["stop_tokens"] is not None:
            raw.set_stop_tokens(extra["stop_tokens"])
        if (bias := extra["logit_bias"]) is not None:
            raw.set_logit_bias({int(token): float(value) for token, value in bias.items()})
        constraints = [name for name in _CONSTRAINTS if extra[name] is not None]
        if len(constraints) > 1:
            raise TypeError(f"one constraint at a time, not {' and '.join(constraints)}")
        for name in constraints:
            raw.set_grammar(self._grammar(_CONSTRAINTS[name], extra[name])._raw)
        return structures

    @overload
    def generate(
        self, prompts: OnePrompt, *, progress: Progress | None = None, **options: Unpack[GenerateKeywords]
    ) -> Result: ...

    @overload
    def generate(
        self, prompts: ManyPrompts, *, progress: Progress | None = None, **options: Unpack[GenerateKeywords]
    ) -> list[Result]: ...

    @overload
    def generate(
        self, prompts: Any, *, progress: Progress | None = None, **options: Unpack[GenerateKeywords]
    ) -> Any: ...

    def generate(
        self, prompts: PromptsLike, *, progress: Progress | None = None, **options: Unpack[GenerateKeywords]
    ) -> Any:
        """Completes one prompt (gives a Result) or a list of prompts (a list of Results), computed in one batch.

        A prompt is a text, token ids, or what render() and Prompt.fill() give. At most one of grammar, json_schema,
        regex and choices may be given. progress=True shows a bar (tqdm) of the prompts that are done; a function gets
        the share."""
        prompts, many = _listed(prompts)
        (shared,) = self._split(options, "generate")
        with Report(progress, "generate", len(prompts), "prompt") as report:
            batch = _Batch(self, prompts, shared, report if progress else None)
            interruptible(batch.compute, batch.cancel)
        results = batch.results()
        return results if many else results[0]

    @overload
    async def agenerate(self, prompts: OnePrompt, **options: Unpack[GenerateKeywords]) -> Result: ...

    @overload
    async def agenerate(self, prompts: ManyPrompts, **options: Unpack[GenerateKeywords]) -> list[Result]: ...

    @overload
    async def agenerate(self, prompts: Any, **options: Unpack[GenerateKeywords]) -> Any: ...

    async def agenerate(self, prompts: PromptsLike, **options: Unpack[GenerateKeywords]) -> Any:
        """generate() for asyncio: tasks that wait for the same model are computed in one batch."""
        prompts, many = _listed(prompts)
        batch = _Batch(self, prompts, self._split(options, "generate")[0])
        await batch.wait()
        results = batch.results()
        return results if many else results[0]

    def stream(self, prompt: PromptLike, **options: Unpack[GenerateKeywords]) -> Stream:
        """Completes one prompt piece by piece: for piece in model.stream("Once"). Keywords as generate()."""
        (shared,) = self._split(options, "generate")
        batch = _Batch(self, [prompt], shared)
        return Stream(batch.requests[0], self._raw, self._turns, shared.raw.n, shared.raw.n_logprobs >= 0)

    def astream(self, prompt: PromptLike, **options: Unpack[GenerateKeywords]) -> AsyncStream:
        """stream() for `async for`."""
        (shared,) = self._split(options, "generate")
        batch = _Batch(self, [prompt], shared)
        return AsyncStream(batch.requests[0], self._raw, self._turns, shared.raw.n, shared.raw.n_logprobs >= 0)

    # ---- chat ----

    def template(self, name: str | None = None) -> Template:
        """The model's own chat template, or a variant of it such as "tool_use"."""
        return Template._of(_native.llm_template_of_model(self._model, name))

    def render(
        self,
        messages: Messages,
        *,
        template: Template | str | None = None,
        add_generation_prompt: bool | None = None,
        variables: Mapping[str, Any] | None = None,
        **options: Unpack[TemplateKeywords],
    ) -> Rendering:
        """A conversation ([{"role": "user", "content": "..."}] or a text, which is one user's turn) by a chat template.
        variables: whatever else it reads ("tools", ...). add_generation_prompt: begin the assistant's turn; default:
        yes, unless continue_final_message says that the last message is only begun."""
        (shared,) = _options.split(options, "template")
        if add_generation_prompt is None:
            add_generation_prompt = not options.get("continue_final_message")
        context = {
            "messages": as_messages(messages),
            "add_generation_prompt": bool(add_generation_prompt),
            **plain(variables or {}, "variables"),
        }
        if isinstance(template, str):
            template = Template(template)
        raw = None if template is None else template._raw
        return Rendering(_native.llm_chat_apply(self._model, raw, as_json(context, "context"), shared.raw))

    def _rendered(self, messages: Any, options: Mapping[str, Any]) -> tuple[Rendering, dict[str, Any]]:
        """The rendering, and the keywords that are not of it."""
        names = {"template", "add_generation_prompt", "variables", *_options.table("template")}
        own = {name: value for name, value in options.items() if name in names and value is not None}
        return self.render(messages, **own), {name: value for name, value in options.items() if name not in names}

    def chat(self, messages: Messages, **options: Unpack[ChatKeywords]) -> Result:
        """Answers a conversation, [{"role": "user", "content": "..."}] or a text, which is one user's turn."""
        rendering, rest = self._rendered(messages, options)
        result: Result = self.generate(rendering, **rest)
        return result

    async def achat(self, messages: Messages, **options: Unpack[ChatKeywords]) -> Result:
        """chat() for asyncio."""
        rendering, rest = self._rendered(messages, options)
        result: Result = await self.agenerate(rendering, **rest)
        return result

    def chat_stream(self, messages: Messages, **options: Unpack[ChatKeywords]) -> Stream:
        """chat(), piece by piece."""
        rendering, rest = self._rendered(messages, options)
        return self.stream(rendering, **rest)

    def achat_stream(self, messages: Messages, **options: Unpack[ChatKeywords]) -> AsyncStream:
        """chat_stream() for `async for`."""
        rendering, rest = self._rendered(messages, options)
        return self.astream(rendering, **rest)

    # ---- as other libraries call it ----

    chat_completion = chat_completion
    create_chat_completion = chat_completion
    create_completion = create_completion
    create_embedding = create_embedding
    __call__ = create_completion

    if not TYPE_CHECKING:  # which would take any name then

        def __getattr__(self, name: str) -> Any:
            raise missing(self, "Model", name)

    # ---- asking ----

    def ask(self, question: Question, prompt: Prompt | None = None, **options: Unpack[AskKeywords]) -> Answer:
        """Fills a prompt with a question (a text, or its fields), lets the model reason, finds the answer, votes. seed
        is that of the examples and of the answers."""
        fill, ask, generate = self._split(options, "fill", "ask", "generate")
        engine, query = self._raw, as_query(question)
        raw = None if prompt is None else prompt._raw
        return Answer(
            self._turns.alone(engine, lambda: _native.llm_ask(engine, raw, query, fill.raw, ask.raw, generate.raw))
        )

    # ---- scoring ----

    @overload
    def score(
        self,
        prompts: str | bytes,
        continuation: str | bytes,
        *,
        progress: Progress | None = None,
        **options: Unpack[ScoreKeywords],
    ) -> Completion: ...

    @overload
    def score(
        self,
        prompts: str | bytes,
        continuation: list[str] | list[bytes] | tuple[str, ...],
        *,
        progress: Progress | None = None,
        **options: Unpack[ScoreKeywords],
    ) -> list[Completion]: ...

    @overload
    def score(
        self, prompts: list[tuple[str, str]], *, progress: Progress | None = None, **options: Unpack[ScoreKeywords]
    ) -> list[Completion]: ...

    @overload
    def score(
        self,
        prompts: Any,
        continuation: Any = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[ScoreKeywords],
    ) -> Any: ...

    def score(
        self,
        prompts: Scored,
        continuation: Texts | None = None,
        *,
        progress: Progress | None = None,
        **options: Unpack[ScoreKeywords],
    ) -> Any:
        """Log-probabilities of continuations after prompts: score(prompt, continuation) gives one Completion,
        score(prompt, [continuation, ...]) and score([(prompt, continuation), ...]) a list. progress as for
        generate()."""
        items = as_list(prompts)
        if is_text(prompts) != (continuation is not None):
            raise TypeError(
                "Model.score: a prompt as text and its continuation (or continuations) are expected, or a list of pairs"
            )
        if continuation is not None:
            items = [(prompts, one) for one in ([continuation] if is_text(continuation) else as_list(continuation))]
        for name in options:
            if name not in ScoreKeywords.__annotations__:
                raise _options.unknown(name, "in Model.score()", ScoreKeywords.__annotations__)
        (shared,) = self._split(options, "generate")
        engine = self._raw

        def score_part(part: Any) -> Any:
            return self._turns.alone(engine, lambda: _native.llm_score(engine, part, shared.raw))

        raws = by_parts(items, progress, "score", score_part)
        scored = [Completion(raw, i) for raw in raws for i in range(_native.llm_result_count(raw))]
        return scored[0] if is_text(continuation) else scored

    def embed(
        self, texts: Texts, *, pooling: str = "file", normalize: bool = True, progress: Progress | None = None
    ) -> memoryview[float]:
        """One row per text, float32 [n, n_embd]; pooling "mean", "last" or "first", or "file": as the model's file
        says, the mean if it says nothing. progress as for generate()."""
        if pooling not in POOLINGS:
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, not {pooling!r}")
        items = [texts] if is_text(texts) else as_list(texts)
        engine, model, kind = self._raw, self._model, POOLINGS[pooling]

        def embed_part(part: Any) -> memoryview[float]:
            return self._turns.alone(engine, lambda: _native.embed(engine, model, part, kind, 1 if normalize else 0))

        parts = by_parts(items, progress, "embed", embed_part)
        if len(parts) == 1:
            return parts[0]
        n_rows = sum(part.shape[0] for part in parts if part.shape)
        whole: Any = memoryview(bytearray().join(parts))
        rows: memoryview[float] = whole.cast("f", (n_rows, self.info.n_embd))
        return rows

    def sequence(self) -> Sequence:
        """A new, empty sequence, for a sampling or search of one's own."""
        return Sequence(_native.llm_sequence_create(self._raw), self._raw, self._model, self._turns)


@checked
def quantize(
    source: Path,
    target: Path,
    dtype: str,
    *,
    runtime: Runtime | None = None,
    progress: Progress | None = None,
    **options: Unpack[QuantizeKeywords],
) -> None:
    """Writes a model (GGUF or Hugging Face folder) as a GGUF file whose matrices are stored as dtype, e.g. "Q4_K".
    progress=True shows a bar (tqdm); a function gets the share that is done."""
    (shared,) = _options.split(options, "quantize")
    report = Report(progress, "quantize")
    shared.raw.set_progress(report)
    root, kind = (runtime or default())._raw, _native.llm_dtype_parse(dtype)
    origin, goal = (os.fsencode(expanded(path)) for path in (source, target))
    with opening(origin):
        report.run(lambda: _native.llm_quantize(root, origin, goal, kind, shared.raw))
