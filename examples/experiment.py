#!/usr/bin/env python3
"""Direct answers against worked steps, with 0 to 4 examples, on the bundled model: a plan, a table with intervals,
paired tests, and a report to look at.

    PYTHONPATH=build/python python3 examples/experiment.py [FOLDER] [--items N] [--picture FILE.svg|.png]

FOLDER (default: experiment) gets results.db and report.html. A run that was ended goes on where it was."""

import argparse
import random
import sys
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "tiny-model"))
from corpus import arithmetic  # noqa: E402  the generator of the model's corpus
from corpus.grammar import expand  # noqa: E402

from libllm import experiments as ex  # noqa: E402


def problems(n, test, seed):
    """Problems of two or three steps; with test, only ones of a kind that training never saw."""
    rng = random.Random(seed)
    made = [arithmetic.word_problem(rng, expand, rng.choice((2, 3)), test=test) for _ in range(n)]
    return [{"question": p.question, "rationale": p.worked(), "answer": str(p.answer)} for p in made]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", nargs="?", type=Path, default=Path("experiment"))
    p.add_argument("--items", type=int, default=200)
    p.add_argument("--picture", type=Path, help="also the first plot of the report as a file")
    a = p.parse_args()

    data = ex.from_records(problems(a.items, True, 1), "word problems").with_examples(problems(4, False, 2))
    direct, cot = ex.Prompt.direct(max_tokens=8), ex.Prompt.cot(max_tokens=100)
    run = ex.Experiment(
        models=[HERE / "models" / "tiny-reasoner.gguf"],
        prompts=[direct, cot],
        shots=[0, 1, 2, 4],
        data=data,
        metric=ex.exact_number,
    )
    print(run.plan(), end="\n\n")
    a.folder.mkdir(parents=True, exist_ok=True)
    result = run.execute(a.folder / "results.db")
    print(result.table(), end="\n\n")
    print(result.compare("direct", "cot"))
    result.report(a.folder / "report.html")
    print(f"\nreport: {a.folder / 'report.html'}")
    if a.picture:
        from libllm.experiments import plots

        a.picture.write_bytes(plots.drawn(partial(plots.intervals, result), form=a.picture.suffix[1:]))


if __name__ == "__main__":
    main()
