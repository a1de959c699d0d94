"""Writes template_sweep.json: every filter, test, method and function of Jinja2 over many shapes of arguments.

    pip install jinja2==3.1.6 && python3 tests/unit/jinja/make_template_sweep.py

Jinja2 is set up as Hugging Face transformers sets it up for chat templates. The file holds tables: for each of
`receivers` (expressions) and each row ["|center(3)", result, ...] what "{% set v = receiver %}{{ v|center(3) }}"
prints; null is an error. A row without results fails for every receiver. What prints the address of an object is an
error here, and so is what UNSUPPORTED and is_unsupported name.
"""
import inspect
import json
import pathlib
import re
import sys

import jinja2
import jinja2.sandbox

# What the interpreter refuses by name although Jinja2 has it.
UNSUPPORTED = {
    "filters": ["pprint", "random", "striptags", "urlize"],
    "methods": ["encode", "translate", "maketrans", "format_map", "as_integer_ratio", "bit_count", "bit_length", "conjugate",
                "denominator", "from_bytes", "imag", "numerator", "real", "to_bytes", "fromhex", "hex", "is_integer",
                "fromkeys"],
}


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
    env.filters["tojson"] = tojson
    env.filters["from_json"] = lambda text: json.loads(text)
    return env


env = environment()


TEXTUAL = ("capitalize center e escape forceescape lower replace safe string title trim upper urlencode wordcount "
           "striptags format truncate").split()


def is_unsupported(receiver, call, text):
    """Results that Jinja2 has and the interpreter refuses by name, besides UNSUPPORTED."""
    name = re.match(r"[| .]*(?:is )?(\w*)", call).group(1)
    return ("|map(" in receiver and (call[0] == "|" and name in TEXTUAL or call.startswith((" is lower", " is upper", " ~")))
            or call.startswith(" - ") and text.startswith(("{", "set("))  # sets, from the difference of two views
            or "**" in call and text.endswith("j)")  # complex numbers
            or name == "wordwrap" and text and re.search(r"[(=]2\.5", call)  # a width with a fraction
            or name == "tojson" and "indent=1.5" in call)  # an indent with a fraction, of what has no lines


def render(source, **variables):
    try:
        text = (env.from_string(source) if isinstance(source, str) else source).render(**variables)
    except Exception:
        return None
    if re.search(r" at 0x|<(built-in|class|function|bound)|^b['\"]", text):
        return None
    return text


# ---- what the calls apply to ----

TEXTS = ["''", "'Hello World'", "'stra\u00dfe \u00c0\u00c9 \u01c6x'", "'a,b,,c'", "' x\\ty\\r\\nz\\n\\n '", "'-42'",
         "'0x1f'", "'1_000.5e1'", "'\u65e5\u672c\U0001f600\u0663'", "\"don't <b>stop</b> & go-on {0} %s\"", "('<i>'|safe)"]
LISTS = ["[]", "[3,1,2]", "['b','A','c','a']", "[[2,1],[1,2]]", "[{'k':'b','l':[1]},{'k':'A','l':[2]},{'k':'b'}]",
         "(1,'a',none)", "[1,true,1.0,'1',missing]"]
MAPS = ["{}", "{'b':2,'A':1,'a b':'\u00e9&'}", "{1:'x','k':[1]}"]
OTHERS = ["0", "-7", "42", "2.5", "-0.0", "1e300", "123456789.125", "true", "none", "missing", "range(4)",
          "([3,1]|map('string'))", "{'k':1}.items()", "dict(a=1).keys()"]
ANY = TEXTS + LISTS + MAPS + OTHERS

# ---- shapes of arguments ----

