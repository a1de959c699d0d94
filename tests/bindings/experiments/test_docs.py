"""The tutorial and the example do what they say."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT


def blocks(kind):
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.S | re.M)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder that looks like the project's root."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tutorial_runs(root):
    python, (config,), (commands,) = blocks("python"), blocks("toml"), blocks("sh")
    assert len(python) >= 7
    names = {}
    for i, block in enumerate(python):
        exec(compile(block, f"docs/experiments.md, block {i + 1}", "exec"), names)
    (root / "config.toml").write_text(config)
    for line in commands.splitlines():
        done = subprocess.run([sys.executable, *line.split()[1:]], capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (root / "report.html").stat().st_size > 50_000


def test_the_example_runs(root):
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "experiment.py", "out", "--items", "12", "--picture", "p.svg"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert "McNemar, exact" in done.stdout and (root / "out" / "report.html").exists()
    assert (root / "p.svg").read_text().startswith("<?xml")
