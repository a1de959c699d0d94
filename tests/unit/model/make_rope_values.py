"""Writes rope_values.h: rotary frequencies as Hugging Face transformers computes them.

    pip install transformers torch
    python make_rope_values.py > rope_values.h
"""

import struct

import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

CASES = [
    ("plain", 128, 10000.0, 4096, {"rope_type": "default"}),
    ("plain_small_odd_base", 10, 12345.678, 4096, {"rope_type": "default"}),
    ("qwen_base", 128, 1000000.0, 32768, {"rope_type": "default"}),
    ("linear", 64, 10000.0, 8192, {"rope_type": "linear", "factor": 2.5}),
    ("llama3", 64, 500000.0, 131072,
     {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
      "original_max_position_embeddings": 8192}),
    ("yarn", 128, 1000000.0, 131072,
     {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}),
    ("yarn_betas_attention", 64, 10000.0, 16384,
     {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 2048, "beta_fast": 16.0,
      "beta_slow": 2.0, "attention_factor": 0.75}),
    ("yarn_mscale", 64, 10000.0, 16384,
     {"rope_type": "yarn", "factor": 40.0, "original_max_position_embeddings": 4096, "mscale": 0.8,
      "mscale_all_dim": 0.4}),
]

SCALINGS = {"default": "NONE", "linear": "LINEAR", "llama3": "LLAMA3", "yarn": "YARN"}
MEMBERS = [("factor", "rope_factor", 0), ("low_freq_factor", "rope_low", 0), ("high_freq_factor", "rope_high", 0),
           ("beta_fast", "rope_beta_fast", 32), ("beta_slow", "rope_beta_slow", 1), ("mscale", "rope_mscale", 0),
           ("mscale_all_dim", "rope_mscale_all", 0), ("attention_factor", "rope_attn", 0)]


def hexfloat(value):
    return float(struct.unpack("f", struct.pack("f", value))[0]).hex() + "f"


def main():
    print(f"/* Made by make_rope_values.py with transformers {transformers.__version__}. */")
    print("// clang-format off")
    print("static const RopeCase rope_cases[] = {")
    for name, dim, base, n_ctx, scaling in CASES:
        config = LlamaConfig(hidden_size=4 * dim, num_attention_heads=4, head_dim=dim, max_position_embeddings=n_ctx,
                             rope_parameters={"rope_theta": base, **scaling})
        if scaling["rope_type"] == "default":
            inv_freq, factor = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
        else:
            inv_freq, factor = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, "cpu")
        members = ", ".join(f"{float(scaling.get(key, default))}f" for key, _, default in MEMBERS)
        print(f'    {{"{name}", {dim}, {hexfloat(base)}, LLMI_ROPE_SCALING_{SCALINGS[scaling["rope_type"]]},')
        print(f'     {members}, {scaling.get("original_max_position_embeddings", 0)}, {hexfloat(factor)},')
        print("     {" + ", ".join(hexfloat(float(v)) for v in inv_freq) + "}},")
    print("};")


main()
