"""Keyword arguments as the library's option structures, by the library's own table."""

from __future__ import annotations

import difflib
import functools
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from libllm import _peers
from libllm import native as _native
from libllm._arguments import check
from libllm.errors import ArgumentError, NotFound, OptionError

_MAKERS = {
    "runtime": _native.llm_runtime_options,
    "model": _native.llm_model_options,
    "engine": _native.llm_engine_options,
    "generate": _native.llm_generate_options,
    "quantize": _native.llm_quantize_options,
    "template": _native.llm_template_options,
    "prompt": _native.llm_prompt_options,
    "fill": _native.llm_fill_options,
    "ask": _native.llm_ask_options,
}
# group -> what takes its options
OWNERS = {
    "runtime": "Runtime()",
    "model": "Model()",
    "engine": "Model()",
    "generate": "generate(), chat() and the others that generate",
    "quantize": "quantize()",
    "template": "render() and chat()",
    "prompt": "Prompt()",
    "fill": "Prompt.fill() and ask()",
    "ask": "ask()",
}
_TYPES = {
    _native.LLM_OPTION_INT: int,
    _native.LLM_OPTION_FLOAT: float,
    _native.LLM_OPTION_BOOL: bool,
    _native.LLM_OPTION_STRING: str,
    _native.LLM_OPTION_DTYPE: str,
}


@functools.cache
def table(group: str) -> dict[str, Any]:
    """The options of a group by name, each with type, meaning, default_as, minimum and maximum."""
    rows = (_native.llm_option_get(group, i) for i in range(_native.llm_option_count(group)))
    return {row.name: row for row in rows}


RANDOM = "random"  # what a seed may be beside a number; None says the same


def _as_text(name: str, value: Any, row: Any) -> str:
    if name == "seed" and isinstance(value, str) and value == RANDOM:
        return value
    is_flag = row.maximum == 1 and isinstance(value, bool)  # also where another integer has a meaning of its own
    check(bool if is_flag else _TYPES[row.type], f"option {name}", value)
    if isinstance(value, str):
        return value
    try:
        return repr(float(value)) if row.type == _native.LLM_OPTION_FLOAT else repr(int(value))
    except (OverflowError, ValueError) as error:  # 10**400, 10**5000
        raise OptionError(f"option {name}: {error}") from None


class Options:
    """One structure; `raw` is what the calls take, valid as long as this object."""

    __slots__ = ("group", "raw", "_texts")

    def __init__(self, group: str):
        self.group = group
        self.raw: Any = _MAKERS[group]()
        self._texts: list[str] = []

    def put(self, name: str, value: Any) -> None:
        """Sets a member; None leaves the default."""
        if value is None:
            return
        row = table(self.group).get(name)
        text = _as_text(name, value, row) if row else str(value)
        self._texts.append(text)  # strings are borrowed
        try:
            self.raw.put(name, text)
        except (NotFound, ArgumentError) as error:
            raise error.as_kind(OptionError) from None


def split(keywords: Mapping[str, Any], *groups: str, beside: Iterable[str] = ()) -> Iterator[Options]:
    """The structures of `groups`; a keyword goes to each group that has it. One that none has is an OptionError."""
    structures = [Options(group) for group in groups]
    for name, value in keywords.items():
        if name == "seed" and (value is None or isinstance(value, str) and value == RANDOM):
            # Requests draw for themselves; groups that share a seed get the same one.
            value = RANDOM if groups == ("generate",) else secrets.randbits(53)
        takers = [options for options in structures if name in table(options.group)]
        for options in takers:
            options.put(name, value)
        if not takers:
            known = [*beside, *(known for group in groups for known in table(group))]
            raise unknown(name, f"in group {' or '.join(groups)}", known)
    return iter(structures)


def _owner(name: str) -> str:
    """What takes a keyword; "" if it is none of ours."""
    return next((OWNERS[group] for group in OWNERS if name in table(group)), _peers.OWNERS.get(name, ""))


def unknown(name: str, where: str, known: Iterable[str]) -> OptionError:
    """What is wrong with a keyword that a call does not have: it belongs elsewhere, others call it so, or it looks like
    another. known: those of the call."""
    known = list(known)
    own = _owner(name)
    hint = f"it is an option of {own}" if own else _peers.hint_of(name, known, _owner)
    if not hint:
        near = difflib.get_close_matches(name, known, 1)
        few = f"expected one of {', '.join(known)}" if len(known) < 8 else "see help(libllm.keywords)"
        hint = f"did you mean {json.dumps(near[0])}?" if near else few
    return OptionError(f'there is no option "{name}" {where}: {hint}')
