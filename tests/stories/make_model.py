#!/usr/bin/env python3
"""Makes data/: the small model that most tests run, in both forms, and what Hugging Face transformers computes from it.

    python3 tests/stories/make_model.py      (some minutes; needs torch, transformers, tokenizers, gguf, numpy)

The texts it learns are written by stories() below. Training gives other weights on each machine, so the files are
committed; whoever makes them again commits all of them."""
import json
import os
import random
import shutil
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")
import gguf
import numpy as np
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
HF = os.path.join(DATA, "hf")
GGUF = os.path.join(DATA, "stories.gguf")
SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
CONFIG = dict(vocab_size=512, hidden_size=64, intermediate_size=108, num_hidden_layers=2, num_attention_heads=8,
              num_key_value_heads=4, head_dim=8, max_position_embeddings=512, rms_norm_eps=1e-5,
              tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)
PROMPTS = ["Once upon a time", "", "Lily and Ben went to the park"]
SCORED = ("Once upon a time, there was a little boy named Tim. He had a red ball. Tim liked to play with the ball in "
          "the park with his friend Sue.")
N_GREEDY = 200


# ---- texts ----

def pick(r, *choices):
    """The first is the likeliest, so that greedy texts have a clear way."""
    return r.choices(choices, [4] + [1] * (len(choices) - 1))[0]


def child(r):
    if r.random() < 0.7:
        return "girl", pick(r, "Lily", "Sue", "Mia"), "She", "her"
    return "boy", pick(r, "Tim", "Ben", "Tom"), "He", "his"


def alone(r):
    kind, name, pronoun, possessive = child(r)
    friend = pick(r, "Ben", "Sue", "Tom")
    thing = pick(r, "ball", "box", "kite", "book")
    colour = pick(r, "red", "big", "blue", "small")
    yield f"Once upon a time, there was a {pick(r, 'little', 'happy')} {kind} named {name}."
    yield f"{pronoun} {pick(r, 'loved', 'liked')} to play {pick(r, 'outside in the park', 'with ' + possessive + ' toys')}."
    yield f"One day, {pronoun.lower()} {pick(r, 'saw', 'found')} a {colour} {thing} {pick(r, 'in the tree', 'near the house')}."
    yield f"{pronoun} wanted to {pick(r, 'play with it', 'take it home')}, but it was too {pick(r, 'high', 'heavy')}."
    yield f"{name} {pick(r, 'asked', 'went to')} {possessive} {pick(r, 'mom', 'dad')} for help."
    yield f"\"{pick(r, 'Can you help me', 'Do you see the ' + thing)}?\" {name} {pick(r, 'asked', 'said')}."
    yield f"{possessive.title()} friend {friend} came and {pick(r, 'helped', 'looked')}."
    yield f"{name} and {friend} played with the {colour} {thing} {pick(r, 'all day', 'until the sun went down')}."
    yield f"They were very {pick(r, 'happy', 'tired')}."


def together(r):
    a, b = pick(r, "Lily", "Mia", "Sue"), pick(r, "Ben", "Tim", "Tom")
    thing = pick(r, "box", "ball", "dog", "tree")
    yield f"{a} and {b} went to the {pick(r, 'park', 'house', 'shop')}."
    yield f"They saw a {pick(r, 'big', 'red', 'small')} {thing}."
    yield f"They wanted to {pick(r, 'play with it', 'look at it')}."
    yield f"\"{pick(r, 'Look', 'Come')}, {b}, I found a {thing}!\" {a} said."
    yield f"\"{pick(r, 'It is nice', 'I like it')},\" {b} said. \"{pick(r, 'Can we play with it', 'Is it yours')}?\""
    yield f"{a} {pick(r, 'smiled and said yes', 'said no and ran home')}."
    yield f"They {pick(r, 'played', 'laughed')} and {pick(r, 'had fun', 'ran')} in the {pick(r, 'park', 'sun')}."
    yield f"At the end of the day, {a} and {b} were {pick(r, 'good friends', 'very tired')}."


def document(r, n_stories):
    told = [alone(r) if r.random() < 0.75 else together(r) for _ in range(n_stories)]
    return "\n".join(" ".join(story) for story in told)


# ---- the tokenizer: SentencePiece BPE, as Llama's ----

def learned_pieces(texts):
    """Pieces in the order in which they are merged; none reaches over a word's end."""
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    word = Regex("\u2581?[A-Za-z]+|[^A-Za-z]")
    learner.pre_tokenizer = pre_tokenizers.Split(word, "isolated")
    alphabet = [chr(c) for c in range(33, 127)] + ["\u2581"]
    lines = ("\u2581" + line.replace(" ", "\u2581") for text in texts for line in text.split("\n"))
    learner.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=CONFIG["vocab_size"] - len(SPECIAL + BYTES), initial_alphabet=alphabet, show_progress=False))
    ids = learner.get_vocab()
    pieces = sorted(ids, key=ids.get)
    return [p for p in pieces if len(p) > 1] + [p for p in pieces if len(p) == 1]


