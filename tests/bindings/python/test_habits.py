"""What people's hands know from other libraries: it works here, or the error says what does."""

import copy
import importlib.util
import json
import pickle
import re
from collections.abc import Sequence

import libllm
import pytest

# ---- token ids ----


def test_token_ids_print_as_a_list_of_numbers(model):
    ids = model.tokenize("Once upon a time")
    result = model.generate("Once", max_tokens=3, ignore_eos=True)
    sample = model.ask("x", max_tokens=1, ignore_eos=True).samples[0]
    with model.sequence() as sequence:
        sequence.eval(ids)
        for some in (ids, result.ids, model.render("Hello!").ids, sequence.ids, sample.ids):
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
    if importlib.util.find_spec("pyarrow"):
        columns.append(importlib.import_module("pyarrow").chunked_array([texts]))
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
    assert (
        model.generate(ids, max_tokens=3).text == model.generate(ids.astype(object), max_tokens=3).text == expected[0]
    )


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
            with pytest.raises(TypeError, match=r"(dict|list).*; a conversation goes to chat\(\)"):
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


# ---- names of other libraries ----

NOT_OURS = {
    "generate": """
        max_new_tokens echo stream stream_options tool_choice user metadata device dtype n_gpu_layers do_sample
        sampling_params use_tqdm num_beams num_return_sequences best_of logprobs prompt_logprobs suffix guided_json
        response_format tools chat_template_kwargs skip_special_tokens return_full_text sampling_topk beam_size
        include_prompt_in_result mirostat_mode tfs_z repeat_penalty temp stop_token_ids bad_words
        min_tokens pad_token_id lora_request logits_processor streamer generation_config use_cache end_token max_length
        extra_body""",
    "Model": """
        n_gpu_layers device chat_format model_path max_model_len dtype torch_dtype device_map verbose seed logits_all
        embedding tensor_parallel_size gpu_memory_utilization trust_remote_code quantization load_in_4bit compute_type
        inter_threads intra_threads flash_attn rope_freq_base lora_path type_k vocab_only use_mlock numa
        repo_id filename enforce_eager n_threads_batch n_ubatch num_ctx attn_implementation revision cache_dir token
        draft_model tokenizer max_tokens temperature stop main_gpu offload_kqv enable_prefix_caching""",
    "tokenize": "add_bos special return_tensors add_special_tokens padding truncation max_length",
    "detokenize": "skip_special_tokens",
    "embed": "normalize_embeddings pooling_type truncation batch_size dimensions encoding_format device",
    "render": "tokenize return_tensors chat_template enable_thinking tools conversation",
    "score": "temperature max_tokens",
}


@pytest.mark.parametrize("entry,name", [(entry, name) for entry, names in NOT_OURS.items() for name in names.split()])
def test_a_name_of_another_library_is_answered_with_what_it_is_here(model, entry, name):
    calls = {
        "Model": lambda **o: libllm.Model("nowhere.gguf", **o),
        "detokenize": lambda **o: model.detokenize([1], **o),
        "score": lambda **o: model.score("a", "b", **o),
    }
    call = calls.get(entry) or (lambda **o: getattr(model, entry)("x", **o))
    with pytest.raises(libllm.OptionError, match=f'no option "{name}" in .*: ..') as caught:
        call(**{name: 1})
    assert "see help" not in str(caught.value) and "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    "call,ours",
    [
        (lambda m: libllm.Model(model_path=m.path), "path="),
        (lambda m: libllm.Model(model=m.path, max_model_len=64), "path="),
        (lambda m: libllm.Tokenizer(model_path=m.path), "path="),
        (lambda m: m.generate(prompt="x"), "prompts="),
        (lambda m: m.generate(inputs="x", max_new_tokens=3), "prompts="),
        (lambda m: m.stream(inputs="x"), "prompt="),
        (lambda m: m.chat(prompt="x"), "messages="),
        (lambda m: m.chat(conversation=[]), "messages="),
        (lambda m: libllm.Model.from_pretrained(repo_id="a/b", filename="*.gguf"), "path=.*hf download"),
        (lambda m: libllm.Tokenizer.from_pretrained(pretrained_model_name_or_path="a/b"), "path="),
        (lambda m: m.generate(tokens=[1]), "prompts="),
        (lambda m: m.embed(input="x"), "texts="),
        (lambda m: m.tokenize(inputs="x"), "text="),
        (lambda m: m.detokenize(tokens=[1]), "ids="),
        (lambda m: m.create_embedding(inputs="x"), "input="),
        (lambda m: libllm.quantize(input_path=m.path, output_path="x", dtype="F16"), "source="),
    ],
)
def test_the_argument_that_must_be_given_is_named_by_its_name_here(model, call, ours):
    with pytest.raises(libllm.OptionError, match=f"use {ours}"):
        call(model)


