"""How problems are told: persons, things, numbers, and what happens to them as clauses."""

from . import table
from . import verbs as v
from . import words as w

GIRL, BOY, MANY = ("she", "her", "her"), ("he", "him", "his"), ("they", "them", "their")
ROLES = """farmer gardener baker teacher doctor child boy/ girl man/ woman student player collector sailor king/ queen
wizard/ driver painter clown cook hunter/ shopkeeper librarian grandmother neighbor pirate/ knight/ tailor mechanic nurse
fisherman/ monkey squirrel robot""".split()  # a slash: he
KIN = "sister brother/ mother father/ aunt uncle/ friend cousin teacher neighbor grandmother grandfather/ mom dad/".split()
SEVERAL = "they/the children/the twins/the students/the friends/my parents/the farmers/the players".split("/")
STRANGERS = "a friend/a neighbor/the teacher/a stranger/the shopkeeper/a customer/a girl/a boy/grandpa".split("/")

UNITS_AND_PEOPLE = """pages points dollars minutes kilometers miles cents euros hours meters steps goals words laps liters photos letters
messages people children passengers students men women girls boys players guests visitors tourists customers workers kids dancers
soldiers fans travelers pupils adults swimmers runners riders friends members""".split()


class Who:
    """A person or several: how a sentence names them first and later, and the rest of the pronouns."""

    def __init__(self, name, pronouns, plural=False, first=False):
        self.name, (self.he, self.him, self.his), self.plural, self.first = name, pronouns, plural, first

    def do(self, past):
        return "did" if past else "do" if self.plural else "does"

    def has(self, past):
        return "had" if past else "have" if self.plural else "has"

    def does(self, verb, past):
        """The verb as it goes with this person."""
        if self.name == "I" and verb.base.split()[0] == "be":
            return ("was" if past else "am") + verb.base[2:]
        return verb.finite(past, self.plural)


def name_of(rng, test=False):
    """(name, pronouns): a listed name, or one that does not exist."""
    if not test and rng.random() < 0.4:
        x = w.invented(rng, short=True)
        return x[0].upper() + x[1:], rng.choice((GIRL, BOY))
    girl = rng.random() < 0.5
    return _pick(rng, "problem-name", w.GIRLS if girl else w.BOYS, test), GIRL if girl else BOY


def who(rng, test=False):
    r = rng.random()
    if r < 0.62 or test:
        return Who(*name_of(rng, test))
    if r < 0.68:
        return Who("I", ("I", "me", "my"), True, True)
    if r < 0.71:
        return Who("you", ("you", "you", "your"), True, True)
    if r < 0.74:
        return Who("we", ("we", "us", "our"), True, True)
    if r < 0.80:
        return Who(rng.choice((*SEVERAL, f"{name_of(rng)[0]} and {name_of(rng)[0]}")), MANY, True)
    if r < 0.90:
        x = rng.choice(ROLES)
        return Who(rng.choice(("a ", "the ")) + x.strip("/"), BOY if x[-1] == "/" else rng.choice((GIRL, GIRL, BOY)))
    if r < 0.96:
        x = rng.choice(KIN)
        return Who(rng.choice(("my ", "my ", "your ", "our ")) + x.strip("/"), BOY if x[-1] == "/" else GIRL)
    return Who(rng.choice(("Mr. ", "Mrs. ")) + name_of(rng)[0], rng.choice((GIRL, BOY)))


def other_than(rng, one, test=False):
    """Somebody else, as a sentence names them."""
    while True:
        if test or rng.random() < 0.6:
            x = name_of(rng, test)[0]
        elif rng.random() < 0.7:
            x = (f"{one.his} " if one.his != "his" or rng.random() < 0.9 else "his ") + rng.choice(KIN).strip("/")
        else:
            x = rng.choice(STRANGERS)
        if x != one.name:
            return x


def _pick(rng, role, items, test):
    train, kept = w.kept(role, items)
    return rng.choice(kept if test else train)


