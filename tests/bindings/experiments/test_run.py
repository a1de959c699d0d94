"""Running: results that do not depend on interruption, batch or order, and a cache that serves nothing else."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import libllm
import pytest
from conftest import problem

from libllm import experiments as ex
from libllm.experiments import experiment as experiment_module
from libllm.experiments.store import TIMINGS

DRAWN = {"sampling": ex.Sampling(temperature=0.8), "seeds": [0, 1], "shots": [2]}

# A run that ends itself with SIGKILL at its n-th batch of results: before it is written, or in the middle of that.
KILLED = """
import os, signal, sys
sys.path.insert(0, {folder!r})
from conftest import MODEL, problem
from libllm import experiments as ex
from libllm.experiments import run, store
run.COMMIT_SECONDS = -1  # each result at once
n_batches, real = [0], store.Store.add
def add(self, done, identity):
    n_batches[0] += 1
    if n_batches[0] == {batch}:
        if {inside}:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.execute("INSERT INTO prompt VALUES ('half', '', x'', 0)")
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, done, identity)
store.Store.add = add
data = ex.from_records([problem(i) for i in range(8)], "problems").with_examples([problem(i) for i in range(20, 26)])
ex.Experiment([MODEL], [ex.Prompt.direct(max_tokens=8), ex.Prompt.cot(max_tokens=60, votes=3)], data, ex.exact_number,
    shots=[2], seeds=[0, 1], sampling=ex.Sampling(temperature=0.8), engine={{"n_threads": 2}}).execute({path!r})
"""


def everything(path):
    """All tables and the view without the timings."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    tables = {}
    for name in ("samples", "completion", "prompt", "run", "cell", "item", "sample"):
        rows = [tuple(r[k] for k in r.keys() if k not in TIMINGS) for r in db.execute(f"SELECT * FROM {name}")]
        tables[name] = sorted(rows, key=repr)
    return tables


@pytest.mark.parametrize("batch,inside", [(1, False), (5, True), (17, False)])
def test_a_killed_run_goes_on_to_equal_results(make, tmp_path, batch, inside):
    prompts = [ex.Prompt.direct(max_tokens=8), ex.Prompt.cot(max_tokens=60, votes=3)]
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    make(prompts=prompts, **DRAWN).execute(whole)
    script = KILLED.format(folder=str(Path(__file__).parent), batch=batch, inside=inside, path=str(killed))
    died = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    db = sqlite3.connect(killed)
    (n_before,) = db.execute("SELECT count(*) FROM completion").fetchone()
    db.close()
    assert batch - 1 <= n_before < 32  # in the middle
    run = make(prompts=prompts, **DRAWN)
    assert run.plan(killed, measure=False).n_cached == n_before
    run.execute(killed)
    assert everything(killed) == everything(whole)


def test_results_depend_on_nothing_but_the_request(make, tmp_path):
    """Threads, sequences at once, the order of items and what else is in the grid change no sample."""

    def texts(result):
        return {
            (r["prompt"], r["shots"], r["rendered"], r["seed"]): (r["text"], r["ids"], r["logprob"])
            for r in result.samples
        }

    one = texts(make(**DRAWN).execute(tmp_path / "1.db"))
    data = ex.from_records([problem(i) for i in (3, 0, 7, 1)]).with_examples([problem(i) for i in range(20, 26)])
    other = texts(
        make(**DRAWN | {"data": data, "shots": [0, 2]}, engine={"n_threads": 1, "n_seqs": 2}).execute(tmp_path / "2.db")
    )
    both = one.keys() & other.keys()
    assert len(both) == 2 * 4 * 2 and all(one[k] == other[k] for k in both)


