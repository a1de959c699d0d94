"""What came of a run: tables with intervals, paired comparisons, exports, the report."""

from __future__ import annotations

import csv
import json
from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from . import report, stats, verdict
from .errors import ExperimentError, check_names, need
from .files import replacing
from .metrics import COMBINE
from .store import TIMINGS, Store
from .table import Table, confusion, frame, joined, varying

AXES = ("model", "prompt", "shots", "selector", "sampling")
Row = dict[str, Any]


@dataclass(frozen=True)
class CellResult:
    """The samples of one cell. vectors: [n_items, k], what the metric sums, averaged over the seeds of each item."""

    index: int
    axes: Row
    rows: Sequence[Row] = field(repr=False)
    vectors: np.ndarray = field(repr=False)
    n_distinct: int  # most different samples of one item
    estimate: stats.Estimate

    @property
    def label(self) -> str:
        return joined(self.axes.values())

    def average(self, column: str) -> float:
        return float(np.mean([r[column] for r in self.rows]))


class Result:
    """A finished run of a results file. run: its id, its number from 1, or None for the last one that finished."""

    def __init__(self, path: str | PathLike[str], run: str | int | None = None) -> None:
        self.path = Path(path)
        with Store(self.path, read_only=True) as store:
            chosen = _choose(store, run)
            self.run: str = chosen["id"]
            self.spec: dict[str, Any] = json.loads(chosen["spec"])
            self.samples: list[Row] = [_unpacked(row) for row in store.samples(self.run)]
            self.items: list[tuple[str, Row]] = store.items(self.run)
            self.executions: list[Row] = store.executions(self.run)
        self.metric: dict[str, Any] = self.spec["metric"]

    def __repr__(self) -> str:
        return f"<Result {self.path} run {self.run[:12]}: {len(self.cells)} cells, {len(self.samples)} samples>"

    @property
    def combine(self) -> stats.Combine:
        return COMBINE[self.metric["combined_by"]]

    @cached_property
    def cells(self) -> list[CellResult]:
        by_cell: dict[int, list[Row]] = defaultdict(list)
        for row in self.samples:
            by_cell[row["cell"]].append(row)
        rows = [by_cell[index] for index in sorted(by_cell)]
        vectors = [_by_item(r) for r in rows]
        self._draws = stats.Draws(vectors)
        return [self._cell(i, *one) for i, one in enumerate(zip(rows, vectors))]

    def _cell(self, index: int, rows: list[Row], vectors: np.ndarray) -> CellResult:
        keys: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            keys[row["item"]].add(row["key"])
        n_distinct = max(map(len, keys.values()))
        binary = self.metric["binary"]
        estimate = stats.estimate(vectors, self.combine, binary, n_distinct, draws=self._draws, place=index)
        return CellResult(index, {a: rows[0][a] for a in AXES}, rows, vectors, n_distinct, estimate)

    def paired(self, a: CellResult, b: CellResult, confidence: float = 0.95) -> stats.Paired:
        """The difference b - a over the same items."""
        n_distinct, binary = max(a.n_distinct, b.n_distinct), self.metric["binary"]
        places = (a.index, b.index)
        return stats.paired(
            a.vectors, b.vectors, self.combine, binary, n_distinct, confidence, draws=self._draws, places=places
        )

    # ---- tables ----

    def verdict(self) -> str:
        """One sentence: the best cell against the next best, and against the first of the grid as the baseline."""
        return verdict.sentence(self)

    def table(self) -> Table:
        """A row for each cell: the metric with its 95 % interval, and what it cost."""
        axes = varying([c.axes for c in self.cells], AXES, keep=("prompt", "shots"))
        rows = [
            {
                **{a: c.axes[a] for a in axes},
                "items": len(c.vectors),
                "samples": len(c.rows),
                self.metric["name"]: c.estimate.value,
                "low": c.estimate.low,
                "high": c.estimate.high,
                "no answer": sum(r["answer"] is None for r in c.rows) / len(c.rows),
                "prompt tokens": c.average("n_prompt"),
                "new tokens": c.average("n_new"),
            }
            for c in self.cells
        ]
        methods = sorted({c.estimate.method for c in self.cells})
        return Table(
            rows,
            f"{self.metric['name']} of {self.spec['data_name']}",
            (f"low, high: 95 % interval ({', '.join(methods)}); counted by item",),
        )

    def compare(self, a: Any = None, b: Any = None, by: str = "prompt") -> Table:
        """b against a (names of prompts, or values of another axis): for each setting of the other axes a paired test
        over the same items, Holm's correction over all rows. Without a and b: each pair of values."""
        check_names("compare: by", [by], AXES)
        values = list(dict.fromkeys(c.axes[by] for c in self.cells))
        if (a is None) != (b is None):
            raise ExperimentError(f"compare: {a!r} and {b!r}, expected two values, or none for each pair")
        for v in [v for v in (a, b) if v is not None]:
            if v not in values:
                raise ExperimentError(
                    f"compare: no {by} {v!r} in this run, expected one of {', '.join(map(repr, values))}"
                )
        pairs = [(a, b)] if a is not None else list(combinations(values, 2))
        found = [(x, y) for v, w in pairs for x in self._of(by, v) for y in self._of(by, w) if _match(x, y, by)]
        if not found:
            raise ExperimentError(
                f"compare: no two cells that differ in {by} alone, expected at least two of its values"
            )
        tests = [self.paired(x, y) for x, y in found]
        corrected = stats.holm([t.p for t in tests])
        others = varying([x.axes for x, _ in found], [axis for axis in AXES if axis != by])
        rows = [
            {
                "a": x.axes[by],
                "b": y.axes[by],
                **{axis: y.axes[axis] for axis in others},
                "items": t.n_items,
                "value a": x.estimate.value,
                "value b": y.estimate.value,
                "b - a": t.difference,
                "low": t.low,
                "high": t.high,
                "only a": t.only_a,
                "only b": t.only_b,
                "p": t.p,
                "p (Holm)": p,
                "significant": p < 0.05,
            }
            for (x, y), t, p in zip(found, tests, corrected)
        ]
        rows = [{k: v for k, v in r.items() if not k.startswith("only ") or tests[0].only_a is not None} for r in rows]
        return Table(
            rows,
            f"{self.metric['name']}, paired by item",
            (
                f"{', '.join(sorted({t.test for t in tests}))}; low, high: 95 % interval of b - a; p (Holm): "
                f"corrected for the {len(tests)} rows",
            ),
        )

    def _of(self, by: str, value: Any) -> list[CellResult]:
        return [c for c in self.cells if c.axes[by] == value]

    def confusion(self, cell: int = 0) -> Table:
        """Right answers (rows) against found ones (columns) of a cell; (none): no answer was found."""
        chosen = next((c for c in self.cells if c.index == cell), None)
        if chosen is None:
            raise ExperimentError(f"confusion: cell {cell}, expected 0 to {len(self.cells) - 1}")
        return confusion(chosen.rows)

    # ---- what others read ----

    def to_pandas(self, timings: bool = True) -> Any:
        """Every sample as a row of a pandas DataFrame; the columns are those of export."""
        return frame(self._exported(timings))

    def _exported(self, timings: bool) -> list[Row]:
        return [{k: v for k, v in r.items() if timings or k not in TIMINGS} for r in self.samples]

    def export(self, path: str | PathLike[str], timings: bool = True) -> None:
        """Every sample as CSV, JSONL or Parquet, by the suffix of path. timings False: only what is the same on every
        run and machine speed."""
        rows = self._exported(timings)
        suffix = Path(path).suffix.lower()
        if suffix not in EXPORTS:
            raise ExperimentError(f"{path}: suffix {suffix!r}, expected one of {', '.join(EXPORTS)}")
        with replacing(path) as part:
            EXPORTS[suffix](rows, part)

    def report(self, path: str | PathLike[str]) -> None:
        """One HTML file with everything: tables, plots, prompts, and each sample to search and filter."""
        report.write(self, path)


