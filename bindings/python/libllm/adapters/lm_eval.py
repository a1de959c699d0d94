"""lm-evaluation-harness: a model that it can ask.

lm_eval.simple_evaluate(model=LibLLMModel("model.gguf"), tasks=["arc_easy"])
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from libllm import Model, NotFound, OptionError
from libllm import native as _native
from libllm.errors import logger

_ROWS = 128  # of logits at a time
# What the harness calls the most new tokens, the first counts.
_MOST = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
# Of the generation of Hugging Face's models, with the value that changes nothing.
_NEUTRAL = {
    "num_beams": 1,
    "early_stopping": False,
    "length_penalty": 1.0,
    "num_return_sequences": 1,
    "use_cache": True,
}


@register_model("libllm")
class LibLLMModel(LM):
    """path (or pretrained): a model's file, or a Model. Keywords: the options of Model; max_length is its n_ctx. Once a
    chat template has been applied, texts are read as its renderings: special tokens that they spell are special."""

    def __init__(
        self,
        path: Any = None,
        max_gen_toks: int = 256,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        *,
        pretrained: Any = None,
        max_length: int | None = None,
        **options: Any,
    ):
        super().__init__()
        source = pretrained if path is None else path
        if source is None or (path is not None and pretrained is not None):
            raise OptionError("one of path and pretrained is expected: a model's file, or a Model")
        if max_length is not None:
            options.setdefault("n_ctx", max_length)
        if not isinstance(source, Model):
            source = Model(source, **options)
        elif options:
            raise OptionError(f'"{next(iter(options))}" is an option of Model(), and the model is open already')
        self.libllm: Model = source
        self.max_gen_toks = max_gen_toks
        self.max_length: int = source.n_ctx
        self._templated = False

    @property
    def prefix(self) -> int:
        """The id that stands before a text that has nothing before it."""
        for token in map(self.libllm.tokenizer.special, ("bos", "eos", "eot")):
            if token is not None:
                return token
        raise ValueError("the model has neither BOS nor EOS to put before a text that has nothing before it")

    # ---- chat templates ----

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """A conversation as text. Without add_generation_prompt its last message goes on."""
        self._templated = True
        options: Any = {} if add_generation_prompt else {"continue_final_message": True}
        return self.libllm.render(chat_history, add_generation_prompt=add_generation_prompt, **options).text

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The source of the model's template: True, or the name of a variant; None if it is not wanted."""
        if chat_template is False or chat_template is None:
            return None
        name = "tokenizer.chat_template" + (f".{chat_template}" if isinstance(chat_template, str) else "")
        try:
            return _native.llm_model_find_meta(self.libllm._model, name)
        except NotFound:
            self.libllm.template(chat_template if isinstance(chat_template, str) else None)  # says what there is
            return ""  # in a file of its own

    @property
    def tokenizer_name(self) -> str:
        return os.fsdecode(self.libllm.path).replace("/", "__")

    # ---- texts ----

    def _reading(self, text: str) -> dict[str, Any]:
        """How a text is encoded. A rendering spells its own BOS."""
        if not self._templated:
            return {"add_special": True, "parse_special": False}
        bos = self.libllm.tokenizer.special("bos")
        spelled = "" if bos is None else self.libllm.tokenizer.token(bos).text
        return {"add_special": not (spelled and text.startswith(spelled)), "parse_special": True}

    def _encoded(self, text: str) -> list[int]:
        return self.libllm.tokenize(text, **self._reading(text)).tolist()

    def _ids(self, text: str) -> list[int]:
        return self.libllm.tokenize(text, add_special=False, parse_special=self._templated).tolist()

    def _warn_cut(self, what: str, n_tokens: int, room: int) -> None:
        logger.warning("a %s of %d tokens is cut to its last %d: n_ctx is %d", what, n_tokens, room, self.max_length)

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
        """Spaces at the end of a context belong to what follows it, as the harness has it."""
        bare = context.rstrip()
        return bare, context[len(bare) :] + continuation

    def _long_pair(self, context: str, continuation: str) -> tuple[float, bool]:
        """One that has nothing before it, or does not fit: by ids, the context cut at its beginning."""
        before = self._encoded(context) if context else []
        after = self._encoded(context + continuation)[len(before) :] if context else self._ids(continuation)
        if not before and after[:1] == [self.prefix]:
            before, after = after[:1], after[1:]
        if not after:
            raise ValueError(f"the continuation {continuation!r:.60} has no token, expected at least one")
        room = self.max_length - len(after) + 1
        if room < 1:
            raise ValueError(f"a continuation of {len(after)} tokens exceeds the context of {self.max_length}")
        if len(before) > room:
            self._warn_cut("context", len(before), room)
        return self._score_ids((before or [self.prefix])[-room:], after)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        pairs = [self._pair(*request.args) for request in requests]
        answers: list[tuple[float, bool] | None] = [None] * len(requests)
        alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
        for i, (context, continuation) in enumerate(pairs):
            if context and len(self._encoded(context)) < len(self._encoded(context + continuation)) <= self.max_length:
                alike.setdefault(tuple(self._reading(context).items()), []).append(i)
            else:
                answers[i] = self._long_pair(context, continuation)
        for reading, places in alike.items():
            scored = self.libllm.score([pairs[i] for i in places], n_logprobs=1, **dict(reading))
            for i, item in zip(places, scored):
                answers[i] = item.logprob, item.is_greedy
        found = [answer for answer in answers if answer is not None]
        for request, answer in zip(requests, found):
            self.cache_hook.add_partial("loglikelihood", request.args, answer)
        return found

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
        keywords = {name: value for name, value in keywords.items() if value is not None}
        until = keywords.pop("until", [])
        stop = [until] if isinstance(until, str) else until
        if not isinstance(stop, (list, tuple)) or not all(isinstance(text, str) for text in stop):
            raise TypeError(f"until is {until!r:.60}, expected a text or a list of texts")
        given = [keywords.pop(name) for name in _MOST if name in keywords]
        most = int(given[0] if given else self.max_gen_toks)
        if most >= self.max_length:
            raise ValueError(
                f"max_gen_toks is {most}, expected less than the context of {self.max_length} tokens, which the prompt "
                "shares: load the model with a larger n_ctx, or ask for fewer"
            )
        for name, neutral in _NEUTRAL.items():
            if keywords.pop(name, neutral) != neutral:
                raise OptionError(f"{name} is not supported, expected {neutral!r}")
        sample = keywords.pop("do_sample", keywords.get("temperature", 0) > 0)
        keywords["temperature"] = keywords.get("temperature", 1.0) if sample else 0
        stops = [text for text in stop if text]
        return {**keywords, "max_tokens": most, **({"stop": stops} if stops else {})}

    def _prompt(self, text: str, room: int) -> list[int]:
        """Ids of a prompt, cut at its beginning where it does not fit, as the harness does."""
        ids = self._encoded(text)
        if len(ids) > room:
            self._warn_cut("prompt", len(ids), room)
        return ids[-room:]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        answers: dict[int, str] = {}
        for options, repeat, group in _by_options(requests):
            keywords = {"seed": repeat, **self._generation(options)}
            room = self.max_length - keywords["max_tokens"]
            prompts = [self._prompt(requests[i].args[0], room) for i in group]
            for i, result in zip(group, self.libllm.generate(prompts, **keywords)):
                answers[i] = result.text
                self.cache_hook.add_partial("generate_until", requests[i].args, result.text)
        return [answers[i] for i in range(len(requests))]


def _by_options(requests: list[Instance]) -> Iterable[tuple[dict[str, Any], int, list[int]]]:
    """Requests with the same options are one batch. One that is repeated draws anew each time: the number of the repeat
    is its seed."""
    groups: dict[tuple[str, int], tuple[dict[str, Any], int, list[int]]] = {}
    seen: Counter[str] = Counter()
    for i, request in enumerate(requests):
        options = request.args[1]
        named = repr(sorted(options.items()))
        asked = f"{named} {request.args[0]}"
        repeat = seen[asked]
        groups.setdefault((named, repeat), (options, repeat, []))[2].append(i)
        seen[asked] += 1
    return groups.values()
