"""The grid: cells (model x prompt x shots x selector x sampling), and in each cell a sample for every seed and item. It
is rendered and tokenized before anything is computed; samples that ask the model the same share one request."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from .data import Data, Fields, Item, canonical
from .errors import ExperimentError, told
from .metrics import Metric, Scored
from .prefix import in_order
from .prompts import Prompt, Sampling, Selector


@dataclass(frozen=True)
class Identity:
    """What a result depends on beside the request: the model, the tokenizer, the library, the back end."""

    model: str
    tokenizer: str
    chat_template: str
    library: str
    backend: str


@dataclass(frozen=True)
class Filled:
    """A prompt with its question: the text, and the ids that the model is given."""

    text: str
    ids: array


@dataclass(frozen=True)
class Request:
    """What a model is asked. continuations: to be scored; none: a completion is generated."""

    text: str
    ids: array = field(compare=False)
    max_tokens: int = 0
    stops: tuple[str, ...] = ()
    votes: int = 1
    sampling: str = "{}"  # the options that matter, as canonical JSON
    seed: int | None = None  # None: it changes nothing
    continuations: tuple[str, ...] = ()

    def options(self) -> str:
        """All but the prompt, as canonical JSON."""
        return canonical(
            {
                "max_tokens": self.max_tokens,
                "stops": self.stops,
                "votes": self.votes,
                "sampling": self.sampling,
                "seed": self.seed,
                "continuations": self.continuations,
            }
        )

    def key(self, identity: Identity) -> str:
        """What the result is kept under: a hash of everything that it depends on, and of nothing else."""
        h = hashlib.sha256(
            canonical(
                [
                    identity.model,
                    identity.tokenizer,
                    identity.library,
                    identity.backend,
                    self.options(),
                    self.text if self.continuations else "",
                ]
            ).encode()
        )
        h.update(self.ids.tobytes())
        return h.hexdigest()


@dataclass(frozen=True)
class Completion:
    """What came of a request. outputs: the text, ids and log-probability of each vote; scored: of each continuation."""

    outputs: tuple[tuple[str, array, float], ...] = ()
    scored: tuple[Scored, ...] = ()
    finish: str = "length"
    n_cached: int = 0
    queue_ms: float = 0.0
    prompt_ms: float = 0.0
    decode_ms: float = 0.0


class Engine(Protocol):
    """A loaded model, as the grid and the run see it. The one of the library is backend.NativeEngine."""

    path: str
    identity: Identity
    n_ctx: int

    def fill(
        self, prompt: Prompt, examples: Sequence[Fields], item: Fields, shots: int, selector: Selector, seed: int
    ) -> Filled: ...

    def tokenize(self, text: str) -> array: ...

    def run(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """The requests' places and what came of them, as they end."""
        ...

    def memory(self, requests: Sequence[Request]) -> int:
        """Bytes that running these takes, the model's file included."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Cell:
    """One combination of the grid. model: its label."""

    index: int
    model: str
    prompt: Prompt
    shots: int
    selector: Selector | None  # None without shots
    sampling: Sampling

    @property
    def axes(self) -> dict[str, str | int]:
        return {
            "model": self.model,
            "prompt": self.prompt.name,
            "shots": self.shots,
            "selector": self.selector.label if self.selector else "",
            "sampling": self.sampling.label,
        }


@dataclass(frozen=True)
class Sample:
    """One question asked once."""

    cell: int
    item: int
    seed: int
    key: str


def cells(
    models: Sequence[str],
    prompts: Sequence[Prompt],
    shots: Sequence[int],
    selectors: Sequence[Selector],
    samplings: Sequence[Sampling],
) -> list[Cell]:
    """Every combination; without shots there is nothing to select, so that those with 0 shots are there once."""
    combinations = [
        (m, p, k, s if k else None, how)
        for m in models
        for p in prompts
        for k in shots
        for s in (selectors if k else selectors[:1])
        for how in samplings
    ]
    return [Cell(i, *c) for i, c in enumerate(combinations)]


def request_seed(item: Item, seed: int) -> int:
    """The seed of an item's draws. All items with one number would all draw the same, which is no independent
    sampling; by the item's fields, its place in the data does not matter."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{item.hash}".encode()).digest()[:8], "big")