def test_what_is_given_by_place_and_is_too_much_is_shown(model):
    with pytest.raises(TypeError, match=r"generate\(\) takes prompts by place, others by name: int 5 is one too many"):
        model.generate("x", 5)
    with pytest.raises(TypeError, match=r"Model\(\) takes path by place.*int 512"):
        libllm.Model("x", 512)
    with pytest.raises(TypeError, match="missing 1 required"):
        model.generate()


def test_every_name_in_the_table_leads_to_one_that_exists(model):
    from libllm import _options, _peers

    known = {name for group in _options.OWNERS for name in _options.table(group)} | set(_peers.OWNERS)
    given = {"path", "prompts", "prompt", "messages", "texts", "text", "ids", "input", "source", "target"}
    for row in _peers.KEYWORDS:
        assert row.ours in known | given or not row.ours and row.note, row
        assert not known & set(row.theirs.split()) - {"tokenizer", "progress"}, f"{row}: ours already"
    reply = model("x", max_tokens=1)
    result = model.generate("x", max_tokens=1)
    own = {"Reply": reply, "Model": model, "Tokenizer": model.tokenizer, "Result": result, "libllm": libllm}
    for owner, names in _peers.ATTRIBUTES.items():
        for name, here in names.items():
            with pytest.raises(AttributeError) as caught:
                getattr(own[owner], name)
            assert str(caught.value) == f"{owner} has no '{name}': {here}"
            used = re.match(r"use (\w+)(?=[.(, ]|$)", here)
            assert (
                not used
                or hasattr(own[owner], used[1])
                or hasattr(libllm, used[1])
                or used[1] in ("len", "json", "Class")
            ), here


def test_what_nobody_has_is_an_attribute_error_like_any_other(model):
    for thing in (model, model.tokenizer, model.generate("x", max_tokens=1), libllm):
        assert not hasattr(thing, "nothing_of_the_kind")
        with pytest.raises(AttributeError, match="nothing_of_the_kind") as caught:
            thing.nothing_of_the_kind
        assert caught.value.name == "nothing_of_the_kind" and caught.value.obj is thing, "Python names the nearest"

    class Broken(libllm.Model):
        @property
        def odd(self):
            return self.path.nothing

    broken = Broken(model.path, n_ctx=64)
    with pytest.raises(AttributeError, match="'str' object has no attribute 'nothing'"):
        broken.odd


# ---- shapes of other libraries ----


def test_a_model_is_called_and_answers_as_llama_cpp_python_does(model):
    options = {"max_tokens": 6, "temperature": 0, "stop": ["zzz"]}
    text = model.generate("The dog", max_tokens=6).text
    for call in (model, model.create_completion):
        reply = call("The dog", **options)
        choice = reply["choices"][0]
        assert (reply["object"], choice["text"], choice["index"]) == ("text_completion", text, 0)
        assert (
            choice["finish_reason"] == "length"
            and choice["logprobs"] is None
            and reply["usage"]["completion_tokens"] == 6
        )
        assert call("The dog", echo=True, **options)["choices"][0]["text"] == "The dog" + text
        assert call(model.tokenize("The dog"), echo=True, **options)["choices"][0]["text"] == "The dog" + text
        assert "".join(chunk["choices"][0]["text"] for chunk in call("The dog", stream=True, **options)) == text
    assert (
        model.generate("Once", ignore_eos=True, max_tokens=16).text
        == model("Once", temperature=0, ignore_eos=True)["choices"][0]["text"]
    ), "16 tokens, as there"
    with libllm.Model(model.path, n_ctx=48) as small:
        full = small("Once", max_tokens=None, ignore_eos=True)
        assert full["usage"]["total_tokens"] == 48 and full["choices"][0]["finish_reason"] == "length"
    many = model(["The dog", "The cat"], n=2, max_tokens=3, seed=5)
    assert [c["index"] for c in many["choices"]] == [0, 1, 2, 3]
    assert [c["text"] for c in many["choices"]] == [
        c.text for r in model.generate(["The dog", "The cat"], n=2, max_tokens=3, seed=5, temperature=1) for c in r
    ]
    assert model("x", max_tokens=1)["seed"] != model("x", max_tokens=1)["seed"], "draws anew"


