#!/usr/bin/env python3
"""Between a run, the GGUF that is shipped, and an HF directory.

    python3 export.py gguf RUN ../models/tiny-reasoner.gguf     a run's checkpoint as GGUF (matrices Q8_0, vectors F32)
    python3 export.py hf ../models/tiny-reasoner.gguf FOLDER    the GGUF as safetensors in F32, with config and tokenizer
"""

import argparse
import json
import os

import gguf
import numpy as np

TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if loop.first and message['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + message['content'] + '<|im_end|>\\n' }}
    {%- elif message['role'] == 'user' or message['role'] == 'assistant' %}
        {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- raise_exception('expected the roles user and assistant, and system for the first message only') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
BOS, EOS = "<|endoftext|>", "<|im_end|>"
CARD = {
    "name": "Tiny Reasoner",
    "author": "The libllm project",
    "license": "MIT",
    "version": "2.0",
    "description": "A very small language model for tests and examples. It was trained from nothing on a corpus that the "
                   "project generates itself: little stories, arithmetic with worked steps, tasks told by examples, "
                   "and short chats that follow a system instruction. It knows nothing of the world.",
}
TAGS, LANGUAGES = ["text-generation", "tiny", "test"], ["en"]

NAMES = {  # this project's model, GGUF, HF
    "embd": ("token_embd", "model.embed_tokens"),
    "norm": ("output_norm", "model.norm"),
}
BLOCK_NAMES = {
    "attn_norm": ("attn_norm", "input_layernorm"), "ffn_norm": ("ffn_norm", "post_attention_layernorm"),
    "q": ("attn_q", "self_attn.q_proj"), "k": ("attn_k", "self_attn.k_proj"), "v": ("attn_v", "self_attn.v_proj"),
    "o": ("attn_output", "self_attn.o_proj"), "gate": ("ffn_gate", "mlp.gate_proj"), "up": ("ffn_up", "mlp.up_proj"),
    "down": ("ffn_down", "mlp.down_proj"),
}


def adjacent(w, n_heads):
    """Rows of a rotated matrix from halves (HF, and the training code) to neighbours (GGUF)."""
    return w.reshape(n_heads, 2, w.shape[0] // n_heads // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def halves(w, n_heads):
    return w.reshape(n_heads, w.shape[0] // n_heads // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def gguf_tensors(params, n_heads, n_kv_heads):
    for name, x in params.items():
        parts = name.split(".")
        if parts[0] == "blocks":
            to = f"blk.{parts[1]}.{BLOCK_NAMES[parts[2]][0]}.weight"
            if parts[2] in ("q", "k"):
                x = adjacent(x, n_heads if parts[2] == "q" else n_kv_heads)
        else:
            to = NAMES[parts[0]][0] + ".weight"
        yield to, np.ascontiguousarray(x)


def add_tokenizer(out, tok):
    n = len(tok["model"]["vocab"])
    tokens = [None] * n
    types = [int(gguf.TokenType.NORMAL)] * n
    for t, i in tok["model"]["vocab"].items():
        tokens[i] = t
    for t in tok["added_tokens"]:
        types[t["id"]] = int(gguf.TokenType.CONTROL)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("llama-bpe")
    out.add_token_list(tokens)
    out.add_token_types(types)
    out.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tok["model"]["merges"]])
    out.add_bos_token_id(tokens.index(BOS))
    out.add_eos_token_id(tokens.index(EOS))
    out.add_eot_token_id(tokens.index(EOS))
    out.add_pad_token_id(tokens.index(EOS))
    out.add_add_bos_token(True)
    out.add_add_eos_token(False)
    out.add_chat_template(TEMPLATE)


def write_gguf(run, path):
    import torch

    c = torch.load(f"{run}/checkpoint.pt", map_location="cpu", weights_only=True)
    with open(f"{run}/tokenizer.json", encoding="utf-8") as f:
        tok = json.load(f)
    s = c["shape"]
    out = gguf.GGUFWriter(path, "llama")
    out.add_type(gguf.GGUFType.MODEL)
    out.add_name(CARD["name"])
    out.add_author(CARD["author"])
    out.add_license(CARD["license"])
    out.add_version(CARD["version"])
    out.add_description(CARD["description"])
    out.add_tags(TAGS)
    out.add_languages(LANGUAGES)
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    out.add_vocab_size(s["n_vocab"])
    out.add_context_length(s["n_ctx"])
    out.add_embedding_length(s["n_embd"])
    out.add_block_count(s["n_layers"])
    out.add_feed_forward_length(s["n_ff"])
    out.add_head_count(s["n_heads"])
    out.add_head_count_kv(s["n_kv_heads"])
    out.add_rope_dimension_count(s["n_embd"] // s["n_heads"])
    out.add_rope_freq_base(s["rope_base"])
    out.add_layer_norm_rms_eps(s["norm_eps"])
    add_tokenizer(out, tok)
    q8 = gguf.GGMLQuantizationType.Q8_0
    params = {n: p.float().numpy() for n, p in c["params"].items()}
    for name, x in gguf_tensors(params, s["n_heads"], s["n_kv_heads"]):
        if x.ndim == 2:
            out.add_tensor(name, gguf.quants.quantize(x, q8), raw_dtype=q8)
        else:
            out.add_tensor(name, x)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


class Source:
    """What a GGUF of this project holds: metadata, and tensors in F32 by the names of the training code."""

    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.arch = self.get("general.architecture")

    def get(self, key):
        return self.reader.get_field(key).contents()

    def hparam(self, key):
        return self.get(f"{self.arch}.{key}")

    def shape(self):
        return {"n_vocab": len(self.get("tokenizer.ggml.tokens")), "n_embd": self.hparam("embedding_length"),
                "n_layers": self.hparam("block_count"), "n_heads": self.hparam("attention.head_count"),
                "n_kv_heads": self.hparam("attention.head_count_kv"), "n_ff": self.hparam("feed_forward_length"),
                "n_ctx": self.hparam("context_length"), "rope_base": self.hparam("rope.freq_base"),
                "norm_eps": self.hparam("attention.layer_norm_rms_epsilon")}

    def params(self):
        own = {v[0]: k for k, v in BLOCK_NAMES.items()}
        ends = {v[0]: k for k, v in NAMES.items()}
        heads = {"q": self.hparam("attention.head_count"), "k": self.hparam("attention.head_count_kv")}
        out = {}
        for t in self.reader.tensors:
            x = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
            parts = t.name.split(".")
            if parts[0] != "blk":
                name = ends[parts[0]]
                out[name if name == "embd" else f"{name}.weight"] = x
                continue
            name = own[parts[2]]
            out[f"blocks.{parts[1]}.{name}.weight"] = halves(x, heads[name]) if name in heads else x
        return out

    def tokenizer_json(self):
        from tokenizers import AddedToken, processors

        import tokenizer

        tokens, types = self.get("tokenizer.ggml.tokens"), self.get("tokenizer.ggml.token_type")
        t = tokenizer.from_vocabulary(tokens)
        t.add_special_tokens([AddedToken(x, special=True, normalized=False)
                              for x, k in zip(tokens, types) if k == gguf.TokenType.CONTROL])
        bos = self.get("tokenizer.ggml.bos_token_id")
        t.post_processor = processors.TemplateProcessing(single=f"{tokens[bos]} $A", pair=f"{tokens[bos]} $A {tokens[bos]} $B",
                                                         special_tokens=[(tokens[bos], bos)])
        return t


def write_hf(path, folder):
    from safetensors.numpy import save_file

    source = Source(path)
    s = source.shape()
    os.makedirs(folder, exist_ok=True)
    tensors = {}
    for name, x in source.params().items():
        parts = name.split(".")
        to = f"model.layers.{parts[1]}.{BLOCK_NAMES[parts[2]][1]}" if parts[0] == "blocks" else NAMES[parts[0]][1]
        tensors[to + ".weight"] = np.ascontiguousarray(x)
    save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
    tokens = source.get("tokenizer.ggml.tokens")
    bos, eos, pad = (source.get(f"tokenizer.ggml.{k}_token_id") for k in ("bos", "eos", "padding"))
    ids = {"bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad}
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "attention_bias": False,
        "mlp_bias": False, "tie_word_embeddings": True, "torch_dtype": "float32", "vocab_size": s["n_vocab"],
        "hidden_size": s["n_embd"], "num_hidden_layers": s["n_layers"], "num_attention_heads": s["n_heads"],
        "num_key_value_heads": s["n_kv_heads"], "head_dim": s["n_embd"] // s["n_heads"], "intermediate_size": s["n_ff"],
        "max_position_embeddings": s["n_ctx"], "rope_theta": s["rope_base"], "rms_norm_eps": s["norm_eps"], **ids,
    }
    texts = {
        "config.json": config, "generation_config.json": ids,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": tokens[bos], "eos_token": tokens[eos],
            "pad_token": tokens[pad], "model_max_length": s["n_ctx"], "clean_up_tokenization_spaces": False,
            "chat_template": source.get("tokenizer.chat_template"),
        },
    }
    for name, value in texts.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            json.dump(value, f, indent=2)
            f.write("\n")
    source.tokenizer_json().save(f"{folder}/tokenizer.json")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("to", choices=("gguf", "hf"))
    p.add_argument("source", help="a run's folder, or a GGUF")
    p.add_argument("target")
    a = p.parse_args()
    (write_gguf if a.to == "gguf" else write_hf)(a.source, a.target)


if __name__ == "__main__":
    main()
