"""Situations in which a number goes up and down (tables/scenes.txt), told in many ways."""

import re

from . import table
from . import verbs as v
from . import words as w
from .grammar import polish
from .telling import MANY, Problem, Who, again, cap, n_more, n_of, name_of, numbers, other_than, steps_of, who

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([\w#+-]+)\}")
_VERB = re.compile(r"<(@?)([\w-]+)([+*]?)>")
_FILLERS = {name: table.entries(lines) for name, lines in table.sections("fillers.txt").items()}
CITIES = """Paris London Rome Berlin Vienna Prague Lisbon Athens Cairo Tokyo Dublin Boston Chicago Denver Austin Bristol Oxford Bergen Turin
Lima Quito Delhi Sydney Perth Zurich Basel Munich Hamburg Cologne Ghent Krakow Riga Tampa Salem""".split()
LIKE_IT = ("it", "it", "its")


def choose(rng, text):
    """Each [a|b] by one of its choices."""
    while "[" in text:
        text = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), text)
    return text


def city(rng):
    return rng.choice(CITIES) if rng.random() < 0.5 else cap(w.invented(rng, short=True))


class Scene:
    """A section of the table."""

    def __init__(self, name, lines):
        self.name = name
        keys = {key: table.entries(text) for key, text in table.keyed(lines).items()}
        self.who = table.entries(keys.pop("who", ["person"]), ",")
        self.unit = keys.pop("unit", [])
        self.things = table.entries(" / ".join(keys.pop("things", [])).replace(" / ", ","), ",")
        self.top = int(keys.pop("top", ["199"])[0])
        self.start, self.plus, self.minus = (keys.pop(k) for k in ("start", "plus", "minus"))
        self.ask, self.ask_left = keys.pop("ask"), keys.pop("ask-", [])
        self.lists = {k: table.entries(x, ",") for k, x in keys.items()}


SCENES = [Scene(name, lines) for name, lines in table.sections("scenes.txt").items()]
_SHARES = [3 if s.name in ("owns", "shop", "ride", "crowd", "money", "container", "kitchen", "beasts") else 1 for s in SCENES]


class Event:
    """A clause: its text, whose doing it is ("P" the main person's, "n" what is counted), and the text without that."""

    def __init__(self, text, template, op, number):
        self.text, self.op, self.number = text, op, number
        self.subject = "P" if template.startswith("{P} ") else "n" if template.startswith("{n} ") else ""
        self.rest = ""


