"""What arguments may be: an error names the argument, what was found and what is expected. No function is listed here:
they are found, so that a new one is tried too."""

import dataclasses
import enum
import inspect
import logging

import libllm
import pytest
from libllm._arguments import taken_by


class Stranger:
    """What no argument may be."""


def callables():
    """(name, function) of everything public that takes arguments."""
    for name in libllm.__all__:
        thing = getattr(libllm, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif isinstance(thing, type) and not issubclass(thing, (Exception, tuple)):
            for member, function in inspect.getmembers(thing, inspect.isfunction):
                if member[0] != "_" or member in ("__init__", "__getitem__") and member in vars(thing):
                    yield f"{name}.{member}", function


def parameters():
    for name, function in callables():
        for p in inspect.signature(function).parameters.values():
            if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                yield f"{name}({p.name})", function, p.name


# What the library itself makes and hands to these.
MADE = ("Result(", "Completion(", "Stream(", "AsyncStream(", "Sequence(", "Rendering(", "Filled(", "Answer(")
GIVEN = [row for row in parameters() if not row[0].replace(".__init__", "").startswith(MADE)]


def test_the_walk_finds_them():
    found = {name for name, *_ in GIVEN}
    assert len(found) > 70
    assert {"Model.generate(prompts)", "Tokenizer.encode(text)", "extract(extractor)", "quantize(source)"} <= found


@pytest.mark.parametrize("name,function,parameter", GIVEN, ids=[row[0] for row in GIVEN])
def test_a_wrong_type_is_named(name, function, parameter):
    others = [None] if "self" in inspect.signature(function).parameters else []
    with pytest.raises(TypeError, match=rf"\b{parameter} is Stranger, expected ."):
        call = function(*others, **{parameter: Stranger()})
        if inspect.iscoroutine(call):
            call.send(None)


OPTIONS = {
    "generate": lambda model, **o: model.generate("x", **o),
    "template": lambda model, **o: model.render("x", **o),
    "fill": lambda model, **o: libllm.Prompt().fill("x", **o),
    "ask": lambda model, **o: model.ask("x", **o),
    "prompt": lambda model, **o: libllm.Prompt(**o),
    "runtime": lambda model, **o: libllm.Runtime(**o),
    "engine": lambda model, **o: model.estimate(**o),
    "model": lambda model, **o: libllm.Model("x", **o),
    "quantize": lambda model, **o: libllm.quantize("x", "y", "F16", **o),
}


@pytest.mark.parametrize("group", OPTIONS)
def test_a_wrong_option_is_named(model, group):
    from libllm._options import table

    extra = ["stop", "stop_tokens", "logit_bias", "grammar", "regex", "choices"] if group == "generate" else []
    for name in [*table(group), *extra]:
        with pytest.raises(TypeError, match=rf"\b{name} is Stranger, expected \w+"):
            OPTIONS[group](model, **{name: Stranger()})


def test_every_parameter_has_a_kind():
    free = {name for name, function, parameter in GIVEN if parameter not in taken_by(inspect.unwrap(function)).kinds}
    assert not free


@pytest.mark.parametrize(
    "call,message",
    [
        (lambda m: m.generate({"a": 1}), "prompts is dict"),
        (lambda m: m.generate(None), "prompts is None"),
        (lambda m: m.generate({"a"}), "prompts is set"),
        (lambda m: m.generate(x for x in ["a", 3]), r"prompts\[1\] is int 3"),
        (lambda m: m.generate(["a", 3]), r"prompts\[1\] is int 3"),
        (lambda m: m.generate([1, "a"]), r"prompts\[1\] is str 'a'"),
        (lambda m: m.generate([1, True]), r"prompts\[1\] is bool True"),
        (lambda m: m.generate([[1.5]]), r"prompts\[0\]\[0\] is float 1.5"),
        (lambda m: m.generate("x", choices=[1, 2]), r"choices\[0\] is int 1"),
        (lambda m: m.generate("x", choices="yes"), "choices is str 'yes'"),
        (lambda m: m.generate("x", stop=[3]), r"stop\[0\] is int 3"),
        (lambda m: m.generate("x", stop_tokens="ab"), "stop_tokens is str 'ab'"),
        (lambda m: m.generate("x", logit_bias=[1]), "logit_bias is list"),
        (lambda m: m.generate("x", logit_bias={"a": 1}), "logit_bias has the key str 'a'"),
        (lambda m: m.generate("x", logit_bias={1: "a"}), r"logit_bias\[1\] is str 'a'"),
        (lambda m: m.generate("x", max_tokens=True), "max_tokens is bool True"),
        (lambda m: libllm.Prompt().fill("x", m, chat="yes"), "chat is str 'yes'"),
        (lambda m: m.generate("x", temperature="hot"), "temperature is str 'hot'"),
        (lambda m: m.generate("x", ignore_eos="no"), "ignore_eos is str 'no', expected True or False"),
        (lambda m: m.tokenize("x", add_special="no"), "add_special is str 'no', expected True or False"),
        (lambda m: m.score("a"), "a prompt as text and its continuation"),
        (lambda m: m.score([("a", "b")], "c"), "a prompt as text and its continuation"),
        (lambda m: m.score(["a", "b"]), r"prompts\[0\] is str 'a'"),
        (lambda m: m.score([("a", 3)]), r"prompts\[0\]\[1\] is int 3"),
        (lambda m: m.score("a", [" b", 3]), r"continuation\[1\] is int 3"),
        (lambda m: m.chat({"role": "user", "content": "x"}), "messages is dict"),
        (lambda m: m.chat([{"role": 3, "content": "x"}]), r"messages\[0\].role is int 3"),
        (lambda m: m.chat(["x"]), r"messages\[0\] is str 'x'"),
        (lambda m: m.chat([{"role": "user", "content": 5}]), r"messages\[0\].content is int 5"),
        (lambda m: m.render("x", variables=[1]), "variables is list"),
        (lambda m: m.embed(["a", None]), r"texts\[1\] is None"),
        (lambda m: m.generate("x", n=2, max_tokens=1)["0"], "index is str '0', expected an integer or slice"),
        (lambda m: libllm.Grammar(m, choices=[1]), r"choices\[0\] is int 1"),
        (lambda m: libllm.Grammar(m, regex=1), "regex is int 1"),
        (lambda m: libllm.Prompt([3]), r"examples\[0\] is int 3"),
        (lambda m: libllm.Model(3), "path is int 3"),
    ],
)
def test_what_is_wrong_is_shown(model, call, message):
    with pytest.raises(TypeError, match=message):
        call(model)


def test_what_is_nearly_the_type_is_taken(model):
    expected = model.generate("Once upon", max_tokens=3).text
    assert model.generate(b"Once upon", max_tokens=3).text == expected
    assert model.generate(bytearray(b"Once upon"), max_tokens=3).text == expected
    first = model.generate("Once upon", max_tokens=1).ids[0]
    bias = {str(first): -100}
    assert model.generate("Once upon", max_tokens=1, logit_bias=bias).ids[0] != first
    assert [r.text for r in model.generate((x for x in ["Once upon"] * 2), max_tokens=3)] == [expected] * 2
    assert [c.text for c in model.score("The sky", [" is", " was"])] == [" is", " was"]
    assert libllm.Prompt().fill("x", model, chat=True).is_chat and not libllm.Prompt().fill("x", model, chat=0).is_chat
    result = model.generate("x", n=3, max_tokens=2, temperature=1)
    assert [c.text for c in result[1:]] == [result[1].text, result[2].text] and result[5:] == []


def test_rows_of_other_kinds_are_checked_too(model):
    from collections import UserList, deque

    ids = model.tokenize("Once upon").tolist()
    expected = model.generate("Once upon", max_tokens=3).text
    assert model.detokenize(deque(ids)) == model.detokenize(UserList(ids)) == model.detokenize(ids)
    assert model.generate(UserList(ids), max_tokens=3).text == expected
    with pytest.raises(TypeError, match=r"ids\[1\] is str 'a'"):
        model.detokenize(deque([1, "a"]))
    with pytest.raises(TypeError, match=r"choices\[1\] is int 3"):
        model.generate("x", choices=deque(["a", 3]))
    pandas = pytest.importorskip("pandas")
    assert model.generate(pandas.Series(ids), max_tokens=3).text == expected
    assert model.generate("x", choices=pandas.Series(["a", "b"])).text in "ab"


def test_numbers_of_numpy_are_numbers(model):
    numpy = pytest.importorskip("numpy")
    ids = numpy.asarray(model.tokenize("Once upon"))
    expected = model.generate("Once upon", max_tokens=3).text
    options = {"max_tokens": numpy.int64(3), "temperature": numpy.float32(0), "ignore_eos": numpy.bool_(False)}
    for given in (ids, ids.astype(numpy.int64), list(ids)):
        assert model.generate(given, **options).text == expected
    for wrong in (ids.astype(float), ids.reshape(1, -1)):
        with pytest.raises(TypeError, match="prompts is an array of|prompts is ndarray"):
            model.generate(wrong)


# ---- options that belong elsewhere ----


@pytest.mark.parametrize(
    "option,hint",
    [
        ("enable_thinking", r"variables=\{'enable_thinking'"),
        ("tools", r"variables=\{'tools'"),
        ("n_gpu_layers", r"backend= of Model\(\)"),
        ("ngl", r"backend= of Model\(\)"),
        ("max_new_tokens", "use max_tokens="),
        ("repeat_penalty", "use repetition_penalty="),
        ("stop_sequences", "use stop="),
        ("num_return_sequences", "use n="),
        ("do_sample", "temperature"),
        ("n_ctx", r"an option of Model\(\)"),
        ("backend", r"an option of Model\(\)"),
        ("log_level", r"an option of Runtime\(\)"),
        ("cot", r"an option of ask\(\)"),
        ("temprature", 'did you mean "temperature"'),
        ("json_scheme", 'did you mean "json_schema"'),
    ],
)
def test_an_option_that_belongs_elsewhere_is_told_so(model, option, hint):
    for call in (model.generate, model.chat, model.stream):
        with pytest.raises(libllm.OptionError, match=f'"{option}".*{hint}'):
            call("x", **{option: 1})


def test_numbers_beyond_all_range_are_named(model):
    for option in ({"temperature": 10**400}, {"max_tokens": 10**5000}, {"seed": 2**64}, {"top_k": 2**70}):
        with pytest.raises(libllm.OptionError, match=next(iter(option))):
            model.generate("x", **option)


def test_options_of_generate_are_not_those_of_a_model(path):
    for option in ("temperature", "stop", "choices"):
        with pytest.raises(libllm.OptionError, match=f'"{option}".*generate'):
            libllm.Model(path, **{option: 1})


# ---- JSON ----


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Message:
    role: str
    content: str


class Fields(dict):
    pass


SHOW = "{{ v | tojson }}"


@pytest.mark.parametrize(
    "value,text",
    [
        (12345678901234567890, "12345678901234567890"),
        (-(2**70), str(-(2**70))),
        (2**64 - 1, str(2**64 - 1)),
        (Color.RED, '"red"'),
        (Fields(a=1), '{"a": 1}'),
        (Message("user", "x"), '{"role": "user", "content": "x"}'),
        ((1, 2), "[1, 2]"),
        (True, "true"),
        (None, "null"),
        ({1: 2}, '{"1": 2}'),
    ],
    ids=repr,
)
def test_values_reach_templates_as_they_are(model, value, text):
    assert model.render("x", template=SHOW, variables={"v": value}).text.endswith(text)


def nested():
    loop = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    "value,kind,message",
    [
        (float("nan"), ValueError, r"variables.v\[0\] is nan"),
        (float("inf"), ValueError, r"variables.v\[0\] is inf"),
        ({1, 2}, TypeError, r"variables.v\[0\] is set"),
        (b"x", TypeError, r"variables.v\[0\] is bytes b'x'"),
        (Stranger(), TypeError, r"variables.v\[0\] is Stranger"),
        ({(1,): 2}, TypeError, r"variables.v\[0\] has the key tuple"),
        ("\ud800", UnicodeEncodeError, r"variables.v\[0\] has a lone surrogate"),
        ({"\ud800": 1}, UnicodeEncodeError, r"a key of variables.v\[0\] has a lone surrogate"),
        (nested(), ValueError, "nested too deep"),
    ],
    ids=ascii,
)
def test_what_json_cannot_say_is_refused_by_its_place(model, value, kind, message):
    with pytest.raises(kind, match=message):
        model.render("x", template=SHOW, variables={"v": [value]})


