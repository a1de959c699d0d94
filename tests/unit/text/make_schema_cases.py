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
    call = {"type": "object", "properties": {"tool": {"enum": ["search", "open"]}, "arguments": {"type": "object", "properties": {"q": {"type": "string", "minLength": 1, "maxLength": 60}, "limit": {"type": "integer", "minimum": 1, "maximum": 50}}, "required": ["q"], "additionalProperties": False}}, "required": ["tool", "arguments"], "additionalProperties": False}
    yield call, [{"tool": "open", "arguments": {"q": "x"}}, {"tool": "search", "arguments": {"q": "weather", "limit": 50}}], [{"tool": "close", "arguments": {"q": "x"}}, {"tool": "open", "arguments": {"q": ""}}, {"tool": "open", "arguments": {"q": "x", "limit": 51}}]


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
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def make():
    cases = []
    for group in (string_cases, number_cases, array_cases, object_cases, combined_cases, random_cases):
        for schema, good, bad in group():
            jsonschema.Draft202012Validator.check_schema(schema)
            v = validator(schema)
            for value in good:
                assert v.is_valid(value), (schema, value)
            assert_formats = schema.get("format") if isinstance(schema, dict) else None
            for value in bad:
                assert assert_formats or not v.is_valid(value), (schema, value)
            cases.append({"schema": schema, "valid": [compact(x) for x in good], "invalid": [compact(x) for x in bad]})
            if group is random_cases and len(cases) == 230:
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
