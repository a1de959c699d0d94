"""The report: one HTML file without any request to elsewhere. What models and data say is text, never markup: it
reaches the page as JSON inside a script element that is not run, and the page's program only ever sets text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from functools import partial
from importlib import resources
from os import PathLike
from typing import TYPE_CHECKING, Any

from . import plots
from .errors import ExperimentError
from .files import replacing

if TYPE_CHECKING:
    from .result import Result

MOST_LABELS = 12  # of a confusion matrix
COLUMNS = ("cell", "item_id", "seed", "answer", "reference", "score", "logprob", "n_prompt", "n_new", "finish", "text")


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
        "about": about(result),
        "table": result.table().html(),
        "comparisons": comparisons(result),
        "plots": figures(result),
        "data": embedded(contents(result)),
    }
    text = files.joinpath("report.html").read_text(encoding="utf-8")
    pieces = text.split("@@")  # names and text take turns, so that nothing inserted is looked at again
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def embedded(value: Any) -> str:
    """JSON that is safe inside a script element: no character of it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def about(result: Result) -> str:
    first = result.samples[0]
    facts = [
        f"run {result.run[:16]}",
        f"library {first['library']}",
        f"data {first['data_hash'][:16]}",
        *(f"model {label} {m['model'][:16]}" for label, m in result.spec["models"].items()),
        f"{len(result.cells)} cells, {len(result.samples)} samples",
    ]
    return "; ".join(html.escape(f) for f in facts)


def comparisons(result: Result) -> str:
    """Of prompts, and of the numbers of shots where the prompts are one."""
    for axis in ("prompt", "shots", "model", "sampling"):
        try:
            return f"<h2>Comparison by {axis}</h2>{result.compare(by=axis).html()}"
        except ExperimentError:  # there is only one value of this axis
            continue
    return ""


def figures(result: Result) -> str:
    """The plots with their captions."""
    n_tokens = any(r["n_new"] for r in result.samples)
    made = [
        ("With intervals", plots.svg(partial(plots.intervals, result))),
        ("Tokens against the metric", plots.svg(partial(plots.cost, result))),
    ]
    if n_tokens:
        made.append(("Length of completions", plots.svg(partial(plots.lengths, result))))
    labels = {r["reference"] for r in result.samples}
    if result.metric["binary"] and 1 < len(labels) <= MOST_LABELS:
        best = max(result.cells, key=lambda c: c.estimate.value)
        found = {r["answer"] for r in best.rows}
        if len(found) <= 2 * MOST_LABELS:
            made.append(
                (f"Right and found answers: {best.label}", plots.svg(partial(plots.confusion_matrix, best.rows)))
            )
    return "".join(
        f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>" for caption, picture in made
    )


def contents(result: Result) -> dict[str, Any]:
    """What the page's program shows. The beginning that all prompts of a cell have in common is there once."""
    cells, samples = [], []
    for c in result.cells:
        shared = os.path.commonprefix([r["rendered"] for r in c.rows]) if len(c.rows) > 1 else ""
        cells.append({"label": c.label, **c.axes, "shared": shared, "value": c.estimate.value})
        for r in c.rows:
            samples.append([*(r[name] for name in COLUMNS), r["rendered"][len(shared) :]])
    places = {c.index: i for i, c in enumerate(result.cells)}
    for s in samples:
        s[0] = places[s[0]]
    return {
        "binary": result.metric["binary"],
        "metric": result.metric["name"],
        "cells": cells,
        "columns": COLUMNS,
        "samples": samples,
    }