VALUES = ["0", "1", "-1", "3", "'a'", "' '", "''", "'k'", "none", "true", "2.5", "[1]", "missing"]
PAIRS = ["'a','b'", "2,'x'", "1,2", "'k','b'", "'l',3", "true,true", "none,1", "'o','0'"]
MANY = ["1,2,3", "'a','b',1", "'a','',-1", "'o','0',1", "7,true,'..'", "3,true,'',0", "1,2,3,4,5,6"]
SPECIAL = {
    "attr": ["'items'", "'keys'", "'upper'", "'nosuch'"],
    "batch": ["2", "2,0", "2,fill_with='x'"],
    "center": ["20", "21", "width=9"],
    "default": ["'x',true", "default_value='y'", "boolean=true", "'z',boolean=true"],
    "dictsort": ["by='value'", "true,'value'", "false,'key',true", "reverse=true", "by='nosuch'", "case_sensitive=true"],
    "filesizeformat": ["binary=true", "true"],
    "float": ["default=1.5", "9"],
    "format": ["1,2", "a=1", "'x'"],
    "groupby": ["'k'", "attribute='k'", "'k',default='z'", "'k',case_sensitive=true", "0", "'l.0'", "'nosuch'"],
    "indent": ["2", "'> '", "2,true", "2,first=true", "2,blank=true", "width=3", "-2", "0"],
    "int": ["default=5", "0,16", "base=16", "0,2", "0,0", "base=37", "0,base=8"],
    "join": ["', '", "d='-'", "attribute='k'", "'-',attribute='k'", "'-','k'", "'-',0", "1", "'<'|safe"],
    "map": ["'upper'", "'string'", "attribute='k'", "attribute='k',default='z'", "attribute='l.0'", "'default','z'",
            "'replace','a','b'", "attribute=0", "'nosuch'", "'round',method='ceil'", "'int',default=3", "attribute='k',x=1"],
    "max": ["attribute='k'", "true", "case_sensitive=true", "attribute=0"],
    "replace": ["'l','L'", "'l','L',1", "'','-'", "'','-',2", "old='l',new='L'", "'l','L',count=0", "'l','L',none", "1,2"],
    "round": ["1", "-1", "2,'ceil'", "0,'floor'", "1,method='floor'", "precision=2", "0,'nosuch'", "400", "-400"],
    "select": ["'odd'", "'string'", "'in',[1,3]", "'nosuch'", "'divisibleby',2", "'eq',1", "'none'"],
    "selectattr": ["'k'", "'k','eq','b'", "'k','defined'", "'nosuch'", "'l.0','eq',1", "0", "0,'gt',1", "attribute='k'"],
    "slice": ["2", "3,'x'", "2,fill_with=0", "5"],
    "sort": ["true", "false,true", "attribute='k'", "attribute='k,l'", "attribute=1", "reverse=true", "case_sensitive=true"],
    "sum": ["start=10", "attribute='nosuch'", "'l',[]", "attribute=0", "start=[]", "attribute='l',start=[]"],
    "tojson": ["indent=2", "indent=0", "indent=-1", "indent='--'", "true", "ensure_ascii=true", "sort_keys=true",
               "separators=(',',':')", "separators=[';','=']", "separators=(',',)", "indent=true", "indent=1.5",
               "false,1,none,true", "indent=none"],
    "trim": ["' x'", "chars='Hd'", "none"],
    "truncate": ["7", "7,true", "7,false,'!'", "7,true,'..',0", "2", "length=9", "7,leeway=0", "7,leeway=none", "3,leeway=-1"],
    "unique": ["true", "attribute='k'", "case_sensitive=true", "false,'k'"],
    "wordwrap": ["5", "5,false", "5,true,'|'", "3,break_on_hyphens=false", "width=4,wrapstring='~'"],
    "xmlattr": ["false", "autospace=false"],
    "strip": ["'xHd'", "' \\n'", "'\u00dfs'"], "lstrip": ["'xH'"], "rstrip": ["'d '"],
    "split": ["','", "',',1", "none,1", "sep=','", "maxsplit=1", "',',maxsplit=-1", "'l'", "',',0", "none,0"],
    "rsplit": ["','", "',',1", "none,1", "sep=',',maxsplit=1", "'l',1", "none,0", "'lo'"],
    "splitlines": ["true", "keepends=true", "false"],
    "startswith": ["'Hell'", "('x','H')", "'World',6", "'Wor',6,9", "'World',-5", "''", "'',99", "('','x'),3", "'a',none", "()",
                   "'Wo',6,7", "[1]", "('x',1)"],
    "endswith": ["'World'", "('x','d')", "'Hello',0,5", "'Wor',0,9", "''", "'',99", "'o',none,5"],
    "find": ["'o'", "'o',5", "'o',5,7", "'o',-4", "'',3", "'',99", "'\u672c'", "'o',none,none", "'l',3,-1"],
    "count": ["'o'", "'l',3", "'l',3,-1", "''", "'',3", "','", "'',99", "'\u65e5'"],
    "partition": ["','", "'o'", "'lo W'"],
    "center_": [],
    "ljust": ["14,'.'", "14", "3,'\u00e9'", "5,'ab'", "5,''"],
    "zfill": ["14", "5"],
    "expandtabs": ["4", "tabsize=2", "0", "-1"],
    "removeprefix": ["'He'", "'-'"], "removesuffix": ["'ld'", "'\u0663'"],
    "join_": [],
    "casefold": [], "format_": [],
    "get": ["'b'", "'nosuch'", "'nosuch','d'", "1", "[1]", "key='b'"],
    "index": ["'o'", "1", "'b'", "2,1", "'a',0,9", "[2,1]", "true"],
}
for copy, original in [("rfind", "find"), ("rindex", "find"), ("rpartition", "partition"), ("rjust", "ljust"),
                       ("reject", "select"), ("rejectattr", "selectattr"), ("min", "max"), ("count_", "count")]:
    SPECIAL[copy] = SPECIAL[original]
