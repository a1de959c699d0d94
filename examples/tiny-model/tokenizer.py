#!/usr/bin/env python3
"""Makes the tokenizer: single bytes, and whole words of a closed list; never a part of a word, so that a model can spell."""

import argparse
import collections
import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

import generate
from corpus import closed

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# The pattern that GGUF files know as "llama-bpe": it also says that a word of the vocabulary is that token, whatever the merges.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
# Readers of GGUF files want a merge. Its halves are whole words, which no merge makes, so it never comes to be.
NEVER = (" can", "not", " cannot")
LEAST = 30  # how often a form must come up in the first documents to be a token


def _byte_level():
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])


def vocabulary(seed, n_documents):
    """The tokens in their order, as byte-level text."""
    listed = set(closed.WORDS)
    counts, special = collections.Counter(), re.compile("|".join(map(re.escape, SPECIAL)))
    word = re.compile(r" ?[A-Za-z]+")
    for i in range(n_documents):
        counts.update(word.findall(special.sub("\n", "".join(p for p, _ in generate.document(seed, i)))))
    forms = {f for x in listed for f in (x, " " + x, x.capitalize(), " " + x.capitalize())}
    texts = sorted({f for f in forms if counts[f] >= LEAST and len(f) > 1} | {s for s in closed.SIGNS if len(s) > 1} | set(NEVER))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return SPECIAL + sorted(pre_tokenizers.ByteLevel.alphabet()) + [level.pre_tokenize_str(t)[0][0] for t in texts]


def from_vocabulary(tokens):
    a, b, _ = (pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(t)[0][0] for t in NEVER)
    t = Tokenizer(models.BPE({x: i for i, x in enumerate(tokens)}, [(a, b)], ignore_merges=True))
    t.pre_tokenizer = _byte_level()
    t.decoder = decoders.ByteLevel()
    return t


def make(seed, n_documents=20000):
    t = from_vocabulary(vocabulary(seed, n_documents))
    t.add_special_tokens(SPECIAL)
    return t


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("output", help="the tokenizer.json to write")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    make(a.seed).save(a.output)


if __name__ == "__main__":
    main()
