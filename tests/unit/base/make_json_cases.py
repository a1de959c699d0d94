"""Makes json_cases.txt: JSON texts, whether they are valid, and their values, by Python's own json module.

Each line: the text in hexadecimal, a verdict, and the value written as json.dumps writes it (numbers as they were
spelled). Verdicts: "valid" JSON; "python": only json.loads takes it (NaN, equal keys); "refused". Surrogates without
a partner are refused, which json.loads takes.

    python3 make_json_cases.py > json_cases.txt
"""
import json
import random

WRITTEN_BY_HAND = [
    # structure
    '', ' ', '[]', '{}', '[[]]', '{"a":{}}', '[1,2,3]', '[1 , 2]', '[1,]', '[,1]', '[1,,2]', '[1', '[', '{', '{"a"', '{"a":', '{"a":1',
    '{"a":1,', '{"a":1,}', '{,}', '{"a" 1}', '{"a":1 "b":2}', '{1:2}', "{'a':1}", '{"a":1}}', '[]]', '[}', '{]', '[1]2', '1 2', '[1]\n',
    '\t[1]\r\n', '[1]\x0c', '\x0b1', '[1]//', '/*a*/1', '[1]#', '{"a":1,"b":{"c":[true,false,null,{"d":[]}]}}', ':', ',', '"a":1',
    # words
    'null', 'true', 'false', 'nul', 'nulll', 'True', 'NULL', 'tru', 'truefalse', '[nul]', 'NaN', 'Infinity', '-Infinity', '+Infinity', 'nan',
    '-NaN', 'inf', '[NaN,Infinity,-Infinity]', 'undefined',
    # numbers
    '0', '-0', '-', '+1', '01', '-01', '00', '1.', '.5', '-.5', '1.5', '1.50', '1e5', '1E5', '1e+5', '1e-5', '1e', '1e+', '1.e5', '1.5e10',
    '1e400', '-1e400', '1e-400', '0e5', '0.0', '-0.0', '1_000', '0x10', '1f', '--1', '1-1', '1e5.5', '18446744073709551615',
    '18446744073709551616', '9223372036854775807', '-9223372036854775808', '-9223372036854775809', '1000000000000000019884624838656',
    '0.1', '123456789012345678901234567890.123456789', '1e0000000000005', '\uff11', '1 ', '[0,-0,1.0]',
    # strings
    '""', '"a"', '"', '"a', 'a"', '"\\"', '"\\""', '"\\\\"', '"\\/\\b\\f\\n\\r\\t"', '"\\a"', '"\\x41"', '"\\u"', '"\\u1"', '"\\u12"',
    '"\\u123"', '"\\u123g"', '"\\u0041"', '"\\U0041"', '"\\u00e9"', '"\\u00E9"', '"\\u0000"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"',
    '"\\ud83dx"', '"\\ud83d\\u0041"', '"\\ud83d\\n"', '"\\ud83d\\ud83d"', '"\t"', '"\n"', '"\x00"', '"\x1f"', '"\x7f"', '"é"', '"\u2028"',
    '"😀"', '"\ufffd"', '"\ufeff"', "'a'", '"a""b"', '"\\', '"\\u00', '["a\\u0000b","",""]', '"\\ufffe\\uffff"',
    # keys
    '{"a":1,"a":2}', '{"a":1,"\\u0061":2,"b":3}', '{"":0}', '{"":0,"":1}', '{"a\\u0000b":1,"a":2}', '{"a":1,"b":2,"a":3,"c":4,"b":5}',
    '{"é":1,"\\u00e9":2}', '{"a":{"b":1,"b":2}}', json.dumps({f"k{i}": i for i in range(20)}),
    '{' + ','.join(f'"k{i % 7}":{i}' for i in range(30)) + '}',
]
NOT_UTF8 = [b'"\xff"', b'"\xc3"', b'"\xc3\x28"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'\xff', b'"\x80"',
            b'{"\xfe":1}', b'["a\xf0\x9f\x98"]', b'\xfe\xff\x001']
SEEDS = ['{"model_max_length": 1000000000000000019884624838656, "eos": ["<|im_end|>", {"content": "\\u003c/s\\u003e", "id": 2}]}',
         '[1.5e-3, -0, true, null, "é😀\\n", {"k": [[], {}, ""]}]', '{"a":1,"b":2,"c":{"a":1,"d":"\\ud83d\\ude00"},"e":[1,2,3]}']


class Number(str):
    """As it was spelled."""


def strict_pairs(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("equal keys")
    return dict(pairs)


def constant(text):
    raise ValueError(text)


def write(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {write(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def read(text, **how):
    value = json.loads(text, parse_int=Number, parse_float=Number, **how)
    write(value).encode()
    json.dumps(value, ensure_ascii=False).encode()  # refuses surrogates without a partner
    return value


def verdict(data):
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise ValueError("json.loads has a word of its own for these")
        python = read(text, parse_constant=Number)
    except (ValueError, RecursionError):
        return "refused", ""
    try:
        read(text, parse_constant=constant, object_pairs_hook=strict_pairs)
    except ValueError:
        return "python", write(python)
    return "valid", write(python)


def mutations(rng):
    alphabet = b'{}[]",:\\/0123456789-+.eEuntrfalsNI \n\t\x00\x1f\x7f\x80\xc3\xa9\xff'
    for _ in range(400):
        data = bytearray(rng.choice(SEEDS).encode())
        start = rng.randrange(len(data))
        del data[start + rng.randrange(1, 60):]
        del data[:rng.choice([0, 0, start])]
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(data) + 1)
            data[at:at + rng.randrange(2)] = bytes([rng.choice(alphabet)])
        yield bytes(data)


def random_value(rng, depth):
    kind = rng.randrange(6 if depth < 4 else 4)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([rng.randrange(-10**rng.randrange(1, 25), 10**22), rng.random(), rng.random() * 1e300])
    if kind < 4:
        return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xd800), rng.randrange(0x10000, 0x110000)]))
                       for _ in range(rng.randrange(8)))
    if kind == 4:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {f"{rng.randrange(50)}": random_value(rng, depth + 1) for _ in range(rng.randrange(14))}


def main():
    rng = random.Random(13)
    texts = [t.encode() for t in WRITTEN_BY_HAND] + NOT_UTF8 + list(mutations(rng))
    for _ in range(200):
        texts.append(json.dumps(random_value(rng, 0), ensure_ascii=rng.random() < 0.5).encode())
    for text in dict.fromkeys(texts):
        result, value = verdict(text)
        print(text.hex() or "-", result, value.encode().hex() or "-")


main()