SPECIAL["str.center"] = SPECIAL["ljust"]
SPECIAL["str.index"] = SPECIAL["find"]
SPECIAL["str.join"] = ["['a','b']", "'ab'", "[1]", "{'a':1}", "('x',)", "[]", "5", "missing"]
SPECIAL["str.replace"] = ["'l','L'", "'l','L',1", "'','-'", "'','-',3", "'l','L',-1", "'l','L',count=1", "old='l',new='L'"]
SPECIAL["str.format"] = ["1", "'x',2", "a=1", "[5]"]


def keywords(function):
    """Each parameter once by name, with a plausible and an odd value."""
    try:
        names = list(inspect.signature(function).parameters)[1:]
    except (TypeError, ValueError):
        return []
    return [f"{n}={v}" for n in names for v in ("1", "'k'", "none") if n not in ("args", "kwargs", "value", "s", "env")]


def calls(name, key, prefix, generic):
    shapes = dict.fromkeys([""] + generic + SPECIAL.get(key, SPECIAL.get(name, [])) + ["zzz=1"])
    return [prefix + name + (f"({s})" if s else "()" if prefix == "." else "") for s in shapes]


def results_of(call, receivers):
    """Of "{% set v = receiver %}{{ v call }}"; compiled once, since receivers are made anew for each."""
    try:
        template = env.from_string("{{ v" + call + " }}")
    except Exception:
        return [None] * len(receivers)
    return [render(template, v=make()) for make in receivers]


def table(receivers, rows):
    made = [env.compile_expression(r, undefined_to_none=False) for r in receivers if r]
    out = []
    for call in rows:
        results = results_of(call, made) if made else [render("{{ " + call + " }}")]
        results = [None if t is not None and is_unsupported(r, call, t) else t for r, t in zip(receivers, results)]
        out.append([call] + (results if any(t is not None for t in results) else []))
    return {"receivers": receivers, "rows": out}


def filters():
    rows = []
    for name in sorted(set(env.filters) - set(UNSUPPORTED["filters"])):
        generic = VALUES + PAIRS + MANY + keywords(env.filters[name])
        rows += calls(name, name, "|", generic)
    # A generator has no text of its own: what it yields is what counts.
    lazy = ["batch", "items", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "unique"]
    return [r + "|list" if r[1:].split("(")[0] in lazy else r for r in rows]


def tests():
    rows = []
    for name in sorted(env.tests):
        values = [v for v in VALUES if v != "2.5" or name != "sameas"]  # whether two equal floats are one object is chance
        for shape in [""] + values + ["7", "[1,42]", "{'b':1}", "'1'", "1,2", "zzz=1"]:
            rows.append(f" is {name}({shape})" if shape else f" is {name}")
    return rows


def methods(kind, receivers, generic):
    rows = []
    for name in [m for m in dir(kind) if m[0] != "_" and m not in UNSUPPORTED["methods"]]:
        rows += calls(name, f"{kind.__name__}.{name}" if f"{kind.__name__}.{name}" in SPECIAL else name, ".", generic)
    return rows


