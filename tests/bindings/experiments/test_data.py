"""Reading items: every format gives the same, faults are named, benchmarks are read as they are."""

import inspect
import json

import pytest

from libllm import experiments as ex

RECORDS = [{"id": "a", "question": "1+1?", "answer": "2"}, {"id": "b", "question": 'a "quoted", b?', "answer": "c\nd"}]


def written(folder, name):
    path = folder / name
    if name.endswith(".jsonl"):
        path.write_text("\ufeff" + "\n".join(json.dumps(r) for r in RECORDS) + "\n\n", encoding="utf-8")
    elif name.endswith(".json"):
        path.write_text(json.dumps({"canary": "x", "examples": RECORDS}))
    elif name.endswith(".tsv"):
        path.write_text('\ufeffid\tquestion\tanswer\na\t1+1?\t2\nb\t"a ""quoted"", b?"\t"c\nd"\n', encoding="utf-8")
    elif name.endswith(".csv"):
        path.write_text('id,question,answer\na,1+1?,2\nb,"a ""quoted"", b?","c\nd"\n')
    else:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(RECORDS), path)
    return path


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.tsv", "x.parquet"])
def test_every_format_gives_the_same_items(tmp_path, name):
    data = ex.load(written(tmp_path, name))
    assert [i.fields for i in data] == RECORDS and [i.id for i in data] == ["a", "b"]
    assert data.hash == ex.from_records(RECORDS).hash


@pytest.mark.parametrize(
    "name,text,message",
    [
        ("x.jsonl", '{"a": 1}\n{oops}\n', "line 2"),
        ("x.jsonl", "", "no items"),
        ("x.jsonl", "[1]\n", "expected an object"),
        ("x.jsonl", '{"id": 1, "q": 2}\n{"id": 1}\n', "both have the id '1'"),
        ("x.jsonl", '{"q": "\\ud800"}\n', "item 0"),
        ("x.csv", "a,b\n1\n", "record 1"),
        ("x.csv", "a,b\n1,2,3\n", "record 1"),
        ("x.json", "3", "expected an array"),
        ("x.txt", "", "suffix '.txt'"),
    ],
)
def test_faults_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(ex.ExperimentError, match=message):
        ex.load(tmp_path / name)


def test_unknown_tasks_name_the_nearest():
    with pytest.raises(ex.ExperimentError, match="did you mean 'gsm8k'"):
        ex.load("x.jsonl", "gsm8")


def test_fields_are_renamed_and_samples_repeat(tmp_path):
    data = ex.load(written(tmp_path, "x.jsonl"), fields={"prompt": "question"})
    assert data.items[0].fields["prompt"] == "1+1?"
    many = ex.from_records([{"q": i} for i in range(50)])
    assert many.sample(5, seed=1).hash == many.sample(5, seed=1).hash != many.sample(5, seed=2).hash
    with pytest.raises(
        ex.ExperimentError, match="item 0 has no field 'x' .wanted as 'y'.; it has id, question, answer"
    ):
        ex.load(tmp_path / "x.jsonl", fields={"y": "x"})
    records = [{"Q": "1+1?", "A": "2"}]
    assert ex.from_records(records, fields={"question": "Q"}).items[0].fields["question"] == "1+1?"
    assert records == [{"Q": "1+1?", "A": "2"}], "the caller's records stay as they are"
    with pytest.raises(ex.ExperimentError, match="with task 'gsm8k', expected neither"):
        ex.load(tmp_path / "x.jsonl", "gsm8k", fields={"y": "x"})


GSM8K = {"question": "1+1?", "answer": "One and one is <<1+1=2>>2.\nSo 2,000.\n#### 2,000"}
SVAMP = {"ID": "s-1", "Body": "Tom has 8 pens", "Question": "How many?", "Answer": 8.0, "Equation": "8", "Type": "x"}
BBH = """canary
-----
Say yes or no.

Q: Is it so?
A: Let's think step by step.
It is. So the answer is yes.

Q: And this?
A: Let's think step by step.
Not that. So the answer is no."""


