"""Sequences: the level below requests, for a sampling or search of one's own."""

from __future__ import annotations

from typing import Any

from libllm import native as _native
from libllm._arguments import Ids, checked
from libllm._handle import Handle
from libllm._run import Turns
from libllm.token_ids import TokenIds


@checked
class Sequence(Handle):
    """A run of tokens with its place in the KV cache, made by model.sequence()."""

    def __init__(self, raw: Any, engine: Any, model: Any, turns: Turns):
        super().__init__(raw, engine, model)
        self._turns = turns

    def eval(self, ids: Ids, n_last: int = 1) -> memoryview[float]:
        """Appends ids, computes them, and gives the logits after the last n_last of them, float32 [n_last, n_vocab]."""
        raw, engine, model = self._raw, self._raw_at(1), self._raw_at(2)
        return self._turns.alone(engine, lambda: _native.sequence_eval(raw, model, ids, n_last))

    def fork(self) -> Sequence:
        """A second sequence with the same tokens, sharing their place in the cache."""
        raw, engine, model = self._raw, self._raw_at(1), self._raw_at(2)
        copy = self._turns.alone(engine, lambda: _native.llm_sequence_fork(raw))
        return Sequence(copy, engine, model, self._turns)

    def rewind(self, n_tokens: int) -> None:
        """Forgets all but the first n_tokens."""
        raw = self._raw
        self._turns.alone(self._raw_at(1), lambda: _native.llm_sequence_rewind(raw, n_tokens))

    @property
    def ids(self) -> TokenIds:
        """Its tokens so far, int32 [n]: a copy."""
        ids: TokenIds = _native.sequence_tokens(self._raw)
        return ids

    def __len__(self) -> int:
        return len(self.ids)
