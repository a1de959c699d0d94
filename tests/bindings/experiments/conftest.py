"""Items that the bundled model was trained to read, and experiments on it. PYTHONPATH names the package's folder."""

import os
import random
import re
import sys
from array import array
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "examples" / "models" / "tiny-reasoner.gguf"
SHARED = Path(os.environ.get("LLM_SHARED_DATA", ROOT.parent / "shared" / "data"))

from libllm import experiments as ex  # noqa: E402
from libllm.experiments import backend, grid  # noqa: E402

sys.path.insert(0, str(ROOT / "examples" / "tiny-model"))
from corpus import arithmetic  # noqa: E402
from corpus.grammar import expand  # noqa: E402


def problem(i):
    """A problem of two steps with its worked answer, of the kind that the model has learned."""
    p = arithmetic.word_problem(random.Random(f"experiments/{i}"), expand, 2, test=True)
    return {"question": p.question, "rationale": p.worked(), "answer": str(p.answer)}


@pytest.fixture
def data():
    return ex.from_records([problem(i) for i in range(8)], "problems").with_examples(
        [problem(i) for i in range(20, 26)]
    )


@pytest.fixture
def make(data):
    """An experiment of two prompts on the bundled model; keywords change it."""
    made = []

    def of(**changes):
        given = {
            "models": [MODEL],
            "prompts": [ex.Prompt.direct(max_tokens=8), ex.Prompt.cot(max_tokens=60)],
            "data": data,
            "metric": ex.exact_number,
            "shots": [0, 2],
            "engine": {"n_threads": 2},
        } | changes
        made.append(ex.Experiment(**given))
        return made[-1]

    yield of
    for experiment in made:
        experiment.close()


@pytest.fixture(scope="session")
def shared():
    """The folder of reference data."""
    if not (SHARED / "eval").is_dir():
        pytest.skip(f"needs the shared data ({SHARED}); without it: test_formats_of_benchmarks")
    return SHARED / "eval"


class Invented:
    """An engine that says what it is told to: answers by the name of a prompt and the question, and by the seed where
    they are drawn. What is tried with it depends on no model."""

    path, n_ctx = "invented", 10**6
    identity = grid.Identity("model", "tokenizer", "", "0.0+invented", "cpu: invented")

    def __init__(self, say):
        self.say = say

    def fill(self, prompt, examples, item, shots, selector, seed):
        shown = "".join(f"Q: {e['question']}\nA: {e['answer']}\n\n" for e in examples[:shots])
        text = f"{shown}[{prompt.name}] Q: {item['question']}\nA:"
        return grid.Filled(text, array("i", list(text.encode())))

    def tokenize(self, text):
        return array("i", list(text.encode()))

    def memory(self, requests):
        return 1

    def run(self, requests):
        for place, request in enumerate(requests):
            name, question = re.search(r"\[([^\]]*)\] Q: (.*)\nA:$", request.text, re.S).groups()
            text = self.say(name, question, request.seed)
            yield place, grid.Completion(((text, array("i", list(text.encode())), -1.5),), finish="stop")

    def close(self):
        pass


@pytest.fixture
def invent(tmp_path, monkeypatch):
    """A result of prompts whose answers are given: invent({"direct": answers, "cot": answers}), where answers are
    numbers, one for each item; item i is answered right by i. Or one function for all of them."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")

    def of(given, n_items=None, records=None, name="invented items", file="invented.db", **changes):
        def say(name, question, seed):
            found = given(name, question, seed) if callable(given) else given[name][int(question.split()[1])]
            return f" Let me see. The answer is {found}." if found is not None else " I cannot say."

        monkeypatch.setattr(backend, "open_engine", lambda source, options: Invented(say))
        names = changes.pop("names", None) or list(given)
        n_items = n_items or (None if callable(given) else len(next(iter(given.values()))))
        records = records or [
            {"question": f"item {i} ?", "answer": str(i), "note": f"note {i}"} for i in range(n_items)
        ]
        data = ex.from_records(records, name).with_examples([{"question": "e", "answer": "1"}] * 8)
        prompts = [ex.Prompt(name, marker="The answer is") for name in names]
        with ex.Experiment(MODEL, prompts, data, **{"metric": ex.exact_number} | changes) as experiment:
            return experiment.execute(tmp_path / file)

    return of
