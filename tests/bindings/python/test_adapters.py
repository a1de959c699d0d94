"""The adapters against the real packages, where those are installed."""

import asyncio
import math

import libllm
import pytest
from libllm import adapters


def test_which_are_there():
    assert set(adapters.available()) <= {"langchain", "lm_eval"}


# ---- LangChain ----


def test_langchain_text_model(model):
    pytest.importorskip("langchain_core")
    from langchain_core.prompts import PromptTemplate
    from libllm.adapters.langchain import LibLLM

    llm = LibLLM(model=model, max_tokens=8, ignore_eos=True)
    expected = model.generate("Once upon", max_tokens=8, ignore_eos=True).text
    assert llm.invoke("Once upon") == expected
    assert (PromptTemplate.from_template("{a} upon") | llm).invoke({"a": "Once"}) == expected
    assert llm.batch(["Once upon", "The dog"]) == [
        expected,
        model.generate("The dog", max_tokens=8, ignore_eos=True).text,
    ]
    assert "".join(llm.stream("Once upon")) == expected and len(list(llm.stream("Once upon"))) > 3
    stop = expected[len(expected) // 2 :][:3]
    assert llm.invoke("Once upon", stop=[stop]) == expected[: expected.index(stop)]
    assert llm.bind(max_tokens=2).invoke("Once upon") == model.generate("Once upon", max_tokens=2, ignore_eos=True).text
    assert llm.get_num_tokens("a b c") == len(model.tokenize("a b c", add_special=False))

    async def both():
        return await llm.ainvoke("Once upon"), "".join([piece async for piece in llm.astream("Once upon")])

    assert asyncio.run(both()) == (expected, expected)
    with pytest.raises(libllm.OptionError, match="max_tokens"):
        LibLLM(model=model, max_token=8).invoke("x")


def test_langchain_chat_model(model, path):
    pytest.importorskip("langchain_core")
    from langchain_core.messages import HumanMessage, SystemMessage
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from libllm.adapters.langchain import ChatLibLLM

    chat = ChatLibLLM(model=path, max_tokens=24)
    reply = chat.invoke([SystemMessage("You are a pirate."), HumanMessage("Hello!")])
    messages = [{"role": "system", "content": "You are a pirate."}, {"role": "user", "content": "Hello!"}]
    result = model.chat(messages, max_tokens=24)
    assert reply.content == result.text and reply.response_metadata["finish_reason"] == result.finish
    assert reply.usage_metadata["output_tokens"] == result.stats.n_tokens > 0
    chain = (
        ChatPromptTemplate.from_messages([("system", "You are a pirate."), ("user", "{q}")]) | chat | StrOutputParser()
    )
    assert chain.invoke({"q": "Hello!"}) == reply.content == "".join(chain.stream({"q": "Hello!"}))

    async def both():
        pieces = [piece async for piece in chain.astream({"q": "Hello!"})]
        return (await chain.ainvoke({"q": "Hello!"})), "".join(pieces)

    assert asyncio.run(both()) == (reply.content, reply.content)


ASK = "What color is snow?"


@pytest.fixture
def chat_model(model):
    pytest.importorskip("langchain_core")
    from libllm.adapters.langchain import ChatLibLLM

    return lambda **options: ChatLibLLM(model=model, **options)


def summed(chunks):
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


def asynchronously(model, question):
    async def gather():
        return summed([chunk async for chunk in model.astream(question)]), await model.ainvoke(question)

    return asyncio.run(gather())


@pytest.mark.parametrize("options", [{}, {"logprobs": True, "top_logprobs": 2}, {"n_logprobs": 0}])
def test_the_sum_of_langchains_chunks_is_the_answer(chat_model, options):
    chat = chat_model(max_tokens=3, regex="[a-z]{40}", **options)
    whole = chat.invoke(ASK)
    for found in (summed(chat.stream(ASK)), *asynchronously(chat, ASK)):
        assert found.content == whole.content and found.usage_metadata == whole.usage_metadata
        assert found.response_metadata == whole.response_metadata
    assert whole.response_metadata["finish_reason"] == "length" and whole.usage_metadata["output_tokens"] == 3
    if options:
        assert "".join(e["token"] for e in whole.response_metadata["logprobs"]["content"]) == whole.content


def test_langchains_text_model_tells_why_it_ended(model):
    pytest.importorskip("langchain_core")
    from libllm.adapters.langchain import LibLLM

    llm = LibLLM(model=model, max_tokens=3)
    result = llm.generate(["Once", "The dog"])
    assert [g[0].generation_info for g in result.generations] == [{"finish_reason": "length"}] * 2
    assert result.llm_output["token_usage"]["output_tokens"] == 6
    assert summed(llm._stream("Once")).generation_info == {"finish_reason": "length"}


def test_langchain_structured_output(chat_model):
    pydantic = pytest.importorskip("pydantic")
    from langchain_core.exceptions import OutputParserException
    from typing_extensions import TypedDict

    class Reply(pydantic.BaseModel):
        yes: bool
        grade: int = pydantic.Field(ge=0, le=9)

    class Typed(TypedDict):
        yes: bool

    chat = chat_model(max_tokens=60)
    for method in ("json_schema", "function_calling", "json_mode"):
        reply = chat.with_structured_output(Reply, method=method).invoke("Is snow white?")
        assert isinstance(reply, Reply) and 0 <= reply.grade <= 9
    schema = Reply.model_json_schema()
    tool = {"type": "function", "function": {"name": "reply", "parameters": schema}}
    for given in (schema, tool, {"name": "reply", "schema": schema}):
        assert Reply(**chat.with_structured_output(given).invoke("Is snow white?")) == reply
    assert isinstance(chat.with_structured_output(Typed).invoke("Is snow white?")["yes"], bool)
    assert asyncio.run(chat.with_structured_output(Reply).ainvoke("Is snow white?")) == reply
    raw = chat.with_structured_output(Reply, include_raw=True).invoke("Is snow white?")
    assert raw["parsed"] == reply and raw["parsing_error"] is None and raw["raw"].content.startswith("{")
    cut = chat_model(max_tokens=3)
    with pytest.raises(OutputParserException, match="cut off"):
        cut.with_structured_output(schema).invoke("Is snow white?")
    raw = cut.with_structured_output(Reply, include_raw=True).invoke("Is snow white?")
    assert raw["parsed"] is None and isinstance(raw["parsing_error"], OutputParserException)
    with pytest.raises(ValueError, match="no option 'stric'"):
        chat.with_structured_output(Reply, stric=True)


def test_langchain_tools(chat_model):
    from langchain_core.tools import tool

    @tool
    def paint(color: bool) -> str:
        """Paints."""
        return "done"

    chat = chat_model(max_tokens=60)
    for choice in ("any", "paint", True, {"type": "function", "function": {"name": "paint"}}):
        bound = chat.bind_tools([paint], tool_choice=choice)
        reply = bound.invoke(ASK)
        (call,) = reply.tool_calls
        assert call["name"] == "paint" and isinstance(call["args"]["color"], bool) and reply.content == ""
        assert reply.response_metadata["finish_reason"] == "tool_calls"
        for found in (summed(bound.stream(ASK)), *asynchronously(bound, ASK)):
            assert [(c["name"], c["args"]) for c in found.tool_calls] == [("paint", call["args"])]
            assert found.content == "" and found.usage_metadata == reply.usage_metadata
    names = "{% for t in tools %}{{ t.function.name }}{% endfor %}{{ messages[0].content }}"
    assert chat_model(max_tokens=2, ignore_eos=True, template=names).bind_tools([paint]).invoke(ASK).content
    plain = chat_model(max_tokens=2, template=names.replace("in tools", "in tools or []"))
    n_told, n_plain = (m.invoke(ASK).usage_metadata["input_tokens"] for m in (plain.bind_tools([paint]), plain))
    assert n_told > n_plain, "the template is told of them"
    with pytest.raises(ValueError, match="one of paint"):
        chat.bind_tools([paint], tool_choice="pant")


def test_options_of_a_model_reach_it(path, chat_model):
    pytest.importorskip("langchain_core")
    from libllm.adapters.langchain import ChatLibLLM, LibLLM

    for kind in (ChatLibLLM, LibLLM):
        chat = kind(model=path, n_ctx=128, backend="cpu", max_tokens=2)
        assert chat.model.n_ctx == 128 and chat.options == {"max_tokens": 2} and chat.invoke("hi")
        with pytest.raises(TypeError, match="model is int 3, expected a Model or the path of one"):
            kind(model=3)
        other = kind(model=libllm.Model(path, n_ctx=64))
        assert chat._identifying_params != other._identifying_params, "what LangChain's caches go by"
    with pytest.raises(ValueError, match=r'"n_ctx" is an option of Model\(\)'):
        chat_model(n_ctx=128)
    with pytest.raises(libllm.OptionError, match="enable_thinking.*variables="):
        chat_model(enable_thinking=False).invoke("hi")
    with pytest.raises(libllm.OptionError, match="n is 2"):
        list(chat_model(n=2).stream("hi"))
    parts = [{"role": "user", "content": [{"type": "text", "text": ASK}]}]
    expected = chat_model(max_tokens=2, temperature=None).invoke(ASK).content
    assert chat_model(max_tokens=2).invoke(parts).content == expected


# ---- lm-evaluation-harness ----


@pytest.fixture
def harness(model):
    pytest.importorskip("lm_eval")
    from libllm.adapters.lm_eval import LibLLMModel

    return LibLLMModel(model)


def instances(kind, *arguments):
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, a, i) for i, a in enumerate(arguments)]


