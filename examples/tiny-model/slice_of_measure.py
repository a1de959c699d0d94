"""A small slice, for a line now and then while a model trains: problems of its own, and a few words of heldout/."""

import json
import os
import random
import re

import people
from corpus import arithmetic
from corpus.grammar import expand
from model import generate


def _own():
    """Problems in wordings of their own that are for looking at a run only: [(prompt, answer)]"""
    with open(os.path.join(people.HERE, "own.jsonl"), encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    return [(f"Q: {r['question']}\nA: {arithmetic.STEP_CUE}", r["answer"]) for r in records]


def _told(n_shots, n):
    """Problems with held-out names and numbers, after so many worked examples."""
    out = []
    for i in range(n):
        rng = random.Random(f"slice/{n_shots}/{i}")
        shots = [arithmetic.word_problem(rng, expand, 2) for _ in range(n_shots)]
        p = arithmetic.word_problem(rng, expand, i % 3 + 1, test=True)
        before = "".join(f"Q: {s.question}\nA: {arithmetic.answer_text(s, True)}\n\n" for s in shots)
        out.append((f"{before}Q: {p.question}\nA: {arithmetic.STEP_CUE}", str(p.answer)))
    return out


def _tasks(task, n):
    return [(prompt, answer) for t, prompt, answer in people.by_example(4) if t == task][:n]


def _answer(text):
    found = re.findall(r"The answer is (-?\d+)", text)
    return found[-1] if found else None


KINDS = {
    "own problems": (_own, 90, _answer),
    "told": (lambda: _told(0, 24), 90, _answer),
    "told after 4 examples": (lambda: _told(4, 12), 90, _answer),
    "last two": (lambda: _tasks("last two", 24), 8, str.strip),
    "opposite": (lambda: _tasks("opposite", 24), 16, str.strip),
    "reverse": (lambda: _tasks("reverse", 24), 16, str.strip),
}


def line(net, tok):
    """What is right, of each kind."""
    bos, stops = tok.token_to_id("<|endoftext|>"), {i for t, i in tok.get_vocab().items() if "\n" in tok.decoder.decode([t])}
    stops.add(tok.token_to_id("<|im_end|>"))
    said = []
    for kind, (items, max_tokens, read) in KINDS.items():
        asked = items()
        got = generate(net, [[bos] + tok.encode(prompt).ids for prompt, _ in asked], max_tokens, stops)
        right = sum(read(tok.decode(ids).split("\n")[0]) == answer for ids, (_, answer) in zip(got, asked))
        said.append(f"{kind} {right}/{len(asked)}")
    return ", ".join(said)
