"""Small text tasks that only the examples tell: many tasks share each kind of input."""

from . import closed
from . import verbs as v
from . import words as w

VOWELS = "aeiou"


def _spaced(s):
    return " ".join(s)


def _next(c):
    return chr(ord(c) + 1) if c != "z" else "a"


LETTER_TASKS = {
    "first letter": lambda s: s[0],
    "last letter": lambda s: s[-1],
    "second letter": lambda s: s[1],
    "third letter": lambda s: s[2],
    "second last letter": lambda s: s[-2],
    "reverse": lambda s: s[::-1],
    "upper case": str.upper,
    "capitalize": lambda s: s[0].upper() + s[1:],
    "spell": _spaced,
    "spell with dashes": "-".join,
    "spell in capitals": lambda s: _spaced(s.upper()),
    "count letters": lambda s: str(len(s)),
    "first two": lambda s: s[:2],
    "last two": lambda s: s[-2:],
    "first three": lambda s: s[:3],
    "first and last": lambda s: s[0] + s[-1],
    "double first": lambda s: s[0] + s,
    "double last": lambda s: s + s[-1],
    "drop first": lambda s: s[1:],
    "drop last": lambda s: s[:-1],
    "swap ends": lambda s: s[-1] + s[1:-1] + s[0],
    "vowels": lambda s: "".join(c for c in s if c in VOWELS) or "none",
    "no vowels": lambda s: "".join(c for c in s if c not in VOWELS) or "none",
    "first to end": lambda s: s[1:] + s[0],
    "double word": lambda s: s + s,
    "initial": lambda s: s[0].upper(),
    "last upper": lambda s: s[-1].upper(),
}
LETTERS_APART_TASKS = {
    "join letters": lambda s: s,
    "reverse letters": lambda s: _spaced(s[::-1]),
    "last of letters": lambda s: s[-1],
    "first of letters": lambda s: s[0],
}
CASE_TASKS = {"lower case": str.lower, "reverse capitals": lambda s: s[::-1], "last capital": lambda s: s[-1], "first capital": lambda s: s[0]}
LIST_TASKS = {
    "first word": lambda ws: ws[0],
    "last word": lambda ws: ws[-1],
    "second word": lambda ws: ws[1],
    "reverse words": lambda ws: ", ".join(reversed(ws)),
    "count words": lambda ws: w.NUMBER_WORDS[len(ws)],
    "number of words": lambda ws: str(len(ws)),
    "copy words": lambda ws: ", ".join(ws),
    "join ends": lambda ws: f"{ws[0]} {ws[-1]}",
    "and": lambda ws: " and ".join(ws),
    "initials": lambda ws: "".join(x[0] for x in ws),
    "longest word": lambda ws: max(ws, key=len),
    "without first": lambda ws: ", ".join(ws[1:]),
}
_OPPOSITE = {}
for _a, _b in w.OPPOSITES:
    _OPPOSITE.setdefault(_a, _b)
    _OPPOSITE.setdefault(_b, _a)
_PAIR = {x: min(p) for p in w.OPPOSITES for x in p}
_CATEGORY = {x: c for c, xs in w.CATEGORIES.items() for x in xs}
WORD_TASKS = {
    "copy word": lambda x: x,
    "twice": lambda x: f"{x} {x}",
    "say": lambda x: f"I see the {x}.",
    "very": lambda x: f"very {x}",
    "the": lambda x: f"the {x}",
    "my": lambda x: f"my {x}",
    "bracket": lambda x: f"({x})",
    "exclaim": lambda x: f"{x}!",
    "quote": lambda x: f'"{x}"',
    "negate": lambda x: f"not {x}",
    "three times": lambda x: f"{x} {x} {x}",
    "plural": w.plural,
    "article": lambda x: ("an " if x[0] in VOWELS else "a ") + x,
    "two": lambda x: f"two {w.plural(x)}",
    "past": lambda x: _VERBS[x].past,
    "ing": lambda x: _VERBS[x].ing,
    "add s": lambda x: x + "s",
    "er": lambda x: x + ("r" if x[-1] == "e" else "er"),
    "un": lambda x: "un" + x,
    "ly": lambda x: x + "ly",
    "hello": lambda x: f"Hello, {x}!",
}
_VERBS = {}
for _list in ("GAIN", "LOSE", "EAT", "COME", "LEAVE", "GIVE", "TAKE", "GROW", "FLY_OFF"):
    for _v in v.FIRST[_list]:
        _base = _v.base.split()[0]
        if _base != "be":
            _VERBS[_base] = v.Verb("/".join((_base, _v.past.split()[0], _v.part.split()[0])))
