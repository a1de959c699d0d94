"""Terms without a story (tables/bare.txt), and sums of long numbers."""

from . import table
from . import words as w
from .telling import Problem, cap, numbers, steps_of

_TABLE = {name.partition(":")[0]: table.entries(lines) for name, lines in table.sections("bare.txt").items()}
_WORDS = (
    ("plus", "minus"),
    ("plus", "minus"),
    ("and then plus", "and then minus"),
    ("plus", "take away"),
    ("plus", "less"),
    ("increased by", "decreased by"),
    ("added to", "take away"),
    ("and", "minus"),
)


def _term(rng, start, changes):
    """The term in signs or in words."""
    if rng.random() < 0.55:
        gap = " " if rng.random() < 0.85 else ""
        minus = "-" if rng.random() < 0.93 else "\u2212"
        return str(start) + "".join(f"{gap}{'+' if op == '+' else minus}{gap}{d}" for op, d in changes)
    plus, minus = rng.choice(_WORDS)
    if plus == "added to" and len(changes) > 1:
        plus = "plus"
    return str(start) + "".join(f" {plus if op == '+' else minus} {d}" for op, d in changes)


def _row(rng, numbers_):
    numbers_ = [str(x) for x in numbers_]
    return rng.choice(
        (", ".join(numbers_[:-1]) + " and " + numbers_[-1], ", ".join(numbers_[:-1]) + ", and " + numbers_[-1], ", ".join(numbers_))
    )


def _steps(rng, changes):
    said = [rng.choice(_TABLE[f"steps {op}"]).format(d) for op, d in changes]
    return rng.choice((", then ", " and then ", ", ", " and ", ", and then ")).join(said)


def bare(rng, n_steps):
    """A term, in signs or in words."""
    start, changes = numbers(rng, n_steps)
    slots = {"term": _term(rng, start, changes), "a": start, "b": changes[0][1], "steps": _steps(rng, changes)}
    slots |= {"Term": cap(slots["term"]), "Steps": cap(slots["steps"]), "list": _row(rng, [start, *(d for _, d in changes)])}
    if n_steps == 1:
        special = _TABLE["one sum" if changes[0][0] == "+" else "one difference"]
    else:
        special = _TABLE["a row of steps"]
        if all(op == "+" for op, _ in changes) and rng.random() < 0.6:
            special = _TABLE["sums of several"]
    text = rng.choice(_TABLE["any number of steps"] if rng.random() < 0.5 else special)
    return Problem(text.format(**slots), steps_of(start, changes))


class Sum:
    """A sum of two long numbers, worked digit by digit from the right."""

    def __init__(self, rng, n_digits, test=False):
        while True:
            self.a, self.b = (rng.randint(10 ** (n_digits - 1), 10**n_digits - 1) for _ in range(2))
            self.key = f"{self.a}+{self.b}"
            if self.a + self.b > 199 and w.held("sum", self.key) == test:
                break
        self.answer = self.a + self.b
        self.question = rng.choice(["What is {} + {}?", "How much is {} + {}?", "Add {} and {}."]).format(self.a, self.b)

    def worked(self):
        parts, carry, n = [], 0, len(str(self.a))
        for i in range(n):
            x, y = int(str(self.a)[-1 - i]), int(str(self.b)[-1 - i])
            total = x + y + carry
            left = f"{x} + {y} + {carry}" if carry else f"{x} + {y}"
            write = f", write {total % 10}" if i < n - 1 else ""
            parts.append(f"{left} = {total}{write}{', carry 1' if write and total > 9 else ''}.")
            carry = total // 10
        return " ".join(parts)
