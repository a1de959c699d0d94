"""The grid and the plan: what is asked, once, and counted exactly."""

from array import array
from types import SimpleNamespace

import pytest
from conftest import MODEL, problem

from libllm import experiments as ex
from libllm.experiments import backend
from libllm.experiments import plan as plan_module
from libllm.experiments.grid import Identity, Request
from libllm.experiments.prefix import common, unique_tokens

IDENTITY = Identity("model", "tokenizer", "template", "0.1", "cpu")


def test_unique_tokens_are_the_nodes_of_the_prefix_tree():
    sequences = [[1, 2, 3], [1, 2, 4], [1, 2, 4, 5], [7], []]
    nodes = {tuple(s[: i + 1]) for s in sequences for i in range(len(s))}
    assert unique_tokens(array("i", s) for s in sorted(sequences)) == len(nodes) == 6
    assert common(array("i", [1, 2, 3]), array("i", [1, 2, 4, 5])) == 2


def test_a_key_depends_on_all_that_matters():
    base = {
        "text": "t",
        "ids": array("i", [1, 2]),
        "max_tokens": 8,
        "stops": ("x",),
        "votes": 1,
        "sampling": "{}",
        "seed": 1,
    }
    changes = [
        {"ids": array("i", [1, 3])},
        {"max_tokens": 9},
        {"stops": ()},
        {"votes": 2},
        {"sampling": '{"a":1}'},
        {"seed": 2},
        {"seed": None},
        {"continuations": ("y",)},
    ]
    keys = {Request(**base | c).key(IDENTITY) for c in [{}, *changes]}
    others = [
        Identity(*[v + "!" if i == j else v for j, v in enumerate(vars(IDENTITY).values())]) for i in (0, 1, 3, 4)
    ]
    keys |= {Request(**base).key(i) for i in others}
    assert len(keys) == 1 + len(changes) + len(others)


def test_a_key_does_not_depend_on_what_does_not_matter(make):
    """Neither the order of items, nor threads and sequences, nor options that a greedy choice does not read."""
    plain = set(make()._grid("tiny-reasoner").requests)
    data = ex.from_records([problem(i) for i in reversed(range(8))]).with_examples([problem(i) for i in range(20, 26)])
    assert plain == set(make(data=data)._grid("tiny-reasoner").requests)
    assert plain == set(make(engine={"n_threads": 1, "n_seqs": 3})._grid("tiny-reasoner").requests)
    assert plain == set(make(sampling=ex.Sampling(top_k=40, top_p=0.5))._grid("tiny-reasoner").requests)
    assert plain == set(make(seeds=[5])._grid("tiny-reasoner").requests)
    assert plain.isdisjoint(make(sampling=ex.Sampling(temperature=0.8))._grid("tiny-reasoner").requests)


def test_greedy_seeds_ask_once_and_drawn_ones_each(make):
    greedy, drawn = make(seeds=range(3)), make(seeds=range(3), sampling=ex.Sampling(temperature=0.8))
    assert (greedy.plan(measure=False).n_requests, drawn.plan(measure=False).n_requests) == (32, 96)
    assert "the seeds change nothing" in str(greedy.plan(measure=False))


def test_prompts_are_filled_once_for_all_seeds_and_samplings(make, monkeypatch):
    """But for selectors that draw: those once for each seed."""
    filled = []
    real = backend.NativeEngine.fill
    monkeypatch.setattr(
        backend.NativeEngine, "fill", lambda self, *arguments: (filled.append(arguments), real(self, *arguments))[1]
    )
    axes = {"shots": [2], "seeds": range(3), "sampling": [{"temperature": 0.5}, {"temperature": 1.0}]}
    assert len(make(**axes)._grid("tiny-reasoner").samples) == 2 * 2 * 8 * 3 and len(filled) == 2 * 8
    filled.clear()
    drawn = make(**axes, selectors=["random"])._grid("tiny-reasoner")
    assert len(filled) == 2 * 8 * 3 and len({(s.cell, s.item, s.seed) for s in drawn.samples}) == 2 * 2 * 8 * 3
    assert [s.cell for s in drawn.samples] == sorted(s.cell for s in drawn.samples)


def test_items_with_one_seed_do_not_draw_the_same_numbers(make):
    grid = make(sampling=ex.Sampling(temperature=0.8))._grid("tiny-reasoner")
    assert len({r.seed for r in grid.requests.values()}) == 8


def test_cells_without_shots_are_there_once(make):
    assert len(make(selectors=["first", "bm25", "knn"]).cells) == 2 * (1 + 3)


def test_the_plan_counts_what_the_engine_reads(make, tmp_path):
    run = make()
    plan = run.plan(measure=False)
    result = run.execute(tmp_path / "r.db")
    assert plan.n_prompt_tokens == sum(r["n_prompt"] for r in result.samples)
    computed = sum(r["n_prompt"] - r["n_cached"] for r in result.samples)
    assert plan.n_unique_tokens <= computed < 1.3 * plan.n_unique_tokens  # at least the last token of each, and pages
    assert plan.n_new_tokens == 16 * 8 + 16 * 60
    again = run.plan(tmp_path / "r.db", measure=False)
    assert (again.n_cached, again.n_prompt_tokens, again.n_new_tokens) == (32, 0, 0)