def test_log_probabilities_of_completions_are_placed_in_the_text(model):
    options = {"max_tokens": 8, "seed": 2, "logprobs": 2, "n": 2}
    whole = model.create_completion("The dog", **options)
    chunks = list(model.create_completion("The dog", stream=True, stream_options={"include_usage": True}, **options))
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    for choice in whole["choices"]:
        found = choice["logprobs"]
        assert "".join(found["tokens"]) == choice["text"] and all(len(top) == 2 for top in found["top_logprobs"])
        for token, offset in zip(found["tokens"], found["text_offset"], strict=True):
            assert choice["text"][offset:].startswith(token)
        pieces = [c for chunk in chunks for c in chunk["choices"] if c["index"] == choice["index"]]
        for name, values in found.items():
            assert [value for piece in pieces for value in piece["logprobs"][name]] == values
        assert [piece["finish_reason"] for piece in pieces if piece["finish_reason"]] == [choice["finish_reason"]]
    for wrong, message in [
        ({"echo": True, "logprobs": 1}, "echo=True with logprobs"),
        ({"stream_options": {}}, "without stream=True"),
        ({"suffix": "x"}, "nothing is filled in"),
    ]:
        with pytest.raises(libllm.OptionError, match=message):
            model.create_completion("x", **wrong)
    with pytest.raises(libllm.OptionError, match="2 prompts, expected one"):
        model.create_completion(["x", "y"], stream=True)


def test_embeddings_in_the_shape_of_openai(model):
    import base64
    from array import array

    rows = model.embed(["a dog", "a cat"]).tolist()
    reply = model.create_embedding(["a dog", "a cat"], model="m", user="me")
    assert [entry["embedding"] for entry in reply["data"]] == rows and reply["model"] == "m"
    assert [entry["index"] for entry in reply["data"]] == [0, 1] and reply["object"] == "list"
    assert reply["usage"]["total_tokens"] == len(model.tokenize("a dog")) + len(model.tokenize("a cat"))
    packed = model.create_embedding("a cat", encoding_format="base64")["data"][0]["embedding"]
    assert array("f", base64.b64decode(packed)).tolist() == rows[1]
    for wrong in ({"encoding_format": "hex"}, {"dimensions": 3}):
        with pytest.raises(libllm.OptionError, match=next(iter(wrong))):
            model.create_embedding("x", **wrong)
    assert len(model.create_embedding("x", dimensions=model.info.n_embd).data) == 1


def test_replies_are_dicts_and_objects(model):
    reply = model.create_chat_completion("Hello!", max_tokens=4, temperature=0)
    message = reply["choices"][0]["message"]
    assert reply.choices[0].message.content == message["content"] == message.content
    assert message.tool_calls is None and "tool_calls" not in message and reply.usage.total_tokens > 0
    assert json.loads(json.dumps(reply)) == reply == reply.to_dict() and type(reply.to_dict()["choices"][0]) is dict
    assert copy.deepcopy(reply) == pickle.loads(pickle.dumps(reply)) == reply
    with pytest.raises(AttributeError, match="no 'choice' in the reply, which has id, created"):
        reply.choice
    spoken = [{"role": "user", "content": "Hello!"}, reply.choices[0].message, {"role": "user", "content": "And?"}]
    assert message.content in model.render(spoken).text
    text = "".join(
        chunk.choices[0].delta.content or ""
        for chunk in model.create_chat_completion("Hello!", max_tokens=4, temperature=0, stream=True)
    )
    assert text == message.content


