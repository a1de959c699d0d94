"""What people ask: the problems, words and pairs of heldout/, which training never shows, as prompts with their answers."""

import json
import os
import random
import re

from corpus import tasks

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "heldout")
FORMS = [("Input: ", "\nOutput:", "\n\n"), ("", " ->", "\n"), ("Q: ", "\nA:", "\n\n"), ("", ":", "\n"), ("Word: ", "\nAnswer:", "\n\n")]
LETTERS = ["first letter", "last letter", "second letter", "reverse", "upper case", "capitalize", "double word", "spell", "count letters",
           "drop first", "drop last", "last two"]
ASKED = {
    "last letter": "What is the last letter of '{}'?",
    "first letter": "What is the first letter of '{}'?",
    "reverse": "Write the word {} backwards.",
    "count letters": "How many letters does the word {} have?",
    "plural": "What is the plural of {}?",
    "opposite": "What is the opposite of {}?",
}


def problems():
    """[(question, answer, number of steps, whether the generator has the wording too)]"""
    with open(f"{HERE}/known.txt", encoding="utf-8") as f:
        known = set(f.read().splitlines())
    with open(f"{HERE}/problems.jsonl", encoding="utf-8") as f:
        records = [json.loads(line) for line in f if line.strip()]
    return [(r["question"], str(r["answer"]), len(re.findall(r"[-+]", r["expr"])), r["question"] in known) for r in records]


def _rows(name):
    with open(f"{HERE}/{name}", encoding="utf-8") as f:
        return [line.split() for line in f if line.strip()]


def pairs():
    """{task: [(input, output)]}"""
    words = [x for x, in _rows("words.txt")]
    out = {t: [(x, tasks.LETTER_TASKS[t](x)) for x in words] for t in LETTERS}
    return {**out, "plural": [tuple(r) for r in _rows("plurals.tsv")],
            "opposite": [p for a, b in _rows("opposites.tsv") for p in ((a, b), (b, a))]}


def by_example(n_shots):
    """[(task, prompt, answer)]: every pair is asked once, after n_shots others of its task that chance draws."""
    out = []
    for task, all_pairs in pairs().items():
        for i, (x, y) in enumerate(all_pairs):
            rng = random.Random(f"{task}/{x}")
            before, between, after = FORMS[i % len(FORMS)]
            others = [p for p in all_pairs if x not in p and y != p[0]]
            shots = rng.sample(others, n_shots)
            prompt = "".join(f"{before}{a}{between} {b}{after}" for a, b in shots) + before + x + between
            out.append((task, prompt, y))
    return out


def asked():
    """[(task, question, answer)]: questions that name the task, as a chat's first turn."""
    return [(task, question.format(x), y) for task, question in ASKED.items() for x, y in pairs()[task]]


def says(answer, text):
    """True if the answer stands in the text as a word of its own, and no other ends it."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(answer)}[.!\"']*$", text.strip()) is not None or \
        re.search(rf"(has|have) {re.escape(answer)} letters\.?$", text.strip()) is not None
