"""Writes template_cases.json: small templates and what Jinja2 makes of them.

    pip install jinja2==3.1.6 && python3 tests/unit/jinja/make_template_cases.py

Jinja2 is set up as Hugging Face transformers sets it up for chat templates.
"""
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


env = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols", "jinja2.ext.do"])
env.filters["tojson"] = tojson
env.filters["from_json"] = lambda text: json.loads(text)
env.globals["raise_exception"] = raise_exception

CONTEXT = {
    "big": 12345678901234567890123, "small": -9223372036854775808, "exact": 1e400,
    "tree": [{"n": "a", "c": [{"n": "b", "c": []}, {"n": "c", "c": []}]}, {"n": "d", "c": []}],
    "s": "Hello, World", "empty": "", "u": "héllo wörld ñ 日本語 😀", "n": 7, "z": 0, "f": 2.5, "t": True, "no": None,
    "words": ["pear", "Apple", "fig", "apple"], "nums": [3, 1, 2], "nested": [[1, 2], [3, 4]],
    "d": {"b": 2, "a": 1, "items": "shadow"}, "html": "<b>\"x\" & 'y'</b>", "lines": "one\ntwo\n\nthree",
    "people": [{"name": "Ann", "age": 3, "pet": {"kind": "cat"}}, {"name": "Bob", "age": 5, "pet": {"kind": "dog"}},
               {"name": "Cid", "age": 3, "pet": {"kind": "cat"}}],
    "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
}

