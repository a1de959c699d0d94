"""The report: one HTML file without any request to elsewhere. What models and data say is text, never markup: it
reaches the page as compressed JSON inside a script element that is not run, and the page's program only ever sets text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from itertools import groupby
from os import PathLike
from typing import TYPE_CHECKING, Any

from . import plots, verdict
from .errors import ExperimentError
from .files import replacing
from .number import spelled
from .table import varying

if TYPE_CHECKING:
    from .result import CellResult, Result, Row

MOST_LABELS = 12  # of a confusion matrix
MOST_ROWS = 12  # of comparisons that are shown at once
TITLES = {"model": "Model", "prompt": "Prompt", "shots": "Examples", "selector": "Selector", "sampling": "Sampling"}


def write(result: Result, path: str | PathLike[str]) -> None:
    """Writes the report of a result."""
    text = page(result)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def page(result: Result) -> str:
    """The whole page."""
    files = resources.files(__package__)
    program = files.joinpath("report.js").read_text(encoding="utf-8")
    hashed = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    parts = {
        "policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" + hashed + "'",
        "style": files.joinpath("report.css").read_text(encoding="utf-8"),
        "program": program,
        "title": html.escape(f"{result.metric['name']} of {result.spec['data_name']}"),
        "verdict": html.escape(result.verdict()),
        "note": html.escape(verdict.note(result)),
        "cells": cells_table(result),
        "comparisons": comparisons(result),
        "plots": figures(result),
        "about": about(result),
        "data": packed(contents(result)),
    }
    text = files.joinpath("report.html").read_text(encoding="utf-8")
    pieces = text.split("@@")  # names and text take turns, so that nothing inserted is looked at again
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def packed(value: Any) -> str:
    """JSON, compressed, in an alphabet that no element can be ended with."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


# ---- tables ----


@dataclass(frozen=True)
class Box:
    """A cell of a table: its text, and the number that it is sorted by. picture: markup instead of the text. link: where
    the text leads to."""

    text: str
    value: float | None = None
    picture: str = ""
    link: str = ""

    @property
    def kind(self) -> str:
        return "bar" if self.picture else "" if self.value is None else "n"

    def html(self) -> str:
        text = self.picture or html.escape(self.text)
        shown = f'<a href="{self.link}">{text}</a>' if self.link else text
        sort = "" if self.value is None else f' data-v="{self.value:.12g}"'
        return f"<td{f' class={self.kind}' if self.kind else ''}{sort}>{shown}</td>"


