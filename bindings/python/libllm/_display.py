"""HTML of what notebooks show. Whatever models and files say is text in it, never markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

_TEXT = "white-space: pre-wrap"
_SMALL = "font-size: smaller; opacity: 0.7"
_CELL = "text-align: left; vertical-align: top"


def text(value: str) -> str:
    """A text with its lines and spaces."""
    return f'<div style="{_TEXT}">{escape(value)}</div>'


def small(value: str) -> str:
    """What is said beside it."""
    return f'<div style="{_SMALL}">{escape(value)}</div>'


def table(rows: Iterable[Iterable[Any]], head: Iterable[str] = ()) -> str:
    """Rows of values; the cells of a row that are texts keep their lines."""
    names = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in head)
    lines = [f"<tr>{names}</tr>"] if names else []
    for row in rows:
        cells = (text(value) if isinstance(value, str) else escape(str(value)) for value in row)
        lines.append("<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>")
    return f"<table>{''.join(lines)}</table>"


def marked(pieces: Iterable[tuple[str, bool, str]]) -> str:
    """A text of pieces (text, whether it stands out, what it is)."""
    spans = (
        f'<span title="{escape(title)}" style="{"" if out else "opacity: 0.6"}">{escape(piece)}</span>'
        for piece, out, title in pieces
    )
    return f'<div style="{_TEXT}">{"".join(spans)}</div>'
