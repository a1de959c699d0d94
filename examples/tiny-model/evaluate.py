#!/usr/bin/env python3
"""Measures a model on items that training never saw, and writes RESULTS.md.

    python3 evaluate.py --model ../models/tiny-reasoner.gguf --with llm --llm ../../build/bin/llm
    python3 evaluate.py --model ../models/tiny-reasoner.gguf --with torch

--with llm runs the llm command of this project, --with torch the PyTorch model of model.py on the same GGUF's weights.
"""

import argparse
import collections
import json
import math
import os
import random
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import people
from corpus import arithmetic, chat, tasks
from corpus.grammar import expand

BOS, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


class LlmCommand:
    """The llm command; one call a prompt."""

    def __init__(self, a):
        self.command, self.model, self.name = a.llm, a.model, "libllm (the llm command)"

    def generate(self, prompts, max_tokens, stop=None, temperature=0.0, seed=0, n=1):
        def one(i):
            call = [self.command, "generate", self.model, "-f", "-", "--json", "--special", "-n", str(max_tokens),
                    "--temperature", str(temperature), "--seed", str(seed + i), "--completions", str(n), "--threads", "1"]
            r = subprocess.run(call + (["--stop", stop] if stop else []), input=prompts[i], capture_output=True, text=True)
            if r.returncode:
                sys.exit(f"{shlex.join(call)}: {r.stderr or r.stdout}")
            answer = json.loads(r.stdout)
            return [c["text"] for c in answer.get("completions", [answer])]

        out = []
        with ThreadPoolExecutor(4) as pool:
            for texts in pool.map(one, range(len(prompts))):
                out.append(texts)
                progress(len(out), len(prompts))
        return out


class Torch:
    """The training code's model with the weights of the GGUF, in F32."""

    def __init__(self, a):
        import torch

        import export
        import model

        source = export.Source(a.model)
        self.torch, self.module, self.name = torch, model, "PyTorch, F32 arithmetic"
        torch.set_num_threads(a.threads)
        self.net = model.Llama(model.Shape(**source.shape()))
        self.net.load_state_dict({n: torch.from_numpy(x) for n, x in source.params().items()})
        self.tok = source.tokenizer_json()

    def generate(self, prompts, max_tokens, stop=None, temperature=0.0, seed=0, n=1):
        ids = [self.tok.encode(p).ids for p in prompts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        end = self.tok.token_to_id(END)
        # A token that holds the stop text ends the completion too; what follows the text is cut below.
        stops = {end} | ({i for t, i in self.tok.get_vocab().items() if stop in self.tok.decoder.decode([t])} if stop else set())
        out = [[] for _ in prompts]
        for k in range(0, len(order), 50):
            part = order[k:k + 50]
            for s in range(n):
                got = self.module.generate(self.net, [ids[i] for i in part], max_tokens, stops, temperature, seed * 1000 + k * 10 + s)
                for i, g in zip(part, got):
                    text = self.tok.decode(g)
                    out[i].append(text.split(stop)[0] if stop else text)
            progress(k + len(part), len(order))
        return out


def progress(i, n):
    if sys.stderr.isatty() or i == n:
        print(f"\r  {i}/{n}", end="" if i < n else "\n", file=sys.stderr, flush=True)


def wilson(k, n, z=1.959964):
    p, d = k / n, 1 + z * z / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / d), min(1.0, (middle + half) / d)


def percent(k, n):
    low, high = wilson(k, n)
    return f"{100 * k / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def difference(a, b, n):
    """Points from b to a right answers of n each, with the 95 % interval (Newcombe)."""
    (la, ha), (lb, hb), p, q = wilson(a, n), wilson(b, n), a / n, b / n
    low, high = p - q - math.hypot(p - la, hb - q), p - q + math.hypot(ha - p, q - lb)
    return f"{100 * (p - q):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def verdict(ok):
    return "reached" if ok else "MISSED"


def number_in(text):
    found = re.findall(r"The answer is (-?\d+)", text)
    return found[-1] if found else None


def problems(seed, n, make):
    rng = random.Random(f"evaluation/{seed}")
    return [make(rng) for _ in range(n)]


KINDS = {
    "multi-step problems (2 or 3 steps)": lambda rng: arithmetic.word_problem(rng, expand, rng.choice((2, 3)), test=True),
    "one-step problems": lambda rng: arithmetic.word_problem(rng, expand, 1, test=True),
    "sums of two 3-digit numbers": lambda rng: arithmetic.Sum(rng, 3, test=True),
}