class Telling:
    """The persons, things and the tense of one problem; fills the templates of a scene."""

    def __init__(self, rng, scene):
        self.rng, self.scene, self.past, self.met = rng, scene, rng.random() < 0.6, False
        self.p = self._main()
        self.owner = self.p if self.p.his != "its" else Who("", ("", "", rng.choice(("his", "her", "my"))))
        self.o = other_than(rng, self.owner)
        self.unit = rng.choice(scene.unit) if scene.unit else ""
        self.things = {"$": "dollars", "€": "euros", "%": "percent", "°C": "degrees"}.get(self.unit, self.unit)
        if not scene.unit:
            self.things = table.word(rng, scene.things)
            if rng.random() < 0.06:
                self.things = w.plural(w.invented(rng, short=True))
        self.words = rng.random() < 0.015
        self.kept = {k: rng.choice(x) for k, x in scene.lists.items() if k != "stop"}

    def _main(self):
        rng, kind = self.rng, self.rng.choice(self.scene.who)
        if kind == "person":
            return who(rng)
        if rng.random() < 0.12:
            kind = f"{rng.choice(w.ADJECTIVES)} {kind}"
        r = rng.random()
        if r < 0.7:
            return Who(rng.choice(("the ", "the ", "a ", "our ", "my ", "this ")) + kind, LIKE_IT)
        if r < 0.92:
            return Who(f"{name_of(rng)[0]}'s {kind}", LIKE_IT)
        return Who(f"{kind} {rng.choice((city(rng), name_of(rng)[0]))}", LIKE_IT)

    def _mention(self, first=0.3):
        """The main person: by name at first and at times later."""
        p = self.p
        if not self.met or self.rng.random() < first:
            self.met = True
            name = p.name
        else:
            name = p.he
        return name

    def _number(self, d):
        return w.NUMBER_WORDS[d] if self.words and d < len(w.NUMBER_WORDS) else str(d)

    def _of_unit(self, d, style):
        d, rng = self._number(d), self.rng
        full = f"{self.unit}{d}" if self.unit in ("$", "€") else f"{d}{self.unit}" if self.unit in ("%", "°C") else f"{d} {self.unit}"
        if style == "start" or rng.random() < 0.65:
            return full
        more = [f"another {full}", f"another {d}", f"another {full}"] if style == "+" else [d]
        if style == "+" and full[-1].isalpha():
            more += [f"{d} more {self.unit}", f"{d} more", f"an additional {full}"]
        return rng.choice((d, *more))

    def amount(self, d, style):
        """A number with what is counted, as it is said at the start, of what comes (+) and of what goes (-)."""
        rng, things = self.rng, self.things
        if self.unit:
            return self._of_unit(d, style)
        d = self._number(d)
        if style == "start":
            kind = f"{rng.choice(w.ADJECTIVES)} {things}" if rng.random() < 0.08 else things
            return rng.choice(("",) * 24 + ("exactly ", "a total of ", "just ")) + f"{d} {kind}"
        only = rng.choice(("only ", "just ", "even ")) if rng.random() < 0.03 else ""
        return only + (n_more(rng, d, things) if style == "+" else n_of(rng, d, things, self.p.his if self.p.his != "its" else "the"))

    def _slot(self, key, d, style):
        rng, p = self.rng, self.p
        fixed = {
            "him": p.him,
            "his": p.his,
            "things": self.things,
            "u": self.things,
            "o2": self.o,
            "a": "a",
            "units": w.plural(self.things) if self.things and self.things[-1] != "s" else self.things,
            "unit1": {"feet": "foot", "inches": "inch"}.get(self.things, self.things.rstrip("s")),
        }
        if key in fixed:
            return fixed[key]
        if key == "P":
            return self._mention()
        if key == "n":
            return self.amount(d, style)
        if key == "#":
            return self._number(d)
        if key == "o":
            return self.o if rng.random() < 0.5 else other_than(rng, self.owner)
        if key in self.kept:
            return self.kept[key]
        if key == "stop":
            return rng.choice(self.scene.lists["stop"])
        return slot(rng, key)

    def _verb(self, m):
        rng = self.rng
        verb = v.choose(rng, m.group(2)) if m.group(1) else v.named(m.group(2))
        many, r = not m.group(3), rng.random()
        if m.group(2) == "be" and r < 0.05:
            return "had been" if self.past else "have been" if many or m.group(3) == "*" and self.p.plural else "has been"
        if m.group(2) in ("do", "be", "have"):
            r = 1
        if r < 0.05:
            return ("had " if self.past else "have " if many or m.group(3) == "*" and self.p.plural else "has ") + verb.part
        if r < 0.08 and m.group(3) == "*":
            return f"{self.p.does(v.named(rng.choice(('decide', 'have', 'manage'))), self.past)} to {verb.base}"
        return self.p.does(verb, self.past) if m.group(3) == "*" else verb.finite(self.past, many)

    def fill(self, template, d=None, style="start"):
        text = choose(self.rng, template)
        for _ in range(3):  # a slot may hold choices and slots of its own
            text = _SLOT.sub(lambda m: self._slot(m.group(1), d, style), text)
            text = choose(self.rng, text)
        return _VERB.sub(self._verb, text)

    def event(self, op, d):
        template = self.rng.choice(self.scene.plus if op == "+" else self.scene.minus)
        if template.startswith("{P} "):
            subject, rest = self._mention(), self.fill(template[4:], d, op)
            e = Event(f"{subject} {rest}", template, op, d)
            e.rest = rest
            return e
        return Event(self.fill(template, d, op), template, op, d)

    def question(self, last):
        rng = self.rng
        asks = self.scene.ask + self.scene.ask_left * (2 if last == "-" else 0)
        text = self.fill(rng.choice(asks)).strip()
        if text.endswith("."):
            return cap(text)
        r = rng.random()
        if r < 0.04 and text.startswith(("how", "what")):
            text = rng.choice(("so ", "now ", "and ", "then ")) + text
        return cap(text) + "?"