NUMBER_TASKS = {
    "plus one": lambda n, k: str(n + 1),
    "minus one": lambda n, k: str(n - 1),
    "plus": lambda n, k: str(n + k),
    "minus": lambda n, k: str(n - k) if n >= k else str(n),
    "plus ten": lambda n, k: str(n + 10),
    "double": lambda n, k: str(2 * n),
    "copy number": lambda n, k: str(n),
    "odd or even": lambda n, k: "odd" if n % 2 else "even",
    "swap digits": lambda n, k: str(n)[::-1],
    "last digit": lambda n, k: str(n)[-1],
    "first digit": lambda n, k: str(n)[0],
    "big or small": lambda n, k: "big" if n >= 50 else "small",
}
NUMBER_LIST_TASKS = {
    "largest": lambda ns: str(max(ns)),
    "smallest": lambda ns: str(min(ns)),
    "first number": lambda ns: str(ns[0]),
    "last number": lambda ns: str(ns[-1]),
}
PAIR_TASKS = {"sum": lambda a, b: f"{a + b}", "difference": lambda a, b: f"{a - b}", "larger of two": lambda a, b: str(max(a, b)), "smaller of two": lambda a, b: str(min(a, b))}

GROUPS = {
    "letters": [*LETTER_TASKS, *LETTERS_APART_TASKS, *CASE_TASKS],
    "lists": list(LIST_TASKS),
    "words": list(WORD_TASKS) + ["opposite", "category"],
    "numbers": list(NUMBER_TASKS),
    "number lists": list(NUMBER_LIST_TASKS) + list(PAIR_TASKS) + ["next in sequence", "next letter", "letter before"],
    "made up": ["pairs", "labels"],
}
ALL = [t for ts in GROUPS.values() for t in ts]
# These come up more often: what people try first, and what is hard.
OFTEN = {"last letter": 4, "first letter": 3, "reverse": 8, "plural": 4, "opposite": 9, "upper case": 2, "second letter": 2, "count letters": 2, "drop first": 1.5, "drop last": 1.5,
         "capitalize": 1.5, "double word": 1.5, "spell": 2, "past": 1.5, "last two": 1.5, "longest word": 0.5, "pairs": 3, "labels": 2, "next in sequence": 2}
_SHARES = {"letters": 9, "lists": 3, "words": 5, "numbers": 2, "number lists": 2, "made up": 2}
_TASKS, _WEIGHTS = [], []
for _group, _ts in GROUPS.items():
    _total = sum(OFTEN.get(t, 1) for t in _ts)
    for _t in _ts:
        _TASKS.append(_t)
        _WEIGHTS.append(_SHARES[_group] * OFTEN.get(_t, 1) / _total)

_IS_CLOSED = set(closed.WORDS)


def _kept_back(x):
    """True for the words that training never shows in a letter task. A word that is one token never is: its spelling must be learnt."""
    return x in w.RESERVED_WORDS or x not in _IS_CLOSED and w.held("task-word", x)


# Fewer tasks, each more often: the ones that people try.
MAIN = {"last letter": 8, "first letter": 5, "second letter": 6, "third letter": 2, "reverse": 16, "upper case": 3, "capitalize": 2, "double word": 3,
        "spell": 5, "count letters": 7, "drop first": 5, "drop last": 6, "last two": 18, "first two": 5, "first three": 2, "second last letter": 4,
        "reverse letters": 3, "plural": 8, "opposite": 24, "past": 3, "copy word": 1, "pairs": 2, "labels": 1, "last word": 2, "first word": 2,
        "reverse words": 1, "plus": 2, "largest": 1, "smallest": 1, "next in sequence": 2, "odd or even": 2, "sum": 2}


