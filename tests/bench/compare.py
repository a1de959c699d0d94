#!/usr/bin/env python3
"""libllm beside llama.cpp (PyPI llama-cpp-python) on the same files: alternating in one run, medians and ratios as a
Markdown table, with the machine's read bandwidth and the share of other processes, because both move.

    python3 -m venv VENV && CMAKE_ARGS="-DGGML_NATIVE=ON" VENV/bin/pip install llama-cpp-python

Where the processor names AMX but the virtual machine does not let programs use it, such a build of the peer ends with
an illegal instruction; there, name its instruction sets one by one, without AMX:

    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_AVX512=ON
                -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_BF16=ON"

AVX2 alone on both sides: the first five of these for the peer, --options "--cpu-mask 1" for libllm.

    python3 tests/bench/compare.py --peer-python VENV/bin/python MODEL.gguf ...

A round is one process of each, the order changing from round to round. Each process loads the file, warms up, and
reads a prompt of -p tokens and decodes -t tokens one by one, both after -d others, -r times over; its median counts.
"Load and first token" is the whole process for libllm, and leaves out the start of Python for the peer. Processor time
is that of the whole measuring process, the start of Python included; where other programs hold the machine it says
more than the rates do, but threads that wait by spinning count as busy: measure with --threads 1.

--bench NAME=COMMAND, any number of times: a further peer, by its own llama-bench, such as "ik=DIR/llama-bench -rtr 1".
Its load and first token is a process that reads one token; it has no prompt after a depth.

-b 1,2,4,16 compares sequences that decode together instead: each reads a prompt of -d tokens (0: 16), then each writes
one token a step, -t steps; the rates count the tokens of all. A further peer: --batched-bench NAME=COMMAND, such as
"ik -rtr=DIR/llama-batched-bench -rtr"."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "..", "build", "bin")

READING = "GB/s, reading memory"  # as roofline calls it

# Key, heading, format, whether more is better.
ROWS = [("prompt", "prompt, tokens/s", "{:.1f}", True), ("decode", "decode, tokens/s", "{:.2f}", True),
        ("load_ms", "load, ms", "{:.0f}", False), ("first_ms", "load and first token, ms", "{:.0f}", False),
        ("peak_mib", "peak memory, MiB", "{:.0f}", False), ("cpu_s", "processor time, s", "{:.2f}", False)]


# ---- the peer, in a process of its own ----

def peer(a):
    import llama_cpp
    n_ctx = a.depth + max(a.prompt, a.tokens) + 16
    start = time.perf_counter()
    model = llama_cpp.Llama(a.models[0], n_ctx=n_ctx, n_threads=a.threads, n_threads_batch=a.threads, n_batch=512,
                            verbose=False, flash_attn=a.peer_flash)
    load_ms = 1e3 * (time.perf_counter() - start)
    ids = [(7919 * i + 13) % min(model.n_vocab(), 30000) for i in range(n_ctx)]

    def run(n_before, n, at_once):
        model.reset()
        if n_before:
            model.eval(ids[:n_before])
        start = time.perf_counter()
        if at_once:
            model.eval(ids[n_before:n_before + n])
        else:
            for token in ids[n_before:n_before + n]:
                model.eval([token])
        return n / (time.perf_counter() - start)

    run(0, 1, True)
    first_ms = 1e3 * (time.perf_counter() - start)
    out = {"load_ms": load_ms, "first_ms": first_ms, "version": llama_cpp.__version__,
           "system": llama_cpp.llama_print_system_info().decode()}
    for key, n, at_once in (("prompt", a.prompt, True), ("decode", a.tokens, False)):
        rates = [run(a.depth, n, at_once) for _ in range(a.repeats + 1)][1:]
        out[key] = statistics.median(rates)
    print(json.dumps(out))


def peer_batch(a):
    """As the peer's llama-batched-bench: one context for all numbers of sequences, which share no cells of its cache."""
    import llama_cpp as l
    model = l.llama_model_load_from_file(a.models[0].encode(), l.llama_model_default_params())
    params = l.llama_context_default_params()
    params.n_ctx, params.n_seq_max, params.kv_unified = max(a.batch) * room(a), max(a.batch), False
    params.n_threads = params.n_threads_batch = a.threads
    params.flash_attn_type = 1 if a.peer_flash else -1
    context, n_vocab = l.llama_init_from_model(model, params), l.llama_vocab_n_tokens(l.llama_model_get_vocab(model))
    batch = l.llama_batch_init(l.llama_n_batch(context), 0, 1)

    def decode(rows):
        """rows: (sequence, position, whether its logits are wanted)"""
        for i, (sequence, position, logits) in enumerate(rows):
            batch.token[i], batch.pos[i] = (7919 * position + 13 * sequence) % min(n_vocab, 30000), position
            batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 1, sequence, logits
        batch.n_tokens = len(rows)
        if l.llama_decode(context, batch):
            sys.exit(f"llama_decode fails with {len(rows)} rows")
        l.llama_synchronize(context)

    def run(n):
        l.llama_memory_clear(l.llama_get_memory(context), False)
        for sequence in range(n):
            for first in range(0, a.depth, 512):
                decode([(sequence, i, i == a.depth - 1) for i in range(first, min(first + 512, a.depth))])
        start = time.perf_counter()
        for step in range(a.tokens):
            decode([(sequence, a.depth + step, True) for sequence in range(n)])
        return n * a.tokens / (time.perf_counter() - start)

    print(json.dumps({"rates": [statistics.median([run(n) for _ in range(a.repeats + 1)][1:]) for n in a.batch],
                      "version": l.__version__, "system": l.llama_print_system_info().decode()}))