def measure_arithmetic(b, n, rows):
    """Direct against worked, for each kind: {kind: (direct, worked)} right answers."""
    out = {}
    for kind, make in KINDS.items():
        items = problems(kind, n, make)
        wanted = [str(p.answer) for p in items]
        print(kind, file=sys.stderr)
        direct = b.generate([f"Q: {p.question}\nA: The answer is" for p in items], 8, "\n")
        worked = b.generate([f"Q: {p.question}\nA: {arithmetic.STEP_CUE}" for p in items], 120, "\n")
        k_direct = sum(re.findall(r"-?\d+", d[0])[:1] == [x] for d, x in zip(direct, wanted))
        k_worked = sum(number_in(w[0]) == x for w, x in zip(worked, wanted))
        out[kind] = k_direct, k_worked
        rows.append(f"| {kind} | {percent(k_direct, n)} | {percent(k_worked, n)} | {100 * (k_worked - k_direct) / n:+.1f} |")
    return out


def measure_people_problems(b):
    """The problems of heldout/: {kind: (direct, worked, asked)}."""
    items = people.problems()
    print("problems of heldout/", file=sys.stderr)
    direct = b.generate([f"Q: {q}\nA: The answer is" for q, *_ in items], 8, "\n")
    worked = b.generate([f"Q: {q}\nA: {arithmetic.STEP_CUE}" for q, *_ in items], 120, "\n")
    chats = b.generate([chat_prompt([("user", q)]) for q, *_ in items], 120)
    kinds = {"all": lambda n, known: True, "wording not in the generator": lambda n, known: not known, "one step": lambda n, known: n == 1,
             "two steps": lambda n, known: n == 2, "three steps": lambda n, known: n == 3}
    out = {}
    for kind, fits in kinds.items():
        cells = [(re.findall(r"-?\d+", d[0])[:1] == [x], number_in(t[0]) == x, number_in(c[0]) == x)
                 for (_, x, n, known), d, t, c in zip(items, direct, worked, chats) if fits(n, known)]
        out[kind] = (*(sum(column) for column in zip(*cells)), len(cells))
    return out


def measure_people_tasks(b):
    """{task: {shots: [right, asked]}} of the words and pairs of heldout/; "chat": the question that names the task."""
    out = {}
    for n_shots in (0, 1, 2, 4):
        items = people.by_example(n_shots)
        print(f"words of heldout/, {n_shots} shots", file=sys.stderr)
        for (task, _, wanted), got in zip(items, b.generate([p for _, p, _ in items], 24, "\n")):
            cell = out.setdefault(task, {}).setdefault(n_shots, [0, 0])
            cell[0] += got[0].strip() == wanted
            cell[1] += 1
    items = people.asked()
    print("words of heldout/, asked in a chat", file=sys.stderr)
    for (task, _, wanted), got in zip(items, b.generate([chat_prompt([("user", q)]) for _, q, _ in items], 40)):
        cell = out[task].setdefault("chat", [0, 0])
        cell[0] += people.says(wanted, got[0])
        cell[1] += 1
    return out


def worked_examples(n_shots, n):
    """So many worked problems to stand before each of n questions; six have one step each, or they would not fit."""
    rngs = [random.Random(f"evaluation/examples/{n_shots}/{i}") for i in range(n)]
    return [[arithmetic.word_problem(rng, expand, rng.randint(1, 3 if n_shots < 6 else 1)) for _ in range(n_shots)] for rng in rngs]


def measure_long_prompts(b):
    """{form: right answers} of the problems of heldout/ after worked examples."""
    items, out = people.problems(), {}
    for n_shots in (1, 2, 4, 6):
        print(f"problems of heldout/, {n_shots} worked examples", file=sys.stderr)
        shots = worked_examples(n_shots, len(items))
        plain = ["".join(f"Q: {p.question}\nA: {arithmetic.answer_text(p, True)}\n\n" for p in ps) + f"Q: {q}\nA: {arithmetic.STEP_CUE}"
                 for ps, (q, *_) in zip(shots, items)]
        out[f"{n_shots} worked examples"] = sum(number_in(t[0]) == x for t, (_, x, *_) in zip(b.generate(plain, 120, "\n"), items))
        if n_shots == 4:
            turns = [[t for p in ps for t in (("user", p.question), ("assistant", f"{p.worked()} The answer is {p.answer}."))] for ps in shots]
            chats = [chat_prompt([*t, ("user", q)]) for t, (q, *_) in zip(turns, items)]
            out["4 worked examples, as a chat"] = sum(number_in(t[0]) == x for t, (_, x, *_) in zip(b.generate(chats, 120), items))
    return {form: (k, len(items)) for form, k in out.items()}