EXPRESSIONS = """
1 + 2 * 3 - 4
7 // 2
-7 // 2
7 % 3
-7 % 3
7 % -3
7 / 2
6 / 3
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
7.5 // 2
7.5 % 2
-7.5 % 2
1 + 2.0
true + 1
1e3
1.5e-7
123456789.0 * 1000000000
0.1 + 0.2
1e16
1e15
100000.0
0x1F + 0b11 + 0o17
1_000
"a" ~ 1 ~ none ~ true ~ 2.0
"a" "b" 'c'
"it's" + ' "q"'
"\\n\\t\\\\\\x41\\u00e9\\101"
"ab" * 3
[1, 2] + [3]
[0] * 3
(1, 2) + (3,)
[1, "a", none, true, 2.0, ["x"], {"k": "v"}, (1,)]
{"a": 1, 2: "b"}
["it's", 'say "hi"', "both ' and \\"", "tab\\t", "é", "\\u200b"]
()
(1,)
1 < 2 < 3
1 < 3 < 2
1 == 1.0
"a" < "b"
[1, 2] < [1, 3]
1 in nums
"ell" in s
"x" not in s
"a" in d
not t
not not t
t and no
no or "x"
z or empty or "last"
t if n > 5 else "small"
"yes" if z
("yes" if z) is undefined
1 if z else 2 if no else 3
missing
missing is defined
(missing.x is defined) if false else "skipped"
d.missing
d["missing"] is undefined
d.a
d["items"]
d.get("a")
d.get("zz")
d.get("zz", 9)
d.items() | list
d.keys() | list
d.values() | list
d | items | list
d | dictsort
d | dictsort(reverse=true)
d | length
s[0]
s[-1]
s[1:4]
s[:-3]
s[::-1]
s[::2]
s[10:2:-3]
u[7]
u[6:14]
u | length
nums[1]
nums[-1]
nums[9] is defined
nums[1:]
nums[::-1]
nested[1][0]
people[0].pet.kind
people[0]["pet"]["kind"]
messages[0].content
messages[-1]["role"]
nums.0
s.upper()
s.lower()
s.title()
"hello wORLD".capitalize()
"AbC".swapcase()
"  x y ".strip()
"xxaxx".strip("x")
"xyaxy".lstrip("yx")
"xxaxx".rstrip("x")
"a,b,,c".split(",")
"a,b,,c".split(",", 1)
"a,b,,c".rsplit(",", 1)
"  a  b c ".split()
"  a  b c ".split(none, 1)
lines.splitlines()
lines.splitlines(true)
"a=b=c".partition("=")
"a=b=c".rpartition("=")
"abc".partition("=")
s.startswith("Hell")
s.startswith(("x", "H"))
s.endswith("ld")
s.removeprefix("Hello")
s.removesuffix("World")
s.find("o")
s.find("zz")
s.rfind("o")
s.index("W")
s.count("o")
"aaa".count("")
u.find("日")
s.replace("o", "0")
s.replace("o", "0", 1)
"abc".replace("", "-")
", ".join(words)
"x".ljust(4) + "|"
"x".rjust(4, ".")
"x".center(4, ".")
"xy".center(5, ".")
"42".zfill(5)
"-42".zfill(5)
"12".isdigit()
"1a".isdigit()
"ab".isalpha()
"a1".isalnum()
" ".isspace()
"ab".islower()
"AB".isupper()
"".isdigit()
"{} and {}".format(1, "x")
"{1} {0} {name}".format(1, 2, name="z")
"{:.2f}|{:5d}|{:<5}|{:>5}|{:^5}|{:05d}|{:,}".format(3.14159, 42, "a", "b", "c", 7, 1234567)
"{{}}".format()
"%s is %d and %.2f%%" % ("x", 3, 1.5)
"%5s|%-5s|%05d|%x" % ("a", "b", 42, 255)
"%(a)s" % {"a": 1}
"%r" % ("x",)
s | upper
s | lower
words | join(", ")
people | map(attribute="name") | join("-")
people | map(attribute="pet.kind") | list
words | map("upper") | list
words | map("replace", "p", "q") | list
people | selectattr("age", "equalto", 3) | map(attribute="name") | list
people | rejectattr("age", "gt", 3) | map(attribute="name") | list
people | selectattr("pet") | list | length
nums | select("odd") | list
nums | reject("odd") | list
[0, 1, "", "a", none] | select | list
none | select("odd") | list
words | sort
words | sort(case_sensitive=true)
nums | sort(reverse=true)
people | sort(attribute="age,name") | map(attribute="name") | list if false else "skipped"
people | sort(attribute="age") | map(attribute="name") | list
words | unique | list
nums | max
nums | min
words | max
people | sum(attribute="age")
nums | sum
nums | first
nums | last
nums | reverse | list
s | reverse
nums | length
nums | batch(2) | list
nums | batch(2, 0) | list
range(7) | slice(3) | list
range(7) | slice(3, "x") | list
people | groupby("age") | map("first") | list
people | groupby("age") | map("last") | map("length") | list
html | escape
html | e | e
(html | safe) + "<"
"<" + (html | safe)
"%s" | format("x")
lines | indent
lines | indent(2, true)
lines | indent(2, first=false, blank=true)
"foo bar baz qux" | truncate(9)
"foo bar baz qux" | truncate(9, true)
"foo bar baz qux" | truncate(11)
"foo bar" | center(11)
"a b c" | wordcount
"a b/ü?" | urlencode
"hello world" | title
"hELLO" | capitalize
"  x " | trim
"xxaxx" | trim("x")
-3 | abs
-3.5 | abs
"3.7" | float
"abc" | float
"abc" | float(1.5)
"42" | int
"42.9" | int
"abc" | int
"abc" | int(5)
3.9 | int
42.55 | round
42.55 | round(1)
42.55 | round(1, "floor")
42.55 | round(0, "ceil")
2.5 | round
missing | default("x")
empty | default("x")
empty | default("x", true)
empty | d("x", boolean=true)
no | default("x")
d | tojson
d | tojson(indent=2)
nested | tojson(indent=2)
[] | tojson(indent=2)
{"z": 1, "a": [1.0, none, true, "é\\n\\"\\u0001/<>"]} | tojson
{"z": 1, "a": 2} | tojson(sort_keys=true)
{"z": 1, "a": 2} | tojson(separators=(",", ":"))
u | tojson
u | tojson(ensure_ascii=true)
[1e100, 1.5, -0.0, 1e-7] | tojson
words | list
s | list | length
"abc" | list
d | list
d | attr("get") is callable
n is odd
n is even
n is divisibleby 7
n is divisibleby(2)
n is not none
s is string
n is number
f is float
n is integer
t is boolean
t is integer
t is true
no is none
no is not none
d is mapping
words is sequence
words is iterable
d is iterable
n is iterable
s is iterable
"abc" is lower
"ABC" is upper
n is sameas 7 if false else "skipped"
none is sameas none
n is eq 7
n is equalto(7)
n is gt 3
n is ge(7)
n is lt 3
n is in [1, 7]
"trim" is filter
"nofilter" is filter
range(5) | list
range(2, 8, 3) | list
range(5, 0, -2) | list
dict(a=1, b="x")
namespace(a=1).a
n if n is number and n > 3 else 0
(nums | length) == 3 and "a" in d or false
messages | length - 1
(messages | selectattr("role", "equalto", "user") | list | last).content
[1, 2, 3][1:] | join
"a" if t else missing.x
""".strip().split("\n")