def slot(rng, key):
    """The slots that are the same in all tables."""
    if key == "o":
        return other_than(rng, _NOBODY)
    if key in ("why+", "why-", "when"):
        return rng.choice(_FILLERS[{"why+": "why gain", "why-": "why loss"}.get(key, key)])
    if key == "his":
        return rng.choice(("his", "her"))
    if key == "t":
        return rng.choice(w.NOUNS)
    if key in ("ts", "t2"):
        return rng.choice(w.PLURALS)
    if key == "thing":
        return "the " + rng.choice(
            ("rain", "snow", "noise", "storm", "cold", "fog", "heat", "late hour", "flu", "wind", "dark", "long way", "bad food")
        )
    if key.startswith("city"):
        return city(rng)
    if key == "N":
        return str(rng.randint(2, 99))
    if key == "D":
        return str(rng.randint(0, 29)).rjust(2, "0")
    return rng.choice((name_of(rng)[0], "my " + rng.choice(("friend", "aunt", "neighbor"))))


_NOBODY = Who("", MANY, True)


def filler(rng, name, numbered=False):
    """A phrase that does not count; with numbered, one with a number."""
    items = _FILLERS[name]
    if numbered:
        items = [x for x in items if "{N}" in x or "{D}" in x]
    text = choose(rng, rng.choice(items))
    return choose(rng, _SLOT.sub(lambda m: slot(rng, m.group(1)), text))


def lead(rng, share):
    if rng.random() > share:
        return ""
    text = filler(rng, "leads") if rng.random() < 0.8 else filler(rng, "when")
    return text + rng.choice((", ", ", ", " "))


_TIMES = [x for x in _FILLERS["leads"] if x.split()[0] in ("on", "in", "at", "during", "by", "over", "around")]


def _again(rng, e, before, money):
    """A second number for the verb of the event before."""
    r = rng.random()
    if r < 0.4:
        return again(rng, e.op, e.number, before.subject == "P")
    time = choose(rng, _SLOT.sub(lambda m: slot(rng, m.group(1)), rng.choice(_TIMES)))
    if money and r < 0.75:
        return f"{e.number} {rng.choice(('for a', 'on a', 'for the', 'with a'))} {rng.choice(w.NOUNS)}"
    if r < 0.75:
        return f"{time} {e.number}"
    return f"{e.number} {time}" if r < 0.95 else str(e.number)


def _and(rng, e, before):
    """An event that goes on in the sentence of the one before."""
    if e.op == before.op and rng.random() < 0.35:
        return _again(rng, e, before, "$" in before.text or "dollar" in before.text or "euro" in before.text)
    if e.subject == before.subject == "P" and rng.random() < 0.75:
        return lead(rng, 0.08) + e.rest
    return lead(rng, 0.15) + e.text


def _sentence(rng, events):
    text = events[0].text
    for i, (before, e) in enumerate(zip(events, events[1:])):
        last = i == len(events) - 2
        if e.op != before.op and rng.random() < 0.25:
            link = rng.choice((" but ", ", but ", ", but then ", " although ", " but later "))
        elif last:
            link = rng.choice(
                (
                    " and ",
                    " and ",
                    " and ",
                    ", and ",
                    ", and then ",
                    " and then ",
                    ", then ",
                    "; ",
                    " and later ",
                    " and after that ",
                    ", while ",
                )
            )
        else:
            link = rng.choice((", ", ", ", ", then ", " and ", "; "))
        aside = filler(rng, "asides").lstrip(", ") if rng.random() < 0.02 else ""
        text += (f" {aside}" if aside.startswith("(") else "") + link + _and(rng, e, before)
    return text


def _groups(rng, events):
    """Events in sentences of one to three."""
    out, i = [], 0
    while i < len(events):
        k = rng.choices((1, 2, 3), (5, 4, 2))[0]
        out.append(events[i : i + k])
        i += k
    return out