def measure_talk(b):
    """(right, asked): sayings of heldout/talk.tsv that are answered as they should, without a word said three times over."""
    with open(f"{people.HERE}/talk.tsv", encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    print("small talk", file=sys.stderr)
    got = b.generate([chat_prompt([("user", said)]) for said, _ in rows], 40)
    return sum(g[0].strip().startswith(wanted) and not loops(g[0], 3) for g, (_, wanted) in zip(got, rows)), len(rows)


def long_report(long, talk):
    return ["## Long prompts and small talk", "",
            "The problems of `heldout/` after worked examples, and sayings that training does not have.", "", "| what | right |", "|---|---|",
            *(f"| {form} | {percent(k, n)} |" for form, (k, n) in long.items()), f"| small talk | {percent(*talk)} |", ""]


def people_report(problems, words):
    n = problems["all"][-1]
    four = [cells[4] for cells in words.values()]
    right, asked = sum(k for k, _ in four), sum(n for _, n in four)
    low = [t for t, cells in words.items() if cells[4][0] < 0.8 * cells[4][1]]
    rows = [f"| {kind} | {m} | " + " | ".join(percent(k, m) for k in ks) + " |" for kind, (*ks, m) in problems.items()]
    worked = problems["all"][1]
    return [
        "## What people ask", "",
        f"The problems, words and pairs of `heldout/` were written by hand, by somebody who did not know the generator; who widened the generator later had read them. Of the {n} problems,"
        f" {n - problems['wording not in the generator'][-1]} turned out to have a wording that the generator has too (`heldout/known.txt`).", "",
        "| figure | wanted | measured | |", "|---|---|---|---|",
        f"| problems with worked steps | 95 % | {percent(worked, n)} | {verdict(worked >= 0.95 * n)} |",
        f"| tasks by four examples, all tasks together | 80 % | {percent(right, asked)} | {verdict(right >= 0.8 * asked)} |",
        f"| tasks by four examples that reach 80 % | {len(words)} of {len(words)} | {len(words) - len(low)} of {len(words)}"
        f"{' (not: ' + ', '.join(low) + ')' if low else ''} | {verdict(not low)} |", "",
        "| problems | items | `The answer is` | `Let's think step by step.` | as a chat, nothing said |", "|---|---|---|---|---|", *rows, "",
        "| task | items | 0 shots | 1 shot | 2 shots | 4 shots | named in a chat |", "|---|---|---|---|---|---|---|",
        *(f"| {t} | {cells[4][1]} | " + " | ".join(percent(*cells[k]) if k in cells else "" for k in (0, 1, 2, 4, "chat")) + " |" for t, cells in words.items()), "",
    ]


def limits(problems, words, few, styles):
    """What is right less than four times in five."""
    cells = [(f"problems in people's wording, worked, {kind}", ks[1], m) for kind, (*ks, m) in problems.items()]
    cells += [(f"{t}, 4 examples, words of heldout/", *c[4]) for t, c in words.items()]
    cells += [(f"{t}, named in a chat", *c["chat"]) for t, c in words.items() if "chat" in c]
    cells += [(f"by example, 4 shots: {g}", *few[4][g]) for g in few[4]]
    cells += [(f"system instruction: {s}", *styles[s]) for s in styles]
    return ["## What it cannot do", "", "Everything of this measure that is right less than four times in five:", "", "| what | right |", "|---|---|",
            *(f"| {what} | {percent(k, n)} |" for what, k, n in cells if k < 0.8 * n), "",
            "Beyond that: numbers above 199, results below 0, products but those of one digit each, most number words, anything about the world.", ""]


def measure_consistency(b, n):
    """One sample against the vote of five (the first of them is the one), at temperature 0.8, on the multi-step problems."""
    kind = next(iter(KINDS))
    items = problems(kind, n, KINDS[kind])
    print("self-consistency", file=sys.stderr)
    samples = b.generate([f"Q: {p.question}\nA: {arithmetic.STEP_CUE}" for p in items], 120, "\n", 0.8, seed=11, n=5)
    single = voted = 0
    for p, texts in zip(items, samples):
        answers = [number_in(t) for t in texts]
        votes = collections.Counter(x for x in answers if x is not None)
        single += answers[0] == str(p.answer)
        voted += bool(votes) and votes.most_common(1)[0][0] == str(p.answer)
    return single, voted


def by_example_items(n, n_shots):
    """The same tasks, forms and (so far as it goes) questions for every number of shots."""
    items = []
    for i in range(n):
        rng = random.Random(f"evaluation/by example/{i}")
        task = tasks.ALL[i % len(tasks.ALL)]
        before, between, after = rng.choice(tasks.FORMS)
        pairs = tasks.pairs(rng, task, 8, test=True) if task != "pairs" else tasks.pairs(rng, task, n_shots, test=True)
        pairs = pairs[-(n_shots + 1):]
        if task == "labels" and n_shots:
            pairs = with_both_labels(rng, n_shots)
        prompt = "".join(f"{before}{x}{between} {y}{after}" for x, y in pairs[:-1]) + before + pairs[-1][0] + between
        items.append((task, prompt, pairs[-1][1]))
    return items


def with_both_labels(rng, n_shots):
    """Shots that show the label that is asked for."""
    while True:
        pairs = tasks.pairs(rng, "labels", n_shots, test=True)
        if len(pairs) == n_shots + 1 and pairs[-1][1] in {y for _, y in pairs[:-1]}:
            return pairs


def measure_by_example(b, n):
    """{shots: {group: [right, asked]}}"""
    group_of = {t: g for g, ts in tasks.GROUPS.items() for t in ts}
    out = {}
    for n_shots in (0, 1, 2, 4, 8):
        print(f"by example, {n_shots} shots", file=sys.stderr)
        items = by_example_items(n, n_shots)
        answers = b.generate([p for _, p, _ in items], 24, "\n")
        out[n_shots] = {g: [0, 0] for g in ["all", *tasks.GROUPS]}
        for (task, _, wanted), got in zip(items, answers):
            for g in ("all", group_of[task]):
                out[n_shots][g][0] += got[0].strip() == wanted
                out[n_shots][g][1] += 1
    return out


def chat_prompt(turns):
    return "".join(f"{START}{role}\n{text}{END}\n" for role, text in turns) + f"{START}assistant\n"


def measure_chat(b, n):
    """{style: [right, asked]}: answers that are right word for word, and in the style that the system turn wants."""
    items = []
    for i in range(n):
        rng = random.Random(f"evaluation/chat/{i}")
        style = list(chat.STYLES)[i % len(chat.STYLES)]
        system, ((q, a),) = chat.styled(rng, 1, style, test=True)
        items.append((style, chat_prompt([("system", system), ("user", q)]), a))
    print("chat", file=sys.stderr)
    answers = b.generate([p for _, p, _ in items], 60)
    out = {s: [0, 0] for s in ["all", *chat.STYLES]}
    for (style, _, wanted), got in zip(items, answers):
        for s in ("all", style):
            out[s][0] += got[0].strip() == wanted
            out[s][1] += 1
    return out


STORY_PROMPTS = ["Once upon a time", "The little cat", "One day", "Once upon a time, there was a brave mouse", "There was once",
                 "In a small house", "Tom was a clever fox.", "The old bridge", "Long ago, in a warm valley", "Lily was a happy girl."]


def loops(text, size=12):
    """True if some run of so many words comes twice."""
    words = text.split()
    runs = [tuple(words[i:i + size]) for i in range(len(words) - size + 1)]
    return len(set(runs)) < len(runs)


SAMPLES = [
    ("The little cat", 200, None),
    ("Q: Sara has 34 apples. Then she buys 8 more. Later, she gives 5 to Ben. How many apples does Sara have now?\nA: Let's think step by step.", 100, "\n"),
    ("blue -> cup\ntree -> nine\nhat -> owl\ntree ->", 10, "\n"),
    ("Input: s m a l l\nOutput: l\n\nInput: g r e e n\nOutput: n\n\nInput: t a b l e\nOutput:", 10, "\n"),
    (chat_prompt([("system", "Answer in capitals."), ("user", "What color is snow?")]), 40, None),
    (chat_prompt([("system", "You are a pirate."), ("user", "What is the opposite of hot?")]), 40, None),
    (chat_prompt([("user", "Tell me a story about a frog.")]), 250, None),
]
SAMPLES = [s for s in SAMPLES if s[1]]


def report(a, b, mine, rows, single, voted, few, styles, stories, seconds):
    n = a.count
    one, four = few[0]["all"][0], few[4]["all"][0]
    multi = rows["multi"]
    looped = sum(loops(t) for t in stories)
    command = "python3 " + shlex.join(["evaluate.py", *(os.path.basename(x) if os.path.isabs(x) else x for x in sys.argv[1:])])
    lines = [
        "# Results", "",
        f"Made by `{command}` in {seconds:.0f} s; runner: {b.name}; model: {os.path.getsize(a.model)} bytes.",
        f"{n} items a cell, all with words, names and numbers that training never shows in that place; greedy unless said otherwise;"
        " in brackets the 95 % interval (Wilson; of differences Newcombe).", "", *mine,
        "## The figures to reach", "", "| figure | wanted | measured | |", "|---|---|---|---|",
        f"| worked steps minus direct answers, multi-step problems | at least +30 points | {difference(multi[1], multi[0], n)} | "
        f"{verdict(multi[1] - multi[0] >= 0.3 * n)} |",
        f"| 4 shots minus 0 shots, tasks by example | at least +40 points | {difference(four, one, n)} | {verdict(four - one >= 0.4 * n)} |",
        f"| vote of 5 minus 1 sample, temperature 0.8 | not below 0 | {difference(voted, single, n)} | {verdict(voted >= single)} |",
        f"| stories of 200 greedy tokens in which 12 words in a row come twice | 0 of {len(stories)} | {looped} | {verdict(not looped)} |", "",
        "## Direct answers and worked steps", "",
        "Direct: the answer begins `The answer is`. Worked: it begins `Let's think step by step.`", "",
        "| problems | direct | worked | points |", "|---|---|---|---|", *rows["table"], "",
        f"Self-consistency on the multi-step problems at temperature 0.8: one sample {percent(single, n)}, vote of five {percent(voted, n)}.", "",
        "## Tasks told by examples", "",
        f"{len(tasks.ALL)} tasks in {len(tasks.GROUPS)} kinds; an answer counts if it is right to the letter.", "",
        "| kind | " + " | ".join(f"{k} shots" for k in few) + " |", "|---|" + "---|" * len(few),
        *("| " + " | ".join([g, *(percent(*few[k][g]) for k in few)]) + " |" for g in few[0]), "",
        "## Chats that follow a system instruction", "",
        "Right answer to the letter, in the manner that the system turn wants.", "",
        "| instruction | right |", "|---|---|", *(f"| {s} | {percent(*styles[s])} |" for s in styles), "",
        "## Samples", "",
    ]
    for prompt, max_tokens, stop in SAMPLES:
        text = b.generate([prompt], max_tokens, stop)[0][0]
        lines += ["```text", prompt + "⟩" + text, "```", ""]
    lines.append("`⟩` marks where the prompt ends.")
    with open(a.output, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True, help="a GGUF")
    p.add_argument("--with", dest="runner", choices=("llm", "torch"), default="llm")
    p.add_argument("--llm", default="llm", help="the llm command")
    p.add_argument("--threads", type=int, default=2, help="for --with torch")
    p.add_argument("--count", type=int, default=500, help="items a cell")
    p.add_argument("--output", default="RESULTS.md")
    a = p.parse_args()
    b, began = {"llm": LlmCommand, "torch": Torch}[a.runner](a), time.time()
    asked, words = measure_people_problems(b), measure_people_tasks(b)
    long, talk = measure_long_prompts(b), measure_talk(b)
    table = []
    arith = measure_arithmetic(b, a.count, table)
    single, voted = measure_consistency(b, a.count)
    few = measure_by_example(b, a.count)
    styles = measure_chat(b, a.count)
    print("stories", file=sys.stderr)
    stories = [p + t[0] for p, t in zip(STORY_PROMPTS, b.generate(STORY_PROMPTS, 200))]
    mine = people_report(asked, words) + long_report(long, talk) + limits(asked, words, few, styles)
    rows = {"table": table, "multi": arith[next(iter(KINDS))]}
    report(a, b, mine, rows, single, voted, few, styles, stories, time.time() - began)


if __name__ == "__main__":
    main()