ENGLISH = sorted(x for x in set(w.EVERYDAY + w.OTHERS + w.MORE_NOUNS + w.ADJECTIVES + list(_VERBS)) if x.isalpha() and x.islower() and len(x) > 2)
_CLOSED = [x for x in closed.WORDS if x.isalpha() and len(x) > 2]
_TRAIN_WORDS = [x for x in ENGLISH if not _kept_back(x)]
_TEST_WORDS = [x for x in ENGLISH if w.held("task-word", x) and x not in w.RESERVED_WORDS and x not in _IS_CLOSED]
_NAMES = [x for x in w.GIRLS + w.BOYS]
_NOUNS = {test: [x for x in sorted(set(w.NOUNS + w.MORE_NOUNS)) if w.held("task-word", x) == test and x not in w.RESERVED_WORDS and x not in w.RESERVED_PLURALS and x.islower()
               and not (test and x in _IS_CLOSED)]
          for test in (False, True)}


class Source:
    """Draws (input, output) pairs of one task; with test, only inputs that training never shows in it.
    In training every second word is invented."""

    def __init__(self, rng, task, test=False):
        self.rng, self.task, self.test = rng, task, test
        self.step = rng.choice((1, 1, 2, 3, 5, 10))
        self.k = rng.randint(2, 20)
        self.case = rng.choice((str.lower,) * 8 + (str.upper, str.capitalize))
        self.letters_next = rng.random() < 0.3
        self.invented = rng.choice((0.2, 0.5, 0.8))
        self.sign = rng.choice((" + ", " and ", ", ", " ")), rng.choice((" - ", " minus ", ", "))
        self.labels = rng.sample(w.kept("task-word", w.THINGS)[self.test], 2) if rng.random() < 0.5 \
            else rng.choice([["A", "B"], ["X", "Y"], ["yes", "no"], ["1", "2"], ["left", "right"], ["P", "Q"]])
        self.classes = rng.sample(sorted(w.CATEGORIES), 2)

    def draw(self):
        while True:
            key, shown, out = self._draw()
            if w.held("task", f"{self.task}/{key}") == self.test:
                return shown, out

    def _word(self, words=None):
        rng = self.rng
        if words:
            return rng.choice(words[self.test])
        if self.test:
            return rng.choice(_TEST_WORDS)
        while True:
            x = w.invented(rng) if rng.random() < self.invented else rng.choice(_CLOSED if rng.random() < 0.2 else _TRAIN_WORDS)
            if not _kept_back(x):
                return x

    def _draw(self):
        rng, task = self.rng, self.task
        if task in LETTER_TASKS:
            s = self._word()
            return self._any(s), s, LETTER_TASKS[task](s)
        if task in LETTERS_APART_TASKS:
            s = self._word()
            return self._any(s), _spaced(s), LETTERS_APART_TASKS[task](s)
        if task in CASE_TASKS:
            s = self._word().upper()
            return self._any(s), s, CASE_TASKS[task](s)
        if task in LIST_TASKS:
            ws = [self._word() for _ in range(rng.choice((2, 3, 3, 4)))]
            return ",".join(ws), ", ".join(ws), LIST_TASKS[task](ws)
        if task in NUMBER_TASKS:
            n = rng.randint(10, 99)
            return n, str(n), NUMBER_TASKS[task](n, self.k)
        if task in PAIR_TASKS:
            a, b = sorted(rng.sample(range(1, 100), 2), reverse=True) if task == "difference" else rng.sample(range(1, 100), 2)
            return f"{a},{b}", f"{a}{self.sign[task == 'difference']}{b}" if task in ("sum", "difference") else f"{a}, {b}", PAIR_TASKS[task](a, b)
        if task in NUMBER_LIST_TASKS:
            ns = rng.sample(range(1, 100), rng.choice((2, 3, 3, 4)))
            return ",".join(map(str, ns)), ", ".join(map(str, ns)), NUMBER_LIST_TASKS[task](ns)
        if task in ("next letter", "letter before"):
            i = rng.randint(0, 24)
            a, b = w.LETTERS[i:i + 2] if task == "next letter" else w.LETTERS[i:i + 2][::-1]
            return self._any(a), a, b
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
                if w.held("opposite", _PAIR[x]) == self.test and x not in w.RESERVED_OPPOSITES and _OPPOSITE[x] not in w.RESERVED_OPPOSITES:
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
        if task in ("plural", "two", "article"):
            x = self._word(_NOUNS) if self.test or rng.random() > self.invented * 0.6 else self._word()
        elif task in ("past", "ing"):
            x = rng.choice(list(_VERBS))
            if x in w.RESERVED_WORDS or w.held("past", x) != self.test:
                return self._draw_word()
        else:
            x = self._word()
        if task in ("plural", "two") and (x in w.RESERVED_PLURALS or w.plural(x) in w.RESERVED_PLURALS):
            return self._draw_word()
        return self._any(x), x, WORD_TASKS[task](x)

    def _any(self, _):
        """Words are kept apart by themselves, whatever the task: a key that is on the wanted side."""
        return next(k for k in range(1000) if w.held("task", f"{self.task}/{k}") == self.test)


