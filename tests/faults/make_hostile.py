"""make_hostile.py HEADER...: a C program that calls each public function with each of its arguments hostile in turn, the others
being right. What it does not know it refuses, so that a new function or type of argument cannot be forgotten.

An argument, or a pair of pointer and count, has a list of values: C expressions, the first one right. hostile.h has what they
are made of."""
import re
import sys

DECLARATION = re.compile(r"LLM_API\s+([\w ]+?[ *]+)(llm_\w+)\(([^;{]*?)\);")
STRUCT = re.compile(r"typedef struct (llm_\w+) \{(.*?)\} \1;", re.S)
OPAQUE = re.compile(r"typedef struct (llm_\w+) \1;")

INTEGERS = {
    "int32_t": ["0", "-1", "1", "INT32_MIN", "INT32_MAX"],
    "uint32_t": ["0", "1", "UINT32_MAX"],
    "int64_t": ["0", "-1", "INT64_MIN", "INT64_MAX"],
    "uint64_t": ["0", "UINT64_MAX"],
    "size_t": ["1", "0", "SIZE_MAX", "SIZE_MAX - 1", "SIZE_MAX / 2 + 1"],
    "float": ["0.5f", "NAN", "INFINITY", "-INFINITY", "-1.0f", "1e38f"],
    "double": ["0.5", "NAN", "INFINITY", "-INFINITY"],
}
INTEGERS["llm_token"] = INTEGERS["llm_dtype"] = INTEGERS["llm_status"] = INTEGERS["int32_t"]

LONG = ["SIZE_MAX - 1", "SIZE_MAX / 2 + 1", "(size_t)PTRDIFF_MAX"]
TEXTS = ['""', '"\\xff\\xfe"', '"%s%n%99999d"', "long_text", '"{\\"a\\":"', '"\\x1b[31m\\n"']

# Texts that a function is given when they are right.
RIGHT = {
    "path": "model_path", "in": "model_path", "out_path": "out_path", "group": '"generate"', "query": 'question',
    "context": '"{\\"messages\\":[]}"', "extractor": '"number"', "key": '"general.architecture"', "value": '"1"',
    "source": '"{{ 1 }}"', "name": "NULL", "schema": '"{}"',
}
RIGHT_OF = {
    ("llm_grammar_from_gbnf", "text"): '"root ::= \\"a\\""', ("llm_grammar_from_json_schema", "text"): '"{}"',
    ("llm_prompt_add_examples", "text"): 'question', ("llm_dtype_parse", "name"): '"F16"',
    ("llm_option_set", "name"): '"top_k"',
}
RIGHT_NUMBER = {("llm_quantize", "dtype"): "1", ("llm_generate_options", "max_tokens"): "2"}


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def split(text):
    return [" ".join(p.split()) for p in text.split(",") if p.strip() and p.strip() != "void"]


def read(paths):
    text = "\n".join(strip_comments(open(p, encoding="utf-8").read()) for p in paths)
    functions = [(" ".join(r.split()), n, [parameter(p) for p in split(a)]) for r, n, a in DECLARATION.findall(text)]
    structs = {n: members(body) for n, body in STRUCT.findall(text)}
    return functions, structs, set(OPAQUE.findall(text))


def parameter(text):
    match = re.fullmatch(r"(.*?)(\w+)(\[\w+\])?", text)
    return match.group(1).strip() + (" []" if match.group(3) else ""), match.group(2)


def members(body):
    rows = []
    for line in body.split(";"):
        line = " ".join(line.split())
        if not line or "(" in line:  # functions of an allocator
            continue
        kind, first = parameter(line.split(",")[0])
        rows += [(kind, first)] + [(kind, n.strip()) for n in line.split(",")[1:]]
    return rows


