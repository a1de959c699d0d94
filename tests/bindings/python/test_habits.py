"""What people's hands know from other libraries: it works here, or the error says what does."""

import copy
import json
import pickle
from collections.abc import Sequence

import libllm
import pytest

# ---- token ids ----


def test_token_ids_print_as_a_list_of_numbers(model):
    ids = model.tokenize("Once upon a time")
    result = model.generate("Once", max_tokens=3)
    with model.sequence() as sequence:
        sequence.eval(ids)
        for some in (ids, result.ids, model.render("Hello!").ids, sequence.ids, model.ask("x", max_tokens=1).samples[0].ids):
            assert isinstance(some, libllm.TokenIds) and len(some)
            assert str(some) == repr(some) == str(list(some)) == str(some.tolist())


def test_token_ids_do_what_a_list_of_numbers_does(model):
    ids = model.tokenize("Once upon a time")
    plain = ids.tolist()
    assert isinstance(ids, Sequence) and not isinstance(ids, list)
    assert list(ids) == plain and list(reversed(ids)) == plain[::-1] and len(ids) == len(plain)
    assert [ids[i] for i in (0, 1, -1)] == [plain[i] for i in (0, 1, -1)]
    for part in (slice(1, None), slice(None, None, 2), slice(None, None, -1), slice(-2, None), slice(9, 9), slice(99)):
        assert ids[part] == plain[part] and ids[part].tolist() == plain[part]
        assert model.detokenize(ids[part]) == model.detokenize(plain[part])
    assert ids == plain and plain == ids and ids == tuple(plain) and ids == model.tokenize("Once upon a time")
    assert ids != plain[1:] and ids != "text" and (ids == None) is False  # noqa: E711
    assert ids + [7] == [*plain, 7] and [7] + ids == [7, *plain] and ids + ids == plain * 2
    assert type(ids + (7,)) is list and plain[0] in ids and -5 not in ids
    assert ids.index(plain[1]) == plain.index(plain[1]) and ids.count(plain[0]) == plain.count(plain[0])
    first, *rest = ids
    assert [first, *rest] == plain
    for wrong, kind in [
        (lambda: ids[len(plain)], IndexError),
        (lambda: ids[-len(plain) - 1], IndexError),
        (lambda: ids["a"], TypeError),
        (lambda: ids[::0], ValueError),
        (lambda: ids + 3, TypeError),
        (lambda: ids.index(-5), ValueError),
        (lambda: ids.nothing, AttributeError),
        (lambda: hash(ids), TypeError),
        (lambda: libllm.TokenIds(), TypeError),
    ]:
        with pytest.raises(kind):
            wrong()
    for attempt in (copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        assert attempt(ids) == plain and type(attempt(ids)) is list
    match ids:
        case [start, *_]:
            assert start == plain[0]


def test_token_ids_are_the_library_s_memory(model):
    numpy = pytest.importorskip("numpy")
    ids = model.generate("Once upon a time", max_tokens=6).ids
    part = ids[1::2]
    assert ids.format == "i" and ids.shape == (6,) and memoryview(ids).readonly and ids.tobytes() == bytes(ids)
    assert numpy.asarray(ids).ctypes.data + 4 == numpy.asarray(part).ctypes.data
    expected = part.tolist()
    del ids
    assert part.tolist() == expected, "a slice keeps what it is a part of"
    assert memoryview(part).strides == (8,) and numpy.asarray(part).tolist() == expected


# ---- prompts ----


def test_columns_of_texts_are_prompts(model):
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    texts = ["The dog", "The cat"]
    expected = [r.text for r in model.generate(texts, max_tokens=3)]
    rows = model.embed(texts).tolist()
    columns = [
        pandas.Series(texts),
        pandas.Series(texts, index=[7, 3]),
        pandas.Series(texts, dtype=object),
        pandas.Series(texts).array,
        pandas.Index(texts),
        numpy.array(texts),
        numpy.array(texts, dtype=object),
        numpy.array([text.encode() for text in texts]),
    ]
    columns.append(pytest.importorskip("pyarrow").chunked_array([texts]))
    for column in columns:
        assert [r.text for r in model.generate(column, max_tokens=3)] == expected, type(column)
        assert model.embed(column).tolist() == rows
        assert [c.text for c in model.score("Look:", column)] == texts
        assert model.generate("x", choices=column).text in texts
        assert model.generate("x", max_tokens=2, stop=column).text is not None
        assert model.generate("x", grammar=libllm.Grammar(model, choices=column)).text in texts
    one = numpy.str_("The dog")
    assert model.generate(one, max_tokens=3).text == model.generate(numpy.array(one), max_tokens=3).text == expected[0]
    assert model.generate(pandas.Series([], dtype=object)) == []
    pairs = numpy.array([["The sky is", " blue"], ["The sky is", " red"]])
    assert [c.logprob for c in model.score(pairs)] == [c.logprob for c in model.score(pairs.tolist())]
    ids = pandas.Series(model.tokenize("The dog").tolist())
    assert model.generate(ids, max_tokens=3).text == model.generate(ids.astype(object), max_tokens=3).text == expected[0]


def test_a_hole_in_a_column_or_a_whole_table_is_refused(model):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"prompt": ["The dog", "The cat"], "answer": [" ran", None]})
    for call in (model.generate, model.embed, lambda t: model.score("x", t), model.score):
        with pytest.raises(TypeError, match="DataFrame"):
            call(table)
    with pytest.raises(TypeError, match=r"prompts\[1\] is (float nan|None)"):
        model.generate(table["answer"])
    with pytest.raises(TypeError, match=r"texts\[1\] is (float nan|None)"):
        model.embed(table["answer"])
    with pytest.raises(TypeError, match=r"prompts\[0\]\[0\] is str 'The dog'"):
        model.generate(table[["prompt"]].values)


