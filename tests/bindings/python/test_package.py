"""The package itself: what it says of itself, its page, its types, its wheel."""

import collections
import dataclasses
import inspect
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import libllm
import pytest
from conftest import MODEL, ROOT

FOLDER = Path(libllm.__file__).parent


def test_version_and_back_ends():
    out = subprocess.run(
        [sys.executable, "-m", "libllm", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == f"libllm {libllm.__version__}"
    version = re.search(r"project\(libllm VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert libllm.__version__ == version
    out = subprocess.run(
        [sys.executable, "-m", "libllm", "--backends"], capture_output=True, text=True, check=True
    ).stdout
    assert out.startswith("cpu ")


def test_every_public_name_is_documented():
    for name in libllm.__all__:
        thing = getattr(libllm, name)
        assert inspect.getdoc(thing), name
    for name, member in vars(libllm.Model).items():
        if not name.startswith("_"):
            assert inspect.getdoc(member), f"Model.{name}"


def test_the_headers_speak_in_the_wrapper():
    assert "One forward pass" in libllm.native.llm_engine_step.__doc__
    stubs = (FOLDER / "native.pyi").read_text()
    compile(stubs, "native.pyi", "exec")
    public = {name for name, f in vars(libllm.native).items() if inspect.isfunction(f) and name[0] != "_"}
    for name in public:
        assert re.search(rf"^def {name}\(", stubs, flags=re.M), name
    declared = set()
    for header in (ROOT / "include" / "llm").glob("*.h"):
        declared |= set(re.findall(r"^LLM_API [\w *]*?(llm_\w+)\(", header.read_text(), flags=re.M))
    left = {name for name in declared if not re.search("_(ref|unref|destroy|options_init_sized)$", name)}
    beside = {
        "llm_generate",
        "llm_generate_tokens",
        "llm_option_set",
        "llm_request_logprob",
        "llm_sequence_tokens",
        "llm_sequence_eval",
        "llm_embed",
    }
    assert left - public == beside, "the whole of the headers is there"


def test_keywords_are_the_option_table():
    from libllm import _options, keywords

    for group, name in {"generate": "GenerateKeywords", "fill": "FillKeywords", "prompt": "PromptKeywords"}.items():
        assert set(_options.table(group)) <= set(getattr(keywords, name).__annotations__), group


def test_records_are_the_structures_of_the_headers(model):
    """With every member that the generated module has, each of the type that is stated."""
    from libllm import native, records

    kinds = {"int": int, "float": float, "str": str, "str | None": (str, type(None)), "TokenIds": libllm.TokenIds}
    answer = model.ask("x", max_tokens=2)
    for record, structure in [
        (model.info, native.llm_model_info),
        (model.tensors[0], native.llm_tensor_info),
        (model.tokenizer.token(3), native.llm_token_info),
        (model.estimate(), native.llm_engine_memory),
        (answer.stats, native.llm_result_stats),
        (answer.samples[0], native.llm_sample),
    ]:
        fields = {field.name: field.type for field in dataclasses.fields(record)}
        members = {n for n, value in vars(structure).items() if isinstance(value, property) and n != "thisown"}
        assert members == fields.keys() - {"ids"}, structure
        for name, kind in fields.items():
            assert isinstance(getattr(record, name), kinds.get(kind, tuple)), name
        assert type(record).__module__ == records.__name__ and f"{next(iter(fields))}=" in repr(record)
    bytes_of = collections.Counter()
    for tensor in model.tensors:
        bytes_of[tensor.dtype] += tensor.n_bytes
    assert model.info.dtype == bytes_of.most_common(1)[0][0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.info.n_vocab = 3


def test_the_snippets_of_the_page(tmp_path):
    page = (ROOT / "docs" / "python.md").read_text()
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, flags=re.S | re.M))
    assert program.count("\n") > 50
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)


def mypy(*arguments):
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.devnull, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MYPYPATH": str(FOLDER.parent)})


TYPES = {
    "m.generate('x', top_k=3, seed=None)": "Result",
    "m.generate(['x'], progress=True)": "list[Result]",
    "m.generate(m.tokenize('x'))": "Result",
    "m.tokenize('x')": "TokenIds",
    "m.tokenize('x')[0]": "int",
    "m.tokenize('x')[1:]": "TokenIds",
    "m.tokenize('x') + [3]": "list[int]",
    "m.embed('x')": "memoryview[float]",
    "m.generate('x').ids": "TokenIds",
    "m.generate('x').logprobs": "memoryview[float]",
    "m.generate('x').top_ids": "memoryview[int]",
    "m.generate('x').finish_reason": "str",
    "m.generate('x').to_dict()": "dict[str, Any]",
    "m.score('a', 'b')": "Completion",
    "m.score('a', ['b'])": "list[Completion]",
    "m.score([('a', 'b')])": "list[Completion]",
    "m.chat_completion('x')": "Reply",
    "m.chat_completion('x', stream=True)": "Iterator[Reply]",
    "m('x')": "Reply",
    "m.create_completion('x', stream=True)": "Iterator[Reply]",
    "m.create_embedding('x')": "Reply",
    "m.sequence().eval([1])": "memoryview[float]",
    "m.info.n_vocab": "int",
    "m.info.dtype": "str",
    "m.tensors[0].shape": "tuple[int, ...]",
    "m.estimate(n_ctx=3).total_bytes": "int",
    "m.tokenizer.token(3).score": "float",
    "m.generate('x').stats.prompt_ms": "float",
    "m.ask('x').samples[0].answer": "str | None",
    "m.ask('x').samples[0].ids": "TokenIds",
}
TYPE_ERRORS = [
    "m.generate('x', top_kk=3)",
    "m.generate('x', top_k='3')",
    "m.score('a', 'b', temperature=1)",
    "m.n_vocab",
    "m.info.n_vocabulary",
    "m.generate('x').stats.seeds",
    "m.generate('x').choices",
    "libllm.Llama",
]


def test_types():
    pytest.importorskip("mypy")
    use = (
        "import libllm\nm = libllm.Model('x', n_ctx=3, progress=True)\n"
        + "".join(f"reveal_type({expression})\n" for expression in TYPES)
        + "".join(f"{expression}\n" for expression in TYPE_ERRORS)
    )
    out = mypy("-c", use).stdout
    lines = [line for line in out.splitlines() if line.startswith("<string>")]
    revealed = [line.partition('"')[2].removesuffix('"') for line in lines if "Revealed type" in line]
    shown = [re.sub(r"(builtins|libllm|typing)\.(\w+\.)*", "", text) for text in revealed]
    assert dict(zip(TYPES, shown, strict=True)) == TYPES
    wrong = {int(line.split(":")[1]) for line in lines if ": error" in line}
    assert wrong == {len(TYPES) + 3 + i for i in range(len(TYPE_ERRORS))}, out


def test_the_package_agrees_with_its_types():
    pytest.importorskip("mypy")
    done = mypy("--ignore-missing-imports", "-p", "libllm")
    assert done.returncode == 0, done.stdout + done.stderr
    modules = [
        f"libllm.{path.stem}" for path in sorted(FOLDER.glob("*.py")) if path.is_file() and path.stem[:2] != "__"
    ]
    done = mypy("--strict", *(part for name in ["libllm", *modules] for part in ("-m", name)))
    assert done.returncode == 0, done.stdout + done.stderr


def python_of(folder):
    venv.create(folder, with_pip=True)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of what git tracks."""
    pytest.importorskip("scikit_build_core")
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if files.returncode:
        pytest.skip("no git checkout: which files are ours is not known")
    for name in filter(None, files.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    made = subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(folder / "source")],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (built,) = folder.glob("libllm-*.whl")
    return built


def used_elsewhere(wheel, folder):
    """Installs a wheel where nothing else is, uses it from another folder, and says which libraries it has loaded."""
    python = python_of(folder / "venv")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", str(wheel)], check=True, env=environment)
    program = (
        "import sys, libllm; m = libllm.Model(sys.argv[1]); print(m.generate('Once upon', max_tokens=3).text);"
        "print(*{line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}, sep='\\n')"
    )
    out = subprocess.run(
        [python, "-c", program, str(MODEL)], check=True, cwd=folder, env=environment, capture_output=True, text=True
    ).stdout
    with libllm.Model(MODEL) as model:
        assert out.startswith(model.generate("Once upon", max_tokens=3).text)
    return [Path(line) for line in out.splitlines()[1:]]


@pytest.mark.slow
def test_a_wheel_in_a_fresh_environment(wheel, tmp_path):
    (library,) = [path for path in used_elsewhere(wheel, tmp_path) if path.name.startswith("libllm.so")]
    assert library.is_relative_to(tmp_path)


@pytest.mark.slow
def test_a_wheel_with_all_that_it_needs(wheel, tmp_path):
    """What scripts/wheel.sh makes: nothing but the C library is taken from the system."""
    pytest.importorskip("auditwheel")
    subprocess.run(
        [sys.executable, "-m", "auditwheel", "repair", "-w", str(tmp_path), str(wheel)],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    (repaired,) = tmp_path.glob("libllm-*manylinux*.whl")
    subprocess.run([sys.executable, ROOT / "scripts" / "wheel_licences.py", repaired], check=True)
    names = zipfile.ZipFile(repaired).namelist()
    bundled = [name for name in names if re.search(r"\.libs/.*\.so", name)]
    licences = [name for name in names if re.search(r"\.dist-info/licenses/lib.*\.txt$", name)]
    assert len(bundled) == len(licences) > 0, (bundled, licences)
    loaded = used_elsewhere(repaired, tmp_path)
    for name in ("libllm.so", "libpcre2-8", "libutf8proc"):
        assert [path for path in loaded if path.name.startswith(name) and path.is_relative_to(tmp_path)], name