def test_lone_surrogates_in_texts(model):
    for call in (model.generate, model.tokenize, libllm.normalize, libllm.Template, lambda t: model.score("a", t)):
        with pytest.raises(UnicodeEncodeError, match="lone surrogate"):
            call("x\ud800")


# ---- conversations ----


def test_messages_of_every_kind(model):
    expected = model.render([{"role": "user", "content": "Hello!"}]).text
    parts = [{"type": "text", "text": "Hello!"}]
    typed = [Message("user", "Hello!"), Fields(role="user", content="Hello!")]
    for message in (*typed, {"role": "user", "content": parts}):
        assert model.render([message]).text == expected == model.render(iter([message])).text
    pydantic = pytest.importorskip("pydantic")

    class Typed(pydantic.BaseModel):
        role: str
        content: str | None = None
        refusal: str | None = None

    assert model.render([Typed(role="user", content="Hello!")]).text == expected
    two = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert "a\nb" in model.render([{"role": "user", "content": two}]).text


@pytest.mark.parametrize(
    "message,fault",
    [
        ({"content": "x"}, r"messages\[0\] has no role.*it has content"),
        ({"role": "user", "content": [{"type": "image_url"}]}, r"content\[0\] is a part of type 'image_url'"),
        ({"role": "user", "content": [{"type": "text"}]}, r"content\[0\] is a part of type 'text'"),
    ],
)
def test_messages_that_cannot_be_read_are_named(model, message, fault):
    with pytest.raises(ValueError, match=fault):
        model.chat([message])


