"""Constrained output: what a completion may look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libllm import native as _native
from libllm._arguments import ModelLike, checked
from libllm._handle import Handle
from libllm._schema import schema_text

KINDS = ("gbnf", "json_schema", "regex", "choices")


@checked
class Grammar(Handle):
    """Made for one model: Grammar(model, regex="[0-9]+"). One of gbnf (text), json_schema (dict, text, pydantic
    model or dataclass), regex (text), choices (texts). It keeps what it has learned about the vocabulary, so one that is used again is faster."""

    def __init__(self, model: ModelLike, **source: Any):
        ((kind, value),) = source.items() if len(source) == 1 else ((None, None),)
        if kind not in KINDS:
            raise TypeError(f"a Grammar is made of one of {', '.join(KINDS)}, not of {', '.join(source) or 'nothing'}")
        if kind == "json_schema":
            value = schema_text(value)
        make: Callable[[Any, Any], Any] = {
            "gbnf": _native.llm_grammar_from_gbnf,
            "json_schema": _native.llm_grammar_from_json_schema,
            "regex": _native.llm_grammar_from_regex,
            "choices": _native.llm_grammar_from_choices,
        }[kind]
        super().__init__(make(model.tokenizer._raw, value))
