#!/usr/bin/env python3
"""Makes what the Python package says about itself from the headers' comments and the option table.

make_stubs.py docs HEADERS OUT.i           docstrings of the wrapper, for SWIG
make_stubs.py stubs NATIVE.py HEADERS OUT  native.pyi: the types of what SWIG has made
make_stubs.py keywords OPTIONS.def OUT     keywords.py: the options of each group as typed keywords
make_stubs.py records HEADERS OUT          records.py: structures that the library fills, as dataclasses
"""

import ast
import keyword
import re
import sys
from pathlib import Path

# ---- the headers ----


def plain(comment):
    """A C comment as text."""
    lines = [
        re.sub(r"^\s*\*? ?", "", line) for line in comment.strip().removeprefix("/*").removesuffix("*/").split("\n")
    ]
    return "\n".join(line.rstrip() for line in lines).strip()


def declarations(folder):
    """(name, C result type, [(C type, name)], comment) of each function of the headers, in their order."""
    for header in sorted(Path(folder).glob("*.h")):
        text = re.sub(r"/\* clang-format \w+ \*/\n", "", header.read_text())
        comment = ""
        pattern = r"(?P<comment>/\*.*?\*/)|LLM_API (?P<result>[\w ]+?[ *]+)(?P<name>llm_\w+)\((?P<args>[^;]*)\);|\n\n"
        for m in re.finditer(pattern, text, flags=re.S):
            if m["comment"]:
                comment = plain(m["comment"])
            elif m["name"]:
                arguments = [re.match(r"(.*?[ *]+)(\w+)$", " ".join(a.split())) for a in m["args"].split(",")]
                yield m["name"], m["result"].strip(), [(a[1].strip(), a[2]) for a in arguments if a], comment
            else:
                comment = ""  # an empty line ends what a comment speaks of


def make_docs(headers, out):
    rows = ["/* Made by make_stubs.py. */\n"]
    for name, _, _, comment in declarations(headers):
        text = comment.replace("\\", "\\\\").replace('"', '\\"')
        if text:
            rows.append(f'%feature("docstring") {name} "{text}";\n')
    Path(out).write_text("".join(rows))


# ---- native.pyi ----

NUMBERS = {"size_t", "llm_token", "llm_dtype", "llm_status", "int32_t", "uint32_t", "int64_t", "uint64_t"}
# Arguments that are results: C type -> Python type; None: says how large another result is.
RESULTS = {
    "llm_span *": "str",
    "int32_t *": "int",
    "llm_dtype *": "int",
    "llm_event *": "tuple[int, int, str, int, int] | None",
    "const llm_token **": "TokenIds",
    "const float **": "memoryview[float]",
    "const llm_token_logprob **": "tuple[memoryview[int], memoryview[float]]",
    "llm_token *": "TokenIds",
    "char *": "str",
    "size_t *": None,
}
TAKEN = {
    "const llm_token *": "Any",
    "const llm_span *": "Sequence[str | bytes]",
    "const llm_score_item *": "Sequence[tuple[str | bytes, str | bytes]]",
}


def bare(c_type):
    return c_type.replace("const ", "").rstrip(" *")


def python_type(c_type, has_length):
    """Of an argument that Python gives, or of a plain result."""
    if c_type in TAKEN:
        return TAKEN[c_type]
    if c_type == "const char *":
        return "str | bytes" if has_length else "str | bytes | None"
    if bare(c_type) in NUMBERS:
        return "int"
    return "float" if bare(c_type) in ("float", "double") else f"{bare(c_type)} | None"


def signature(node, c_result, c_arguments):
    """Typed arguments and the result of a function that SWIG has made from a C function."""
    given = [a.arg for a in node.args.args]
    results = []
    typed = []
    for i, (c_type, c_name) in enumerate(c_arguments):
        name = f"_{c_name}" if keyword.iskeyword(c_name) else c_name  # as SWIG does
        if name in given:
            has_length = i + 1 < len(c_arguments) and c_arguments[i + 1][1].startswith("n_")
            typed.append(f"{name}: {python_type(c_type, has_length)}")
        elif c_type.count("*") and bare(c_type) not in ("void",):
            found = RESULTS.get(c_type, bare(c_type))
            if found:
                results.append(found)
    if node.name == "llm_request_next":
        return typed, results[0]
    if c_result == "llm_status" or results:
        return typed, "None" if not results else results[0] if len(results) == 1 else f"tuple[{', '.join(results)}]"
    plain_results = {"const char *": "str", "void": "None"}
    return typed, plain_results.get(c_result) or python_type(c_result, False)