# ---- one process of each ----

def run_measured(command, pin):
    """What it printed, on standard error too, and peak memory, processor time, the share of the machine that other
    processes used meanwhile. It runs in a folder of its own, since some write logs where they are."""
    busy, start = busy_seconds(), time.perf_counter()
    command = [os.path.abspath(command[0]) if "/" in command[0] else command[0], *command[1:]]
    if pin:
        command = ["taskset", "-c", pin, *command]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=folder)
        out = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{said[-2000:]}")
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    others = max(0.0, (busy_seconds() - busy - cpu) / (wall * os.cpu_count()))
    return out, said, {"peak_mib": usage.ru_maxrss / 1024, "cpu_s": cpu, "others": others}


def run_json(command, pin):
    out, _, used = run_measured(command, pin)
    return json.loads(out), used


def wall_ms(command, pin):
    start = time.perf_counter()
    run_measured(command, pin)
    return 1e3 * (time.perf_counter() - start)


def busy_seconds():
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def ours(a, model):
    return [a.llm, "bench", model, "--json", "--threads", str(a.threads), *a.options.split()]


def run_ours(a, model):
    d, used = run_json([*ours(a, model), "-p", str(a.prompt), "-n", str(a.tokens), "-d", str(a.depth), "-r",
                        str(a.repeats)], a.pin)
    out = {"load_ms": d["load_ms"], **used}
    for key in ("prompt", "decode"):
        if d[key]:
            out[key] = d[key]["tokens_per_s"]["median"]
    out["first_ms"] = wall_ms([a.llm, "generate", model, "--json", "--ids", "1", "-n", "1", "--threads", str(a.threads),
                               *a.options.split()], a.pin)
    return out


def run_ours_batch(a, model):
    runs = [run_json([*ours(a, model), "-p", "0", "-n", str(a.tokens), "-d", str(a.depth), "-b", str(n), "-r",
                      str(a.repeats)], a.pin) for n in a.batch]
    return {"rates": [d["decode"]["tokens_per_s"]["median"] for d, _ in runs],
            "others": max(used["others"] for _, used in runs)}


def run_peer(a, model):
    d, used = run_json([a.peer_python, os.path.abspath(__file__), "--peer", "--threads", str(a.threads), "-p",
                        str(a.prompt), "-t", str(a.tokens), "-d", str(a.depth), "-r", str(a.repeats),
                        *(["--peer-flash"] if a.peer_flash else []),
                        *(["-b", ",".join(map(str, a.batch))] if a.batch else []), model], a.pin)
    return {**d, **used}


