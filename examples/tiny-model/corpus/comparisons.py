"""Two things of which one has more (tables/compare.txt), and chains of that."""

from . import table
from . import verbs as v
from . import words as w
from .scenes import CITIES
from .telling import KIN, Problem, cap, name_of
from .totals import clean, conjugated, fill

_RAW = table.sections("compare.txt")
FIRST, MORE, LESS, MORE_OF, FEWER_OF = (table.entries(_RAW[k]) for k in ("first", "more", "less", "more of a count", "fewer of a count"))


class _Measure:
    """A line of "measures"."""

    def __init__(self, line):
        who, first, second, self.more, self.less, units = line.split("; ")
        self.who, self.units = table.entries(who, ","), table.entries(units)
        self.first, self.second = ([x.strip() for x in text.split(" | ")] for text in (first, second))


MEASURES = [_Measure(line) for line in _RAW["measures"]]
COUNTS = [line.split(" ", 2) for line in _RAW["counts"]]


def _person(rng):
    r = rng.random()
    if r < 0.7:
        return name_of(rng)[0]
    if r < 0.9:
        return rng.choice(("my ", "her ", "his ", "our ")) + rng.choice(KIN).strip("/")
    return rng.choice(
        (
            "the boy",
            "the girl",
            "the red team",
            "the blue team",
            "our team",
            "the winner",
            "my class",
            "the other class",
            "Mr. " + name_of(rng)[0],
        )
    )


def _two(rng, pool):
    """The names of the two that are compared."""
    while True:
        if pool == ["@people"]:
            a, b = _person(rng), _person(rng)
        elif pool == ["@cities"]:
            a, b = rng.sample(CITIES, 2)
        else:
            a, b = rng.sample(pool, 2)
            if rng.random() < 0.25:
                kind = rng.choice(pool)
                a, b = (
                    f"{x} {kind}"
                    for x in rng.sample(("red", "blue", "green", "old", "new", "first", "second", "big", "small", "black", "white"), 2)
                )
        if a != b:
            return a, b


def _pair(rng, top=120):
    while True:
        x, y = rng.randint(2, top), rng.randint(1, 99)
        if y < x:
            return x, y


def _amount(rng, x, unit, short):
    if unit == "$":
        return f"${x}"
    return str(x) if short and rng.random() < 0.3 else f"{x} {unit}"


_NOUN = {
    "taller": "height",
    "older": "age",
    "heavier": "weight",
    "longer": "length",
    "more expensive": "price",
    "faster": "speed",
    "warmer": "temperature",
    "deeper": "depth",
    "wider": "width",
}
_COMBINED = [
    ("weight", "kg", "heavy", "weigh"),
    ("weight", "pound", "heavy", "weigh"),
    ("length", "meter", "long", "measure"),
    ("length", "cm", "long", "measure"),
    ("price", "dollar", "expensive", "cost"),
    ("price", "euro", "expensive", "cost"),
    ("height", "foot", "high", "measure"),
    ("length", "minute", "long", "last"),
]


def combined(rng):
    """What two or three things are together in weight, length, price."""
    (noun, unit, _, verb), n = rng.choice(_COMBINED), 2
    xs, things = [rng.randint(2, 95) for _ in range(n)], rng.sample(w.NOUNS, n)
    many = {"foot": "feet", "kg": "kg", "cm": "cm"}.get(unit, unit + "s")
    told = [f"a {x} {unit} {t}" if rng.random() < 0.5 else f"a {t} of {x} {many}" for x, t in zip(xs, things)]
    q = rng.choice(
        (
            f"What is the combined {noun} of {{}}?",
            f"What is the total {noun} of {{}}?",
            f"What do {{}} {verb} together?",
            f"How much do {{}} {verb} [together|in all]?",
            f"Find the {noun} of {{}} together.",
            f"If I put together {{}}, what is the total {noun}?",
            f"{{}}: what is their {noun} together?",
        )
    )
    text = q.replace("[together|in all]", rng.choice(("together", "in all"))).format(" and ".join(told))
    return Problem(clean(text), [(xs[0], "+", xs[1], sum(xs))])


