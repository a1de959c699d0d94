"""Small text tasks that only the examples tell: many tasks share each kind of input."""

from . import words as w


def _letters(rng):
    return "".join(rng.choice(w.LETTERS) for _ in range(rng.choice((3, 4, 4, 5, 5, 6))))


def _spaced(s):
    return " ".join(s)


def _shown(case):
    """Letter tasks show strings as capitals (one token a letter) or as letters apart."""
    return {"capitals": str.upper, "apart": _spaced}[case]


LETTER_TASKS = {
    "first letter": lambda s: s[0],
    "last letter": lambda s: s[-1],
    "second letter": lambda s: s[1],
    "reverse": lambda s: s[::-1],
    "sort letters": lambda s: "".join(sorted(s)),
    "count letters": lambda s: str(len(s)),
    "copy letters": lambda s: s,
    "double first": lambda s: s[0] + s,
    "drop first": lambda s: s[1:],
    "drop last": lambda s: s[:-1],
    "swap ends": lambda s: s[-1] + s[1:-1] + s[0],
    "change case": lambda s: s,
}
LIST_TASKS = {
    "first word": lambda ws: ws[0],
    "last word": lambda ws: ws[-1],
    "second word": lambda ws: ws[1],
    "reverse words": lambda ws: ", ".join(reversed(ws)),
    "count words": lambda ws: w.NUMBER_WORDS[len(ws)],
    "copy words": lambda ws: ", ".join(ws),
    "join ends": lambda ws: f"{ws[0]} {ws[-1]}",
}
_OPPOSITE = {**{a: b for a, b in w.OPPOSITES}, **{b: a for a, b in w.OPPOSITES}}
_PAIR = {x: min(p) for p in w.OPPOSITES for x in p}
_CATEGORY = {x: c for c, xs in w.CATEGORIES.items() for x in xs}
WORD_TASKS = {
    "copy word": lambda x: x,
    "twice": lambda x: f"{x} {x}",
    "say": lambda x: f"I see the {x}.",
    "very": lambda x: f"very {x}",
    "bracket": lambda x: f"({x})",
    "exclaim": lambda x: f"{x}!",
    "negate": lambda x: f"not {x}",
}
NUMBER_TASKS = {
    "plus one": lambda n: str(n + 1),
    "minus one": lambda n: str(n - 1),
    "plus ten": lambda n: str(n + 10),
    "copy number": lambda n: str(n),
    "odd or even": lambda n: "odd" if n % 2 else "even",
    "swap digits": lambda n: str(n)[::-1],
    "last digit": lambda n: str(n)[-1],
}
NUMBER_LIST_TASKS = {
    "largest": lambda ns: str(max(ns)),
    "smallest": lambda ns: str(min(ns)),
    "first number": lambda ns: str(ns[0]),
    "last number": lambda ns: str(ns[-1]),
}

GROUPS = {
    "letters": list(LETTER_TASKS),
    "lists": list(LIST_TASKS),
    "words": list(WORD_TASKS) + ["opposite", "category", "plural"],
    "numbers": list(NUMBER_TASKS),
    "number lists": list(NUMBER_LIST_TASKS) + ["next in sequence"],
    "made up": ["pairs", "labels"],
}
ALL = [t for ts in GROUPS.values() for t in ts]


