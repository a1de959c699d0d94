"""Prompts with examples, and what llm_ask answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple, Unpack

from libllm import _display, _options
from libllm import native as _native
from libllm._arguments import Kind, ModelLike, Text, check, checked, described, is_text
from libllm._handle import Handle, Uncopied, snapshot
from libllm._json import as_json, as_mapping
from libllm.errors import NotFound
from libllm.keywords import FillKeywords, PromptKeywords
from libllm.records import Sample, Stats
from libllm.runtime import Runtime, default
from libllm.token_ids import TokenIds

FORMATS: dict[str, int] = {
    name.removeprefix("LLM_EXAMPLES_").lower(): value
    for name, value in vars(_native).items()
    if name.startswith("LLM_EXAMPLES_")
}
STAGES = ("answer", "reasoning", "decompose", "step")


def _fields_fault(value: Any) -> str:
    return "" if is_text(value) or as_mapping(value) is not None else f" is {described(value)}"


def _examples_fault(value: Any) -> str:
    if is_text(value) or as_mapping(value) is not None:
        return ""
    if not isinstance(value, Iterable):
        return f" is {described(value)}"
    if not isinstance(value, Sequence):
        return ""
    wrong = ((i, x) for i, x in enumerate(value) if as_mapping(x) is None)
    return next((f"[{i}] is {described(x)}" for i, x in wrong), "")


Question = Annotated[Any, Kind("a text, or the question's fields (a dict, or its JSON as bytes)", _fields_fault)]
Examples = Annotated[Any, Kind("examples: a list of dicts, or text of JSONL, JSON, CSV or TSV", _examples_fault)]
Variables = Annotated[Any, Kind("variables (a dict, or its JSON as text)", _fields_fault)]


def as_query(question: Any) -> str | bytes:
    """The question's fields as JSON; a text is the field "question"."""
    return as_json({"question": question} if isinstance(question, str) else question, "question")


class Shot(NamedTuple):
    """An example that was chosen: its index, its rank (0: the best), its score."""

    index: int  # type: ignore[assignment]
    rank: int
    score: float


