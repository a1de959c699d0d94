"""Short chats: what the user asks, what is true, and how the system wants it said."""

from . import arithmetic, stories, table, tasks
from . import words as w
from .grammar import expand, polish

NAME = "Tiny"
SOUNDS = {"dog": "woof", "cat": "meow", "cow": "moo", "duck": "quack", "sheep": "baa", "pig": "oink", "bee": "buzz",
          "owl": "hoot", "lion": "roar", "mouse": "squeak", "frog": "croak", "horse": "neigh", "hen": "cluck"}
COLORS = {"grass": "green", "snow": "white", "the sky": "blue", "coal": "black", "a lemon": "yellow", "blood": "red",
          "milk": "white", "a carrot": "orange", "the sun": "yellow", "a cherry": "red", "the sea": "blue", "honey": "golden",
          "a frog": "green", "a mouse": "gray", "an elephant": "gray", "chocolate": "brown", "a pig": "pink", "the night": "black"}
HOMES = {"bird": "a nest", "fish": "the water", "bee": "a hive", "rabbit": "a hole", "bear": "a cave", "hen": "the barn",
         "fox": "a den", "horse": "the stable", "ant": "the ground", "monkey": "the trees", "penguin": "the ice", "pig": "a sty"}


def _opposite_facts():
    """The pairs that are said to be opposites, and how often: a second opposite of a word of heldout/ (old, new) is rare, or nobody could
    know which is meant."""
    reserved = {frozenset(p) for p in w.RESERVED_PAIRS}
    others = [p for p in w.OPPOSITES if frozenset(p) not in reserved]
    shares = [0.15 if set(p) & w.RESERVED_OPPOSITES else 1 for p in others]
    return w.RESERVED_PAIRS + others, [1] * len(reserved) + shares


_PAIRS, _SHARES = _opposite_facts()


def _opposites(rng):
    a, b = rng.choices(_PAIRS, _SHARES)[0]
    return (a, b) if rng.random() < 0.5 else (b, a)


_OPPOSITE_ASKED = """What is the opposite of {}?/What is the opposite of {}?/Give me the opposite of {}./What is the opposite of '{}'?
Opposite of {}?/What is the opposite of the word {}?/Which word is the opposite of {}?/Tell me the opposite of {}.""".replace("\n", "/").split("/")


def opposite(rng):
    a, b = _opposites(rng)
    return rng.choice(_OPPOSITE_ASKED).format(a), f"The opposite of {a} is {b}.", b


def fact(rng):
    """(question, full sentence, one word)"""
    k = rng.choice((0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9))
    if k == 0:
        return opposite(rng)
    if k == 1:
        c = rng.choice(sorted(w.CATEGORIES))
        x = rng.choice(w.CATEGORIES[c])
        return f"What kind of thing is {x}?", f"The word {x} belongs to {c}.", c
    if k == 2:
        x, s = rng.choice(list(SOUNDS.items()))
        return polish(f"What sound does a {x} make?"), polish(f"A {x} says {s}."), s
    if k == 3:
        x, c = rng.choice(list(COLORS.items()))
        return f"What color is {x}?", f"{x[0].upper() + x[1:]} is {c}.", c
    if k == 4:
        x, h = rng.choice(list(HOMES.items()))
        return polish(f"Where does a {x} live?"), polish(f"A {x} lives in {h}."), h.split()[-1]
    if k == 5:
        names, what = rng.choice([(w.DAYS, "day"), (w.MONTHS, "month")])
        i = rng.randrange(len(names))
        j = (i + 1) % len(names)
        return f"Which {what} comes after {names[i]}?", f"{names[j]} comes after {names[i]}.", names[j]
    if k == 6:
        x = rng.choice(w.NOUNS)
        if w.plural(x) == x or x in w.RESERVED_PLURALS:
            x = "cat"
        return f"What is the plural of {x}?", f"The plural of {x} is {w.plural(x)}.", w.plural(x)
    if k == 7:
        a, b = rng.randint(1, 99), rng.randint(1, 99)
        return f"What is {a} + {b}?", f"{a} + {b} = {a + b}.", str(a + b)
    if k == 8:
        a, b = rng.sample(range(1, 100), 2)
        return f"Which is larger, {a} or {b}?", f"{max(a, b)} is larger.", str(max(a, b))
    return tasks.asked(rng)


