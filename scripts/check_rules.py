#!/usr/bin/env python3
"""Checks the rules of the source that no compiler checks: scripts/check_rules.py [ROOT]

Layers include downward only; the library calls nothing that ends, prints to or changes its host; a data type is a
row of a table, never a case of a switch; files and functions stay small; a name says where it is and means one thing.
Prints each fault as FILE:LINE: what, and ends with 1 if there is one.
"""

import re
import sys
from pathlib import Path

# The layers, bottom up, and what each may include.
BELOW = {
    "base": ["base"],
    "unicode": ["unicode", "base"],
    "format": ["format", "base"],
    "tokenizer": ["tokenizer", "unicode", "base"],
    "jinja": ["jinja", "unicode", "base"],
    "runtime": ["runtime", "base"],
    "model": ["model", "format", "runtime", "base"],
    "grammar": ["grammar", "tokenizer", "unicode", "base"],
    "engine": ["engine", "model", "format", "runtime", "base"],
    "api": ["api", "engine", "grammar", "model", "format", "runtime", "jinja", "tokenizer", "unicode", "base"],
    "serve": ["serve", "api", "engine", "grammar", "model", "runtime", "tokenizer", "unicode", "base"],
    "quantize": ["quantize", "api", "model", "format", "runtime", "tokenizer", "base"],
    "prompt": ["prompt", "serve", "api", "engine", "model", "runtime", "jinja", "tokenizer", "unicode", "base"],
}
# What the library may see of kernels/: the list of back ends, the table of data types.
KERNEL_HEADERS = {"runtime": ["backends.h"], "model": ["dtype.h"], "quantize": ["dtype.h"]}
# What kernels may see of the library.
PUBLIC_OF_KERNELS = ["llm/status.h", "llm/types.h", "llm/sys/"]

# Functions that end, print to or change the host, depend on its locale, or allocate behind its back.
FORBIDDEN = """
    abort exit _exit _Exit quick_exit atexit assert raise kill signal sigaction alarm setitimer longjmp setjmp
    printf fprintf vprintf vfprintf dprintf puts fputs putchar perror syslog
    setlocale uselocale strtod strtof strtold atof atoi atol sscanf strtok strerror localtime gmtime asctime ctime
    rand srand random srandom drand48 getenv secure_getenv setenv unsetenv putenv chdir umask
    system popen fork execv execvp alloca malloc calloc realloc strdup strndup asprintf free aligned_alloc
    posix_memalign fesetround fesetenv feenableexcept
""".split()
# file -> functions it is there for
ALLOWED = {
    "libllm/base/alloc.c": ["aligned_alloc", "free"],  # the default allocator
    "libllm/base/text.c": ["strtod", "strtof"],  # of digits that snprintf wrote in the same locale
    "kernels/openblas/openblas.c": ["sscanf"],  # of a word in OpenBLAS's own text
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FORBIDDEN) + r")\s*\(")
# Functions that begin with neither folder nor file: the vocabulary of all others. The list only shrinks.
NAMED_FREELY = """
    llmi_realloc llmi_free llmi_strndup llmi_error llmi_error_in llmi_error_clear llmi_error_save llmi_error_restore
    llmi_format llmi_vformat llmi_quote llmi_clean llmi_number llmi_number_f32 llmi_strtod
""".split()
BRACES = r"\{(?:[^{}]|\{[^{}]*\})*\}"
MAX_FILE_LINES = 1000
MAX_FUNCTION_LINES = 100


def without_comments_and_texts(source):
    """The same lines, with the contents of comments and of string and character constants blanked out."""

    def blank(match):
        text = match.group(0)
        if text[0] in "\"'":
            return text[0] + " " * (len(text) - 2) + text[0]
        return re.sub(r"[^\n]", " ", text)

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, source, flags=re.S)


def line_of(source, at):
    return source.count("\n", 0, at) + 1


def check_includes(path, source):
    parts = path.split("/")
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', source, flags=re.M):
        kind, name = m.groups()
        if parts[0] == "kernels":
            if name.startswith("llm/") and not name.startswith(tuple(PUBLIC_OF_KERNELS)):
                yield line_of(source, m.start()), f"kernels include only {', '.join(PUBLIC_OF_KERNELS)}, not <{name}>"
            elif name.split("/")[0] in BELOW:
                yield line_of(source, m.start()), f'kernels include nothing of libllm, not "{name}"'
        elif parts[0] == "libllm" and kind == '"' and len(parts) > 2:
            layer = parts[1]
            if name in KERNEL_HEADERS.get(layer, []) or name.split("/")[0] in BELOW[layer]:
                continue
            yield line_of(source, m.start()), f'{layer} includes {", ".join(BELOW[layer])}, not "{name}"'


