"""Chat completions in OpenAI's shape: its parameters, its answers, its streams, its tools."""

import json
import logging

import libllm
import pytest

ASK = [{"role": "user", "content": "What color is snow?"}]
CITY = {"$ref": "#/$defs/City"}
WEATHER = {
    "type": "object",
    "properties": {"city": CITY},
    "required": ["city"],
    "$defs": {"City": {"enum": ["Rome", "Oslo"]}},
}
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "stop"}},
]


NAMED = {"type": "function", "function": {"name": "weather"}}


def content(reply):
    return reply["choices"][0]["message"]["content"]


def pieces(chunks, index=0):
    return [c for chunk in chunks for c in chunk["choices"] if c["index"] == index]


def test_the_shape(model):
    reply = model.chat_completion("Hello!", max_tokens=40, temperature=0, logprobs=True, top_logprobs=2)
    choice = reply["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": model.chat("Hello!", max_tokens=40).text}
    assert choice["finish_reason"] == "stop" and reply["object"] == "chat.completion"
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"]
    assert reply["system_fingerprint"] == f"libllm-{libllm.__version__}"


def test_none_is_as_if_it_were_not_given(model):
    story = [{"role": "user", "content": "Tell me a story"}]
    names = "temperature top_p n stop max_completion_tokens presence_penalty tools tool_choice response_format logprobs"
    names += " top_logprobs stream stream_options logit_bias user model variables template add_generation_prompt"
    expected = content(model.chat_completion(story, max_tokens=8, seed=5, temperature=1.0))
    assert content(model.chat_completion(story, max_tokens=8, seed=5)) == expected
    nothing = dict.fromkeys(names.split())
    assert content(model.chat_completion(story, max_tokens=8, seed=5, **nothing)) == expected
    assert content(model.chat_completion(story, max_tokens=8, seed=5, temperature=0)) != expected
    given = {"max_tokens": 8, "temperature": None, "seed": None, "stop": None, "top_k": None, "regex": None}
    assert model.chat(story, **given).text == model.chat(story, max_tokens=8).text


def test_without_a_seed_every_call_draws_anew_and_says_how(model):
    story = [{"role": "user", "content": "Tell me a story"}]
    replies = [model.chat_completion(story, max_tokens=12) for _ in range(3)]
    assert len({reply["seed"] for reply in replies}) == 3 and len(set(map(content, replies))) > 1
    again = model.chat_completion(story, max_tokens=12, seed=replies[0]["seed"])
    assert content(again) == content(replies[0]) and again["seed"] == replies[0]["seed"]


def test_parameters_that_change_nothing_are_taken_and_others_are_named(model):
    two = model.chat(ASK, max_tokens=2).text
    given = {"user": "x", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "modalities": ["text"]}
    assert content(model.chat_completion(ASK, max_tokens=2, temperature=0, **given)) == two
    assert content(model.chat_completion(ASK, max_completion_tokens=2, max_tokens=9, temperature=0)) == two
    developer = [{"role": "developer", "content": "You are a pirate."}, *ASK]
    system = [{"role": "system", "content": "You are a pirate."}, *ASK]
    replies = [content(model.chat_completion(m, max_tokens=9, temperature=0)) for m in (developer, system)]
    assert replies[0] == replies[1]
    for name, message in {
        "functions": "use tools=",
        "function_call": "use tool_choice=",
        "enable_thinking": "variables=",
        "repeat_penalty": "use repetition_penalty=",
        "top_logprobs": "without logprobs=True",
    }.items():
        with pytest.raises(libllm.OptionError, match=f"{name}.*{message}"):
            model.chat_completion(ASK, **{name: 1})
    with pytest.raises(libllm.OptionError, match="modalities"):
        model.chat_completion(ASK, modalities=["audio"])
    with pytest.raises(libllm.OptionError, match="stream=True"):
        model.chat_completion(ASK, stream_options={"include_usage": True})
    with pytest.raises(libllm.OptionError, match='"usage"'):
        model.chat_completion(ASK, stream=True, stream_options={"usage": True})


def test_a_stream_loses_nothing(model):
    options = {"max_tokens": 6, "seed": 3, "n": 2, "logprobs": True, "top_logprobs": 2}
    whole = model.chat_completion(ASK, **options)
    chunks = list(model.chat_completion(ASK, stream=True, stream_options={"include_usage": True}, **options))
    *body, last = chunks
    assert last["choices"] == [] and {chunk["usage"] for chunk in body if chunk["usage"]} == set()
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert last["usage"][name] == whole["usage"][name]
    assert len({chunk["id"] for chunk in chunks}) == 1
    for choice in whole["choices"]:
        own = pieces(body, choice["index"])
        assert "".join(piece["delta"].get("content") or "" for piece in own) == choice["message"]["content"]
        assert own[0]["delta"]["role"] == "assistant" and all("role" not in piece["delta"] for piece in own[1:])
        assert [piece["finish_reason"] for piece in own if piece["finish_reason"]] == [choice["finish_reason"]]
        entries = [entry for piece in own for entry in piece["logprobs"]["content"]]
        assert entries == choice["logprobs"]["content"]
    assert "usage" not in next(iter(model.chat_completion(ASK, stream=True, max_tokens=1)))