REQUEST = dict(
    audio=None,
    frequency_penalty=0.1,
    function_call=None,
    functions=None,
    logit_bias={"1": -1},
    logprobs=True,
    max_completion_tokens=3,
    max_tokens=None,
    metadata={"a": "b"},
    modalities=["text"],
    model="gpt",
    n=1,
    parallel_tool_calls=True,
    prediction=None,
    presence_penalty=0.1,
    prompt_cache_key="x",
    reasoning_effort=None,
    response_format={"type": "text"},
    safety_identifier="x",
    seed=1,
    service_tier="auto",
    stop=["zzz"],
    store=False,
    stream=False,
    stream_options=None,
    temperature=0.5,
    tool_choice="auto",
    tools=None,
    top_logprobs=1,
    top_p=0.9,
    user="me",
    verbosity=None,
    web_search_options=None,
    extra_headers={},
    extra_query=None,
    extra_body=None,
    timeout=3,
)


def test_every_field_of_openai_s_request_is_taken_or_named(model):
    messages = [{"role": "user", "content": "Hello!"}]
    assert model.create_chat_completion(messages=messages, ignore_eos=True, **REQUEST).choices[0].logprobs.content
    for name, value in {
        "audio": {},
        "functions": [],
        "function_call": "auto",
        "reasoning_effort": "low",
        "verbosity": "low",
        "web_search_options": {},
        "extra_body": {},
    }.items():
        with pytest.raises(libllm.OptionError, match=f'no option "{name}".*: ..') as caught:
            model.create_chat_completion(messages, **{name: value})
        assert "see help" not in str(caught.value)


# ---- help, progress, notebooks, log ----


def test_help_lists_every_keyword_with_its_meaning_and_default(model):
    from libllm._options import table

    for call, groups in {
        libllm.Model: ("model", "engine"),
        libllm.Runtime: ("runtime",),
        model.generate: ("generate",),
        model.agenerate: ("generate",),
        model.stream: ("generate",),
        model.chat: ("template", "generate"),
        model.ask: ("fill", "ask", "generate"),
        model.render: ("template",),
        libllm.Prompt: ("prompt",),
        libllm.quantize: ("quantize",),
    }.items():
        lines = {line.strip().partition(" (")[0]: line for line in call.__doc__.splitlines() if "; default " in line}
        for group in groups:
            for name in table(group):
                assert name in lines, f"{call}: {name}"
    assert "most new tokens; -1: until the context is full; default -1" in model.generate.__doc__
    assert {"stop", "json_schema", "grammar", "regex", "choices", "logit_bias"} <= lines.keys() | set(
        line.strip().partition(" (")[0] for line in model.generate.__doc__.splitlines()
    )
    assert "ignore_eos (bool): go on after the end-of-text token; default False" in model.generate.__doc__


def calls_with_progress(model, target):
    texts = [f"The dog {i}" for i in range(80)]
    return {
        "generate": lambda p: model.generate(texts, max_tokens=2, progress=p),
        "score": lambda p: model.score([(text, " x") for text in texts], progress=p),
        "embed": lambda p: model.embed(texts, progress=p),
        "Model": lambda p: libllm.Model(model.path, n_ctx=64, progress=p),
        "quantize": lambda p: libllm.quantize(model.path, target, "Q4_0", progress=p),
    }


@pytest.mark.parametrize("name", ["generate", "score", "embed", "Model", "quantize"])
def test_progress_is_told_as_a_share_or_as_a_bar(model, name, tmp_path, capfd):
    call = calls_with_progress(model, tmp_path / "x.gguf")[name]
    done = []
    told = call(done.append)
    assert done == sorted(done) and done[-1] == 1.0 and len(done) > 1 and done[0] > 0 or name in ("Model", "quantize")
    silent = call(None)
    if name == "generate":
        assert [r.text for r in told] == [r.text for r in silent]
    elif name == "score":
        assert [c.logprob for c in told] == [c.logprob for c in silent]
    elif name == "embed":
        assert told.tolist() == silent.tolist() and told.shape == silent.shape and told.format == "f"
    assert capfd.readouterr().err == ""
    pytest.importorskip("tqdm")
    call(True)
    assert "100%" in capfd.readouterr().err

    def refuse(share):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        call(refuse)
    assert model.generate("The dog", max_tokens=1).text


