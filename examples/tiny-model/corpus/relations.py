"""Problems of fixed wordings: totals, differences, parts and comparisons (tables/relations.txt), and products."""

from . import table
from . import words as w
from .possession import ask
from .telling import MANY, UNITS_AND_PEOPLE, Problem, Who, cap, gain, join, loss, name_of, start_number, thing_of, who

_TABLE = {name.partition(":")[0]: lines for name, lines in table.sections("relations.txt").items()}
_SUMS = ("TWO_PARTS", "BEFORE")
_DID = {
    "counted": "count",
    "collected": "collect",
    "found": "find",
    "made": "make",
    "sold": "sell",
    "bought": "buy",
    "got": "get",
    "picked": "pick",
}


def _slots(rng, things, x, y):
    a, (he, him, his) = name_of(rng)
    b = name_of(rng)[0]
    while b == a:
        b = name_of(rng)[0]
    return {
        "A": a,
        "B": b,
        "he": he,
        "He": cap(he),
        "his": his,
        "him": him,
        "t": things,
        "x": f"{x} {things}",
        "x1": x,
        "y1": y,
        "y": f"{y} {things}" if rng.random() < 0.7 else str(y),
        "s": rng.choice(w.NOUNS),
        "s2": rng.choice(w.NOUNS),
        "t2": rng.choice(w.PLURALS),
        "pl": rng.choice(("in the box", "on the table", "in the shop", "in the bag")),
    }


def _two_numbers(rng, kind):
    while True:
        x, y = start_number(rng), rng.randint(1, 99)
        if x + y <= 199 if kind in _SUMS else y < x:
            return x, y


def _then(rng, text, at, things):
    """A change after a total: (text, step), or None if the text has no place for it."""
    body, _, question = text.rpartition(". ")
    d, more = rng.randint(1, 99), rng.random() < 0.5
    to = at + d if more else at - d
    if not body or not 0 < to <= 199:
        return None
    clause = (gain if more else loss)(rng, Who("they", MANY, True), d, things, False, False, False).finite
    q = rng.choice(("are there now", "do they have now", "are there then" if more else "are left", "do they have together now"))
    return f"{body}. {cap(clause)}. How many {things} {q}?", (at, "+" if more else "-", d, to)


def relation(rng, n_steps, expand):
    """A total, difference or comparison; a second and third step are changes of a total."""
    things = rng.choice(UNITS_AND_PEOPLE) if rng.random() < 0.3 else thing_of(rng)
    kind = rng.choices(list(_TABLE), (8, 7, 7, 4, 3))[0] if n_steps == 1 else "TWO_PARTS"
    x, y = _two_numbers(rng, kind)
    text = expand(rng, rng.choice(_TABLE[kind]), _slots(rng, things, x, y)).replace(" ?", "?").replace(" .", ".")
    if "#" in text:
        text = text.replace("#", next((b for a, b in _DID.items() if a in text), "get"))
    steps = [(x, "+", y, x + y) if kind in _SUMS else (x, "-", y, x - y)]
    while len(steps) < n_steps:
        then = _then(rng, text, steps[-1][3], things)
        if then is None:
            return relation(rng, n_steps, expand)
        text = then[0]
        steps.append(then[1])
    return Problem(cap(text), steps)


_MORE_TOGETHER = """{a} has {x} {t}. {b} has {y} more than {a}. How many {t} do they have {all}?
{a} has {x} {t} and {b} has {y} more. How many do they have {all}?
A {s} costs {x} dollars. A {s2} costs {y} dollars more. How much do both cost {all}?
{a} scored {x} points, and {b} scored {y} points more. How many points did they score {all}?
{a} picked {x} {t}, {b} picked {y} more than {a}. How many did both pick {all}?""".split("\n")
_FEWER_TOGETHER = """{a} has {x} {t}. {b} has {y} fewer than {a}. How many {t} do they have {all}?
{a} has {x} {t} and {b} has {y} fewer. How many do they have {all}?
{a} found {x} {t}. {b} found {y} less than {a}. How many did they find {all}?
A {s} weighs {x} kg and a {s2} weighs {y} kg less. How much do they weigh {all}?""".split("\n")
_FROM_A_WHOLE = """{a} has {z} dollars. A {s} costs {x} dollars and a {s2} costs {y} dollars. How much is left if {a} buys both?
{a} buys a {s} for ${x} and a {s2} for ${y}. How much change is there from ${z}?
{a} buys a {s} for {x} cents and a {s2} for {y} cents and pays with {z} cents. How many cents does {a} get back?
{a} read {x} pages on Monday and {y} on Tuesday. The book has {z} pages. How many pages are left?
{a} has {x} {t} and {b} has {y}. They need {z}. How many are missing?
A {s} costs ${z}. {a} has ${x} and earns ${y}. How much more is needed?
{x} boys and {y} girls want to sit down. There are {z} seats. How many seats stay empty?
{a} and {b} want {z} {t}. {a} finds {x} and {b} finds {y}. How many do they still need?""".split("\n")


def two_stage(rng):
    """Problems whose second step takes up an earlier number, or has its first number only then."""
    slots = {k: x for k, x in _slots(rng, thing_of(rng), 0, 0).items() if k in ("A", "B", "t", "s", "s2")}
    slots |= {"a": slots["A"], "b": slots["B"], "all": rng.choice(("together", "in all", "altogether", "in total"))}
    while True:
        x, y, z, r = rng.randint(2, 99), rng.randint(1, 99), rng.randint(2, 199), rng.random()
        if r < 0.3 and 2 * x + y <= 199:
            templates, steps = _MORE_TOGETHER, [(x, "+", y, x + y), (x, "+", x + y, 2 * x + y)]
        elif 0.3 <= r < 0.5 and 0 < x - y and 2 * x - y <= 199:
            templates, steps = _FEWER_TOGETHER, [(x, "-", y, x - y), (x, "+", x - y, 2 * x - y)]
        elif r >= 0.5 and x + y < z:
            templates, steps = _FROM_A_WHOLE, [(x, "+", y, x + y), (z, "-", x + y, z - x - y)]
        else:
            continue
        return Problem(rng.choice(templates).format(x=x, y=y, z=z, **slots), steps)


def product(rng, n_steps):
    """Boxes with the same number in each, and changes after that."""
    p, things = who(rng), thing_of(rng)
    while True:
        a, b = rng.randint(2, 9), rng.randint(2, 9)
        steps, at, changes = [(a, "*", b, a * b)], a * b, []
        for _ in range(n_steps - 1):
            d, op = rng.randint(1, 30), rng.choice("+-")
            to = at + d if op == "+" else at - d
            steps.append((at, op, d, to))
            changes.append((op, d))
            at = to
        if all(s[3] > 0 for s in steps):
            break
    box = w.plural(rng.choice(w.BOXES))
    clauses = [(gain if o == "+" else loss)(rng, p, d, things, False, False, False).finite for o, d in changes]
    text = f"{cap(p.name)} {p.has(False)} {a} {box} with {b} {things} in each." + join(rng, clauses)
    q = ask(rng, p, things, changes, False) if changes else f"How many {things} {p.do(False)} {p.he} have in all?"
    return Problem(f"{text} {q}", steps)
