#!/usr/bin/env python3
"""Schemas with texts that are valid and not, judged by the Python package jsonschema.

    make_schema_cases.py                writes schema_cases.json
    make_schema_cases.py --check FILE   judges lines of {"case": index, "text": ...}; prints those that are not valid
"""

import json
import random
import sys
from pathlib import Path

import jsonschema

HERE = Path(__file__).resolve().parent
CASES = HERE / "schema_cases.json"


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def string_cases():
    yield {"type": "string"}, ["", "a", 'quote " back \\ line\n', "é日😀"], [1, None, [], {}]
    for low, high in ((0, 0), (0, 3), (2, 4), (1, 20), (3, None), (5, 5), (10, 40)):
        schema = {"type": "string", "minLength": low}
        if high is not None:
            schema["maxLength"] = high
        top = high if high is not None else low + 10
        yield schema, ["x" * low, "é" * top, "😀" * ((low + top) // 2)], ["y" * (low - 1)] * (low > 0) + ["z" * (top + 1)] * (high is not None)
    patterns = {
        "^[a-z]+$": (["abc", "z"], ["", "A", "ab1"]),
        "^\\d{3}-\\d{4}$": (["555-1234"], ["5555-123", "555-12345"]),
        "foo": (["foo", "a foo b", "foofoo"], ["fo", ""]),
        "^a|b$": (["a", "axx", "b", "xxb"], ["xa", "bx"]),
        "^(yes|no|maybe)?$": (["yes", "no", ""], ["yess", "y"]),
        '^["\\\\]*$': (['""', "\\"], ["a"]),
        "^[^x]{2,3}$": (["ab", "é日a"], ["a", "axb", "abcd"]),
        "^\\w+@\\w+\\.com$": (["me@site.com"], ["me@site.org", "@a.com"]),
        "^(ab)*c?$": (["", "abab", "ababc", "c"], ["aba"]),
        "^.{0,5}$": (["", "hello"], ["helloo"]),
        "^[A-Z][a-z]{1,10} [A-Z]\\.$": (["Bob K."], ["bob K.", "Bob"]),
        "\\S": (["a", " b"], ["", " "]),
        "^\\u00e9+$": (["é", "éé"], ["e"]),
        "^(?:a(?:b(?:c)?)?)?$": (["", "a", "ab", "abc"], ["ac", "b"]),
        "^-?\\d+(\\.\\d+)?$": (["1", "-2.5"], [".5", "1."]),
        "^\\t\\n$": (["\t\n"], ["tn"]),
    }
    for pattern, (good, bad) in patterns.items():
        yield {"type": "string", "pattern": pattern}, good, bad
    formats = {
        "date": (["2024-01-31", "1999-12-01"], ["2024-13-01", "2024-1-1", "x"]),
        "time": (["12:30:00Z", "23:59:59.25+02:00"], ["24:00:00Z", "12:30"]),
        "date-time": (["2024-01-31T12:30:00Z"], ["2024-01-31", "2024-01-31 12:30:00Z"]),
        "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", "zz"]),
        "email": (["a.b@c.de", "me@example.com"], ["nobody", "@x.y"]),
        "ipv4": (["127.0.0.1", "255.255.255.255"], ["256.1.1.1", "1.2.3"]),
        "uri": (["http://a.b/c?d=e#f", "https://example.com"], ["nothing", "//x"]),
    }
    for name, (good, bad) in formats.items():
        yield {"type": "string", "format": name}, good, bad