@checked
class Filled(Uncopied):
    """A filled prompt; generate() takes it as a prompt."""

    __slots__ = ("_filled",)

    def __init__(self, raw: Any):
        self._filled = raw

    @property
    def text(self) -> str:
        """As plain text."""
        return _native.llm_filled_text(self._filled)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As a conversation."""
        found: list[dict[str, Any]] = json.loads(_native.llm_filled_messages(self._filled))["messages"]
        return found

    @property
    def ids(self) -> TokenIds:
        """What a model is given, int32 [n]; none if it was filled without a model."""
        return _native.llm_filled_tokens(self._filled)[0]

    @property
    def is_chat(self) -> bool:
        """Whether ids are those of the conversation."""
        return bool(_native.llm_filled_tokens(self._filled)[1])

    @property
    def shots(self) -> list[Shot]:
        """The chosen examples, in the order in which they stand."""
        raws = (_native.llm_filled_shot(self._filled, i) for i in range(_native.llm_filled_shot_count(self._filled)))
        return [Shot(raw.index, raw.rank, raw.score) for raw in raws]

    def to_dict(self) -> dict[str, Any]:
        """All of it: text, messages, chat, n_tokens, n_leaks, shots."""
        found: dict[str, Any] = json.loads(_native.llm_filled_json(self._filled))
        return found

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return _display.text(self.text) + _display.small(f"{len(self.ids)} tokens, {len(self.shots)} examples")

    def __repr__(self) -> str:
        return f"<Filled {self.text!r}>"


@checked
class Prompt(Handle):
    """An instruction, formats and examples: Prompt([{"question": "2+2?", "answer": "4"}], instruction="Answer.").
    Keywords: the options of the group "prompt"; variables may be a dict."""

    def __init__(self, examples: Examples = (), *, runtime: Runtime | None = None, **options: Unpack[PromptKeywords]):
        keywords: dict[str, Any] = dict(options)
        if keywords.get("variables") is not None:
            check(Variables, "option variables", keywords["variables"])
            keywords["variables"] = as_json(keywords["variables"], "variables")
        (shared,) = _options.split(keywords, "prompt")
        super().__init__(_native.llm_prompt_create((runtime or default())._raw, shared.raw))
        if examples:
            self.add(examples)

    def add(self, examples: Examples, format: str = "auto") -> None:
        """Adds examples: dicts, or the text of JSONL, JSON or CSV. All or none. Not once the prompt has been used."""
        if format not in FORMATS:
            raise ValueError(f"format is one of {', '.join(FORMATS)}, not {format!r}")
        if not is_text(examples):
            examples = as_json([examples] if as_mapping(examples) is not None else list(examples), "examples")
            format = "json"
        _native.llm_prompt_add_examples(self._raw, examples, FORMATS[format])

    def __len__(self) -> int:
        """Number of examples."""
        return _native.llm_prompt_example_count(self._raw)

    def __bool__(self) -> bool:
        return True

    def fill(self, question: Question, model: ModelLike = None, **options: Unpack[FillKeywords]) -> Filled:
        """Chooses examples for a question (a text, or its fields) and puts them before it. A model is needed for ids,
        conversations, a budget, and selection by meaning. Keywords: the options of the group "fill"."""
        (shared,) = _options.split(options, "fill")
        raw, query = self._raw, as_query(question)
        if model is None:
            return Filled(_native.llm_prompt_fill(raw, None, query, shared.raw))
        engine = model._raw
        return Filled(model._turns.alone(engine, lambda: _native.llm_prompt_fill(raw, engine, query, shared.raw)))


class Vote(NamedTuple):
    """An answer with its votes; `first` is the index of the first sample that gave it."""

    answer: str
    n_votes: int
    first: int


@checked
class Answer(Uncopied):
    """What model.ask() found."""

    __slots__ = ("_answer", "__dict__")

    def __init__(self, raw: Any):
        self._answer = raw

    @functools.cached_property
    def text(self) -> str | None:
        """The answer, as its first sample spelled it; None if no sample has one."""
        return self.votes[0].answer if self.votes else None

    @functools.cached_property
    def votes(self) -> Sequence[Vote]:
        """Most votes first."""
        raws = (_native.llm_answer_vote(self._answer, i) for i in range(_native.llm_answer_vote_count(self._answer)))
        return [Vote(raw.answer, raw.n_votes, raw.first) for raw in raws]

    @functools.cached_property
    def samples(self) -> Sequence[Sample]:
        """Each completion: stage, parent, finish, text, answer (None: none), ids, logprob, score."""
        return [self._sample(i) for i in range(_native.llm_answer_sample_count(self._answer))]

    def _sample(self, index: int) -> Sample:
        raw = _native.llm_answer_sample(self._answer, index)
        ids = _native.answer_sample_tokens(self._answer, index)
        return snapshot(raw, Sample, stage=STAGES[raw.stage], finish=_native.llm_finish_name(raw.finish), ids=ids)

    @property
    def filled(self) -> Filled:
        """The prompt."""
        return Filled(_native.llm_answer_filled(self._answer))

    @property
    def stats(self) -> Stats:
        """Tokens and times, summed over all requests."""
        return snapshot(_native.llm_answer_get_stats(self._answer), Stats)

    def to_dict(self) -> dict[str, Any]:
        """All of it: answer, votes, samples, usage, prompt."""
        found: dict[str, Any] = json.loads(_native.llm_answer_json(self._answer))
        return found

    def __str__(self) -> str:
        return self.text or ""

    def _repr_html_(self) -> str:
        votes = ((vote.answer, vote.n_votes, self.samples[vote.first].text) for vote in self.votes)
        return _display.table(votes, ("answer", "votes", "its first sample")) + _display.small(
            f"{len(self.samples)} samples"
        )

    def __repr__(self) -> str:
        return f"<Answer {self.text!r}, {len(self.samples)} samples>"


@checked
def extract(text: Text, extractor: str = "text") -> str | None:
    """Finds the answer in a text: "text", "number", "letter", "regex:PATTERN", "json:FIELD", "after:MARKER"; None if
    there is none."""
    try:
        return _native.llm_extract(extractor, text)
    except NotFound:
        return None


@checked
def normalize(text: Text) -> str:
    """The form in which answers are compared."""
    return _native.llm_normalize(text)