class Maker:
    def __init__(self, paths):
        self.functions, self.structs, self.opaque = read(paths)

    def is_options(self, name):
        return name.endswith("_options") and name in self.structs

    # ---- values ----

    def text(self, function, name):
        return RIGHT_OF.get((function, name)) or RIGHT.get(name, '"a 1"')

    def pair(self, function, kind, name):
        """Of a pointer and a count."""
        if kind == "const char *":
            right = self.text(function, name)
            rows = [(f"guard({right})", f"strlen({right})"), ("NULL", "0"), ("NULL", "1"), ("NULL", "LLM_NTS")]
            rows += [(right, "LLM_NTS")] + [(right, n) for n in LONG]
            return rows + [(t, "LLM_NTS") for t in TEXTS] + [(f"guard({t})", f"strlen({t})") for t in TEXTS]
        element = kind.removeprefix("const ").rstrip(" *")
        arrays = {"llm_token": "tokens", "llm_span": "spans", "llm_score_item": "items", "llm_logit_bias": "biases"}
        if kind.startswith("const ") and element in arrays:
            a = arrays[element]
            rows = [(f"{a}_of(0)", "1"), ("NULL", "0"), ("NULL", "1"), ("NULL", "SIZE_MAX"), (f"{a}_of(0)", "0")]
            rows += [(f"{a}_of(0)", n) for n in ("SIZE_MAX", "SIZE_MAX / 16 + 1", "SIZE_MAX / 8 + 1")]
            return rows + [(f"{a}_of({k})", "1") for k in range(1, 8)]
        if element in ("char", "llm_token", "float"):
            return [(f"({element} *)room", "1"), ("NULL", "0"), ("NULL", "1"), ("NULL", "SIZE_MAX"),
                    (f"({element} *)room", "0")]
        return None

    def options(self, kind):
        """Pointers to option structures: sizes, then members, one hostile in each."""
        name = kind.removeprefix("const ").rstrip(" *")
        cases = [f"options_{name}({k})" for k in range(len(self.option_cases(name)))]
        return ["NULL"] + cases + [f"({name} *)askew(options_{name}(0), sizeof({name}))"]

    def option_cases(self, name):
        cases = [""] + [f"o->struct_size = {n};" for n in ("0", "1", "3", "4", "5", "(uint32_t)sizeof *o - 1",
                                                          "(uint32_t)sizeof *o + 64", "UINT32_MAX", "1u << 31")]
        cases += ["memset((char *)o + sizeof *o, 1, 64); o->struct_size += 64;"]
        rows = self.structs[name]
        for i, (kind, member) in enumerate(rows):
            if member == "struct_size":
                continue
            if kind in INTEGERS:
                cases += [f"o->{member} = ({kind})({v});" for v in INTEGERS[kind]]
            elif kind.removeprefix("const ").rstrip(" *") in self.opaque:
                cases += [f"o->{member} = odd.{kind.removeprefix('const ').rstrip(' *').removeprefix('llm_')};"]
            elif kind == "const char *":
                cases += [f"o->{member} = {v};" for v in TEXTS]
            pair = self.pair(name, kind, member) if i + 1 < len(rows) and rows[i + 1][0] == "size_t" else None
            if pair:
                cases += [f"o->{member} = {a}; o->{rows[i + 1][1]} = {b};" for a, b in pair]
        return cases

    def out_struct(self, kind):
        name = kind.rstrip(" *")
        sized = self.structs[name][0][1] == "struct_size"
        sizes = ["0", "1", "3", "4", "UINT32_MAX", "1u << 31"] if sized else []
        return [f"({name} *)sized(sizeof({name}))", "NULL"] + [f"({name} *)sized({n})" for n in sizes]

    def one(self, function, kind, name):
        """Of one argument."""
        base = kind.removeprefix("const ").rstrip(" *")
        stars = kind.count("*")
        if stars == 0 and kind in INTEGERS:
            right = RIGHT_NUMBER.get((function, name))
            return ([right] if right else []) + INTEGERS[kind]
        if stars == 0 and kind.endswith("_fn"):
            return ["NULL"]
        if stars == 2:
            return [f"({kind})&made", "NULL"]
        if base in self.opaque:
            only_null = re.search(r"_(destroy|unref|ref)$", function)
            object_name = base.removeprefix("llm_")
            return ["NULL"] if only_null else [f"have.{object_name}", "NULL", f"odd.{object_name}"]
        if self.is_options(base):
            return self.options(kind)
        if kind == "const char *":
            return [self.text(function, name), "NULL"] + TEXTS
        if kind == "void *":
            return ["NULL"] if name == "user" else ["options_llm_generate_options(0)", "NULL"]
        if base in self.structs:
            return self.out_struct(kind)
        if base in INTEGERS:
            return [f"({kind})room", "NULL"]
        return None

    def arguments(self, function, parameters):
        """A list of lists of tuples: of each argument or pair, its values."""
        slots, i = [], 0
        while i < len(parameters):
            kind, name = parameters[i]
            values = None
            if function.endswith("_init_sized"):
                struct = kind.rstrip(" *")
                slots.append([(f"({struct} *)room", f"sizeof({struct})"), ("NULL", "0"), (f"({struct} *)room", "0"),
                              (f"({struct} *)room", "3"), (f"({struct} *)room", "sizeof room")])
                return slots
            if i + 1 < len(parameters) and parameters[i + 1][0] == "size_t":
                values = self.pair(function, kind, name)
                if values:
                    i += 2
            if not values:
                single = self.one(function, kind, name)
                if single is None:
                    sys.exit(f"make_hostile.py does not know \"{kind} {name}\" of {function}: add it to one()")
                values = [(v,) for v in single]
                i += 1
            slots.append(values)
        return slots

    # ---- output ----

    def call(self, result, function, parameters, arguments):
        says = f"{function}({', '.join(arguments)})".replace("\\", "\\\\").replace('"', '\\"')
        out = next((p[0] for p, a in zip(parameters, arguments) if p[0].count("*") == 2 and a != "NULL"), None)
        base = out.rstrip(" *") if out else None
        print(f"    begin(\"{says}\");")
        call = f"{function}({', '.join(arguments)})"
        if result == "llm_status":
            print(f"    end({call}, {1 if base in self.opaque else 0});")
        else:
            print(f"    (void){call};")
        if base in self.opaque and not re.search(r"_(un)?ref$", function):
            drop = "unref" if f"{base}_unref" in {f[1] for f in self.functions} else "destroy"
            print(f"    {base}_{drop}(({base} *)made);")
        print("    made = NULL;")

    def function(self, result, function, parameters):
        slots = self.arguments(function, parameters)
        print(f"\nstatic void try_{function}(void) {{")
        seen = set()
        for i, values in enumerate(slots):
            for value in values:
                chosen = [v if j == i else s[0] for j, (s, v) in enumerate(zip(slots, [value] * len(slots)))]
                arguments = [a for group in chosen for a in group]
                if tuple(arguments) not in seen:
                    seen.add(tuple(arguments))
                    self.call(result, function, parameters, arguments)
        if not slots:
            self.call(result, function, parameters, [])
        print("}")

    def write(self):
        print('/* Made by make_hostile.py. */\n#include "hostile.h"\n')
        for name in sorted(n for n in self.structs if self.is_options(n)):
            print(f"static {name} *options_{name}(int k) {{\n    {name} *o = ({name} *)fresh();")
            print(f"    {name}_init(o);")
            for (struct, member), value in RIGHT_NUMBER.items():
                if struct == name:
                    print(f"    o->{member} = {value};")
            print("    switch (k) {")
            for k, case in enumerate(self.option_cases(name)):
                print(f"    case {k}:\n        {case}\n        break;")
            print("    }\n    return o;\n}\n")
        for row in self.functions:
            self.function(*row)
        print("\nvoid hostile_all(void) {")
        for _, name, _ in self.functions:
            print(f"    try_{name}();")
        print("}")


Maker(sys.argv[1:]).write()