def _made_up_pairs(rng, n_shots, test):
    """A map made on the spot; the last question repeats a pair shown before, or, with none shown, cannot be known."""
    source = Source(rng, "copy word", test)
    pool = sorted({source._word() for _ in range(12)})
    n_keys = max(1, min(n_shots, rng.choice((2, 3, 4))))
    keys, values = rng.sample(pool, n_keys), rng.sample(pool, n_keys)
    if rng.random() < 0.4:
        values = [str(x) for x in rng.sample(range(10, 100), n_keys)]
    order = list(range(n_keys)) + [rng.randrange(n_keys) for _ in range(n_shots - n_keys)]
    rng.shuffle(order)
    order.append(rng.choice(order) if order else 0)
    return [(keys[i], values[i]) for i in order[-(n_shots + 1):]]


def pairs(rng, task, n_shots, test=False):
    """n_shots examples and the question, as (input, output); the question is not among the examples (but in "pairs")."""
    if task == "pairs":
        return _made_up_pairs(rng, n_shots, test)
    source, out, seen = Source(rng, task, test), [], set()
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
MORE_FORMS = FORMS * 3 + [
    ("", ":", "\n"), ("", " =", "\n"), ("", " ->", "\n"), ("", " ->", "\n"), ("Q: ", "\nA:", "\n"), ("", " ->", ", "), ("", " ->", "; "), ("", ":", "; "),
    ("Question: ", "\nAnswer:", "\n\n"), ("Question: ", "\nAnswer:", "\n"), ("Word: ", "\nResult:", "\n\n"), ("Text: ", "\nLabel:", "\n\n"), ("- ", ":", "\n"), ("* ", " ->", "\n"),
    ("", " is to", "\n"), ("", " ...", "\n"), ("", " -->", "\n"), ("Input: ", " Output:", "\n"), ("x: ", " y:", "\n"), ("", "\t", "\n"), ("", ",", "\n"), ("> ", "\n<", "\n"),
    ("Word: ", "\nAnswer:", "\n"), ("User: ", "\nBot:", "\n"), ("input: ", "\noutput:", "\n\n"), ("in: ", ", out:", "\n"), ("Example: ", " ->", "\n"), ("If ", " then", ".\n"), ("f(", ") =", "\n"),
]
QUOTED = [('"', '" -> "', '"\n'), ('"', '": "', '"\n'), ("'", "' -> '", "'\n"), ('{"input": "', '", "output": "', '"}\n'), ('{"in": "', '", "out": "', '"}\n'), ("'", "': '", "', "), ('Input: "', '"\nOutput: "', '"\n\n'), ('"', '" = "', '"\n')]


