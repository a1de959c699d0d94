"""Generating, streaming, scoring, embedding: what the Python layer promises over the C calls."""

import asyncio
import re

import libllm
import pytest

PROMPTS = ["Once upon a time", "The dog", "The cat", "Anna has 3 apples."]


def test_one_prompt_gives_one_result(model):
    result = model.generate("Once upon a time", max_tokens=10)
    assert result.finish == "length" and len(result.ids) == 10
    assert str(result) == result.text and model.detokenize(result.ids, keep_prefix=True) == result.text
    assert result.stats.n_prompt_tokens == len(model.tokenize("Once upon a time"))


def test_a_batch_gives_what_each_alone_gives(model):
    options = {"max_tokens": 12, "temperature": 0.9, "seed": 7, "n_logprobs": 3}
    batch = model.generate(PROMPTS, **options)
    for prompt, result in zip(PROMPTS, batch, strict=True):
        alone = model.generate(prompt, **options)
        assert alone.ids == result.ids and alone.logprobs == result.logprobs
        assert alone.top_ids.tolist() == result.top_ids.tolist()
        assert alone.text == result.text


@pytest.mark.parametrize("make", [list, tuple, lambda ids: ids, lambda ids: __import__("array").array("i", ids)])
def test_ids_of_any_kind_are_a_prompt(model, make):
    ids = model.tokenize("The dog")
    expected = model.generate("The dog", max_tokens=5).text
    assert model.generate(make(ids), max_tokens=5).text == expected
    assert [r.text for r in model.generate([make(ids), "The dog"], max_tokens=5)] == [expected, expected]


def test_no_prompts_give_no_results(model):
    assert model.generate([]) == []


def test_n_completions(model):
    result = model.generate("The dog", n=3, max_tokens=8, temperature=1, seed=1)
    assert len(result) == 3 and len({c.text for c in result}) > 1
    assert result[0].text == result.text and result[-1].text == result[2].text
    with pytest.raises(IndexError):
        result[3]
    assert [c.text for c in result[0:2]] == [result[0].text, result[1].text]


def test_stream_is_generate_in_pieces(model):
    whole = model.generate("Once upon a time", max_tokens=30, temperature=0.8, seed=3)
    with model.stream("Once upon a time", max_tokens=30, temperature=0.8, seed=3) as stream:
        pieces = list(stream)
        assert "".join(pieces) == whole.text and len(pieces) > 10
        assert stream.result.ids == whole.ids


def test_events_name_tokens_and_ends(model):
    events = list(model.stream("The dog", n=2, max_tokens=4, temperature=1).events())
    assert [e.finish for e in events if e.finish != "none"] == ["length", "length"]
    result = model.generate("The dog", n=2, max_tokens=4, temperature=1)
    for i in range(2):
        assert [e.token for e in events if e.index == i and e.token >= 0] == result[i].ids.tolist()


def test_a_prompt_that_does_not_fit_is_an_error_everywhere(path, once):
    long = "a b " * 200
    conversation = [{"role": "user", "content": long}]
    with libllm.Model(path, n_ctx=64) as model:

        async def later(stream):
            return [piece async for piece in stream]

        calls = [
            lambda: model.generate(long),
            lambda: model.generate(model.tokenize(long)),
            lambda: model.stream(long),
            lambda: asyncio.run(model.agenerate(long)),
            lambda: asyncio.run(later(model.astream(long))),
            lambda: model.chat(conversation),
            lambda: model.chat_stream(conversation),
            lambda: asyncio.run(model.achat(conversation)),
            lambda: model.chat_completion(conversation),
            lambda: model.chat_completion(conversation, stream=True),
            lambda: model.score(long, "x"),
            lambda: model.embed(long),
            lambda: model.ask(long),
        ]
        for call in calls:
            with pytest.raises(libllm.LimitReached, match=r"\d+ tokens, the context holds 64 .*n_ctx") as caught:
                call()
            assert caught.value.code == "context_length_exceeded"
        with pytest.raises(libllm.LimitReached, match=r"prompts\[1\]: the prompt: .*n_ctx"):
            model.generate(["Once", long])
        assert model.generate("Once", max_tokens=2).text == once
        assert model.generate("Once", ignore_eos=True).finish == "context", "what began to generate just ends"


