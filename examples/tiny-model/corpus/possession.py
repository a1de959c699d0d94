"""Somebody has things, gets some and loses some: the problems that the measure asks with names and numbers of its own."""

from . import table
from . import verbs as v
from . import words as w
from .telling import Problem, cap, gain, join, loss, merged, numbers, steps_of, thing_of, who

_TABLE = {name: table.entries(lines) for name, lines in table.sections("possession.txt").items()}


def ask(rng, p, things, changes, past):
    """The question after the changes."""
    ops = {op for op, _ in changes}
    s, have = rng.choice((p.name, p.he)), rng.choice(("have", "have", "have", "own"))
    templates = list(_TABLE["ask"])
    if "-" in ops:
        templates += _TABLE["ask, when some went"] * 2
    else:
        templates += _TABLE["ask, when some came and none went"] * 2
    if rng.random() >= 0.97:
        return cap(f"find out how many {things} {s} {p.has(False)} now.")
    slots = {"s": s, "his": p.his, "do": p.do(False), "did": p.do(past), "has": p.has(False), "have": have}
    return cap(rng.choice(templates).format(things=things, **slots)) + "?"


def _owns(p, past):
    """The verbs that say what is there at first."""
    has = p.has(past)
    verbs = [v.Verb(x).finite(past, p.plural) for x in _TABLE["owns"]]
    made = [v.Verb(x).finite(past, p.plural) for x in ("make/made", "get/got")]
    return [has] * 5 + [has if past else f"{has} got", *verbs, f"already {has}", *made]


def _after_doing(rng, slots, ings, changes):
    """How many there are after doing this and that."""
    if len(ings) < 3:
        after = rng.choice((" and then ", " and ", ", then ")).join(ings)
    else:
        after = f"{ings[0]}, {ings[1]} and {ings[2]}"
    last = "{s} {owns} {a}. How many will {he} have after {after}?"
    if all(op == "-" for op, _ in changes):
        last = "After {after}, how many of {his} {start} {things} {did} {s} have?"
    return rng.choice([*_TABLE["after doing"], last]).format(after=after, **slots)


def _if(rng, slots, clauses):
    """All of it in one question."""
    if len(clauses) < 3:
        tail = rng.choice((" and ", ", and then ")).join(clauses)
    else:
        tail = f"{clauses[0]}, then {clauses[1]} and then {clauses[2]}"
    return rng.choice(_TABLE["if"]).format(tail=tail, **slots)


def _first(rng, p, slots, past):
    """The sentence that says what is there at first."""
    spot = rng.choice(_TABLE["spots"]).format(his=p.his)
    has = f"{p.name} {p.has(past)} {slots['a']}"
    there = has
    if not p.first:
        where = rng.choice((f"in {p.his} box", f"in the basket of {p.name}", f"on the desk of {p.name}"))
        there = f"there {'were' if past else 'are'} {slots['a']} {where}"
    time = rng.choice(("morning", "beginning", "evening"))
    owns = "{s} {owns} {a}".format(**slots)
    return rng.choice((owns, owns, owns, f"{has} {spot}", there, f"in the {time} {has}", f"at first, {has}"))


def possession(rng, n_steps, test=False):
    p, things, past = who(rng, test), thing_of(rng, test), rng.random() < 0.45
    start, changes = numbers(rng, n_steps)
    clauses = []
    for i, (op, d) in enumerate(changes):
        named = rng.random() < (0.3 if i == 0 else 0.15)
        tense = past if rng.random() < 0.9 else not past
        clauses.append((gain if op == "+" else loss)(rng, p, d, things, tense, named, test))
    clauses = merged(rng, changes, clauses, test=test)
    finite, r = [c.finite for c in clauses], rng.random()
    slots = {"start": start, "things": things, "adjective": rng.choice(w.ADJECTIVES)}
    slots["a"] = rng.choice(_TABLE["amounts"]).format(**slots)
    slots |= {"owns": rng.choice(_owns(p, past)), "s": p.name, "he": p.he, "his": p.his, "did": p.do(past)}
    if r < 0.16 and all(c.doer for c in clauses):
        text = _after_doing(rng, slots, [c.ing for c in clauses], changes)
    elif r < 0.26:
        text = _if(rng, slots, finite)
    else:
        text = cap(_first(rng, p, slots, past))
        if rng.random() < 0.12:
            text += rng.choice((", ", " and ", " but ", "; ")) + finite[0] + "." + join(rng, finite[1:])
        else:
            text += "." + join(rng, finite)
        text += " " + ask(rng, p, things, changes, past)
    steps = steps_of(start, changes)
    return Problem(cap(text), steps, ",".join(f"{x}{op}{y}" for x, op, y, _ in steps))
