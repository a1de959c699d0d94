"""One GGUF file per quantized type: the same tiny llama with the matrices whose rows are 256 long in that type.
Expected values come from transformers on the dequantized weights. Called by make_models.py."""
import math
import os
import shutil

import gguf
import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as T

from random_blocks import random_blocks

TYPES = [T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K]
N_EMBD, N_FF, N_HEADS, N_KV_HEADS, HEAD_DIM = 256, 32, 4, 1, 8


def quantized(r, shape, kind):
    """Random rows of a type: what a file stores, and the values it means."""
    sd = 1 / math.sqrt(shape[1])
    stored = random_blocks(r, shape[0] * shape[1] // gguf.GGML_QUANT_SIZES[kind][0], kind, sd).reshape(shape[0], -1)
    values = gguf.dequantize(stored, kind)
    assert np.isfinite(values).all() and 0.3 * sd < values.std() < 3 * sd, (kind, values.std() / sd)
    return stored, values


def make_model(common):
    config = transformers.LlamaConfig(**{**common.BASE, "hidden_size": N_EMBD, "intermediate_size": N_FF,
                                         "num_attention_heads": N_HEADS, "num_key_value_heads": N_KV_HEADS,
                                         "head_dim": HEAD_DIM, "num_hidden_layers": 1})
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    model.set_attn_implementation("eager")
    return model


def write_one(folder, common, kind):
    model = make_model(common)
    config, seed = model.config, common.seed_of(kind.name)
    r = np.random.default_rng(seed)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
    w = gguf.GGUFWriter(os.path.join(folder, kind.name + ".gguf"), "llama")
    common.write_keys(w, config)
    w.add_quantization_version(2)
    for name, p in model.state_dict().items():
        new = names.get_name(name, try_suffixes=(".weight",))
        if p.ndim == 1:
            values = (1 + 0.3 * r.standard_normal(p.shape)).astype(np.float32)
            w.add_tensor(new, values)
        else:
            fits = p.shape[1] % gguf.GGML_QUANT_SIZES[kind][0] == 0
            stored, values = quantized(r, tuple(p.shape), kind if fits else T.Q8_0)
            if ".q_proj." in name or ".k_proj." in name:
                stored = common.adjacent(stored, N_HEADS if ".q_proj." in name else N_KV_HEADS)
            w.add_tensor(new, np.ascontiguousarray(stored), raw_dtype=kind if fits else T.Q8_0)
        with torch.no_grad():
            p.copy_(torch.from_numpy(values))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    tokens = common.tokens_of(seed)
    logits, hidden = common.compute(model, tokens)
    exact, _ = common.compute(model.double(), tokens)
    error = np.abs(logits - exact).max()
    assert error < 5e-5 and logits.std() > 0.5, (kind, error, logits.std())
    common.write_expected(os.path.join(folder, kind.name + ".bin"), tokens, logits, hidden[-1:])
    print(f"{kind.name:20s} {os.path.getsize(os.path.join(folder, kind.name + '.gguf')):6d} bytes, "
          f"logits std {logits.std():.2f}, float32 against float64 {error:.1e}")


def make(folder, common):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for kind in TYPES:
        write_one(folder, common, kind)
