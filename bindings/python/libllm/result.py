"""What a request answers. Arrays are views of the library's memory: not copied, read-only, kept alive by the view."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from libllm import _display
from libllm import native as _native
from libllm._arguments import checked
from libllm._handle import Uncopied, snapshot
from libllm._peers import missing
from libllm.records import Stats
from libllm.token_ids import TokenIds


def finish_reason_of(finish: str) -> str:
    """Why a completion ended, in OpenAI's words."""
    return "length" if finish in ("length", "context") else "stop"


class Event(NamedTuple):
    """Something that happened to a request: a token (token -1: none), whole characters of text, or the end. logprob and
    top, [(id, log-probability)] with the most probable first, are there with n_logprobs."""

    index: int  # type: ignore[assignment]
    token: int
    text: str
    finish: str
    n_tokens: int
    logprob: float | None = None
    top: Sequence[tuple[int, float]] = ()


class Completion(Uncopied):
    """One completion, or one scored continuation."""

    __slots__ = ("_result", "index")

    def __init__(self, result: Any, index: int):
        self._result = result
        self.index = index

    @property
    def text(self) -> str:
        return _native.llm_result_text(self._result, self.index)

    @property
    def ids(self) -> TokenIds:
        """Token ids, int32 [n]."""
        return _native.llm_result_tokens(self._result, self.index)

    @property
    def finish(self) -> str:
        """Why it ended: "eos", "stop", "length", "context", "cancelled" or "grammar"."""
        return _native.llm_finish_name(_native.llm_result_finish(self._result, self.index))

    @property
    def finish_reason(self) -> str:
        """The same in OpenAI's words: "length" or "stop"."""
        return finish_reason_of(self.finish)

    @property
    def logprobs(self) -> memoryview[float]:
        """Log-probability of each token, float32 [n]; empty unless n_logprobs was given."""
        return _native.llm_result_logprobs(self._result, self.index)

    @property
    def logprob(self) -> float:
        """Sum of logprobs."""
        return math.fsum(self.logprobs)

    @property
    def top_ids(self) -> memoryview[int]:
        """The most probable ids at each token, int32 [n, n_logprobs], best first."""
        return _native.llm_result_top(self._result, self.index)[0]

    @property
    def top_logprobs(self) -> memoryview[float]:
        """Their log-probabilities, float32 [n, n_logprobs]."""
        return _native.llm_result_top(self._result, self.index)[1]

    @property
    def is_greedy(self) -> bool:
        """Each token was the most probable one; needs n_logprobs of 1 or more."""
        top = self.top_ids
        n_tokens, n_top = top.shape or (0, 0)
        if len(self.ids) and not (n_tokens and n_top):
            raise ValueError("is_greedy needs n_logprobs of 1 or more")
        return all(top[i, 0] == token for i, token in enumerate(self.ids))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values: index, text, ids, finish, finish_reason; with n_logprobs, logprobs, top_ids and
        top_logprobs too."""
        members = {name: getattr(self, name) for name in ("index", "text", "finish", "finish_reason")}
        members["ids"] = self.ids.tolist()
        if len(self.logprobs):
            members |= {name: getattr(self, name).tolist() for name in ("logprobs", "top_ids", "top_logprobs")}
        return members

    def _said(self) -> str:
        n = len(self.ids)
        return f"{self.finish} after {n} token{'s' if n != 1 else ''}"

    def _repr_html_(self) -> str:
        return _display.text(self.text) + _display.small(self._said())

    if not TYPE_CHECKING:  # which would take any name then

        def __getattr__(self, name: str) -> Any:
            raise missing(self, "Result", name)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text!r}, {self.finish}>"


@checked
class Result(Completion):
    """Of one prompt: the first completion, and all of them as a sequence."""

    __slots__ = ("__dict__",)

    def __init__(self, result: Any):
        super().__init__(result, 0)

    def __len__(self) -> int:
        return _native.llm_result_count(self._result)

    @overload
    def __getitem__(self, index: int) -> Completion: ...

    @overload
    def __getitem__(self, index: slice) -> list[Completion]: ...

    def __getitem__(self, index: int | slice) -> Completion | list[Completion]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [Completion(self._result, place) for place in places]
        return Completion(self._result, places)

    def __iter__(self) -> Iterator[Completion]:
        return (Completion(self._result, i) for i in range(len(self)))

    def _repr_html_(self) -> str:
        stats = self.stats
        said = f"{stats.n_prompt_tokens} tokens of prompt, seed {stats.seed}" + (self.warning and f"; {self.warning}")
        if len(self) == 1:
            return _display.text(self.text) + _display.small(f"{self._said()}; {said}")
        return _display.table((one.index, one.text, one._said()) for one in self) + _display.small(said)

    @property
    def warning(self) -> str:
        """What was odd about the prompt, such as text that spells the model's own marks of turns but was read as
        characters; "" if nothing was. The log says it too."""
        return _native.llm_result_warning(self._result)

    def to_dict(self) -> dict[str, Any]:
        """Of the first completion all of it, with the request's stats and warning, and completions: a list of all."""
        completions = [completion.to_dict() for completion in self]
        return {**completions[0], "warning": self.warning, "stats": dict(vars(self.stats)), "completions": completions}

    @functools.cached_property
    def stats(self) -> Stats:
        """n_prompt_tokens, n_cached_tokens, n_tokens, queue_ms, prompt_ms, decode_ms."""
        return snapshot(_native.llm_result_get_stats(self._result), Stats)
