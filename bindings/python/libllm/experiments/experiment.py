"""An experiment: the axes of a grid, a plan, and the run that fills a results file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any

from libllm import Model

from . import backend, on_ray, provenance
from .data import Data, Item, digest, from_records
from .errors import ExperimentError, check_names, checked, told
from .grid import Cell, Completion, Engine, Grid, cells
from .judge import judge
from .metrics import Metric, as_metric, exact
from .plan import Plan, plan_model, power
from .prompts import Prompt, Sampling, Selector, as_sampling, as_selector, check_number
from .result import Result
from .run import Progress, compute, missing
from .store import Store
from .table import joined
from .tasks import load

Source = str | PathLike[str] | Model
EXECUTORS = ("local", "ray")


@checked
class Experiment:
    """A grid of models x prompts x shots x selectors x sampling, every cell with all seeds and items.

    models         files (GGUF, or Hugging Face directories), or open Models, which stay open
    prompts        Prompt objects
    data           Data (see load), a file that load reads, or a list of objects with the fields that prompts and
                   metric read
    metric         a Metric, its name, or a function of (answer, fields) -> bool or number
    shots          numbers of examples
    selectors      names (first, random, balanced, knn, bm25, mmr) or Selector objects
    sampling       Sampling objects or their options as dicts; a single one is fine
    seeds          of the draws, and of random and balanced selection
    engine         options of the model and the engine by name: backend, n_threads, n_ctx, n_seqs, ...; of open models
                   those of the engine
    """

    def __init__(
        self,
        models: Sequence[Source] | Source,
        prompts: Sequence[Prompt] | Prompt,
        data: Data | str | PathLike[str] | Iterable[Any],
        metric: Any = exact,
        *,
        shots: Iterable[int] | int = (0,),
        selectors: Iterable[Any] | Selector | str = ("first",),
        sampling: Iterable[Any] | Sampling = Sampling(),
        seeds: Iterable[int] | int = (0,),
        engine: Mapping[str, Any] | None = None,
    ) -> None:
        self.models = _labels(models)
        self.prompts = _listed("prompts", prompts, Prompt)
        given: Any = load(data) if isinstance(data, (str, PathLike)) else data
        self.data: Data = given if isinstance(given, Data) else from_records(given)
        self.metric: Metric = as_metric(metric)
        self.shots = _numbers("shots", shots, 2**20)
        if isinstance(seeds, int):
            raise ExperimentError(f"seeds is {seeds!r}, expected a list of them, such as range({seeds!r})")
        self.seeds = _numbers("seeds", seeds, 2**63 - 1)
        self.selectors = [
            as_selector(s) for s in ([selectors] if isinstance(selectors, (str, Selector)) else selectors)
        ]
        self.sampling = [
            as_sampling(s) for s in ([sampling] if isinstance(sampling, (Sampling, Mapping)) else sampling)
        ]
        for what, values in (("selectors", self.selectors), ("sampling", self.sampling)):
            if not values:
                raise ExperimentError(f"{what} is empty, expected at least one")
        self.engine_options = dict(engine or {})
        if self.metric.continuations is not None and any(p.chat for p in self.prompts):
            raise ExperimentError(f"metric {self.metric.name}: scores texts after plain prompts, expected chat=False")
        _differ("prompts", [p.name for p in self.prompts])
        _differ("selectors", [s.label for s in self.selectors])
        _differ("sampling", [f"{s.label} max_tokens={s.max_tokens}" for s in self.sampling])
        self.cells = cells(list(self.models), self.prompts, self.shots, self.selectors, self.sampling)
        self._grids: dict[str, Grid] = {}

    # ---- the grid ----

    def _grid(self, label: str) -> Grid:
        """The rendered grid of a model, with its engine open."""
        if label not in self._grids:
            opened: Engine = backend.open_engine(self.models[label], self.engine_options)
            own = [c for c in self.cells if c.model == label]
            self._grids[label] = Grid(opened, own, self.data, self.seeds, self.metric)
        return self._grids[label]

    def close(self) -> None:
        """Closes the models; they are opened again when they are needed."""
        for grid in self._grids.values():
            grid.engine.close()
        self._grids.clear()

    def __enter__(self) -> Experiment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spec(self) -> dict[str, Any]:
        """Everything that the results depend on, by hashes. Two experiments of one spec are one run."""
        grids = [self._grid(label) for label in self.models]
        return {
            "data": self.data.hash,
            "data_name": self.data.name,
            "seeds": self.seeds,
            "metric": {
                "name": self.metric.name,
                "hash": self.metric.hash,
                "kind": self.metric.kind,
                "binary": self.metric.binary,
                "combined_by": self.metric.combined_by,
                "higher_is_better": self.metric.higher_is_better,
            },
            "models": {label: vars(grid.engine.identity) for label, grid in zip(self.models, grids)},
            "cells": [
                [
                    c.axes,
                    c.sampling.max_tokens,
                    c.prompt.max_tokens,
                    c.prompt.votes,
                    c.prompt.extract,
                    c.prompt.marker,
                    c.prompt.stops,
                    h,
                ]
                for c in self.cells
                for h in [self._grid(c.model).template_hashes[c.index]]
            ],
        }

    # ---- what is asked of it ----

    def plan(self, results: str | PathLike[str] | None = None, measure: bool = True) -> Plan:
        """Exact token counts, before and after sharing prefixes; about how long it takes if every completion has all
        its tokens, by a short try (not if measure is False); and the smallest difference that the sample could show.
        results: a file whose completions need not be computed again."""
        known: set[str] = set()
        if results is not None and Path(results).exists():
            with Store(results, read_only=True) as store:
                known = {key for label in self.models for key in store.known(self._grid(label).requests)}
        parts = tuple(plan_model(label, self._grid(label), known, measure) for label in self.models)
        n_tests = max(1, len(self.cells) // len(self.prompts) * len(list(combinations(self.prompts, 2))))
        seeded = any(r.seed is not None for label in self.models for r in self._grid(label).requests.values()) or any(
            c.selector is not None and c.selector.seeded(c.prompt) for c in self.cells
        )
        return Plan(
            len(self.cells),
            len(self.data),
            len(self.seeds),
            len(self.cells) * len(self.data) * len(self.seeds),
            parts,
            n_tests,
            self.metric.binary,
            *power(len(self.data), n_tests, self.metric.binary),
            seeded,
        )

    def execute(
        self,
        results: str | PathLike[str],
        progress: bool | None = None,
        executor: str = "local",
        workers: int | None = None,
    ) -> Result:
        """Computes what the results file lacks and judges all of it. May be ended at any time and called again.

        progress  show a bar; None: where standard error is a terminal
        executor  "local": this process; "ray": the workers of a Ray cluster, which open the models by their paths
        workers   how many of them; None: one for each machine of the cluster
        """
        check_names("execute: executor", [executor], EXECUTORS)
        if workers is not None:
            check_number("execute: workers", workers, 1, 2**20, int)
            if executor == "local":
                raise ExperimentError(f"execute: workers is {workers}, expected None for the executor 'local'")
        grids = [self._grid(label) for label in self.models]
        spec = self._spec()
        run = digest(spec)
        with Store(results) as store:
            store.begin(run, spec, self.cells, self.data, grids)
            todo = [missing(grid, store) for grid in grids]
            store.execute(run, sum(map(len, todo)), provenance.facts(executor, workers))
            with Progress(sum(map(len, todo)), progress) as bar:
                for label, grid, keys in zip(self.models, grids, todo):
                    if keys and executor == "ray":
                        with on_ray.pool(
                            self.models[label], self.engine_options, grid.engine.identity, workers
                        ) as pool:
                            compute(grid, keys, store, bar.advance, pool.run)
                    else:
                        compute(grid, keys, store, bar.advance)
            store.finish(run, self._judged(store, grids))
        return Result(results, run)

    def _judged(self, store: Store, grids: Sequence[Grid]) -> Iterable[tuple[Any, ...]]:
        by_index = {c.index: c for c in self.cells}
        for grid in grids:
            judged: dict[tuple[str, str, int], tuple[Any, ...]] = {}
            for s in grid.samples:
                prompt = by_index[s.cell].prompt
                key = (s.key, prompt.name, s.item)
                if key not in judged:
                    judged[key] = self._judge(store.completion(s.key), prompt, self.data.items[s.item])
                yield (*judged[key], s.cell, s.item, s.seed)

    def _judge(self, completion: Completion, prompt: Prompt, item: Item) -> tuple[Any, ...]:
        try:
            return judge(completion, prompt, self.metric, item.fields)
        except Exception as e:
            raise ExperimentError(
                f"metric {self.metric.name} failed on item {item.id!r} asked with prompt {prompt.name!r}: {told(e)}"
            ) from e

    def rendered(self, item: int = 0) -> dict[str, str]:
        """The prompts of one item as the model is given them, by cell; to look at before running."""
        if not 0 <= item < len(self.data):
            raise ExperimentError(f"rendered: item {item}, expected 0 to {len(self.data) - 1}")
        seen = {}
        for label in self.models:
            grid = self._grid(label)
            for s in grid.samples:
                if s.item == item and s.cell not in seen:
                    seen[s.cell] = grid.requests[s.key].text
        return {joined(c.axes.values()): seen[c.index] for c in self.cells}


def _labels(models: Sequence[Source] | Source) -> dict[str, str | Model]:
    """{label: path or open model}: the file's name, or where two are alike the whole path."""
    sources = [models] if isinstance(models, (str, PathLike, Model)) else list(models)
    paths = []
    for m in sources:
        if not isinstance(m, (str, PathLike, Model)):
            raise ExperimentError(f"models: {m!r:.60}, expected the path of a model, or an open Model")
        path = fsdecode(m.path if isinstance(m, Model) else m)
        if not Path(path).exists():
            raise ExperimentError(f"models: {path}: no such file or directory, expected a model")
        paths.append(path)
    if not paths:
        raise ExperimentError("models is empty, expected at least one path")
    _differ("models", paths)
    stems = [Path(p).stem for p in paths]
    return {s if stems.count(s) == 1 else p: m if isinstance(m, Model) else p for s, p, m in zip(stems, paths, sources)}


def _listed(what: str, values: Any, kind: type) -> list[Any]:
    values = [values] if isinstance(values, kind) else list(values)
    for v in values:
        if not isinstance(v, kind):
            raise ExperimentError(f"{what}: {v!r:.60}, expected a {kind.__name__}")
    if not values:
        raise ExperimentError(f"{what} is empty, expected at least one {kind.__name__}")
    return values


def _numbers(what: str, values: Any, most: int) -> list[int]:
    values = [values] if isinstance(values, int) else list(values)
    for v in values:
        check_number(what, v, 0, most, int)
    if not values:
        raise ExperimentError(f"{what} is empty, expected at least one whole number")
    _differ(what, values)
    return values


def _differ(what: str, values: Sequence[Any]) -> None:
    for v in values:
        if values.count(v) > 1:
            raise ExperimentError(f"{what}: {v!r} is there {values.count(v)} times, expected different ones")
