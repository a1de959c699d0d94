"""What arguments may be. Their annotations say it; a call is checked by them before the library sees it, so that an
error names the argument, what was found and what is expected."""

from __future__ import annotations

import functools
import inspect
import os
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence, Set, Sized
from typing import Annotated, Any, NamedTuple, TypeVar, Union

from libllm import _peers
from libllm import keywords as _keywords
from libllm.token_ids import TokenIds

T = TypeVar("T")


def described(value: Any) -> str:
    """A value as errors show it: its type, and what it is where that is short."""
    name = type(value).__name__
    if value is None:
        return "None"
    return f"{name} {value!r:.40}" if isinstance(value, (str, bytes, int, float)) else name


class Kind(NamedTuple):
    """words: what is expected. fault: what is wrong with a value, after the argument's name; "" if nothing."""

    words: str
    fault: Callable[[Any], str]

    def check(self, what: str, value: Any, raising: type[Exception] = TypeError) -> None:
        fault = self.fault(value)
        if fault:
            raise raising(f"{what}{fault}, expected {self.words}")


def _unless(fits: Callable[[Any], bool]) -> Callable[[Any], str]:
    return lambda value: "" if fits(value) else f" is {described(value)}"


def is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes, bytearray))


def as_list(value: Any) -> Any:
    """A column of NumPy, pandas, polars or Arrow as a list, unless it is one of numbers; anything else as it is."""
    if isinstance(value, (str, bytes, bytearray, list, tuple, memoryview, TokenIds)) or hasattr(value, "typecode"):
        return value
    if getattr(getattr(value, "dtype", None), "kind", "O") in tuple("biufc"):
        return value
    ways = (getattr(value, name, None) for name in ("tolist", "to_list", "to_pylist"))
    way = next(filter(callable, ways), None)
    return value if way is None or isinstance(value, type) else way()


def is_table(value: Any) -> bool:
    """Several columns, whose iterator gives something else than rows."""
    return hasattr(value, "columns") or hasattr(value, "column_names")


