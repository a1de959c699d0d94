"""lm-evaluation-harness: a model that it can ask.

lm_eval.simple_evaluate(model=LibLLMModel("model.gguf"), tasks=["arc_easy"])
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from libllm import Model

_ROWS = 128  # of logits at a time


@register_model("libllm")
class LibLLMModel(LM):
    """path: a model's file, or a Model. Keywords: the options of Model. Chat templates are not applied."""

    def __init__(
        self,
        path: Any,
        max_gen_toks: int = 256,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        **options: Any,
    ):
        super().__init__()
        self.libllm = Model(path, **options) if isinstance(path, (str, os.PathLike)) else path
        self.max_gen_toks = max_gen_toks
        self.max_length: int = self.libllm.estimate(**{k: v for k, v in options.items() if k == "n_ctx"}).n_ctx
        tokenizer = self.libllm.tokenizer
        # What stands before a text that has nothing before it.
        self.prefix = next((t for t in map(tokenizer.special, ("bos", "eos", "eot")) if t is not None), 0)

    # ---- log-likelihood ----

    def _score_ids(self, before: list[int], after: list[int]) -> tuple[float, bool]:
        """Log-probability of `after` behind `before`, which is not empty, and whether it is the greedy continuation."""
        total, greedy = 0.0, True
        with self.libllm.sequence() as sequence:
            if before[:-1]:
                sequence.eval(before[:-1], 0)
            inputs = [before[-1], *after[:-1]]
            for begin in range(0, len(inputs), _ROWS):
                chunk = inputs[begin : begin + _ROWS]
                logits = np.asarray(sequence.eval(chunk, len(chunk))).astype(np.float64)
                expected = np.asarray(after[begin : begin + _ROWS])
                top = logits.max(axis=1)
                total_of_row = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
                total += float((logits[np.arange(len(chunk)), expected] - total_of_row).sum())
                greedy = greedy and bool((logits.argmax(axis=1) == expected).all())
        return total, greedy

    def _pair(self, context: str, continuation: str) -> tuple[str, str]:
        """Blanks at the end of a context belong to what follows it, as the harness has it."""
        bare = context.rstrip()
        return bare, context[len(bare) :] + continuation

    def _long_pair(self, context: str, continuation: str) -> tuple[float, bool]:
        """One that has nothing before it, or does not fit: by ids, the context cut at its beginning."""
        before = self.libllm.tokenize(context).tolist()
        whole = self.libllm.tokenize(context + continuation).tolist()
        after = whole[len(before) :] if context else self._ids(continuation)
        room = self.max_length - len(after) + 1
        if room < 1:
            raise ValueError(f"a continuation of {len(after)} tokens exceeds the context of {self.max_length}")
        return self._score_ids((before or [self.prefix])[-room:], after)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        pairs = [self._pair(*request.args) for request in requests]
        fits = [bool(a) and len(self.libllm.tokenize(a + b)) <= self.max_length for a, b in pairs]
        scored = iter(
            self.libllm.score([pair for pair, fit in zip(pairs, fits) if fit], n_logprobs=1) if any(fits) else []
        )
        answers = []
        for request, pair, fit in zip(requests, pairs, fits):
            if fit:
                item = next(scored)
                answers.append((item.logprob, item.is_greedy))
            else:
                answers.append(self._long_pair(*pair))
            self.cache_hook.add_partial("loglikelihood", request.args, answers[-1])
        return answers

    def _ids(self, text: str) -> list[int]:
        return self.libllm.tokenize(text, add_special=False).tolist()

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        answers = []
        for request in requests:
            (text,) = request.args
            windows = get_rolling_token_windows(self._ids(text), self.prefix, self.max_length, 1)
            total = 0.0
            for before, after in map(make_disjoint_window, windows):
                total += self._score_ids(list(before), list(after))[0]
            answers.append(total)
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
        return answers

    # ---- generation ----

    def _generation(self, keywords: dict[str, Any]) -> dict[str, Any]:
        """The harness's keywords as those of Model.generate()."""
        keywords = dict(keywords)
        until = keywords.pop("until", None) or []
        most = keywords.pop("max_gen_toks", keywords.pop("max_tokens", self.max_gen_toks))
        sample = keywords.pop("do_sample", keywords.get("temperature", 0) > 0)
        if not sample:
            keywords["temperature"] = 0
        stop = [text for text in ([until] if isinstance(until, str) else until) if text]
        return {**keywords, "max_tokens": most, **({"stop": stop} if stop else {})}

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        answers: dict[int, str] = {}
        for options, group in _by_options(requests):
            keywords = self._generation(options)
            room = max(1, self.max_length - keywords["max_tokens"])
            prompts = [self.libllm.tokenize(requests[i].args[0])[-room:] for i in group]
            for i, result in zip(group, self.libllm.generate(prompts, **keywords)):
                answers[i] = result.text
                self.cache_hook.add_partial("generate_until", requests[i].args, result.text)
        return [answers[i] for i in range(len(requests))]


def _by_options(requests: list[Instance]) -> Iterable[tuple[dict[str, Any], list[int]]]:
    """Requests with the same options are one batch."""
    groups: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for i, request in enumerate(requests):
        options = request.args[1]
        groups.setdefault(repr(sorted(options.items())), (options, []))[1].append(i)
    return groups.values()
