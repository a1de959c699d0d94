"""The pictures of a report, as SVG texts that are the same on every run."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .errors import need
from .table import confusion, joined

if TYPE_CHECKING:
    from .result import CellResult, Result

# Seen on white and on black.
COLORS = ("#3b82c4", "#d9722b", "#3f9d5a", "#9467d6", "#d1519b", "#8b95a3", "#b98a1f", "#2a9d9d")
MARKS = "osD^vPX*"
BARS = 20  # of a histogram, at most
SETTINGS = {
    "svg.hashsalt": "libllm",
    "svg.fonttype": "none",
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "text.parse_math": False,
}
INK = "#010203"  # stands for the colour of the page's text, which is not known before it is looked at
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
LEGEND_WIDTH, SIGN_WIDTH = 58, 10  # of a line, and of the sign and the space beside each name, in characters


def drawn(
    draw: Callable[[Any], None], width: float = 4.8, height: float = 3.3, form: str = "svg", ink: str = "black"
) -> bytes:
    """What draw(axes) draws, as a file. ink: the colour of texts and lines; any but black leaves the ground free."""
    matplotlib = need("matplotlib", "matplotlib", "the plots of the report")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS | dict.fromkeys(INKED, ink)):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes)
        handles, labels = axes.get_legend_handles_labels()
        if len(labels) > 1:
            columns = max(1, LEGEND_WIDTH // (max(map(len, labels)) + SIGN_WIDTH))
            figure.legend(handles, labels, loc="outside upper left", ncols=min(columns, len(labels)))
        out = io.BytesIO()
        figure.savefig(
            out, format=form, dpi=120, metadata={"Date": None} if form == "svg" else {}, transparent=ink != "black"
        )
    return out.getvalue()


def svg(draw: Callable[[Any], None]) -> str:
    """The same to be put inside HTML: without the lines before <svg>, in the colour of the text around it."""
    text = drawn(draw, ink=INK).decode().replace(INK, "currentColor")
    return text[text.index("<svg") :].replace("<svg ", '<svg fill="currentColor" ', 1)


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


def value_axis(result: Result, axes: Any, title: str = "{}") -> None:
    """The vertical axis: a share in percent, or the metric in its own units."""
    if result.metric["binary"]:
        from matplotlib.ticker import PercentFormatter

        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(title.format("Right answers" if result.metric["binary"] else result.metric["name"]))


def intervals(result: Result, axes: Any) -> None:
    """The metric against the number of examples, with its intervals, a line for each prompt."""
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
    axes.set_xlabel("Examples in the prompt")
    value_axis(result, axes, "{} with 95 % intervals")


def cost(result: Result, axes: Any) -> None:
    """The metric against the tokens of a sample."""
    numbered = len({c.axes["shots"] for c in result.cells}) > 1
    for i, (name, cells) in enumerate(series(result).items()):
        x = [c.average("n_prompt") + c.average("n_new") for c in cells]
        color, marker = COLORS[i % len(COLORS)], MARKS[i % len(MARKS)]
        axes.plot(x, [c.estimate.value for c in cells], label=name, color=color, marker=marker, linestyle=":")
        for at, c in zip(x, cells) if numbered else ():
            above = {"textcoords": "offset points", "xytext": (4, 4)}
            axes.annotate(str(c.axes["shots"]), (at, c.estimate.value), **above)
    axes.set_xlabel(f"Tokens of prompt and answer{' (numbers: examples)' if numbered else ''}")
    axes.set_xlim(left=0)
    value_axis(result, axes)


def lengths(result: Result, axes: Any) -> None:
    """How long the completions are, by prompt."""
    by_prompt: dict[str, list[int]] = {}
    for r in result.samples:
        by_prompt.setdefault(r["prompt"], []).append(r["n_new"])
    colors = [COLORS[i % len(COLORS)] for i in range(len(by_prompt))]
    least, most = min(map(min, by_prompt.values())), max(map(max, by_prompt.values()))
    width = -(-(most - least + 1) // BARS)  # whole tokens
    bins = [least - 0.5 + width * i for i in range((most - least) // width + 2)]
    axes.hist(list(by_prompt.values()), bins=bins, label=list(by_prompt), color=colors)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("Tokens of a completion")
    axes.set_ylabel("Samples")


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
    axes.set_xlabel("Answer found")
    axes.set_ylabel("Right answer")