def test_the_plan_tells_time_memory_and_power(make):
    plan = make().plan()
    assert plan.seconds > 0 and plan.memory_bytes > MODEL.stat().st_size
    assert plan.n_tests == 2 and plan.smallest_difference is None
    assert "MiB; about" in str(plan) and "corrected by Holm" in str(plan)


def test_the_plan_tells_a_time_on_a_machine_that_is_never_quiet(make, monkeypatch):
    """It compares tries, a longer one with a shorter one; here each takes less time than the one before."""
    ticks = iter([0, 4, 4, 7, 7, 9, 9, 10])
    monkeypatch.setattr(plan_module, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    (part,) = make(shots=[0]).plan().models
    assert part.seconds > 2 + 1, "2 s to read all prompts, 1 s for some of the new tokens"


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"models": ["no.gguf"]}, "no.gguf: no such file"),
        ({"models": []}, "models is empty"),
        ({"prompts": []}, "prompts is empty"),
        ({"prompts": [ex.Prompt("a"), ex.Prompt("a")]}, "'a' is there 2 times"),
        ({"shots": [-1]}, "shots is -1, expected a whole number from 0"),
        ({"shots": [1, 1]}, "1 is there 2 times"),
        ({"shots": [7]}, "7 shots of 6 examples"),
        ({"selectors": ["knm"]}, "did you mean 'knn'"),
        ({"sampling": {"temprature": 1}}, "did you mean 'temperature'"),
        ({"engine": {"n_thread": 1}}, "did you mean 'n_threads'"),
        ({"metric": 3}, "metric is 3, expected a metric"),
        ({"models": [3]}, "expected the path of a model, or an open Model"),
        ({"seeds": 3}, "such as range"),
        ({"selectors": []}, "selectors is empty"),
        ({"sampling": []}, "sampling is empty"),
        (
            {"prompts": [ex.Prompt("a", query_format="{{ quetsion }}")]},
            "query_format of item 0.*did you mean 'question'",
        ),
        ({"prompts": [ex.Prompt("a", instruction="{{ tone|upper }}")]}, "instruction of item 0: unknown name 'tone'"),
        ({"prompts": [ex.Prompt.cot(examples=[{"question": "q", "answer": "1"}] * 2)]}, "of example 0.*'rationale'"),
        ({"data": [problem(0), {"answer": "1"}], "shots": [0]}, "of item 1: unknown name 'question'"),
        (
            {"data": [problem(0), {"question": "q"}], "shots": [0]},
            "item 1: an item has no field 'answer'.*fields={'ans",
        ),
        ({"data": [{"Q": "q", "answer": "1"}], "shots": [0]}, "unknown name 'question'.*fields={'question': ...}"),
        (
            {"metric": ex.perplexity("hint"), "prompts": [ex.Prompt("a")]},
            "perplexity refuses item 0: an item has no field 'hint'",
        ),
        ({"metric": "multiple_choice", "prompts": [ex.Prompt("a")]}, "refuses item 0.*no field 'choices'"),
        (
            {"metric": ex.Metric("own", lambda outcome: ex.Verdict(1.0), check=lambda fields: fields["hint"])},
            "metric own refuses item 0: KeyError: 'hint'",
        ),
        ({"data": [problem(0), {"question": "q", "answer": "two"}], "shots": [0]}, "item 1.*has no number"),
        ({"prompts": [ex.Prompt.cot(max_tokens=2000)]}, "expected at most 1024 in all"),
    ],
)
def test_wrong_input_is_named(make, changes, message):
    with pytest.raises(ex.ExperimentError, match=message):
        make(**changes).plan(measure=False)


@pytest.mark.parametrize("selector", ["random", "balanced"])
def test_drawn_shots_are_those_of_the_seed(make, selector):
    """All items of a seed see the same ones, so that they share their beginning; another seed sees others."""
    run = make(prompts=[ex.Prompt.direct(max_tokens=8)], shots=[2], selectors=[selector], seeds=range(4))
    grid = run._grid("tiny-reasoner")
    shown = {(s.seed, grid.requests[s.key].text.rpartition("Q: ")[0]) for s in grid.samples}
    assert len(shown) == 4 and len({text for _, text in shown}) > 1


def test_a_format_may_ask_for_a_field_that_is_not_there(make):
    own = ex.Prompt(
        "own",
        query_format="{% if hint %}{{ hint }}{% endif %}{{ more | default('') }}{{ tone }} {{ question | trim }}",
        variables={"tone": "Well:"},
        max_tokens=4,
    )
    (text,) = make(prompts=[own], shots=[0]).rendered().values()
    assert text.startswith("Well: ")


@pytest.mark.parametrize(
    "options,message",
    [
        ({"extract": "regex:("}, "missing closing parenthesis"),
        ({"extract": "nummer"}, "no extractor"),
        ({"marker": ""}, "expected after:SOMETHING"),
        ({"chat": 2}, "chat is 2, expected True or False"),
        ({"examples": [3]}, "example 0 is 3"),
        ({"examples": [{"question": float("nan")}]}, "example 0: Out of range"),
    ],
)
def test_a_prompt_says_at_once_what_is_wrong_with_it(options, message):
    with pytest.raises(ex.ExperimentError, match=message):
        ex.Prompt("a", **options)


def test_examples_may_be_data(make, data):
    shown = ex.Prompt.direct(examples=data, max_tokens=4)
    assert data.items[0].fields["question"] in make(prompts=[shown], shots=[2]).rendered(item=3).popitem()[1]
