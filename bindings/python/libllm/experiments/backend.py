"""A model as an experiment sees it: the one module here that opens one. Requests go in sorted, so that those with a
common beginning meet in the engine, which computes it once; as many run at once as the engine has room for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from libllm import Model, Runtime, _options
from libllm import native as _native
from libllm._run import Turns, interruptible
from libllm.errors import NotFound
from libllm.result import Result
from libllm.token_ids import TokenIds

from .data import Fields, canonical, digest
from .errors import ExperimentError, check_names
from .grid import Completion, Filled, Identity, Request
from .metrics import Scored
from .prefix import common
from .prompts import Prompt, Selector

N_SEQS = 64  # sequences computed at once, if the options do not say
PAGE = 64  # room that a sequence may waste at its end, in tokens
SCORED_AT_ONCE = 64
LOOK_SECONDS = 0.05  # results wait so long to be taken together


# ---- what a result depends on ----


def files_of(path: str) -> list[Path]:
    """The files of a model: all of a directory's, or all parts of a split GGUF."""
    model = Path(path)
    if model.is_dir():
        return sorted(p for p in model.iterdir() if p.is_file())
    part = re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.gguf", model.name)
    return [model] if part is None else sorted(model.parent.glob(f"{glob_safe(part[1])}-?????-of-{part[2]}.gguf"))


def glob_safe(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)


def hash_files(paths: Sequence[Path]) -> str:
    parts = []
    for path in paths:
        with path.open("rb") as file:
            parts.append([path.name if len(paths) > 1 else "", hashlib.file_digest(file, "sha256").hexdigest()])
    return digest(parts)


def _tokenizer_hash(tokenizer: Any) -> str:
    h = hashlib.sha256(_native.llm_tokenizer_kind(tokenizer).encode())
    for i in range(_native.llm_tokenizer_size(tokenizer)):
        info = _native.llm_tokenizer_get_token(tokenizer, i)
        h.update(f"{info.type} {info.score} {info.text}\0".encode())
    return h.hexdigest()


@cache
def _library(backend: str) -> str:
    """Version and hash of the library's files as they are loaded: another build may round otherwise."""
    wanted = re.compile(rf"/libllm(-{re.escape(backend)})?\.so[.\d]*$")
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:  # no such file on this system: the version alone
        return _native.llm_version_text()
    loaded = sorted({p for line in lines for p in [line.partition("/")[2].strip()] if wanted.search(f"/{p}")})
    return f"{_native.llm_version_text()}+{hash_files([Path('/', p) for p in loaded])[:16]}"


def _device(runtime: Any, name: str) -> str:
    """The back end and what it computes with; the number of threads changes no result."""
    for i in range(_native.llm_runtime_device_count(runtime)):
        info = _native.llm_runtime_device_get(runtime, i)
        if info.name == name:
            return f"{name}: " + re.sub(r",? *\d+ threads?", "", info.description)
    return name


# ---- the engine ----


def _copied(ids: TokenIds) -> array:
    return array("i", ids.tobytes())


@lru_cache(maxsize=64)
def _prepared(group: str, given: tuple[tuple[str, Any], ...], stops: tuple[str, ...] = ()) -> _options.Options:
    """Options for a call; neighbours in a grid mostly have the same."""
    (options,) = _options.split(dict(given), group)
    if stops:
        options.raw.set_stop_strings(list(stops))
    return options


def opened(source: str | Model, options: Mapping[str, Any]) -> Model:
    """The model of a path, or the one that is open already: then the options can only be those of an engine."""
    groups = ("engine",) if isinstance(source, Model) else ("runtime", "model", "engine")
    check_names("engine", options, [name for group in groups for name in _options.table(group)])
    if isinstance(source, Model):
        return source
    of = {group: {k: v for k, v in options.items() if k in _options.table(group)} for group in groups}
    return Model(source, runtime=Runtime(**of["runtime"]), **{"n_seqs": 1} | of["model"] | of["engine"])  # type: ignore


