"""Problems of one to three sums and differences in many wordings, and the documents made of them."""

import re

from . import stories
from . import words as w
from .asked import WORDINGS, masked
from .bare import Sum, bare
from .comparisons import compared
from .possession import possession
from .relations import product, relation, two_stage
from .scenes import filler, scene
from .telling import cap, numbers
from .totals import goal, rest, total

STEP_CUE = "Let's think step by step."
DIRECT = 0.3  # what an answer without steps weighs in the loss

# Word problems: how often, and what makes one of so many steps.
KINDS = [
    (40, scene),
    (14, total),
    (7, rest),
    (5, goal),
    (9, compared),
    (12, possession),
    (3, product),
]
BRITISH = {
    "color": "colour",
    "neighbor": "neighbour",
    "center": "centre",
    "harbor": "harbour",
    "gray": "grey",
    "liter": "litre",
    "meter": "metre",
    "mom": "mum",
    "favorite": "favourite",
    "theater": "theatre",
    "traveler": "traveller",
    "program": "programme",
}
_ARTICLES = re.compile(r"\b(the|a|an) (?=[a-z])")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!Mr\.)(?<!Mrs\.) (?=[A-Z])")
_FIRST_STOP = re.compile(r"(?<!Mr)(?<!Mrs)\.(?= [A-Z])")


def word_problem(rng, expand, n_steps, test=False):
    """With test, the names, the things and the numbers are ones that training never shows here."""
    while True:
        p = possession(rng, n_steps, test) if test else _any_problem(rng, expand, n_steps)
        if not test and masked(p.question) in WORDINGS:
            continue
        if not p.key or w.held("problem-numbers", p.key) == test:
            return p


def _any_problem(rng, expand, n):
    if n < 3 and rng.random() < 0.1:
        return relation(rng, n, expand)
    if n == 2 and rng.random() < 0.06:
        return two_stage(rng)
    return rng.choices([make for _, make in KINDS], [share for share, _ in KINDS])[0](rng, n)


def question(rng, expand, test=False):
    r = rng.random()
    if r < 0.04:
        return Sum(rng, rng.choice((3, 3, 4)), test)
    if r < 0.17:
        while True:
            p = bare(rng, rng.choice((1, 1, 2, 2, 3)))
            if masked(p.question) not in WORDINGS:
                return p
    p = word_problem(rng, expand, rng.choices((1, 2, 3), (25, 38, 37))[0], test)
    if not test:
        p.question = dressed(rng, p.question)
    return p


def _said(text):
    """A phrase as a sentence of its own."""
    return cap(text) + ("" if text[-1] in ".!?" else ".")


def dressed(rng, text):
    """With sentences that do not count, at times with a number that does not; with asides, and in British spelling."""
    if rng.random() < 0.12:
        said = [_said(filler(rng, "opening sentences")) for _ in range(rng.choice((1, 1, 2, 3)))]
        if rng.random() < 0.2:
            told = [s for s in _SENTENCE.split(stories.story(rng, short=True)) if '"' not in s]
            said = told[: rng.randint(1, 4)]
        text = " ".join([*said, text])
    if rng.random() < 0.07:
        numbered = _said(filler(rng, "opening sentences", numbered=True))
        parts = _SENTENCE.split(text)
        at = rng.randrange(len(parts)) if len(parts) > 1 else 0
        text = " ".join([*parts[:at], numbered, *parts[at:]])
    if rng.random() < 0.04:
        text = _FIRST_STOP.sub(f" {filler(rng, 'asides')}.".replace(" ,", ","), text, count=1)
    if rng.random() < 0.05:
        text = cap(filler(rng, "before")) + rng.choice((": ", ". ", ", ", "! ", "\n")) + text
    if rng.random() < 0.1:
        for a, b in BRITISH.items():
            text = text.replace(a, b)
    return text


def typed(rng, text):
    """As people type: at times without capitals, marks or articles."""
    r = rng.random()
    if r < 0.05:
        text = text.lower()
    elif r < 0.07:
        text = text.lower().rstrip("?.").replace(",", "")
    elif r < 0.09:
        text = text.rstrip("?.")
    elif r < 0.115:  # a learner's English
        text = cap(_ARTICLES.sub("", text))
        for a, b in rng.choice(
            (
                (("are ", "is "), ("were ", "was ")),
                (("does ", "do "), ("has ", "have ")),
                (("How many", "how much"),),
                (("are", "r"), ("you", "u")),
            )
        ):
            text = re.sub(rf"\b{a.strip()}\b", b.strip(), text)
    elif r < 0.125:
        text = text.replace(". ", "\n").replace("? ", "?\n")
    return text


def answer_text(problem, steps):
    return f"{STEP_CUE} {problem.worked()} The answer is {problem.answer}." if steps else f"The answer is {problem.answer}."


FORMS = [("Q: ", "\nA:", "\n\n")] * 2 + [("Question: ", "\nAnswer:", "\n\n")]


def _answer(rng, p, manner, after, knows):
    """The parts of an answer; knows: whether the manner can be told from what stands before."""
    if manner in ("direct", "number"):
        return [(f" The answer is {p.answer}." + after if manner == "direct" else f" {p.answer}" + after, DIRECT)]
    cue = f" {STEP_CUE}" if manner == "cue" else ""
    first, _, rest_ = f"{p.worked()} The answer is {p.answer}.{after}".partition(" ")
    return [(cue, False), (f" {first}", manner == "cue" or knows), (f" {rest_}", True)]


def document(rng, expand):
    """One to three questions in the same manner, as [(text, learn)]: worked after the cue, worked as the example before, or at once."""
    r, out = rng.random(), []
    manner = "cue" if r < 0.72 else "example" if r < 0.84 else "direct" if r < 0.92 else "number"
    form = rng.choice(FORMS)
    for i in range(rng.choice((1, 1, 1, 2) if manner == "cue" else (2, 2, 3) if manner == "example" else (1, 2, 3))):
        p = question(rng, expand)
        out.append((form[0] + typed(rng, p.question) + form[1], False))
        out += _answer(rng, p, manner, form[2], i > 0)
    return out


def examples(rng, expand):
    """Two to eight worked examples and one more question, each worked in the same manner: what a prompt with examples is like."""
    n, manner, form = rng.choice((2, 3, 4, 4, 4, 5, 6, 8)), rng.choice(("cue", "cue", "cue", "example", "number")), rng.choice(FORMS[:3])
    top = rng.choice((1, 2)) if n > 5 else 3  # eight long ones would be more than a row
    out = []
    if rng.random() < 0.15:
        out.append(
            (
                rng.choice(
                    ("Solve the problems.\n\n", "Answer the questions.\n\n", "Work out the answers.\n\n", "Here are some problems.\n\n")
                ),
                False,
            )
        )
    for i in range(n + 1):
        p = question(rng, expand) if rng.random() < 0.1 else word_problem(rng, expand, rng.randint(1, top))
        out.append((form[0] + typed(rng, p.question) + form[1], False))
        out += _answer(rng, p, manner, form[2] if i < n or rng.random() < 0.5 else "", i > 0)
    return out


def drill(rng):
    """Many sums and differences in a row, as the steps write them."""
    out = []
    for _ in range(rng.randint(8, 20)):
        (start, ((op, d),)) = numbers(rng, 1)
        out += [(f"{start} {op} {d} =", False), (f" {start + d if op == '+' else start - d}.", True), (" ", False)]
    return out[:-1]