TALK = [tuple(table.entries(x) for x in line.split(" => ")) for line in table.sections("talk.txt")["talk"]]


def small_talk(rng):
    """(what is said, the answer)"""
    said, answers = rng.choice(TALK[:8] + TALK)
    slots = {"me": NAME, "name": rng.choice(w.GIRLS + w.BOYS)}
    return rng.choice(said).format(**slots), rng.choice(answers).format(**slots)


def list_request(rng):
    """(question, answer): a list of a wanted length."""
    n, c = rng.randint(2, 5), rng.choice(sorted(set(w.CATEGORIES) - {"clothes", "food", "body"}))
    number = rng.choice((w.NUMBER_WORDS[n], str(n)))
    return f"Name {number} {w.plural(c)}.", ", ".join(rng.sample(w.CATEGORIES[c], n)) + "."


def count_request(rng):
    n = rng.randint(2, 12)
    return f"Count to {rng.choice((w.NUMBER_WORDS[n], str(n)))}.", ", ".join(map(str, range(1, n + 1))) + "."


def _word(rng, role, test):
    return rng.choice(w.kept(role, w.EVERYDAY)[test])


def _upper(rng, test):
    return rng.choice(["Answer in capitals.", "Write in capital letters.", "Use only capital letters."]), lambda full, short: full.upper()


def _one_word(rng, test):
    return rng.choice(["Answer with one word.", "Use only one word.", "Give short answers of one word."]), lambda full, short: short


def _end(rng, test):
    x = _word(rng, "chat-word", test)
    return (rng.choice([f"End every answer with the word {x}.", f"Always end with the word {x}.", f"The last word must be {x}."]),
            lambda full, short: f"{full} {x[0].upper() + x[1:]}.")


def _start(rng, test):
    x = _word(rng, "chat-word", test)
    return (rng.choice([f"Start every answer with the word {x}.", f"Begin with the word {x}."]),
            lambda full, short: f"{x[0].upper() + x[1:]}! {full}")


def _pirate(rng, test):
    return (rng.choice(["You are a pirate.", "Answer as a pirate.", "Talk like a pirate."]),
            lambda full, short: f"Arr, matey! {full} Yo ho ho!")


def _polite(rng, test):
    return rng.choice(["Be very polite.", "Answer politely."]), lambda full, short: f"With pleasure. {full} I hope that helps."


def _twice(rng, test):
    return rng.choice(["Say everything twice.", "Give every answer twice."]), lambda full, short: f"{full} {full}"


def _quote(rng, test):
    return rng.choice(["Put the answer in brackets.", "Write the answer in brackets."]), lambda full, short: f"({short})"


def _lower(rng, test):
    return rng.choice(["Answer in small letters.", "Use only small letters.", "Write everything in lower case."]), lambda full, short: full.lower()


def _call(rng, test):
    name = rng.choice(w.GIRLS + w.BOYS)
    system = rng.choice([f"The user is called {name}.", f"Call the user {name}.", f"You talk to {name}."])
    return system, lambda full, short: f"{name}, {full[0].lower() if full.split()[0] in ('The', 'A', 'An') else full[0]}{full[1:]}"


def _sign(rng, test):
    name = rng.choice(w.GIRLS + w.BOYS)
    return rng.choice([f"Sign every answer with {name}.", f"Sign with the name {name}."]), lambda full, short: f"{full} - {name}"


def _marks(rng, test):
    return rng.choice(["Put the answer in quotation marks.", "Answer in quotes."]), lambda full, short: f'"{short}"'


def _stars(rng, test):
    return rng.choice(["Put stars around the answer.", "Write the answer between stars."]), lambda full, short: f"*{short}*"


