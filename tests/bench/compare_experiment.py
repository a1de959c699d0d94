#!/usr/bin/env python3
"""An experiment beside the plain loop of llama-cpp-python: 8-shot chain-of-thought, greedy, on the same files, prompts,
threads and most new tokens; medians and ratios as a Markdown table.

    python3 tests/bench/compare_experiment.py --package BUILD/python --peer-python VENV/bin/python MODEL.gguf ...

libllm: Experiment.execute into a new results file, with everything it does (rendering, computing, log-probabilities,
judging, SQLite). The peer: one call a prompt, twice: with what its context still holds of the prompt before it
("prefix"), and with its LlamaRAMCache besides ("ram"); the faster one counts. Loading is in neither. A round is a
process of each, in changing order. Questions are made by examples/tiny-model/corpus, or read by --data."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


# ---- the same prompts for both ----


def problems(n, n_shots):
    """Items and examples from the generator of the bundled model's corpus, on its held-out side."""
    sys.path.insert(0, os.path.join(ROOT, "examples", "tiny-model"))
    from corpus import arithmetic
    from corpus.grammar import expand

    rng = random.Random("compare_experiment")
    made = [arithmetic.word_problem(rng, expand, rng.choice((2, 3)), test=i < n) for i in range(n + n_shots)]
    records = [{"question": p.question, "answer": str(p.answer), "rationale": p.worked()} for p in made]
    return records[:n], records[n:]


def experiment(a):
    from libllm import experiments as ex

    if a.data:
        data = ex.load(a.data, a.task, examples=a.examples, limit=a.items)
    else:
        items, examples = problems(a.items, a.shots)
        data = ex.from_records(items, "problems").with_examples(examples)
    prompt = ex.Prompt.cot(max_tokens=a.tokens)
    return ex.Experiment(
        a.models[:1],
        [prompt],
        data,
        ex.exact_number,
        shots=[a.shots],
        engine={"n_threads": a.threads, **({"n_seqs": a.seqs} if a.seqs else {})},
    )


# ---- each in a process of its own ----


def ours(a):
    from libllm.experiments import backend

    with tempfile.TemporaryDirectory() as folder:
        with experiment(a) as first:
            opened = backend.open_engine(next(iter(first.models.values())), first.engine_options)
        backend.open_engine = lambda path, options: opened  # loading is in neither time
        start = time.perf_counter()
        with experiment(a) as run:
            result = run.execute(os.path.join(folder, "results.db"), progress=False)
            wall = time.perf_counter() - start
            plan = run.plan(measure=False)
        print(
            json.dumps(
                {
                    "wall": wall,
                    "n_new": sum(r["n_new"] for r in result.samples),
                    "n_prompt": plan.n_prompt_tokens,
                    "n_unique": plan.n_unique_tokens,
                    "right": sum(r["score"] for r in result.samples),
                    "texts": [r["text"] for r in result.samples],
                }
            )
        )


def prompts(a):
    with experiment(a) as run:
        grid = run._grid(next(iter(run.models)))
        print(json.dumps([[grid.requests[s.key].text, list(grid.requests[s.key].stops)] for s in grid.samples]))


def peer(a):
    import llama_cpp

    asked = json.load(sys.stdin)
    model = llama_cpp.Llama(
        a.models[0], n_ctx=a.n_ctx, n_threads=a.threads, n_threads_batch=a.threads, n_batch=512, verbose=False
    )
    if a.peer == "ram":
        model.set_cache(llama_cpp.LlamaRAMCache(capacity_bytes=2 << 30))
    model.create_completion(asked[0][0], max_tokens=1, temperature=0)
    start, texts, n_new, n_prompt = time.perf_counter(), [], 0, 0
    for text, stops in asked:
        answer = model.create_completion(text, max_tokens=a.tokens, temperature=0, stop=stops)
        texts.append(answer["choices"][0]["text"])
        n_new += answer["usage"]["completion_tokens"]
        n_prompt += answer["usage"]["prompt_tokens"]
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - start,
                "n_new": n_new,
                "n_prompt": n_prompt,
                "texts": texts,
                "version": llama_cpp.__version__,
            }
        )
    )


