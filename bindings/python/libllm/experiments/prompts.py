"""The axes of a grid: prompts, selectors of examples, sampling. A Prompt is the library's prompt object (llm/fewshot.h)
with a name and with how its answer is found; the library fills it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from os import PathLike
from typing import Any

from libllm.errors import LlmError
from libllm.prompt import extract

from .data import Data, Fields, digest, fields_of, read_records
from .errors import ExperimentError, check_names

ORDERS = ("best_last", "best_first", "random", "given")
SELECTORS = ("first", "random", "balanced", "knn", "bm25", "mmr")
# What goes to the library's prompt object as it is, and to the call that fills it.
CREATE = (
    "instruction",
    "separator",
    "example_format",
    "query_format",
    "user_format",
    "assistant_format",
    "label_field",
    "rationale_field",
)
TEXTS = (*CREATE, "marker", "extract")
FILL = ("order", "budget", "rationales", "chat")


# A name that a format shows; not one with a default, nor one that a statement sets or asks for.
SHOWN = re.compile(r"\{\{[-+]?\s*([A-Za-z_]\w*)\s*(?=[-+]?\}\}|\.|\[|\|(?!\s*d(?:efault)?\b))")
STATEMENT = re.compile(r"\{%.*?%\}", re.S)
RENAME = "; a field of another name is given this one by load(path, fields={{{name}: ...}})"
GIVEN = ("loop", "caller", "true", "false", "none")


@lru_cache
def shown_names(text: str) -> tuple[str, ...]:
    """The names without which a format has holes."""
    asked = {*GIVEN, *re.findall(r"\w+", " ".join(STATEMENT.findall(text)))}
    return tuple(name for name in SHOWN.findall(text) if name.lower() not in asked and name not in asked)


def check_number(what: str, value: Any, low: float, high: float, kind: Any = (int, float)) -> None:
    """Refuses a number of the wrong kind or outside low..high."""
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        wanted = "a whole number" if kind is int else "a number"
        raise ExperimentError(f"{what} is {value!r}, expected {wanted} from {low} to {high}")


@dataclass(frozen=True)
class Prompt:
    """A prompt template. Formats are Jinja over an item's fields; what is left None has the library's default.

    examples    what shots are chosen from: a list of objects, Data, or a file; None: the data's
    rationales  examples show their field "rationale"
    chat        by the model's chat template; False: as plain text
    stop        where a completion ends; None: before what would begin the next question
    max_tokens  most new tokens; None: as the sampling says
    marker      the answer is sought behind the last of these, where it is in the text
    extract     how it is found there (libllm.extract: "number", "letter", "regex:...", ...); None: as the metric says
    votes       completions of which the most frequent answer counts (self-consistency); 1 where sampling is greedy
    """

    name: str
    query_format: str | None = None
    example_format: str | None = None
    instruction: str | None = None
    separator: str | None = None
    user_format: str | None = None
    assistant_format: str | None = None
    variables: Mapping[str, Any] | None = None
    examples: Sequence[Fields] | Data | str | PathLike[str] | None = None
    label_field: str | None = None
    rationale_field: str | None = None
    order: str = "best_last"
    budget: int = 0
    rationales: bool = False
    chat: bool = False
    stop: Sequence[str] | None = None
    max_tokens: int | None = None
    marker: str | None = None
    extract: str | None = None
    votes: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ExperimentError(f"a prompt's name is {self.name!r}, expected a text that is not empty")
        for name in TEXTS:
            if not isinstance(getattr(self, name), (str, type(None))):
                raise ExperimentError(f"prompt {self.name}: {name} is {getattr(self, name)!r:.60}, expected a text")
        if not isinstance(self.variables, (Mapping, type(None))):
            raise ExperimentError(f"prompt {self.name}: variables is {self.variables!r:.60}, expected a dict")
        check_names(f"prompt {self.name}: order", [self.order], ORDERS)
        check_number(f"prompt {self.name}: votes", self.votes, 1, 1024, int)
        check_number(f"prompt {self.name}: budget", self.budget, 0, 2**31 - 1, int)
        if self.max_tokens is not None:
            check_number(f"prompt {self.name}: max_tokens", self.max_tokens, 1, 2**31 - 1, int)
        if isinstance(self.stop, str) or not all(isinstance(s, str) and s for s in self.stop or ()):
            raise ExperimentError(
                f"prompt {self.name}: stop is {self.stop!r}, expected a list of texts that are not empty"
            )
        for name in ("rationales", "chat"):
            if not isinstance(getattr(self, name), bool):
                raise ExperimentError(f"prompt {self.name}: {name} is {getattr(self, name)!r}, expected True or False")
        self._check_extraction()
        if self.examples is not None:
            path = isinstance(self.examples, (str, PathLike))
            examples: Any = read_records(self.examples) if path else self.examples  # type: ignore[arg-type]
            if not isinstance(examples, Iterable):
                raise ExperimentError(f"prompt {self.name}: examples is {examples!r:.60}, expected a list or a file")
            object.__setattr__(self, "examples", fields_of(examples, f"prompt {self.name}"))

    def _check_extraction(self) -> None:
        """Refuses what would be refused once all is computed."""
        try:
            for extractor in (self.extract, None if self.marker is None else f"after:{self.marker}"):
                if extractor is not None:
                    extract("", extractor)
        except LlmError as e:
            raise ExperimentError(f"prompt {self.name}: {e}") from e

    def check_fields(self, what: str, fields: Fields, is_example: bool) -> None:
        """Refuses an item or example that lacks a field which a format shows: it would be a hole in the prompt."""
        formats = {"query_format": self.query_format or "{{ question }}", "instruction": self.instruction}
        if is_example:
            formats = {"example_format": self.example_format or "{{ question }}{{ answer }}"}
        elif self.chat:
            formats["user_format"] = self.user_format
        for name, text in formats.items():
            known = [*fields, *(self.variables or {})]
            check_names(f"prompt {self.name}: {name} of {what}", shown_names(text or ""), known, RENAME)

    @classmethod
    def direct(cls, name: str = "direct", **changes: Any) -> Prompt:
        """The answer at once: Q: ... A: The answer is"""
        given: dict[str, Any] = {
            "query_format": "Q: {{ question }}\nA: The answer is",
            "marker": "The answer is",
            "max_tokens": 32,
            "example_format": "Q: {{ question }}\nA: The answer is {{ answer }}.",
        }
        return cls(name, **given | changes)

    @classmethod
    def cot(cls, name: str = "cot", **changes: Any) -> Prompt:
        """Steps before the answer (Wei et al., 2022; Kojima et al., 2022)."""
        given: dict[str, Any] = {
            "query_format": "Q: {{ question }}\nA: Let's think step by step.",
            "rationales": True,
            "marker": "The answer is",
            "example_format": "Q: {{ question }}\nA: Let's think step by step. {{ rationale }} The answer is "
            "{{ answer }}.",
        }
        return cls(name, **given | changes)

    @property
    def create_options(self) -> dict[str, Any]:
        """Of the library's prompt object."""
        options = {name: getattr(self, name) for name in CREATE if getattr(self, name) is not None}
        if self.variables is not None:
            options["variables"] = json.dumps(dict(self.variables), ensure_ascii=False)
        return options

    @property
    def fill_options(self) -> dict[str, Any]:
        """Of the call that fills it."""
        return {name: int(value) if isinstance(value := getattr(self, name), bool) else value for name in FILL}

    @property
    def stops(self) -> tuple[str, ...]:
        if self.stop is not None:
            return tuple(self.stop)
        if self.chat:
            return ()
        head = (self.query_format or "Q: {{ question }}\nA:").split("{")[0].strip()
        return (f"\n{head}",) if head else ()

    def template_hash(self, examples: Sequence[Fields], chat_template: str) -> str:
        """Of everything that makes the text: formats, examples, and the model's template if it is used."""
        return digest([self.create_options, self.fill_options, list(examples), chat_template if self.chat else ""])