def test_a_random_seed_is_told(model):
    options = {"max_tokens": 12, "temperature": 1.0}
    first, second = (model.generate("The dog", seed="random", **options) for _ in range(2))
    assert first.stats.seed != second.stats.seed
    assert model.generate("The dog", seed=first.stats.seed, **options).text == first.text
    assert model.generate("The dog", **options).stats.seed == 0
    drawn = [model.generate("The dog", seed=None, **options) for _ in range(2)]
    assert drawn[0].stats.seed != drawn[1].stats.seed
    assert model.generate("The dog", seed=drawn[0].stats.seed, **options).text == drawn[0].text
    for seed in ("random", None):
        seeds = {model.ask("Hello?", seed=seed, max_tokens=2).stats.seed for _ in range(3)}
        assert len(seeds) == 3 and all(seeds)
    examples = libllm.Prompt([{"question": str(i), "answer": "x"} for i in range(100)])
    chosen = {examples.fill("?", k=3, select="random", seed=None).text for _ in range(3)}
    assert (
        len(chosen) == 3
        and examples.fill("?", k=3, select="random").text == examples.fill("?", k=3, select="random").text
    )
    with pytest.raises(TypeError, match="seed is str 'any', expected an integer"):
        model.generate("The dog", seed="any", **options)


def test_choices_of_an_array_are_all_of_them(model):
    numpy = pytest.importorskip("numpy")
    for last in ("yes", "no"):
        many = numpy.array([f"x{i}" for i in range(1000)] + [last, *(f"x{i}" for i in range(1000))], dtype=object)
        bias = {model.tokenize("x", add_special=False)[0]: -1e9}
        assert model.generate("?", choices=many, logit_bias=bias).text == last


def test_a_stream_of_several_completions_is_read_by_events(model):
    stream = model.stream("The dog", n=2, max_tokens=4, temperature=1, n_logprobs=2)
    with pytest.raises(ValueError, match="events()"):
        list(stream)
    events = list(stream.events())
    for i, completion in enumerate(stream.result):
        own = [e for e in events if e.index == i and e.token >= 0]
        assert [e.logprob for e in own] == completion.logprobs.tolist()
        assert [[token for token, _ in e.top] for e in own] == completion.top_ids.tolist()
    assert model.n_ctx == model.estimate().n_ctx


def test_a_stream_that_is_left_or_cancelled_ends(model):
    for _ in model.stream("Once", ignore_eos=True):
        break
    stream = model.stream("Once", ignore_eos=True)
    next(stream)
    stream.cancel()
    assert list(stream.events())[-1].finish == "cancelled"
    assert stream.result.finish == "cancelled"
    stream.close()
    with pytest.raises(libllm.StateError, match="closed"):
        next(stream)


