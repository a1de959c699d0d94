"""Totals of two to four parts, and what is left of a whole (tables/parts.txt), told in many ways."""

import re

from . import table
from . import verbs as v
from . import words as w
from .grammar import polish
from .scenes import choose, city, filler, slot
from .telling import MANY, Problem, Who, cap, gain, loss, name_of, other_than, steps_of, thing_of, who

_RAW = table.sections("parts.txt")
_VERB = re.compile(r"<([\w-]+)([+*]?)>")


class _Doing:
    """A line of "verbs": how parts come to be, and of what."""

    def __init__(self, line):
        base, past, part, things = line.split(" ", 3)
        self.verb, self.things = v.Verb(f"{base}/{past}/{part}"), table.entries(things, ",")


DOINGS = [_Doing(line) for line in _RAW["verbs"]]
SETS, KINDS = ([table.entries(line) for line in _RAW[k]] for k in ("sets of two or more times and places", "kinds"))
GROUPS = [(g, table.entries(x, ",")) for g, _, x in (line.partition(": ") for line in _RAW["groups"])]
HOLDERS, TOTAL, REST, WHOLES, ARE, HAPPENED = (
    table.entries(_RAW[k])
    for k in (
        "holders of groups",
        "questions for totals",
        "questions for the rest",
        "wholes with a known part",
        "what parts are",
        "what happened to parts",
    )
)
GOALS = {of: table.entries(_RAW[f"goals{of}"]) for of in ("", " of a way", " of a book")}
GOAL_ASKS = {"": table.entries(_RAW["questions for goals"]), " of a way": table.entries(_RAW["questions for the rest of a way"])}
GOAL_ASKS[" of a book"] = GOAL_ASKS[""]