def test_a_second_run_computes_nothing_and_a_wider_one_only_what_is_new(make, tmp_path, monkeypatch):
    computed = []
    real = experiment_module.compute
    monkeypatch.setattr(
        experiment_module, "compute", lambda grid, keys, *rest: (computed.append(len(keys)), real(grid, keys, *rest))
    )
    path = tmp_path / "r.db"
    first = make().execute(path)
    make().execute(path)
    make(shots=[0, 2, 4]).execute(path)
    make(metric=ex.exact).execute(path)  # another metric judges anew what is there
    assert computed == [32, 0, 16, 0]
    assert ex.Result(path, 1).samples == first.samples
    assert [r["spec"] for r in ex.experiment.Store(path).runs()] and len(ex.Result(path, 2).samples) == 48


def test_another_file_of_the_model_is_another_model(make, tmp_path):
    from conftest import MODEL

    copy = tmp_path / "tiny-reasoner.gguf"
    whole = MODEL.read_bytes()
    copy.write_bytes(whole)
    same = make(models=[copy])._grid("tiny-reasoner")
    copy2 = tmp_path / "b" / "tiny-reasoner.gguf"
    copy2.parent.mkdir()
    copy2.write_bytes(whole[:-64] + bytes(64))
    other = make(models=[copy2])._grid("tiny-reasoner")
    mine = make()._grid("tiny-reasoner")
    assert set(same.requests) == set(mine.requests) and set(other.requests).isdisjoint(mine.requests)


def test_the_model_reasons(make, tmp_path):
    """The figures of examples/tiny-model/RESULTS.md in small: steps help, and the comparison shows it."""
    result = make(shots=[0]).execute(tmp_path / "r.db")
    direct, cot = result.table()
    assert cot["exact_number"] > 0.8 > 0.4 > direct["exact_number"]
    (row,) = result.compare("direct", "cot")
    assert row["significant"] and row["only b"] >= 6 and row["low"] > 0
    with pytest.raises(ex.ExperimentError, match="no prompt 'cott'"):
        result.compare("cott", "direct")


def test_votes_take_the_answer_of_most(make, tmp_path):
    run = make(prompts=[ex.Prompt.cot(max_tokens=60, votes=5)], **DRAWN)
    for r in run.execute(tmp_path / "r.db").samples:
        assert len(r["outputs"]) == 5 and r["text"] in [o["text"] for o in r["outputs"]]
    greedy = make(prompts=[ex.Prompt.cot(max_tokens=60, votes=5)], shots=[0]).execute(tmp_path / "r.db")
    assert all(len(r["outputs"]) == 1 for r in greedy.samples)


def test_scored_metrics(make, tmp_path):
    items = [problem(i) | {"choices": [problem(i)["answer"], "many"]} for i in range(4)]
    chosen = make(prompts=[ex.Prompt("plain")], data=ex.from_records(items), metric=ex.multiple_choice, shots=[0])
    rows = chosen.execute(tmp_path / "r.db").samples
    assert {r["answer"] for r in rows} <= {i["answer"] for i in items} | {"many"}
    assert all(len(r["scored"]) == 2 and r["logprob"] < 0 for r in rows)
    steps = make(prompts=[ex.Prompt("plain")], metric=ex.perplexity("rationale"), shots=[0, 2])
    result = steps.execute(tmp_path / "r.db")
    assert all(
        1 < row["perplexity"] < 1000 and row["low"] <= row["perplexity"] <= row["high"] for row in result.table()
    )


def test_selectors_and_chat_are_the_librarys(make, tmp_path):
    run = make(
        selectors=["first", "bm25", "knn", "random", "balanced", "mmr"],
        shots=[2],
        seeds=[0, 1],
        prompts=[ex.Prompt.direct(max_tokens=4), ex.Prompt("chat", chat=True, max_tokens=4)],
    )
    rendered = run.rendered()
    assert len(set(rendered.values())) > 6
    assert all(text.count("<|im_start|>user") == 3 for label, text in rendered.items() if " chat " in label)


