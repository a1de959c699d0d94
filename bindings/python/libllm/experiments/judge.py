"""From a completion to a score: find the answer in each vote, count them, ask the metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from libllm.prompt import extract, normalize

from .data import canonical
from .grid import Completion
from .metrics import Metric, Outcome
from .prompts import Prompt


def find_answer(text: str, prompt: Prompt, metric: Metric) -> str | None:
    """The answer in a text: behind the last marker where there is one, by the prompt's extractor or the metric's."""
    if prompt.marker is not None:
        behind = extract(text, f"after:{prompt.marker}")
        text = text if behind is None else behind
    return extract(text, prompt.extract or metric.extractor)


def vote(answers: Sequence[str | None], alike: Callable[[str], str]) -> int:
    """The place of the answer that counts: the first of those that most agree on, None last."""
    forms = [None if a is None else alike(a) for a in answers]
    counts = Counter(f for f in forms if f is not None)
    if not counts:
        return 0
    return forms.index(max(counts, key=lambda f: (counts[f], -forms.index(f))))


def judge(completion: Completion, prompt: Prompt, metric: Metric, fields: dict[str, Any]) -> tuple[Any, ...]:
    """The columns text, ids, logprob, answer, score and stats of a sample."""
    if completion.scored:
        verdict = metric.judge(Outcome(None, fields, completion.scored))
        taken = completion.scored[verdict.place]
        text, ids, logprob, answer = taken.text, None, taken.logprob, verdict.answer
    else:
        answers = [find_answer(text, prompt, metric) for text, _, _ in completion.outputs]
        place = vote(answers, normalize)
        verdict = metric.judge(Outcome(answers[place], fields))
        text, tokens, logprob = completion.outputs[place]
        answer = answers[place] if verdict.answer is None else verdict.answer
        ids = canonical(list(tokens))
    return text, ids, logprob, answer, verdict.score, canonical(verdict.vector)
