"""The bundled model, opened once. PYTHONPATH names the package's folder."""

import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "examples" / "models" / "tiny-reasoner.gguf"
ANSWERS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"

import libllm  # noqa: E402


@pytest.fixture(scope="session")
def path():
    return str(MODEL)


@pytest.fixture(scope="session")
def shared_model():
    with libllm.Model(MODEL) as model:
        yield model


@pytest.fixture(scope="session")
def once(shared_model):
    """What the model writes after "Once" with max_tokens=2: tests compare with it, and know no text of the model's."""
    return shared_model.generate("Once", max_tokens=2).text


@pytest.fixture
def model(shared_model):
    assert not shared_model.closed
    return shared_model


class Steps:
    """Lets engines step only as often as it is told to, so that a test which looks in the middle asks no clock."""

    def __init__(self, real):
        self.real = real
        self.n = 0
        self._allowed = math.inf
        self._changed = threading.Condition()

    def __call__(self, engine):
        with self._changed:
            self._changed.wait_for(lambda: self.n < self._allowed)
            self.n += 1
            self._changed.notify_all()
        return self.real(engine)

    def allow(self, n):
        """n in all; math.inf: any number."""
        with self._changed:
            self._allowed = n
            self._changed.notify_all()

    def reach(self, n):
        """Waits until it is about to take the n-th, and lets it take no more."""
        self.allow(n)
        with self._changed:
            self._changed.wait_for(lambda: self.n >= n)


@pytest.fixture
def steps(monkeypatch):
    made = Steps(libllm.native.llm_engine_step)
    monkeypatch.setattr(libllm.native, "llm_engine_step", made)
    yield made
    made.allow(math.inf)


@pytest.fixture
def run_python():
    """Runs a program in a process of its own; its standard output, or the Popen itself with wait=False. Ctrl-C means
    something to it even where the tests run in the background, whose processes ignore it."""
    started = []

    def run(program, *arguments, wait=True):
        process = subprocess.Popen(
            [sys.executable, "-c", ANSWERS_CTRL_C + program, str(MODEL), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        started.append(process)
        if not wait:
            return process
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    yield run
    for process in started:
        process.kill()