def thing_of(rng, test=False):
    """Things that can be counted, in the plural; also ones that do not exist."""
    r = rng.random()
    if test:
        return _pick(rng, "problem-thing", w.COUNTED, True)
    if r < 0.40:
        return rng.choice(w.PLURALS)
    if r < 0.62:
        return _pick(rng, "problem-thing", w.COUNTED, False)
    if r < 0.92:
        return w.plural(w.invented(rng, short=True))
    return rng.choice(w.ADJECTIVES) + " " + rng.choice(w.PLURALS)


class Problem:
    """A question, its steps [(left, op, right, result)], and the answer."""

    def __init__(self, question, steps, key=""):
        self.question, self.steps, self.answer, self.key = question, steps, steps[-1][3], key

    def worked(self):
        return " ".join(f"{'First' if i == 0 else 'Then'} {a} {op} {b} = {r}." for i, (a, op, b, r) in enumerate(self.steps))


def start_number(rng):
    return rng.randint(100, 199) if rng.random() < 0.12 else rng.randint(2, 99)


def numbers(rng, n, top=199):
    """A start and n changes, each (op, number); every result is in 0..top."""
    while True:
        at = start = start_number(rng)
        out = []
        for _ in range(n):
            d = rng.randint(1, 9) if rng.random() < 0.2 else rng.randint(1, 99)
            op = "+" if rng.random() < 0.48 else "-"
            at = at + d if op == "+" else at - d
            if not 0 <= at <= top or (at == 0 and rng.random() < 0.8):
                break
            out.append((op, d))
        if len(out) == n:
            return start, out


def steps_of(start, changes):
    out = []
    for op, d in changes:
        to = start + d if op == "+" else start - d
        out.append((start, op, d, to))
        start = to
    return out


def cap(s):
    return s[0].upper() + s[1:]


_TABLE = {name: table.entries(lines) for name, lines in table.sections("telling.txt").items()}
LEADS, TAILS = _TABLE["leads"], [""] * 7 + _TABLE["tails"]


def n_more(rng, d, things):
    return rng.choice(_TABLE["more of"]).format(d=d, things=things)


def n_of(rng, d, things, his="the"):
    return rng.choice(_TABLE["some of"]).format(d=d, things=things, his=his)


class Clause:
    """What happens, as a finite clause without capital, and with -ing if the person does it."""

    def __init__(self, finite, ing=None, doer=False):
        self.finite, self.ing, self.doer = finite, ing, doer


def _tail(rng):
    t = rng.choice(TAILS)
    return f" {t}" if t else ""


def gain(rng, p, d, things, past, named, test):
    """{p} comes to have d more."""
    r, s = rng.random(), p.name if named else p.he
    amount = n_more(rng, d, things)
    if r < 0.55:
        verb, tail = v.choose(rng, "GAIN", test), _tail(rng)
        finite = p.does(verb, past) if s == "I" else verb.finite(past, p.plural)
        return Clause(f"{s} {finite} {amount}{tail}", f"{verb.ing} {amount}{tail}", True)
    o = other_than(rng, p, test)
    if r < 0.80:
        verb = v.choose(rng, "GIVE", test)
        f = verb.finite(past, False)
        forms = [f"{o} {f} {p.him} {amount}"]
        if rng.random() < 0.9 and verb.base not in ("get", "make", "buy"):
            forms = [*forms, *forms, f"{o} {f} {amount} to {p.him}", f"{s} {p.has(past)} {verb.part} {amount} by {o}"]
        return Clause(rng.choice(forms))
    if r < 0.92:
        verb = rng.choice(("get/got", "receive", "borrow", "buy/bought", "win/won", "take/took/taken", "collect", "inherit"))
        verb = v.Verb(verb)
        x = f"{amount} from {o}" + rng.choice(("", "", " for " + p.his + " birthday"))
        return Clause(f"{s} {verb.finite(past, p.plural)} {x}", f"{verb.ing} {x}", True)
    verb = v.choose(rng, "COME_IN", test)
    return Clause(f"{n_more(rng, d, things)} {verb.finite(past, True)}")