def table_html(titles: Sequence[str], rows: Sequence[Sequence[Box]], marks: Sequence[str] = ()) -> str:
    """A table whose columns the page's program sorts."""
    kinds = [rows[0][i].kind for i in range(len(titles))]
    head = "".join(
        f'<th scope="col"{f" class={kind}" if kind else ""}>{html.escape(t)}</th>' for t, kind in zip(titles, kinds)
    )
    body = "".join(
        f"<tr{mark}>{''.join(box.html() for box in row)}</tr>" for row, mark in zip(rows, marks or [""] * len(rows))
    )
    return (
        f'<div class="wide"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def valued(metric: Row, value: float) -> Box:
    """A metric's value: a share in percent, anything else as it is."""
    return Box(f"{100 * value:.1f} %" if metric["binary"] else f"{value:.4g}", value)


def interval(metric: Row, low: float, high: float, points: bool = False) -> Box:
    if not metric["binary"]:
        return Box(f"{low:.4g} to {high:.4g}", low)
    return Box(f"{100 * low:.1f} to {100 * high:.1f}{'' if points else ' %'}", low)


def bar(low: float, value: float, high: float, least: float, most: float) -> Box:
    """An interval as a line with its value as a tick, between the least and the most of the column."""
    a, v, b = (round(100 * (x - least) / ((most - least) or 1), 2) for x in (low, value, high))
    return Box(
        "",
        value,
        picture='<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="scale" d="M0 5H100M0 2V8M50 2V8M100 2V8"/><path d="M{a} 5H{b}M{v} 0V10"/></svg>',
    )


def axis(name: str, value: Any) -> Box:
    return Box(str(value), float(value) if name == "shots" else None)


def cells_table(result: Result) -> str:
    """A row for each cell: the metric with its interval, and what it cost."""
    cells, metric = result.cells, result.metric
    varied = varying([c.axes for c in cells], list(TITLES), keep=("prompt", "shots"))
    estimates = [c.estimate for c in cells]
    least = 0.0 if metric["binary"] else min(e.low for e in estimates)
    most = 1.0 if metric["binary"] else max(e.high for e in estimates)
    best = ranked(result)[0]
    rows = [
        [
            *(replace(axis(a, c.axes[a]), link=f"#cell={i}" if a == "prompt" else "") for a in varied),
            valued(metric, c.estimate.value),
            interval(metric, c.estimate.low, c.estimate.high),
            bar(c.estimate.low, c.estimate.value, c.estimate.high, least, most),
            percent(sum(r["answer"] is None for r in c.rows) / len(c.rows)),
            Box(f"{c.average('n_prompt'):,.0f}", c.average("n_prompt")),
            Box(f"{c.average('n_new'):,.1f}", c.average("n_new")),
        ]
        for i, c in enumerate(cells)
    ]
    marks = [f' id="cell-{c.index}"' + (' class="best"' if c is best else "") for c in cells]
    scale = "0 to 100 %" if metric["binary"] else f"{least:.3g} to {most:.3g}"
    titles = [*(TITLES[a] for a in varied), "Right" if metric["binary"] else metric["name"], "95 % interval", scale]
    methods = ", ".join(sorted({e.method for e in estimates}))
    return (
        table_html([*titles, "No answer", "Prompt tokens", "New tokens"], rows, marks)
        + f'<p class="note">{len(result.items):,} items, {len(cells)} cells, {len(result.samples):,} samples. '
        f"Intervals: {html.escape(methods)}, counted by item. Tokens: the mean of a sample.</p>"
    )


def percent(share: float) -> Box:
    return Box(f"{100 * share:.1f} %", share)


def ranked(result: Result) -> list[CellResult]:
    sign = -1 if result.metric["higher_is_better"] else 1
    return sorted(result.cells, key=lambda c: sign * c.estimate.value)


def comparisons(result: Result) -> str:
    """Of prompts, or of the next axis that has several values."""
    for by, title in TITLES.items():
        try:
            table = result.compare(by=by)
        except ExperimentError:  # there is only one value of this axis
            continue
        shown = comparison_table(result.metric, table.rows)
        if len(table) > MOST_ROWS:
            shown = f"<details><summary>All {len(table)} comparisons</summary>{shown}</details>"
        notes = "".join(f'<p class="note">{html.escape(n)}</p>' for n in table.notes)
        heading = f'<h2 id="by-title">Compared by {title.lower()}</h2>'
        return f'<section aria-labelledby="by-title">{heading}{shown}{notes}</section>'
    return ""


def comparison_table(metric: Row, rows: Sequence[Row]) -> str:
    others = [name for name in rows[0] if name in TITLES]
    name = "right" if metric["binary"] else metric["name"]
    titles = ["A", "B", *(TITLES[other] for other in others), f"A {name}", f"B {name}", "B - A", "95 % interval"]
    counts = [name for name in ("only a", "only b") if name in rows[0]]
    titles += [*(f"{count[:-1].capitalize()}{count[-1].upper()}" for count in counts), "p", "p (Holm)", "Better"]
    return table_html(titles, [_comparison(metric, r, others, counts) for r in rows])


def _comparison(metric: Row, r: Row, others: Sequence[str], counts: Sequence[str]) -> list[Box]:
    difference = r["b - a"]
    better = r["b"] if (difference > 0) == metric["higher_is_better"] else r["a"]
    return [
        Box(str(r["a"])),
        Box(str(r["b"])),
        *(axis(name, r[name]) for name in others),
        valued(metric, r["value a"]),
        valued(metric, r["value b"]),
        Box(f"{100 * difference:+.1f} points" if metric["binary"] else f"{difference:+.4g}", difference),
        interval(metric, r["low"], r["high"], points=True),
        *(Box(str(r[name]), r[name]) for name in counts),
        Box(p_text(r["p"]), r["p"]),
        Box(p_text(r["p (Holm)"]), r["p (Holm)"]),
        Box(str(better) if r["significant"] else "no difference told"),
    ]


def p_text(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.1 else f"{p:.2f}"


# ---- plots ----


def figures(result: Result) -> str:
    """The plots with their captions, in as many columns as leave no gap."""
    made = [("What it costs", plots.svg(partial(plots.cost, result)))]
    if len({c.axes["shots"] for c in result.cells}) > 1:
        made.insert(0, ("More examples", plots.svg(partial(plots.intervals, result))))
    if any(r["n_new"] for r in result.samples):
        made.append(("Length of completions", plots.svg(partial(plots.lengths, result))))
    best = ranked(result)[0]
    if result.metric["binary"] and few_labels(best):
        made.append((f"Right and found answers: {best.label}", plots.svg(partial(plots.confusion_matrix, best.rows))))
    columns = {1: 2, 4: 2}.get(len(made), len(made))
    shown = "".join(
        f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>" for caption, picture in made
    )
    return f'<div class="plots" style="--columns: {columns}">{shown}</div>'


def few_labels(cell: CellResult) -> bool:
    labels, found = ({r[name] for r in cell.rows} for name in ("reference", "answer"))
    return 1 < len(labels) <= MOST_LABELS and len(found) <= 2 * MOST_LABELS


# ---- answers ----


def contents(result: Result) -> dict[str, Any]:
    """What the page's program shows. The beginning that all prompts of a cell have in common is there once; samples
    go by items, so that what is alike is close together."""
    cells = result.cells
    shared = [os.path.commonprefix([r["rendered"] for r in c.rows]) if len(c.rows) > 1 else "" for c in cells]
    by_item = [[list(rows) for _, rows in groupby(c.rows, lambda r: r["item"])] for c in cells]
    return {
        "binary": result.metric["binary"],
        "best": list(dict.fromkeys([0, *(c.index for c in ranked(result))])),
        "cells": [
            {"name": verdict.named(c, cells), "value": head_text(result.metric, c), "shared": s}
            for c, s in zip(cells, shared)
        ],
        "items": [item(*one) for one in result.items],
        "samples": [[distinct(of[i], s) for of, s in zip(by_item, shared)] for i in range(len(result.items))],
    }


def head_text(metric: Row, cell: CellResult) -> str:
    e = cell.estimate
    return f"{valued(metric, e.value).text} ({interval(metric, e.low, e.high, points=True).text})"


def item(identity: str, fields: Row) -> Row:
    """An item as the grid shows it: a question, a right answer, and all other fields with their names."""
    texts = {
        name: spelled(v) if isinstance(v, (str, int, float)) else json.dumps(v, ensure_ascii=False)
        for name, v in fields.items()
    }
    question = "question" if "question" in texts else next((n for n in texts if n not in ("id", "answer")), "id")
    others = [[n, t] for n, t in texts.items() if n not in ("id", "answer", question)]
    return {"id": identity, "question": texts.get(question, ""), "reference": texts.get("answer", ""), "fields": others}


def distinct(rows: Sequence[Row], shared: str) -> list[list[Any]]:
    """The samples of an item in a cell; those of several seeds that are one completion are there once."""
    found: dict[str, list[Any]] = {}
    for r in rows:
        if r["key"] not in found:
            found[r["key"]] = [
                r["answer"],
                r["score"],
                r["text"],
                r["rendered"][len(shared) :],
                None if r["logprob"] is None else round(r["logprob"], 3),
                r["n_prompt"],
                r["n_new"],
                r["finish"],
                [],
            ]
        found[r["key"]][-1].append(r["seed"])
    return list(found.values())


# ---- how it was made ----


def about(result: Result) -> str:
    """Date, command, versions, machine; and the hashes that say what exactly was asked."""
    first, runs = result.samples[0], result.executions

    def all_of(name: str) -> str:
        return (
            "; ".join(dict.fromkeys(e[name] for e in runs if name in e)) or "not kept by the library that computed this"
        )

    facts = {
        "Date": all_of("date"),
        "Command": all_of("command"),
        "Versions": f"libllm {first['library']}, {all_of('versions')}",
        "Machine": all_of("machine"),
        "Back end": "; ".join(dict.fromkeys(r["backend"] for r in result.samples)),
        "Executor": all_of("executor"),
        "Models": "; ".join(f"{label} {m['model'][:16]}" for label, m in result.spec["models"].items()),
        "Data": f"{result.spec['data_name']} {first['data_hash'][:16]}",
        "Run": result.run[:16],
    }
    shown = "".join(f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in facts.items() if text)
    return f'<dl class="fields">{shown}</dl>'
