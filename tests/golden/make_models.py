#!/usr/bin/env python3
"""Writes the golden models of this folder: tiny random models of every family, made and computed by Hugging
Face transformers, and the same weights as GGUF files by the package gguf. Same seed, same files.

    python3 tests/golden/make_models.py [NAME ...]      (all of them without names)

Each data/NAME holds config.json, *.safetensors, model.gguf and expected.bin (see write_expected). The logits are
those of the model as read back from the written files, in float32; float64 must agree."""
import json
import math
import os
import shutil
import sys
import warnings
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"
warnings.filterwarnings("ignore")
import gguf
import numpy as np
import safetensors
import torch
import transformers
from transformers import AutoModelForCausalLM

import make_quants

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
N_TOKENS, N_VOCAB = 40, 32
BASE = dict(vocab_size=N_VOCAB, hidden_size=16, intermediate_size=18, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=False, rms_norm_eps=1e-5,
            bos_token_id=1, eos_token_id=2)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=4.0)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32)

# name: (configuration class, changes to BASE, how it is written). How: dtype, shard (bytes), old (config.json as
# transformers 4 wrote it), gguf ("plain", "v2", "split", None).
MODELS = {
    "llama": ("Llama", dict(num_attention_heads=2), dict(old=True)),
    "llama-gqa": ("Llama", dict(head_dim=6, num_attention_heads=8, rms_norm_eps=1e-2), dict()),
    "llama-tied": ("Llama", dict(head_dim=8, tie_word_embeddings=True), dict(old=True, gguf="v2")),
    "llama-bias": ("Llama", dict(head_dim=8, attention_bias=True), dict()),
    "llama-llama3": ("Llama", dict(head_dim=16, rope_parameters=LLAMA3, num_hidden_layers=1), dict(old=True)),
    "llama-llama3-new": ("Llama", dict(head_dim=16, rope_parameters=LLAMA3, num_hidden_layers=1), dict(gguf=None)),
    "llama-linear": ("Llama", dict(head_dim=8, rope_parameters=LINEAR, num_hidden_layers=1), dict(old=True)),
    "llama-yarn": ("Llama", dict(head_dim=16, rope_parameters=YARN, num_hidden_layers=1), dict()),
    "llama-sharded": ("Llama", dict(head_dim=8, num_hidden_layers=3), dict(shard=16000, gguf="split")),
    "llama-bf16": ("Llama", dict(head_dim=8), dict(dtype=torch.bfloat16)),
    "llama-f16": ("Llama", dict(head_dim=8), dict(dtype=torch.float16)),
    "mistral": ("Mistral", dict(head_dim=8, sliding_window=5), dict(old=True)),
    "mistral-full": ("Mistral", dict(head_dim=8, sliding_window=None, num_hidden_layers=1), dict(gguf=None)),
    "qwen2": ("Qwen2", dict(), dict(old=True)),
    "qwen2-tied": ("Qwen2", dict(tie_word_embeddings=True, num_attention_heads=2), dict()),
    "qwen2-window": ("Qwen2", dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=6,
                                   max_window_layers=1), dict(old=True, gguf=None)),
    "qwen2-window-all": ("Qwen2", dict(use_sliding_window=True, sliding_window=6, max_window_layers=0,
                                       num_hidden_layers=1), dict()),
    "qwen2-yarn": ("Qwen2", dict(num_attention_heads=2, rope_parameters=YARN), dict(old=True)),
    "qwen3": ("Qwen3", dict(head_dim=8, rms_norm_eps=1e-2), dict(old=True)),
    "qwen3-tied-bf16": ("Qwen3", dict(head_dim=12, tie_word_embeddings=True), dict(dtype=torch.bfloat16)),
    "qwen3-window": ("Qwen3", dict(head_dim=8, use_sliding_window=True, sliding_window=7, max_window_layers=1,
                                   attention_bias=True), dict(gguf=None)),
}


def seed_of(name):
    return zlib.crc32(name.encode())


def randomize(model, seed):
    """Weights that make every part matter: scores of several units, gains and biases away from 1 and 0."""
    r = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=r)
            if p.ndim == 1:
                p.copy_(0.3 * noise if name.endswith("bias") else 1 + 0.3 * noise)
            else:
                p.copy_(noise * (1.5 if "embed" not in name else 4.0) / math.sqrt(p.shape[1]))


def tokens_of(seed):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, N_VOCAB, N_TOKENS))[None]


def compute(model, tokens):
    with torch.no_grad():
        out = model(tokens, output_hidden_states=True)
    return out.logits[0].numpy(), out.hidden_states[-1][0].numpy()


def checked_outputs(folder, tokens):
    """Logits and hidden state in float32, from the files."""
    load = lambda dtype: AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
    logits, hidden = compute(load(torch.float32), tokens)
    exact, _ = compute(load(torch.float64), tokens)
    error = float(np.abs(logits - exact).max())
    assert error < 2e-5 and np.isfinite(logits).all() and logits.std() > 0.5, (folder, error, logits.std())
    return logits, hidden, error


def write_expected(path, tokens, logits, hidden):
    """Little-endian int32 n_tokens, n_vocab, n_hidden, n_embd; tokens; float32 logits [n_tokens, n_vocab]; the last
    layer's state after the output norm, of the last n_hidden tokens [n_hidden, n_embd]."""
    with open(path, "wb") as f:
        np.array([*logits.shape, *hidden.shape], "<i4").tofile(f)
        tokens.numpy().astype("<i4").tofile(f)
        logits.astype("<f4").tofile(f)
        hidden.astype("<f4").tofile(f)