def operators():
    return [f" {op} {v}" for op in "+ - * / // % ** ~ == != < <= > >= in and or".split()
            for v in ["0", "2", "-3", "2.5", "'a'", "[1]", "(1,)", "{}", "none", "true", "missing"]] + \
        ["[0]", "[1]", "[-1]", "[99]", "['k']", "[true]", "[none]", "[1.0]", "[1:]", "[:-1]", "[::-1]", "[1:3]", "[::2]",
         "[-2:]", "[5:1:-2]", "['a':]", "[::0]", "[none:2]", "[:true]", ".k", ".nosuch", "[[]]", ".0", "[missing]"]


FUNCTIONS = [f"range({a})" + tail for a in ["", "3", "-3", "1,5", "5,1", "5,1,-2", "0,9,4", "1,2,0", "'a'", "2.5", "none", "1,2,3,4", "true",
                                            "stop=3"] for tail in ["", "|list", "|length", "[1]", "[-1]", "[1:]", "|join", "|first", "|last"]] + \
    [f"dict({a})" for a in ["", "a=1", "{'b':2}", "{'b':2},c=3", "[('a',1),('b',2)]", "[['a',1]]", "['ab']", "5", "'ab'", "1,2", "[1]", "none"]] + \
    [f"namespace({a}).{b}" for a in ["", "a=1", "{'a':2}", "{'a':2},a=3", "[('a',1)]", "5"] for b in ["a", "b"]] + \
    [f"namespace({a})" for a in ["", "a=1", "{'b':2}"]] + \
    ["namespace(a=1)['a']", "namespace(a=1)|length", "namespace(a=1) is mapping", "namespace(a=1) is iterable", "range(3) == range(3)",
     "range(3) is sequence", "2 in range(3)", "range(3) is iterable", "range(9)[2:7:2]", "range(5)|reverse|list", "range(3) == [0,1,2]",
     "joiner()()", "joiner('x','y')", "cycler()", "cycler(1,2).next()", "cycler(1,2).current", "dict(a=1)|length",
     "{'a':1}.keys()", "{'a':1}.values()", "{'a':1}.items()", "{'a':1}.keys()[0]", "{'a':1}.items()|first", "{'a':1}.keys()|length",
     "{}.keys() is sequence", "'a' in {'a':1}.keys()", "1 in {'a':1}.values()", "{'a':1}.items() == {'a':1}.items()",
     "('a',1) in {'a':1}.items()", "{'a':1}.items() is iterable", "{'a':1}.keys()|tojson", "range(2)|tojson", "{'a':1}.values()|sort",
     "[1,2]|map('string')|length", "([]|select) is defined", "'x' if []|select else 'y'", "([1]|map('string')) is sequence",
     "[1,2]|map('string')|first", "[1,2]|map('string')|last", "([1,2]|map('string'))[0]", "[1,2]|select|tojson", "[1]|reverse|length",
     "{'a':1}|items|length", "{'b':1}|items|first", "[3,1]|unique|sort", "[3,1]|map('abs')|sum", "[3,1]|select|max"]