def tokenizer_json(tokens):
    known = {t: i for i, t in enumerate(tokens)}
    merges = [[t[:k], t[k:]] for t in tokens[len(SPECIAL + BYTES):] for k in range(1, len(t))
              if t[:k] in known and t[k:] in known]
    bos = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [dict(id=i, content=t, **flags) for i, t in enumerate(SPECIAL)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "pre_tokenizer": None,
        "post_processor": {"type": "TemplateProcessing", "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                  "vocab": known, "merges": merges},
    }


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)
        f.write("\n")


# ---- training ----

def train(ids, n_steps=700, n_rows=8, n_ctx=256):
    torch.manual_seed(1)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**CONFIG))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, n_steps, pct_start=0.05)
    r = np.random.default_rng(1)
    for step in range(n_steps):
        at = r.integers(0, len(ids), n_rows)
        x = torch.stack([ids[i][:n_ctx] for i in at])
        loss = model(x, labels=x).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step}, loss {loss.item():.3f}", flush=True)
    return model.eval()


# ---- files ----

def adjacent(w, n_heads):
    """Rows of q or k, whose element i turns with i + half, in the order in which 2i turns with 2i + 1."""
    return w.reshape(n_heads, 2, w.shape[0] // n_heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def write_gguf(model, tokens):
    c = model.config
    w = gguf.GGUFWriter(GGUF, "llama")
    w.add_name("stories")
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_rope_dimension_count(c.head_dim)
    w.add_rope_freq_base(10000.0)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_vocab_size(c.vocab_size)
    first = len(SPECIAL + BYTES)
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(tokens)
    w.add_token_scores([0.0] * first + [-float(i) for i in range(len(tokens) - first)])
    w.add_token_types([2, 3, 3] + [6] * len(BYTES) + [1] * (len(tokens) - first))
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    w.add_add_space_prefix(True)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, c.num_hidden_layers)
    for name, p in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        a = p.float().numpy()
        if ".q_proj." in name:
            a = adjacent(a, c.num_attention_heads)
        if ".k_proj." in name:
            a = adjacent(a, c.num_key_value_heads)
        w.add_tensor(names.get_name(name, try_suffixes=(".weight",)), np.ascontiguousarray(a))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_hf(model, tokens):
    shutil.rmtree(HF, ignore_errors=True)
    os.makedirs(HF)
    model.save_pretrained(HF)
    write_json(os.path.join(HF, "generation_config.json"), {"bos_token_id": 1, "eos_token_id": 2})
    write_json(os.path.join(HF, "tokenizer.json"), tokenizer_json(tokens))
    write_json(os.path.join(HF, "tokenizer_config.json"), {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False, "model_max_length": CONFIG["max_position_embeddings"],
        "tokenizer_class": "LlamaTokenizer"})


# ---- what it must compute: in float64, from the written files ----

def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].numpy()


def greedy(model, tokenizer, prompt):
    ids = tokenizer.encode(prompt).ids
    run = {"prompt": prompt, "prompt_ids": list(ids)}
    rows = []
    for _ in range(N_GREEDY):
        rows.append(logits_of(model, ids)[-1])
        ids = ids + [int(rows[-1].argmax())]
    new = ids[len(run["prompt_ids"]):]
    best = [np.argsort(-row, kind="stable")[:10] for row in rows]
    gap = min(float(row[b[0]] - row[b[1]]) for row, b in zip(rows, best))
    assert not set(new) & {0, 1, 2} and gap > 0.02, (prompt, gap)
    text = tokenizer.decode(run["prompt_ids"] + new)
    print(f"{text!r}\nsmallest gap {gap:.3f}")
    run.update(greedy_ids=new, greedy_text=text, prompt_last_logits_full=[round(float(x), 6) for x in rows[0]],
               top10_logits_first8_steps=[[[int(i), round(float(row[i]), 6)] for i in b]
                                          for row, b in zip(rows[:8], best)], min_top1_top2_gap=round(gap, 6))
    return run


def reference():
    model = transformers.LlamaForCausalLM.from_pretrained(HF, dtype=torch.float64, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(os.path.join(HF, "tokenizer.json"))
    ids = tokenizer.encode(SCORED).ids
    rows = logits_of(model, ids)
    nll = [float(np.log(np.exp(row - row.max()).sum()) + row.max() - row[i]) for row, i in zip(rows, ids[1:])]
    return {"computed_with": f"transformers {transformers.__version__}, float64",
            "runs": [greedy(model, tokenizer, prompt) for prompt in PROMPTS],
            "nll": {"text": SCORED, "ids": ids, "nll_per_token": [round(x, 6) for x in nll],
                    "mean_nll": round(float(np.mean(nll)), 6), "perplexity": round(float(np.exp(np.mean(nll))), 6)}}


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    r = random.Random(1)
    texts = [document(r, 8) for _ in range(4000)]
    tokens = SPECIAL + BYTES + learned_pieces(texts)
    assert len(tokens) == len(set(tokens)) == CONFIG["vocab_size"]
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json(tokens)))
    ids = [torch.tensor(e.ids) for e in tokenizer.encode_batch(texts)]
    assert min(len(i) for i in ids) >= 256, min(len(i) for i in ids)
    model = train(ids)
    write_hf(model, tokens)
    write_gguf(model, tokens)
    write_json(os.path.join(DATA, "reference.json"), reference())


if __name__ == "__main__":
    main()
