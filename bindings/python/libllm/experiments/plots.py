"""The pictures of a report, as SVG texts that are the same on every run."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .errors import need
from .table import confusion, joined

if TYPE_CHECKING:
    from .result import CellResult, Result

COLORS = ("#2b6cb0", "#c05621", "#2f855a", "#805ad5", "#b83280", "#718096", "#b7791f", "#285e61")
MARKS = "osD^vPX*"
SETTINGS = {
    "svg.hashsalt": "libllm",
    "svg.fonttype": "none",
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.autolayout": True,
    "text.parse_math": False,
}


def drawn(draw: Callable[[Any], None], width: float = 6.4, height: float = 4.0, form: str = "svg") -> bytes:
    """What draw(axes) draws, as a file."""
    matplotlib = need("matplotlib", "matplotlib", "the plots of the report")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        draw(figure.add_subplot())
        out = io.BytesIO()
        figure.savefig(out, format=form, dpi=120, metadata={"Date": None} if form == "svg" else {})
    return out.getvalue()


def svg(draw: Callable[[Any], None]) -> str:
    """The same to be put inside HTML: without the lines before <svg>."""
    text = drawn(draw).decode()
    return text[text.index("<svg") :]


def series(result: Result) -> dict[str, list[CellResult]]:
    """Cells by everything but the number of shots."""
    names = [
        a
        for a in ("model", "prompt", "sampling", "selector")
        if a == "prompt" or len({c.axes[a] for c in result.cells if c.axes["shots"]} or {""}) > 1
    ]
    out: dict[str, list[CellResult]] = {}
    for c in result.cells:
        out.setdefault(joined(c.axes[n] for n in names), []).append(c)
    return out


def intervals(result: Result, axes: Any) -> None:
    """The metric against the number of shots, with its intervals, a line for each prompt."""
    lines, shots = series(result), sorted({c.axes["shots"] for c in result.cells})
    for i, (name, cells) in enumerate(lines.items()):
        offset = 0.08 * (i - (len(lines) - 1) / 2)
        x = [shots.index(c.axes["shots"]) + offset for c in cells]
        y = [c.estimate.value for c in cells]
        error = [
            [max(0.0, c.estimate.value - c.estimate.low) for c in cells],
            [max(0.0, c.estimate.high - c.estimate.value) for c in cells],
        ]
        axes.errorbar(x, y, error, label=name, color=COLORS[i % len(COLORS)], marker=MARKS[i % len(MARKS)], capsize=3)
    axes.set_xticks(range(len(shots)), [str(s) for s in shots])
    axes.set_xlabel("shots")
    axes.set_ylabel(f"{result.metric['name']}, with 95 % intervals")
    if result.metric["binary"]:
        axes.set_ylim(-0.02, 1.02)
    axes.legend(frameon=False)


def cost(result: Result, axes: Any) -> None:
    """The metric against the tokens of a sample."""
    for i, (name, cells) in enumerate(series(result).items()):
        x = [c.average("n_prompt") + c.average("n_new") for c in cells]
        axes.plot(
            x,
            [c.estimate.value for c in cells],
            label=name,
            color=COLORS[i % len(COLORS)],
            marker=MARKS[i % len(MARKS)],
            linestyle=":",
        )
        for at, c in zip(x, cells):
            axes.annotate(str(c.axes["shots"]), (at, c.estimate.value), textcoords="offset points", xytext=(5, 5))
    axes.set_xlabel("tokens of a sample, prompt and answer (numbers: shots)")
    axes.set_ylabel(result.metric["name"])
    axes.legend(frameon=False)


def lengths(result: Result, axes: Any) -> None:
    """How long the completions are, by prompt."""
    by_prompt: dict[str, list[int]] = {}
    for r in result.samples:
        by_prompt.setdefault(r["prompt"], []).append(r["n_new"])
    colors = [COLORS[i % len(COLORS)] for i in range(len(by_prompt))]
    axes.hist(list(by_prompt.values()), bins=20, label=list(by_prompt), color=colors)
    axes.set_xlabel("tokens of a completion")
    axes.set_ylabel("samples")
    axes.legend(frameon=False)


def confusion_matrix(rows: Sequence[dict[str, Any]], axes: Any) -> None:
    """Right answers against found ones."""
    table = confusion(rows)
    found = table.columns[1:]
    counts = [[r[f] for f in found] for r in table.rows]
    axes.imshow(counts, cmap="Blues", aspect="auto")
    most = max(map(max, counts))
    for y, line in enumerate(counts):
        for x, n in enumerate(line):
            axes.text(x, y, str(n), ha="center", va="center", color="white" if n > most / 2 else "black")
    axes.set_xticks(range(len(found)), [f[:20] for f in found], rotation=30, ha="right")
    axes.set_yticks(range(len(table)), [r["right answer"][:20] for r in table.rows])
    axes.set_xlabel("found")
    axes.set_ylabel("right")
