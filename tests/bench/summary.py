#!/usr/bin/env python3
"""The tables that compare.py wrote into a page, as README's one table and one picture.

    python3 tests/bench/summary.py docs/performance.md                      the table, as Markdown
    python3 tests/bench/summary.py docs/performance.md docs/speed.svg       also the picture (Matplotlib)"""

import re
import sys

# Sections of the page that count, and what README calls them: 2 threads, a prompt of 512 tokens, no depth.
FILES = {
    "qwen2.5-0.5b-q4_0.gguf": "0.5B Q4_0",
    "llama-1b-q4_0.gguf": "1B Q4_0",
    "llama-1b-q4_k_m.gguf": "1B Q4_K_M",
    "llama-1b-q8_0.gguf": "1B Q8_0",
    "llama-1b-bf16.gguf": "1B BF16",
    "llama-7b-q4_0.gguf": "7B Q4_0",
}
MEASURES = {
    "prompt, tokens/s": "prompt of 512, tokens/s",
    "decode, tokens/s": "decode, tokens/s",
    "load and first token, ms": "load and first token, ms",
}
BETTER = {"load and first token, ms": min}  # the others: max


def sections(page):
    """{file: {measure: {engine: median}}} of the sections that FILES names."""
    found = {}
    for part in re.split(r"^#### ", page, flags=re.M)[1:]:
        file, _, rest = part.partition(": ")
        if file not in FILES or not re.match(r"2 threads, prompt 512, decode \d+, depth 0, n = ", rest):
            continue
        rows = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| ")]
        engines = rows[0][1:-1]
        found[file] = {
            row[0]: {e: float(c.split()[0]) for e, c in zip(engines, row[1:]) if c} for row in rows if row[0] in MEASURES
        }
    return {file: found[file] for file in FILES}


def three(measure, cells):
    """libllm, llama.cpp, and the better of ik_llama.cpp with and without its repacking; None where one was not measured."""
    ik = [cells[e] for e in ("ik", "ik -rtr") if e in cells]
    return [cells["libllm"], cells.get("llama.cpp"), BETTER.get(measure, max)(ik)]


def table(found):
    yield "| libllm / llama.cpp / ik_llama.cpp | " + " | ".join(MEASURES.values()) + " |"
    yield "|---" * (1 + len(MEASURES)) + "|"
    for file, measures in found.items():
        cells = (three(m, measures[m]) for m in MEASURES)
        texts = (" / ".join("–" if v is None else f"{v:.0f}" if v >= 100 else f"{v:.3g}" for v in c) for c in cells)
        yield f"| {FILES[file]} | " + " | ".join(re.sub(r"^\S+", r"**\g<0>**", t) for t in texts) + " |"


def draw(found, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "libllm"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(MEASURES), figsize=(10, 3), layout="constrained")
    for axis, (measure, title) in zip(axes, MEASURES.items()):
        for i, (name, color) in enumerate(
            (("libllm", "#2563a8"), ("llama.cpp", "#b0b0b0"), ("ik_llama.cpp, its best", "#7a7a7a"))
        ):
            rows = [three(measure, m[measure]) for m in found.values()]
            values = [row[i] / row[0] if row[i] else 0 for row in rows]
            axis.barh([y + (i - 1) * 0.27 for y in range(len(found))], values, 0.25, color=color, label=name)
        axis.set_yticks(range(len(found)), FILES.values() if axis is axes[0] else [])
        axis.invert_yaxis()
        axis.set_title(title.split(",")[0], fontsize=10)
        axis.set_xlabel("time, libllm = 1 (less is better)" if measure in BETTER else "speed, libllm = 1", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        found = sections(f.read())
    print("\n".join(table(found)))
    if len(sys.argv) > 2:
        draw(found, sys.argv[2])


if __name__ == "__main__":
    main()
