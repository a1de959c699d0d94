"""Writes golden.json: small tokenizers and what the `tokenizers` package makes of texts with them.

    python3 make_golden.py golden.json
    python3 make_golden.py OUT --files a/tokenizer.json b/tokenizer.json --texts 3000
        the same for tokenizers that exist, which are then named by their path

Each line is {"name", "tokenizer" or "path", "cases": [[text, ids, ids with special tokens, decoded]]}, null where
ids or text are the same. Where "like" names an earlier one, "tokenizer" holds only the members that differ from it.
"""

import argparse
import json
import os
import random

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

CORPUS = """The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, doesn't she?
In 2024 there were 1,234 ducks; they'd lay 16 eggs a day. We've seen it: he'll say "no", I'm sure!
naïve café résumé Ünïcödé straße Ελλάδα Москва 東京都 日本語 한국어 עברית العربية 😀👍🏽 中文字符
def f(x):
    return x + 1  # a comment
\tfor i in range(10): print(i)
the there then these those this that them they the the the and and and ing ing tion tion
""".splitlines()

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz", "ABCXYZ", "0123456789", "    ", " \t\n\r\u00a0\u3000\u2028\u200b\u0085",
    "!?.,;:'\"-_()[]{}<>|/\\@#$%^&*+=~`", "éèüßñÅİıſK", "\u0301\u0308\u0323\u0345\u0591\u05b4\u0e34\u1161\u3099",
    "中文字符東京都日本語", "ひらがなカタカナガ", "한국어각\u1100\u1161\u11a8", "😀👍🏽👨‍👩‍👧🇩🇪☀️", "ΑΒΓαβγςΣАБВабв", "אבגדעברית",
    "\x00\x01\x7f\u00ad\ufeff\ufffd\u200d\u200e", "½²³Ⅷ①㍿ﬁﬂ\uff21\uff22\u2126\u212b", "▁▁##", "٠١٢३४",
]
PHRASES = ["the ", "there", " she's", "'S ", "'ſ", "doesn't", "I'LL", "<s>", "</s>", "<|end|>", "[MASK]", " [CLS] ", "abc",
           "  \n\n  x", "\r\n\r\n", "1234567", "hello world", "http://a.b/c?d=e&f", "  ", "   a", "do not", " 's"]


def random_text(rng):
    parts = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.25:
            parts.append(rng.choice(PHRASES))
        elif kind < 0.4:
            words = rng.choice(CORPUS).split(" ")
            parts.append(" ".join(words[: rng.randint(1, len(words))]))
        elif kind < 0.5:
            parts.append(rng.choice(rng.choice(ALPHABETS)) * rng.randint(1, 30))
        else:
            letters = rng.choice(ALPHABETS) + rng.choice(ALPHABETS)
            parts.append("".join(rng.choice(letters) for _ in range(rng.randint(1, 10))))
    return "".join(parts)


def cases(tokenizer, texts):
    out = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        whole = tokenizer.encode(text).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=False)
        out.append([text, ids, None if whole == ids else whole, None if decoded == text else decoded])
    return out


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return tokenizer


def byte_level(normalizer=None, pre=None, vocab=380, specials=("<s>", "</s>"), **options):
    t = Tokenizer(models.BPE(**options))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    train(t, trainers.BpeTrainer(vocab_size=vocab, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                 special_tokens=list(specials), show_progress=False))
    if normalizer is not None:
        t.normalizer = normalizer
    if pre is not None:
        t.pre_tokenizer = pre_tokenizers.Sequence(
            [pre, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return t


def edited(tokenizer, change):
    """The tokenizer with its description changed by hand."""
    description = json.loads(tokenizer.to_str())
    change(description)
    return Tokenizer.from_str(json.dumps(description))


def llama_like():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
    specials = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    train(t, trainers.BpeTrainer(vocab_size=480, special_tokens=specials, show_progress=False, limit_alphabet=60))

    def change(d):
        d["pre_tokenizer"] = None
        d["added_tokens"] = d["added_tokens"][:3]
    t = edited(t, change)
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t


def affixes(**options):
    t = Tokenizer(models.BPE(unk_token="<unk>", **options))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.decoder = decoders.BPEDecoder(suffix=options.get("end_of_word_suffix", "</w>"))
    return train(t, trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>", "<s>"], show_progress=False,
                                        limit_alphabet=50, **{k: v for k, v in options.items() if "_" in k and k != "fuse_unk"}))


def unigram(**options):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    train(t, trainers.UnigramTrainer(vocab_size=150, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>",
                                     show_progress=False))

    def change(d):
        d["model"].update(options)
        if options.get("byte_fallback"):
            d["model"]["vocab"] += [["<0x%02X>" % i, -20.0] for i in range(256)]
    t = edited(t, change)
    t.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return t


def wordpiece(**options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    train(t, trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
                                       show_progress=False))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def with_added():
    t = byte_level()
    t.add_tokens([AddedToken("abc", single_word=True), AddedToken("[mask]", lstrip=True), AddedToken("##", rstrip=True),
                  AddedToken("İst", normalized=True)])
    t.add_special_tokens([AddedToken("<|end|>", lstrip=True, rstrip=True)])
    t.normalizer = normalizers.Lowercase()
    t.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])])
    return t


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")