def test_exports_hold_the_same_rows(make, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    result = make(shots=[0]).execute(tmp_path / "r.db")
    for suffix in ("csv", "jsonl", "parquet"):
        result.export(tmp_path / f"x.{suffix}", timings=False)
    with open(tmp_path / "x.csv", newline="", encoding="utf-8") as file:
        from_csv = list(csv.DictReader(file))
    from_jsonl = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    from_parquet = parquet.read_table(tmp_path / "x.parquet").to_pylist()
    for key in ("rendered", "text", "answer", "item_id", "model_hash", "template_hash", "data_hash", "library"):
        assert (
            [r[key] or "" for r in from_csv]
            == [r[key] or "" for r in from_jsonl]
            == [r[key] or "" for r in from_parquet]
        )
    assert from_jsonl == from_parquet and not set(TIMINGS) & set(from_jsonl[0])
    with pytest.raises(ex.ExperimentError, match="suffix '.xls'"):
        result.export("x.xls")


def test_pandas_gets_the_same_rows(make, tmp_path):
    pytest.importorskip("pandas", reason="pandas is not installed")
    result = make(shots=[0]).execute(tmp_path / "r.db")
    rows = result.to_pandas()
    assert list(rows.columns) == list(result.samples[0]) and len(rows) == 16
    assert rows.groupby("prompt").score.mean().to_dict() == {
        c.axes["prompt"]: pytest.approx(c.estimate.value) for c in result.cells
    }
    assert not set(TIMINGS) & set(result.to_pandas(timings=False).columns)
    assert list(result.table().to_pandas().prompt) == ["direct", "cot"]


def test_a_file_of_something_else_is_refused(make, tmp_path):
    (tmp_path / "a.db").write_text("no database, but long enough to look at " * 20)
    db = sqlite3.connect(tmp_path / "b.db")
    db.execute("CREATE TABLE t (x)")
    db.commit()
    for name, message in [("a.db", "expected a SQLite file"), ("b.db", "of something else")]:
        with pytest.raises(ex.ExperimentError, match=message):
            make(shots=[0]).execute(tmp_path / name)
    with pytest.raises(ex.ExperimentError, match="no such file"):
        ex.Result(tmp_path / "none.db")


def read_by_nobody(path):
    """What a user says who may write nothing there."""
    program = (
        "import os, sys, scipy.stats, scipy.optimize; from libllm import experiments as ex;"
        "os.geteuid() or (os.setgid(65534), os.setuid(65534)); print(len(ex.Result(sys.argv[1]).samples))"
    )
    return subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)


@pytest.fixture
def folder_for_all():
    """Not in pytest's own, which any other pytest that starts closes to everybody else."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_results_can_be_read_where_nothing_can_be_written(make, folder_for_all):
    folder = folder_for_all
    make(shots=[0]).execute(folder / "r.db")
    assert os.listdir(folder) == ["r.db"], "a whole experiment is one file"
    folder.chmod(0o555)
    (folder / "r.db").chmod(0o444)
    done = read_by_nobody(folder / "r.db")
    folder.chmod(0o755)
    assert done.stdout == "16\n", done.stderr


def test_a_damaged_file_is_named(make, tmp_path):
    path = tmp_path / "r.db"
    make(shots=[0]).execute(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(b ^ 0x5A for b in whole[4096:]))
    for call in (
        lambda: make(shots=[0]).execute(path),
        lambda: make(shots=[0]).plan(path, measure=False),
        lambda: ex.Result(path),
    ):
        with pytest.raises(ex.ExperimentError, match="r.db: database disk image is malformed"):
            call()
    (tmp_path / "empty.db").touch()
    with pytest.raises(ex.ExperimentError, match="of something else"):
        ex.Result(tmp_path / "empty.db")
    db = sqlite3.connect(tmp_path / "other.db")
    db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(ex.ExperimentError, match="schema version 2, expected 1"):
        make(shots=[0]).execute(tmp_path / "other.db")


FULL = """
import resource, sys
sys.path.insert(0, {folder!r})
from conftest import MODEL, problem
from libllm import experiments as ex
from libllm.experiments import run
run.COMMIT_SECONDS = -1
data = ex.from_records([problem(i) for i in range(8)]).with_examples([problem(i) for i in range(20, 26)])
one = ex.Experiment([MODEL], [ex.Prompt.cot(max_tokens=60)], data, ex.exact_number, shots=[2], seeds=range(8),
    sampling={{"temperature": 1.0}})