def run_bench(a, model, command):
    """A peer that comes with a llama-bench."""
    common = [*command.split(), "-m", model, "-t", str(a.threads), "-o", "json"]
    sizes = ["-gp", f"{a.depth},{a.tokens}", "-p", "0", "-n", "0"] if a.depth else \
        ["-p", str(a.prompt), "-n", str(a.tokens)]
    tests, used = run_json([*common, *sizes, "-r", str(a.repeats)], a.pin)
    out = dict(used)
    for t in tests:
        key = "decode" if a.depth or t["n_gen"] else "prompt"
        out[key] = statistics.median(t["samples_ts"])
    out["first_ms"] = wall_ms([*common, "-p", "1", "-n", "0", "-r", "1", "-w", "0"], a.pin)
    return out


def run_batched_bench(a, model, command):
    """A peer that comes with a llama-batched-bench, which measures each number of sequences once: named as often as it
    is repeated, the first does not count. Its table has the number in the third column, the rate in the eighth."""
    numbers = [str(n) for n in a.batch for _ in range(a.repeats + 1)]
    out, said, used = run_measured([*command.split(), "-m", model, "-t", str(a.threads), "-c",
                                    str(max(a.batch) * room(a)), "-b", "512", "-ub", "512", "-npp", str(a.depth),
                                    "-ntg", str(a.tokens), "-npl", ",".join(numbers)], a.pin)
    rows = [line.split("|")[1:-1] for line in (out + said).splitlines() if re.match(r"\| *\d+ \|", line)]
    if [row[2].strip() for row in rows] != numbers:
        sys.exit(f"{command}: a table of {len(rows)} rows, expected {len(numbers)}:\n{(out + said)[-2000:]}")
    rates = [float(row[7]) for row in rows]
    n = a.repeats + 1
    return {**used, "rates": [statistics.median(rates[i + 1:i + n]) for i in range(0, len(rates), n)]}


def room(a):
    """Tokens of one sequence, as whole pages of the peers' caches."""
    return -(-(a.depth + a.tokens) // 256) * 256


def limits(a):
    """What roofline says that one thread or two can do, by its names; empty without it."""
    if not os.path.exists(a.roofline):
        return {}
    pin = ["taskset", "-c", a.pin] if a.pin else []
    lines = subprocess.check_output([*pin, a.roofline, "1"], text=True).splitlines()[1:]
    return {name: float((one, two)[min(a.threads, 2) - 1]) for one, two, name in (line.split(None, 2) for line in lines)}


def prompt_products(a, model):
    """Operations of a prompt token's matrix products, without the head, and what kind of limit they have."""
    d, _ = run_json([a.llm, "info", model, "--json"], None)
    heads = (2 * d["n_heads"] + 2 * d["n_kv_heads"]) * d["head_dim"]
    kind = "F32" if d["dtype"] in ("F32", "F16", "BF16") else "int8"
    return 2 * d["n_layers"] * d["n_embd"] * (heads + 3 * d["n_ff"]), kind


# ---- the table ----

def spread(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}-{form.format(max(values))})"


def heading(a, model, what, names):
    how = [a.options] * bool(a.options) + [f"{a.threads} threads"] + [f"pinned to {a.pin}"] * bool(a.pin)
    print(f"\n### {os.path.basename(model)}: {', '.join([*how, *what])}, n = {a.rounds}\n")
    print(f"|{' sequences' * bool(a.batch)} | {' | '.join(names)} | ratio{' to the best' if len(names) > 2 else ''} |\n"
          f"|{'---|' * (len(names) + 2)}")


def row(label, values, form, more_is_better):
    """values: those of libllm, then of each peer."""
    peers = [statistics.median(v) for v in values[1:] if v]
    ratio = statistics.median(values[0]) / (max if more_is_better else min)(peers) if peers else float("nan")
    cells = [spread(v, form) if v else "" for v in values]
    print(f"| {label} | {' | '.join(cells)} | {f'{ratio:.2f}' if peers else ''} |")


def footing(sides, found):
    gb = [f[READING] for f in found if f]
    others = [r["others"] for results in sides.values() for r in results]
    print(f"\nOther processes: {100 * statistics.median(others):.0f} % of the machine, at most {100 * max(others):.0f} %."
          f" Reading: {spread(gb, '{:.1f}') + ' GB/s' if gb else 'not measured (no roofline program)'}.")