def check_calls(path, source):
    code = without_comments_and_texts(source)
    for m in CALL.finditer(code):
        if m.group(1) not in ALLOWED.get(path, []):
            yield line_of(code, m.start()), f"{m.group(1)}() has no place in a library"
    for m in re.finditer(r"\bswitch\s*\([^)\n]*dtype", code):
        yield line_of(code, m.start()), "a switch over data types: they are rows of dtypes.def"


def check_sizes(path, source):
    code = without_comments_and_texts(source)
    lines = code.split("\n")
    if len(lines) - 1 > MAX_FILE_LINES:
        yield len(lines) - 1, f"{len(lines) - 1} lines, at most {MAX_FILE_LINES}"
    start = None
    for i, line in enumerate(lines, 1):
        if start is None and re.search(r"\)\s*\{$", line):
            start = i
        elif line.startswith("}") and start:
            if i - start - 1 > MAX_FUNCTION_LINES:
                yield start, f"a function of {i - start - 1} lines, at most {MAX_FUNCTION_LINES}"
            start = None


def types_of(code):
    """(name, offset) of each struct, union, enum, typedef and enumerator that the code defines."""
    for m in re.finditer(r"\b(?:struct|union|enum)\s+(\w+)\s*\{", code):
        yield m.group(1), m.start()
    for m in re.finditer(r"\btypedef\b(?:[^;{}]|" + BRACES + r")*;", code):
        plain = re.sub(BRACES, "", m.group(0))
        name = re.search(r"\(\s*\*\s*(\w+)\s*\)", plain)
        name = name or re.search(r"(\w+)\s*(?:\[[^\]]*\]|__attribute__.*)?\s*;$", plain)
        if name and not re.search(r"\b(?:struct|union|enum)\s+" + name.group(1) + r"\b", plain):
            yield name.group(1), m.start()
    for m in re.finditer(r"\benum\b[\s\w]*\{([^{}]*)\}", code):
        for part in re.sub(r"#[^\n]*", "", m.group(1)).split(","):
            if part.strip():
                yield part.split()[0].split("=")[0], m.start()


def prefixes_of(path):
    """What the names of a file may begin with: its folders, the first words of its name; also in the singular."""
    *folders, file = path.split("/")[1:]
    words = file.rsplit(".", 1)[0].split("_")
    names = [*folders, *("_".join(words[:n]) for n in range(1, len(words) + 1))]
    return tuple(f"llmi_{n}_" for name in names for n in {name, re.sub("s$", "", name), re.sub("ies$", "y", name)})


def functions_of(code):
    """(name, offset) of each function with external linkage that is not a public call."""
    own = r"^(?!static\b|typedef\b|extern\b|return\b|else\b|LLM_API\b)[A-Za-z_][\w \*\n]*?[ \*\n](\w+)\([^;{}]*\)\s*\{"
    for m in re.finditer(own, code, flags=re.M):
        yield m.group(1), m.start()


def check_names(path, source):
    if not path.startswith("libllm/"):
        return
    code = without_comments_and_texts(source)
    for name, at in functions_of(code):
        if name not in NAMED_FREELY and not (name + "_").startswith(prefixes_of(path)):
            yield line_of(code, at), f"{name}() begins with none of {', '.join(sorted(prefixes_of(path)))}"


def check_families(files):
    """Functions whose first word begins functions of another folder, too: (path, line, text)."""
    first = {}
    for path, source in files:
        code = without_comments_and_texts(source)
        for name, at in functions_of(code) if path.startswith("libllm/") else []:
            folder, word = path.split("/")[1], "_".join(name.split("_")[:2])
            where = first.setdefault(word, folder)
            if where != folder and name not in NAMED_FREELY:
                yield path, line_of(code, at), f"{name}(): {word}_* are functions of {where}"


def check_defined_once(files):
    """Types and enumerators that two files of the library or its public headers define: (path, line, text)."""
    first = {}
    for path, source in files:
        if not path.startswith(("libllm/", "include/")):
            continue
        code = without_comments_and_texts(source)
        for name, at in types_of(code):
            where = first.setdefault(name, path)
            if where != path:
                yield path, line_of(code, at), f"{name} is defined in {where} already"


def check(path, source):
    """Faults of one file, as (line, text); path is relative to the root."""
    checks = [check_includes, check_sizes]
    if path.endswith((".c", ".h")):
        checks += [check_calls, check_names]
    for one in checks:
        yield from one(path, source)


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    paths = [p for top in ("libllm", "kernels", "include") for p in sorted((root / top).rglob("*"))]
    files = [(p.relative_to(root).as_posix(), p.read_text()) for p in paths if p.suffix in (".c", ".h", ".def")]
    own = [(path, source) for path, source in files if not path.startswith("include/")]
    faults = [(path, *fault) for path, source in own for fault in check(path, source)]
    faults += [*check_families(files), *check_defined_once(files)]
    for path, line, text in faults:
        print(f"{path}:{line}: {text}")
    print(f"{len(files)} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