NUMBERS = ["9223372036854775807 + 0", "-9223372036854775808 + 0", "2**53 + 1 == 2.0**53", "2**53 == 2.0**53", "1e16|int", "1e15|string", "1e22",
           "1e16", "123456789012345678.0", "0.1+0.2", "1/3", "-1/3", "2**0.5", "10**-2", "7//-2", "-7//2", "7%-3", "-7%3", "7.5//-2", "7.5%-2",
           "-7.5%2", "1e308*10", "-1e308*10", "1e308*10-1e308*10", "(-8)**0.5", "0**-1", "0.0**-1", "2**-1", "0.0/1", "-0.0", "0.0 == -0.0", "1_000",
           "0b101", "0o17", "0xFF", "1.5e3", "1E5", "5e-324", "1.7976931348623157e308", "100000000000000000000", "100000000000000000000|string",
           "-100000000000000000000", "100000000000000000000 == 100000000000000000000", "100000000000000000000 > 5", "5 < 100000000000000000000",
           "-100000000000000000000 < -5", "100000000000000000000 == 1e20", "100000000000000000000|tojson", "100000000000000000000 is integer",
           "100000000000000000000 is number", "100000000000000000000|float", "'100000000000000000000'|int", "[100000000000000000000]",
           "100000000000000000000 if 100000000000000000000 else 0", "100000000000000000000|int", "'%d' % 100000000000000000000",
           "{100000000000000000000: 1}[100000000000000000000]", "100000000000000000000 in [100000000000000000000]", "2.5|round", "3.5|round", "-2.5|round", "2.675|round(2)", "1e300|round(5)", "0.5|round", "1234|round(-2)",
           "1250|round(-2)", "1350|round(-2)", "15|round(-1)", "25|round(-1)", "true|round", "1.15|round(1,'floor')", "1.15|round(1,'ceil')", "5|round(1,'floor')", "'1e3'|float",
           "' 12 '|int", "'1__0'|int", "'1_0'|int", "'+5'|int", "'- 5'|int", "'0b11'|int(0,2)", "'0b11'|int(base=0)", "'٣'|int", "'z'|int(base=36)", "'inf'|float", "'-Infinity'|float",
           "'nan'|float", "'1e400'|float", "'inf'|int", "'.5'|float", "'5.'|float", "'.'|float", "'1_0.5'|float", "'0x10'|float", "'1e5'|int", "'12.9'|int", "'-12.9'|int", "''|int", "'1e400'|int(3)",
           "1e400|int", "3.99|int", "-3.99|int", "(1e308*10)|int(7)", "true|int", "none|int", "[]|int", "missing|int", "missing|float", "[]|float(2)", "true|float"]