def report(a, model, sides, found):
    """sides: results of libllm, then of each peer, by name."""
    heading(a, model, [f"prompt {a.prompt}", f"decode {a.tokens}", f"depth {a.depth}"], sides)
    for key, label, form, more_is_better in ROWS:
        row(label, [[r[key] for r in results if key in r] for results in sides.values()], form, more_is_better)
    footing(sides, found)
    if not all(found):
        return
    typical = {name: statistics.median(f[name] for f in found) for name in found[0]}
    ours = {key: statistics.median(r[key] for r in sides["libllm"]) for key in ("prompt", "decode")}
    n_bytes, (n_operations, kind) = os.path.getsize(model), prompt_products(a, model)
    width = "256-bit" if "--cpu-mask" in a.options else "512-bit"
    limit = next((name for name in typical if f"{kind}, {width}" in name and typical[name]), None)
    if limit and a.prompt >= 32:  # fewer rows wait for memory
        g = ours["prompt"] * n_operations / 1e9
        print(f"The prompt's products make {g:.0f} G/s, {100 * g / typical[limit]:.0f} % of {typical[limit]:.0f} {limit}.")
    share = ours["decode"] * n_bytes / 1e9 / typical[READING]
    print(f"Decode of libllm reads the file's {n_bytes / 1e6:.0f} MB at {100 * share:.0f} % of the reading rate.")


def report_batch(a, model, sides, found):
    heading(a, model, ["tokens/s of all sequences", f"{a.tokens} steps after {a.depth} tokens"], sides)
    for i, n in enumerate(a.batch):
        row(n, [[r["rates"][i] for r in results] for results in sides.values()], "{:.1f}", True)
    footing(sides, found)


def compare(a):
    one, peer, bench, say = (run_ours_batch, run_peer, run_batched_bench, report_batch) if a.batch else \
        (run_ours, run_peer, run_bench, report)
    runs = {"libllm": one} | ({"llama.cpp": peer} if a.peer_python else {})
    for further in a.batched_bench if a.batch else a.bench:
        name, command = further.split("=", 1)
        runs[name] = lambda a, model, command=command: bench(a, model, command)
    for model in map(os.path.abspath, a.models):
        sides, found = {name: [] for name in runs}, []
        for i in range(a.rounds):
            found.append(limits(a))
            for name in list(runs)[::1 if i % 2 == 0 else -1]:
                sides[name].append(runs[name](a, model))
            found.append(limits(a))
            print(f"{os.path.basename(model)}: round {i + 1} of {a.rounds}", file=sys.stderr, flush=True)
        say(a, model, sides, found)
        for r in [results[0] for results in sides.values() if "version" in results[0]]:
            print(f"llama-cpp-python {r['version']}; {r['system'].strip()}")
        sys.stdout.flush()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--llm", default=os.path.join(BUILD, "llm"))
    p.add_argument("--options", default="", help="further options of libllm, such as '--cpu-mask 1' for AVX2 alone")
    p.add_argument("--roofline", default=os.path.join(BUILD, "roofline"))
    p.add_argument("--peer-python", default=sys.executable, help="a Python that has llama-cpp-python; empty: none")
    p.add_argument("--bench", action="append", default=[], metavar="NAME=COMMAND", help="another peer's llama-bench")
    p.add_argument("--batched-bench", action="append", default=[], metavar="NAME=COMMAND",
                   help="another peer's llama-batched-bench")
    p.add_argument("--peer-flash", action="store_true", help="the peer's flash attention")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--pin", help="CPUs for taskset, such as 0,1")
    p.add_argument("-n", "--rounds", type=int, default=5)
    p.add_argument("-p", "--prompt", type=int, default=512)
    p.add_argument("-t", "--tokens", type=int, default=64)
    p.add_argument("-d", "--depth", type=int, default=0)
    p.add_argument("-r", "--repeats", type=int, default=3)
    p.add_argument("-b", "--batch", type=lambda text: [int(n) for n in text.split(",")], default=[],
                   help="numbers of sequences that decode together, such as 1,2,4,16")
    p.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    if a.bench if a.batch else a.batched_bench:
        p.error("--batched-bench goes with -b, --bench without")
    if a.batch and not a.depth:
        a.depth = 16
    (peer_batch if a.batch else peer)(a) if a.peer else compare(a)


if __name__ == "__main__":
    main()