class NativeEngine:
    """grid.Engine by the library."""

    def __init__(self, source: str | Model, options: Mapping[str, Any]) -> None:
        model = opened(source, options)
        self.path = os.fsdecode(model.path)
        self._own = {k: v for k, v in options.items() if k in _options.table("engine")}
        self._runtime: Any = model._root
        self._model: Any = model._model
        self._tokenizer = _native.llm_model_get_tokenizer(self._model)
        if self._tokenizer is None:
            raise ExperimentError(f"{self.path}: a model without a tokenizer, expected one with")
        self._turns = Turns()
        self._prompts: dict[str, Any] = {}
        # One sequence is enough to render with; a run makes an engine of the size that it needs.
        if model is source:
            self._renderer: Any = _native.llm_engine_create(self._model, self._engine_options({"n_seqs": 1}).raw)
        else:
            self._renderer = model._raw
        self.n_ctx = _native.llm_engine_estimate(self._model, self._engine_options({}).raw).n_ctx
        self.identity = self._identity()

    def _identity(self) -> Identity:
        name = _native.llm_model_get_info(self._model).backend
        model = hash_files(files_of(self.path))
        try:
            template = _native.llm_model_find_meta(self._model, "tokenizer.chat_template")
        except NotFound:
            template = model
        device = f"{_device(self._runtime, name)}; cache {str(self._own.get('kv_dtype', 'auto')).lower()}"
        return Identity(model, _tokenizer_hash(self._tokenizer), digest(template), _library(name), device)

    def _engine_options(self, sizes: Mapping[str, Any]) -> _options.Options:
        (options,) = _options.split({**sizes, **self._own}, "engine")
        return options

    def close(self) -> None:
        self._prompts.clear()
        self._renderer = self._tokenizer = self._model = self._runtime = None

    # ---- rendering ----

    def tokenize(self, text: str) -> array:
        return _copied(_native.llm_tokenizer_encode(self._tokenizer, text, _native.LLM_ENCODE_ADD_SPECIAL))

    def _prompt(self, prompt: Prompt, examples: Sequence[Fields]) -> Any:
        """The library's prompt object, made once for each set of examples."""
        key = digest([prompt.create_options, list(examples)])
        if key not in self._prompts:
            (options,) = _options.split(prompt.create_options, "prompt")
            made = _native.llm_prompt_create(self._runtime, options.raw)
            if examples:
                _native.llm_prompt_add_examples(made, json.dumps(list(examples)), _native.LLM_EXAMPLES_JSON)
            self._prompts[key] = made
        return self._prompts[key]

    def fill(
        self, prompt: Prompt, examples: Sequence[Fields], item: Fields, shots: int, selector: Selector, seed: int
    ) -> Filled:
        given = {
            "k": shots,
            "select": selector.name,
            "seed": seed,
            "mmr_lambda": selector.mmr_lambda,
            "bm25_k1": selector.bm25_k1,
            "bm25_b": selector.bm25_b,
            **prompt.fill_options,
        }
        options = _prepared("fill", tuple(given.items()))
        made = self._prompt(prompt, examples)
        filled = _native.llm_prompt_fill(made, self._renderer, canonical(item), options.raw)
        ids, is_chat = _native.llm_filled_tokens(filled)
        text = _native.llm_tokenizer_decode(self._tokenizer, ids, 0) if is_chat else _native.llm_filled_text(filled)
        return Filled(text, _copied(ids))

    # ---- running ----

    def _sizes(self, requests: Sequence[Request]) -> dict[str, int]:
        """Options of an engine that has room for as many of the requests as it computes at once."""
        n_seqs = self._own.get("n_seqs", max([N_SEQS, *(r.votes for r in requests)]))
        return {"n_seqs": n_seqs, "n_kv_tokens": room(requests, n_seqs)}

    def memory(self, requests: Sequence[Request]) -> int:
        estimate = _native.llm_engine_estimate(self._model, self._engine_options(self._sizes(requests)).raw)
        return int(estimate.total_bytes) + sum(p.stat().st_size for p in files_of(self.path))

    def run(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        if not requests:
            return
        sizes = self._sizes(requests)
        engine = _native.llm_engine_create(self._model, self._engine_options(sizes).raw)
        scored = [i for i, r in enumerate(requests) if r.continuations]
        generated = [i for i, r in enumerate(requests) if not r.continuations]
        for begin in range(0, len(scored), SCORED_AT_ONCE):
            yield from self._score(engine, requests, scored[begin : begin + SCORED_AT_ONCE])
        yield from self._generate(engine, requests, generated, 2 * sizes["n_seqs"])

    def _score(self, engine: Any, requests: Sequence[Request], places: Sequence[int]) -> list[tuple[int, Completion]]:
        items = [(requests[i].text, c) for i in places for c in requests[i].continuations]
        (options,) = _options.split({}, "generate")
        result = Result(self._turns.alone(engine, lambda: _native.llm_score(engine, items, options.raw)))
        stats = result.stats
        out, parts = [], iter(result)
        for i in places:
            texts = requests[i].continuations
            scored = [Scored(text, part.logprob, len(part.logprobs)) for text, part in zip(texts, parts)]
            out.append(
                (
                    i,
                    Completion(
                        scored=tuple(scored),
                        n_cached=stats.n_cached_tokens * len(scored) // len(items),
                        prompt_ms=stats.prompt_ms * len(scored) / len(items),
                    ),
                )
            )
        return out

    def _generate(
        self, engine: Any, requests: Sequence[Request], places: Sequence[int], ahead: int
    ) -> Iterator[tuple[int, Completion]]:
        """Keeps `ahead` requests waiting or running until all are done."""
        waiting = list(reversed(places))
        live: dict[int, Any] = {}
        started = 0.0

        def enough_ended() -> bool:
            n_ended = len(live) - self._turns.n_active
            late = time.monotonic() - started > LOOK_SECONDS
            return n_ended >= min(ahead // 4 + 1, len(live)) or (n_ended > 0 and late)

        def cancel() -> None:
            for request in live.values():
                _native.llm_request_cancel(request)

        while waiting or live:
            while waiting and len(live) < ahead:
                place = waiting.pop()
                live[place] = self._submit(engine, requests[place])
            started, self._turns.n_active = time.monotonic(), len(live)
            interruptible(lambda: self._turns.step_until(engine, enough_ended), cancel)
            for place in [i for i, request in live.items() if _native.llm_request_done(request)]:
                yield place, self._completion(live.pop(place))

    @staticmethod
    def _submit(engine: Any, request: Request) -> Any:
        given = json.loads(request.sampling) | {"max_tokens": request.max_tokens, "n": request.votes, "n_logprobs": 0}
        if request.seed is not None:
            given["seed"] = request.seed
        options = _prepared("generate", tuple(given.items()), request.stops)
        return _native.llm_request_submit_tokens(engine, request.ids, options.raw)

    @staticmethod
    def _completion(request: Any) -> Completion:
        _native.llm_request_status(request)
        result = Result(_native.llm_request_result(request))
        outputs = [(one.text, _copied(one.ids), one.logprob) for one in result]
        names = [one.finish for one in result]
        finish = next((n for n in names if n in ("context", "error", "cancelled")), names[0])
        stats = result.stats
        return Completion(
            tuple(outputs),
            finish=finish,
            n_cached=stats.n_cached_tokens,
            queue_ms=stats.queue_ms,
            prompt_ms=stats.prompt_ms,
            decode_ms=stats.decode_ms,
        )


def room(requests: Sequence[Request], n_seqs: int) -> int:
    """Tokens that a cache holds when any n_seqs neighbours of the requests run at once, common beginnings once."""
    own, last = [], array("i")
    for r in requests:
        longest = max(map(len, r.continuations), default=0)  # bytes: at least as many as tokens
        new = r.votes * (r.max_tokens + longest + PAGE)
        own.append(len(r.ids) - common(last, r.ids) + new if len(last) and len(r.ids) else len(r.ids) + new)
        last = r.ids
    most = running = 0
    for i, tokens in enumerate(own):
        running += tokens - (own[i - n_seqs] if i >= n_seqs else 0)
        shared = len(requests[max(0, i - n_seqs + 1)].ids)  # what the first of them has from those before it
        most = max(most, running + shared)
    return most + PAGE


def open_engine(source: str | Model, options: Mapping[str, Any]) -> NativeEngine:
    return NativeEngine(source, options)
