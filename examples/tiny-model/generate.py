#!/usr/bin/env python3
"""The corpus of the bundled model: an endless, numbered row of documents. Document i of seed s is always the same.

    python3 generate.py --count 10              shows ten documents
    python3 generate.py --kind tasks --count 3  shows three of one kind
"""

import argparse
import random

from corpus import arithmetic, chat, repeats, stories, tasks, wider
from corpus.grammar import expand

BOS, EOS = "<|endoftext|>", "<|im_end|>"



def _wide(kind):
    def document(rng):
        with wider.wide(arithmetic):
            return KINDS[kind](rng)
    return document


KINDS = {
    "story": lambda rng: [(stories.story(rng, short=rng.random() < 0.8), True)],
    "arithmetic": lambda rng: arithmetic.document(rng, expand),
    "wide arithmetic": _wide("arithmetic"),
    "wide chat": _wide("chat"),
    "drill": arithmetic.drill,
    "tasks": tasks.document,
    "main tasks": lambda rng: tasks.document(rng, main=True),
    "asked": tasks.asked_document,
    "facts": chat.facts,
    "chat": chat.document,
    "repeats": repeats.document,
}
# From which document on: the share of each kind, and the weight of its tokens in the loss.
MIXES = [
    (0, {"story": (0.02, 0.5), "arithmetic": (0.29, 1), "drill": (0.13, 1), "tasks": (0.33, 1.5), "asked": (0.06, 1), "facts": (0.02, 1),
         "chat": (0.10, 1), "repeats": (0.05, 1)}),
    (10_000, {"story": (0.025, 0.5), "arithmetic": (0.36, 1), "drill": (0.03, 1), "tasks": (0.34, 1.5), "asked": (0.06, 1), "facts": (0.02, 1),
              "chat": (0.155, 1), "repeats": (0.01, 1)}),
    (32_000, {"story": (0.02, 0.5), "arithmetic": (0.31, 1.5), "drill": (0.11, 1), "tasks": (0.34, 1.5), "asked": (0.06, 1), "facts": (0.02, 1),
              "chat": (0.12, 1), "repeats": (0.02, 1)}),
    (46_000, {"story": (0.02, 0.5), "arithmetic": (0.32, 1.5), "drill": (0.12, 1), "tasks": (0.06, 1.5), "main tasks": (0.32, 1.5), "asked": (0.05, 1),
              "facts": (0.02, 1), "chat": (0.09, 1)}),
    (68_000, {"story": (0.02, 0.5), "arithmetic": (0.30, 1.5), "drill": (0.14, 2.5), "tasks": (0.04, 1.5), "main tasks": (0.34, 1.5), "asked": (0.05, 1),
              "facts": (0.02, 1), "chat": (0.09, 1)}),
    (94_000, {"story": (0.03, 0.5), "arithmetic": (0.42, 1.5), "drill": (0.04, 2), "tasks": (0.03, 1.5), "main tasks": (0.29, 1.5), "asked": (0.05, 1),
              "facts": (0.05, 1), "chat": (0.09, 1)}),
    (102_000, {"story": (0.03, 0.5), "wide arithmetic": (0.42, 1.5), "drill": (0.03, 2), "tasks": (0.03, 1.5), "main tasks": (0.30, 1.5),
               "asked": (0.05, 1), "facts": (0.05, 1), "wide chat": (0.09, 1)}),
    (122_000, {"story": (0.02, 0.5), "wide arithmetic": (0.41, 1.5), "drill": (0.11, 2), "tasks": (0.03, 1.5), "main tasks": (0.28, 1.5),
               "asked": (0.04, 1), "facts": (0.03, 1), "wide chat": (0.08, 1)}),
    (166_060, {"story": (0.02, 0.5), "wide arithmetic": (0.47, 1.5), "drill": (0.06, 2), "main tasks": (0.30, 1.5), "asked": (0.04, 1),
               "facts": (0.04, 1), "wide chat": (0.07, 1)}),
]


def document(seed, index, kind=None):
    """One document as [(text, weight of its tokens in the loss)], from its first token to its last."""
    rng = random.Random(f"{seed}/{index}")
    mix = next(m for first, m in reversed(MIXES) if index >= first)
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
    a = p.parse_args()
    for i in range(a.first, a.first + a.count):
        print("".join(t for t, _ in document(a.seed, i, a.kind)), end="\n--------\n")


if __name__ == "__main__":
    main()
