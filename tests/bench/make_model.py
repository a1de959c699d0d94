#!/usr/bin/env python3
"""Writes a GGUF file of random weights in the shape of a real model, for benchmarks: same sizes, same types, a
vocabulary of the same size, activations of a plausible size. Gigabytes take seconds, because each matrix repeats a
sample of random blocks. Needs the packages gguf and numpy.

    python3 tests/bench/make_model.py --shape llama-1b --type q4_0 OUT.gguf
"""
import argparse
import os
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import made_up_vocabulary
from random_blocks import random_blocks

# Published configurations. specials: number of tokens after the vocabulary's own that are no text.
SHAPES = {
    "llama-1b": dict(arch="llama", layers=16, embd=2048, ff=8192, heads=32, kv_heads=8, head_dim=64, vocab=128256,
                     specials=256, tied=True, base=500000.0, ctx=131072, pre="llama-bpe", factor=32.0),
    "llama-3b": dict(arch="llama", layers=28, embd=3072, ff=8192, heads=24, kv_heads=8, head_dim=128, vocab=128256,
                     specials=256, tied=True, base=500000.0, ctx=131072, pre="llama-bpe", factor=32.0),
    "llama-8b": dict(arch="llama", layers=32, embd=4096, ff=14336, heads=32, kv_heads=8, head_dim=128, vocab=128256,
                     specials=256, tied=False, base=500000.0, ctx=131072, pre="llama-bpe", factor=8.0),
    "llama-7b": dict(arch="llama", layers=32, embd=4096, ff=11008, heads=32, kv_heads=32, head_dim=128, vocab=32000,
                     specials=3, tied=False, base=10000.0, ctx=4096, pre="llama-bpe", factor=0),
    "qwen2.5-0.5b": dict(arch="qwen2", layers=24, embd=896, ff=4864, heads=14, kv_heads=2, head_dim=64, vocab=151936,
                         specials=293, tied=True, base=1000000.0, ctx=32768, pre="qwen2", factor=0),
    "tiny24": dict(arch="llama", layers=24, embd=64, ff=128, heads=4, kv_heads=2, head_dim=16, vocab=512, specials=3,
                   tied=True, base=10000.0, ctx=8192, pre="llama-bpe", factor=0),
}

# Type: of most matrices, of the output head, of the value and down matrices of some layers.
TYPES = {name: (T[name.upper()],) * 3 for name in ("f32", "f16", "bf16", "q8_0", "q6_k")}
TYPES.update({name: (T[name.upper()], T.Q6_K, T[name.upper()])
              for name in ("q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k")})
TYPES.update({"q4_k_m": (T.Q4_K, T.Q6_K, T.Q6_K), "q5_k_m": (T.Q5_K, T.Q6_K, T.Q6_K)})

# What stands in for a type whose blocks are longer than a matrix's rows allow.
SHORTER = {T.Q2_K: T.Q4_0, T.Q3_K: T.Q4_0, T.Q4_K: T.Q5_0, T.Q5_K: T.Q5_1, T.Q6_K: T.Q8_0}

SAMPLE = 262139  # blocks of a sample; a prime above any vocabulary, so that no two rows of a matrix are equal


def takes_more_bits(layer, n_layers):
    """The layers in which the mixtures *_k_m spend more bits."""
    return layer < n_layers // 8 or layer >= 7 * n_layers // 8 or (layer - n_layers // 8) % 3 == 2


def matrices(s, types):
    """Name, rows, columns, type and standard deviation of every matrix in the order of the file."""
    most, head, some = types
    q, kv = s["heads"] * s["head_dim"], s["kv_heads"] * s["head_dim"]
    branch = (2 * s["layers"]) ** -0.5  # what each of 2 * layers branches adds to the residual stream
    yield "token_embd.weight", s["vocab"], s["embd"], head if s["tied"] else most, s["embd"] ** -0.5
    if not s["tied"]:
        yield "output.weight", s["vocab"], s["embd"], head, s["embd"] ** -0.5
    for i in range(s["layers"]):
        richer = some if takes_more_bits(i, s["layers"]) else most
        for name, rows, cols, kind, gain in (
                ("attn_q", q, s["embd"], most, 1), ("attn_k", kv, s["embd"], most, 1),
                ("attn_v", kv, s["embd"], richer, 1), ("attn_output", s["embd"], q, most, branch),
                ("ffn_gate", s["ff"], s["embd"], most, 1), ("ffn_up", s["ff"], s["embd"], most, 1),
                ("ffn_down", s["embd"], s["ff"], richer, branch)):
            yield f"blk.{i}.{name}.weight", rows, cols, kind, gain * cols ** -0.5


