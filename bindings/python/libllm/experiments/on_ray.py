"""Computing on the workers of a Ray cluster: for grids that one machine is too small for. A worker opens the model by
its path and computes chunks of neighbouring requests; what comes back is told in the order of the requests. The chunk
of a worker that dies is computed again by another one. A worker on which results might differ is refused."""

from __future__ import annotations

import heapq
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import backend
from .errors import ExperimentError, need, told
from .grid import Completion, Identity, Request

CHUNKS = 8  # of each worker, so that all end at about the same time
MOST_REQUESTS = 512  # of a chunk: what is lost with a worker
AHEAD = 4  # chunks of each worker that may be done before an earlier one is
MOST_LOST = 3  # workers that die over one chunk
WAIT_SECONDS = 60
STORE_BYTES = 256 << 20  # of Ray's objects, where we start it: requests and completions

log = logging.getLogger("libllm.experiments")


class Worker:
    """What runs in a process of its own, perhaps on another machine."""

    def __init__(self, path: str, options: Mapping[str, Any]) -> None:
        self.path, self.options = path, options

    def open(self) -> tuple[Identity, int, str]:
        """What results depend on here; the process; the machine."""
        from ray.util import get_node_ip_address

        self.engine = backend.open_engine(self.path, self.options)
        return self.engine.identity, os.getpid(), get_node_ip_address()

    def run(self, requests: Sequence[Request]) -> list[tuple[int, Completion]]:
        return sorted(self.engine.run(requests), key=lambda found: found[0])


OPENING, IDLE = -1, -2


@dataclass
class Hired:
    """A worker as the pool sees it. task: the chunk that it computes, OPENING or IDLE."""

    handle: Any
    number: int
    task: int = OPENING
    pid: int = 0
    machine: str = "a machine not known yet"

    def __str__(self) -> str:
        return f"worker {self.number} on {self.machine}"