def number_cases():
    yield {"type": "integer"}, [0, -1, 123456789012], [1.5, "1", None]
    yield {"type": "number"}, [0, -1, 1.5, -0.25, 1e20], ["1", True]
    rng = random.Random(3)
    bounds = [(0, 10), (1, 1), (-5, 5), (17, 4321), (99, 101), (-1000, -10), (0, 1000000), (-1, 0), (5, None), (None, 5), (None, -7), (-3, None), (1990, 2030)]
    bounds += [tuple(sorted((rng.randint(-99999, 99999), rng.randint(-99999, 99999)))) for _ in range(12)]
    for low, high in bounds:
        schema = {"type": "integer"}
        if low is not None:
            schema["minimum"] = low
        if high is not None:
            schema["maximum"] = high
        some = [x for x in (low, high) if x is not None]
        some += [rng.randint(low if low is not None else high - 500, high if high is not None else low + 500) for _ in range(4)]
        yield schema, some, [x - 1 for x in (low,) if x is not None] + [x + 1 for x in (high,) if x is not None] + ["0"]
    yield {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 6}, [4, 5], [3, 6]
    yield {"type": "integer", "minimum": 1.5, "maximum": 3.5}, [2, 3], [1, 4]
    yield {"type": "integer", "exclusiveMinimum": -3, "maximum": 12}, [-2, 0, 12], [-3, 13]
    decimals = [(0, 1), (0.5, 2.25), (-1.5, 1.5), (-3.75, -0.125), (0.1, 0.2), (10, 10), (99.95, 100.05), (1.005, 1.0051), (0, 100), (-273.15, 1000), (3, None), (None, 2.5), (None, -2.5), (-0.5, None)]
    decimals += [tuple(sorted((round(rng.uniform(-50, 50), 3), round(rng.uniform(-50, 50), 2)))) for _ in range(10)]
    for low, high in decimals:
        for exclusive in (False, True):
            if exclusive and low == high:
                continue
            schema = {"type": "number"}
            if low is not None:
                schema["exclusiveMinimum" if exclusive else "minimum"] = low
            if high is not None:
                schema["exclusiveMaximum" if exclusive else "maximum"] = high
            a, b = low if low is not None else high - 40, high if high is not None else low + 40
            some = [round(a + (b - a) * t, 6) for t in (0.25, 0.5, 0.75)]
            some = [x for x in some if a < x < b] + ([] if exclusive else [x for x in (low, high) if x is not None])
            bad = [x - 0.01 for x in (low,) if x is not None] + [x + 0.01 for x in (high,) if x is not None]
            if exclusive:
                bad += [x for x in (low, high) if x is not None]
            yield schema, some, bad + [True]


def array_cases():
    yield {"type": "array"}, [[], [1, "a", None], [[[]]]], [{}, 1]
    yield {"type": "array", "items": {"type": "integer"}}, [[], [1], [1, 2, 3]], [["a"], [1.5], 1]
    for low, high in ((0, 0), (0, 2), (1, 3), (2, 2), (2, None), (3, 30)):
        schema = {"type": "array", "items": {"type": "boolean"}, "minItems": low}
        if high is not None:
            schema["maxItems"] = high
        top = high if high is not None else low + 5
        yield schema, [[True] * low, [False] * top], [[True] * (low - 1)] * (low > 0) + [[True] * (top + 1)] * (high is not None)
    two = [{"type": "integer"}, {"type": "string", "maxLength": 5}]
    yield {"type": "array", "prefixItems": two, "items": False}, [[], [1], [1, "a"]], [["a"], [1, 2], [1, "a", 3]]
    yield {"type": "array", "prefixItems": two, "items": False, "minItems": 2}, [[1, "a"]], [[1], []]
    yield {"type": "array", "prefixItems": two, "items": {"type": "null"}}, [[1], [1, "a", None, None]], [[1, "a", 2]]
    yield {"type": "array", "prefixItems": two, "items": {"type": "null"}, "minItems": 3, "maxItems": 4}, [[1, "a", None], [1, "a", None, None]], [[1, "a"], [1, "a", None, None, None]]
    yield {"type": "array", "prefixItems": two, "maxItems": 1}, [[], [4]], [[1, "a"], ["x"]]
    yield {"type": "array", "items": {"type": "array", "items": {"enum": [0, 1]}, "minItems": 2, "maxItems": 2}, "maxItems": 2}, [[], [[0, 1]], [[0, 0], [1, 1]]], [[[0]], [[0, 2]]]
    yield {"type": "array", "items": False}, [[]], [[1]]
    yield {"type": "array", "items": True, "maxItems": 1}, [[], [{"a": [1]}]], [[1, 2]]


