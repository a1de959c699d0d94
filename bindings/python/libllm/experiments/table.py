"""A small table of results: rows of named values, printed, as Markdown, as CSV, or as a pandas frame."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import need


@dataclass(frozen=True)
class Table:
    """rows: dictionaries with the same keys. title and notes stand above and below where it is printed."""

    rows: list[dict[str, Any]]
    title: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> list[str]:
        return list(self.rows[0]) if self.rows else []

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[shown(v) for v in row.values()] for row in self.rows]

    def __str__(self) -> str:
        lines = [self.columns, *self.cells()]
        widths = [max(map(len, column)) for column in zip(*lines)] if self.rows else []
        number = [all(isinstance(r[c], (int, float, type(None))) for r in self.rows) for c in self.columns]
        text = [
            "  ".join(cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(line, widths, number))
            for line in lines
        ]
        if self.rows:
            text.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join(line.rstrip() for line in [*([self.title] if self.title else []), *text, *self.notes])

    __repr__ = __str__

    def markdown(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.cells()]
        return "\n".join(
            "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in line) + " |" for line in lines
        )

    def html(self) -> str:
        head = "".join(f"<th>{html.escape(c)}</th>" for c in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in line) + "</tr>" for line in self.cells())
        notes = "".join(f"<p class=note>{html.escape(n)}</p>" for n in self.notes)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"

    _repr_html_ = html

    def csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([self.columns, *(list(r.values()) for r in self.rows)])
        return out.getvalue()

    def to_pandas(self) -> Any:
        return frame(self.rows)


def frame(rows: Sequence[dict[str, Any]]) -> Any:
    """A pandas DataFrame of rows with the same keys."""
    return need("pandas", "pandas", "to_pandas").DataFrame(list(rows))


def shown(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


def joined(values: Iterable[Any]) -> str:
    """Values of axes as one name; "" says nothing."""
    return " / ".join(str(v) for v in values if v != "")


def varying(rows: Sequence[dict[str, Any]], names: Sequence[str], keep: Sequence[str] = ()) -> list[str]:
    """Of the names, those in which the rows differ, or that are to be kept. "" is no value: without shots there is no
    selector to differ in."""
    return [n for n in names if n in keep or len({r[n] for r in rows} - {""}) > 1]


def confusion(rows: Sequence[dict[str, Any]]) -> Table:
    """How often each right answer (rows) got each found one (columns)."""
    pairs = Counter((str(r["reference"]), "(none)" if r["answer"] is None else r["answer"]) for r in rows)
    wanted = sorted({w for w, _ in pairs})
    found = [
        *wanted,
        *sorted({f for _, f in pairs} - set(wanted) - {"(none)"}),
        *(["(none)"] if any(f == "(none)" for _, f in pairs) and "(none)" not in wanted else []),
    ]
    return Table(
        [{"right answer": w, **{f: pairs[w, f] for f in found}} for w in wanted], "right against found answers"
    )
