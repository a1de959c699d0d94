"""The checker finds what it is there to find, and nothing else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "scripts"))
sys.dont_write_bytecode = True
import check_rules

ROWS = [
    # path, source, words of the faults expected
    ("libllm/format/x.c", '#include "base/buf.h"\n#include <llm/types.h>\n#include "format/y.h"\n', []),
    ("libllm/format/x.c", '#include "model/model.h"\n', ["format includes"]),
    ("libllm/tokenizer/x.c", '#include "format/weights.h"\n', ["tokenizer includes"]),
    ("libllm/base/x.h", '  #  include "tokenizer/internal.h"\n', ["base includes"]),
    ("libllm/model/x.c", '#include "dtype.h"\n', []),
    ("libllm/engine/x.c", '#include "dtype.h"\n', ["engine includes"]),
    ("libllm/runtime/x.c", '#include "backends.h"\n', []),
    ("kernels/cpu/x.c", '#include "cpu/cpu.h"\n#include <llm/sys/backend.h>\n', []),
    ("kernels/cpu/x.c", "#include <llm/model.h>\n", ["kernels include only"]),
    ("kernels/cpu/x.c", '#include "base/buf.h"\n', ["nothing of libllm"]),
    ("libllm/api/x.c", "void llmi_x(void) {\n    abort();\n}\n", ["abort()"]),
    ("libllm/api/x.c", "/* abort() */ // exit(1)\nchar *s = \"printf(\";\n", []),
    ("libllm/api/x.c", "x = a->free(p); y = b.exit(1); my_free(p); llmi_free(a, p, 1);\n", []),
    ("libllm/api/x.c", "p = malloc(1);\nassert(p);\n", ["malloc()", "assert()"]),
    ("libllm/api/x.c", "snprintf(a, b, c); vsnprintf(a, b, c, d); static_assert(1);\n", []),
    ("libllm/base/text.c", "d = strtod(s, NULL);\n", []),
    ("libllm/base/json.c", "d = strtod(s, NULL);\n", ["strtod()"]),
    ("kernels/ref/x.c", "switch (t->dtype) {\n", ["switch over data types"]),
    ("kernels/ref/x.c", "switch (op) {\n", []),
    ("kernels/ref/x.c", "int x;\n" * 1001, ["1001 lines"]),
    ("kernels/ref/x.c", "int f(void) {\n" + "    g();\n" * 101 + "}\n", ["a function of 101 lines"]),
    ("kernels/ref/x.c", "int f(int a,\n      int b) {\n" + "    if (a) {\n    }\n" * 51 + "}\n", ["a function of 102 lines"]),
    ("kernels/ref/x.c", "int f(void) {\n" + "    g();\n" * 100 + "}\nint t[] = {\n" + "    1,\n" * 200 + "};\n", []),
    ("libllm/api/x.c", "llm_status llmi_api_f(int a,\n                int b) {\n}\nbool llmi_x(void) {\n}\n", []),
    ("libllm/api/x.c", "llm_status llmi_apif(int a) {\n}\n", ["llmi_apif()"]),
    ("libllm/api/x.c", "static int f(void) {\n}\nLLM_API int llm_f(void) {\n}\nint llmi_y(void);\nDEFINE(z) {\n}\n", []),
    ("libllm/api/x.c", "const char *\ntake(void) {\n}\n", ["take()"]),
    ("libllm/engine/sampler/big_tables.c", "int llmi_big_f(int a) {\n}\nint llmi_big_table_f(int a) {\n}\n", []),
    ("libllm/engine/sampler/big_tables.c", "int llmi_sampler_f(int a) {\n}\nint llmi_tables_f(int a) {\n}\n", ["llmi_tables_f()"]),
    ("libllm/base/alloc.c", "void llmi_free(void *p) {\n}\n", []),
    ("kernels/ref/x.c", "int anything(int a) {\n}\n", []),
]

for path, source, expected in ROWS:
    faults = [text for _, text in check_rules.check(path, source)]
    fits = len(faults) == len(expected) and all(e in f for e, f in zip(expected, faults))
    assert fits, f"{path}: {source[:60]!r} gave {faults}, expected {expected}"
line, text = next(check_rules.check("libllm/api/x.c", "\n\nint llmi_x(void) {\n    exit(1);\n"))
assert line == 4, line
TWICE = [
    # two files, the names that are defined in both
    ("typedef struct a {\n    int x;\n} a;\n", "struct a {\n    int y;\n};\n", ["a"]),
    ("typedef struct a a;\n", "typedef struct a a;\nstruct a {\n    int y;\n};\n", []),
    ("typedef int a;\n", "typedef struct b {\n    struct { int i; } x;\n} a;\n", ["a"]),
    ("typedef int (*a)(int x);\n", "typedef float a[4];\n", ["a"]),
    ("enum { A, B = 1 << 2 };\n", "typedef enum k { C, B } k;\n", ["B"]),
    ("enum {\n#ifdef X\n    A = 1,\n#else\n    A = 2,\n#endif\n};\n", "int a, A; struct a *f(enum k b);\n", []),
]
for one, other, names in TWICE:
    faults = list(check_rules.check_defined_once([("libllm/base/x.h", one), ("libllm/base/y.c", other)]))
    assert [f[2].split()[0] for f in faults] == names, f"{one!r} and {other!r} gave {faults}, expected {names}"
assert not list(check_rules.check_defined_once([("kernels/cpu/x.c", TWICE[0][0]), ("kernels/cpu/y.c", TWICE[0][1])]))

one = ("libllm/model/x.c", "int llmi_x_run(void) {\n}\nint llmi_free(void) {\n}\n")
other = ("libllm/serve/x.c", "int llmi_x_stop(void) {\n}\nint llmi_free(void) {\n}\n")
assert [f[2].split()[0] for f in check_rules.check_families([one, other])] == ["llmi_x_stop():"]
assert not list(check_rules.check_families([one, ("libllm/model/y.c", other[1]), ("kernels/cpu/x.c", other[1])]))
print(f"{len(ROWS)} rows, {len(TWICE)} pairs")
