"""Metrics: against worked examples and the packages that define them."""

import numpy as np
import pytest

from libllm import experiments as ex
from libllm.experiments import metrics


def score(metric, found, **fields):
    return metric.judge(ex.Outcome(found, fields)).score


@pytest.mark.parametrize(
    "answer,reference,expected",
    [
        ("18", "9 + 9\n#### 18", 1),
        ("18.0", "18", 1),
        ("1,234", "1234", 1),
        ("17", "18", 0),
        (None, "18", 0),
        ("-3", "3", 0),
        ("2", ["1", "2"], 1),
    ],
)
def test_exact_number(answer, reference, expected):
    assert score(ex.exact_number, answer, answer=reference) == expected


@pytest.mark.parametrize(
    "answer,reference,expected",
    [
        ("12345678900", 12345678901, 0),
        ("12345678901", "12345678901", 1),
        ("100000000000000000000", 1e20, 1),
        ("100000000000000000001", 1e20, 0),
        ("0.3", 0.1 + 0.2, 1),
        ("12345678901.4", "12345678901.5", 0),
        ("0.0000001", 1e-7, 1),
        ("5", "\uff15", 1),
        ("0.5", ".5", 1),
        ("0.75", "3/4", 1),
        ("0.25", "3/4", 0),
        ("1000", "1e3", 1),
        ("1", "1e3", 0),
        ("0.0015", "1.5e-3", 1),
        ("0.0027", "1.5e-3", 0),
        ("5.5", "5\u00bd", 1),
        ("3.5", "3 1/2", 1),
        ("0.75", "\\frac{3}{4}", 1),
        ("1500", "1.5x10^3", 1),
        ("-5", "-$5", 1),
        ("5", "-$5", 0),
        ("1234", "1'234", 1),
        ("1234.5", "$1,234.50 in all", 1),
        ("1234", "\\boxed{1{,}234}", 1),
    ],
)
def test_exact_number_compares_exactly(answer, reference, expected):
    assert score(ex.exact_number, answer, answer=reference) == expected


NOT_ONE = ["10:30", "2024-05-01", "2^10", "2\u03c0", "\\sqrt{2}", "x\u00b2 + 1", "5-7"]
NOT_ONE += ["1.2.3", "12,34", "1 234", "0x1f", "5'10", "He has 3 + 4 = 7", "1/0", "1/8/2", "192.168.0.1", "3 of 4"]
NOT_ONE += ["x2"]


@pytest.mark.parametrize("reference", [*NOT_ONE, "", "none", True, float("nan")], ids=repr)
def test_exact_number_refuses_what_is_not_one_number(reference):
    with pytest.raises(ex.ExperimentError, match="exact_number: the answer .*expected"):
        ex.exact_number.check({"answer": reference})
    with pytest.raises(ex.ExperimentError):
        ex.exact_number.check({"answer": ["5", reference]})


def test_numbers_in_the_data_are_compared_as_they_are_written():
    assert score(ex.exact, "5", answer=5.0) == score(ex.exact, "5.0", answer=5) == 1
    assert score(ex.exact, "100000000000000000000", answer=1e20) == 1
    assert score(ex.exact, "true", answer=True) == 1
    assert score(ex.accuracy([1, 2]), "1", answer=1.0) == 1
    for wrong in ({"a": 1}, [[1]], [], None, [None]):
        with pytest.raises(ex.ExperimentError, match="expected an answer"):
            ex.exact.check({"answer": wrong})


def test_exact_ignores_case_blanks_and_final_punctuation():
    assert score(ex.exact, " The  Cat. ", answer="the cat") == 1
    assert score(ex.exact, "the cats", answer="the cat") == 0


def test_f1_is_that_of_squad():
    assert score(ex.f1, "the cat sat", answer="a cat sat down") == pytest.approx(0.8)
    assert score(ex.f1, None, answer="x") == 0 and score(ex.f1, "x", answer=["y", "x"]) == 1


def test_f1_of_numbers_and_letters():
    assert score(ex.f1, "15", answer="1.5") == score(ex.f1, "5", answer="-5") == 0
    assert score(ex.f1, "1234", answer="1,234.") == 1
    assert score(ex.f1, None, answer="A") == score(ex.f1, "b", answer="A") == 0
    assert score(ex.f1, "a", answer="A") == 1 and score(ex.f1, "", answer="") == 1


def test_accuracy_refuses_an_answer_outside_its_labels():
    assert score(ex.accuracy(["yes", "no"]), "Yes.", answer="yes") == 1
    for answer in ("maybe", ["yes", "maybe"]):
        with pytest.raises(ex.ExperimentError, match="none of the labels"):
            score(ex.accuracy(["yes", "no"]), "yes", answer=answer)
    with pytest.raises(ex.ExperimentError, match="a list of labels"):
        ex.accuracy("yes")
    with pytest.raises(ex.ExperimentError, match="alike"):
        ex.accuracy(["Yes", "yes."])


