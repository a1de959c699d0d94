"""What a run says, in one sentence: the best cell against the next best and against the baseline, which is the first
cell of the grid. The best is chosen after looking, from all cells; so intervals and tests are corrected for every pair
that there is (Bonferroni), and a difference is told only where both exclude none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import stats
from .table import varying

if TYPE_CHECKING:
    from .result import CellResult, Result

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gap:
    """How far a cell is ahead of another: positive is better, whatever the metric."""

    paired: stats.Paired
    told: bool
    text: str  # "61 points (95 %: 48 to 72)"


def sentence(result: Result) -> str:
    """The verdict of a run."""
    cells, n_items = result.cells, len(result.cells[0].vectors)
    names = {c.index: named(c, cells) for c in cells}
    if len(cells) == 1:
        return f"{names[cells[0].index]}: {value_text(result, cells[0].estimate)} on {n_items:,} items."
    sign = 1 if result.metric["higher_is_better"] else -1
    best, after = sorted(cells, key=lambda c: -sign * c.estimate.value)[:2]  # stable: of equal ones the first
    base = cells[0]
    best_name, next_name = names[best.index], names[after.index]
    if len(cells) > 2:
        best_name = f"the baseline, {best_name}," if best is base else best_name
        next_name = f"the next best, the baseline {next_name}," if after is base else f"the next best, {next_name},"
    gaps = [(next_name, gap(result, best, after))]
    if base is not best and base is not after:
        gaps.append((f"the baseline, {names[base.index]},", gap(result, best, base)))
    return _said(best_name, gaps, f"on {n_items:,} items")


def _said(best: str, gaps: Sequence[tuple[str, Gap]], where: str) -> str:
    told = [f"{other} by {g.text}" for other, g in gaps if g.told]
    if not told:
        return (
            f"No difference can be told {where}: {best} is "
            + " and ".join(
                f"ahead of {other} by {g.text}" if g.paired.difference else f"level with {other} at {g.text}"
                for other, g in gaps
            )
            + "."
        )
    untold = [f"; no difference from {other} can be told: {g.text}" for other, g in gaps if not g.told]
    text = f"{best} beats {' and '.join(told)}{',' if told[1:] else ''} {where}{''.join(untold)}."
    return text.replace("the baseline", "The baseline", 1) if best.startswith("the baseline") else text


def note(result: Result) -> str:
    """How the verdict was made, where that is more than a single comparison."""
    n, method = len(result.cells), result.cells[0].estimate.method
    if n == 1:
        return f"One cell: nothing to compare it with. Interval: {method}."
    test = gap(result, result.cells[1], result.cells[0]).paired.test
    if n == 2:
        return f"Paired by item ({test})."
    return (
        f"The baseline is the first cell of the grid. The best of {n} cells is chosen after looking, so intervals and "
        f"tests ({test}, paired by item) are corrected for all {n_pairs(n)} pairs of cells (Bonferroni)."
    )


def n_pairs(n: int) -> int:
    return n * (n - 1) // 2


def gap(result: Result, better: CellResult, other: CellResult) -> Gap:
    n = n_pairs(len(result.cells))
    low, high = (other, better) if result.metric["higher_is_better"] else (better, other)
    found = result.paired(low, high, 1 - (1 - CONFIDENCE) / n)
    told = found.low > 0 and found.p * n < 1 - CONFIDENCE
    return Gap(found, told, gap_text(result.metric, found))


def gap_text(metric: dict[str, Any], found: stats.Paired) -> str:
    """The difference with its interval, in points of percent or in the metric's own units."""
    if metric["binary"]:
        value, low, high = numbers([100 * found.difference, 100 * found.low, 100 * found.high])
        return f"{value} {'point' if value == '1' else 'points'} (95 %: {low} to {high})"
    value, low, high = (f"{x:.3g}" for x in (found.difference, found.low, found.high))
    lower = "" if metric["higher_is_better"] else "lower is better; "
    return f"{value} in {metric['name']} ({lower}95 %: {low} to {high})"


def numbers(values: Sequence[float]) -> list[str]:
    """With as few decimals as show the first of them, and no bound of the interval as 0 that is not."""
    for decimals in (0, 1, 2):
        texts = [f"{x:.{decimals}f}" for x in values]
        if all(float(t) or abs(x) < 0.005 for t, x in zip(texts, values)) and (abs(values[0]) >= 10 or decimals):
            break
    if all(t.endswith(".0") for t in texts):
        texts = [t[:-2] for t in texts]
    return ["0" if not float(t) else t for t in texts]


def value_text(result: Result, e: stats.Estimate) -> str:
    """The value of a cell with its interval."""
    if result.metric["binary"]:
        return f"{100 * e.value:.1f} % right (95 %: {100 * e.low:.1f} to {100 * e.high:.1f})"
    return f"{result.metric['name']} {e.value:.4g} (95 %: {e.low:.4g} to {e.high:.4g})"


def named(cell: CellResult, cells: Sequence[CellResult]) -> str:
    """A cell in words, by what it differs in from the others: "cot with 4 examples"."""
    differ = varying([c.axes for c in cells], list(cell.axes))
    shots = cell.axes["shots"]
    words = {
        "shots": "without examples" if shots == 0 else f"with {shots} example{'' if shots == 1 else 's'}",
        "selector": f"chosen by {cell.axes['selector']}" if cell.axes["selector"] else "",
        "sampling": f"at {cell.axes['sampling']}",
        "model": f"by {cell.axes['model']}",
    }
    return " ".join([cell.axes["prompt"], *(words[a] for a in words if a in differ and words[a])])
