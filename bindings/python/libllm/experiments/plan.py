"""What an experiment will take, and what it can find, before anything of it is computed."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from . import stats
from .grid import Engine, Grid, Request
from .prefix import in_order, unique_tokens

PROBE_TOKENS, PROBE_REQUESTS, PROBE_PROMPT = 16, 32, 512


@dataclass(frozen=True)
class ModelPlan:
    """The part of one model. Times are None without a measurement."""

    model: str
    n_requests: int
    n_cached: int  # of the requests: already in the results file
    n_prompt_tokens: int  # over all requests, as they stand
    n_unique_tokens: int  # after sharing prefixes: what is computed
    n_new_tokens: int  # at most
    memory_bytes: int
    seconds: float | None = None  # if each completion has all its tokens


@dataclass(frozen=True)
class Plan:
    """Prints as a table; the numbers are members."""

    n_cells: int
    n_items: int
    n_seeds: int
    n_samples: int
    models: tuple[ModelPlan, ...]
    n_tests: int
    binary: bool
    smallest_difference: float | None  # of two cells, in the metric's units, or in standard deviations if not binary
    smallest_if_similar: float | None  # the same, if the two disagree on one item in five only
    seed_matters: bool

    @property
    def n_prompt_tokens(self) -> int:
        return sum(m.n_prompt_tokens for m in self.models)

    @property
    def n_unique_tokens(self) -> int:
        return sum(m.n_unique_tokens for m in self.models)

    @property
    def n_new_tokens(self) -> int:
        return sum(m.n_new_tokens for m in self.models)

    @property
    def n_requests(self) -> int:
        return sum(m.n_requests for m in self.models)

    @property
    def n_cached(self) -> int:
        return sum(m.n_cached for m in self.models)

    @property
    def memory_bytes(self) -> int:
        """Models run one after the other."""
        return max(m.memory_bytes for m in self.models)

    @property
    def seconds(self) -> float | None:
        times = [m.seconds for m in self.models]
        return None if None in times else sum(times)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.n_cells} cells x {self.n_items} items x {self.n_seeds} seeds = {self.n_samples:,} samples, "
            f"{self.n_requests:,} different requests"
            + (f", {self.n_cached:,} of them already computed" if self.n_cached else "")
        ]
        if not self.seed_matters and self.n_seeds > 1:
            lines.append("every sample is greedy and shows the same shots for all seeds: the seeds change nothing")
        for m in self.models:
            saved = 1 - m.n_unique_tokens / m.n_prompt_tokens if m.n_prompt_tokens else 0.0
            lines.append(
                f"{m.model}: {m.n_prompt_tokens:,} prompt tokens, {m.n_unique_tokens:,} to compute "
                f"({saved:.0%} shared), at most {m.n_new_tokens:,} new ones; "
                f"{m.memory_bytes / 2**20:,.0f} MiB"
                + ("" if m.seconds is None else f"; about {duration(m.seconds)} with all of them")
            )
        return "\n".join([*lines, self._power()])

    def _power(self) -> str:
        tests = f"{self.n_tests} comparisons corrected by Holm" if self.n_tests > 1 else "one comparison"
        head = f"with {self.n_items} items and {tests}, power 80 %"
        if not self.binary:
            return (
                f"{head}: differences of {self.smallest_difference:.2f} standard deviations of the paired differences"
            )
        if self.smallest_difference is None:
            return f"{head}: too few items to find any difference of two prompts that disagree on half of them"
        text = f"{head}: differences from {100 * self.smallest_difference:.1f} points on"
        if self.smallest_if_similar is not None:
            text += f" ({100 * self.smallest_if_similar:.1f} if two prompts disagree on only 20 % of the items)"
        return text


def duration(seconds: float) -> str:
    """1.2 s, 3:04 min, 2:10 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{minutes}:{int(seconds % 60):02d} min" if hours == 0 else f"{hours}:{minutes % 60:02d} h"


def sequences(engine: Engine, requests: Sequence[Request]) -> list[array]:
    """What the model reads: the prompts' ids, with each continuation that is to be scored."""
    out: list[array] = []
    for r in requests:
        out += [engine.tokenize(r.text + c) for c in r.continuations] if r.continuations else [r.ids]
    return sorted(out, key=in_order)


def plan_model(label: str, grid: Grid, known: set[str], measure: bool) -> ModelPlan:
    """Counts, and times if measure is set, what of the grid is not known yet."""
    engine, requests = grid.engine, list(grid.requests.values())
    missing = [grid.requests[key] for key in grid.ordered() if key not in known]
    read = sequences(engine, missing)
    part = ModelPlan(
        label,
        len(requests),
        len(requests) - len(missing),
        sum(map(len, read)),
        unique_tokens(read),
        sum(r.max_tokens * r.votes for r in missing),
        engine.memory(missing),
    )
    if not measure:
        return part
    if not missing:
        return replace(part, seconds=0.0)
    read_s, new_s = speeds(engine, read)
    return replace(part, seconds=part.n_unique_tokens * read_s + part.n_new_tokens * new_s)


def speeds(engine: Engine, read: Sequence[array]) -> tuple[float, float]:
    """Seconds for a prompt's token and for a new one, by a short try with the beginnings of a few of the prompts."""
    step = max(1, len(read) // PROBE_REQUESTS)
    beginnings = [ids[:PROBE_PROMPT] for ids in list(read[::step])[:PROBE_REQUESTS] if len(ids)]
    n_read = unique_tokens(sorted(beginnings, key=in_order))

    def timed(prompts: Sequence[array], max_tokens: int) -> tuple[float, int]:
        start = time.perf_counter()
        done = [c for _, c in engine.run([Request("", ids, max_tokens) for ids in prompts])]
        return time.perf_counter() - start, sum(len(ids) for c in done for _, ids, _ in c.outputs)

    timed(beginnings[:1], 1)  # the first engine prepares the weights
    start, _ = timed([ids[:1] for ids in beginnings[:1]], 1)
    first, n_first = timed(beginnings, 1)
    longer, n_longer = timed(beginnings, 1 + PROBE_TOKENS)
    return beyond(first, start) / max(1, n_read), beyond(longer, first) / max(1, n_longer - n_first)


def beyond(longer: float, shorter: float) -> float:
    """What the longer try took more; all of it where other work of the machine hid that: too much rather than nothing."""
    return longer - shorter if longer > shorter else longer


def power(n_items: int, n_tests: int, binary: bool) -> tuple[float | None, float | None]:
    """The smallest differences of Plan."""
    if not binary:
        return stats.smallest_effect(n_items, n_tests=n_tests), None
    return (
        stats.smallest_difference(n_items, 0.5, n_tests=n_tests),
        stats.smallest_difference(n_items, 0.2, n_tests=n_tests),
    )