def amounts(rng, n, top=199):
    """So many parts, which add up to less than top."""
    while True:
        xs = [rng.randint(1, 12) if rng.random() < 0.25 else rng.randint(2, 140 // n + 15) for _ in range(n)]
        if sum(xs) <= top:
            return xs


def row(rng, items):
    """a, b and c."""
    link = rng.choice((" and ", " and ", " and ", ", and ", " as well as " if len(items) == 2 else " and "))
    return ", ".join(items[:-1]) + link + items[-1] if len(items) > 1 else items[0]


def _more_steps(rng, n_steps, parts, whose, things, past):
    """What happens to a total after that: steps, and clauses as text."""
    at, steps, text = parts[0], [], ""
    for x in parts[1:]:
        steps.append((at, "+", x, at + x))
        at += x
    while len(steps) < n_steps:
        op = "-" if rng.random() < 0.75 or at > 150 else "+"
        d = rng.randint(1, max(1, min(at - 1, 99))) if op == "-" else rng.randint(1, 49)
        if not 0 <= (at - d if op == "-" else at + d) <= 199:
            continue
        clause = (gain if op == "+" else loss)(rng, whose, d, things, past, False, False).finite
        text += " " + cap((filler(rng, "leads") + ", " if rng.random() < 0.4 else "") + clause) + "."
        steps.append((at, op, d, at - d if op == "-" else at + d))
        at = steps[-1][3]
    return steps, text


def fill(rng, text, slots):
    """A template with its choices made and its slots filled, those of all tables too."""
    text = choose(rng, text)
    for key, value in slots.items():
        text = text.replace("{" + key + "}", str(value))
    while "{" in text:
        i = text.index("{")
        j = text.index("}", i)
        text = text[:i] + slot(rng, text[i + 1 : j]) + text[j + 1 :]
    return text


def _at(rng, sets, n, p):
    """n times or places of one set."""
    items = rng.sample(sets, n) if rng.random() < 0.2 else sets[:n]
    return [fill(rng, x, {"his": p.his, "city": city(rng), "city2": city(rng), "city3": city(rng)}) for x in items]


def _by_times(rng, p, doing, things, xs, past):
    """One person's parts at several times or places."""
    at = _at(rng, rng.choice(SETS), len(xs), p)
    verb, s = p.does(doing.verb, past), p.name
    first, later = [f"{xs[0]} {things}"], [f"{x} {rng.choice(('', '', '', 'more', things))}".strip() for x in xs[1:]]
    told = [f"{x} {a}" for x, a in zip(first + later, at)]
    r = rng.random()
    if r < 0.45:
        return f"{cap(s)} {verb} {row(rng, told)}."
    if r < 0.65:
        rest = [
            f"{cap(a)}{rng.choice((', ', ' '))}{p.he} {verb} {x}." if rng.random() < 0.5 else f"{cap(p.he)} {verb} {x} {a}."
            for x, a in zip(later, at[1:])
        ]
        return f"{cap(s)} {verb} {told[0]}. " + " ".join(rest)
    if r < 0.85 and later:
        rest = [f"{a} {x}" for x, a in zip(later, at[1:])]
        return f"{cap(at[0])} {s} {verb} {xs[0]} {things}, " + row(rng, rest) + "."
    were = [f"{x} {'were' if past else 'are'} {doing.verb.part} {a}" for x, a in zip(first + later, at)]
    if rng.random() < 0.5:
        were = [were[0], *(f"{x} {a}" for x, a in zip(later, at[1:]))]
    return cap(row(rng, were)) + "."


_SOURCES = """the bake sale/washing cars/selling cakes/a raffle/the concert/a sale/the first shop/the second shop/my aunt/the fair/walking dogs
the flea market/a lottery/the school play/mowing lawns/the first box/the second box/an old chest/the last trip/the neighbors/the parents
singing in the street/the children/the first ship/the second ship/a friend/the team/the winners/the king""".replace("\n", "/").split("/")


def _by_sources(rng, things, xs, past):
    """Parts that come from things and doings, not from persons."""
    verbs = [v.named(x).finite(past, False) for x in rng.sample(("bring", "give", "make", "add", "yield", "provide"), 3)]
    told = []
    for i, (source, x) in enumerate(zip(rng.sample(_SOURCES, len(xs)), xs)):
        amount = f"${x}" if things == "dollars" and rng.random() < 0.6 else f"{x} {things}" if i == 0 or rng.random() < 0.4 else str(x)
        whom = rng.choice((" us", " them", " the club", "")) if verbs[i % 3].startswith(("g", "b")) else ""
        told.append(f"{source} {verbs[i % 3]}{whom} {amount}")
    return cap(row(rng, told)) + "." if rng.random() < 0.6 else " ".join(cap(x) + "." for x in told)


def _listed(rng, things, xs, p):
    """Parts as a list behind a colon."""
    told = [f"{x} {a}" for x, a in zip(xs, _at(rng, rng.choice(SETS), len(xs), p))]
    head = rng.choice(
        (
            f"{things} this week",
            f"{p.his} {things}",
            f"{things} of the year",
            f"the number of {things}",
            f"{things} in our town",
            f"the list of {things}",
        )
    )
    return f"{cap(head)}: {row(rng, told) if rng.random() < 0.5 else ', '.join(told)}."


def _by_persons(rng, doing, things, xs, past):
    """The parts of several persons."""
    names = [name_of(rng)[0] if rng.random() < 0.7 else other_than(rng, Who("", ("", "", rng.choice(("his", "her", "my"))))) for _ in xs]
    verb = doing.verb.finite(past, False)
    if len(set(names)) < len(names):
        return _by_persons(rng, doing, things, xs, past)
    r = rng.random() if len(xs) > 1 else 0
    if r < 0.35:
        told = [f"{names[0]} {verb} {xs[0]} {things}"]
        told += [f"{a} {verb} {x}" if rng.random() < 0.5 else f"{a} {x}" for a, x in zip(names[1:], xs[1:])]
        return cap(row(rng, told)) + "."
    if r < 0.7:
        told = [
            f"{cap(a)} {verb if i == 0 or rng.random() < 0.6 else 'also ' + verb} {x} {things if i == 0 or rng.random() < 0.3 else ''}".strip()
            + "."
            for i, (a, x) in enumerate(zip(names, xs))
        ]
        return " ".join(told)
    if r < 0.85:
        numbers = [str(x) for x in xs]
        return f"{cap(row(rng, names))} {doing.verb.finite(past, True)} {row(rng, numbers)} {things}."
    told = [f"{a} {x}" if i else f"{a} {verb} {x}" for i, (a, x) in enumerate(zip(names, xs))]
    return f"{cap(row(rng, names))} {doing.verb.finite(past, True)} {things}. {cap(row(rng, told))}."


def _by_kinds(rng, p, xs, past):
    """(told, things): parts of several kinds."""
    holder = fill(rng, rng.choice(HOLDERS), {"A": p.name, "his": p.his})
    holder = conjugated(holder, p, past)
    if rng.random() < 0.4:
        kinds, things = rng.sample(rng.choice(KINDS), len(xs)), thing_of(rng)
        told = [f"{x} {k}" + (f" {things}" if i == len(xs) - 1 or rng.random() < 0.3 else "") for i, (x, k) in enumerate(zip(xs, kinds))]
    else:
        things, kinds = rng.choice([g for g in GROUPS if len(g[1]) >= len(xs)])
        kinds = rng.sample(kinds, len(xs)) if rng.random() < 0.85 else [w.plural(w.invented(rng, short=True)) for _ in xs]
        told = [f"{x} {k}" for x, k in zip(xs, kinds)]
    r = rng.random()
    if r < 0.12:
        return f"{cap(p.name)} {p.does(v.named('count'), past)} {p.his} {things}: {', '.join(told)}.", things
    if r < 0.2:
        return (
            f"{cap(row(rng, told))} {rng.choice(('are there', 'live there', 'are in the box', 'are in the room', 'are on the table', 'came'))}.",
            things,
        )
    return f"{cap(holder)} {row(rng, told) if r < 0.9 else ', '.join(told)}.", things


def conjugated(text, p, past):
    """<verbs> in their tense and number."""

    def form(m):
        verb = v.named(m.group(1))
        return p.does(verb, past) if m.group(2) == "*" else verb.finite(past, not m.group(2))

    return _VERB.sub(form, text)


def total(rng, n_steps):
    """Parts and their sum; with steps left over, changes of it."""
    n_parts = n_steps + 1 if rng.random() < 0.6 else rng.randint(2, n_steps + 1)
    xs, past = amounts(rng, n_parts), rng.random() < 0.65
    p, doing = who(rng), rng.choice(DOINGS)
    things = table.word(rng, doing.things)
    r = rng.random()
    if r < 0.34:
        told, whose = _by_times(rng, p, doing, things, xs, past), p
    elif r < 0.38:
        told, whose, doing = _listed(rng, things, xs, p), p, None
    elif r < 0.44:
        things = rng.choice(("dollars", "dollars", "euros", "points", things))
        told, whose, doing = _by_sources(rng, things, xs, past), Who("we", ("we", "us", "our"), True), None
    elif r < 0.7:
        told, whose = _by_persons(rng, doing, things, xs, past), Who("they", MANY, True)
    else:
        (told, things), whose = _by_kinds(rng, p, xs, past), p
        doing = None
    steps, more = _more_steps(rng, n_steps, xs, whose, things, past)
    if more and steps[-1][1] == "-" and rng.random() < 0.35:
        more, q = _not_done(rng, more, steps[-1][2], things)
    elif more:
        q = _ask_after(rng, steps, whose, things)
    else:
        q = _ask_total(rng, whose, doing, things, past)
    if not more and q.endswith("?") and rng.random() < 0.08:
        return Problem(
            clean(
                f"{q[:-1]} if {told[0].lower() + told[1:-1] if told[1:2].islower() and told[0] not in 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' else told[:-1]}?"
            ),
            steps,
        )
    return Problem(clean(told + more + " " + q), steps)


def _not_done(rng, more, d, things):
    """The last change as something that was done to some of them: (the changes before, the question for the others)."""
    more = more.rstrip(".")[: more.rstrip(".").rfind(".") + 1]
    done, some = rng.choice(HAPPENED), rng.choice((f"{d} of them", f"{d} of the {things}", f"{d} {things}", str(d)))
    q = rng.choice(
        (
            f"how many {things} were not {done}",
            f"how many were not {done}",
            f"how many {things} are not {done} yet",
            "how many are left",
            f"how many {things} remain",
        )
    )
    if rng.random() < 0.4:
        return more, f"{rng.choice(('If', 'If', 'When'))} {some} were {done}, {q}?"
    return f"{more} {cap(some)} {rng.choice(('were', 'are', 'have been', 'had to be'))} {done}.", cap(q) + "?"


def _ask_total(rng, p, doing, things, past):
    while True:
        text = rng.choice(TOTAL)
        if doing is None and ("{V}" in text or "{Vd}" in text):
            continue
        break
    slots = {"t": things, "A": p.he if rng.random() < 0.7 else p.name, "he": p.he}
    if doing:
        slots |= {"V": doing.verb.base, "Vd": doing.verb.part}
    text = conjugated(fill(rng, text, slots), p, past).strip()
    return cap(text) if text.endswith(".") else cap(text) + "?"


def _ask_after(rng, steps, p, things):
    asks = [
        "how many {t} are there [now|then|]",
        "how many {t} are there in the end",
        "what is the number of {t} now",
        "how many {t} <do*> {A} have [now|in the end|]",
    ]
    if steps[-1][1] == "-":
        asks += [
            "how many {t} can [still be used|be eaten|be kept|be shown|we use]",
            "how many {t} are left",
            "how many {t} remain",
            "how many {t} <do*> {A} have left",
            "how many {t} are still there",
            "how many are left over",
            "how many {t} <do*> {A} keep",
            "how many {t} are not [gone|lost]",
        ] * 2
    return cap(conjugated(fill(rng, rng.choice(asks), {"t": things, "A": p.he}), p, False)).strip() + "?"


def clean(text):
    """With one blank where there are several, and none before a mark."""
    return cap(polish(" ".join(text.replace(" .", ".").replace(" ?", "?").replace(" ,", ",").split())))


def _parts_of_whole(rng, xs, things):
    """(clauses of the parts, what is asked): what became of them, who took them, of what kind they are."""
    r = rng.random()
    if r < 0.35:
        one = rng.random() < 0.4
        dones = [rng.choice(HAPPENED)] * len(xs) if one else rng.sample(HAPPENED, len(xs))
        at = _at(rng, rng.choice(SETS), len(xs), Who("", MANY)) if one else [""] * len(xs)
        told = [
            f"{x} {'of them ' if rng.random() < 0.3 else ''}{'were ' if i == 0 or rng.random() < 0.6 else ''}{d if i == 0 or not one or rng.random() < 0.3 else ''} {a}"
            for i, (x, d, a) in enumerate(zip(xs, dones, at))
        ]
        asks = ["how many {t} [are left|remain|are still there|remained|were left|are left over]"]
        if one:
            asks += [
                f"how many {{t}} were not {dones[0]}",
                f"how many {{t}} were not {dones[0]}",
                f"how many [{{t}}|] were not yet {dones[0]}",
                f"how many still have to be {dones[0]}",
            ]
        return told, asks
    if r < 0.65:
        verb = rng.choice(
            (
                "take",
                "eat",
                "get",
                "use",
                "buy",
                "claim",
                "finish",
                "do",
                "read",
                "place",
                "sell",
                "need",
                "borrow",
                "want",
                "break",
                "pick",
                "carry",
                "clean",
            )
        )
        verb, names = v.named(verb), [other_than(rng, Who("", ("", "", rng.choice(("his", "her", "my"))))) for _ in xs]
        told = [
            f"{a} {verb.finite(True, False)} {x}" if i == 0 or rng.random() < 0.6 else f"{a} {x}" for i, (a, x) in enumerate(zip(names, xs))
        ]
        return told, [
            "how many {t} [are left|remain|are still there|were left|did nobody take|are left for me|are left over|were not taken]"
        ]
    if rng.random() < 0.5:
        this, other = rng.choice(ARE).split("; ")
        more = rng.sample([a.split("; ")[0] for a in ARE if not a.startswith(this)], len(xs) - 1)
        kinds = [this, *more]
        last = other if len(xs) == 1 else rng.choice((other, "the rest", "something else"))
    else:
        pool = rng.choice(KINDS)
        kinds, last = pool[: len(xs)], pool[-1]
    told = [
        f"{x} {'of them ' if rng.random() < 0.3 else ''}{'are ' if i == 0 or rng.random() < 0.7 else ''}{k}"
        for i, (x, k) in enumerate(zip(xs, kinds))
    ]
    asks = ["how many {t} are neither" if len(xs) == 2 else "how many are left", "how many are left over"]
    if last not in ("the rest", "something else"):
        asks = [a.replace("{k}", last) for a in REST]
        told[-1] += rng.choice(
            ("", f" and the rest are {last}", f", the rest {last}", f", and all others are {last}", f"; the others are {last}")
        )
    return told, asks


def rest(rng, n_steps):
    """A whole, one to three known parts of it, and the question for what is left."""
    xs = amounts(rng, n_steps, 150)
    whole, things = sum(xs) + rng.randint(1, 49), thing_of(rng) if rng.random() < 0.7 else rng.choice(GROUPS)[0]
    told, asks = _parts_of_whole(rng, xs, things)
    p, past = who(rng), rng.random() < 0.6
    parts = row(rng, told) if not any("rest" in x or "other" in x for x in told[-1:]) or len(told) == 1 else ", ".join(told)
    text = fill(
        rng,
        rng.choice(WHOLES)
        .replace("{parts are}", "{#}")
        .replace("{parts were}", "{#}")
        .replace("{Parts are}", "{##}")
        .replace("{Parts were}", "{##}"),
        {"w": f"{whole} {things}", "#": parts, "##": cap(parts), "A": p.name},
    )
    text = conjugated(text, p, past)
    q = fill(rng, rng.choice(asks), {"t": things}).strip()
    steps = steps_of(whole, [("-", x) for x in xs])
    if text.startswith("if "):
        return Problem(clean(f"{text}, {q}" + ("" if q.endswith(".") else "?")), steps)
    if rng.random() < 0.1:
        text = text.replace(". " + cap(parts), ": " + parts)
    return Problem(clean(f"{text}. {cap(q)}" + ("" if q.endswith(".") else "?")), steps)


def goal(rng, n_steps):
    """Something is wanted, and parts of it are there: what is missing. The parts are first added up, or taken off one by one."""
    xs = amounts(rng, n_steps, 150)
    whole, past = sum(xs) + rng.randint(1, 49), rng.random() < 0.5
    p, doing = who(rng), rng.choice(DOINGS)
    things = table.word(rng, doing.things)
    told = _by_times(rng, p, doing, things, xs, past) if rng.random() < 0.6 or p.first else _by_persons(rng, doing, things, xs, past)
    way = (
        ""
        if rng.random() < 0.3
        else " of a way"
        if things in ("miles", "km", "kilometers", "meters")
        else " of a book"
        if things == "pages"
        else ""
    )
    first = rng.random() < 0.5 or n_steps == 1
    slots = {"V": doing.verb.base, "Vd": doing.verb.part, "t": things, "his": p.his}
    w_ = f"{whole} {things}" if first or way or rng.random() < 0.3 else whole
    wants = conjugated(fill(rng, rng.choice(GOALS[way]), {**slots, "w": w_, "he": p.name if first else p.he}), p, past)
    q = conjugated(fill(rng, rng.choice(GOAL_ASKS[way]), {**slots, "he": p.he}), p, False).strip()
    if first:
        return Problem(clean(f"{cap(wants)}. {told} {cap(q)}?"), steps_of(whole, [("-", x) for x in xs]))
    steps = steps_of(xs[0], [("+", x) for x in xs[1:]])
    return Problem(clean(f"{told} {cap(wants)}. {cap(q)}?"), [*steps, (whole, "-", sum(xs), whole - sum(xs))])