def test_lm_eval_log_likelihoods(model, harness):
    pairs = [("The sky is", " blue"), ("The sky is ", "blue"), ("", "Once upon a time"), ("a b " * 2000, " c")]
    answers = harness.loglikelihood(instances("loglikelihood", *pairs))
    assert answers[0][0] == pytest.approx(model.score("The sky is", " blue").logprob) == answers[1][0]
    assert answers[2][0] == pytest.approx(model.score("", "Once upon a time").logprob, abs=1e-4), "by ids as by text"
    assert math.isfinite(answers[3][0]), "one that does not fit is cut at its beginning"
    greedy = model.generate("The sky is", max_tokens=3).text
    assert harness.loglikelihood(instances("loglikelihood", ("The sky is", greedy)))[0][1] is True
    with pytest.raises(ValueError, match="exceeds the context"):
        harness.loglikelihood(instances("loglikelihood", ("a", " b" * 2000)))


def test_lm_eval_rolling(model, harness):
    text = "Once upon a time, there was a dog."
    (short, long) = harness.loglikelihood_rolling(instances("loglikelihood_rolling", (text,), (text * 200,)))
    assert short == pytest.approx(model.score("", text).logprob, abs=1e-4)
    assert math.isfinite(long) and long < short


def test_lm_eval_generation(model, harness):
    options = {"until": ["."], "max_gen_toks": 20}
    arguments = [("Once upon a time", options), ("The dog", options), ("The dog", {"until": [], "max_gen_toks": 3})]
    answers = harness.generate_until(instances("generate_until", *arguments))
    assert answers[0] == model.generate("Once upon a time", max_tokens=20, stop=".").text
    assert answers[2] == model.generate("The dog", max_tokens=3).text


