"""The bundled model, opened once. PYTHONPATH names the package's folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "examples" / "models" / "tiny-reasoner.gguf"

if not MODEL.exists():
    pytest.skip(f"no {MODEL}", allow_module_level=True)

import libllm  # noqa: E402


@pytest.fixture(scope="session")
def path():
    return str(MODEL)


@pytest.fixture(scope="session")
def shared_model():
    with libllm.Model(MODEL) as model:
        yield model


@pytest.fixture
def model(shared_model):
    assert not shared_model.closed
    return shared_model


@pytest.fixture
def run_python():
    """Runs a program in a process of its own; its standard output, or the Popen itself with wait=False."""

    def run(program, *arguments, wait=True):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(MODEL), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if not wait:
            return process
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    return run