def test_formats_of_benchmarks(tmp_path):
    def file(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    (item,) = ex.load(file("gsm.jsonl", json.dumps(GSM8K)), "gsm8k")
    assert item.fields == {"question": "1+1?", "answer": "2000", "rationale": "One and one is 2. So 2,000."}
    large = SVAMP | {"ID": "s-2", "Answer": 12345678901234567}
    first, second = ex.load(file("svamp.json", json.dumps([SVAMP, large])), "svamp")
    assert first.fields["answer"] == "8" and first.fields["question"] == "Tom has 8 pens. How many?"
    assert second.fields["answer"] == "12345678901234567", "digit for digit"
    tasks = json.dumps({"canary": "x", "examples": [{"input": "Is it?", "target": "yes"}]})
    data = ex.load(file("bbh.json", tasks), "bbh", cot=file("cot.txt", BBH))
    assert data.items[0].fields == {"question": "Is it?", "answer": "yes", "instruction": "Say yes or no."}
    assert [e["answer"] for e in data.examples] == ["yes", "no"]
    assert data.examples[1] == {"question": "And this?", "rationale": "Not that.", "answer": "no"}
    for name, records, message in [
        ("gsm8k", [{"question": "x", "answer": "7"}], "item 0: the answer has no '#### '"),
        ("svamp", [{"ID": 1}], "item 0 has no field 'Body'"),
        ("bbh", [{"input": "x"}], "item 0 has no field 'target'"),
    ]:
        with pytest.raises(ex.ExperimentError, match=message):
            ex.load(file("wrong.json", json.dumps(records)), name)


def test_benchmarks(shared):
    gsm = ex.load(shared / "gsm8k" / "test.jsonl", "gsm8k", examples=shared / "gsm8k" / "train-first200.jsonl")
    assert len(gsm) == 1319 and gsm.items[0].fields["answer"] == "18" and len(gsm.examples) == 200
    assert not any("<<" in i.fields["rationale"] or "####" in i.fields["rationale"] for i in gsm)
    svamp = ex.load(shared / "svamp" / "SVAMP.json", "svamp")
    assert len(svamp) == 1000 and svamp.items[0].fields["answer"] == "51"
    for name in ("boolean_expressions", "date_understanding", "navigate", "object_counting"):
        bbh = ex.bbh(shared / "bbh" / f"{name}.json", shared / "bbh" / "cot-prompts" / f"{name}.txt")
        assert len(bbh) == 250 and len(bbh.examples) == 3 and bbh.items[0].fields["instruction"]
        assert all(e["rationale"] and e["answer"] and "answer is" not in e["rationale"][-20:] for e in bbh.examples)


class Stranger:
    """What no argument may be."""


def arguments():
    """(function, name of one of its arguments)."""
    for thing in (ex.load, ex.from_records, ex.Data.head, ex.Data.sample, ex.Data.with_examples, ex.Experiment):
        free = ("metric", "task_options", "self")
        for name in inspect.signature(thing).parameters:
            if name not in free:
                yield thing, name


@pytest.mark.parametrize("thing,name", list(arguments()), ids=lambda v: getattr(v, "__qualname__", v))
def test_wrong_types_are_named(thing, name):
    data = ex.from_records(RECORDS)
    with pytest.raises(ex.ExperimentError, match=rf"\b{name} is Stranger, expected ."):
        thing(*([data] if "." in thing.__qualname__ else []), **{name: Stranger()})


@pytest.mark.parametrize(
    "member,value",
    [("query_format", 3), ("marker", 3), ("extract", 3), ("variables", 3), ("examples", 3), ("separator", b"x")],
)
def test_wrong_members_of_a_prompt_are_named(member, value):
    with pytest.raises(ex.ExperimentError, match=f"prompt x: {member} is {value!r}, expected a "):
        ex.Prompt("x", **{member: value})
    for wrong in (-1, 3):
        with pytest.raises(ex.ExperimentError, match=f"sample of {wrong} items, expected 0 to 2"):
            ex.from_records(RECORDS).sample(wrong)