def is_integer(value: Any) -> bool:
    """Those of NumPy and others too; not a truth value, nor an array."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return False
    return getattr(value, "shape", ()) == () and getattr(getattr(value, "dtype", None), "kind", "i") in ("i", "u")


def _is_scalar(value: Any, kinds: str) -> bool:
    return getattr(value, "shape", None) == () and getattr(getattr(value, "dtype", None), "kind", "") in tuple(kinds)


def _is_flag(value: Any) -> bool:
    return isinstance(value, int) and value in (0, 1) or _is_scalar(value, "b")


def _is_real(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool) or is_integer(value)


def _id_fault(value: Any) -> str:
    """Of one row of ids."""
    if is_text(value) or isinstance(value, (Mapping, Set)):
        return f" is {described(value)}"
    try:
        view = memoryview(value)
    except TypeError:
        pass
    else:
        row = view.ndim == 1 and view.format.lstrip("@=<") in ("i", "l", "q")
        return "" if row else f" is an array of {view.ndim} dimensions and format {view.format!r}"
    if not isinstance(value, Iterable):
        return f" is {described(value)}"
    if not isinstance(value, Sized):
        return ""  # what can be read only once is judged as it is read
    wrong = ((i, x) for i, x in enumerate(value) if type(x) is not int and not is_integer(x))
    return next((f"[{i}] is {described(x)}" for i, x in wrong), "")


def _text_list_fault(value: Any) -> str:
    value = as_list(value)
    if is_text(value) or is_table(value) or isinstance(value, Mapping) or not isinstance(value, Iterable):
        return f" is {described(value)}"
    if not isinstance(value, Sized):
        return ""
    return next((f"[{i}] is {described(x)}" for i, x in enumerate(value) if not is_text(x)), "")


def _prompt_fault(value: Any) -> str:
    """Of one prompt."""
    return "" if is_text(value) or hasattr(value, "ids") else _id_fault(value)


def is_many(value: Any) -> bool:
    """Several prompts, not one as text, ids or a filled prompt."""
    if is_text(value) or any(hasattr(value, name) for name in ("ids", "dtype", "typecode", "format")):
        return False
    if isinstance(value, Sequence):
        return not len(value) or not is_integer(value[0])
    return True


def _prompts_fault(value: Any) -> str:
    value = as_list(value)
    if not is_many(value):
        return _prompt_fault(value)
    if is_table(value) or isinstance(value, (Mapping, Set)) or not isinstance(value, Iterable):
        return f" is {described(value)}"
    if not isinstance(value, Sequence):
        return ""
    faults = ((i, _prompt_fault(x)) for i, x in enumerate(value))
    return next((f"[{i}]{fault}" for i, fault in faults if fault), "")


def _scored_fault(value: Any) -> str:
    """Of what score() is given first: a text, or pairs."""
    value = as_list(value)
    if is_text(value):
        return ""
    if is_table(value) or isinstance(value, (Mapping, Set)) or not isinstance(value, Iterable):
        return f" is {described(value)}"
    if not isinstance(value, Sequence):
        return ""
    for i, pair in enumerate(value):
        if is_text(pair) or not isinstance(pair, Sequence) or len(pair) != 2:
            return f"[{i}] is {described(pair)}"
        for j, text in enumerate(pair):
            if not is_text(text):
                return f"[{i}][{j}] is {described(text)}"
    return ""


def _bias_fault(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f" is {described(value)}"
    for key, bias in value.items():
        if not is_integer(key) and not (isinstance(key, str) and key.isdecimal()):
            return f" has the key {described(key)}"
        if not _is_real(bias):
            return f"[{key!r}] is {described(bias)}"
    return ""


_TEXTS = "a list of texts"
Text = Annotated[str | bytes, Kind("a text (str or bytes)", _unless(is_text))]
Path = Annotated[
    str | bytes | os.PathLike[Any],
    Kind("a path (str, bytes or os.PathLike)", _unless(lambda v: isinstance(v, (str, bytes, os.PathLike)))),
]
Ids = Annotated[Any, Kind("token ids: a sequence of integers, or one row of 32- or 64-bit integers", _id_fault)]
_PROMPT = "a text (str or bytes), token ids, or what render() and Prompt.fill() give; a conversation goes to chat()"
PromptLike = Annotated[Any, Kind(f"a prompt: {_PROMPT}", _prompt_fault)]
PromptsLike = Annotated[Any, Kind(f"a prompt or a list of prompts, each {_PROMPT}", _prompts_fault)]
Texts = Annotated[Any, Kind(f"a text (str or bytes) or {_TEXTS}", lambda v: "" if is_text(v) else _text_list_fault(v))]
ModelLike = Annotated[Any, Kind("a Model", _unless(lambda v: hasattr(v, "_turns")))]
TextList = Annotated[Any, Kind(_TEXTS, _text_list_fault)]
Biases = Annotated[Any, Kind("a dict of token ids and numbers", _bias_fault)]
Scored = Annotated[
    Any, Kind("a text with a continuation, or a list of pairs of texts (prompt, continuation)", _scored_fault)
]


# ---- annotations ----

_PLAIN: dict[Any, Kind] = {
    str: Kind("str", _unless(lambda v: isinstance(v, str))),
    bytes: Kind("bytes", _unless(lambda v: isinstance(v, (bytes, bytearray)))),
    bool: Kind("True or False", _unless(_is_flag)),
    int: Kind("an integer", _unless(is_integer)),
    float: Kind("a number", _unless(_is_real)),
    Mapping: Kind("a dict", _unless(lambda v: isinstance(v, Mapping))),
    Sequence: Kind("a list", _unless(lambda v: isinstance(v, Sequence) and not is_text(v))),
    Iterable: Kind("a list", _unless(lambda v: isinstance(v, Iterable) and not is_text(v))),
    os.PathLike: Kind("a path", _unless(lambda v: isinstance(v, os.PathLike))),
    type(None): Kind("None", _unless(lambda v: v is None)),
}


def kind_of(annotation: Any) -> Kind | None:
    """What an annotation says; None: anything."""
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return next((m for m in annotation.__metadata__ if isinstance(m, Kind)), None)
    if origin in (Union, types.UnionType):
        kinds = [kind_of(part) for part in typing.get_args(annotation)]
        return _any_of([kind for kind in kinds if kind is not None]) if None not in kinds else None
    if origin is Callable:
        return Kind("something to call", _unless(callable))
    made = origin if isinstance(origin, type) else annotation
    if made in _PLAIN:
        return _PLAIN[made]
    if not isinstance(made, type) or made in (object, Any):
        return None
    return Kind(f"{made.__name__}", _unless(lambda v: isinstance(v, made) and not (is_text(v) and made is not str)))


def _any_of(kinds: list[Kind]) -> Kind:
    words = dict.fromkeys(kind.words for kind in kinds)

    def fault(value: Any) -> str:
        faults = [kind.fault(value) for kind in kinds]
        return max(faults, key=len) if all(faults) else ""  # the one that looked deepest

    return Kind(" or ".join(words), fault)


def check(annotation: Any, what: str, value: Any) -> None:
    """Raises a TypeError unless the value is what the annotation says."""
    kind = kind_of(annotation)
    if kind is not None:
        kind.check(what, value)


class Taken(NamedTuple):
    """What a function takes: names in their order, of which some may be given by place and some must be given, whether
    any other keyword may follow, and what each may be."""

    names: tuple[str, ...]
    by_place: tuple[str, ...]
    required: tuple[str, ...]
    more: bool
    kinds: dict[str, Kind]


@functools.cache
def taken_by(function: Callable[..., Any]) -> Taken:
    taken = {name: a for name, a in function.__annotations__.items() if name != "return"}  # memoryview[float] is 3.14's
    spelled = types.SimpleNamespace(__annotations__=taken)
    hints = typing.get_type_hints(spelled, getattr(function, "__globals__", {}), include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    kinds = {}
    for p in named:
        kind = kind_of(hints.get(p.name, Any))
        if kind is not None:
            kinds[p.name] = _any_of([kind, _PLAIN[type(None)]]) if p.default is None else kind
    return Taken(
        tuple(p.name for p in named),
        tuple(p.name for p in named if p.kind is not p.KEYWORD_ONLY),
        tuple(p.name for p in named if p.default is p.empty),
        len(named) < len(parameters),
        kinds,
    )


def _check_names(what: str, taken: Taken, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    """Answers to arguments that Python would only count, and to names that other libraries use."""
    if len(args) > len(taken.by_place):
        given, own = args[len(taken.by_place)], [name for name in taken.by_place if name not in ("self", "cls")]
        raise TypeError(
            f"{what} takes {' and '.join(own)} by place, others by name: {described(given)} is one too many"
        )
    lacking = set(taken.required) - set(taken.by_place[: len(args)]) - keywords.keys()
    for name in keywords if lacking or not taken.more else ():
        if name not in taken.names and (not taken.more or _peers.is_theirs(name, lacking)):
            from libllm._options import unknown  # which uses this module

            raise unknown(name, f"in {what}", [known for known in taken.names if known not in ("self", "cls")])


def _documented(doc: str | None, function: Callable[..., Any]) -> str | None:
    """A docstring with the keywords that **options takes, each with its meaning and default."""
    spelled = str(function.__annotations__.get("options", ""))
    listed = getattr(_keywords, spelled.removeprefix("Unpack[").removesuffix("]"), None)
    if not doc or not listed or not listed.__doc__:  # python -OO has none
        return doc
    rows = inspect.cleandoc(listed.__doc__).split("\n\n", 1)[1]
    return f"{inspect.cleandoc(doc)}\n\nKeywords:\n\n{textwrap.indent(rows, '    ')}"


def _checked_function(function: Callable[..., Any], raising: type[Exception]) -> Callable[..., Any]:
    what = function.__qualname__.removesuffix(".__init__") + "()"

    def check_all(args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        taken = taken_by(function)
        if len(args) > len(taken.by_place) or not keywords.keys() <= set(taken.names):
            _check_names(what, taken, args, keywords)
        for name, value in (*zip(taken.by_place, args), *keywords.items()):
            if name in taken.kinds:
                taken.kinds[name].check(f"{what.removesuffix('()')}: {name}", value, raising)

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        check_all(args, keywords)
        return function(*args, **keywords)

    @functools.wraps(function)
    async def call_later(*args: Any, **keywords: Any) -> Any:
        check_all(args, keywords)
        return await function(*args, **keywords)

    made = call_later if inspect.iscoroutinefunction(function) else call
    made.__doc__ = _documented(function.__doc__, function)
    return made


CHECKED_BESIDE = ("__init__", "__getitem__")  # methods that are checked though their names are not public


def checked(thing: T, raising: type[Exception] = TypeError) -> T:
    """A function, or a class with its public methods, whose arguments are checked by their annotations."""
    if not isinstance(thing, type):
        return typing.cast(T, _checked_function(typing.cast(Callable[..., Any], thing), raising))
    for name, member in list(vars(thing).items()):
        if isinstance(member, classmethod) and name[0] != "_":
            setattr(thing, name, classmethod(_checked_function(member.__func__, raising)))
        if inspect.isfunction(member) and (name[0] != "_" or name in CHECKED_BESIDE):
            setattr(thing, name, _checked_function(member, raising))
        if name == "__init__" and inspect.isfunction(member):
            thing.__doc__ = _documented(thing.__doc__, member)
    return thing