# ---- paths, log ----


def test_a_missing_file_is_a_file_not_found_error(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    calls = [libllm.Model, libllm.Tokenizer, lambda p: libllm.quantize(p, tmp_path / "x.gguf", "F16")]
    for call in calls:
        for name in (tmp_path / "none.gguf", "~/none.gguf", b"none.gguf", "none/none.gguf"):
            with pytest.raises(libllm.MissingFile, match=r"none\.gguf") as caught:
                call(name)
            error = caught.value
            assert isinstance(error, FileNotFoundError) and isinstance(error, libllm.LlmError)
            assert error.errno == 2 and error.filename.endswith("none.gguf") and "~" not in error.filename
    (tmp_path / "m.gguf").symlink_to(path)
    with libllm.Model("~/m.gguf", n_ctx=64) as model:
        assert model.path == str(tmp_path / "m.gguf")
    assert len(libllm.Tokenizer("~/m.gguf")) == len(libllm.Tokenizer(path))
    with pytest.raises(ValueError, match="NUL"):
        libllm.Model("a\0b")
    with pytest.raises(libllm.NotFound) as caught:
        libllm.Model(path, backend="nothing")
    assert not isinstance(caught.value, FileNotFoundError)


def test_the_log_follows_the_level_of_its_logger(path, caplog):
    runtime = libllm.runtime
    with caplog.at_level(logging.DEBUG, logger="libllm"):
        assert runtime.default()._log_level == 4
        libllm.errors.log(4, "a line")
        assert (caplog.records[-1].levelname, caplog.records[-1].message) == ("DEBUG", "a line")
    with caplog.at_level(logging.ERROR, logger="libllm"):
        assert runtime.default()._log_level == 1 and runtime.default() is runtime.default()
    with caplog.at_level(logging.CRITICAL + 1, logger="libllm"):
        assert runtime.default()._log_level == 0
    with caplog.at_level(logging.DEBUG, logger="libllm"):
        libllm.Model(path, n_ctx=64).generate("Once", max_tokens=1)
        assert {r.levelno for r in caplog.records} == {logging.DEBUG} and "family llama" in caplog.text
    assert [libllm.errors.LEVELS[i] for i in (1, 2, 3, 4)] == [40, 30, 20, 10]