def test_text_metrics_are_those_of_their_packages():
    sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
    pytest.importorskip("rouge_score", reason="rouge-score is not installed")
    pairs = [
        ("the cat sat on the mat today", "the cat sat on a mat"),
        ("a dog runs fast", "the dog runs very fast now"),
    ]
    judged = [ex.bleu().judge(ex.Outcome(a, {"answer": r})) for a, r in pairs]
    corpus = ex.bleu().combine(np.sum([v.vector for v in judged], axis=0))
    wanted = sacrebleu.metrics.BLEU(effective_order=True).corpus_score([a for a, _ in pairs], [[r for _, r in pairs]])
    assert corpus == pytest.approx(wanted.score)
    assert score(ex.chrf(), *pairs[0][:1], answer=pairs[0][1]) == pytest.approx(
        sacrebleu.sentence_chrf(pairs[0][0], [pairs[0][1]]).score
    )
    assert score(ex.rouge("rouge1"), "the cat", answer="the cat") == 1


def test_multiple_choice_normalizes_by_length():
    fields = {"choices": ["no", "certainly yes"], "answer": 1}
    scored = (ex.Scored(" no", -2.0, 1), ex.Scored(" certainly yes", -4.0, 3))
    taken = {how: ex.multiple_choice(how).judge(ex.Outcome(None, fields, scored)).answer for how in metrics.NORMALIZE}
    assert taken == {"none": "no", "tokens": "certainly yes", "bytes": "certainly yes"}


@pytest.mark.parametrize("answer,place", [(1, 1), ("b", 1), ("B", 1), ("(A)", 0)])
def test_the_right_choice_by_place_text_or_letter(answer, place):
    assert metrics.right_choice(answer, ["a", "b"]) == place


@pytest.mark.parametrize(
    "answer,choices,place",
    [
        (2, [1, 2, 3], 1),
        (4, [3, 4, 5], 1),
        ("2", ["1", "2"], 1),
        (1.0, [1, 2], 0),
        (0, ["0", "1"], 0),
        (True, [False, True], 1),
    ],
)
def test_numeric_choices_are_texts(answer, choices, place):
    assert metrics.right_choice(answer, choices) == place


def test_a_choice_that_is_not_clear_is_refused():
    with pytest.raises(ex.ExperimentError, match="the text of choice 0 and the place of '2'"):
        metrics.right_choice(1, ["1", "2"])
    for answer, choices in [(5, [1, 2]), (True, ["a", "b"]), ("C", ["a", "b"]), (None, ["a", "b"]), (1.5, ["a", "b"])]:
        with pytest.raises(ex.ExperimentError, match="not among the 2 choices"):
            metrics.right_choice(answer, choices)
    with pytest.raises(ex.ExperimentError, match="the same"):
        ex.multiple_choice().check({"choices": ["a", "a"], "answer": 0})


def test_a_continuation_without_tokens_wins_nothing():
    fields = {"choices": ["a", "b"], "answer": 0}
    for metric in (ex.multiple_choice(), ex.perplexity()):
        scored = (ex.Scored(" a", 0.0, 0), ex.Scored(" b", -1.0, 1))[: 1 if metric.name == "perplexity" else 2]
        with pytest.raises(ex.ExperimentError, match="' a' has no token to score"):
            metric.judge(ex.Outcome(None, fields, scored))


def test_perplexity_of_a_cell_is_over_all_tokens():
    metric = ex.perplexity()
    verdicts = [metric.judge(ex.Outcome(None, {}, (ex.Scored("x", lp, n),))) for lp, n in [(-2.0, 1), (-6.0, 3)]]
    assert metric.combine(np.sum([v.vector for v in verdicts], axis=0)) == pytest.approx(np.exp(2))


def test_a_users_function_and_its_faults():
    def right(answer, fields) -> bool:
        return answer == fields["answer"]

    metric = metrics.as_metric(right)
    assert metric.binary and metric.name == "right" and score(metric, "x", answer="x") == 1
    with pytest.raises(ex.ExperimentError, match="returned 'x'"):
        score(metrics.as_metric(lambda a, f: "x"), "y")
    with pytest.raises(ex.ExperimentError, match="no field 'answer'.*fields={'answer': ...}"):
        score(ex.exact, "y", question="z")
    with pytest.raises(ex.ExperimentError, match="did you mean 'exact_number'"):
        metrics.find("exact_numbr")


def test_two_functions_of_one_name_are_two_metrics():
    def one():
        def same(a, f):
            return 1

        return same

    def two():
        def same(a, f):
            return 0

        return same

    assert ex.of_function(one()).hash != ex.of_function(two()).hash
    hashes = {ex.of_function(eval(f"lambda a, f: a == {text!r}")).hash for text in ("x", "y")}
    assert len(hashes) == 2, "without a source file, too"


def test_a_missing_package_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rouge_score.rouge_scorer", None)
    with pytest.raises(ex.MissingPackage, match="pip install rouge-score"):
        ex.rouge()