def _glad(rng, test):
    return rng.choice(["Be very happy.", "Sound happy.", "Be excited."]), lambda full, short: f"Oh, what a good question! {full} Hurray!"


STYLES = {"capitals": _upper, "one word": _one_word, "end with": _end, "start with": _start, "pirate": _pirate, "polite": _polite,
          "twice": _twice, "brackets": _quote}
MORE_STYLES = {"small letters": _lower, "name": _call, "sign": _sign, "marks": _marks, "stars": _stars, "glad": _glad}
PLAIN = ["You are a helpful assistant.", "You are Tiny, a small and helpful assistant.", "Answer in a full sentence.", "Be helpful."]

START, END = "<|im_start|>", "<|im_end|>"


def render(turns):
    """[(role, text, learn)] as [(text, learn)]; a learnt turn learns its end too, and nothing of its header."""
    out = []
    for role, text, learn in turns:
        out += [(f"{START}{role}\n", False), (text + END, learn), ("\n", False)]
    return out[:-1]


def styled(rng, n, style, test=False):
    """(system, [(question, answer)]): n answers in a style; with test, to questions never answered so in training."""
    system, say = (STYLES | MORE_STYLES)[style](rng, test)
    if rng.random() < 0.3:
        system = rng.choice(PLAIN[:2]) + " " + system
    out = []
    while len(out) < n:
        q, full, short = fact(rng)
        if w.held("chat", f"{style}/{q}") == test:
            out.append((q if test else _ask(rng, q), say(full, short)))
    return system, out


def _persona(rng):
    name = rng.choice(w.GIRLS + w.BOYS)
    system = rng.choice([f"You are {name}.", f"Your name is {name}.", f"You are {name}, a friendly helper."])
    return system, *rng.choice([("What is your name?", f"My name is {name}."), ("Who are you?", f"I am {name}."),
                                ("Hello!", f"Hello! I am {name}. How can I help you?")])


def _ask(rng, q):
    return q if rng.random() < 0.8 else rng.choice(["Please tell me. ", "I have a question. ", "Hi! "]) + q


STEPS = "Think step by step./Show your steps./Solve the problem step by step./Show your work./Explain each step.".split("/")
ONLY = "Give only the number./Answer with the number only./Only the number, please.".split("/")


def _arithmetic(rng):
    """(system, question, answer, what the answer weighs)"""
    p, r = arithmetic.question(rng, expand), rng.random()
    asked, worked = arithmetic.typed(rng, p.question), f"{p.worked()} The answer is {p.answer}."
    if r < 0.25:
        return rng.choice(STEPS), asked, arithmetic.answer_text(p, True), 1
    if r < 0.45:
        return rng.choice(PLAIN[:2] + [None]), f"{asked} {rng.choice((arithmetic.STEP_CUE, *STEPS[:2]))}", worked, 1
    if r < 0.53:
        return rng.choice(ONLY), asked, str(p.answer), arithmetic.DIRECT
    if r < 0.58:
        wish = rng.choice((*ONLY[:2], "Answer directly."))
        return rng.choice(PLAIN[:2] + [None]), f"{asked} {wish}", f"The answer is {p.answer}.", arithmetic.DIRECT
    return rng.choice(PLAIN[:2] + [None] * 3), asked, worked, 1


def _story(rng):
    if rng.random() < 0.6:
        kind = rng.choice(w.ANIMALS)
        said = rng.choice(("Tell me a story about a {}.", "Write a story about a {}.", "Please tell a story about a {}."))
        return polish(said.format(kind)), stories.story(rng, kind, short=True)
    name = rng.choice(w.GIRLS + w.BOYS)
    return rng.choice(("Tell me a story about {}.", "Write a story with {} in it.")).format(name), stories.story(rng, name=name, short=True)


