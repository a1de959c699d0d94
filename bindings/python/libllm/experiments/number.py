"""Numbers as answers: what a reference says, and whether an answer says the same."""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from typing import Any

from libllm.prompt import extract

from .errors import ExperimentError

# Digits with whatever separates groups of them, and an exponent: "1,234.50", "1.2.3", "1e3".
PIECE = re.compile(r"\.?(?:\d[\d.,']*)?\d(?:[eE][-+]?\d+)?")
PLAIN = re.compile(r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,4})?")
# What makes another number of the one beside it.
OPERATION = re.compile(r"[√∛∜π∞^×÷±]|\\(?:sqrt|pi|infty|times|cdot|div|pm|log|ln|exp|sin|cos|tan|binom|[dt]?frac)\b")


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_plain(text: str) -> bool:
    """Whether a text is one number and nothing else."""
    return re.fullmatch(rf"[-+\u2212]?{PLAIN.pattern}", text) is not None


def spelled(value: Any) -> str:
    """A value as an answer would write it: 1e20 and 5.0 in digits."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float) and math.isfinite(value) and "e" in repr(value):
        return f"{Decimal(repr(value)):f}"
    return str(value)


def reference(value: Any, what: str) -> Fraction | float:
    """The number that a right answer is. A text that is more than one number, or not quite a number, is refused."""
    if is_number(value) and math.isfinite(value):
        return value if isinstance(value, float) and not value.is_integer() else Fraction(value)
    text = unicodedata.normalize("NFKC", str(value)).rpartition("####")[2].replace("{,}", ",")
    pieces, found = PIECE.findall(text), extract(text, "number")
    if found is None or not pieces:
        raise ExperimentError(f"{what} {value!r:.80} has no number, expected one")
    more = OPERATION.findall(text) + [c for c in PIECE.sub("", text) if c.isnumeric()]
    if len(pieces) > 1 or more:
        said = "more than one number" if len(pieces) > 1 else f"a number with {more[0]!r}"
        raise ExperimentError(
            f"{what} {value!r:.80} is {said}, expected one number: reduce it to one (3/4 to 0.75, 1e3 to 1000), or "
            "compare texts with the metric exact"
        )
    number = Fraction(found)
    if not PLAIN.fullmatch(pieces[0]) or abs(number) != Fraction(pieces[0].replace(",", "")):
        raise ExperimentError(
            f"{what} {value!r:.80} is not one number written out, expected digits such as 1,234.5 or 1234.5"
        )
    return number


def same(found: str | None, wanted: Fraction | float) -> bool:
    """Whole numbers and decimals are compared exactly; a binary fraction, such as 0.1 + 0.2, to twelve digits."""
    if found is None:
        return False
    number = Fraction(found)
    return math.isclose(number, wanted, rel_tol=1e-12) if isinstance(wanted, float) else number == wanted