def test_lm_eval_opens_a_model_as_the_harness_names_it(model, path):
    pytest.importorskip("lm_eval")
    from libllm.adapters.lm_eval import LibLLMModel
    from lm_eval.api.registry import get_model

    made = get_model("libllm").create_from_arg_string(f"pretrained={path},n_ctx=256", {"batch_size": "auto"})
    assert made.max_length == 256 and LibLLMModel(path, max_length=128).max_length == 128
    with libllm.Model(path, n_ctx=512) as own:
        assert LibLLMModel(own).max_length == 512, "that of the model, whatever it was made with"
        with pytest.raises(libllm.OptionError, match="n_ctx"):
            LibLLMModel(own, n_ctx=64)
    for given in ({}, {"path": path, "pretrained": path}):
        with pytest.raises(libllm.OptionError, match="one of path and pretrained"):
            LibLLMModel(**given)


@pytest.mark.parametrize("most", [256, 32768])
def test_lm_eval_never_cuts_a_prompt_to_nothing(path, most):
    pytest.importorskip("lm_eval")
    from libllm.adapters.lm_eval import LibLLMModel

    harness = LibLLMModel(path, n_ctx=256)
    for name in ("max_gen_toks", "max_new_tokens", "max_tokens"):
        with pytest.raises(ValueError, match=f"max_gen_toks is {most}, expected less than the context of 256"):
            harness.generate_until(instances("generate_until", ("Once", {name: most})))


