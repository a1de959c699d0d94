"""The verdict: one sentence that claims no more than was measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from libllm import experiments as ex
from libllm.experiments import stats, verdict
from libllm.experiments.result import AXES, CellResult


def right(n, of):
    """Answers of which the first n are right."""
    return [i if i < n else -1 for i in range(of)]


def test_two_prompts_are_one_comparison(invent):
    result = invent({"direct": right(10, 200), "cot": right(140, 200)})
    (row,) = result.compare("direct", "cot")
    assert (f"{100 * row['low']:.0f}", f"{100 * row['high']:.0f}") == ("58", "71")
    assert result.verdict() == "cot beats direct by 65 points (95 %: 58 to 71) on 200 items."
    assert verdict.note(result) == "Paired by item (McNemar, exact)."


def test_an_interval_with_zero_is_no_difference(invent):
    result = invent({"direct": right(10, 40), "cot": right(12, 40)})
    assert result.verdict() == (
        "No difference can be told on 40 items: cot is ahead of direct by 5.0 points (95 %: -4.5 to 14.0)."
    )
    same = invent({"direct": right(10, 40), "cot": right(10, 40)}, file="same.db")
    assert "direct is level with cot at 0 points (95 %: -6.6 to 6.6)." in same.verdict()


def test_the_best_of_several_meets_the_next_and_the_baseline(invent):
    clear = invent({"a": right(20, 200), "b": right(60, 200), "c": right(150, 200)})
    assert clear.verdict().startswith(
        "c beats the next best, b, by 45 points (95 %: 36 to 53) and the baseline, a, by 65 "
    )
    assert clear.verdict().endswith(", on 200 items.") and "all 3 pairs of cells" in verdict.note(clear)
    close = invent({"a": right(20, 200), "b": right(148, 200), "c": right(150, 200)}, file="close.db")
    assert close.verdict().startswith("c beats the baseline, a, by 65 points")
    assert "; no difference from the next best, b, can be told: 1.0 points (95 %: -1." in close.verdict()
    first = invent({"a": right(150, 200), "b": right(20, 200), "c": right(30, 200)}, file="first.db")
    assert first.verdict().startswith("The baseline, a, beats the next best, c, by 60 points")
    second = invent({"a": right(100, 200), "b": right(20, 200), "c": right(150, 200)}, file="second.db")
    assert second.verdict().startswith("c beats the next best, the baseline a, by 25 points")
    none = invent({"a": right(20, 40), "b": right(19, 40), "c": right(21, 40)}, file="none.db")
    assert none.verdict().startswith(
        "No difference can be told on 40 items: c is ahead of the next best, the baseline a,"
    )


def test_cells_are_named_by_what_they_differ_in(invent):
    result = invent({"cot": right(20, 30)}, shots=[0, 1, 4])
    names = [verdict.named(c, result.cells) for c in result.cells]
    assert names == ["cot without examples", "cot with 1 example", "cot with 4 examples"]
    (one,) = invent({"cot": right(20, 30)}, shots=[4], file="one.db").cells
    assert verdict.named(one, [one]) == "cot"
    drawn = invent(
        {"cot": right(20, 30)}, shots=[4], selectors=["bm25", "knn"], sampling=[{}, {"temperature": 1}], file="2.db"
    )
    assert "cot chosen by knn at t=1" in [verdict.named(c, drawn.cells) for c in drawn.cells]


def test_one_cell_has_nothing_to_beat(invent):
    assert invent({"cot": right(20, 30)}).verdict() == "cot: 66.7 % right (95 %: 48.8 to 80.8) on 30 items."


def cells(scores, metric):
    """A result of cells with these scores: [n_cells, n_items]."""
    made = []
    for i, row in enumerate(scores):
        vectors = np.column_stack([row, np.ones(len(row))])
        axes = dict.fromkeys(AXES, "") | {"prompt": f"p{i}", "shots": 0}
        made.append(CellResult(i, axes, [], vectors, 1, stats.estimate(vectors, binary=metric["binary"])))

    def paired(a, b, confidence):
        return stats.paired(a.vectors, b.vectors, stats.mean, metric["binary"], 1, confidence)

    return SimpleNamespace(cells=made, metric=metric, paired=paired)


RIGHT = {"name": "exact", "binary": True, "higher_is_better": True}


def test_twenty_prompts_that_are_alike_are_seldom_told_apart(monkeypatch):
    """The best of them is chosen after looking; without the correction for that one verdict in four would be wrong."""
    rng = np.random.default_rng(7)
    runs = [cells(rng.random((20, 100)) < 0.5, RIGHT) for _ in range(100)]
    assert sum("beats" in verdict.sentence(run) for run in runs) <= 5
    monkeypatch.setattr(verdict, "n_pairs", lambda n: 1)
    assert sum("beats" in verdict.sentence(run) for run in runs) > 15


def test_a_metric_of_which_less_is_better():
    rng = np.random.default_rng(1)
    scores = np.array([rng.normal(9, 1, 50), rng.normal(3, 1, 50)])
    said = verdict.sentence(cells(scores, {"name": "perplexity", "binary": False, "higher_is_better": False}))
    assert said.startswith("p1 beats p0 by ") and " in perplexity (lower is better; 95 %: 5." in said


@pytest.mark.parametrize(
    "values,texts",
    [
        ([61.2, 48.4, 72.1], ["61", "48", "72"]),
        ([12.2, 0.3, 24.1], ["12.2", "0.3", "24.1"]),
        ([12.2, 0.0, 24.1], ["12", "0", "24"]),
        ([3.04, -4.6, 10.7], ["3.0", "-4.6", "10.7"]),
        ([0, -6.6, 6.6], ["0", "-6.6", "6.6"]),
        ([0.02, 0.01, 0.03], ["0.02", "0.01", "0.03"]),
        ([5, 1, 9], ["5", "1", "9"]),
    ],
)
def test_no_bound_is_rounded_to_zero(values, texts):
    assert verdict.numbers(values) == texts


def test_seeds_that_agree_on_every_item_have_no_interval_of_width_zero():
    """Resampling items that are all alike would claim certainty."""
    ones = np.column_stack([np.full(30, 3.0), np.full(30, 3.0)])
    found = stats.paired(ones, ones, binary=True, n_distinct=3)
    assert found.low < 0 < found.high and found.test == "McNemar, exact"


def test_the_command_tells_it(invent, capsys):
    from libllm.experiments.cli import main

    result = invent({"direct": right(10, 40), "cot": right(35, 40)})
    assert main(["compare", str(result.path)]) == 0
    assert result.verdict() in capsys.readouterr().out
    assert isinstance(result, ex.Result)
