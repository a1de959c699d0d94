#!/usr/bin/env python3
"""Writes the seed inputs of the fuzz targets: tests/fuzz/make_corpus.py

Good files come from the Python packages gguf and safetensors, bad ones from small edits of them. Files that a
fuzzer found (names that begin with "found-") are left alone.
"""

import json
import struct
import tempfile
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save

CORPUS = Path(__file__).resolve().parent / "corpus"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def gguf_file(fill, alignment=None):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gguf"
        w = gguf.GGUFWriter(path, "llama")
        if alignment:
            w.add_custom_alignment(alignment)
        fill(w)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        return path.read_bytes()


def all_values(w):
    w.add_uint8("u8", 200)
    w.add_int8("i8", -100)
    w.add_uint16("u16", 60000)
    w.add_int16("i16", -30000)
    w.add_uint32("u32", 4000000000)
    w.add_int32("i32", -2000000000)
    w.add_float32("f32", 0.1)
    w.add_bool("bool", True)
    w.add_string("string", "héllo \n\x00 \U0001f600")
    w.add_array("array.strings", ["a", "", "ccc"])
    w.add_array("array.ints", [1, -2, 3])
    w.add_array("array.floats", [0.5, 1.5])
    w.add_array("array.bools", [True, False])
    w.add_uint64("u64", 2**64 - 1)
    w.add_int64("i64", -(2**63))
    w.add_float64("f64", 1e300)


def tiny_model(w, arch="llama"):
    rng = np.random.default_rng(1)
    w.add_block_count(1)
    w.add_context_length(32)
    w.add_embedding_length(8)
    w.add_feed_forward_length(12)
    w.add_head_count(2)
    w.add_head_count_kv(1)
    w.add_layer_norm_rms_eps(1e-5)
    add = lambda name, *shape: w.add_tensor(name, rng.standard_normal(shape, dtype=np.float32) * 0.3)
    add("token_embd.weight", 16, 8)
    add("output_norm.weight", 8)
    add("blk.0.attn_norm.weight", 8)
    add("blk.0.attn_q.weight", 8, 8)
    add("blk.0.attn_k.weight", 4, 8)
    add("blk.0.attn_v.weight", 4, 8)
    add("blk.0.attn_output.weight", 8, 8)
    add("blk.0.ffn_norm.weight", 8)
    add("blk.0.ffn_gate.weight", 12, 8)
    add("blk.0.ffn_up.weight", 12, 8)
    add("blk.0.ffn_down.weight", 8, 12)


def quantized(w):
    """One small tensor of each type; the values do not matter here."""
    for t in ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"):
        kind = gguf.GGMLQuantizationType[t]
        elements, n_bytes = gguf.GGML_QUANT_SIZES[kind]
        raw = (np.arange(n_bytes * 2) % 251).astype(np.uint8).reshape(2, n_bytes)
        if t == "F16":
            w.add_tensor(t, np.ones((2, 3), np.float16))
        else:
            w.add_tensor(t, raw, raw_dtype=kind)