def make_request(filled: Filled, cell: Cell, item: Item, seed: int, continuations: tuple[str, ...] | None) -> Request:
    """What is asked for a sample, without what changes nothing. continuations: None where text is generated."""
    if continuations is not None:
        return Request(filled.text, filled.ids, continuations=continuations)
    prompt, sampling = cell.prompt, cell.sampling
    return Request(
        filled.text,
        filled.ids,
        prompt.max_tokens or sampling.max_tokens,
        prompt.stops,
        1 if sampling.greedy else prompt.votes,
        canonical(sampling.effective),
        None if sampling.greedy else request_seed(item, seed),
    )


def examples_of(prompt: Prompt, data: Data, most: int) -> Sequence[Fields]:
    """What the prompt's shots are chosen from; refuses if there are too few."""
    examples: Sequence[Fields] = prompt.examples if prompt.examples is not None else data.examples  # type: ignore
    if most > len(examples):
        raise ExperimentError(
            f"prompt {prompt.name}: {most} shots of {len(examples)} examples, expected at least "
            f"{most}: give Prompt(examples=...) or load(..., examples=...)"
        )
    return examples


class Grid:
    """The rendered grid of one model: its samples in order, and the distinct requests by key."""

    def __init__(
        self, engine: Engine, model_cells: Sequence[Cell], data: Data, seeds: Sequence[int], metric: Metric
    ) -> None:
        self.engine, self.data, self.metric = engine, data, metric
        self.samples: list[Sample] = []
        self.requests: dict[str, Request] = {}
        self.template_hashes: dict[int, str] = {}
        self._continuations = [self._checked(item) for item in data]
        for _, alike in groupby(model_cells, lambda cell: (cell.prompt.name, cell.shots, cell.selector)):
            first, *others = alike
            filled = self._fill(first, seeds)
            for cell in (first, *others):
                self._add(cell, seeds, filled)

    def _checked(self, item: Item) -> tuple[str, ...] | None:
        """What is to be scored for an item that the metric can judge; None if it judges generated text."""
        metric = self.metric
        try:
            metric.check(item.fields)
            return None if metric.continuations is None else tuple(metric.continuations(item.fields))
        except Exception as e:
            raise ExperimentError(f"metric {metric.name} refuses item {item.id}: {told(e)}") from e

    def _fill(self, cell: Cell, seeds: Sequence[int]) -> list[list[Filled]]:
        """The prompts of each item: one, or one for each seed if that changes which examples are shown."""
        prompt, selector = cell.prompt, cell.selector or Selector()
        examples = examples_of(prompt, self.data, cell.shots)
        for i, example in enumerate(examples if cell.shots else ()):
            prompt.check_fields(f"example {i}", example, True)
        for item in self.data:
            prompt.check_fields(f"item {item.id}", item.fields, False)
        used = seeds if cell.shots and selector.seeded(prompt) else seeds[:1]
        return [
            [self.engine.fill(prompt, examples, item.fields, cell.shots, selector, seed) for seed in used]
            for item in self.data
        ]

    def _add(self, cell: Cell, seeds: Sequence[int], prompts: Sequence[Sequence[Filled]]) -> None:
        """The samples of a cell and what they ask."""
        examples = examples_of(cell.prompt, self.data, cell.shots)
        self.template_hashes[cell.index] = cell.prompt.template_hash(examples, self.engine.identity.chat_template)
        for place, (item, of_item) in enumerate(zip(self.data, prompts)):
            for i, seed in enumerate(seeds):
                request = make_request(of_item[i % len(of_item)], cell, item, seed, self._continuations[place])
                key = request.key(self.engine.identity)
                if key not in self.requests:
                    self._check_room(request, cell, item)
                    self.requests[key] = request
                self.samples.append(Sample(cell.index, place, seed, key))

    def _check_room(self, request: Request, cell: Cell, item: Item) -> None:
        """Nothing may end for want of room: how much there is would change the result."""
        need = len(request.ids) + request.max_tokens
        if need > self.engine.n_ctx:
            raise ExperimentError(
                f"model {cell.model}: prompt {cell.prompt.name} with {cell.shots} shots and item {item.id} takes "
                f"{len(request.ids)} tokens and up to {request.max_tokens} new ones, expected at most "
                f"{self.engine.n_ctx} in all: fewer shots, a smaller max_tokens, a budget, or a larger n_ctx"
            )

    def ordered(self) -> list[str]:
        """The keys, so that requests with a common beginning follow each other."""
        return sorted(self.requests, key=lambda key: (in_order(self.requests[key].ids), key))