def object_cases():
    name, age = {"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 150}
    yield {"type": "object"}, [{}, {"a": 1, "b": {"c": []}}], [[], "x"]
    yield {"type": "object", "properties": {"name": name, "age": age}, "required": ["name", "age"]}, [{"name": "Bob", "age": 5}], [{"name": "Bob"}, {"age": 5}, {"name": 1, "age": 5}, {"name": "x", "age": 151}]
    yield {"type": "object", "properties": {"name": name, "age": age}}, [{}, {"name": "B"}, {"age": 0}, {"name": "", "age": 150}], [{"name": None}]
    rng = random.Random(5)
    for n in (1, 2, 3, 5, 8):
        for _ in range(3):
            names = [f"p{i}" for i in range(n)]
            required = [x for x in names if rng.random() < 0.4]
            schema = {"type": "object", "properties": {x: {"type": rng.choice(["integer", "boolean", "null"])} for x in names}, "required": required, "additionalProperties": False}
            value = {"integer": 7, "boolean": True, "null": None}
            full = {x: value[schema["properties"][x]["type"]] for x in names}
            least = {x: full[x] for x in required}
            half = {x: full[x] for x in names if x in required or rng.random() < 0.5}
            bad = [{**full, "other": 1}, {**full, names[0]: "text"}] + [{k: v for k, v in full.items() if k != x} for x in required[:2]]
            yield schema, [full, least, half], bad
    yield {"type": "object", "additionalProperties": {"type": "integer"}}, [{}, {"a": 1}, {"a": 1, "bb": 2}], [{"a": "x"}]
    yield {"type": "object", "properties": {"a": {"type": "string"}, "ab": {"type": "null"}}, "additionalProperties": {"type": "integer"}}, [{}, {"a": "x"}, {"b": 1}, {"a": "x", "abc": 1, "": 2}, {"ab": None, "é": 3}], [{"a": 1}, {"b": "x"}, {"ab": 1}]
    yield {"type": "object", "properties": {"x": True, 'q"\\': {"type": "integer"}}, "additionalProperties": True, "required": ["x"]}, [{"x": 1}, {"x": [], 'q"\\': 2, "y": None}], [{}, {"x": 1, 'q"\\': "no"}]
    yield {"type": "object", "required": ["a"]}, [{"a": 1}], [{}, {"b": 1}]
    yield {"type": "object", "properties": {"a": False, "b": {"type": "null"}}, "additionalProperties": False}, [{}, {"b": None}], [{"a": 1}]
    yield {"type": "object", "additionalProperties": {"type": "null"}, "maxProperties": 2}, [{}, {"a": None, "b": None}], [{"a": None, "b": None, "c": None}]
    yield {"type": "object", "additionalProperties": {"type": "null"}, "minProperties": 1}, [{"a": None}], [{}]
    yield {"type": "object", "additionalProperties": False}, [{}], [{"a": 1}]
    yield {"properties": {"deep": {"type": "object", "properties": {"er": {"type": "array", "items": name}}, "required": ["er"]}}, "required": ["deep"]}, [{"deep": {"er": []}}, {"deep": {"er": ["x", "y"]}}], [{"deep": {}}, {}]


def combined_cases():
    yield {"enum": ["red", "green", 3, None, {"a": [1]}]}, ["red", 3, None, {"a": [1]}], ["blue", 4]
    yield {"type": "string", "enum": ["a", "b", 1]}, ["a", "b"], [1, "c"]
    yield {"const": "only"}, ["only"], ["other", 1]
    yield {"const": 1.5}, [1.5], [1]
    yield {"const": {"x": [True, "é"]}}, [{"x": [True, "é"]}], [{"x": []}]
    yield {"type": ["string", "null"]}, ["a", None], [1]
    yield {"type": ["integer", "boolean", "array"], "items": {"type": "null"}}, [1, True, [None]], ["a", [1]]
    yield {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 2}]}, [1, "ab"], ["abc", None]
    yield {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "additionalProperties": False}, [{"a": 1}, {"b": 1}, {"a": 1, "b": 2}], [{}, {"a": "x"}]
    yield {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}, [1, "a", None], [[], 1.5]
    shapes = [
        {"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number", "minimum": 0}}, "required": ["kind", "r"]},
        {"type": "object", "properties": {"kind": {"const": "box"}, "w": {"type": "integer"}, "h": {"type": "integer"}}, "required": ["kind", "w", "h"]},
    ]
    yield {"oneOf": shapes}, [{"kind": "circle", "r": 1.5}, {"kind": "box", "w": 1, "h": 2}], [{"kind": "box", "r": 1}, {"kind": "other"}]
    yield {"oneOf": [{"const": 1}, {"const": 2}, {"const": "1"}]}, [1, 2, "1"], [3]
    yield {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]}, [{"a": 1, "b": "x"}], [{"a": 1}, {"b": "x"}]
    yield {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 9}, {"minimum": 5}]}, [5, 9], [4, 10]
    yield {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 5}}}], "type": "object"}, [{}, {"a": 5}], [{"a": 4}, {"a": "x"}]
    yield {"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}]}, [2, 3], [1, 4]
    yield {"allOf": [{"type": ["string", "null", "integer"]}, {"type": ["integer", "null"]}]}, [None, 4], ["x"]
    yield {"allOf": [{"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False}, {"properties": {"b": {"type": "null"}}}]}, [{}, {"a": None}], [{"b": None}]
    yield {"allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}]}, [3, 99], [2, "x", None]
    yield {"$defs": {"id": {"type": "string", "pattern": "^[a-f]{4}$"}}, "type": "object", "properties": {"from": {"$ref": "#/$defs/id"}, "to": {"$ref": "#/$defs/id"}}, "required": ["from", "to"]}, [{"from": "abcd", "to": "ffff"}], [{"from": "abcd"}, {"from": "abcg", "to": "ffff"}]
    tree = {"$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["v", "next"]}}, "$ref": "#/$defs/node"}
    yield tree, [{"v": 1, "next": None}, {"v": 1, "next": {"v": 2, "next": None}}], [{"v": 1}, {"v": 1, "next": {"v": 2}}]
    yield {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["name", "children"]}, [{"name": "a", "children": []}, {"name": "a", "children": [{"name": "b", "children": []}]}], [{"name": "a"}, {"name": "a", "children": [1]}]
    yield {"$defs": {"a/b~c": {"type": "boolean"}}, "$ref": "#/$defs/a~1b~0c"}, [True], [1]
    yield {"$defs": {"pos": {"type": "integer", "minimum": 1}}, "$ref": "#/$defs/pos", "maximum": 5, "description": "few"}, [1, 5], [0, 6]
    yield {"definitions": {"s": {"type": "string"}}, "items": {"$ref": "#/definitions/s"}, "type": "array"}, [[], ["a"]], [[1]]
    yield True, [1, None, {"a": [1.5]}, "x"], []
    yield {}, [1, None, [], "x"], []
    yield {"title": "note", "description": "says nothing"}, [False, "x"], []
    yield {"type": "null"}, [None], [0]
    yield {"type": "boolean"}, [True, False], [1, "true"]
    yield {"minimum": 3, "maximum": 4}, [3, 4, 3.5], [2, 5]
    yield {"type": "integer", "multipleOf": 1}, [1, 2], [1.5]
    yield {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "null"}, [None], [1]
    call = {"type": "object", "properties": {"tool": {"enum": ["search", "open"]}, "arguments": {"type": "object", "properties": {"q": {"type": "string", "minLength": 1, "maxLength": 60}, "limit": {"type": "integer", "minimum": 1, "maximum": 50}}, "required": ["q"], "additionalProperties": False}}, "required": ["tool", "arguments"], "additionalProperties": False}
    yield call, [{"tool": "open", "arguments": {"q": "x"}}, {"tool": "search", "arguments": {"q": "weather", "limit": 50}}], [{"tool": "close", "arguments": {"q": "x"}}, {"tool": "open", "arguments": {"q": ""}}, {"tool": "open", "arguments": {"q": "x", "limit": 51}}]


COPIED = {
    "uri": ["https://en.wikipedia.org/wiki/Paris_(disambiguation)", "http://localhost:8080/a,b/@user?q=%C3%A9&x=1#top", "https://xn--mller-kva.de/", "https://m\u00fcnchen.example/\u65e5\u672c", "https://user:pw@host.example:65535/" + "long/" * 60, "mailto:a@b.c", "urn:isbn:0451450523", "ftp://[2001:db8::7]/x", "https://a.b/c;d='e'!*$~", "file:///etc/hosts"],
    "email": ["o'brien@example.com", "a+b=c@sub.example.co.uk", "first.last@xn--mller-kva.de"],
    "date": ["2024-02-29", "2000-02-29", "0004-02-29", "2400-02-29", "1999-12-31"],
    "date-time": ["2024-02-29T23:59:59.123456789Z", "2024-01-31T12:30:00-05:30"],
    "uuid": ["123E4567-E89B-12D3-A456-426614174000", "ffffffff-FFFF-ffff-FFFF-ffffffffffff"],
    "ipv6": ["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "fe80::"],
    "hostname": ["localhost", "a-b.example.com"],
    "duration": ["P3Y6M4DT12H30M5S", "PT36H", "P1W"],
    "json-pointer": ["", "/a/b~0c", "/0"],
}


def copied_cases():
    """What a model copies from its prompt must not be bent by a format."""
    for name, texts in COPIED.items():
        yield {"type": "string", "format": name}, texts, []
    yield {"type": "string", "format": "date"}, [], ["2023-02-29", "1900-02-29", "2024-02-30"]
    for text in ["1234567890123456789", "18446744073709551615", "-9223372036854775808", "1" + "0" * 39]:
        yield {"type": "integer"}, [int(text)], []
    yield {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, [0, 2**64 - 1, 2**63, 10**19], [2**64, -1, 2 * 10**19]
    yield {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, [-(2**63), 2**63 - 1, 0, -1], [2**63, -(2**63) - 1]
    yield {"type": "integer", "exclusiveMinimum": 2**64 - 1}, [2**64, 10**30], [2**64 - 1, 0]
    yield {"type": "integer", "minimum": -0.5, "maximum": 1e-30}, [0], [1, -1]
    yield {"type": "number", "minimum": 0, "maximum": 2**64 - 1}, [0.5, 2**64 - 1, 123456789012.5], [2**64, -0.5]
    yield {"type": "number", "minimum": 1e16}, [10**16, 10**17 + 1], [1.5, 10**15]
    yield {"const": 12345678901234567890123}, [12345678901234567890123], [12345678901234567890124]
    yield {"enum": ["\u0000", "\"\\\n\u2028"]}, ["\u0000", "\"\\\n\u2028"], ["", "0"]
    yield {"type": "object", "properties": {"\u0000": {"type": "null"}, "a\"b/~\u00e9": {"type": "null"}, "": {"type": "null"}}, "additionalProperties": False}, [{"\u0000": None, "a\"b/~\u00e9": None, "": None}], [{"0": None}]


def joined_cases():
    """Patterns, formats and lengths that hold at once."""
    yield {"type": "string", "pattern": "^[A-Z]+$", "minLength": 2, "maxLength": 4}, ["AB", "ABCD"], ["A", "ABCDE", "ab"]
    yield {"type": "string", "pattern": "^(abc)+$", "minLength": 4, "maxLength": 9}, ["abcabc", "abcabcabc"], ["abc", "abcabca"]
    yield {"type": "string", "pattern": "^(ab|abcde)$", "maxLength": 4}, ["ab"], ["abcde", "abc"]
    yield {"type": "string", "pattern": "^a*$", "minLength": 300, "maxLength": 302}, ["a" * 300, "a" * 302], ["a" * 299, "a" * 303]
    yield {"type": "string", "pattern": "x", "minLength": 3}, ["axb", "xxx", "x\u00e9\U0001F600"], ["x", "abc", "xb"]
    yield {"type": "string", "pattern": "^\\d{3}-\\d{4}$", "minLength": 1, "maxLength": 100}, ["555-1234"], ["555-123"]
    yield {"type": "string", "pattern": "^[^\"]*$", "maxLength": 2}, ["", "\\\n", "ab"], ["\"", "abc"]
    yield {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083}, ["https://example.com/a?b=c", "http://a.b/" + "x" * 2072], ["x", "http://a.b/" + "x" * 2073]
    yield {"type": "string", "format": "uri", "minLength": 1}, ["https://example.com/a?b=c"], [""]
    yield {"type": "string", "format": "email", "maxLength": 12}, ["a@b.example"], ["abc@b.example"]
    yield {"type": "string", "format": "date", "pattern": "^20"}, ["2024-02-29"], ["1999-01-01"]
    yield {"type": "string", "format": "note for people", "maxLength": 3}, ["abc"], ["abcd"]
    yield {"allOf": [{"pattern": "^a"}, {"pattern": "b$"}], "type": "string"}, ["ab", "axxb"], ["a", "b", "ba"]
    yield {"type": "string", "not": {"pattern": "^x"}}, ["", "ax", "y"], ["x", "xy"]
    yield {"type": "string", "not": {"enum": ["a", "ab"]}, "maxLength": 3}, ["", "abc", "b"], ["a", "ab", "abcd"]
    yield {"type": "string", "not": {"const": "a"}, "pattern": "^[ab]$"}, ["b"], ["a"]
    yield {"enum": ["a", "bb", "ccc", 1, 22, None], "minLength": 2, "minimum": 5}, ["bb", "ccc", 22, None], ["a", 1]
    yield {"enum": [1, 2, 3, 4], "not": {"enum": [2, 3.0]}}, [1, 4], [2, 3]
    yield {"const": {"a": [1]}, "required": ["a"]}, [{"a": [1]}], [{}]


def map_cases():
    number = {"type": "integer"}
    colors = {"$defs": {"Color": {"enum": ["red", "blue"], "type": "string"}}, "type": "object", "additionalProperties": number, "propertyNames": {"$ref": "#/$defs/Color"}}
    yield colors, [{}, {"red": 1}, {"blue": 2}, {"red": 1, "blue": 2}], [{"green": 1}, {"red": "x"}]
    yield dict(colors, minProperties=1), [{"red": 1}, {"red": 1, "blue": 2}], [{}]
    yield {"type": "object", "additionalProperties": number, "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 3}}, [{}, {"abc": 1, "d": 2}], [{"abcd": 1}, {"A": 1}, {"": 1}]
    yield {"type": "object", "propertyNames": {"minLength": 2}}, [{}, {"ab": None}], [{"a": 1}]
    yield {"type": "object", "properties": {"a": number}, "required": ["b", "a"], "additionalProperties": number}, [{"a": 1, "b": 2}], [{"a": 1}, {"b": 1}]
    yield {"type": "object", "propertyNames": False}, [{}], [{"a": 1}]
    yield {"type": "object", "patternProperties": {"^x-": {"type": "string"}, "^n": number}}, [{}, {"x-a": "b", "n": 1}], [{"x-a": 1}, {"n": "a"}]
    yield {"type": "object", "patternProperties": {"^a": number, "b$": {"minimum": 5}}, "additionalProperties": False}, [{"ax": 1}, {"xb": 7}, {"ab": 5}], [{"ab": 4}, {"a": "x"}, {"c": 1}]
    yield {"type": "object", "properties": {"ab": {"maximum": 9, "type": "integer"}}, "patternProperties": {"^a": {"minimum": 5}}, "additionalProperties": {"type": "null"}}, [{"ab": 5}, {"ab": 9, "c": None}, {"ac": 6}], [{"ab": 4}, {"ab": 10}, {"c": 1}, {"ad": 1}]
    yield {"type": "object", "properties": {"a": number, "b": number, "c": number}, "additionalProperties": False, "minProperties": 2}, [{"a": 1, "b": 1}, {"b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}], [{}, {"a": 1}, {"c": 1}]
    yield {"type": "object", "properties": {"a": number, "b": number, "c": number}, "additionalProperties": False, "maxProperties": 1}, [{}, {"c": 1}], [{"a": 1, "b": 1}]
    yield {"type": "object", "properties": {"a": number, "b": number, "c": number}, "required": ["b"], "additionalProperties": False, "minProperties": 2, "maxProperties": 2}, [{"a": 1, "b": 1}, {"b": 1, "c": 1}], [{"b": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}]
    yield {"type": "object", "properties": {"a": number}, "additionalProperties": number, "maxProperties": 2}, [{}, {"a": 1, "x": 1}, {"x": 1, "y": 2}], [{"a": 1, "x": 1, "y": 2}]
    yield {"type": "object", "properties": {"a": number}, "additionalProperties": number, "minProperties": 2}, [{"a": 1, "x": 1}], [{"a": 1}, {}]
    yield {"type": "object", "additionalProperties": number, "maxProperties": 3}, [{}, {"a": 1, "b": 2, "c": 3}], [{"a": 1, "b": 2, "c": 3, "d": 4}]
    yield {"type": "object", "properties": {"a": number, "b": number, "c": number}, "dependentRequired": {"a": ["b"]}, "additionalProperties": False}, [{}, {"b": 1}, {"a": 1, "b": 1}, {"c": 1}], [{"a": 1}, {"a": 1, "c": 1}]
    yield {"type": "object", "properties": {"card": number, "street": {"type": "string"}}, "dependentSchemas": {"card": {"required": ["street"], "properties": {"street": {"minLength": 2}}}}, "additionalProperties": False}, [{}, {"street": ""}, {"card": 1, "street": "ab"}], [{"card": 1}, {"card": 1, "street": "a"}]


def excluding_cases():
    """oneOf, not, if: no text is valid in two ways."""
    integer = {"type": "integer"}
    a, b = ({"type": "object", "properties": {n: integer}, "required": [n]} for n in "ab")
    yield {"oneOf": [a, b]}, [{"a": 1}, {"b": 1}], [{}, {"a": 1, "b": 1}]
    yield {"oneOf": [{"type": "integer", "maximum": 3}, {"type": "integer", "minimum": 4}]}, [3, 4, -5, 100], ["x"]
    yield {"oneOf": [{"type": "integer", "maximum": 5}, {"type": "integer", "minimum": 3}]}, [2, 6], [3, 4, 5]
    yield {"type": "object", "properties": {"A": {"type": "string"}, "B": integer, "C": {"type": "number"}}, "required": ["A"], "additionalProperties": False, "oneOf": [{"required": ["B"]}, {"required": ["C"]}]}, [{"A": "x", "B": 1}, {"A": "x", "C": 1.5}], [{"A": "x"}, {"A": "x", "B": 1, "C": 2}]
    yield {"oneOf": [{"multipleOf": 3, "type": "integer"}, {"multipleOf": 5, "type": "integer"}]}, [3, 5, 9, 10], [15, 0, 1]
    yield {"oneOf": [{"type": "integer"}, {"type": "number"}]}, [1.5], [1, "x"]
    yield {"oneOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}]}, ["ax", "b"], ["c", ""]
    yield {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 2}]}, ["", "a", "abcd"], ["ab", "abc"]
    yield {"oneOf": [{"const": "a"}, {"enum": ["a", "b"]}, {"const": "c", "title": "see"}]}, ["b", "c"], ["a"]
    yield {"oneOf": [{"type": "object", "properties": {"t": {"const": 1}, "x": integer}, "required": ["t"]}, {"type": "object", "properties": {"t": {"const": 2}}, "required": ["t"]}, {"type": "null"}]}, [{"t": 1}, {"t": 1, "x": 2}, {"t": 2}, None], [{"t": 3}]
    yield {"oneOf": [{"type": "array", "prefixItems": [{"const": "a"}, integer], "minItems": 2}, {"type": "array", "prefixItems": [{"const": "b"}], "minItems": 1}]}, [["a", 1], ["b"]], [["a"], ["c"]]
    yield {"type": "integer", "not": {"const": 5}}, [4, 6, 50, 55], [5]
    yield {"type": ["integer", "string", "null"], "not": {"type": "string"}}, [1, None], ["x"]
    yield {"not": {"type": ["object", "array", "string", "number"]}}, [None, True, False], [1, "x"]
    yield {"type": "integer", "minimum": 0, "maximum": 20, "not": {"minimum": 5, "maximum": 15}}, [4, 16, 20], [5, 10]
    yield {"type": "integer", "minimum": 0, "maximum": 9, "not": {"anyOf": [{"const": 2}, {"minimum": 8}]}}, [1, 7], [2, 8, 9]
    yield {"type": "object", "properties": {"a": integer, "b": integer}, "not": {"required": ["a", "b"]}, "additionalProperties": False}, [{}, {"a": 1}, {"b": 1}], [{"a": 1, "b": 2}]
    zips = {"type": "object", "properties": {"country": {"enum": ["US", "NL", "CA"]}, "zip": {"type": "string"}}, "required": ["country", "zip"], "additionalProperties": False, "if": {"properties": {"country": {"const": "US"}}}, "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}}, "else": {"properties": {"zip": {"pattern": "^[A-Z]"}}}}
    yield zips, [{"country": "US", "zip": "12345"}, {"country": "NL", "zip": "Ab"}], [{"country": "US", "zip": "A"}, {"country": "CA", "zip": "12345"}]
    yield {"type": "object", "properties": {"a": {"type": "boolean"}, "b": integer}, "required": ["a"], "if": {"properties": {"a": {"const": True}}, "required": ["a"]}, "then": {"required": ["b"]}, "additionalProperties": False}, [{"a": True, "b": 1}, {"a": False}, {"a": False, "b": 1}], [{"a": True}]


def number_step_cases():
    for step, good, bad in ((2, [0, 2, -4, 10], [1, 3]), (7, [0, 7, 49, -14, 7007], [6, 8, 71]), (10, [0, 10, 100], [5, 11]), (0.5, [0.5, 1, 2.5, -1.5], [0.25, 0.3]), (0.25, [0.25, 1.75, 2], [0.1]), (97, [97, 9700], [96])):
        yield {"type": "number", "multipleOf": step}, good, bad
    yield {"type": "integer", "multipleOf": 5, "minimum": 3, "maximum": 27}, [5, 10, 25], [3, 7, 30]
    yield {"type": "integer", "multipleOf": 0.5}, [1, 2], [0.5]
    yield {"type": "integer", "allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "maximum": 100}, [12, 24, 0, -12], [4, 6, 8]
    yield {"type": "integer", "not": {"multipleOf": 2}}, [1, 3, -5], [2, 0]
    yield {"type": "number", "not": {"multipleOf": 1}}, [0.5, -1.25], [1, 2]
    yield {"type": "integer", "multipleOf": 256, "minimum": 0, "maximum": 4096}, [0, 256, 4096], [128, 4352]


def more_array_cases():
    tags = {"enum": ["a", "b", "c"]}
    yield {"type": "array", "items": tags, "uniqueItems": True}, [[], ["c", "a"], ["a", "b", "c"], ["b"]], [["a", "a"], ["d"]]
    yield {"type": "array", "items": tags, "uniqueItems": True, "minItems": 2, "maxItems": 2}, [["a", "b"], ["c", "a"]], [["a"], ["a", "b", "c"], ["b", "b"]]
    yield {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True}, [[], [True, False]], [[True, True]]
    yield {"type": "array", "items": {"enum": [1, 1.0, 2]}, "uniqueItems": True}, [[1, 2], [2]], [[1, 1]]
    yield {"type": "array", "items": {"enum": [f"t{i}" for i in range(20)]}, "uniqueItems": True, "minItems": 3, "maxItems": 4}, [["t0", "t1", "t19"], ["t4", "t5", "t6", "t7"]], [["t1", "t1", "t2"], ["t1"]]
    yield {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "maxItems": 1}, [[], [5]], [[1, 2]]
    yield {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 5}}, [[5], [1, 7, 2]], [[], [1, 2]]
    yield {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 5}, "minContains": 2, "maxItems": 3}, [[5, 6], [5, 1, 6]], [[5], [5, 1, 1], [5, 5, 5, 5]]
    yield {"type": "array", "items": {"enum": [0, 1]}, "contains": {"const": 1}, "minContains": 1, "maxContains": 2, "minItems": 2}, [[1, 0], [1, 1], [0, 1, 0, 1]], [[1], [0, 0], [1, 1, 1]]
    yield {"type": "array", "contains": {"type": "null"}, "minContains": 0}, [[], [1]], [{}]
    draft7 = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False}
    yield draft7, [[1, "a"], [1], []], [["a"], [1, "a", 2]]


def random_schema(rng, depth):
    kind = rng.choice(["string", "integer", "number", "boolean", "null", "enum"] + (["array", "object", "anyOf"] * 2 if depth else []))
    if kind == "enum":
        values = rng.sample(["a", "bc", 1, -2, True, None, "é\n", 0.5], rng.randint(1, 4))
        return {"enum": values}
    if kind == "array":
        low = rng.randint(0, 2)
        return {"type": "array", "items": random_schema(rng, depth - 1), "minItems": low, "maxItems": low + rng.randint(0, 3)}
    if kind == "object":
        names = rng.sample(["id", "name", "tag", "x", "nested", "é"], rng.randint(1, 4))
        return {"type": "object", "properties": {n: random_schema(rng, depth - 1) for n in names}, "required": [n for n in names if rng.random() < 0.6], "additionalProperties": False}
    if kind == "anyOf":
        return {"anyOf": [random_schema(rng, depth - 1) for _ in range(rng.randint(1, 3))]}
    schema = {"type": kind}
    if kind == "string" and rng.random() < 0.6:
        schema["maxLength"] = rng.randint(1, 12)
    if kind in ("integer", "number") and rng.random() < 0.7:
        low = rng.randint(-50, 50)
        schema.update(minimum=low, maximum=low + rng.randint(0, 300))
    return schema


def sample(rng, schema):
    """An instance of what random_schema makes."""
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return sample(rng, rng.choice(schema["anyOf"]))
    kind = schema["type"]
    if kind == "array":
        return [sample(rng, schema["items"]) for _ in range(rng.randint(schema["minItems"], schema["maxItems"]))]
    if kind == "object":
        return {n: sample(rng, s) for n, s in schema["properties"].items() if n in schema["required"] or rng.random() < 0.5}
    if kind == "string":
        return "".join(rng.choice('ab"\\é日 /') for _ in range(rng.randint(0, schema.get("maxLength", 8))))
    low, high = schema.get("minimum", -9), schema.get("maximum", 9)
    values = {"integer": rng.randint(low, high), "number": round(rng.uniform(low, high), rng.randint(0, 4)), "boolean": rng.random() < 0.5, "null": None}
    return values[kind]


def random_cases():
    rng = random.Random(11)
    while True:
        schema = random_schema(rng, 3)
        if len(compact(schema)) > 60:
            yield schema, [sample(rng, schema) for _ in range(3)], ["no such text"] * (jsonschema.Draft202012Validator(schema).is_valid("no such text") is False)


def validator(schema):
    draft = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    return draft(schema, format_checker=draft.FORMAT_CHECKER)


def make():
    cases, n_random = [], 0
    for group in (string_cases, copied_cases, joined_cases, number_cases, number_step_cases, array_cases, more_array_cases, object_cases, map_cases, combined_cases, excluding_cases, random_cases):
        for schema, good, bad in group():
            v = validator(schema)
            v.check_schema(schema)
            for value in good:
                assert v.is_valid(value), (schema, value)
            assert_formats = schema.get("format") if isinstance(schema, dict) else None
            for value in bad:
                assert assert_formats or not v.is_valid(value), (schema, value)
            cases.append({"schema": schema, "valid": [compact(x) for x in good], "invalid": [compact(x) for x in bad]})
            n_random += group is random_cases
            if n_random == 50:
                break
    CASES.write_text("[\n" + ",\n".join(compact(c) for c in cases) + "\n]\n")
    print(len(cases), "cases")


def check(path):
    cases = json.loads(CASES.read_text())
    validators = [validator(c["schema"]) for c in cases]
    bad = total = 0
    for line in filter(None, Path(path).read_text().split("\n")):
        row = json.loads(line)
        total += 1
        try:
            valid = validators[row["case"]].is_valid(json.loads(row["text"]))
        except ValueError:
            valid = False
        if not valid:
            bad += 1
            print("not valid under", compact(cases[row["case"]]["schema"]), ":", row["text"])
    print(total, "texts,", bad, "not valid")
    return bad != 0 or total == 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[2]) if len(sys.argv) == 3 else make())
