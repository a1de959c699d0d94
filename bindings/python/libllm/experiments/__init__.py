"""Prompt experiments: a grid of prompts, shots, selectors, models, sampling and seeds over a set of items, planned
before it is computed, kept in a file, and told with the statistics that it allows.

    from libllm import experiments as ex
    run = ex.Experiment(["m.gguf"], [ex.Prompt.direct(), ex.Prompt.cot()], ex.load("gsm8k.jsonl"), ex.exact_number)
    print(run.plan())
    result = run.execute("results.db")
    print(result.table(), result.compare("direct", "cot"))
    result.report("report.html")
"""

from .errors import ExperimentError, MissingPackage, need

for _package in ("numpy", "scipy"):
    need(_package, _package, "libllm.experiments")

# ruff: noqa: E402
from .data import Data, Item, from_records
from .experiment import Experiment
from .metrics import (
    Metric,
    Outcome,
    Scored,
    Verdict,
    accuracy,
    bleu,
    chrf,
    exact,
    exact_number,
    f1,
    multiple_choice,
    of_function,
    perplexity,
    rouge,
)
from .plan import Plan
from .prompts import Prompt, Sampling, Selector
from .result import Result
from .table import Table
from .tasks import bbh, gsm8k, load, svamp

__all__ = [
    "Data",
    "Experiment",
    "ExperimentError",
    "Item",
    "Metric",
    "MissingPackage",
    "Outcome",
    "Plan",
    "Prompt",
    "Result",
    "Sampling",
    "Scored",
    "Selector",
    "Table",
    "Verdict",
    "accuracy",
    "bbh",
    "bleu",
    "chrf",
    "exact",
    "exact_number",
    "f1",
    "from_records",
    "gsm8k",
    "load",
    "multiple_choice",
    "of_function",
    "perplexity",
    "rouge",
    "svamp",
]