def as_transformers_4(config):
    """The same configuration in the words of transformers 4, which most published models use."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    if kind != "default":
        key = "type" if kind in ("linear", "yarn") else "rope_type"
        config["rope_scaling"] = {key: kind, **rope}
    if "torch_dtype" not in config:
        config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    if config.get("head_dim") == config["hidden_size"] // config["num_attention_heads"]:
        del config["head_dim"]
    return config


def write_hf(folder, model, old, shard):
    model.save_pretrained(folder, max_shard_size=shard or "1GB")
    for name in os.listdir(folder):
        if name == "generation_config.json":
            os.remove(os.path.join(folder, name))
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        config = json.load(f)
    if old:
        config = as_transformers_4(config)
    with open(path, "w") as f:
        json.dump(config, f, indent=1, sort_keys=True)
        f.write("\n")


# ---- GGUF ----

def adjacent(w, n_heads):
    """Rows of q or k, whose element i turns with i + half, in the order in which 2i turns with 2i + 1."""
    return w.reshape(n_heads, 2, w.shape[0] // n_heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def rope_factors(rope, head_dim):
    """The divisors of Llama 3.1's rule, as GGUF keeps them in rope_freqs.weight."""
    low, high, ctx, factor = (rope[k] for k in
                              ("low_freq_factor", "high_freq_factor", "original_max_position_embeddings", "factor"))
    wave = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, head_dim, 2) / head_dim)
    smooth = np.clip((ctx / wave - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def write_keys(w, c):
    head_dim = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    w.add_block_count(c.num_hidden_layers)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_context_length(c.max_position_embeddings)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_key_length(head_dim)
    w.add_value_length(head_dim)
    w.add_rope_dimension_count(head_dim)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_vocab_size(c.vocab_size)
    w.add_rope_freq_base(c.rope_parameters["rope_theta"])
    if getattr(c, "sliding_window", None):
        w.add_sliding_window(c.sliding_window)
    rope = c.rope_parameters
    if rope["rope_type"] == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(rope["factor"])
        w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope["rope_type"] == "llama3":
        w.add_tensor("rope_freqs.weight", rope_factors(rope, head_dim))


ARCHS = {"llama": gguf.MODEL_ARCH.LLAMA, "mistral": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2,
         "qwen3": gguf.MODEL_ARCH.QWEN3}


def write_gguf(path, model, kind):
    c = model.config
    arch = ARCHS[c.model_type]
    names = gguf.get_tensor_name_map(arch, c.num_hidden_layers)
    w = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch], split_max_tensors=10 if kind == "split" else 0)
    write_keys(w, c)
    for name, p in model.state_dict().items():
        if c.tie_word_embeddings and name == "lm_head.weight":
            continue
        a = p.float().numpy()
        if arch == gguf.MODEL_ARCH.LLAMA and ".q_proj." in name:
            a = adjacent(a, c.num_attention_heads)
        if arch == gguf.MODEL_ARCH.LLAMA and ".k_proj." in name:
            a = adjacent(a, c.num_key_value_heads)
        new = names.get_name(name, try_suffixes=(".weight", ".bias"))
        half = {torch.bfloat16: gguf.GGMLQuantizationType.BF16, torch.float16: gguf.GGMLQuantizationType.F16}
        if a.ndim == 2 and p.dtype in half:
            w.add_tensor(new, gguf.quantize(a, half[p.dtype]), raw_dtype=half[p.dtype])
        else:
            w.add_tensor(new, np.ascontiguousarray(a))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    if kind == "v2":  # its layout is that of version 3
        with open(path, "r+b") as f:
            f.seek(4)
            f.write((2).to_bytes(4, "little"))


# ---- all ----

def make(name):
    family, changes, how = MODELS[name]
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    config = getattr(transformers, family + "Config")(**{**BASE, **changes})
    torch.manual_seed(0)
    model = getattr(transformers, family + "ForCausalLM")(config)
    randomize(model, seed_of(name))
    model = model.to(how.get("dtype", torch.float32))
    write_hf(folder, model, how.get("old"), how.get("shard"))
    tokens = tokens_of(seed_of(name))
    logits, hidden, error = checked_outputs(folder, tokens)
    write_expected(os.path.join(folder, "expected.bin"), tokens, logits, hidden)
    kind = how.get("gguf", "plain")
    if kind:
        write_gguf(os.path.join(folder, "model.gguf"), model, kind)
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    assert size < 100000, (name, size)
    print(f"{name:20s} {size:6d} bytes, logits std {logits.std():.2f}, float32 against float64 {error:.1e}")


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    os.makedirs(HERE, exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        if name != "quants":
            make(name)
    if not sys.argv[1:] or "quants" in sys.argv[1:]:
        make_quants.make(os.path.join(HERE, "quants"), sys.modules[__name__])
    versions = {m.__name__: getattr(m, "__version__", "") for m in (torch, transformers, safetensors, np)}
    import importlib.metadata
    versions["gguf"] = importlib.metadata.version("gguf")
    with open(os.path.join(HERE, "versions.json"), "w") as f:
        json.dump(versions, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