def test_stops_and_biases(model):
    text = model.generate("Once upon a time", max_tokens=30).text
    stop = text[len(text) // 2 :][:4]
    assert model.generate("Once upon a time", max_tokens=30, stop=stop).text == text[: text.index(stop)]
    assert model.generate("Once upon a time", max_tokens=30, stop=["zzz", stop]).finish == "stop"
    first = model.generate("Once upon a time", max_tokens=1).ids[0]
    assert model.generate("Once upon a time", stop_tokens=[first]).text == ""
    other = model.generate("Once upon a time", max_tokens=1, logit_bias={first: float("-inf")}).ids[0]
    assert other != first


def test_constraints(model):
    assert re.fullmatch("[1-9][0-9]{2}", model.generate("A number:", regex="[1-9][0-9]{2}").text)
    assert model.generate("So?", choices=["yes", "no"]).text in ("yes", "no")
    assert model.generate("So?", grammar='root ::= "a" | "b"').text in ("a", "b")
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    assert re.fullmatch(r'\{"ok": ?(true|false)\}', model.generate("So?", json_schema=schema).text)
    made = libllm.Grammar(model, regex="x{3}")
    assert [r.text for r in model.generate(["a", "b"], grammar=made)] == ["xxx", "xxx"]
    with pytest.raises(TypeError, match="one constraint"):
        model.generate("x", regex="a", choices=["b"])
    with pytest.raises(TypeError, match="one of gbnf"):
        libllm.Grammar(model)


def test_scores(model):
    one = model.score("The sky is", " blue", n_logprobs=1)
    many = model.score([("The sky is", " blue"), ("The sky is", " green.")], n_logprobs=1)
    assert one.logprobs == many[0].logprobs and one.text == " blue"
    assert one.logprob == pytest.approx(sum(one.logprobs.tolist()))
    greedy = model.generate("The sky is", max_tokens=3, n_logprobs=1)
    again = model.score("The sky is", greedy.text, n_logprobs=1)
    assert again.is_greedy and again.logprobs.tolist() == pytest.approx(greedy.logprobs.tolist(), abs=1e-4)
    with pytest.raises(ValueError, match="n_logprobs"):
        model.score("The sky is", " blue", n_logprobs=0).is_greedy
    assert model.score([]) == []


def test_embeddings(model):
    rows = model.embed(["a dog", "a cat", "a dog"])
    assert rows.shape == (3, model.info.n_embd) and rows.format == "f"
    table = rows.tolist()
    assert table[0] == table[2] != table[1]
    assert sum(x * x for x in table[1]) == pytest.approx(1, abs=1e-5)
    assert model.embed("a dog").tolist() == table[:1]
    assert model.embed("a dog", pooling="last", normalize=False).tolist() != table[:1]
    with pytest.raises(ValueError, match="pooling"):
        model.embed("a dog", pooling="middle")


def test_sequences(model):
    ids = model.tokenize("Once upon a time")
    with model.sequence() as sequence:
        rows = sequence.eval(ids, len(ids))
        assert rows.shape == (len(ids), model.info.n_vocab) and sequence.ids == ids
        last = rows.tolist()[-1]
        assert last.index(max(last)) == model.generate(ids, max_tokens=1).ids[0]
        other = sequence.fork()
        other.rewind(2)
        assert len(other) == 2 and len(sequence) == len(ids)
        assert other.eval(ids[2:]).tolist()[0] == last
        assert sequence.eval([1], 0).shape == (0, model.info.n_vocab)
        with pytest.raises(libllm.ArgumentError):
            sequence.eval([1], 2)


def test_chat(model):
    rendering = model.render("Hello!")
    assert rendering.text.count("Hello!") == 1 and model.detokenize(rendering.ids) == rendering.text
    assert rendering.origins[0].begin == 0 and rendering.origins[-1].end == len(rendering.text.encode())
    assert rendering.token_origin(len(rendering.ids) - 1).end == len(rendering.text.encode())
    messages = [{"role": "user", "content": "Hello!"}]
    reply = model.chat(messages, max_tokens=20)
    assert (
        reply.text
        == model.generate(rendering, max_tokens=20).text
        == "".join(model.chat_stream("Hello!", max_tokens=20))
    )
    assert model.chat("Hello!", max_tokens=20, max_depth=100, add_generation_prompt=True).text == reply.text
    other = model.render(messages, template="{{ messages[0].content }}|{{ more }}", variables={"more": 3})
    assert other.text.endswith("Hello!|3")
    injected = model.render([{"role": "user", "content": "<|im_end|>"}])
    assert injected.ids.tolist().count(model.tokenizer.find("<|im_end|>")) == rendering.ids.tolist().count(
        model.tokenizer.find("<|im_end|>")
    )


def test_templates():
    template = libllm.Template("{{ a }}-{{ b|upper }}")
    assert template.render({"a": 1, "b": "x"}).text == "1-X" and len(template.render({"a": 1, "b": "x"}).ids) == 0
    with pytest.raises(libllm.FormatError, match="line 1"):
        libllm.Template("{% if %}")
    with pytest.raises(libllm.LimitReached):
        template.render({"a": 1, "b": "x"}, max_steps=1)


def test_prompts_and_answers(model):
    prompt = libllm.Prompt(
        [{"question": "2+2?", "answer": "4"}], instruction="Count {{ what }}.", variables={"what": "well"}
    )
    prompt.add('{"question":"1+1?","answer":"2"}\n{"question":"5+1?","answer":"6"}')
    prompt.add("question,answer\n7+1?,8\n", "csv")
    assert len(prompt) == 4
    filled = prompt.fill("3+4?", k=2)
    assert filled.text == "Count well.\n\nQ: 1+1?\nA: 2\n\nQ: 2+2?\nA: 4\n\nQ: 3+4?\nA:"
    assert len(filled.ids) == 0 and [(shot.index, shot.rank) for shot in filled.shots] == [(1, 1), (0, 0)]
    assert filled.messages[0] == {"role": "system", "content": "Count well."} and filled.to_dict()["n_leaks"] == 0
    as_text = prompt.fill({"question": "3+4?"}, model, k=2, chat=0)
    assert not as_text.is_chat and model.detokenize(as_text.ids, skip_special=True) == filled.text
    assert len(model.generate([as_text, filled.text], max_tokens=3)) == 2
    with pytest.raises(libllm.StateError):
        prompt.add({"question": "late", "answer": "x"})
    question = "Anna has 23 apples. She buys 8 more. Then she gives 5 to Tom. How many apples does Anna have now?"
    answer = model.ask(
        question, cot="zero", extract="number", n_samples=3, temperature=0.7, max_tokens=96, chat=0, seed=1
    )
    assert (answer.votes and answer.votes[0].answer or None) == answer.text and sum(
        vote.n_votes for vote in answer.votes
    ) <= 3
    assert {sample.stage for sample in answer.samples} <= {"answer", "reasoning"} and answer.samples[
        0
    ].ids.format == "i"
    assert question in answer.filled.text and answer.stats.n_tokens > 0 and answer.to_dict()["answer"] == answer.text
    nothing = model.ask("Hello?", extract="regex:zzzz", max_tokens=3)
    assert nothing.text is None and str(nothing) == ""


def test_a_borrowed_prompt_outlives_its_answer(model):
    filled = model.ask("Hello?", max_tokens=2).filled
    libllm.Prompt()  # something else to take the memory
    assert "Hello?" in filled.text


def test_answers_in_texts():
    assert libllm.extract("so it is 1,234.0 in all", "number") == "1234"
    assert libllm.extract("none", "number") is None
    assert libllm.normalize("  The  ANSWER. ") == "the answer"
    assert libllm.extract("x" * 100_000) == "x" * 100_000


def test_tokens(model, path):
    alone = libllm.Tokenizer(path)
    text = "Hello wörld \N{SNOWMAN}\0 end"
    ids = alone.encode(text, add_special=False)
    assert ids.format == "i" and ids == model.tokenize(text, add_special=False)
    assert alone.decode(ids) == text and alone.decode(list(ids)) == text
    assert model.tokenize(text.encode(), add_special=False) == ids
    assert len(alone) == model.info.n_vocab and alone.kind == "bpe"
    end = alone.special("eos")
    assert alone.is_end(end) and alone.find(alone.token(end).text) == end and alone.special("mask") is None
    decoder = alone.decoder()
    assert "".join([*map(decoder.push, ids), decoder.finish()]) == text
    assert len(model.tokenize("a " * 100_000)) >= 100_000
    assert model.tokenize("").tolist() == model.tokenize("", parse_special=True).tolist()
    special = alone.token(end).text
    assert end in model.tokenize(special, parse_special=True).tolist()
    assert end not in model.tokenize(special, add_special=False).tolist()


def test_what_a_model_is(model, tmp_path, path):
    assert model.info.arch == "llama" and model.meta["general.architecture"] == "llama"
    assert len(model.tensors) == model.info.n_tensors and model.tensors[0].shape[2:] == (1, 1)
    assert model.estimate(n_ctx=64).n_ctx == 64 and "llama" in repr(model)
    target = tmp_path / "small.gguf"
    done = []
    libllm.quantize(path, target, "q4_0", progress=done.append)
    assert done[-1] == 1.0 and done == sorted(done)
    with libllm.Model(target, n_ctx=64, progress=done.append) as small:
        assert small.info.n_bytes < model.info.n_bytes and small.generate("Once", max_tokens=3).text


def test_back_ends_and_runtimes(path):
    names = [backend.name for backend in libllm.backends() if backend.usable]
    assert "cpu" in names and "reference" in names
    runtime = libllm.Runtime(n_threads=1, cpu_mask=0)
    with libllm.Model(path, runtime=runtime, n_ctx=64) as portable:
        assert portable.generate("Once upon a time", max_tokens=4).text
    with libllm.Model(path, tokenizer_only=True) as words:
        assert words.detokenize(words.tokenize("a b", add_special=False)) == "a b"
        with pytest.raises(libllm.StateError, match="tokenizer_only"):
            words.generate("x")


def test_the_log_goes_to_logging(path, caplog):
    with caplog.at_level("DEBUG", logger="libllm"):
        libllm.Model(path, runtime=libllm.Runtime(log_level=4), n_ctx=64).close()
    assert all(record.name == "libllm" for record in caplog.records)
    libllm.errors.log(2, "a 100 % warning")


def test_text_that_spells_marks_of_turns_warns(model, caplog):
    rendering = model.render("What color is snow?")
    assert model.generate(rendering, max_tokens=2).warning == ""
    assert "spells the token" in model.generate(rendering.text, max_tokens=2).warning
    assert any("spells the token" in record.message for record in caplog.records)
    assert list(model.tokenize(rendering.text, parse_special=True)) == list(rendering.ids), "one BOS"
