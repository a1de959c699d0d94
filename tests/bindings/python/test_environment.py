"""The package where the environment is odd: import, one load and one generation in a process of its own."""

import os
import subprocess
import sys

import libllm
import pytest
from conftest import MODEL

PROGRAM = """
import sys, libllm
model = libllm.Model(sys.argv[1], n_ctx=64)
text = model.generate("Once upon a time \\u2603", max_tokens=2).text
assert "libllm" in repr(libllm) and model.info.n_vocab > 0
sys.stdout.buffer.write((model.generate("Once", max_tokens=2).text + "\\n").encode())
"""
PACKAGES = os.path.dirname(os.path.dirname(libllm.__file__))


def run(*options, program=PROGRAM, cwd=None, **environment):
    """With nothing in the environment but where the package is, and what is given."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program, str(MODEL)],
        env={"PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd=cwd,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize(
    "options,environment",
    [
        ([], {}),
        ([], {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        ([], {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}),
        ([], {"LC_ALL": "nowhere_NOWHERE.nothing"}),
        ([], {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}),
        ([], {"PYTHONOPTIMIZE": "2"}),
        ([], {"PYTHONWARNINGS": "error"}),
        (["-W", "error", "-X", "dev", "-bb"], {}),
        (["-S", "-E", "-s"], {"HOME": "/nowhere"}),
        ([], {"TMPDIR": "/nowhere", "XDG_CACHE_HOME": "/nowhere", "PATH": ""}),
        ([], {"OPENBLAS_CORETYPE": "nothing", "OMP_NUM_THREADS": "x", "OPENBLAS_NUM_THREADS": "0"}),
        ([], {"PYTHONHASHSEED": "1", "PYTHONMALLOC": "malloc", "PYTHONTRACEMALLOC": "1"}),
    ],
    ids=str,
)
def test_an_odd_environment(options, environment, once):
    program = PROGRAM
    if "-E" in options:  # PYTHONPATH is not looked at
        program = f"import sys; sys.path.insert(0, {PACKAGES!r})\n" + PROGRAM
    assert run(*options, program=program, **environment) == once + "\n"


def test_the_current_folder_is_gone(once):
    gone = "import os, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    os.chdir(folder)\n"
    assert run(program=gone + PROGRAM) == once + "\n"


def test_standard_files_are_closed(once):
    closed = "import os\nos.close(0); os.close(2)\n"
    assert run(program=closed + PROGRAM) == once + "\n"


WORK = """
import multiprocessing, sys, libllm
def work(path):
    with libllm.Model(path, n_ctx=64) as model:
        return model.generate("Once", max_tokens=2).text
if __name__ == "__main__":
    own = work(sys.argv[1])
    for way in ("spawn", "fork", "forkserver"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            assert pool.map(work, [sys.argv[1]] * 4) == [own] * 4, way
    print(work(sys.argv[1]))
"""


def test_pools_of_processes_of_every_kind(tmp_path, once):
    program = tmp_path / "program.py"
    program.write_text(WORK, encoding="utf-8")
    environment = {"PYTHONPATH": PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(program), str(MODEL)], env=environment, capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stdout) == (0, once + "\n"), done.stderr


THREADS = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
def work(i):
    import libllm
    with libllm.Model(sys.argv[1], n_ctx=64) as model:
        return model.generate("Once", max_tokens=2).text
with ThreadPoolExecutor(8) as pool:
    texts = set(pool.map(work, range(16)))
print(*texts, sep="")
"""


def test_threads_that_import_and_load_at_once(once):
    assert run(program=THREADS) == once + "\n"
