"""Computing what is missing of a grid and keeping it as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .errors import ExperimentError, need
from .grid import Completion, Grid, Request
from .store import Store

COMMIT_SECONDS = 1.0
BROKEN = ("context", "cancelled", "error", "none")


def missing(grid: Grid, store: Store) -> list[str]:
    """The keys of what is not in the store, in the order in which prompts share most."""
    known = store.known(grid.requests)
    return [key for key in grid.ordered() if key not in known]


Run = Callable[[Sequence[Request]], Iterator[tuple[int, Completion]]]


def compute(
    grid: Grid, keys: Sequence[str], store: Store, advance: Callable[[], object], run: Run | None = None
) -> None:
    """Runs these requests and keeps them at least every second; advance is called after each. run: what runs them, if
    not the grid's own engine."""
    requests = [grid.requests[key] for key in keys]
    done: list[tuple[str, Request, Completion]] = []
    kept_at = time.monotonic()
    try:
        for place, completion in (run or grid.engine.run)(requests):
            if completion.finish in BROKEN:
                raise ExperimentError(
                    f"{grid.engine.path}: the request for {requests[place].text[-60:]!r} ended with "
                    f"{completion.finish!r}, expected a whole completion"
                )
            done.append((keys[place], requests[place], completion))
            advance()
            if time.monotonic() - kept_at > COMMIT_SECONDS:
                store.add(done, grid.engine.identity)
                done, kept_at = [], time.monotonic()
    finally:  # Ctrl-C loses nothing either
        store.add(done, grid.engine.identity)


class Progress:
    """A bar with the time left. show None: where standard error is a terminal."""

    def __init__(self, total: int, show: bool | None) -> None:
        self.bar: Any = None
        if sys.stderr.isatty() if show is None else show:
            self.bar = need("tqdm", "tqdm", "the progress bar").tqdm(total=total, unit="request", dynamic_ncols=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def advance(self) -> None:
        if self.bar is not None:
            self.bar.update()
