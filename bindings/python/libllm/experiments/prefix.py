"""Counting tokens that are computed once because prompts begin alike."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np


def common(a: array, b: array) -> int:
    """The number of tokens with which both begin."""
    n = min(len(a), len(b))
    x, y = np.frombuffer(a, np.int32, n), np.frombuffer(b, np.int32, n)
    different = np.flatnonzero(x != y)
    return int(different[0]) if len(different) else n


def in_order(ids: array) -> bytes:
    """Bytes that sort as the ids do."""
    return np.frombuffer(ids, np.int32).astype(">i4").tobytes() if len(ids) else b""


def unique_tokens(ordered: Iterable[array]) -> int:
    """The nodes of the prefix tree of sequences that are sorted: what is left of each behind its predecessor."""
    total, last = 0, array("i")
    for ids in ordered:
        total += len(ids) - (common(last, ids) if len(last) and len(ids) else 0)
        last = ids
    return total
