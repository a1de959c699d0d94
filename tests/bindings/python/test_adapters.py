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

    llm = LibLLM(model=model, max_tokens=8)
    expected = model.generate("Once upon", max_tokens=8).text
    assert llm.invoke("Once upon") == expected
    assert (PromptTemplate.from_template("{a} upon") | llm).invoke({"a": "Once"}) == expected
    assert llm.batch(["Once upon", "The dog"]) == [expected, model.generate("The dog", max_tokens=8).text]
    assert "".join(llm.stream("Once upon")) == expected and len(list(llm.stream("Once upon"))) > 3
    assert llm.invoke("Once upon", stop=[" time"]) == " a"
    assert llm.bind(max_tokens=2).invoke("Once upon") == model.generate("Once upon", max_tokens=2).text
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
    assert reply.content == model.chat(messages, max_tokens=24).text
    assert reply.usage_metadata["output_tokens"] > 3 and reply.response_metadata["finish_reason"] == "eos"
    chain = (
        ChatPromptTemplate.from_messages([("system", "You are a pirate."), ("user", "{q}")]) | chat | StrOutputParser()
    )
    assert chain.invoke({"q": "Hello!"}) == reply.content == "".join(chain.stream({"q": "Hello!"}))

    async def both():
        pieces = [piece async for piece in chain.astream({"q": "Hello!"})]
        return (await chain.ainvoke({"q": "Hello!"})), "".join(pieces)

    assert asyncio.run(both()) == (reply.content, reply.content)


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


def test_lm_eval_runs_a_task(harness):
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
    found = lm_eval.simple_evaluate(model=harness, tasks=[task], bootstrap_iters=0)
    assert found["results"]["colors"]["acc,none"] == 1.0
