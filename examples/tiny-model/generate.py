#!/usr/bin/env python3
"""The corpus of the bundled model: an endless, numbered row of documents. Document i of seed s is always the same.

    python3 generate.py --count 10              shows ten documents
    python3 generate.py --kind tasks --count 3  shows three of one kind
"""

import argparse
import random

from corpus import arithmetic, chat, repeats, stories, tasks
from corpus.grammar import expand

BOS, EOS = "<|endoftext|>", "<|im_end|>"


KINDS = {
    "story": lambda rng: [(stories.story(rng, short=rng.random() < 0.8), True)],
    "arithmetic": lambda rng: arithmetic.document(rng, expand),
    "examples": lambda rng: arithmetic.examples(rng, expand),
    "drill": arithmetic.drill,
    "tasks": tasks.document,
    "main tasks": lambda rng: tasks.document(rng, main=True),
    "asked": tasks.asked_document,
    "facts": chat.facts,
    "chat": chat.document,
    "repeats": repeats.document,
}
# The share of each kind, and the weight of its tokens in the loss: by stage of a run. A stage is called by its name.
MIXES = {
    # From nothing: what copying and reading build on first, then sums, then problems.
    "start": {"story": (0.02, 0.5), "arithmetic": (0.26, 1), "drill": (0.13, 1), "tasks": (0.20, 1.5), "main tasks": (0.14, 1.5), "asked": (0.06, 1),
              "facts": (0.02, 1), "chat": (0.10, 1), "repeats": (0.05, 1), "examples": (0.02, 1)},
    "main": {"story": (0.02, 0.5), "arithmetic": (0.40, 1.5), "examples": (0.05, 1.5), "drill": (0.06, 2), "tasks": (0.04, 1.5), "main tasks": (0.22, 1.5),
             "asked": (0.05, 1), "facts": (0.03, 1), "chat": (0.12, 1), "repeats": (0.01, 1)},
    # The last part, while the rate falls: what the measure asks most.
    "end": {"story": (0.02, 0.5), "arithmetic": (0.46, 1.5), "examples": (0.06, 1.5), "drill": (0.03, 2), "main tasks": (0.22, 1.5), "asked": (0.04, 1),
            "facts": (0.03, 1), "chat": (0.14, 1)},
}


def document(seed, index, kind=None, stage="main"):
    """One document as [(text, weight of its tokens in the loss)], from its first token to its last."""
    rng = random.Random(f"{seed}/{index}")
    mix = MIXES[stage]
    kind = kind or rng.choices(list(mix), [share for share, _ in mix.values()])[0]
    weight = mix[kind][1] if kind in mix else 1
    parts = [(text, weight * learn) for text, learn in KINDS[kind](rng)]
    if rng.random() < 0.9:
        parts = [(BOS, 0)] + parts
    if not parts[-1][0].endswith(EOS):
        parts = parts + [(EOS, parts[-1][1])]
    return parts


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--count", type=int, default=10)
    p.add_argument("--kind", choices=KINDS)
    p.add_argument("--stage", choices=MIXES, default="main")
    a = p.parse_args()
    for i in range(a.first, a.first + a.count):
        print("".join(t for t, _ in document(a.seed, i, a.kind, a.stage)), end="\n--------\n")


if __name__ == "__main__":
    main()
