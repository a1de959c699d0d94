#!/usr/bin/env python3
"""libllm beside llama.cpp (PyPI llama-cpp-python) on the same files: alternating in one run, medians and ratios as a
Markdown table, with the machine's read bandwidth and the share of other processes, because both move.

    python3 -m venv VENV && CMAKE_ARGS="-DGGML_NATIVE=ON" VENV/bin/pip install llama-cpp-python

Where the processor names AMX but the virtual machine does not let programs use it, such a build of the peer ends with
an illegal instruction; there, name its instruction sets one by one, without AMX:

    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_AVX512=ON
                -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_BF16=ON"

    python3 tests/bench/compare.py --peer-python VENV/bin/python MODEL.gguf ...

A round is one process of each, the order changing from round to round. Each process loads the file, warms up, and
reads a prompt of -p tokens and decodes -t tokens one by one, both after -d others, -r times over; its median counts.
"Load and first token" is the whole process for libllm, and leaves out the start of Python for the peer. Processor time
is that of the whole measuring process, the start of Python included; where other programs hold the machine it says
more than the rates do, but threads that wait by spinning count as busy: measure with --threads 1.

--bench NAME=COMMAND, any number of times: a further peer, by its own llama-bench, such as "ik=DIR/llama-bench -rtr 1".
Its load and first token is a process that reads one token; it has no prompt after a depth."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(HERE, "..", "..", "build", "bin")

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


# ---- one process of each ----

def run_measured(command, pin):
    """What it printed, and peak memory, processor time, the share of the machine that other processes used meanwhile."""
    busy, start = busy_seconds(), time.perf_counter()
    if pin:
        command = ["taskset", "-c", pin, *command]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{errors.decode()[-2000:]}")
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    others = max(0.0, (busy_seconds() - busy - cpu) / (wall * os.cpu_count()))
    return json.loads(out), {"peak_mib": usage.ru_maxrss / 1024, "cpu_s": cpu, "others": others}


def wall_ms(command, pin):
    start = time.perf_counter()
    run_measured(command, pin)
    return 1e3 * (time.perf_counter() - start)


def busy_seconds():
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def run_ours(a, model):
    common = [a.llm, "bench", model, "--json", "--threads", str(a.threads), *a.options.split()]
    d, used = run_measured([*common, "-p", str(a.prompt), "-n", str(a.tokens), "-d", str(a.depth), "-r",
                            str(a.repeats)], a.pin)
    out = {"load_ms": d["load_ms"], **used}
    for key in ("prompt", "decode"):
        if d[key]:
            out[key] = d[key]["tokens_per_s"]["median"]
    out["first_ms"] = wall_ms([a.llm, "generate", model, "--json", "--ids", "1", "-n", "1", "--threads", str(a.threads),
                               *a.options.split()], a.pin)
    return out


def run_peer(a, model):
    d, used = run_measured([a.peer_python, os.path.abspath(__file__), "--peer", "--threads", str(a.threads), "-p",
                            str(a.prompt), "-t", str(a.tokens), "-d", str(a.depth), "-r", str(a.repeats),
                            *(["--peer-flash"] if a.peer_flash else []), model], a.pin)
    return {**d, **used}


def run_bench(a, model, command):
    """A peer that comes with a llama-bench."""
    common = [*command.split(), "-m", model, "-t", str(a.threads), "-o", "json"]
    sizes = ["-gp", f"{a.depth},{a.tokens}", "-p", "0", "-n", "0"] if a.depth else \
        ["-p", str(a.prompt), "-n", str(a.tokens)]
    tests, used = run_measured([*common, *sizes, "-r", str(a.repeats)], a.pin)
    out = dict(used)
    for t in tests:
        key = "decode" if a.depth or t["n_gen"] else "prompt"
        out[key] = statistics.median(t["samples_ts"])
    out["first_ms"] = wall_ms([*common, "-p", "1", "-n", "0", "-r", "1", "-w", "0"], a.pin)
    return out


def bandwidth(a):
    """GB/s that one thread or two can read, or None."""
    if not os.path.exists(a.roofline):
        return None
    pin = ["taskset", "-c", a.pin] if a.pin else []
    for line in subprocess.check_output([*pin, a.roofline, "1"], text=True).splitlines():
        if line.endswith("reading memory"):
            return float(line.split()[0 if a.threads == 1 else 1])
    sys.exit(f"{a.roofline} names no reading rate")


# ---- the table ----

def spread(values, form):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}-{form.format(max(values))})"


def report(a, model, sides, gb):
    """sides: results of libllm, then of each peer, by name."""
    how = [a.options] * bool(a.options) + [f"{a.threads} threads"] + [f"pinned to {a.pin}"] * bool(a.pin)
    kind = f"{', '.join(how)}, prompt {a.prompt}, decode {a.tokens}"
    names = list(sides)
    print(f"\n### {os.path.basename(model)}: {kind}, depth {a.depth}, n = {a.rounds}\n")
    print(f"| | {' | '.join(names)} | ratio{' to the best' if len(names) > 2 else ''} |\n|{'---|' * (len(names) + 2)}")
    for key, heading, form, more_is_better in ROWS:
        values = [[r[key] for r in sides[name] if key in r] for name in names]
        peers = [statistics.median(v) for v in values[1:] if v]
        ratio = statistics.median(values[0]) / (max if more_is_better else min)(peers) if peers else float("nan")
        cells = [spread(v, form) if v else "" for v in values]
        print(f"| {heading} | {' | '.join(cells)} | {f'{ratio:.2f}' if peers else ''} |")
    others = [r["others"] for results in sides.values() for r in results]
    print(f"\nOther processes: {100 * statistics.median(others):.0f} % of the machine, at most {100 * max(others):.0f} %."
          f" Reading: {spread(gb, '{:.1f}') + ' GB/s' if gb else 'not measured (no roofline program)'}.")
    ours = sides[names[0]]
    if gb:
        n_bytes = os.path.getsize(model)
        share = statistics.median(r["decode"] for r in ours) * n_bytes / 1e9 / statistics.median(gb)
        print(f"Decode of libllm reads the file's {n_bytes / 1e6:.0f} MB at {100 * share:.0f} % of that.")
    for r in [results[0] for results in sides.values() if "version" in results[0]]:
        print(f"llama-cpp-python {r['version']}; {r['system'].strip()}")
    sys.stdout.flush()


def compare(a):
    runs = {"libllm": run_ours}
    if a.peer_python:
        runs["llama.cpp"] = run_peer
    for peer in a.bench:
        name, command = peer.split("=", 1)
        runs[name] = lambda a, model, command=command: run_bench(a, model, command)
    for model in a.models:
        sides, gb = {name: [] for name in runs}, []
        for i in range(a.rounds):
            gb.append(bandwidth(a))
            for name in list(runs)[::1 if i % 2 == 0 else -1]:
                sides[name].append(runs[name](a, model))
            gb.append(bandwidth(a))
            print(f"{os.path.basename(model)}: round {i + 1} of {a.rounds}", file=sys.stderr, flush=True)
        report(a, model, sides, [x for x in gb if x])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--llm", default=os.path.join(BUILD, "llm"))
    p.add_argument("--options", default="", help="further options of libllm, such as '--cpu-mask 1' for AVX2 alone")
    p.add_argument("--roofline", default=os.path.join(BUILD, "roofline"))
    p.add_argument("--peer-python", default=sys.executable, help="a Python that has llama-cpp-python; empty: none")
    p.add_argument("--bench", action="append", default=[], metavar="NAME=COMMAND", help="another peer's llama-bench")
    p.add_argument("--peer-flash", action="store_true", help="the peer's flash attention")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--pin", help="CPUs for taskset, such as 0,1")
    p.add_argument("-n", "--rounds", type=int, default=5)
    p.add_argument("-p", "--prompt", type=int, default=512)
    p.add_argument("-t", "--tokens", type=int, default=64)
    p.add_argument("-d", "--depth", type=int, default=0)
    p.add_argument("-r", "--repeats", type=int, default=3)
    p.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    peer(a) if a.peer else compare(a)


if __name__ == "__main__":
    main()