def stub_of_class(node, out):
    out.append(f"class {node.name}:\n    thisown: bool\n")
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Call):
            name = item.targets[0].id
            if name != "thisown":
                out.append(f"    @property\n    def {name}(self) -> Any: ...\n")
        elif isinstance(item, ast.FunctionDef) and (item.name == "__init__" or item.name[0] != "_"):
            arguments = ", ".join(["self", *(f"{a.arg}: Any" for a in item.args.args[1:])])
            out.append(f"    def {item.name}({arguments}) -> None: ...\n")


def make_stubs(native, headers, out):
    known = {name: rest for name, *rest in declarations(headers)}
    rows = [
        "# Made by make_stubs.py from the headers.\n",
        "from collections.abc import Sequence\n",
        "from typing import Any\n\n",
        "from libllm.token_ids import TokenIds\n\n",
    ]
    for node in ast.parse(Path(native).read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("llm_"):
            stub_of_class(node, rows)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            if node.name not in known:
                rows.append(f"def {node.name}({', '.join(a.arg + ': Any' for a in node.args.args)}) -> Any: ...\n")
                continue
            c_result, c_arguments, comment = known[node.name]
            typed, result = signature(node, c_result, c_arguments)
            doc = comment.replace("\\", "\\\\").replace("\n", "\n    ")
            body = f'\n    """{doc}"""\n' if doc else " ...\n"
            rows.append(f"def {node.name}({', '.join(typed)}) -> {result}:{body}")
        elif isinstance(node, ast.Assign) and node.targets[0].id.startswith("LLM_"):
            rows.append(f"{node.targets[0].id}: {'str' if node.targets[0].id.endswith('_TEXT') else 'int'}\n")
    Path(out).write_text("".join(rows))


# ---- keywords.py ----

OPTION = re.compile(r'^OPTION\((\w+), (\w+), (\w+), (".*?"|[^,]*), .*?, "((?:[^"\\]|\\.)*)"\)$', flags=re.M)
KINDS = {"INT": "int", "FLOAT": "float", "BOOL": "bool", "STRING": "str", "DTYPE": "str"}
# Options that take more than the table says.
SEED = "int | Literal['random']", "seed of the draws; None or 'random': another one each time"
MORE_TYPES = {("generate", "seed"): SEED, ("fill", "seed"): SEED}
# What generate() takes beside its group.
MORE = {
    "stop": ("str | Sequence[str]", "a text before which a completion ends, or several; default none"),
    "stop_tokens": ("Any", "ids that end a completion; default none"),
    "logit_bias": ("dict[int, float] | dict[str, float]", "added to the logits of ids; default none"),
    "grammar": ("Grammar | str", "what the text must follow: GBNF, or a Grammar; default none"),
    "json_schema": (
        "Any",
        "what the text must follow: a JSON Schema (dict, text), a pydantic model, a dataclass, a type; default none",
    ),
    "regex": ("str | Grammar", "what the text must follow: a regular expression; default none"),
    "choices": ("Sequence[str] | Grammar", "what the text must be: one of these; default none"),
}
TEMPLATE = {
    "template": ("Template | str | None", "a chat template; default: the model's own"),
    "add_generation_prompt": ("bool", "end where the assistant's turn begins; default True"),
    "variables": ("dict[str, Any] | None", "further variables of the template, such as tools; default none"),
}
# class -> groups, further keywords; only those of ONLY where it has the class
ONLY = {"ScoreKeywords": ["add_special", "parse_special", "n_logprobs"]}
CLASSES = {
    "RuntimeKeywords": (["runtime"], {}),
    "ModelKeywords": (["model", "engine"], {}),
    "EngineKeywords": (["engine"], {}),
    "GenerateKeywords": (["generate"], MORE),
    "ScoreKeywords": (["generate"], {}),
    "ChatKeywords": (["template", "generate"], MORE | TEMPLATE),
    "AskKeywords": (["fill", "ask", "generate"], MORE),
    "QuantizeKeywords": (["quantize"], {}),
    "TemplateKeywords": (["template"], {}),
    "PromptKeywords": (
        ["prompt"],
        {"variables": ("dict[str, Any] | str", "variables that every format sees; default none")},
    ),
    "FillKeywords": (["fill"], {}),
}


def make_keywords(options, out):
    groups = {}
    for group, name, kind, default, meaning in OPTION.findall(Path(options).read_text()):
        kind, meaning = MORE_TYPES.get((group, name), (KINDS[kind], meaning))
        default = {"0": "False", "1": "True"}[default] if kind == "bool" else default.strip('"') or "empty"
        groups.setdefault(group, {})[name] = kind, f"{meaning}; default {default}"
    text = (
        '"""Typed keywords, made by make_stubs.py from the option table."""\n\nfrom __future__ import annotations\n\n'
    )
    text += "from collections.abc import Sequence\nfrom typing import TYPE_CHECKING, Any, Literal, TypedDict\n\n"
    text += "if TYPE_CHECKING:\n    from libllm.grammar import Grammar\n    from libllm.template import Template\n"
    for name, (names, more) in CLASSES.items():
        rows = {}
        for group in names:
            rows |= groups[group]
        rows = {key: row for key, row in (rows | more).items() if key in ONLY.get(name, rows | more)}
        text += f"\n\nclass {name}(TypedDict, total=False):\n"
        text += f'    """Options of the group{"s" if len(names) > 1 else ""} {", ".join(names)}.\n\n'
        text += "".join(f"    {key} ({kind}): {meaning}\n" for key, (kind, meaning) in rows.items()) + '    """\n'
        for key, (kind, meaning) in rows.items():
            text += f'\n    {key}: {kind.removesuffix(" | None")} | None\n    """{meaning}"""\n'
    Path(out).write_text(text)


# ---- records.py ----

# structure -> (class, what it is)
RECORDS = {
    "llm_model_info": ("ModelInfo", "What a model is."),
    "llm_tensor_info": ("TensorInfo", "A stored tensor."),
    "llm_token_info": ("TokenInfo", "An entry of a vocabulary."),
    "llm_engine_memory": ("EngineMemory", "What an engine takes beyond the model's file."),
    "llm_result_stats": ("Stats", "Tokens and times of a request, or of all requests of an answer."),
    "llm_sample": ("Sample", "A completion on the way to an answer."),
}
# Members that Python has in another way: (structure, member) -> (member, type, meaning)
CHANGED = {
    ("llm_model_info", "dtype"): ("dtype", "str", "the type that holds most of the bytes, e.g. Q8_0"),
    ("llm_tensor_info", "dtype"): ("dtype", "str", "e.g. Q8_0"),
    ("llm_sample", "stage"): ("stage", "str", "answer, reasoning, decompose or step"),
    ("llm_sample", "finish"): ("finish", "str", "why it ended; cancelled: outvoted, perhaps before it began"),
    ("llm_sample", "answer"): ("answer", "str | None", "found in it; None: none"),
    ("llm_sample", "tokens"): ("ids", "TokenIds", "of the text"),
}
LEFT_OUT = {"struct_size", "n_tokens of llm_sample"}
MEMBER = re.compile(r"^ {4}([\w ]+?[ *]+)(\w+)(\[\d+\])?;[ ]*(?:/\* (.*?) \*/)?$", flags=re.M | re.S)


def members_of(structure, text):
    """(name, type, meaning) of each member."""
    (body,) = re.findall(rf"^typedef struct {structure} \{{\n(.*?)^\}} {structure};", text, flags=re.M | re.S)
    for c_type, name, many, meaning in MEMBER.findall(body):
        if name in LEFT_OUT or f"{name} of {structure}" in LEFT_OUT:
            continue
        number = "float" if c_type.strip() in ("float", "double") else "int"
        kind = "str" if "llm_span" in c_type or "char" in c_type else f"tuple[{number}, ...]" if many else number
        meaning = re.sub(r"; (static|NUL-terminated)|,? ?owned by the \w+", "", " ".join(meaning.split())).strip(" ;,")
        yield CHANGED.get((structure, name), (name, kind, meaning))


def make_records(headers, out):
    text = "".join(path.read_text() for path in sorted(Path(headers).glob("*.h")))
    rows = ['"""What the library says of itself, made by make_stubs.py from the headers."""\n\n']
    rows.append("from __future__ import annotations\n\nfrom dataclasses import dataclass\n\n")
    rows.append("from libllm.token_ids import TokenIds\n")
    for structure, (name, what) in RECORDS.items():
        members = list(members_of(structure, text))
        told = "".join(f"    {member}: {meaning}\n" for member, _, meaning in members if meaning)
        rows.append(f'\n\n@dataclass(frozen=True)\nclass {name}:\n    """{what}\n\n{told}    """\n\n')
        rows.extend(f"    {member}: {kind}\n" for member, kind, _ in members)
    Path(out).write_text("".join(rows))


MAKERS = {"docs": make_docs, "stubs": make_stubs, "keywords": make_keywords, "records": make_records}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](*sys.argv[2:])
