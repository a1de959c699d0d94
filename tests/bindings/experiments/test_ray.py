"""The executor ray: the same results whoever computes them and whoever dies over it."""

import os
import random
import signal
import sqlite3
from types import SimpleNamespace

import libllm
import pytest
from conftest import MODEL

from libllm import experiments as ex
from libllm.experiments import on_ray
from libllm.experiments.grid import Completion, Identity, Request
from libllm.experiments.store import TIMINGS

IDENTITY = Identity("model", "tokenizer", "template", "0.1", "cpu")


class Died(Exception):
    pass


class Raised(Exception):
    pass


class Cluster:
    """What of Ray a pool uses, without processes: tasks are computed as they are asked for, in any order that a seed
    draws. deadly: workers that are asked for these tasks, counted from 0, die of it."""

    exceptions = SimpleNamespace(RayActorError=Died, RayTaskError=Raised)

    def __init__(self, seed=0, deadly=(), identity=IDENTITY, fault=None):
        self.rng, self.deadly, self.identity, self.fault = random.Random(seed), set(deadly), identity, fault
        self.n_tasks, self.sizes, self.dead = 0, [], []

    def nodes(self):
        return [{"Alive": True, "Resources": {"CPU": 2.0}}, {"Alive": False, "Resources": {"CPU": 64.0}}]

    def remote(self, made):
        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=self._worker))

    def _worker(self, path, options):
        def answers(requests):
            self.sizes.append(len(requests))
            return [(i, Completion(((r.text, r.ids, 0.0),))) for i, r in enumerate(requests)]

        handle = SimpleNamespace()
        handle.open = SimpleNamespace(remote=lambda: self._task(handle, lambda: (self.identity, 1, "here")))
        handle.run = SimpleNamespace(remote=lambda requests: self._task(handle, lambda: answers(requests)))
        return handle

    def _task(self, handle, compute):
        number, self.n_tasks = self.n_tasks, self.n_tasks + 1

        def get():
            if number in self.deadly:
                raise Died
            if self.fault:
                raise self.fault
            return compute()

        return get

    def wait(self, refs, timeout):
        chosen = self.rng.choice(refs)
        return [chosen], [r for r in refs if r is not chosen]

    def get(self, ref):
        return ref()

    def kill(self, handle):
        self.dead.append(handle)


REQUESTS = [Request(f"text {i}", b"") for i in range(77)]


def computed(cluster, n_workers=3, requests=REQUESTS):
    pool = on_ray.Pool(cluster, "m.gguf", {}, IDENTITY, n_workers)
    out = [(place, c.outputs[0][0]) for place, c in pool.run(requests)]
    pool.close()
    assert len(pool.workers) == n_workers and len(cluster.dead) == pool.n_hired, "nobody is left behind"
    return out


@pytest.fixture
def two_cpus(monkeypatch):
    monkeypatch.setattr(on_ray, "shares", lambda cpus, n_workers, n_threads: (n_workers, 1))


@pytest.mark.parametrize("seed", range(5))
def test_results_come_in_the_order_of_the_requests(two_cpus, seed):
    """Whoever is first, and with workers that die: as they open the model, and over a chunk."""
    wanted = [(i, f"text {i}") for i in range(77)]
    assert computed(Cluster(seed)) == wanted
    dying = Cluster(seed, deadly=[1, 4, 9, 17, 18])
    assert computed(dying) == wanted and sum(dying.sizes) == 77, "nothing is computed twice"
    assert computed(Cluster(seed), requests=[]) == []


def test_a_chunk_that_every_worker_dies_of_is_an_error(two_cpus):
    with pytest.raises(ex.ExperimentError, match="3 workers died opening it, .*memory enough"):
        computed(Cluster(deadly=range(100)))
    with pytest.raises(ex.ExperimentError, match="3 workers died computing chunk 0 of its requests"):
        computed(Cluster(deadly=range(1, 100, 2)), n_workers=1)


def test_a_worker_on_which_results_might_differ_is_refused(two_cpus):
    other = Identity("model", "tokenizer", "template", "0.1", "cpu with less")
    with pytest.raises(
        ex.ExperimentError, match="worker . on here: backend of .*m.gguf is 'cpu with less', expected 'cpu' as"
    ):
        computed(Cluster(identity=other))