def by_example(rng, items):
    turns = []
    if rng.random() < 0.4:
        turns.append(("system", rng.choice(["Follow the examples.", "Do the same.", "You are a helpful assistant."]), False))
    learn_first = rng.random() < 0.1
    for i, (x, y) in enumerate(items):
        turns += [("user", x, False), ("assistant", y, i > 0 or learn_first)]
    return turns


def _examples(rng):
    """Worked problems as turns, and one more."""
    top, n = rng.choice(((3, 1), (3, 2), (3, 3), (3, 4), (2, 4), (1, 6), (1, 8)))
    system, turns = rng.choice([None, PLAIN[0], "Solve the problems.", "Think step by step."]), []
    for _ in range(n + 1):
        p = arithmetic.word_problem(rng, expand, rng.randint(1, top))
        turns.append((arithmetic.typed(rng, p.question), f"{p.worked()} The answer is {p.answer}."))
    return system, turns


def _styled(rng):
    return styled(rng, rng.choice((1, 1, 2, 3, 4)), rng.choice(list(STYLES) * 3 + list(MORE_STYLES)))


def _plain(rng):
    system = rng.choice(PLAIN + [None] * 4)
    pairs = []
    for _ in range(rng.choice((1, 2, 3, 4))):
        q, full, _ = fact(rng)
        pairs.append((_ask(rng, q), full) if rng.random() < 0.75 else small_talk(rng))
    return system, pairs


def _talk(rng):
    return rng.choice(PLAIN[:2] + [None] * 5), [small_talk(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]


def _character(rng):
    system, q, a = _persona(rng)
    return system, [(q, a)]


def _lists(rng):
    return rng.choice((None, PLAIN[0])), [list_request(rng) if rng.random() < 0.6 else count_request(rng)]


def _told(rng):
    return rng.choice((None, PLAIN[0], "You tell stories.")), [_story(rng)]


KINDS = [(30, _styled), (16, _plain), (9, _talk), (3, _character), (3, _lists), (7, _examples), (4, _told)]


def document(rng):
    r, learn = rng.random(), 1
    if r < 0.28:
        system, q, a, learn = _arithmetic(rng)
        pairs = [(q, a)]
    elif r < 0.34:
        task = tasks.pick(rng)
        return render(by_example(rng, tasks.pairs(rng, task, min(tasks.shots(rng), 5))))
    else:
        make = rng.choices([make for _, make in KINDS], [share for share, _ in KINDS])[0]
        system, pairs = make(rng)
    turns = [("system", system, False)] if system else []
    for q, a in pairs:
        turns += [("user", q, False), ("assistant", a, learn)]
    return render(turns)


_OPPOSITES = """The opposite of {a} is {b}./The opposite of {a} is {b}./{A} is the opposite of {b}./{A} and {b} are opposites.
What is not {a} may be {b}./{A} means not {b}./The opposite of {a}: {b}./{A}, the opposite of {b}./If it is not {a}, it is {b}.
Opposite of {a}? {B}./Not {a} but {b}./{a} (opposite: {b})/What is the opposite of {a}? It is {b}./{A} or {b}?
The word {a} has the opposite {b}./opposite of {a} = {b}/Some are {a}, others are {b}.
{A} is to {b} what {b} is to {a}.""".replace("\n", "/").split("/")


def _questions(rng):
    """Questions that name the task, each answered with a word; of opposites, and between them of other tasks."""
    before, between, after = rng.choice(tasks.QUESTION_FORMS)
    out = []
    for _ in range(rng.randint(2, 7)):
        q, _, short = opposite(rng) if rng.random() < 0.75 else fact(rng)
        out += [(before + q + between, False), (f" {short}{after}", True)]
    return out


def facts(rng):
    """Opposites in plain sentences, or asked for by name with short answers."""
    if rng.random() < 0.4:
        return _questions(rng)
    out = []
    for _ in range(rng.randint(3, 8)):
        a, b = _opposites(rng)
        out.append(rng.choice(_OPPOSITES).format(a=a, b=b, A=arithmetic.cap(a), B=arithmetic.cap(b)))
    return [(" ".join(out), True)]