def shots(rng):
    return rng.choice((1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 7, 8))


def pick(rng, main=False):
    return rng.choices(list(MAIN), MAIN.values())[0] if main else rng.choices(_TASKS, _WEIGHTS)[0]


def document(rng, main=False):
    """Examples of one task in one form, as [(text, learn)]; the first answer cannot be known, so it mostly is not learnt."""
    quoted = rng.random() < 0.1
    before, between, after = rng.choice(QUOTED if quoted else MORE_FORMS)
    task, n = pick(rng, main), shots(rng)
    items = pairs(rng, task, n)
    learn_first = rng.random() < 0.1
    out = []
    r = rng.random()
    if r < 0.08:
        out.append((rng.choice(["Follow the examples.\n\n", "Do the same.\n\n", "Go on like this.\n\n", "Examples:\n", "Continue the list.\n"]), False))
    elif r < 0.18 and task in NAMED:
        out.append((rng.choice(NAMED[task]) + rng.choice((".\n\n", ":\n", ".\n", "\n\n")), False))
        learn_first = True
    elif r < 0.28 and task in NAMED and not quoted:
        before += lower_first(rng.choice(NAMED[task])) + rng.choice((": ", " of: ", " of ", " - ", " "))
        learn_first = True
    for i, (x, y) in enumerate(items):
        out += [(before + x + between, False), (("" if quoted else " ") + y + after, i > 0 or learn_first)]
    return out


def lower_first(s):
    return s[0].lower() + s[1:]


def mixed_document(rng):
    """Several tasks by turns, each named in its line."""
    before, between, after = rng.choice(FORMS)
    names = rng.sample(sorted(NAMED), rng.randint(2, 4))
    sources = {t: (Source(rng, t), lower_first(rng.choice(NAMED[t])) + rng.choice((": ", " of: ", " of "))) for t in names}
    out = []
    for _ in range(rng.randint(3, 8)):
        source, name = sources[rng.choice(names)]
        x, y = source.draw()
        out += [(before + name + x + between, False), (" " + y + after, True)]
    return out


# What a task is called, before examples.
NAMED = {
    "first letter": ["Give the first letter of the word", "First letter", "Write the first letter"],
    "last letter": ["Give the last letter of the word", "Last letter", "Write the last letter"],
    "second letter": ["Give the second letter of the word", "Second letter"],
    "reverse": ["Reverse the word", "Write the word backwards", "Reverse each word", "Spell it backwards"],
    "upper case": ["Write the word in capitals", "Upper case", "Use capital letters"],
    "capitalize": ["Capitalize the word", "Begin with a capital letter"],
    "count letters": ["Count the letters", "How many letters", "Give the length of the word"],
    "plural": ["Give the plural", "Plural", "Write the plural of the word"],
    "opposite": ["Give the opposite", "Opposites", "Write the opposite of the word"],
    "spell": ["Spell the word", "Spell it out"],
    "double word": ["Write the word twice", "Double the word"],
    "past": ["Give the past tense", "Past tense"],
    "drop first": ["Remove the first letter", "Leave out the first letter"],
    "drop last": ["Remove the last letter", "Leave out the last letter"],
    "category": ["What kind of thing is it", "Give the category"],
    "largest": ["Give the largest number"], "smallest": ["Give the smallest number"],
    "sum": ["Add the numbers"], "reverse words": ["Reverse the list"], "last word": ["Give the last word"], "first word": ["Give the first word"],
    "vowels": ["Keep only the vowels"], "no vowels": ["Remove the vowels"],
}