one.plan(measure=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, -1))
try:
    one.execute({path!r})
except ex.ExperimentError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
n_cached = one.plan({path!r}, measure=False).n_cached
print(0 < n_cached < 64, len(one.execute({path!r}).samples))
"""


def test_a_full_disk_loses_nothing_that_was_kept(tmp_path):
    script = FULL.format(folder=str(Path(__file__).parent), path=str(tmp_path / "r.db"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said, after = done.stdout.splitlines()
    assert "r.db: disk I/O error" in said and after == "True 64"


# A run that tells of each batch that it has kept and waits for an answer; after "on" it does neither.
TOLD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # processes in the background ignore it
sys.path.insert(0, {folder!r})
from conftest import MODEL, problem
from libllm import experiments as ex
from libllm.experiments import run, store
run.COMMIT_SECONDS = -1
real = store.Store.add
def add(self, done, identity):
    real(self, done, identity)
    print(len(done), flush=True)
    if sys.stdin.readline().strip() == "on":
        store.Store.add = real
store.Store.add = add
data = ex.from_records([problem(i) for i in range(8)]).with_examples([problem(i) for i in range(20, 26)])
ex.Experiment([MODEL], [ex.Prompt.cot(max_tokens=60, votes=3)], data, ex.exact_number, shots=[2], seeds=range(400),
    sampling=ex.Sampling(temperature=0.8), engine={{"n_threads": 2}}).execute({path!r})
"""


def test_ctrl_c_loses_nothing_and_others_may_read_meanwhile(tmp_path):
    path = tmp_path / "r.db"
    script = TOLD.format(folder=str(Path(__file__).parent), path=str(path))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    n_kept = 0
    try:
        for answer in ("more", "more", "on"):
            n_kept += int(process.stdout.readline() or 0)
            with experiment_module.Store(path, read_only=True) as store:
                assert [r["n_done"] for r in store.runs()] == [n_kept] and n_kept
            process.stdin.write(f"{answer}\n")
            process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode != 0 and "KeyboardInterrupt" in err, err
    with experiment_module.Store(path, read_only=True) as store:
        (run,) = store.runs()
        assert n_kept <= run["n_done"] < run["n_samples"] and not run["finished"]
    with pytest.raises(ex.ExperimentError, match="none of them finished"):
        ex.Result(path)


def test_an_open_model_is_one_too(make, tmp_path):
    from conftest import MODEL

    by_path = make(shots=[2]).execute(tmp_path / "r.db")
    with libllm.Model(MODEL, n_ctx=1024) as model:
        before = model.generate("Once", max_tokens=2).text
        run = make(models=[model], shots=[2])
        assert run.plan(tmp_path / "r.db", measure=False).n_cached == 16, "the same model, the same results"
        assert run.execute(tmp_path / "r.db").run == by_path.run
        run.close()
        assert model.generate("Once", max_tokens=2).text == before, "it stays open"
        with pytest.raises(ex.ExperimentError, match="unknown name 'use_mmap'"):
            make(models=model, engine={"use_mmap": 0}).plan()
    with pytest.raises(libllm.StateError, match="closed"):
        make(models=model).plan()


def test_a_metric_that_raises_names_the_item(make, tmp_path):
    def strict(answer, fields):
        return 1 / (fields["question"] != problem(3)["question"])

    with pytest.raises(ex.ExperimentError, match="metric strict .*item '3' .*prompt 'direct': ZeroDivisionError") as e:
        make(metric=strict, shots=[0]).execute(tmp_path / "r.db")
    assert isinstance(e.value.__cause__, ZeroDivisionError)
    assert make(shots=[0]).plan(tmp_path / "r.db", measure=False).n_cached == 16, "what was computed is kept"


def test_the_bar_shows_the_time_left(make, tmp_path, capsys):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    make().execute(tmp_path / "r.db", progress=True)
    assert "32/32 [" in capsys.readouterr().err
    make().execute(tmp_path / "r.db")
    assert capsys.readouterr().err == ""