def test_the_bytes_of_a_part_of_a_character_are_not_made_up(model):
    reply = model.chat_completion("x", regex="\N{SNOWMAN}", logprobs=True, temperature=0)
    entries = reply["choices"][0]["logprobs"]["content"]
    assert content(reply) == "\N{SNOWMAN}"
    assert all(entry["bytes"] is None or "\ufffd" not in entry["token"] for entry in entries)


def test_response_formats(model):
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["a", "b"]}}}
    assert content(model.chat_completion(ASK, response_format=schema)) in ('"a"', '"b"')
    inner = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}
    reply = model.chat_completion(ASK, response_format={"type": "json_object", "schema": inner}, max_tokens=40)
    assert json.loads(content(reply))["a"] in (1, 2)
    free = model.chat_completion(ASK, response_format={"type": "text"}, temperature=0, max_tokens=2)
    assert content(free) == model.chat(ASK, max_tokens=2).text
    for wrong in ({"type": "xml"}, {}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"name": "x"}}):
        with pytest.raises(ValueError, match="response_format"):
            model.chat_completion(ASK, response_format=wrong)
    with pytest.raises(TypeError, match="response_format is str 'json'"):
        model.chat_completion(ASK, response_format="json")


# ---- tools ----


def called(message):
    (call,) = message["tool_calls"]
    assert call["type"] == "function" and call["id"].startswith("call_")
    return call["function"]["name"], json.loads(call["function"]["arguments"])


@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_call_is_forced_and_read(model, choice):
    tools = TOOLS[:1] if choice == "required" else TOOLS
    reply = model.chat_completion(ASK, tools=tools, tool_choice=choice, max_tokens=80)
    message = reply["choices"][0]["message"]
    name, arguments = called(message)
    assert message["content"] is None and reply["choices"][0]["finish_reason"] == "tool_calls"
    assert name == "weather" and arguments["city"] in ("Rome", "Oslo")
    chunks = list(model.chat_completion(ASK, tools=tools, tool_choice=choice, max_tokens=80, stream=True))
    (piece,) = pieces(chunks)
    assert called(piece["delta"])[0] == "weather" and piece["delta"]["tool_calls"][0]["index"] == 0
    assert piece["finish_reason"] == "tool_calls"
    cut = model.chat_completion(ASK, tools=tools, tool_choice=choice, max_tokens=3)["choices"][0]
    assert cut["finish_reason"] == "length" and cut["message"]["content"], "what is cut off is not a call"


def test_either_of_two_tools(model):
    reply = model.chat_completion(ASK, tools=TOOLS, tool_choice="required", max_tokens=80, n=4)
    for choice in reply["choices"]:
        if choice["finish_reason"] == "tool_calls":
            assert called(choice["message"])[0] in ("weather", "stop")


def test_a_template_is_told_of_tools_or_the_log_says_that_it_is_not(model, caplog):
    shows = "{{ tools[0].function.name if tools else 'none' }}"
    options = {"tools": TOOLS, "max_tokens": 1, "template": shows}
    with caplog.at_level(logging.WARNING, logger="libllm"):
        model.chat_completion(ASK, **options)
        model.chat_completion(ASK, **options, tool_choice="none")
        assert not caplog.records
        model.chat_completion(ASK, tools=TOOLS, max_tokens=1)
        assert "does not read tools" in caplog.text


def test_tools_that_cannot_be_called_are_named(model):
    for options, message in [
        ({"tools": [{}]}, r"tools\[0\] is {}"),
        ({"tools": TOOLS, "tool_choice": "wether"}, "tool_choice is 'wether'.*one of weather, stop"),
        ({"tools": TOOLS, "tool_choice": {"function": {"name": "x"}}}, "one of weather, stop"),
        ({"tool_choice": "required"}, "without tools"),
        ({"tools": TOOLS, "tool_choice": "required", "regex": "a"}, "forces a call, but regex"),
        ({"tools": TOOLS, "tool_choice": NAMED, "response_format": {"type": "json_object"}}, "but json_schema"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.chat_completion(ASK, **options)
    with pytest.raises(TypeError, match=r"tools\[0\] is int 3"):
        model.chat_completion(ASK, tools=[3])


def test_calls_of_a_conversation_reach_the_template_as_objects(model):
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 12345678901234}'}}
    spoken = [*ASK, {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "content": "x"}]
    shows = "{{ messages[1].tool_calls[0].function.arguments.a }}"
    assert model.render(spoken, template=shows).text.endswith("12345678901234")