def measured(rng):
    """How much taller, cheaper, ... one of two is."""
    m, (x, y), past = rng.choice(MEASURES), _pair(rng), rng.random() < 0.4
    (a, b), unit = _two(rng, m.who), rng.choice(m.units)
    slots = {
        "A": a,
        "B": b,
        "x": _amount(rng, x, unit, False),
        "y": _amount(rng, y, unit, True),
        "x1": x,
        "y1": y,
        "u": "dollars" if unit == "$" else unit,
    }
    first, second = (conjugated(fill(rng, rng.choice(t), slots), _NOBODY, past) for t in (m.first, m.second))
    thing = "@" not in m.who[0]
    named = {**slots, "A": f"the {a}" if thing else a, "B": f"the {b}" if thing else b, "more": m.more, "less": m.less}
    r = rng.random()
    if r < 0.08 and m.more in _NOUN:
        q = rng.choice(
            (
                "what is the difference in {}",
                "how large is the difference in {}",
                "find the difference in {}.",
                "by how much do they differ in {}",
            )
        ).format(_NOUN[m.more])
    elif r < 0.6:
        q = fill(rng, rng.choice(MORE), named)
    else:
        q = fill(rng, rng.choice(LESS), named)
    return Problem(_told(rng, first, second, q), [(x, "-", y, x - y)])


class _Nobody:
    def does(self, verb, past):
        return verb.finite(past, False)


_NOBODY = _Nobody()


def _told(rng, first, second, q):
    q = " ".join(q.split())
    r = rng.random()
    if r < 0.1 and not q.endswith("."):
        return clean(f"{q}{rng.choice((' if ', ', if ', ' when '))}{first} and {second}?")
    if r < 0.16 and not q.endswith("."):
        return clean(f"If {first} and {second}, {q}?")
    text = rng.choice(FIRST).replace("{a}", "\1").replace("{b}", "\2")
    text = ". ".join(cap(x) for x in text.replace("\1", first).replace("\2", second).split(". "))
    return clean(text + ("" if text.endswith(".") else ".") + " " + cap(q) + ("" if q.endswith(".") else "?"))


def counted(rng):
    """How many more or fewer somebody has."""
    (base, past_form, things), (x, y), past = rng.choice(COUNTS), _pair(rng), rng.random() < 0.55
    verb, things = v.Verb(f"{base}/{past_form}"), table.word(rng, table.entries(things, ","))
    a, b = _two(rng, ["@people"])
    doing = verb.finite(past, False)
    first = f"{a} {doing} {x} {things}"
    second = f"{b} {rng.choice((doing, doing, doing + ' only', doing + ' just'))} {y}{rng.choice(('', '', ' ' + things))}"
    q = rng.choice(MORE_OF if rng.random() < 0.65 else FEWER_OF)
    q = conjugated(fill(rng, q, {"A": a, "B": b, "t": things, "V": verb.base, "A2": f"{a}'s"}), _NOBODY, past)
    return Problem(_told(rng, first, second, q), [(x, "-", y, x - y)])


def groups(rng):
    """Two kinds at one place."""
    (x, y), place = (
        _pair(rng),
        rng.choice(
            (
                "on the farm",
                "in the class",
                "in the park",
                "in the box",
                "at the party",
                "in the zoo",
                "on the bus",
                "in the garden",
                "on the shelf",
            )
        ),
    )
    a, b = (
        rng.sample(w.PLURALS, 2)
        if rng.random() < 0.6
        else rng.sample(["boys", "girls", "men", "women", "cows", "horses", "cars", "bikes", "teachers", "children"], 2)
    )
    p, q_ = (f"{x} {a}", f"{y} {b}") if rng.random() < 0.6 else (f"{y} {b}", f"{x} {a}")
    text = rng.choice(
        (
            f"There are {p} and {q_} {place}.",
            f"{place}, there are {p} and {q_}.",
            f"We see {p} and {q_} {place}.",
            f"{p} and {q_} are {place}.",
        )
    )
    q = rng.choice(
        (
            f"How many more {a} than {b} are there?",
            f"How many fewer {b} than {a} are there?",
            f"By how many {a} are there more?",
            f"What is the difference between {a} and {b}?",
            f"How many more {a} are there than {b}?",
            f"How many {b} would have to come so that there are as many {b} as {a}?",
        )
    )
    return Problem(clean(f"{cap(text)} {q}"), [(x, "-", y, x - y)])


