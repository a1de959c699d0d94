"""Writes added_cases.json: tokenizers whose special tokens stand outside of tokenizer.json, and the ids they give.

    python3 make_added_cases.py added_cases.json        with the packages transformers (5.24.0) and tokenizers

Each line is {"name", "files": {name: text}, "cases": [[text, ids]]}; ids are those of AutoTokenizer, with what it puts
around a text.
"""

import json
import os
import sys
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer

TEXTS = ["hello", "<|im_start|>hi<|im_end|>", "<s>a</s><pad> <img>x", " <|im_end|> hello<extra_0><extra_1>", "ab  <x> ab<y>b <z>",
         "<mask> ab<mask>", ""]


def special(content, **more):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True,
            **more}


def base(added=(), vocab=(), post=False):
    letters = sorted(set(pre_tokenizers.ByteLevel.alphabet()))
    words = {c: i for i, c in enumerate([*letters, "he", "ll", "hell", "hello", "Ġhello", "ab"])}
    for spelling in vocab:
        words[spelling] = len(words)
    t = Tokenizer(models.BPE(vocab=words, merges=[("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "hello"), ("a", "b")]))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    out = json.loads(t.to_str())
    out["added_tokens"] = [dict(token, id=len(words) + i) for i, token in enumerate(added)]
    if post:
        out["post_processor"] = {
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [len(words)], "tokens": ["<s>"]}}}
    return out


def variants():
    plain = {"tokenizer_class": "PreTrainedTokenizerFast"}
    start, end, bos = special("<|im_start|>"), special("<|im_end|>"), special("<s>")
    n = 262
    yield "nothing", base(), plain, {}
    yield "decoder", base(), {**plain, "eos_token": "<|im_end|>", "added_tokens_decoder": {str(n): start, str(n + 1): end}}, {}
    yield "decoder with gaps and out of order", base(), {
        **plain, "added_tokens_decoder": {"900": end, "300": start, "500": special("<pad>")}}, {}
    yield "decoder beside tokenizer.json", base([bos, end]), {
        **plain, "added_tokens_decoder": {str(n): bos, str(n + 1): end, str(n + 2): start}}, {}
    yield "decoder changes flags", base([bos, end]), {
        **plain, "added_tokens_decoder": {str(n): bos, str(n + 1): special("<|im_end|>", lstrip=True)}}, {}
    yield "decoder hides the map", base([bos]), {**plain, "added_tokens_decoder": {str(n): bos}}, {
        "special_tokens_map.json": {"eos_token": "<|im_end|>"}, "added_tokens.json": {"<|im_start|>": n + 1}}
    yield "decoder not special but named", base(), {
        **plain, "pad_token": "<pad>", "added_tokens_decoder": {str(n): special("<pad>", special=False)}}, {}
    yield "added_tokens.json", base(), {**plain, "eos_token": "<|im_end|>"}, {
        "added_tokens.json": {"<|im_end|>": n + 1, "<|im_start|>": n, "<x>": n + 2}}
    yield "map names the vocabulary", base(vocab=["<|im_start|>", "<|im_end|>"]), plain, {
        "special_tokens_map.json": {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}}
    yield "map with objects", base([bos]), plain, {"special_tokens_map.json": {
        "bos_token": {"content": "<s>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False},
        "mask_token": {"content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}}}
    yield "names in the config", base(), {**plain, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}, {}
    yield "names of the model", base(), {**plain, "image_token": "<img>", "eos_token": "</s>"}, {}
    yield "extra names", base(), {**plain, "extra_special_tokens": {"image_token": "<img>", "other_token": "<x>"}}, {}
    yield "extra list", base(), {**plain, "extra_special_tokens": ["<extra_0>", "<extra_1>"]}, {}
    yield "additional", base(), {**plain, "additional_special_tokens": ["<extra_1>", "<extra_0>", "<|im_end|>"]}, {}
    yield "flags of bos and eos", base([bos]), {
        **plain, "bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True, "add_eos_token": True}, {}
    yield "flags against a post_processor", base([bos], post=True), {
        **plain, "bos_token": "<s>", "add_bos_token": False, "add_eos_token": True, "eos_token": "</s>"}, {}
    wrong = base([bos, end])
    wrong["added_tokens"][0]["id"], wrong["added_tokens"][1]["id"] = 4000, 7
    yield "ids in tokenizer.json that are not so", wrong, plain, {}
    double = base([bos, end])
    double["added_tokens"].append(dict(special("<s>", rstrip=True), id=n))
    yield "a token twice", double, plain, {}
    gap = base([special("<x>"), special("<y>")])
    gap["added_tokens"][1]["id"] = n + 9
    yield "a gap", gap, plain, {}


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for name, tokenizer, config, more in variants():
            files = {"tokenizer.json": tokenizer, "tokenizer_config.json": config, **more}
            texts = {key: json.dumps(value, ensure_ascii=False) for key, value in files.items()}
            with tempfile.TemporaryDirectory() as folder:
                for key, text in texts.items():
                    with open(os.path.join(folder, key), "w", encoding="utf-8") as file:
                        file.write(text)
                t = AutoTokenizer.from_pretrained(folder)
                cases = [[text, t.encode(text)] for text in TEXTS]
            out.write(json.dumps({"name": name, "files": texts, "cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
