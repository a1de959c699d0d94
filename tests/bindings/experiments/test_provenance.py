"""What a results file says of how it was made."""

import sqlite3
import sys
import time

import pytest

from libllm import experiments as ex
from libllm.experiments import provenance, report


def test_the_date_is_that_of_the_epoch_whatever_the_zone(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert provenance.date() == "2026-01-01 00:00 UTC"
    monkeypatch.undo()
    time.tzset()


def test_a_command_is_cut_where_it_holds_a_program(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-c", "x" * 10_000, "two words"])
    assert len(provenance.command()) < 300 and provenance.command().endswith("'two words'")
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "ipykernel_launcher", "-f", "/home/me/kernel.json"])
    assert provenance.command() == "a notebook"


def test_every_execution_that_computes_is_kept(invent, monkeypatch):
    first = invent({"a": [0, 1, 2]})
    assert [e["n_computed"] for e in first.executions] == [3] and first.executions[0]["date"] == "2026-01-01 00:00 UTC"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767312000")
    assert len(invent({"a": [0, 1, 2]}).executions) == 1, "there was nothing to compute"
    wider = invent({"a": [0, 1, 2], "b": [0, 1, 0]})
    assert [e["n_computed"] for e in wider.executions] == [3], "a run of its own, of which half was there"


def test_a_report_says_how_it_was_made(invent):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    page = report.page(invent({"a": [0, 1, 2]}))
    for told in ("2026-01-01 00:00 UTC", "pytest", "Python 3.", "libllm 0.0+invented", "CPUs", "cpu: invented"):
        assert told in page.partition("<footer")[2].partition("<script")[0]


def test_files_of_earlier_libraries_are_read_and_go_on(invent):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    result = invent({"a": [0, 1, 2]})
    db = sqlite3.connect(result.path)
    db.execute("DROP TABLE execution")
    db.commit()
    db.close()
    old = ex.Result(result.path)
    assert old.executions == [] and "not kept by the library" in report.page(old)
    assert len(invent({"a": [0, 1, 2]}).executions) == 1
