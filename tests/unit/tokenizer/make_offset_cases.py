"""Writes offset_cases.json: which bytes of a text each token stands for, as the `tokenizers` package answers.

    python3 make_offset_cases.py offset_cases.json golden.json SHARED_DATA/tokenizers
    python3 make_offset_cases.py OUT golden.json SHARED_DATA/tokenizers --texts 1000 --seed 2

Of the small tokenizers of golden.json and of the real ones in the folder. Each line is {"name" of golden.json, or "file"
in the folder, "cases": [[text, ids, [begin, end of the first id, of the second ...]]]}. The package counts characters;
here they are bytes. Spaces are not trimmed off the ranges: that would be a choice of the post-processor (trim_offsets).
"""

import argparse
import json
import os
import random

from make_golden import random_text
from tokenizers import Tokenizer

FILES = ["hf/" + name + ".tokenizer.json" for name in ["bert-base-uncased", "gpt-2", "phi-3", "qwen2", "roberta-base"]]


def untrimmed(description):
    if isinstance(description, dict):
        return {k: False if k == "trim_offsets" else untrimmed(v) for k, v in description.items()}
    if isinstance(description, list):
        return [untrimmed(v) for v in description]
    return description


def cases(tokenizer, texts):
    for text in texts:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        at = [0]
        for c in text:
            at.append(at[-1] + len(c.encode()))
        yield [text, encoding.ids, [at[i] for pair in encoding.offsets for i in pair]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("golden")
    parser.add_argument("folder")
    parser.add_argument("--texts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    described, first = [], None
    for line in open(args.golden, encoding="utf-8"):
        entry = json.loads(line)
        first = first or entry["tokenizer"]
        whole = dict(first, **entry["tokenizer"]) if "like" in entry else entry["tokenizer"]
        described.append(({"name": entry["name"]}, whole))
    for name in FILES:
        with open(os.path.join(args.folder, name), encoding="utf-8") as f:
            described.append(({"file": name}, json.load(f)))
    with open(args.out, "w", encoding="utf-8") as out:
        for entry, description in described:
            tokenizer = Tokenizer.from_str(json.dumps(untrimmed(description)))
            entry["cases"] = list(cases(tokenizer, [random_text(rng) for _ in range(args.texts)]))
            out.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