def make_gguf():
    values = gguf_file(all_values)
    model = gguf_file(tiny_model)
    quants = gguf_file(quantized)
    put("gguf", "values", values)
    put("gguf", "model", model)
    put("gguf", "quants", quants)
    put("gguf", "aligned-64", gguf_file(tiny_model, 64))
    put("gguf", "empty", gguf_file(lambda w: None))
    put("gguf", "version-2", model[:4] + struct.pack("<I", 2) + model[8:])
    put("gguf", "version-1", model[:4] + struct.pack("<I", 1) + model[8:])
    put("gguf", "big-endian", b"GGUF" + struct.pack(">I", 3) + model[8:64])
    put("gguf", "many-tensors", model[:8] + struct.pack("<Q", 2**62) + model[16:])
    put("gguf", "many-keys", model[:16] + struct.pack("<Q", 2**63) + model[24:])
    put("gguf", "long-key", model[:24] + struct.pack("<Q", 2**64 - 1) + model[32:])
    put("gguf", "truncated", model[: len(model) // 2])
    at = values.index(b"array.strings") + len("array.strings") + 8
    put("gguf", "many-strings", values[:at] + struct.pack("<Q", 2**61) + values[at + 8 :])
    at = model.index(b"blk.0.attn_q.weight") + len("blk.0.attn_q.weight")
    put("gguf", "dims-5", model[:at] + struct.pack("<I", 5) + model[at + 4 :])
    put("gguf", "dim-huge", model[:at + 4] + struct.pack("<Q", 2**63 - 1) + model[at + 12 :])
    put("gguf", "type-99", model[:at + 20] + struct.pack("<I", 99) + model[at + 24 :])
    put("gguf", "offset-far", model[:at + 24] + struct.pack("<Q", 2**64 - 32) + model[at + 32 :])
    put("gguf", "html", "<!DOCTYPE html><html></html>")
    put("gguf", "lfs-pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    put("model", "llama", model)
    put("model", "version-2", model[:4] + struct.pack("<I", 2) + model[8:])
    put("model", "truncated", model[:-100])


def make_safetensors():
    arrays = {"a": np.ones((2, 3), np.float32), "b.weight": np.zeros((4,), np.float16), "empty": np.zeros((0, 2), np.float32)}
    good = save(arrays, metadata={"format": "pt"})
    put("safetensors", "good", good)
    put("safetensors", "one", save({"x": np.ones((1,), np.float32)}))
    n = struct.unpack("<Q", good[:8])[0]
    header, data = good[8 : 8 + n], good[8 + n :]
    rows = {
        "hole": header.replace(b'"data_offsets":[0,24]', b'"data_offsets":[4,28]'),
        "dtype": header.replace(b'"F32"', b'"F33"'),
        "shape-huge": header.replace(b"[2,3]", b"[9223372036854775807,9]"),
        "shape-negative": header.replace(b"[2,3]", b"[-2,-3]"),
        "duplicate": header[:-1].rstrip() + b',"a":1}',
        "deep": b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
        "metadata-number": b'{"__metadata__":{"a":1}}',
        "empty-header": b"{}",
    }
    for name, text in rows.items():
        put("safetensors", name, struct.pack("<Q", len(text)) + text + data)
    put("safetensors", "long-header", struct.pack("<Q", 2**63) + header)
    put("safetensors", "truncated", good[:-3])


def make_json():
    texts = {
        "object": '{"a":1,"b":-2.5e10,"c":"text \\u00e9 \\ud83d\\ude00","d":[true,false,null],"e":{"f":{}}}',
        "array": "[1,2,[3,[4,[5]]]]",
        "duplicate": '{"a":1,"a":2}',
        "big-integer": '{"a":9223372036854775808,"b":-9223372036854775808}',
        "big-real": '{"a":1e999,"b":-0.0,"c":1e-400}',
        "nul": '{"a":"x\\u0000y"}',
        "surrogate": '{"a":"\\ud800"}',
        "not-utf8": b'{"a":"\xff\xfe"}',
        "deep": "[" * 129 + "]" * 129,
        "deep-enough": '{"a":' * 100 + "1" + "}" * 100,
        "open-string": '{"a":"\\',
        "trailing": '{"a":1} x',
        "empty": "",
        "scalar": " 12 ",
        "comment": '{"a":1,}//',
    }
    for name, text in texts.items():
        put("json", name, text)


def make_config():
    base = {
        "model_type": "llama", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 24, "vocab_size": 32, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 64, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": True,
    }  # fmt: skip
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 32}  # fmt: skip
    rows = {
        "llama": {},
        "llama3": {"rope_scaling": llama3},
        "yarn": {"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}},
        "linear": {"rope_scaling": {"type": "linear", "factor": 2.0}},
        "rope-parameters": {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
        "mistral": {"model_type": "mistral", "sliding_window": 16, "head_dim": 8},
        "qwen2": {"model_type": "qwen2", "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
        "qwen3": {"model_type": "qwen3", "head_dim": 8, "layer_types": ["full_attention", "sliding_attention"]},
        "unknown": {"model_type": "other"},
        "no-heads": {"num_attention_heads": 0},
        "odd-heads": {"num_attention_heads": 5},
        "huge": {"num_hidden_layers": 2**62, "hidden_size": 2**63 - 1},
        "wrong-types": {"num_hidden_layers": "2", "hidden_size": None, "rope_theta": True},
        "experts": {"num_experts": 8},
    }
    for name, extra in rows.items():
        put("config", name, json.dumps(base | extra))
    put("config", "array", "[1]")
    put("config", "dots", '{"a.b":{"":{"c":1}},"a":{"b..c":2}}')


def make_template():
    """A template, a NUL, the context's JSON."""
    messages = '{"messages":[{"role":"system","content":"S"},{"role":"user","content":" hi "}],"add_generation_prompt":true}'
    rows = {
        "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m['content'] | trim }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "set": "{%- set ns = namespace(n=0) -%}{% for m in messages if m.role != 'system' %}{% set ns.n = ns.n + 1 %}"
        "{{ loop.index }}/{{ loop.length }}:{{ ns.n }}{% else %}none{% endfor %}",
        "macro": "{% macro f(a, b=2) %}[{{ a }}|{{ b }}]{% endmacro %}{{ f(1) }}{{ f(b=3, a='x') }}",
        "filters": "{{ [3,1,2] | sort | join(',') }}{{ {'a':1} | tojson }}{{ 'aBc' | upper | replace('B','_') }}"
        "{{ x | default('d') }}{{ messages | length }}",
        "tests": "{{ x is defined }}{{ 1 is odd }}{{ 'a' in 'abc' and not none is string }}{{ 1 if x else 2.5e3 }}",
        "slices": "{{ 'abcdef'[1:-1:2] }}{{ messages[-1]['role'] }}{{ (1,2)[::-1] }}{{ messages[0].content.split() }}",
        "raise": "{{ raise_exception('no ' ~ messages[0].role) }}",
        "deep": "{{ " + "(" * 300 + "1" + ")" * 300 + " }}",
        "long-loop": "{% for i in range(99999) %}{% for j in range(99999) %}{{ i * j }}{% endfor %}{% endfor %}",
        "doubling": "{% set s = 'x' %}{% for i in range(40) %}{% set s = s + s %}{{ s }}{% endfor %}",
        "recursion": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "open": "{% for m in messages %}{{ m",
        "comment": "{# a {{ b }} #}{%- raw -%}{{ x }}{%- endraw -%}",
    }
    for name, text in rows.items():
        put("template", name, text + "\0" + messages)


def make_examples():
    rows = {
        "lines": b"\1" + b'{"question":"2+2?","answer":4}\n\n{"question":"caf\xc3\xa9","answer":"x","rationale":null}\r\n',
        "array": b"\2" + b' [{"a":{"b":[1,2]}},{"a":"\\u0041"}]',
        "csv": b"\3" + b'q,a\r\n"x, ""y""\nz",1\n,2\n\n"",""',
        "csv-one-column": b"\0" + b"q\n1\n2\n",
        "csv-short": b"\3" + b"q,a\n1",
        "csv-open-quote": b"\3" + b'q,a\n"1,2',
        "not-utf8": b"\0" + b'{"a":"\xff"}',
        "deep": b"\0" + b"[" * 300,
        "bom": b"\0" + b"\xef\xbb\xbf{}",
        "tsv": b"\4" + b'q\ta\r\n2+2?\t4\n"x\ty"\the said "no"\n',
        "tsv-guessed": b"\0" + b"q\ta\n1, 2\t3\n",
        "words": b"\3" + "Die Straße, die STRASSE: 数学 x_1 café e\u0301\n".encode() * 3,
    }
    for name, data in rows.items():
        put("examples", name, data)


def make_extract():
    rows = {
        "number": ("number", "from -1,234.50 to .5, v1.2.3 and 007"),
        "letter": ("letter", "(a) A dog, so the answer is (C)."),
        "letters": ("letter:XYZ", "X or Z"),
        "regex": (r"regex:(?i)is\s+(\w+)|(\d+)", "It IS so 17"),
        "regex-hostile": ("regex:(a+)+$", "a" * 40 + "b"),
        "regex-recursive": (r"regex:(\((?:[^()]|(?1))*\))", "(()((" * 50),
        "json": ("json:a.b", '{"a": {"b": [1, {"c": "}"}]}} {"a":'),
        "after": ("after:The answer is", "the ANSWER is 7.\nThe answer is  **8**.\n"),
        "text": ("", " \u00a0 x \u2212 5 % "),
        "unknown": ("nr:3", "x"),
        "number-signs": ("number", "£42, −$5, “６”, 1\u202f234, 1.234,5, 12,34,567, 1e-3, 6.02×10²³ und 答案是٤٢"),
        "number-fractions": ("number", "1 1/2, 3/4, ½, -\\frac{3}{4}, \\sqrt[3]{8}, 10:30, 2024-05-01, 2^{10}"),
        "letter-signs": ("letter", "答案：Ｂ。 D.C., A-level, 'C', “B”（d）"),
        "json-path": ("json:a.b.0", '{"a.b": [19.99]} {"a": {"b": [{"z": 1, "y": 2}]}}'),
        "regex-reference": (r"regex:(a*)\1[0-9]", "a" * 50),
    }
    for name, (spec, text) in rows.items():
        put("extract", name, spec + "\0" + text)


def make_grammar():
    rows = {
        "json": 'root ::= "{" ws (string ":" value ("," string ":" value)*)? "}"\nvalue ::= string | root | [0-9]+ ws\n'
        'string ::= "\\"" [^"\\\\\\x00-\\x1f]* "\\"" ws\nws ::= " "? # one',
        "parens": 'root ::= "(" root ")" | [a-z\\u00e9]{1,3}',
        "left": "root ::= a\na ::= root?",
        "endless": 'root ::= "a" root',
        "stars": "root ::= " + "(" * 100 + '"a"' + ")*" * 100,
        "counts": 'root ::= (("a"?){0,99999} "b"){1000000}',
        "ambiguous": 'root ::= ("a" | "aa" | "aaa"){3,500} "b"',
        "empty": 'root ::= "" | () | (|)',
        "open": 'root ::= ("a" [b',
        "regex": "/^(?:[a-z]+|\\d{2,4})(foo|bar)*?\\.?$",
        "regex-classes": "/[^\\w-]\\S.\\u{1F600}|[\\]a-c]{3}",
        "regex-look": "/a(?=b)",
    }
    for name, text in rows.items():
        put("grammar", name, text)
        put("grammar_cost", name, text if text[0] == "/" else "#" + text)


def make_schema():
    rows = {
        "object": {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"type": "integer", "minimum": -5, "maximum": 70}}, "required": ["b"]},
        "others": {"properties": {"ab": {}, "a": {"enum": [1, "x", None]}}, "additionalProperties": {"type": "number", "exclusiveMinimum": 0.5}},
        "array": {"type": "array", "prefixItems": [{"const": 1}], "items": {"type": "boolean"}, "minItems": 2, "maxItems": 9},
        "tree": {"$defs": {"n": {"properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/n"}}}, "required": ["c"]}}, "$ref": "#/$defs/n"},
        "loop": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        "branches": {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "pattern": "^a+b?$"}]},
        "one": {"oneOf": [{"properties": {"k": {"const": 1}}, "required": ["k"]}, {"properties": {"k": {"const": 2}}, "required": ["k"]}], "type": "object"},
        "all": {"allOf": [{"type": ["string", "number"], "minimum": 1.25}, {"type": "number", "maximum": 9}]},
        "true": True,
        "false": False,
        "lengths": {"type": "string", "pattern": "^(ab|c)+$", "minLength": 3, "maxLength": 40},
        "refused": {"type": ["string", "integer"], "not": {"enum": ["a", 5]}, "maxLength": 2},
        "not": {"not": {"properties": {"a": {"minimum": 3}}, "required": ["a"]}, "properties": {"a": {"type": "integer"}}},
        "condition": {"properties": {"a": {"type": "boolean"}}, "if": {"required": ["a"]}, "then": {"maxProperties": 1}},
        "names": {"propertyNames": {"pattern": "^[a-c]", "maxLength": 3}, "patternProperties": {"a$": {"const": 1}}},
        "depends": {"dependentRequired": {"a": ["b"]}, "properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2},
        "unique": {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 1},
        "contains": {"type": "array", "contains": {"type": "null"}, "maxContains": 2, "maxItems": 4},
        "steps": {"type": "number", "multipleOf": 0.25, "minimum": -3, "exclusiveMaximum": 7},
        "twins": {"$defs": {"a": {"properties": {"p": {"$ref": "#/$defs/a"}}}}, "oneOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
    }
    for name, schema in rows.items():
        put("schema", name, json.dumps(schema))
        put("grammar_cost", name, json.dumps(schema))
    put("schema", "list", "[]")
    put("schema", "deep", '{"items":' * 100 + "true" + "}" * 100)


if __name__ == "__main__":
    make_gguf()
    make_safetensors()
    make_json()
    make_config()
    make_template()
    make_examples()
    make_extract()
    make_grammar()
    make_schema()
