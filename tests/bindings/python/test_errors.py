"""Errors by kind, and values that no argument expects: an exception, never a crash."""

import copy
import pickle

import libllm
import pytest
from libllm import native

HOSTILE = [
    None,
    3,
    -1,
    2**70,
    1.5,
    object(),
    "\ud800",
    b"\xff\x00",
    [],
    {},
    [None],
    ["a", 3],
    [2**40],
    [-(2**40)],
    (),
    True,
    [[1]],
]


def test_kinds(path, tmp_path):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\x03\0\0\0" + b"\xff" * 100)
    with pytest.raises(libllm.ModelFormatError, match="bad.gguf") as caught:
        libllm.Model(bad)
    assert caught.value.status == -4 and caught.value.name == "LLM_E_FORMAT" and isinstance(caught.value, ValueError)
    with pytest.raises(libllm.ModelFormatError):
        libllm.Tokenizer(bad)
    with pytest.raises(libllm.NotFound, match="nowhere"):
        libllm.Model(tmp_path / "nowhere.gguf")
    with pytest.raises(libllm.OutOfMemory) as caught:
        libllm.Model(path, n_ctx=1 << 24, n_kv_tokens=1 << 32)
    assert isinstance(caught.value, MemoryError)
    with pytest.raises(libllm.NotFound, match="nothing"):
        libllm.Model(path, backend="nothing")
    kinds = [kind for kind in vars(libllm.errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 16 and all(issubclass(kind, libllm.LlmError) for kind in kinds)
    assert all(getattr(libllm, kind.__name__) is kind for kind in kinds)


def test_options(model, path):
    with pytest.raises(libllm.OptionError, match='"temprature".*did you mean "temperature"'):
        model.generate("x", temprature=1)
    with pytest.raises(libllm.OptionError, match='did you mean "n_ctx"'):
        libllm.Model(path, n_cxt=3)
    with pytest.raises(libllm.OptionError, match='did you mean "use_mmap"'):
        libllm.Model(path, use_map=3)
    with pytest.raises(libllm.OptionError, match="top_p"):
        model.generate("x", top_p=7)
    with pytest.raises(libllm.OptionError):
        model.generate("x", max_tokens=-2)
    with pytest.raises(libllm.OptionError):
        model.generate("x", seed=-1)
    with pytest.raises(libllm.OptionError):
        model.generate("x", temperature=float("nan"))
    for wrong in ("5", 2.5, [1], b"5"):
        with pytest.raises(TypeError, match="max_tokens"):
            model.generate("x", max_tokens=wrong)
    assert model.generate("x", max_tokens=None, stop=None, regex="a").text == "a", "None is the default"


def test_limits(model):
    with pytest.raises(libllm.LimitReached, match="n_ctx"):
        model.generate("a b " * 5000, max_tokens=3)
    with pytest.raises(libllm.LimitReached, match="n_ctx"):
        model.score("a b " * 5000, "c")
    with pytest.raises(libllm.ArgumentError, match=f"expected 0..{model.info.n_vocab - 1}"):
        model.generate([model.info.n_vocab])
    with pytest.raises(libllm.ArgumentError, match="0 tokens"):
        model.generate([__import__("array").array("i")])
    with pytest.raises(OverflowError, match="32 bits"):
        model.generate([2**33])
    with pytest.raises(UnicodeEncodeError):
        model.generate("\ud800")
    with pytest.raises(libllm.ArgumentError, match="empty"):
        model.generate("x", stop=[""])
    with pytest.raises(libllm.FormatError, match="line 1, column 1"):
        model.generate("x", regex="(")
    with pytest.raises(libllm.Unsupported, match="dynamicRef"):
        model.generate("x", json_schema={"$dynamicRef": "#x"})


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_hostile_values_of_the_python_layer(model, value, once):
    calls = [
        lambda: model.generate(value, max_tokens=1),
        lambda: model.generate([value], max_tokens=1),
        lambda: model.generate("x", max_tokens=1, stop=value),
        lambda: model.generate("x", max_tokens=1, stop_tokens=value),
        lambda: model.generate("x", max_tokens=1, logit_bias=value),
        lambda: model.generate("x", max_tokens=1, regex=value),
        lambda: model.generate("x", max_tokens=1, choices=value),
        lambda: model.generate("x", max_tokens=1, grammar=value),
        lambda: model.generate("x", max_tokens=1, json_schema=value),
        lambda: model.generate("x", max_tokens=1, temperature=value),
        lambda: model.generate("x", max_tokens=1, seed=value),
        lambda: model.stream(value, max_tokens=1).close(),
        lambda: model.tokenize(value),
        lambda: model.detokenize(value),
        lambda: model.score(value),
        lambda: model.score("a", value),
        lambda: model.embed(value),
        lambda: model.sequence().eval(value),
        lambda: model.sequence().eval([1, 2], value),
        lambda: model.sequence().rewind(value),
        lambda: model.chat(value, max_tokens=1),
        lambda: model.render("x", template=value),
        lambda: model.ask(value, max_tokens=1),
        lambda: model.ask("x", value, max_tokens=1),
        lambda: model.tokenizer.token(value),
        lambda: model.tokenizer.find(value),
        lambda: model.tokenizer.is_end(value),
        lambda: model.tokenizer.decoder().push(value),
        lambda: libllm.Template(value),
        lambda: libllm.Prompt(value),
        lambda: libllm.Prompt(variables=value),
        lambda: libllm.Prompt(instruction=value),
        lambda: libllm.Prompt().fill(value),
        lambda: libllm.extract(value),
        lambda: libllm.extract("x", value),
        lambda: libllm.normalize(value),
        lambda: libllm.Model(value),
        lambda: libllm.Tokenizer(value),
        lambda: libllm.Runtime(n_threads=value),
        lambda: libllm.Runtime(plugin_dir=value),
        lambda: libllm.quantize(value, value, "F16"),
        lambda: libllm.quantize("/nowhere", "/nowhere/x", value),
    ]
    for call in calls:
        try:
            call()
        except (libllm.LlmError, TypeError, ValueError, OverflowError, AttributeError, FileNotFoundError):
            pass
    assert model.generate("Once", max_tokens=2).text == once


def test_hostile_values_of_the_generated_module(model):
    """Each function with each value in each place."""
    handles = [model._held[0], model._held[1], model.tokenizer._raw, native.llm_generate_options()]
    functions = {
        name: f for name, f in vars(native).items() if callable(f) and name[0] != "_" and not isinstance(f, type)
    }
    assert len(functions) > 80
    for function in functions.values():
        for n in range(8):
            for value in [*HOSTILE, *handles]:
                for first in ([value], [handles[0]], [handles[1]]):
                    try:
                        function(*(first + [value] * n)[: n + 1])
                    except (libllm.LlmError, TypeError, ValueError, OverflowError, MemoryError, AttributeError):
                        pass
    for name, made in vars(native).items():
        if isinstance(made, type) and name.startswith("llm_"):
            for member, value in vars(made).items():
                if isinstance(value, property) and member != "thisown":
                    with pytest.raises(TypeError):
                        getattr(native._native, f"{name}_{member}_get")(None)
    with pytest.raises(TypeError, match="None"):
        native.llm_generate_options.set_stop_tokens(None, [1])


def test_closed_is_an_error(path):
    model = libllm.Model(path, n_ctx=64)
    tokenizer, stream, result = (
        model.tokenizer,
        model.stream("Once", max_tokens=4),
        model.generate("Once", max_tokens=4),
    )
    model.close()
    model.close()
    for call in (
        lambda: model.generate("x"),
        lambda: model.stream("x"),
        lambda: model.tokenize("x"),
        lambda: model.score("x", "y"),
        lambda: model.info,
        lambda: model.sequence(),
        lambda: model.__enter__(),
        lambda: libllm.Grammar(model, regex="a"),
    ):
        with pytest.raises(libllm.StateError, match="the Model is closed"):
            call()
    assert repr(model) == "<Model, closed>"
    assert tokenizer.encode("a b").tolist() and result.text and "".join(stream), "what it gave lives on"


def test_neither_pickled_nor_copied(model):
    for thing in (
        model,
        model.tokenizer,
        model.sequence(),
        libllm.Prompt(),
        libllm.Runtime(),
        libllm.Grammar(model, regex="a"),
        model.stream("x"),
        model.generate("x", max_tokens=1),
        model.generate("x", max_tokens=1)[0],
        model.render("x"),
        libllm.Prompt().fill("x"),
        model.ask("x", max_tokens=1),
    ):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled or copied"):
                attempt(thing)


def test_a_progress_that_raises_stops_the_load(path, tmp_path):
    def refuse(done):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        libllm.Model(path, progress=refuse)
    with pytest.raises(KeyError, match="enough"):
        libllm.quantize(path, tmp_path / "x.gguf", "Q4_0", progress=refuse)
    assert not list(tmp_path.iterdir())