def test_a_bar_without_tqdm_says_what_is_missing(model, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"progress=True needs tqdm \(pip install tqdm\)"):
        model.generate(["x"], progress=True)


def test_notebooks_show_html_in_which_no_text_is_markup(model):
    evil = "<script>&amp;"
    with libllm.Model(model.path, n_ctx=64) as other:
        assert "64 tokens" in other._repr_html_() and model.info.arch in other._repr_html_()
    assert other._repr_html_() is None and repr(other), "a closed one has its text"
    prompt = libllm.Prompt([{"question": evil, "answer": evil}])
    shown = {
        "result": model.generate("x", choices=[evil]),
        "results": model.generate("x", n=2, choices=[evil]),
        "completion": model.generate("x", n=2, choices=[evil])[1],
        "rendering": model.render(evil),
        "filled": prompt.fill("x"),
        "answer": model.ask("x", choices=[evil], chat=0),
    }
    for name, thing in shown.items():
        html = thing._repr_html_()
        assert "&lt;script&gt;&amp;amp;" in html and "<script" not in html, name
    assert 'title="message 0' in shown["rendering"]._repr_html_()
    assert "seed 0" in shown["result"]._repr_html_()


def test_the_log_tells_of_loads_engines_and_warnings(model, caplog):
    with caplog.at_level("DEBUG", logger="libllm"):
        libllm.Model(model.path, n_ctx=64).close()
    lines = [record.message for record in caplog.records if record.levelname == "DEBUG"]
    assert any("layers of width" in line for line in lines) and any("tokenizer" in line for line in lines)
    assert any("sequences of up to 64 tokens" in line and "KV cache" in line for line in lines)


# ---- errors that name their place ----


def test_errors_of_chat_templates_name_line_and_column(model):
    for template, place in [
        ("a\n{{ x.y.z }}", "line 2, column "),
        ("a\n\n {% if %}", "line 3, column "),
        ("{{", "line 1"),
    ]:
        with pytest.raises(libllm.LlmError, match=place):
            model.render("x", template=template)
    with pytest.raises(libllm.FormatError, match=r"chat template, line \d+, column \d+: "):
        model.render([{"role": "user"}])


def test_what_does_not_fit_names_tokens_context_training_and_option(model):
    with libllm.Model(model.path, n_ctx=32) as small:
        for call in (
            small.generate,
            small.chat,
            small,
            small.create_chat_completion,
            small.embed,
            small.create_embedding,
        ):
            with pytest.raises(libllm.LimitReached) as caught:
                call("a b " * 100)
            trained = model.info.n_ctx_train
            for part in (r"\d+ tokens", "holds 32", "engine option n_ctx", f"trained for {trained}"):
                caught.match(part)


def test_conversations_that_are_none_or_many(model):
    for call in (model.chat, model.render, model.create_chat_completion):
        with pytest.raises(ValueError, match="messages is empty"):
            call([])
        with pytest.raises(TypeError, match=r"messages\[0\] is list.*generate\(\[model.render\(c\) for c in"):
            call([[{"role": "user", "content": "x"}]])


def test_from_pretrained_opens_what_is_here(model):
    with libllm.Model.from_pretrained(model.path, n_ctx=32) as same:
        assert same.n_ctx == 32 and type(same) is libllm.Model
    assert len(libllm.Tokenizer.from_pretrained(model.path)) == model.info.n_vocab
    for thing in (libllm.Model, libllm.Tokenizer):
        with pytest.raises(FileNotFoundError, match="hf download Qwen/Qwen3-0.6B"):
            thing.from_pretrained("Qwen/Qwen3-0.6B")


def test_a_hub_name_is_told_that_nothing_is_downloaded():
    with pytest.raises(FileNotFoundError, match=r"hf download Qwen/Qwen2.5-0.5B-Instruct"):
        libllm.Model("Qwen/Qwen2.5-0.5B-Instruct")