def vectors(s):
    """Name and length of the F32 vectors: gains near 1, biases near 0."""
    yield "output_norm.weight", s["embd"]
    for i in range(s["layers"]):
        yield f"blk.{i}.attn_norm.weight", s["embd"]
        yield f"blk.{i}.ffn_norm.weight", s["embd"]
        if s["arch"] == "qwen2":
            yield f"blk.{i}.attn_q.bias", s["heads"] * s["head_dim"]
            yield f"blk.{i}.attn_k.bias", s["kv_heads"] * s["head_dim"]
            yield f"blk.{i}.attn_v.bias", s["kv_heads"] * s["head_dim"]


def type_for(kind, cols):
    return SHORTER[kind] if cols % gguf.GGML_QUANT_SIZES[kind][0] else kind


def rope_factors(s):
    wave = 2 * np.pi * s["base"] ** (np.arange(0, s["head_dim"], 2) / s["head_dim"])
    smooth = np.clip((8192 / wave - 1) / (4 - 1), 0, 1)
    return (1 / ((1 - smooth) / s["factor"] + smooth)).astype(np.float32)


def write_keys(w, s, name):
    w.add_name(f"random weights in the shape of {name}")
    w.add_block_count(s["layers"])
    w.add_embedding_length(s["embd"])
    w.add_feed_forward_length(s["ff"])
    w.add_context_length(s["ctx"])
    w.add_head_count(s["heads"])
    w.add_head_count_kv(s["kv_heads"])
    w.add_key_length(s["head_dim"])
    w.add_value_length(s["head_dim"])
    w.add_rope_dimension_count(s["head_dim"])
    w.add_rope_freq_base(s["base"])
    w.add_layer_norm_rms_eps(1e-5)
    w.add_vocab_size(s["vocab"])
    w.add_quantization_version(2)


def write_tokenizer(w, s):
    n_text = s["vocab"] - s["specials"]
    tokens, merges = made_up_vocabulary.make(n_text)
    tokens += ["<|begin_of_text|>", "<|end_of_text|>"] + [f"<|reserved_{i}|>" for i in range(s["specials"] - 2)]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(s["pre"])
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.NORMAL] * n_text + [gguf.TokenType.CONTROL] * s["specials"])
    w.add_token_merges(merges)
    w.add_bos_token_id(n_text)
    w.add_eos_token_id(n_text + 1)
    w.add_add_bos_token(s["arch"] == "llama")


class Samples:
    """Random blocks by type and standard deviation; a matrix starts anywhere in its sample."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.made = {}

    def unit(self, kind, sd):
        elements, n_bytes = gguf.GGML_QUANT_SIZES[kind]
        group = max(1, 32 // elements)
        if (kind, sd) not in self.made:
            blocks = random_blocks(self.random, SAMPLE * group, kind, sd)
            self.made[kind, sd] = np.ascontiguousarray(blocks).reshape(SAMPLE, group * n_bytes)
        return self.made[kind, sd]

    def write(self, out, kind, sd, n_bytes):
        sample = self.unit(kind, sd)
        at = int(self.random.integers(SAMPLE))
        rest, size = n_bytes // sample.shape[1], sample.shape[1]
        assert rest * size == n_bytes
        while rest:
            n = min(rest, SAMPLE - at)
            sample[at:at + n].tofile(out)
            rest, at = rest - n, 0


def write_model(path, name, type_name):
    s = SHAPES[name]
    w = gguf.GGUFWriter(path, s["arch"])
    write_keys(w, s, name)
    write_tokenizer(w, s)
    plan, samples = [], Samples()
    for tensor, n in vectors(s):
        mean, sd = (0, 0.1) if tensor.endswith("bias") else (1, 0.1)
        plan.append((tensor, (mean + sd * samples.random.standard_normal(n)).astype(np.float32)))
    if s["factor"]:
        plan.append(("rope_freqs.weight", rope_factors(s)))
    for tensor, values in plan:
        w.add_tensor_info(tensor, values.shape, values.dtype, values.nbytes)
    for tensor, rows, cols, kind, sd in matrices(s, TYPES[type_name]):
        kind = type_for(kind, cols)
        elements, n_bytes = gguf.GGML_QUANT_SIZES[kind]
        w.add_tensor_info(tensor, (rows, cols), np.dtype(np.float32), rows * cols // elements * n_bytes, raw_dtype=kind)
        plan.append((tensor, (kind, sd, rows * cols // elements * n_bytes)))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    out = w.fout[0]
    w.write_padding(out, out.tell())
    for tensor, content in plan:
        if isinstance(content, np.ndarray):
            content.tofile(out)
        else:
            out.flush()
            samples.write(out, *content)
        w.write_padding(out, out.tell())
    w.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shape", choices=SHAPES, required=True)
    p.add_argument("--type", choices=TYPES, required=True)
    p.add_argument("out")
    a = p.parse_args()
    write_model(a.out, a.shape, a.type)


if __name__ == "__main__":
    main()
