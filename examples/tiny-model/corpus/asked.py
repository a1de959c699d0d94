"""The wordings of heldout/, which no problem of training may have."""

import json
import os
import re

from . import closed

_HELDOUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "heldout")
_CLOSED = set(closed.WORDS)


def masked(question):
    """A question without its numbers, names and things: what is left is its wording."""
    words = re.findall(r"[a-z]+|[0-9]+|[^\w\s]", question.lower())
    return " ".join(x if not x.isalnum() or x in _CLOSED else "0" if x.isdigit() else "w" for x in words)


def _wordings():
    with open(f"{_HELDOUT}/known.txt", encoding="utf-8") as f:
        known = set(f.read().splitlines())
    with open(f"{_HELDOUT}/problems.jsonl", encoding="utf-8") as f:
        asked = [json.loads(line)["question"] for line in f if line.strip()]
    return {masked(q) for q in asked if q not in known}


WORDINGS = _wordings()