FORMATS = ["'%5d|%-5d|%05d|%+d|% d' % (1,2,3,4,5)", "'%x %X %o %#x %#o' % (255,255,8,255,8)", "'%x' % -1", "'%o' % -8", "'%5x' % -10", "'%e %E %g %G' % (1.5,1.5,1e-10,1e10)",
           "'%.2f %.0f %10.3f|' % (1.005,2.5,3.14159)", "'%s %r %a' % ('é','é','é')", "'%c%c' % (65,'b')", "'%c' % 'ab'", "'%5s|%-5s|%.2s' % ('ab','ab','abc')", "'%*d' % (5,3)", "'%.*f' % (2,3.14159)", "'%-*d|' % (4,7)",
           "'%%'", "'%%' % ()", "'%(a)s %(b)05d' % {'a':1,'b':2}", "'%(a)s' % {}", "'%(a)s' % 5", "'%s' % [1,2]", "'%s' % {'a':1}", "'%s %s' % (1,)", "'%s' % (1,2)", "'x' % 5", "'x' % {}", "'x' % ()", "'x' % []", "'%d' % 3.99", "'%d' % -3.99", "'%d' % true",
           "'%d' % '3'", "'%d' % none", "'%x' % 1.5", "'%f' % 1", "'%f' % 'a'", "'%i' % 7", "'%u' % 7", "'%ld' % 7", "'%q' % 7", "'%' % 7", "'%5' % 7", "'%s' % missing", "'%s' % none", "'%f' % 1e308", "'%.60f' % 0.1", "'%g' % 100000.0", "'%g' % 1000000.0", "'%#.3g' % 1.0", "'%+.1e' % 12345.678", "'%05.1f' % -2.345", "'%+5s|' % 'a'", "'%05s|' % 'a'", "'% 5d|' % 42", "'%-05d|' % 42", "'%.3d' % 7", "'%.3x' % 10", "'%d' % 1e300", "'%d' % (1e308*10)", "'%f' % (1e308*10)", "'%5.1f%%' % 99.5",
           "'{}'.format(1)", "'{0} {1} {0}'.format(1,2)", "'{a} {b}'.format(a=1,b=2)", "'{} {0}'.format(1)", "'{0} {}'.format(1)", "'{}'.format()", "'{1}'.format(1)", "'{a}'.format(b=1)", "'{0.k} {0[k]}'.format({'k':5})", "'{0[0]}'.format([7])", "'{0[-1]}'.format([7])", "'{[1]}'.format([7,8])", "'{a[k][0]}'.format(a={'k':[3]})",
           "'{:5}|{:<5}|{:>5}|{:^5}|'.format('a','b','c','d')", "'{:5}|{:<5}|{:>5}|{:^5}|'.format(1,2,3,4)", "'{:*^7}|{:é>4}'.format('a','b')", "'{:05d}|{:+d}|{: d}|{:-d}'.format(1,2,3,-4)", "'{:x}{:X}{:o}{:b}{:#x}{:#b}{:#o}'.format(255,255,8,5,255,5,8)", "'{:x}'.format(-255)", "'{:b}'.format(-5)", "'{:c}'.format(65)", "'{:,}|{:_}'.format(1234567,1234567)", "'{:,.2f}'.format(1234567.891)", "'{:.2f}|{:.0f}|{:10.3f}|'.format(1.005,2.5,3.14159)",
           "'{:.3}|{:.10}|{:.3s}'.format('abcdef',1/3,'abcdef')", "'{:e}|{:E}|{:g}|{:G}|{:%}|{:.1%}'.format(1.5,1.5,1e-10,1e10,0.5,0.123)", "'{:n}'.format(5)", "'{!r} {!s} {!a}'.format('é','é','é')", "'{!r:>6}|'.format('a')", "'{!x}'.format(1)", "'{:d}'.format('a')", "'{:d}'.format(1.5)", "'{:s}'.format(1)", "'{:f}'.format('a')", "'{:q}'.format(1)", "'{:5'.format(1)", "'}'.format(1)", "'{{}}'.format()", "'{{{}}}'.format(1)", "'{:{}}|'.format('a',5)", "'{:{w}.{p}f}|'.format(3.14159,w=8,p=2)",
           "'{:>5}'.format(true)", "'{}'.format(true)", "'{:d}'.format(true)", "'{}'.format(none)", "'{:5}'.format(none)", "'{:5}'.format([1])", "'{}'.format([1])", "'{:}'.format([1])", "'{}'.format(missing)", "'{:.1f}'.format(1)", "'{:g}'.format(5)", "'{:+}'.format(1.5)", "'{:=+6d}|'.format(5)", "'{:<06d}|'.format(5)", "'{:06.1f}'.format(-2.5)", "'{:06}'.format(-25)", "'{:08,}'.format(1234)", "'{:,}'.format('a')", "'{:=5}'.format('a')", "'{:05}'.format('a')", "'{:z}'.format(1)", "'{:.2}'.format(5)", "'{:.2}'.format(1234.5)", "'{:5.1}|'.format(1.5)", "'{0:{0}}'.format(5)", "'{:%}'.format(1)", "'{:,x}'.format(255)", "'{:_x}'.format(1048575)", "'{: }'.format(1.5)",
           "'{}{}'.format(*[1,2])", "'{a}'.format(**{'a':3})"]


def main():
    out = {
        "filters": table(ANY, filters()),
        "tests": table(ANY, tests()),
        "operators": table(ANY, operators()),
        "str": table(TEXTS, methods(str, TEXTS, ["1", "'a'", "none", "5,'x'", "'a','b'", "'a',1", "'a',1,-1", "'a','b','c','d'", "sep='a'", "width=5"])),
        "list": table(LISTS, methods(list, LISTS, ["1", "'a'", "none", "1,2"])),
        "dict": table(MAPS, methods(dict, MAPS, ["1", "'a'", "none", "'a',1", "'a',1,2"])),
        "others": table(["1", "2.5", "true", "none", "missing"], [".upper()", ".items()", ".x", "[0]", "()", ".x.y", "|upper"]),
        "whole": table([""], [e for e in FUNCTIONS + NUMBERS + FORMATS]),
    }
    path = pathlib.Path(__file__).with_name("template_sweep.json")
    lines = []
    for name, t in out.items():
        rows = ",\n".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in t["rows"])
        lines.append(f"{json.dumps(name)}:{{\"receivers\":{json.dumps(t['receivers'], ensure_ascii=False)},\n\"rows\":[\n{rows}]}}")
    path.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    for name, t in out.items():
        print(name, len(t["rows"]), "calls,", sum(len(r) - 1 for r in t["rows"]), "results")


if __name__ == "__main__":
    sys.exit(main())