class Pool:
    """Workers with one model."""

    def __init__(self, ray: Any, path: str, options: Mapping[str, Any], identity: Identity, n_workers: int | None):
        self.ray, self.path, self.identity = ray, os.path.abspath(os.path.expanduser(path)), identity
        cpus = [n for node in ray.nodes() if node["Alive"] for n in [int(node["Resources"].get("CPU", 0))] if n]
        n_workers, self.n_cpus = shares(cpus, n_workers, options.get("n_threads"))
        self.options = {**options, "n_threads": self.n_cpus}
        self.n_hired = 0
        self.busy: dict[Any, Hired] = {}
        self.workers: list[Hired] = []
        for _ in range(n_workers):
            self._hire()

    def _hire(self) -> None:
        made = self.ray.remote(Worker).options(num_cpus=self.n_cpus, max_restarts=0, scheduling_strategy="SPREAD")
        worker = Hired(made.remote(self.path, self.options), self.n_hired)
        self.n_hired += 1
        self.workers.append(worker)
        self.busy[worker.handle.open.remote()] = worker

    def close(self) -> None:
        for worker in self.workers:
            self.ray.kill(worker.handle)

    def run(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """The requests' places and what came of them, in their order."""
        size = min(MOST_REQUESTS, -(-len(requests) // (CHUNKS * len(self.workers))) or 1)
        chunks = [requests[i : i + size] for i in range(0, len(requests), size)]
        waiting, lost, first = list(range(len(chunks))), Counter[int](), 0
        done: dict[int, list[tuple[int, Completion]]] = {}
        while first < len(chunks):
            self._give(chunks, waiting, first + AHEAD * len(self.workers))
            for worker, found in self._ended():
                if found is None:
                    self._replace(worker, waiting, lost)
                elif worker.task != OPENING:
                    done[worker.task] = found
                worker.task = IDLE
            while first in done:
                yield from ((first * size + place, completion) for place, completion in done.pop(first))
                first += 1

    def _give(self, chunks: Sequence[Sequence[Request]], waiting: list[int], end: int) -> None:
        """Chunks before `end` to whoever is idle, the first ones first."""
        for worker in self.workers:
            if worker.task == IDLE and waiting and waiting[0] < end:
                worker.task = heapq.heappop(waiting)
                self.busy[worker.handle.run.remote(chunks[worker.task])] = worker

    def _ended(self) -> Iterator[tuple[Hired, Any]]:
        """Workers that have ended their task, with what came of it; None: they have died."""
        ready, _ = self.ray.wait(list(self.busy), timeout=WAIT_SECONDS)
        if not ready and all(worker.task == OPENING for worker in self.busy.values()):
            log.warning("executor ray: waiting for a worker with %d CPUs", self.n_cpus)
        for ref in ready:
            worker = self.busy.pop(ref)
            try:
                found = self.ray.get(ref)
            except self.ray.exceptions.RayActorError:
                yield worker, None
                continue
            except self.ray.exceptions.RayTaskError as e:
                raise ExperimentError(f"executor ray: {worker}: {told(getattr(e, 'cause', None) or e)}") from e
            if worker.task == OPENING:
                self._check(worker, *found)
            yield worker, found

    def _check(self, worker: Hired, identity: Identity, pid: int, machine: str) -> None:
        """Refuses a worker whose results might not be those of the machine that plans."""
        worker.pid, worker.machine = pid, machine
        for name, here in vars(self.identity).items():
            there = vars(identity)[name]
            if there != here:
                raise ExperimentError(
                    f"executor ray: {worker}: {name} of {self.path} is {there!r}, expected {here!r} as here: results "
                    "might differ"
                )

    def _replace(self, worker: Hired, waiting: list[int], lost: Counter[int]) -> None:
        """Another worker for one that has died; its chunk goes to whoever is idle first."""
        lost[worker.task] += 1
        log.warning("executor ray: %s (process %d) died; its chunk is computed again", worker, worker.pid)
        if lost[worker.task] == MOST_LOST:
            doing = "opening it" if worker.task == OPENING else f"computing chunk {worker.task} of its requests"
            raise ExperimentError(
                f"executor ray: {self.path}: {MOST_LOST} workers died {doing}, the last one {worker}; expected them to "
                "live: do they have memory enough?"
            )
        self.workers.remove(worker)
        self.ray.kill(worker.handle)  # it may only be out of reach
        if worker.task != OPENING:
            heapq.heappush(waiting, worker.task)
        self._hire()


def shares(cpus: Sequence[int], n_workers: int | None, n_threads: int | None) -> tuple[int, int]:
    """How many workers, and CPUs of each, on machines with these CPUs. If neither is said, as many CPUs as the smallest
    machine has: one worker for each machine where all are alike."""
    if n_threads:
        each = n_threads
    elif n_workers is None:
        each = min(cpus)
    else:
        each = next((e for e in range(max(cpus), 1, -1) if sum(n // e for n in cpus) >= n_workers), 1)
    room = sum(n // each for n in cpus)
    if room < (n_workers or 1):
        raise ExperimentError(
            f"executor ray: workers is {n_workers or 1} with {each} CPUs each, expected at most {room} on machines with "
            f"{', '.join(map(str, cpus))} CPUs"
        )
    return n_workers or room, each


@contextmanager
def cluster() -> Iterator[Any]:
    """Ray, with the cluster that it is connected to; or that RAY_ADDRESS names; or one of this machine alone, which
    ends with the block."""
    ray = need("ray", "ray", "executor ray")
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a library tells nobody that it is used
    own = {} if "RAY_ADDRESS" in os.environ else {"address": "local", "object_store_memory": STORE_BYTES}
    ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def pool(source: Any, options: Mapping[str, Any], identity: Identity, n_workers: int | None) -> Iterator[Pool]:
    """Workers for a model that has a path. identity: what they have to be alike in."""
    if not isinstance(source, str):
        raise ExperimentError(
            f"executor ray: models holds an open Model ({source.path}), expected its path: each worker opens it by itself"
        )
    with cluster() as ray:
        workers = Pool(ray, source, options, identity, n_workers)
        try:
            yield workers
        finally:
            workers.close()
