"""Keyword arguments as the library's option structures, by the library's own table."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from libllm import native as _native
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
_KINDS = {
    _native.LLM_OPTION_INT: (int,),
    _native.LLM_OPTION_FLOAT: (int, float),
    _native.LLM_OPTION_BOOL: (bool, int),
    _native.LLM_OPTION_STRING: (str,),
    _native.LLM_OPTION_DTYPE: (str,),
}


@functools.cache
def table(group: str) -> dict[str, Any]:
    """The options of a group by name, each with type, meaning, default_as, minimum and maximum."""
    rows = (_native.llm_option_get(group, i) for i in range(_native.llm_option_count(group)))
    return {row.name: row for row in rows}


def _as_text(name: str, value: Any, kind: int) -> str:
    if hasattr(value, "__index__"):  # NumPy's integers too
        value = int(value)
    elif kind == _native.LLM_OPTION_FLOAT and hasattr(value, "__float__"):
        value = float(value)
    if not isinstance(value, _KINDS[kind]):
        expected = " or ".join(t.__name__ for t in _KINDS[kind])
        raise TypeError(f"option {name}: {expected} is expected, not {type(value).__name__}")
    return value if isinstance(value, str) else repr(value)


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
        text = _as_text(name, value, row.type) if row else str(value)
        self._texts.append(text)  # strings are borrowed
        try:
            self.raw.put(name, text)
        except (NotFound, ArgumentError) as error:
            raise error.as_kind(OptionError) from None


def split(keywords: Mapping[str, Any], *groups: str) -> Iterator[Options]:
    """The structures of `groups`; a keyword goes to each group that has it. One that none has is an OptionError."""
    structures = [Options(group) for group in groups]
    for name, value in keywords.items():
        takers = [options for options in structures if name in table(options.group)]
        for options in takers:
            options.put(name, value)
        if not takers:
            raise _unknown(name, structures)
    return iter(structures)


def _unknown(name: str, structures: list[Options]) -> OptionError:
    """The library names the nearest option of one group; of several groups the one that has a near one."""
    errors = []
    for options in structures:
        try:
            options.raw.put(name, "")
        except NotFound as error:
            errors.append(error)
    near = [error for error in errors if "did you mean" in str(error)]
    return (near or errors)[0].as_kind(OptionError)