# ---- both in turn ----


def child(a, python, how, model, given=None):
    command = [
        python,
        os.path.abspath(__file__),
        *how,
        "--threads",
        str(a.threads),
        "-n",
        str(a.items),
        "-t",
        str(a.tokens),
        "-k",
        str(a.shots),
        "--n-ctx",
        str(a.n_ctx),
        "--seqs",
        str(a.seqs),
        *(["--data", a.data, "--task", a.task] if a.data else []),
        *(["--examples", a.examples] if a.examples else []),
        model,
    ]
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([a.package, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, env=env, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def compare(a, model):
    given = child(a, sys.executable, ["--prompts"], model)
    runs = {
        "libllm": lambda: child(a, sys.executable, ["--ours"], model),
        **{
            f"llama-cpp-python, {kind}": lambda kind=kind: child(a, a.peer_python, ["--peer", kind], model, given)
            for kind in ("prefix", "ram")
        },
    }
    results = {name: [] for name in runs}
    for i in range(a.rounds):
        for name in list(runs)[:: 1 if i % 2 == 0 else -1]:
            results[name].append(json.loads(runs[name]()))
            print(
                f"{os.path.basename(model)}: round {i + 1}, {name}: {results[name][-1]['wall']:.1f} s", file=sys.stderr
            )
    tell(a, model, results)


def tell(a, model, results):
    mine = results["libllm"][0]
    print(
        f"\n### {os.path.basename(model)}: {a.shots} shots, {a.items} items, {a.threads} threads, at most {a.tokens} "
        f"new tokens, n = {a.rounds}\n"
    )
    print(
        "| | samples/s | new tokens/s | prompt tokens | new tokens | same text as libllm |\n|---|---|---|---|---|---|"
    )
    for name, rounds in results.items():
        first = rounds[0]
        same = sum(x == y for x, y in zip(first["texts"], mine["texts"]))
        print(
            f"| {name} | {spread([a.items / r['wall'] for r in rounds])} | "
            f"{spread([r['n_new'] / r['wall'] for r in rounds])} | {first['n_prompt']} | {first['n_new']} | "
            f"{same} of {a.items} |"
        )
    best = max(
        statistics.median(r["n_new"] / r["wall"] for r in rounds) for n, rounds in results.items() if n != "libllm"
    )
    rate = statistics.median(r["n_new"] / r["wall"] for r in results["libllm"])
    samples = {n: statistics.median(a.items / r["wall"] for r in rounds) for n, rounds in results.items()}
    others = max(v for n, v in samples.items() if n != "libllm")
    print(
        f"\nRatio to the faster of the two: {samples['libllm'] / others:.2f} in samples, {rate / best:.2f} in new "
        f"tokens. libllm computed {mine['n_unique']} of {mine['n_prompt']} prompt tokens; right: {mine['right']:.0f} "
        f"of {a.items}. llama-cpp-python {results['llama-cpp-python, ram'][0]['version']}.",
        flush=True,
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument(
        "--package", default=os.path.join(ROOT, "build", "python"), help="the folder with the package libllm"
    )
    p.add_argument("--peer-python", default=sys.executable, help="a Python that has llama-cpp-python")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("-n", "--items", type=int, default=200)
    p.add_argument("-k", "--shots", type=int, default=8)
    p.add_argument("-t", "--tokens", type=int, default=96)
    p.add_argument("-r", "--rounds", type=int, default=3)
    p.add_argument("--n-ctx", type=int, default=1024, help="the peer's context")
    p.add_argument("--seqs", type=int, default=0, help="sequences that libllm computes at once; 0: the default")
    p.add_argument("--data", help="items instead of made-up ones")
    p.add_argument("--task", help="their format")
    p.add_argument("--examples", help="their shots")
    p.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--prompts", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--peer", choices=("prefix", "ram"), help=argparse.SUPPRESS)
    p.add_argument("models", nargs="+")
    a = p.parse_args()
    if a.ours or a.prompts or a.peer:
        ours(a) if a.ours else prompts(a) if a.prompts else peer(a)
        return
    for model in a.models:
        compare(a, model)


if __name__ == "__main__":
    main()
