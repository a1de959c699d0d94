"""The command: a whole experiment from a file, and what can be asked of its results."""

import json
import subprocess
import sys

import pytest
from conftest import MODEL, problem

from libllm.experiments.cli import main

CONFIG = """
models = ["{model}"]
shots = [0, 2]
seeds = 2
metric = "exact_number"
results = "results.db"
export = "samples.jsonl"

[data]
path = "items.jsonl"
examples = "shots.jsonl"
limit = 4

[[prompts]]
kind = "direct"
max_tokens = 8

[[prompts]]
name = "steps"
kind = "cot"
max_tokens = 60

[engine]
n_threads = 2
"""


@pytest.fixture
def config(tmp_path):
    for name, places in [("items.jsonl", range(8)), ("shots.jsonl", range(20, 26))]:
        (tmp_path / name).write_text("".join(json.dumps(problem(i)) + "\n" for i in places))
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(model=MODEL))
    return path


def test_a_run_from_a_file(config, capsys):
    results = str(config.parent / "results.db")
    assert main(["run", str(config), "--plan", "--no-measure"]) == 0
    assert "4 cells x 4 items x 2 seeds = 32 samples, 16 different requests" in capsys.readouterr().out
    assert main(["status", results]) == 1  # nothing was run
    assert "no such file" in capsys.readouterr().err
    assert main(["run", str(config), "--quiet", "--no-measure"]) == 0
    assert "direct  steps" in capsys.readouterr().out
    assert len((config.parent / "samples.jsonl").read_text().splitlines()) == 32
    assert main(["status", results]) == 0
    assert "32 of 32 samples, finished" in capsys.readouterr().out
    assert main(["compare", results, "direct", "steps", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| a | b | shots |")
    assert main(["compare", results, "0", "2", "--by", "shots", "--run", "1"]) == 0
    assert main(["export", results, str(config.parent / "x.csv")]) == 0


def test_it_is_a_program(config):
    done = subprocess.run(
        [sys.executable, "-m", "libllm.experiments", "run", str(config), "--plan", "--no-measure"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "16 different requests" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "old,new,message",
    [
        ("shots = [0, 2]", "shoots = [0]", "did you mean 'shots'"),
        ('kind = "cot"', 'kind = "cott"', "did you mean 'cot'"),
        ("max_tokens = 60", "max_token = 60", "did you mean 'max_tokens'"),
        ('metric = "exact_number"', 'metric = "exact_numbers"', "did you mean 'exact_number'"),
        ("limit = 4", "limits = 4", "unknown option 'limits'"),
        ("n_threads = 2", "n_thread = 2", "did you mean 'n_threads'"),
        ("[data]", "[dat]", "did you mean 'data'"),
        ('path = "items.jsonl"', 'path = "no.jsonl"', "no.jsonl"),
        ("seeds = 2", "seeds = [", "expected a TOML file"),
    ],
)
def test_wrong_configurations_are_named(config, capsys, old, new, message):
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    assert main(["run", str(config), "--plan", "--no-measure"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error