@dataclass(frozen=True)
class Selector:
    """Which examples are shown (llm_fill_options.select). random and balanced draw anew for each seed, and show the
    same examples to all items of a seed."""

    name: str = "first"
    mmr_lambda: float = 0.5
    bm25_k1: float = 1.2
    bm25_b: float = 0.75

    def __post_init__(self) -> None:
        check_names("selector", [self.name], SELECTORS)

    def seeded(self, prompt: Prompt) -> bool:
        """Whether the seed changes what is shown."""
        return self.name in ("random", "balanced") or prompt.order == "random"

    @property
    def label(self) -> str:
        changed = [f"{f.name}={getattr(self, f.name)}" for f in fields(self)[1:] if getattr(self, f.name) != f.default]
        return " ".join([self.name, *changed])


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn (llm/sampler.h); temperature 0 is greedy. max_tokens: most new tokens of a completion."""

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    penalty_window: int = 64
    max_tokens: int = 256

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():  # ranges beyond these are the library's to check
            if isinstance(getattr(Sampling, name), float):
                check_number(f"sampling: {name}", value, -1e6, 1e6)
                object.__setattr__(self, name, float(value))
            else:
                check_number(f"sampling: {name}", value, -1, 2**31 - 1, int)
        check_number("sampling: temperature", self.temperature, 0, 1e6)
        check_number("sampling: max_tokens", self.max_tokens, 1, 2**31 - 1, int)

    @property
    def greedy(self) -> bool:
        return self.temperature == 0

    @cached_property
    def effective(self) -> dict[str, Any]:
        """The options that change anything: two samplings that draw alike are equal here."""
        values = {k: v for k, v in asdict(self).items() if k != "max_tokens"}
        if self.greedy:
            values = {k: v for k, v in values.items() if "penalty" in k}
        if (self.repetition_penalty, self.presence_penalty, self.frequency_penalty) == (1, 0, 0):
            values = {k: v for k, v in values.items() if "penalty" not in k}
        return values

    @property
    def label(self) -> str:
        values = self.effective
        changed = [
            f"{f.name}={getattr(self, f.name)}"
            for f in fields(self)[1:-1]
            if f.name in values and getattr(self, f.name) != f.default
        ]
        return " ".join(["greedy" if self.greedy else f"t={self.temperature:g}", *changed])


def as_selector(value: Any) -> Selector:
    if isinstance(value, Selector):
        return value
    if isinstance(value, str):
        return Selector(value)
    raise ExperimentError(f"selector is {value!r:.60}, expected a name ({', '.join(SELECTORS)}) or a Selector")


def as_sampling(value: Any) -> Sampling:
    if isinstance(value, Sampling):
        return value
    if isinstance(value, Mapping):
        check_names("sampling", value, [f.name for f in fields(Sampling)])
        return replace(Sampling(), **value)
    raise ExperimentError(f"sampling is {value!r:.60}, expected a Sampling or its options as a dict")