def test_lm_eval_cuts_a_long_prompt_at_its_beginning_and_says_so(model, path, caplog):
    pytest.importorskip("lm_eval")
    from libllm.adapters.lm_eval import LibLLMModel

    harness = LibLLMModel(path, n_ctx=64)
    (answer,) = harness.generate_until(instances("generate_until", ("a b " * 100 + "Once upon", {"max_gen_toks": 14})))
    ids = model.tokenize("a b " * 100 + "Once upon").tolist()[-50:]
    assert answer == model.generate(ids, max_tokens=14).text and "cut to its last 50: n_ctx is 64" in caplog.text


def test_lm_eval_keywords_of_generation(model, harness):
    def ask(*arguments):
        return harness.generate_until(instances("generate_until", *arguments))

    greedy = model.generate("The dog", max_tokens=6).text
    for options in (
        {"until": None, "do_sample": False, "temperature": 0.9},
        {"until": "zzz", "temperature": 0.0},
        {"until": ["", "zzz"], "num_beams": 1},
    ):
        assert ask(("The dog", {"max_gen_toks": 6, **options})) == [greedy]
    sampled = {"max_gen_toks": 12, "do_sample": True, "temperature": 1.0}
    answers = ask(*[("The dog", sampled)] * 4, ("The cat", sampled))
    assert len(set(answers[:4])) > 1, "a request that is repeated draws anew"
    assert answers == ask(*[("The dog", sampled)] * 4, ("The cat", sampled))
    with pytest.raises(libllm.OptionError, match="num_beams"):
        ask(("x", {"num_beams": 4}))
    with pytest.raises(TypeError, match="until is 3"):
        ask(("x", {"until": 3}))
    with pytest.raises(libllm.OptionError, match="top_kk"):
        ask(("x", {"top_kk": 4}))


def test_lm_eval_spaces_and_empty_texts(model, harness):
    def score(*pair):
        return harness.loglikelihood(instances("loglikelihood", pair))[0]

    for spaces in ("", " ", "\n", " \n "):
        found = score("The sky is" + spaces, "blue")
        assert found[0] == pytest.approx(model.score("The sky is", spaces + "blue").logprob)
    assert score(" ", "Once") == score("", " Once")
    for context in ("The sky is", ""):
        with pytest.raises(ValueError, match="has no token"):
            score(context, "")
    many = [("The sky is", " blue"), ("", "Once"), ("a b " * 2000, " c"), ("The sky is", " red")]
    assert harness.loglikelihood(instances("loglikelihood", *many)) == [score(*pair) for pair in many], "in their order"
    assert harness.loglikelihood_rolling(instances("loglikelihood_rolling", ("",))) == [0.0]


def test_lm_eval_chat_templates(model, path):
    pytest.importorskip("lm_eval")
    from libllm.adapters.lm_eval import LibLLMModel

    harness = LibLLMModel(model)
    assert harness.chat_template(False) is None and "messages" in harness.chat_template(True)
    with pytest.raises(libllm.NotFound):
        harness.chat_template("nothing")
    assert harness.tokenizer_name.endswith("tiny-reasoner.gguf") and "/" not in harness.tokenizer_name
    messages = [{"role": "user", "content": ASK}]
    text = harness.apply_chat_template(messages)
    assert text == model.render(messages).text
    assert harness._encoded(text) == model.render(messages).ids.tolist(), "as the template's own ids, with one BOS"
    (answer,) = harness.generate_until(instances("generate_until", (text, {"max_gen_toks": 8})))
    assert answer == model.chat(messages, max_tokens=8).text


def test_lm_eval_runs_a_task(harness, model):
    import lm_eval

    def colors(**unused):
        datasets = pytest.importorskip("datasets")
        rows = [
            {"q": "What color is snow?", "choices": ["Snow is white.", "Snow is green."], "gold": 0},
            {"q": "What color is grass?", "choices": ["Grass is red.", "Grass is green."], "gold": 1},
        ]
        return {"test": datasets.Dataset.from_list(rows)}

    task = {
        "task": "colors",
        "custom_dataset": colors,
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "Q: {{q}}\nA:",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{gold}}",
        "metric_list": [{"metric": "acc"}],
    }
    right = []
    for row in colors()["test"]:
        scored = model.score(f"Q: {row['q']}\nA:", [f" {choice}" for choice in row["choices"]])
        right.append(max(range(2), key=lambda i: scored[i].logprob) == row["gold"])
    for chat in (False, True):
        found = lm_eval.simple_evaluate(model=harness, tasks=[task], bootstrap_iters=0, apply_chat_template=chat)
        assert found["results"]["colors"]["acc,none"] == sum(right) / 2 or chat