def test_what_a_worker_raises_is_told(two_cpus):
    fault = Raised("no room")
    fault.cause = FileNotFoundError("m.gguf: no such file")
    with pytest.raises(ex.ExperimentError, match="executor ray: worker . on .*FileNotFoundError: m.gguf: no such file"):
        computed(Cluster(fault=fault))


@pytest.mark.parametrize(
    "cpus,n_workers,n_threads,wanted",
    [
        ([8, 8], None, None, (2, 8)),
        ([4, 16], None, None, (5, 4)),
        ([8, 8], 4, None, (4, 4)),
        ([8, 8], 3, None, (3, 4)),
        ([8, 8], None, 2, (8, 2)),
        ([2], 2, None, (2, 1)),
        ([8, 8], 2, 8, (2, 8)),
    ],
)
def test_workers_share_the_cpus(cpus, n_workers, n_threads, wanted):
    assert on_ray.shares(cpus, n_workers, n_threads) == wanted


def test_more_workers_than_cpus_are_refused():
    with pytest.raises(
        ex.ExperimentError, match="workers is 3 with 1 CPUs each, expected at most 2 on machines with 2"
    ):
        on_ray.shares([2], 3, None)
    with pytest.raises(ex.ExperimentError, match="workers is 1 with 4 CPUs each, expected at most 0"):
        on_ray.shares([2, 2], None, 4)


def test_wrong_executors_are_named(make, tmp_path):
    for given, message in [
        ({"executor": "rai"}, "did you mean 'ray'"),
        ({"workers": 2}, "workers is 2, expected None for the executor 'local'"),
        ({"executor": "ray", "workers": 0}, "workers is 0, expected a whole number from 1"),
    ]:
        with pytest.raises(ex.ExperimentError, match=message):
            make().execute(tmp_path / "r.db", **given)
    with libllm.Model(MODEL, n_ctx=1024) as model:
        with pytest.raises(ex.ExperimentError, match="models holds an open Model .*expected its path"):
            make(models=[model]).execute(tmp_path / "r.db", executor="ray")


def rows(path):
    """All that is in a results file, in its order, but for what depends on time."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    return [
        [tuple(r[k] for k in r.keys() if k not in TIMINGS) for r in db.execute(f"SELECT * FROM {name}")]
        for name in ("samples", "completion", "prompt", "run", "cell", "item", "sample")
    ]


@pytest.fixture
def ray(monkeypatch):
    """Ray on this machine alone, which is said to have two CPUs. Ray gives its own processes 30 s to start, which a
    machine that is busy with other things may exceed."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    options = {"include_dashboard": False, "log_to_driver": False, "object_store_memory": on_ray.STORE_BYTES}
    for attempt in range(3):
        try:
            ray.init("local", num_cpus=2, logging_level="ERROR", **options)
            break
        except Exception as e:
            if "timed out during startup" not in str(e):
                raise
    else:
        pytest.skip("ray does not start in time on this machine")
    yield ray
    ray.shutdown()


def test_two_workers_of_which_one_is_killed_give_the_results_of_one_process(make, ray, tmp_path, monkeypatch):
    serial = make(sampling={"temperature": 0.8}).execute(tmp_path / "serial.db")
    killed, pools, real = [], [], on_ray.Pool._give

    def give(pool, *rest):
        """The first worker that is idle is stopped before it is given a chunk, so that it dies with it."""
        idle = [worker for worker in pool.workers if worker.task == on_ray.IDLE]
        if killed or not idle:
            return real(pool, *rest)
        os.kill(idle[0].pid, signal.SIGSTOP)
        real(pool, *rest)
        assert idle[0].task >= 0
        os.kill(idle[0].pid, signal.SIGKILL)
        killed.append(idle[0])
        pools.append(pool)

    monkeypatch.setattr(on_ray.Pool, "_give", give)
    own = {"sampling": {"temperature": 0.8}, "engine": {"n_threads": 1}}
    spread = make(**own).execute(tmp_path / "ray.db", executor="ray", workers=2)
    assert len(killed) == 1 and pools[0].n_hired == 3
    assert rows(serial.path) == rows(spread.path) and spread.executions[0]["executor"] == "ray, 2 workers"
    for result in (serial, spread):
        result.export(f"{result.path}.jsonl", timings=False)
    assert (tmp_path / "serial.db.jsonl").read_bytes() == (tmp_path / "ray.db.jsonl").read_bytes()
