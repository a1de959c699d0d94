"""Items that the bundled model was trained to read, and experiments on it. PYTHONPATH names the package's folder."""

import os
import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "examples" / "models" / "tiny-reasoner.gguf"
SHARED = Path(os.environ.get("LLM_SHARED_DATA", ROOT.parent / "shared" / "data"))

if not MODEL.exists():
    pytest.skip(f"no {MODEL}", allow_module_level=True)

from libllm import experiments as ex  # noqa: E402

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
        pytest.skip(f"no reference data in {SHARED}")
    return SHARED / "eval"
