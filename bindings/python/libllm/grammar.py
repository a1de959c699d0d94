"""Constrained output: what a completion may look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libllm import native as _native
from libllm._arguments import ModelLike, Text, TextList, as_list, check, checked
from libllm._handle import Handle
from libllm._schema import schema_text

# What each kind is made of, and by which call.
KINDS: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "gbnf": (Text, _native.llm_grammar_from_gbnf),
    "json_schema": (Any, _native.llm_grammar_from_json_schema),
    "regex": (Text, _native.llm_grammar_from_regex),
    "choices": (TextList, _native.llm_grammar_from_choices),
}


@checked
class Grammar(Handle):
    """Made for one model: Grammar(model, regex="[0-9]+"). One of gbnf (text), json_schema (dict, text, pydantic model
    or dataclass), regex (text), choices (texts). It keeps what it has learned about the vocabulary, so one that is used
    again is faster."""

    def __init__(self, model: ModelLike, **source: Any):
        ((kind, value),) = source.items() if len(source) == 1 else ((None, None),)
        if kind not in KINDS:
            raise TypeError(f"a Grammar is made of one of {', '.join(KINDS)}, not of {', '.join(source) or 'nothing'}")
        taken, make = KINDS[kind]
        check(taken, f"Grammar: {kind}", value)
        if kind == "json_schema":
            value = schema_text(value)
        elif kind == "choices":
            value = as_list(value)
        super().__init__(make(model.tokenizer._raw, value))