def _end(rng):
    return "!" if rng.random() < 0.03 else "."


def sentences(rng, events, share=0.5):
    """The events told one after the other, with times and with what lies between."""
    out = ""
    for group in _groups(rng, events):
        out += " " + cap(lead(rng, share) + _sentence(rng, group)) + _end(rng)
        if rng.random() < 0.03:
            out += " " + cap(filler(rng, "between")) + "."
    return out


def _told(rng, t, first, rest, events, q):
    """The start (rest: the text behind its subject, if that is the main person), the events, and the question."""
    if not events:
        return cap(first) + _end(rng) + " " + q
    r, as_one, body = rng.random(), q.endswith("?"), _sentence(rng, events)
    if rng.random() < 0.05:
        first += " " + filler(rng, "when")
    if r < 0.08 and as_one:
        return f"If {first}{rng.choice((' and ', ', ', ' and then ', ', and '))}{body}, {q[0].lower() + q[1:]}"
    if r < 0.16 and as_one:
        return f"{q[:-1]}{rng.choice((' if ', ' when ', ', if '))}{first}{rng.choice((' and ', ', ', ' and then '))}{body}?"
    if r < 0.19:
        return f"{q[:-1]}: {first}{rng.choice((', ', ' and ', '; '))}{body}."
    if r < 0.24 and rest and events[0].subject == "P" and not t.p.first:
        said = f"{t.p.name}, {'who' if t.p.his != 'its' else 'which'} {rest}, {events[0].rest}"
        return cap(said) + _end(rng) + sentences(rng, events[1:]) + " " + q
    if r < 0.36:
        link = rng.choice((", ", " and ", " and ", " but ", "; ", ", but ", " and then ", ", then ", ", and "))
        return cap(first) + link + events[0].text + _end(rng) + sentences(rng, events[1:]) + " " + q
    if r < 0.44 and as_one:
        k = min(len(events), rng.choice((1, 1, 2, 3)))
        told = sentences(rng, events[:-k])
        when = rng.choice(("If ", "If ", "If ", "When ", "After ", "Once ", "Now that "))
        return cap(first) + _end(rng) + told + f" {when}{_sentence(rng, events[-k:])}, {q[0].lower() + q[1:]}"
    if r < 0.47 and len(events) == 1:
        return cap(events[0].text) + rng.choice((". Before that ", ". Before, ", ". At first ", ". In the beginning ")) + first + ". " + q
    return cap(first) + _end(rng) + sentences(rng, events) + " " + q


def _two_at_once(rng, t, start, d):
    """The start in two kinds: "5 red and 7 blue cups"; the second is the first change."""
    a, b = rng.sample(w.ADJECTIVES, 2)
    return f"{start} {a}{rng.choice((' and', ' ' + t.things + ' and'))} {d} {b} {t.things}"


_BLANKS = re.compile(r" +(?=[ .,;:!?])|\bthen (?=then\b)|\bwhile (?=then\b)|\bmore (?=more\b)")


def scene(rng, n_steps):
    """A problem of so many steps."""
    s = rng.choices(SCENES, _SHARES)[0]
    t = Telling(rng, s)
    start, changes = numbers(rng, n_steps, s.top)
    template = rng.choice(s.start)
    if not s.unit and changes[0][0] == "+" and rng.random() < 0.15:
        both, events = _two_at_once(rng, t, start, changes[0][1]), changes[1:]
        t.amount, amount = lambda d, style: both, t.amount
        first = t.fill(template, start)
        t.amount, rest = amount, ""
    else:
        events = changes
        rest = ""
        if template.startswith("{P} "):
            subject, rest = t._mention(), t.fill(template[4:], start)
            first = f"{subject} {rest}"
        else:
            first = t.fill(template, start)
    told = [t.event(op, d) for op, d in events]
    text = _told(rng, t, first, rest, told, t.question(changes[-1][0]))
    return Problem(cap(polish(_BLANKS.sub("", text.strip()))), steps_of(start, changes))