def test_a_dict_is_no_prompt(model):
    for call in (model.generate, model.stream):
        for wrong in ({"prompt": "x"}, [{"role": "user", "content": "x"}]):
            with pytest.raises(TypeError, match=r"prompts?(\[0\]| is list)?.* is (dict|list).*a conversation goes to chat\(\)|\[0\] is dict"):
                call(wrong)


# ---- results ----


def test_a_result_as_plain_values(model):
    result = model.generate("The dog", n=2, max_tokens=3, temperature=1, n_logprobs=2)
    found = result.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["completions"] == [completion.to_dict() for completion in result]
    assert (found["text"], found["ids"], found["finish"]) == (result.text, result.ids.tolist(), result.finish)
    assert found["logprobs"] == result.logprobs.tolist() and len(found["top_ids"]) == 3
    assert found["stats"]["n_tokens"] == result.stats.n_tokens and found["warning"] == ""
    found["stats"]["n_tokens"] = -1
    assert result.stats.n_tokens > 0, "what one got is one's own"
    assert "logprobs" not in model.generate("The dog", max_tokens=3).to_dict()
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(r.to_dict() for r in model.generate(["The dog", "The cat"], max_tokens=2))
    assert len(frame) == 2 and frame["finish_reason"].tolist() == ["length"] * 2


def test_finish_reasons_are_openai_s(model):
    assert model.generate("Once", max_tokens=1, ignore_eos=True).finish_reason == "length"
    assert model.generate("x", choices=["a"]).finish_reason == "stop"
    stop = model.generate("Once upon a time", max_tokens=8, ignore_eos=True).text[3:5]
    stopped = model.generate("Once upon a time", max_tokens=8, ignore_eos=True, stop=stop)
    assert (stopped.finish, stopped.finish_reason) == ("stop", "stop")
    with libllm.Model(model.path, n_ctx=32) as small:
        full = small.generate("Once", ignore_eos=True)
        assert (full.finish, full.finish_reason) == ("context", "length")
