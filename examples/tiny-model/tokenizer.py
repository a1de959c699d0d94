#!/usr/bin/env python3
"""Makes the tokenizer: byte-level BPE, single digits, capitals letter by letter (so that a model can spell)."""

import argparse
import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import generate

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# The pattern that GGUF files know as "qwen2".
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
_CAPITALS = re.compile(r"[A-Z]{2,}")


def make(seed, vocab_size, n_documents=20000):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    special = re.compile("|".join(map(re.escape, SPECIAL)))
    texts = ("".join(p for p, _ in generate.document(seed, i)) for i in range(n_documents))
    t.train_from_iterator((_CAPITALS.sub(" ", special.sub("\n", x)) for x in texts), trainer)
    return t


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("output", help="the tokenizer.json to write")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--vocab-size", type=int, default=2048)
    a = p.parse_args()
    make(a.seed, a.vocab_size).save(a.output)


if __name__ == "__main__":
    main()
