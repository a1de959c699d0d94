"""progress=: a bar, or a function of one's own, for loads, quantizations and batches."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from libllm._run import interruptible
from libllm.errors import Cancelled

T = TypeVar("T")
Progress = bool | Callable[[float], Any]
PART = 32  # items after which a call that cannot be looked into is told of


class Report:
    """What a call tells of the share that is done, 0 to 1; `user` is what progress= was given. As a function it is what
    the library calls: it answers -1 to be stopped."""

    def __init__(self, user: Progress | None, what: str, n: int | None = None, unit: str = "%"):
        self.failure: BaseException | None = None
        self._stopped = False
        self._bar: Any = None
        self._tell = user if callable(user) else None
        if user is True:
            self._n = 100 if n is None else n
            self._bar = _bar(desc=what, total=self._n, unit=unit)
            self._tell = self._show

    def _show(self, done: float) -> None:
        self._bar.update(round(done * self._n) - self._bar.n)

    def tell(self, done: float) -> None:
        """Tells who asked, whose exceptions go on."""
        if self._tell is not None:
            self._tell(done)

    def __call__(self, done: float) -> int:
        try:
            if not self._stopped:
                self.tell(done)
        except BaseException as error:
            self.failure, self._stopped = error, True
        return -1 if self._stopped else 0

    def stop(self) -> None:
        self._stopped = True

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *unused: Any) -> None:
        if self._bar is not None:
            self._bar.close()

    def run(self, call: Callable[[], T], wait: bool = True) -> T:
        """A call of the library that reports here."""
        try:
            with self:
                return interruptible(call, self.stop, wait)
        except Cancelled:
            if self.failure is not None:
                raise self.failure from None
            raise


def _bar(**options: Any) -> Any:
    try:
        tqdm = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        raise ImportError("progress=True needs tqdm (pip install tqdm), or give a function of the share done") from None
    return tqdm(**options)


def by_parts(items: Sequence[Any], progress: Progress | None, what: str, call: Callable[[Any], T]) -> list[T]:
    """call(items), or if its progress shall be seen, the calls of parts of them."""
    if not progress:
        return [call(items)]
    items = list(items)
    with Report(progress, what, len(items), "text") as report:
        found = []
        for begin in range(0, len(items) or 1, PART):
            found.append(call(items[begin : begin + PART]))
            report.tell(min(1.0, (begin + PART) / (len(items) or 1)))
    return found