# Questions that name the task, and how a sentence answers; {x}: the word, {y}: the answer.
ASKED = {
    "first letter": (["What is the first letter of {x}?", "Which letter does {x} begin with?", "What letter does {x} start with?", "Give me the first letter of {x}.", "First letter of {x}?"], "The first letter of {p} is {y}."),
    "last letter": (["What is the last letter of {x}?", "Which letter does {x} end with?", "What letter is at the end of {x}?", "Give me the last letter of {x}.", "Last letter of {x}?"], "The last letter of {p} is {y}."),
    "second letter": (["What is the second letter of {x}?", "Which letter comes second in {x}?", "Give me the second letter of {x}."], "The second letter of {p} is {y}."),
    "third letter": (["What is the third letter of {x}?", "Which letter comes third in {x}?"], "The third letter of {p} is {y}."),
    "reverse": (["Reverse the word {x}.", "Write {x} backwards.", "What is {x} backwards?", "Spell {x} backwards.", "Reverse {x}.", "What is {x} in reverse?", "Turn the word {x} around."], "{y}"),
    "upper case": (["Write {x} in capitals.", "Write {x} in capital letters.", "Write {x} in upper case.", "Put {x} in capitals."], "{y}"),
    "capitalize": (["Capitalize {x}.", "Write {x} with a capital letter.", "Capitalize the word {x}."], "{y}"),
    "spell": (["Spell {x}.", "How do you spell {x}?", "Spell the word {x}.", "Can you spell {x}?", "Spell out {x}."], "{y}"),
    "spell with dashes": (["Spell {x} with dashes.", "Put dashes between the letters of {x}."], "{y}"),
    "count letters": (["How many letters does {x} have?", "How many letters are in {x}?", "How long is the word {x}?", "Count the letters of {x}.", "How many letters are there in the word {x}?"], "The word {p} has {y} letters."),
    "double word": (["Double the word {x}.", "Write {x} twice in one word."], "{y}"),
    "drop first": (["Remove the first letter of {x}.", "What is {x} without its first letter?"], "{y}"),
    "drop last": (["Remove the last letter of {x}.", "What is {x} without its last letter?"], "{y}"),
    "vowels": (["Which vowels are in {x}?", "Give me the vowels of {x}."], "{y}"),
    "no vowels": (["Write {x} without vowels.", "Remove the vowels from {x}."], "{y}"),
    "plural": (["What is the plural of {x}?", "Give me the plural of {x}.", "Plural of {x}?", "What is the plural form of {x}?"], "The plural of {p} is {y}."),
    "past": (["What is the past tense of {x}?", "Give me the past tense of {x}."], "The past tense of {p} is {y}."),
    "twice": (["Say {x} twice.", "Repeat the word {x} two times.", "Write {x} two times."], "{y}"),
    "copy word": (["Repeat the word {x}.", "Say {x}.", "Write {x}.", "Repeat: {x}"], "{y}"),
    "first two": (["What are the first two letters of {x}?", "Give me the first two letters of {x}."], "{y}"),
    "last two": (["What are the last two letters of {x}?", "Give me the last two letters of {x}."], "{y}"),
}
_ASKED = list(ASKED)
_ASKED_WEIGHTS = [OFTEN.get(t, 1) for t in _ASKED]


def asked(rng):
    """(question, full sentence, short answer) of a task that the question names."""
    task = rng.choices(_ASKED, _ASKED_WEIGHTS)[0]
    x, y = Source(rng, task).draw()
    q, a = ASKED[task]
    mark = rng.choice(("{}", "{}", "'{}'", '"{}"', "the word {}", "the word '{}'"))
    question = rng.choice(q)
    if "word {x}" in question and mark.startswith("the"):
        mark = "'{}'"
    return question.replace("{x}", mark.format(x)), a.replace("{p}", x).replace("{y}", y), y


QUESTION_FORMS = [("Q: ", "\nA:", "\n\n"), ("Question: ", "\nAnswer:", "\n\n"), ("", "", "\n"), ("Q: ", "\nA:", "\n")]


def asked_document(rng):
    """One to four questions that name their task, each with its short answer, as [(text, learn)]."""
    if rng.random() < 0.3:
        return mixed_document(rng)
    before, between, after = rng.choice(QUESTION_FORMS)
    full, out = rng.random() < 0.3, []
    for _ in range(rng.choice((1, 2, 3, 4))):
        q, sentence, short = asked(rng)
        out += [(before + q + between, False), (" " + (sentence if full else short) + after, True)]
    return out