TEMPLATES = [
    "{% for x in nums %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in nums %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in nums %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in nums %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{{ loop.depth }}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for (a, b) in nested %}{{ a + b }} {% endfor %}",
    "{% for x in [] %}x{% else %}none{% endfor %}",
    "{% for x in nums %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in nums if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% else %}none{% endfor %}",
    "{% for x in nums if x > 9 %}{{ x }}{% else %}none{% endfor %}",
    "{% for k, v in d.items() if v != 1 %}{{ k }}{{ v }} {% endfor %}",
    "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in nums %}{% for y in nums %}{% if y == 1 %}{% continue %}{% endif %}{{ loop.depth }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}|{% endfor %}",
    "{% for x in nums %}{% with y = x %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endwith %}{% endfor %}{{ y }}!",
    "{% for c in s %}{{ c }}.{% endfor %}",
    "{% for c in u %}{{ c }}.{% endfor %}",
    "{% for x in missing %}x{% endfor %}done",
    "{% set x = 1 %}{% for i in nums %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(x=1) %}{% for i in nums %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% if t %}{% set y = 5 %}{% endif %}{{ y }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set x %}  hi {{ n }} {% endset %}[{{ x }}]",
    "{% set x | upper | trim %}  hi {{ n }} {% endset %}[{{ x }}]",
    "{% filter upper | replace('A', 'x') %}abc {{ s }}{% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}",
    "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c='z') }}{{ m() }}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}",
    "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}in {{ n }}{% endcall %}",
    "{% macro m(xs) %}{% for x in xs %}{{ caller(x, loop.index) }};{% endfor %}{% endmacro %}{% call(x, i) m(nums) %}{{ i }}={{ x }}{% endcall %}",
    "{% for x in nums %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m(a=n) %}{{ a }}{{ s }}{% set n = 9 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}",
    "{% macro a(x) %}a{{ b(x) }}{% endmacro %}{% macro b(x) %}b{{ x }}{% endmacro %}{{ a(3) }}",
    "{% set x %}{% macro m(q) %}<{{ q }}>{% endmacro %}{{ m(1) }}{% endset %}{{ x }}",
    "{% macro m(a) %}{{ a | upper }}{% endmacro %}{{ m('x') ~ m('y') }}{{ (m('abc')) | length }}",
    "  {% if t %}\n  yes\n  {% endif %}\nend",
    "  {%+ if t %}\n  yes\n  {%+ endif %}\nend",
    "a  {%- if t -%}  \n  b  {%- endif -%}\n c",
    "a {{- n -}} b",
    "a {{ n -}}\n\n b",
    "a\n{# comment #}\nb",
    "a {#- comment -#} b",
    "  {# c #}\nx",
    "{% raw %}{{ x }}{% y %}{% endraw %}!",
    "a {%- raw -%}  {{ x }}  {%- endraw -%} b",
    "x\n{% raw %}\n  a\n{% endraw %}\ny",
    "line\n\n",
    "line\n",
    "\n",
    "",
    "{{ n }}\n{{ n }}",
    "{% if t %}\n{% endif %}\n",
    "{% if t %}a{% endif +%}\nb",
    "a\r\nb\rc\n{% if t %}\r\nx{% endif %}",
    "{% if z %}a{% elif no %}b{% elif n == 7 %}c{% else %}d{% endif %}",
    "{% if z %}a{% elif no %}b{% else %}d{% endif %}",
    "{{ {'a': {'b': 1}}['a'].b }}{{ {} }}",
    "{{ '}}' }}{{ \"{%\" }}{{ '{{' }}",
    "{{ n|string|length }}{{ -n|abs }}",
    "{% generation %}x{{ n }}{% endgeneration %}y",
    "{% do nums | length %}x",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}c",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no') }}{% endif %}{{ m.role }}:{{ m['content'] | trim }}\n{% endfor %}",
    "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
    "{{ messages | map(attribute='content') | join('') }}",
    "{{ (1, 2) | join('-') }}{{ 1, 2 }}",
    "{{ s }}{# {{ x }} #}{{- '' }}",
    "{{ loop is defined }}{% for x in [1] %}{{ loop is defined }}{% endfor %}",
    "{{ 'a' if false }}|{{ missing ~ 'x' }}|{{ missing == none }}|{{ missing == missing }}",
    "{% set x = 'out' %}{% macro f() %}{{ x }}{% endmacro %}{% for i in [1] %}{% set x = 'in' %}{{ f() }}{% endfor %}",
    "{% for x in [[1, [2, []]], [3, []]] recursive %}{{ loop.depth }}{{ loop.index }}:{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
    "{% for p in tree recursive %}<{{ p.n }}{% if p.c %}{{ loop(p.c) }}{% endif %}>{{ loop.depth0 }}{% else %}none{% endfor %}",
    "{% for p in tree if p.n != 'b' recursive %}{{ p.n }}{{ loop.index }}/{{ loop.length }}{{ loop(p.c) }}{% endfor %}",
    "{% macro m() %}{% for x in [1, [2]] recursive %}{{ varargs }}{% if x is iterable %}{{ loop(x) }}{% endif %}{% endfor %}{% endmacro %}{{ m(7, 8) }}",
    "{% for x in [1] %}{{ loop([2]) }}{% endfor %}",
    "{% macro m(a, b=0, c=0) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(*[1, 2]) }}|{{ m(1, *[2, 3, 4]) }}|{{ m(**{'a': 1, 'c': 2}) }}|{{ m(1, c=3, **{'d': 4}) }}|{{ m(1, b=5, *[2]) if false }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1, 2]) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(**[1]) }}",
    "{{ dict(*[[['a', 1]]], **{'b': 2}) }}{{ 'abc'.replace(*['a', 'x']) }}{{ '%s' | format(*[1]) }}{{ [3, 1] | sort(**{'reverse': true}) }}",
    "{{ f(*a, *b) }}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}",
    "{% macro m() %}{{ caller }}{% endmacro %}{{ m() }}!",
    "{% macro m(a) %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{% endmacro %}{{ m(1) }}{{ m }}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for (a,) in [[1]] %}{{ a }}{% endfor %}{% set (c, (d, e)), f = [(3, (4, 5)), 6] %}{{ c }}{{ d }}{{ e }}{{ f }}",
    "{% set b, = [2] %}{{ b }}",
    "{% for a, in [[1]] %}{{ a }}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}{{ ns }}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% set g = [1, 2, 3] | select('odd') %}{{ g | first }}{{ g | list }}{{ g | list }}{{ 'yes' if g }}",
    "{% for x in [1, 2] | map('string') %}{{ loop.length }}{{ loop.last }}{{ x }}{% endfor %}{{ loop }}",
    "{% for x in [1] %}{{ loop }}{% endfor %}",
    "{% for g in people | groupby('age') %}{{ g.grouper }}:{{ g.list | length }};{{ g[0] }}{% endfor %}",
    "{{ '[1, {\"a\": null, \"b\": 12345678901234567890}]' | from_json }}{{ ('{\"a\": 1.50}' | from_json).a }}",
    "{{ '{' | from_json }}",
    "{{ big }}{{ big | tojson }}{{ [big] }}{{ big + 1 if false }}{{ small }}{{ exact | tojson }}",
    "{{ '\u00df' | upper }}{{ '\u01c6' | title }}{{ '\u0130' | lower | length }}{{ '\u039f\u03a3 \u03a3' | lower }}{{ '\u2165' | lower }}{{ '\u00df' .casefold() }}",
    # errors
    "{{ raise_exception('stop: ' ~ n) }}",
    "{{ missing.x }}",
    "{{ missing() }}",
    "{{ 1 + 'a' }}",
    "{{ 'a' + 1 }}",
    "{{ 1 / 0 }}",
    "{{ 1 % 0 }}",
    "{{ none.x.y }}",
    "{{ 1 < 'a' }}",
    "{{ [1].append(2) }}",
    "{{ d.update({}) }}",
    "{{ n() }}",
    "{{ n[0:1] }}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in none %}{% endfor %}",
    "{% set a, b = 1, 2, 3 %}",
    "{{ 'x' | nofilter }}",
    "{{ 'x' is notest }}",
    "{% if %}{% endif %}",
    "{% if t %}",
    "{% endif %}",
    "{{ }}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{{ 1",
    "{% nosuchtag %}",
    "{% break %}",
    "{{ 'abc }}",
    "{# x",
    "{% raw %}x",
    "{{ a b }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(q=2) }}",
    "{% set s.x = 1 %}",
    "{{ range(999999999) }}",
    "{{ {[1]: 2} }}",
    "{{ 'a' in 5 }}",
    "{{ missing | tojson }}",
    "{{ '%d' % 'x' }}",
    "{{ '%s %s' % 'x' }}",
    "{{ '{' .format() }}",
    "{{ [1, 'a'] | sort }}",
    "{{ 5 | length }}",
    "{{ ''.split('') }}",
    "{{ 'abc'.index('z') }}",
]


def case(template):
    try:
        return {"template": template, "expected": env.from_string(template).render(**CONTEXT)}
    except Exception as e:  # each of these must be an error of ours too
        return {"template": template, "error": type(e).__name__}


cases = [case("{{ " + e + " }}") for e in EXPRESSIONS] + [case(t) for t in TEMPLATES]
out = pathlib.Path(__file__).with_name("template_cases.json")
out.write_text(json.dumps({"context": CONTEXT, "cases": cases}, ensure_ascii=False, indent=0) + "\n")
print(len(cases), "cases,", sum("error" in c for c in cases), "of them errors")
for c in cases[:len(EXPRESSIONS)]:
    if "error" in c:
        print("expression fails:", c)