class Source:
    """Draws (input, output) pairs of one task; with test, only inputs that training never shows in it.
    With wide, words come from a larger stock, and every second one is invented."""

    def __init__(self, rng, task, test=False, wide=False):
        self.rng, self.task, self.test, self.wide = rng, task, test, wide
        self.case = rng.choice(("capitals", "apart"))
        self.step = rng.choice((1, 1, 2, 3, 5, 10))
        self.letters_next = rng.random() < 0.3
        self.labels = rng.sample(w.kept("task-word", w.THINGS)[self.test], 2) if rng.random() < 0.5 \
            else rng.choice([["A", "B"], ["X", "Y"], ["yes", "no"], ["1", "2"], ["left", "right"], ["P", "Q"]])
        self.classes = rng.sample(sorted(w.CATEGORIES), 2)

    def draw(self):
        while True:
            key, shown, out = self._draw()
            if w.held("task", f"{self.task}/{key}") == self.test:
                return shown, out

    def _word(self, words):
        if self.wide and words is w.EVERYDAY:
            return _wide_word(self.rng)
        return self.rng.choice(w.kept("task-word", words)[self.test])

    def _draw(self):
        rng, task = self.rng, self.task
        if task in LETTER_TASKS:
            s = _letters(rng)
            if task == "change case":
                return s, *((s.upper(), _spaced(s)) if self.case == "capitals" else (_spaced(s), s.upper()))
            out = LETTER_TASKS[task](s)
            return s, _shown(self.case)(s), out if out.isdigit() else _shown(self.case)(out)
        if task in LIST_TASKS:
            ws = [self._word(w.EVERYDAY) for _ in range(rng.choice((2, 3, 3, 4)))]
            return ",".join(ws), ", ".join(ws), LIST_TASKS[task](ws)
        if task in NUMBER_TASKS:
            n = rng.randint(10, 89)
            return n, str(n), NUMBER_TASKS[task](n)
        if task in NUMBER_LIST_TASKS:
            ns = rng.sample(range(1, 100), rng.choice((2, 3, 3, 4)))
            return ",".join(map(str, ns)), ", ".join(map(str, ns)), NUMBER_LIST_TASKS[task](ns)
        if task == "next in sequence":
            if self.letters_next:
                i = rng.randint(0, 22)
                return i, ", ".join(w.LETTERS[i:i + 3]), w.LETTERS[i + 3]
            a, d = rng.randint(1, 60), self.step
            return a, f"{a}, {a + d}, {a + 2 * d}", str(a + 3 * d)
        return self._draw_word()

    def _draw_word(self):
        rng, task = self.rng, self.task
        if task == "opposite":
            while True:
                x = rng.choice(list(_OPPOSITE))
                if w.held("opposite", _PAIR[x]) == self.test:
                    break
            return self._any(x), x, _OPPOSITE[x]
        if task in ("category", "labels"):
            pool = list(_CATEGORY) if task == "category" else w.CATEGORIES[self.classes[0]] + w.CATEGORIES[self.classes[1]]
            train_pool, test_pool = w.kept("task-word", pool)
            chosen = test_pool if self.test else train_pool
            if task == "labels" and not {self.classes[0], self.classes[1]} <= {_CATEGORY[c] for c in chosen}:
                self.classes = rng.sample(sorted(w.CATEGORIES), 2)
                return self._draw_word()
            x = rng.choice(chosen)
            return self._any(x), x, _CATEGORY[x] if task == "category" else self.labels[self.classes.index(_CATEGORY[x])]
        x = self._word(w.NOUNS if task == "plural" else w.EVERYDAY)
        return self._any(x), x, w.plural(x) if task == "plural" else WORD_TASKS[task](x)

    def _any(self, _):
        """Words are kept apart by themselves, whatever the task: a key that is on the wanted side."""
        return next(k for k in range(1000) if w.held("task", f"{self.task}/{k}") == self.test)


def _wide_word(rng):
    while True:
        x = w.invented(rng) if rng.random() < 0.5 else rng.choice(w.EVERYDAY + w.OTHERS)
        if not w.held("task-word", x):
            return x


def _made_up_pairs(rng, n_shots, test, wide):
    """A map made on the spot; the last question repeats a pair shown before, or, with none shown, cannot be known."""
    pool = w.kept("task-word", w.EVERYDAY)[test]
    if wide:
        pool = [_wide_word(rng) for _ in range(12)]
    n_keys = max(1, min(n_shots, rng.choice((2, 3, 4))))
    keys, values = rng.sample(pool, n_keys), rng.sample(pool, n_keys)
    if rng.random() < 0.4:
        values = [str(v) for v in rng.sample(range(10, 100), n_keys)]
    order = list(range(n_keys)) + [rng.randrange(n_keys) for _ in range(n_shots - n_keys)]
    rng.shuffle(order)
    order.append(rng.choice(order) if order else 0)
    return [(keys[i], values[i]) for i in order[-(n_shots + 1):]]


def pairs(rng, task, n_shots, test=False, wide=False):
    """n_shots examples and the question, as (input, output); the question is not among the examples (but in "pairs")."""
    if task == "pairs":
        return _made_up_pairs(rng, n_shots, test, wide)
    source, out, seen = Source(rng, task, test, wide), [], set()
    for _ in range(200):
        if len(out) == n_shots + 1:
            break
        x, y = source.draw()
        if x not in seen:
            seen.add(x)
            out.append((x, y))
    if task == "labels" and n_shots:
        shown = {y for _, y in out[:-1]}
        if out[-1][1] not in shown:
            out[0], out[-1] = out[-1], out[0]
    return out


FORMS = [
    ("Input: ", "\nOutput:", "\n\n"), ("Input: ", "\nOutput:", "\n"), ("", " ->", "\n"), ("", " =>", "\n"),
    ("Q: ", "\nA:", "\n\n"), ("", " |", "\n"), ("In: ", "\nOut:", "\n\n"), ("Word: ", "\nAnswer:", "\n\n"),
]


def shots(rng):
    return rng.choice((1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7, 8))


def pick(rng):
    group = rng.choices(list(GROUPS), (5, 3, 4, 2, 2, 3))[0]
    if group == "made up":
        return rng.choice(GROUPS[group])
    return rng.choice(GROUPS[group])


def document(rng, wide=False):
    """Examples of one task in one form, as [(text, learn)]; the first answer cannot be known, so it mostly is not learnt."""
    before, between, after = rng.choice(FORMS)
    task, n = pick(rng), shots(rng)
    items = pairs(rng, task, n, wide=wide)
    learn_first = rng.random() < 0.2
    out = []
    if rng.random() < 0.15:
        out.append((rng.choice(["Follow the examples.\n\n", "Do the same.\n\n", "Go on like this.\n\n"]), False))
    for i, (x, y) in enumerate(items):
        out += [(before + x + between, False), (" " + y + after, i > 0 or learn_first)]
    return out
