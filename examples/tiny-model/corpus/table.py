"""Reads the tables: sections that begin with "== name", lines of entries, comments after #."""

import os

from . import words as w


def sections(file):
    """{name: lines} in the order of the file; comments stand on lines of their own, at the head of the file or of a section."""
    out, lines = {}, None
    with open(os.path.join(os.path.dirname(__file__), "tables", file), encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("== "):
                lines = out[line[3:].partition(":")[0].strip()] = []
            elif line.strip() and not line.startswith("#"):
                lines.append(line)
    return out


def entries(text, separator="/"):
    """The entries of one or more lines."""
    lines = [text] if isinstance(text, str) else text
    return [e.strip() for line in lines for e in line.split(f" {separator} " if separator == "/" else separator) if e.strip()]


def keyed(lines):
    """{key: lines} of lines such as "key: text", with what is indented below them."""
    out, key = {}, None
    for line in lines:
        if line[0] != " ":
            key, _, line = line.partition(":")
            out[key] = []
        out[key].append(line.strip())
    return out


def word(rng, items):
    """One of a list in which @NAME stands for a list of words.py, and @INVENTED for the plural of a word that does not exist."""
    x = rng.choice(items)
    if x == "@INVENTED":
        return w.plural(w.invented(rng, short=True))
    return rng.choice(getattr(w, x[1:])) if x.startswith("@") else x