# ---- exports ----


def _jsonl(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)


def _csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(rows[0])
        writer.writerows([_flat(v) for v in r.values()] for r in rows)


def _parquet(rows: Sequence[Row], path: Path) -> None:
    need("pyarrow", "pyarrow", "writing Parquet")
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


EXPORTS = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}


def _choose(store: Store, run: str | int | None) -> Any:
    runs = store.runs()
    finished = [r for r in runs if r["finished"]]
    if run is None:
        if not finished:
            raise ExperimentError(f"{store.path}: {len(runs)} runs, none of them finished, expected one that is")
        return finished[-1]
    for r in runs:
        if run == r["number"] or isinstance(run, str) and len(run) >= 6 and r["id"].startswith(run):
            if not r["finished"]:
                raise ExperimentError(
                    f"{store.path}: run {run} has {r['n_done']} of {r['n_samples']} samples, expected "
                    "all: execute it again, it goes on where it was"
                )
            return r
    raise ExperimentError(
        f"{store.path}: no run {run!r}, expected a number from 1 to {len(runs)} or the beginning of an "
        "id (six characters or more)"
    )


def _unpacked(row: Any) -> Row:
    """A row with lists for what is kept as JSON or bytes."""
    out = dict(row)
    out["prompt_ids"] = list(array("i", row["prompt_ids"]))
    for name in ("ids", "stats", "outputs", "scored"):
        out[name] = None if row[name] is None else json.loads(row[name])
    out["reference"] = None if row["reference"] is None else str(row["reference"])
    outputs = [{"text": t, "ids": ids, "logprob": p} for t, ids, p in out["outputs"]]
    scored = [{"text": t, "logprob": p, "n_tokens": n} for t, p, n in out["scored"]]
    out["n_new"] = sum(len(o["ids"]) for o in outputs)
    return {**out, "outputs": outputs, "scored": scored}


def _by_item(rows: Sequence[Row]) -> np.ndarray:
    """What the metric sums, for each item in its order: [n_items, k], averaged over its seeds."""
    by_item: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_item[row["item"]].append(row["stats"])
    return np.array([np.mean(by_item[i], axis=0) for i in sorted(by_item)])


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _match(x: CellResult, y: CellResult, by: str) -> bool:
    """Whether two cells differ in one axis alone; those without shots have no selector to differ in."""
    free = {by, "selector"} if "" in (x.axes["selector"], y.axes["selector"]) else {by}
    return x is not y and all(x.axes[a] == y.axes[a] for a in AXES if a not in free)