def small_tokenizers():
    split = pre_tokenizers.Split
    yield "byte-level", byte_level()
    yield "byte-level, prefix", edited(byte_level(), lambda d: d["pre_tokenizer"].update(add_prefix_space=True))
    yield "llama3", edited(byte_level(pre=split(Regex(LLAMA3), "isolated")), lambda d: d["model"].update(ignore_merges=True))
    yield "qwen2", byte_level(normalizers.NFC(), split(Regex(QWEN2), "removed", invert=True))
    yield "llama", llama_like()
    yield "suffix", affixes(end_of_word_suffix="</w>", fuse_unk=True)
    yield "prefix", affixes(continuing_subword_prefix="##")
    yield "unigram", unigram()
    yield "unigram bytes", unigram(byte_fallback=True)
    yield "wordpiece", wordpiece()
    yield "wordpiece cased", wordpiece(lowercase=False, strip_accents=True, handle_chinese_chars=False, clean_text=False)
    yield "added", with_added()
    for name, n in [("NFD", normalizers.NFD()), ("NFKD", normalizers.NFKD()), ("NFKC", normalizers.NFKC()),
                    ("NFC", normalizers.NFC()), ("StripAccents", normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])),
                    ("Strip", normalizers.Strip(True, False)), ("StripRight", normalizers.Strip(False, True)),
                    ("Replace", normalizers.Replace(Regex(r"\s+|th"), "_")), ("Nmt", normalizers.Nmt())]:
        yield name, byte_level(n)
    for name, p in [("Whitespace", pre_tokenizers.Whitespace()), ("WhitespaceSplit", pre_tokenizers.WhitespaceSplit()),
                    ("Digits", pre_tokenizers.Digits(True)), ("Digit runs", pre_tokenizers.Digits(False)),
                    ("Bert", pre_tokenizers.BertPreTokenizer()), ("Delimiter", pre_tokenizers.CharDelimiterSplit("e")),
                    ("Metaspace first", pre_tokenizers.Metaspace(prepend_scheme="first")),
                    ("Metaspace whole", pre_tokenizers.Metaspace(split=False))]:
        yield name, byte_level(pre=p)
    for behavior in ["removed", "isolated", "contiguous", "merged_with_previous", "merged_with_next"]:
        yield "punctuation " + behavior, byte_level(pre=pre_tokenizers.Punctuation(behavior))
        yield "split " + behavior, byte_level(pre=split("e", behavior))
        for invert in [False, True]:
            yield f"regex {behavior} {invert}", byte_level(pre=split(Regex(r"\w+|[^\w\s]"), behavior, invert))
    falcon = edited(byte_level(), lambda d: d.update(pre_tokenizer={"type": "Sequence", "pretokenizers": [
        {"type": "Punctuation", "behavior": "Contiguous"}, d["pre_tokenizer"],
        {"type": "Digits", "individual_digits": False},
        {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": False}]}))
    yield "bytes before digits", falcon


def described(tokenizer, name, seen):
    whole = seen[name] = json.loads(tokenizer.to_str())
    base = seen["byte-level"]
    if base is whole or base["model"]["vocab"] != whole["model"]["vocab"]:
        return {"tokenizer": whole}
    return {"like": "byte-level", "tokenizer": {k: v for k, v in whole.items() if v != base[k]}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--files", nargs="*")
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    seen = {}
    with open(args.out, "w", encoding="utf-8") as out:
        tokenizers = ((os.path.abspath(f), Tokenizer.from_file(f)) for f in args.files) if args.files else small_tokenizers()
        for name, tokenizer in tokenizers:
            entry = {"name": name}
            entry.update({"path": name} if args.files else described(tokenizer, name, seen))
            texts = [""] + [random_text(rng) for _ in range(args.texts)]
            entry["cases"] = cases(tokenizer, texts)
            out.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
