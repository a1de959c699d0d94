"""How right an answer is. A metric is given what one sample came to and says a score; how the scores of a cell combine
is part of it. Text metrics come from the packages that define them (sacrebleu, rouge-score)."""

from __future__ import annotations

import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from libllm.prompt import extract, normalize

from . import number
from .data import Fields, digest
from .errors import ExperimentError, check_names, need
from .stats import Combine, mean


@dataclass(frozen=True)
class Scored:
    """A continuation with its log-probability."""

    text: str
    logprob: float
    n_tokens: int


@dataclass(frozen=True)
class Outcome:
    """What one sample came to: the answer found in its text (None: none), the item's fields, and for metrics of kind
    "choices" or "likelihood" the continuations that were scored."""

    answer: str | None
    fields: Fields
    scored: tuple[Scored, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """score: of this sample. stats: what is summed over samples before Metric.combine; None: (score, 1). answer: what
    the metric takes as the answer, where it is not the extracted one. place: of the continuation that was taken."""

    score: float
    stats: tuple[float, ...] | None = None
    answer: str | None = None
    place: int = 0

    @property
    def vector(self) -> tuple[float, ...]:
        return (self.score, 1.0) if self.stats is None else self.stats


@dataclass(frozen=True)
class Metric:
    """kind: "generate" (judges generated text), "choices" (scores each of the item's choices) or "likelihood" (scores
    one given continuation). extractor: how the answer is found unless the prompt says (libllm.extract). binary: scores
    are 0 or 1. combined_by: how the cell's value comes of the sums of Verdict.stats, see COMBINE. continuations: what
    is scored, for the last two kinds. check: refuses the fields of an item that cannot be judged. source: what, beside
    the name, makes two metrics different."""

    name: str
    judge: Callable[[Outcome], Verdict]
    kind: str = "generate"
    extractor: str = "text"
    binary: bool = True
    higher_is_better: bool = True
    combined_by: str = "mean"
    continuations: Callable[[Fields], Sequence[str]] | None = None
    check: Callable[[Fields], object] = lambda fields: None
    source: str = ""

    @property
    def hash(self) -> str:
        return digest([self.name, self.kind, self.extractor, self.binary, self.combined_by, self.source])

    @property
    def combine(self) -> Combine:
        return COMBINE[self.combined_by]


def field_of(fields: Fields, name: str) -> Any:
    """The field of an item that a metric reads."""
    if name not in fields:
        raise ExperimentError(
            f"an item has no field {name!r}, which the metric compares with; it has {', '.join(fields)}: name the one "
            f"that holds it, load(path, fields={{{name!r}: ...}})"
        )
    return fields[name]


def right_answers(fields: Fields, name: str = "answer") -> list[Any]:
    """The right answers as they are in the data: texts, numbers or truth values."""
    value = field_of(fields, name)
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if not values or not all(isinstance(v, (str, int, float)) for v in values):
        raise ExperimentError(
            f"an item's field {name!r} is {value!r:.80}, expected an answer (a text, a number, true or false) or a "
            "list of them"
        )
    return values


def references(fields: Fields, name: str = "answer") -> list[str]:
    """The same as texts."""
    return [number.spelled(v) for v in right_answers(fields, name)]


# ---- right or wrong ----


def _exact(outcome: Outcome) -> Verdict:
    found = outcome.answer
    wanted = [normalize(r) for r in references(outcome.fields)]
    return Verdict(float(found is not None and normalize(found) in wanted))


def _numbers(fields: Fields) -> list[Any]:
    return [number.reference(v, "exact_number: the answer") for v in right_answers(fields)]


def _exact_number(outcome: Outcome) -> Verdict:
    found = None if outcome.answer is None else extract(outcome.answer, "number")
    return Verdict(float(any(number.same(found, w) for w in _numbers(outcome.fields))), answer=found)


exact = Metric("exact", _exact, check=references)
exact_number = Metric("exact_number", _exact_number, extractor="number", check=_numbers)


def accuracy(labels: Sequence[str] | None = None) -> Metric:
    """Right or wrong by label. An answer that is none of the labels (default: of all right answers) counts as wrong and
    has a column of its own in the confusion matrix (Result.confusion)."""
    if isinstance(labels, str):
        raise ExperimentError(f"accuracy: labels is the text {labels!r:.60}, expected a list of labels")
    names = [number.spelled(x) for x in labels or ()]
    known = {normalize(x): x for x in names}
    if len(known) < len(names):
        raise ExperimentError(f"accuracy: labels {names}: two of them are alike but for case, spaces and punctuation")

    def check(fields: Fields) -> None:
        for wanted in references(fields):
            if known and normalize(wanted) not in known:
                raise ExperimentError(f"accuracy: the right answer {wanted!r} is none of the labels {names}")

    def judge(outcome: Outcome) -> Verdict:
        check(outcome.fields)
        found = outcome.answer
        if found is not None:
            found = known.get(normalize(found), found)
        return Verdict(_exact(replace(outcome, answer=found)).score, answer=found)

    return Metric("accuracy", judge, check=check, source=repr(labels))


# ---- likeness of texts ----


def _words(text: str) -> list[str]:
    """The words that F1 counts: lower case, without punctuation and articles (Rajpurkar et al., 2016). Beyond that, a
    number keeps its sign and point, so that 1.5 is not 15, and a text of articles alone, such as the letter A, keeps
    them."""
    bare = [re.sub("," if number.is_plain(word) else r"[^\w\s]", "", word) for word in _trimmed(text)]
    words = [word for word in bare if word]
    return [w for w in words if w not in ("a", "an", "the")] or words


def _trimmed(text: str) -> list[str]:
    """Words without the punctuation that ends or surrounds them."""
    return [re.sub(r"^[^\w\s.+\-\u2212]+|[^\w\s]+$", "", word) for word in text.lower().split()]


def _f1(outcome: Outcome) -> Verdict:
    def one(reference: str) -> float:
        a, b = Counter(_words(outcome.answer or "")), Counter(_words(reference))
        common = (a & b).total()
        if not a or not b:
            return float(a == b)
        return 2 * common / (a.total() + b.total())

    return Verdict(max(map(one, references(outcome.fields))))


f1 = Metric("f1", _f1, binary=False, check=references)


@lru_cache
def _sacrebleu(metric: str, **options: Any) -> Any:
    return getattr(need("sacrebleu.metrics", "sacrebleu", f"the metric {metric.lower()}"), metric)(**options)


def _sacrebleu_version() -> str:
    return need("sacrebleu", "sacrebleu", "BLEU and chrF").__version__


def bleu() -> Metric:
    """BLEU of the whole cell, 0 to 100 (Papineni et al., 2002), by sacrebleu. A sample's score is its sentence BLEU."""
    scorer = _sacrebleu("BLEU", effective_order=True)

    def judge(outcome: Outcome) -> Verdict:
        one = scorer.sentence_score(outcome.answer or "", references(outcome.fields))
        return Verdict(
            float(one.score), (*map(float, one.counts), *map(float, one.totals), float(one.sys_len), float(one.ref_len))
        )

    return Metric("bleu", judge, binary=False, combined_by="bleu", check=references, source=_sacrebleu_version())


def _corpus_bleu(sums: np.ndarray) -> np.ndarray:
    """Of n-gram matches, n-grams (4 each), words of the answers, words of the references."""
    scorer = _sacrebleu("BLEU", effective_order=True)

    def one(row: np.ndarray) -> float:
        v = [int(round(x)) for x in row]
        return scorer.compute_bleu(v[:4], v[4:8], v[8], v[9], smooth_method="exp").score

    return np.apply_along_axis(one, -1, sums)


def chrf() -> Metric:
    """chrF, 0 to 100 (Popovic, 2015), by sacrebleu: the mean over samples."""
    scorer = _sacrebleu("CHRF")

    def judge(outcome: Outcome) -> Verdict:
        return Verdict(float(scorer.sentence_score(outcome.answer or "", references(outcome.fields)).score))

    return Metric("chrf", judge, binary=False, check=references, source=_sacrebleu_version())


ROUGE_KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def rouge(kind: str = "rougeL") -> Metric:
    """ROUGE's F-measure, 0 to 1 (Lin, 2004), by rouge-score: the mean over samples."""
    check_names("rouge", [kind], ROUGE_KINDS)
    scorer = need("rouge_score.rouge_scorer", "rouge-score", "the metric rouge").RougeScorer([kind], use_stemmer=True)

    def judge(outcome: Outcome) -> Verdict:
        return Verdict(
            max(float(scorer.score(r, outcome.answer or "")[kind].fmeasure) for r in references(outcome.fields))
        )

    return Metric(kind, judge, binary=False, check=references)


# ---- likelihoods ----


def _check_scored(metric: str, one: Scored) -> None:
    """Refuses a continuation of no tokens, whose log-probability of 0 would beat every other."""
    if not one.n_tokens:
        raise ExperimentError(f"{metric}: {one.text!r:.60} has no token to score, expected at least one")
    if not math.isfinite(one.logprob):
        raise ExperimentError(f"{metric}: {one.text!r:.60} has the log-probability {one.logprob}, expected a number")


def perplexity(field: str = "answer", lead: str = " ") -> Metric:
    """Perplexity of lead + the item's field after the prompt; of a cell: over all its tokens."""

    def judge(outcome: Outcome) -> Verdict:
        (one,) = outcome.scored
        _check_scored("perplexity", one)
        return Verdict(math.exp(-one.logprob / one.n_tokens), (-one.logprob, float(one.n_tokens)), one.text)

    return Metric(
        "perplexity",
        judge,
        kind="likelihood",
        binary=False,
        higher_is_better=False,
        combined_by="perplexity",
        continuations=lambda fields: [lead + references(fields, field)[0]],
        check=lambda fields: references(fields, field),
        source=repr((field, lead)),
    )


COMBINE: dict[str, Combine] = {
    "mean": mean,
    "bleu": _corpus_bleu,
    "perplexity": lambda sums: np.exp(sums[..., 0] / sums[..., 1]),
}

NORMALIZE: dict[str, Callable[[Scored], float]] = {
    "none": lambda one: 1.0,
    "tokens": lambda one: float(max(1, one.n_tokens)),
    "bytes": lambda one: float(max(1, len(one.text.encode()))),
}


def multiple_choice(
    normalize: str = "bytes", choices: str = "choices", answer: str = "answer", lead: str = " "
) -> Metric:
    """Takes the choice with the highest log-probability after the prompt, divided by its length in "bytes" or "tokens",
    or "none". The right answer is a choice's text, its place from 0, or its letter."""
    check_names("multiple_choice: normalize", [normalize], NORMALIZE)
    length = NORMALIZE[normalize]

    def listed(fields: Fields) -> list[str]:
        value = field_of(fields, choices)
        if not isinstance(value, (list, tuple)) or len(value) < 2:
            raise ExperimentError(
                f"multiple_choice: an item's field {choices!r} is {value!r:.60}, expected a list of at "
                "least two choices"
            )
        texts = [number.spelled(c) for c in value]
        if len(set(texts)) < len(texts):
            raise ExperimentError(f"multiple_choice: two of the choices {texts} are the same, expected different ones")
        return texts

    def right(fields: Fields) -> int:
        listed(fields)
        return right_choice(field_of(fields, answer), fields[choices])

    def judge(outcome: Outcome) -> Verdict:
        texts = listed(outcome.fields)
        for one in outcome.scored:
            _check_scored("multiple_choice", one)
        marks = [one.logprob / length(replace(one, text=one.text.removeprefix(lead))) for one in outcome.scored]
        best = max(range(len(marks)), key=lambda i: (marks[i], -i))
        return Verdict(float(best == right(outcome.fields)), answer=texts[best], place=best)

    return Metric(
        "multiple_choice",
        judge,
        kind="choices",
        continuations=lambda fields: [lead + text for text in listed(fields)],
        check=right,
        source=repr((normalize, choices, answer, lead)),
    )


def right_choice(answer: Any, choices: Sequence[Any]) -> int:
    """The place of the right answer among the choices. A number is a choice's text where the choices are numbers, and
    a place where they are not."""
    texts = [number.spelled(c) for c in choices]
    by_text = texts.index(number.spelled(answer)) if number.spelled(answer) in texts else None
    by_place = answer if isinstance(answer, int) and not isinstance(answer, bool) else None
    if by_place is not None and 0 <= by_place < len(texts) and not all(map(number.is_number, choices)):
        if by_text not in (None, by_place):
            raise ExperimentError(
                f"multiple_choice: the answer {answer} is the text of choice {by_text} and the place of "
                f"{texts[by_place]!r}, expected one of both: write a text as {str(answer)!r}, a place as a letter"
            )
        return by_place
    if by_text is not None:
        return by_text
    if isinstance(answer, str) and re.fullmatch(r"\(?[A-Z]\)?", answer):
        place = ord(answer.strip("()")) - ord("A")
        if place < len(texts):
            return place
    raise ExperimentError(
        f"multiple_choice: the answer {answer!r} is not among the {len(texts)} choices; expected a "
        "choice's text, its place from 0 (unless the choices are numbers), or its letter"
    )


# ---- the user's own ----


def of_function(function: Callable[..., Any], name: str | None = None, binary: bool | None = None) -> Metric:
    """A metric of function(answer, fields) -> bool or number. answer is None where none was found. binary: whether it
    only says 0 and 1; by default, whether it is annotated to return a bool."""
    if binary is None:
        binary = inspect.get_annotations(function).get("return") in (bool, "bool")

    def judge(outcome: Outcome) -> Verdict:
        value = function(outcome.answer, outcome.fields)
        if isinstance(value, (bool, int, float, np.number, np.bool_)) and math.isfinite(value):
            if binary and value not in (0, 1):
                raise ExperimentError(f"metric {title}: {value!r}, expected 0 or 1 since it is declared binary")
            return Verdict(float(value))
        raise ExperimentError(f"metric {title}: returned {value!r:.60}, expected True, False or a finite number")

    title = str(name or getattr(function, "__name__", type(function).__name__))
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        source = repr([getattr(code, part, title) for part in ("co_code", "co_names", "co_consts")])
    return Metric(title, judge, binary=binary, source=source)


# By name, for configuration files. With the arguments of the functions where they have some.
METRICS: dict[str, Metric | Callable[..., Metric]] = {
    "exact": exact,
    "exact_number": exact_number,
    "accuracy": accuracy,
    "f1": f1,
    "bleu": bleu,
    "chrf": chrf,
    "rouge": rouge,
    "perplexity": perplexity,
    "multiple_choice": multiple_choice,
}


def find(name: str, **options: Any) -> Metric:
    """A metric by its name."""
    check_names("metric", [name], METRICS)
    made = METRICS[name]
    if isinstance(made, Metric):
        if options:
            raise ExperimentError(f"metric {name}: option {next(iter(options))!r}, expected none")
        return made
    check_names(f"metric {name}", options, inspect.signature(made).parameters)
    return made(**options)


def as_metric(value: Any) -> Metric:
    """A metric, the name of one, a function that makes one, or a user's function of (answer, fields)."""
    if isinstance(value, Metric):
        return value
    if isinstance(value, str):
        return find(value)
    if any(value is made for made in METRICS.values()):
        return value()
    if callable(value):
        return of_function(value)
    raise ExperimentError(f"metric is {value!r:.60}, expected a metric, its name or a function of (answer, fields)")