def loss(rng, p, d, things, past, named, test):
    r, s = rng.random(), p.name if named else p.he
    amount = n_of(rng, d, things, p.his)
    if r < 0.52:
        verb, tail = v.choose(rng, "LOSE" if rng.random() < 0.85 else "EAT", test), _tail(rng)
        return Clause(f"{s} {verb.finite(past, p.plural)} {amount}{tail}", f"{verb.ing} {amount}{tail}", True)
    o = other_than(rng, p, test)
    if r < 0.74:
        verb = v.choose(rng, "GIVE", test)
        x = f"{amount} to {o}" if rng.random() < 0.6 else f"{o} {amount}"
        if verb.base in ("get", "make", "buy", "leave"):
            verb = v.FIRST["GIVE"][0]
        return Clause(f"{s} {verb.finite(past, p.plural)} {x}", f"{verb.ing} {x}", True)
    if r < 0.84:
        verb = v.choose(rng, "TAKE", test)
        return Clause(f"{o} {verb.finite(past, False)} {amount} from {p.him}")
    if r < 0.91:
        verb = v.choose(rng, "RUIN", test)
        o = rng.choice((o, o, *_TABLE["ruiners"])).format(his=p.his)
        return Clause(f"{o} {verb.finite(past, False)} {n_of(rng, d, things, p.his)}")
    verb = v.choose(rng, "SPOIL", test)
    return Clause(f"{n_of(rng, d, things, p.his)} {verb.finite(past, True)}")


def again(rng, op, d, by_whom=True, test=False):
    """A second number for the same verb."""
    o = name_of(rng, test)[0]
    whom = _TABLE["again, given away" if op == "-" else "again, got"] if by_whom else []
    return rng.choice(_TABLE["again"] + whom).format(d=d, o=o)


def merged(rng, changes, clauses, share=0.3, test=False):
    """Clauses, of which two that say the same may be one with two numbers."""
    out = []
    for (op, d), c in zip(changes, clauses):
        if out and out[-1][0] == op and rng.random() < share:
            tail = rng.choice((" and ", " and ", ", then ", " and then ")) + again(rng, op, d, c.doer, test)
            last = out[-1][1]
            out[-1] = "", Clause(last.finite + tail, last.ing + tail if last.ing else None, last.doer)
        else:
            out.append((op, c))
    return [c for _, c in out]


AND = (
    " and ",
    " and then ",
    ", then ",
    ", and ",
    ", and then ",
    " but ",
    ", but then ",
    "; ",
    " and later ",
    " and after that ",
    ", while ",
)


def join(rng, clauses):
    """Clauses as sentences: each for itself, or two in one; with a time or without."""
    out, i = "", 0
    while i < len(clauses):
        c = clauses[i]
        r, lead = rng.random(), rng.choice(LEADS) if rng.random() < (0.35 if i == 0 else 0.55) else ""
        text = (lead + rng.choice((", ", ", ", " ")) if lead else "") + c
        if i + 1 < len(clauses) and r < 0.4:
            i += 1
            text += rng.choice(AND) + clauses[i]
            if i + 1 < len(clauses) and rng.random() < 0.3:
                i += 1
                text += rng.choice((" and ", ", and then ", ", but ", ", then ", " and finally ")) + clauses[i]
        out += " " + cap(text) + "."
        i += 1
    return out


def told(rng, first, clauses, q, shares, links, starts):
    """How it is at first, what happens and the question as one text. Up to shares[0] and shares[1] all is one sentence,
    its clauses linked by one of `links`; up to shares[2] the first clause goes with the first sentence, by one of
    `starts`."""
    r = rng.random()
    if r < shares[0]:
        return f"If {first} and " + rng.choice(links).join(clauses) + f", {q[0].lower() + q[1:]}"
    if r < shares[1]:
        return f"{q[:-1]} if {first} and " + rng.choice(links).join(clauses) + "?"
    if r < shares[2]:
        return cap(first) + rng.choice(starts) + clauses[0] + "." + join(rng, clauses[1:]) + " " + q
    return cap(first) + "." + join(rng, clauses) + " " + q