_CHAIN = [  # how one number comes from another: more, fewer
    ("{B} has {d} more {t} than {A}", "{B} has {d} fewer {t} than {A}", "{A} has {x} {t}", "how many {t} does {B} have"),
    ("{B} has {d} more", "{B} has {d} fewer", "{A} has {x} {t}", "how many {t} does {B} have"),
    ("{B} is {d} years older than {A}", "{B} is {d} years younger than {A}", "{A} is {x} years old", "how old is {B}"),
    ("{B} is {d} cm taller than {A}", "{B} is {d} cm shorter than {A}", "{A} is {x} cm tall", "how tall is {B}"),
    ("{B} weighs {d} kg more than {A}", "{B} weighs {d} kg less than {A}", "{A} weighs {x} kg", "how much does {B} weigh"),
    (
        "{B} scored {d} points more than {A}",
        "{B} scored {d} points less than {A}",
        "{A} scored {x} points",
        "how many points did {B} score",
    ),
    ("{B} found {d} more than {A}", "{B} found {d} fewer than {A}", "{A} found {x} {t}", "how many {t} did {B} find"),
    ("{B} ran {d} miles further", "{B} ran {d} miles less", "{A} ran {x} miles", "how far did {B} run"),
    ("{B} read {d} pages more than {A}", "{B} read {d} pages fewer than {A}", "{A} read {x} pages", "how many pages did {B} read"),
    ("{B} costs {d} dollars more than {A}", "{B} costs {d} dollars less than {A}", "{A} costs {x} dollars", "what does {B} cost"),
]


def chain(rng, n_steps):
    """B has 5 more than A, C has 3 fewer than B: how many has C?"""
    more, fewer, first, q = rng.choice(_CHAIN)
    names = ["the " + x for x in rng.sample(w.NOUNS, 4)] if "cost" in q else [_person(rng) for _ in range(4)]
    if len(set(names)) < 4:
        return chain(rng, n_steps)
    at = start = rng.randint(5, 120)
    slots, told, steps = {"t": rng.choice(w.PLURALS)}, [], []
    for i in range(n_steps):
        op, d = rng.choice("+-"), rng.randint(1, 60)
        if not 0 < (at + d if op == "+" else at - d) < 200:
            return chain(rng, n_steps)
        told.append(fill(rng, more if op == "+" else fewer, {**slots, "A": names[i], "B": names[i + 1], "d": d}))
        steps.append((at, op, d, at + d if op == "+" else at - d))
        at = steps[-1][3]
    text = fill(rng, first, {**slots, "A": names[0], "x": start})
    told = [text, *told]
    if rng.random() < 0.2 and " than " in told[1]:
        told = told[1:] + told[:1]
    link = rng.choice((". ", ". ", " and ", ", and ", "; ")) if n_steps == 1 else ". "
    body = link.join(cap(x) if link == ". " else x for x in told)
    return Problem(clean(f"{cap(body)}. {cap(fill(rng, q, {**slots, 'B': names[n_steps]}))}?"), steps)


def with_change(rng):
    """Two have things, one of them gets or loses some, and then they are compared."""
    (x, y), d = _pair(rng), rng.randint(1, 40)
    a, b = _two(rng, ["@people"])
    things = rng.choice(w.PLURALS)
    op = rng.choice("+-")
    left = x + d if op == "+" else x - d
    if not y < left < 200:
        return with_change(rng)
    verb = v.choose(rng, "GAIN" if op == "+" else "LOSE").finite(rng.random() < 0.5, False)
    q = rng.choice(
        (
            f"How many more {things} does {a} have than {b} now?",
            f"How many more does {a} have now?",
            "What is the difference now?",
            f"How many fewer {things} does {b} have now?",
        )
    )
    text = f"{cap(a)} has {x} {things}{rng.choice((' and ', '. ', ', '))}{b} has {y}. {rng.choice(('Then ', 'Now ', 'Later, ', ''))}{a} {verb} {d}. {q}"
    return Problem(clean(text), [(x, op, d, left), (left, "-", y, left - y)])


def compared(rng, n_steps):
    """A problem of so many steps."""
    r = rng.random()
    if n_steps == 1:
        return (combined if r < 0.06 else measured if r < 0.44 else counted if r < 0.76 else groups if r < 0.86 else lambda g: chain(g, 1))(
            rng
        )
    return with_change(rng) if n_steps == 2 and r < 0.4 else chain(rng, n_steps)
