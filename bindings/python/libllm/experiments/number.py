"""Numbers as answers: what a reference says, and whether an answer says the same."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from libllm.prompt import extract

from .errors import ExperimentError

# Digits with whatever separates groups of them, and an exponent: "1,234.50", "1.2.3", "1e3".
PIECE = r"\.?(?:\d[\d.,'_]*)?\d(?:[eE][-+]?\d+)?"
PLAIN = re.compile(r"(?:(?:\d{1,3}(?:[,'_]\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,4})?")
VULGAR = "[\u00bc-\u00be\u2150-\u215e]"
# What libllm.extract reads as one number, though it has several: 3/4, 1 1/2, 5 and a half, 1.5x10^3.
FRACTION = rf"\\[dt]?frac\{{\d+\}}\{{\d+\}}|(?:\d+\s+)?\d+[/\u2044]\d+|\d*{VULGAR}"
POWER = rf"{PIECE}\s*[x\u00d7*]\s*10\^[-+\u2212]?\d+"
ONE = re.compile(f"{FRACTION}|{POWER}|{PIECE}")
# What makes another number of the one beside it.
OPERATION = re.compile(
    r"[\u221a-\u221c\u03c0\u221e^\u00d7\u00f7\u00b1]|\\(?:sqrt|pi|times|cdot|div|pm|log|ln|exp|sin|cos|tan)\b"
)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_plain(text: str) -> bool:
    """Whether a text is one number and nothing else."""
    return re.fullmatch(rf"[-+\u2212]?(?:{PLAIN.pattern})", text) is not None


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
    text = str(value).rpartition("####")[2].replace("{,}", ",")
    spelled_in, found, rest = ONE.findall(text), extract(text, "number"), ONE.sub("", text)
    if not spelled_in:
        raise ExperimentError(f"{what} {value!r:.80} has no number, expected one")
    if len(spelled_in) > 1 or OPERATION.search(rest) or any(c.isnumeric() for c in rest):
        raise ExperimentError(
            f"{what} {value!r:.80} is more than one number, expected one: write what it comes to, or compare texts "
            "with the metric exact"
        )
    if found is None or not _is_whole(spelled_in[0], Fraction(found)):
        raise ExperimentError(f"{what} {value!r:.80} is not a number as answers have it, expected one such as 1,234.5")
    return Fraction(found)


def _is_whole(text: str, found: Fraction) -> bool:
    """Whether the number that was found is all of its text, but for the sign."""
    if re.fullmatch(f"{FRACTION}|{POWER}", text):
        return True
    plain = PLAIN.fullmatch(text)
    return plain is not None and abs(found) == Fraction(re.sub("[,'_]", "", text))


def same(found: str | None, wanted: Fraction | float) -> bool:
    """Whole numbers and decimals are compared exactly; a binary fraction, such as 0.1 + 0.2, to twelve digits."""
    if found is None:
        return False
    number = Fraction(found)
    return math.isclose(number, wanted, rel_tol=1e-12) if isinstance(wanted, float) else number == wanted
